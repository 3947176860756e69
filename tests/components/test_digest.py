# -*- coding: utf-8 -*-
"""Digests: every text once and in order, repeats counted, mentions kept, never above DingTalk's limit."""
from __future__ import absolute_import, division, print_function

import itertools
import json

import pytest
from components.generic.apis.ding_blueking.toolkit import digest, messages

LIMIT = messages.GROUP_LIMIT
DAY = 1700000000


def item(text, count=1, at=DAY, **more):
    entry = {"id": u"id-" + text[:20], "at": at, "receiver": u"r", "msg_key": u"text", "title": u"T", "text": text, "mobiles": [], "all": False}
    entry.update(more)
    return digest.Item(entry, count, at, at + (60 if count > 1 else 0))


def build(items, limit=LIMIT, **more):
    numbers = itertools.count()
    return digest.build(iter(items), limit, lambda: u"uuid%d" % next(numbers), **more)


def shown(body):
    body = json.loads(body.decode("utf-8"))
    return body[body["msgtype"]].get("content") or body["markdown"]["text"]


def test_one_message_is_sent_as_it_would_have_been_at_once():
    made = build([item(u"alone")])
    assert made.used == 1 and [shown(body) for body in made.bodies] == [u"alone"]


def test_the_head_tells_how_many_of_which_titles_and_when():
    items = [item(u"a", 37, title=u"Disk"), item(u"b", title=u"CPU"), item(u"c", at=DAY + 5, title=u"")]
    line = shown(build(items).bodies[0]).split(u"\n")[0]
    first, last = digest.clock(DAY), digest.clock(DAY + 60)
    assert line.startswith(u"39 messages waited, ") and u"%s \u2013 %s" % (first, last) in line
    assert line.endswith(u"3 of them different: Disk \xd737, CPU")


def test_texts_come_once_each_in_order_with_how_often():
    text = shown(build([item(u"first"), item(u"second", 37), item(u"third")]).bodies[0])
    assert [text.count(word) for word in (u"first", u"second", u"third")] == [1, 1, 1]
    assert text.index(u"first") < text.index(u"second") < text.index(u"third")
    assert u"%s \xd737 second" % digest.clock(DAY) in text


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
@pytest.mark.parametrize("text", [u"x" * 90, u"\u4e2d\u6587 \"quoted\" \\ \n" * 30, u"\U0001f600" * 400, u"y" * 3000])
def test_a_digest_is_within_the_limit_and_nearly_full(msg_key, text):
    items = [item(u"<%d> %s" % (number, text), msg_key=msg_key, title=u"title %d" % number) for number in range(400)]
    made = build(items)
    assert made.used < 400 and len(made.bodies) == 1
    size = len(made.bodies[0])
    assert size <= LIMIT - messages.MARGIN
    assert size + len(items[0].entry["text"].encode("utf-8")) * 2 + 200 > LIMIT - messages.MARGIN
    text = shown(made.bodies[0])
    assert all(u"<%d>" % number in text for number in range(made.used)) and u"<%d>" % made.used not in text


def test_a_message_above_the_limit_stands_alone_in_parts_of_its_own():
    long_one = item(u"z" * 50000)
    assert build([item(u"a"), long_one]).used == 1
    made = build([long_one, item(u"b")])
    assert made.used == 1 and len(made.bodies) == 3 and all(len(body) <= LIMIT for body in made.bodies)
    assert len(set(json.loads(body.decode("utf-8"))["msgUuid"] for body in made.bodies)) == 3
    repeated = build([item(u"z" * 50000, 3)])
    assert shown(repeated.bodies[0]).startswith(u"(1/3)\n3 messages waited")


def test_mentions_survive_and_never_exceed_dingtalks_fifty():
    items = [item(u"call %d" % number, mobiles=[u"138%08d" % (number * 20 + extra) for extra in range(20)]) for number in range(5)]
    made = build(items)
    assert made.used == 2
    body = json.loads(made.bodies[0].decode("utf-8"))
    assert len(body["at"]["atMobiles"]) == 40
    assert all(u"@" + mobile in body["text"]["content"] for mobile in body["at"]["atMobiles"])
    assert json.loads(build([item(u"a"), item(u"b", all=True)]).bodies[0].decode("utf-8"))["at"]["isAtAll"] is True


@pytest.mark.parametrize("first, kind", [("text", "text"), ("markdown", "markdown")])
def test_text_and_markdown_are_merged_into_what_came_first(first, kind):
    other = "markdown" if first == "text" else "text"
    made = build([item(u"one", msg_key=first), item(u"two", msg_key=other)])
    body = json.loads(made.bodies[0].decode("utf-8"))
    assert made.used == 2 and body["msgtype"] == kind and u"one" in shown(made.bodies[0]) and u"two" in shown(made.bodies[0])


def test_what_was_given_up_is_told_first_also_when_nothing_else_waits():
    dropped = {"count": 12, "first": DAY, "last": DAY + 5}
    assert shown(build([item(u"a")], dropped=dropped).bodies[0]).startswith(u"12 older messages were given up")
    alone = build([], dropped=dropped)
    assert alone.used == 0 and u"12 older messages" in shown(alone.bodies[0])
    assert build([]) is None


def test_a_message_that_a_worker_has_begun_goes_on_with_the_same_parts():
    entry = item(u"z" * 50000, alone=True, limit=LIMIT).entry
    whole = build([digest.Item(entry, 1, DAY, DAY)]).bodies
    assert build([digest.Item(dict(entry, **{"from": 1}), 1, DAY, DAY), item(u"b")]).bodies == whole[1:]
    assert build([item(u"a"), digest.Item(entry, 1, DAY, DAY)]).used == 1
    same = messages.parts_for_group("text", {"title": u"T", "text": entry["text"]}, None, LIMIT,
                                    lambda number: messages.part_uuid(entry["id"], LIMIT, number))
    assert same == whole


def test_the_same_text_has_the_same_identity_unless_it_mentions_others_or_has_begun():
    one = item(u"a").entry
    assert digest.identity(one) == digest.identity(dict(one, id=u"other", at=5, receiver=u"s"))
    for more in ({"mobiles": [u"1"]}, {"all": True}, {"title": u"U"}, {"msg_key": u"markdown"}, {"alone": True}):
        assert digest.identity(one) != digest.identity(dict(one, **more))


def test_digests_of_people_fit_what_one_to_one_messages_take():
    made = build([item(u"<%d> %s" % (number, u"p" * 200)) for number in range(200)], messages.PERSON_LIMIT, person=True)
    assert 50 < made.used < 200 and made.bodies[0][0] == u"sampleText" and len(made.bodies[0][1].encode("utf-8")) <= messages.PERSON_LIMIT
