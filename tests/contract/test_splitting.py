"""Contents beyond DingTalk's limits: numbered parts, in order, nothing lost, nothing cut in half."""

import re

import pytest

from contractkit.services import BATCH, SEND

TOO_LARGE = ("460101", "101002")


@pytest.fixture(params=["robot", "person"])
def receiver(request, world):
    return getattr(world, request.param)()


def parts_of(esb, dingtalk, receiver, content, at_least=2, **fields):
    """Send and return the texts that arrived; no call may have been refused."""
    answer = esb.send_ding([receiver], content, **fields)
    assert answer.ok, answer
    calls = dingtalk.calls(SEND, token=receiver.token) if hasattr(receiver, "token") else dingtalk.calls(
        BATCH, userid=receiver.userid)
    assert [call["errcode"] for call in calls if str(call["errcode"]) not in ("0", "None")] == []
    texts = dingtalk.texts(receiver)
    assert len(texts) == len(calls) >= at_least
    return texts


def assert_numbered(texts):
    for number, text in enumerate(texts, 1):
        assert re.search(r"(?<!\d)%d ?/ ?%d(?!\d)" % (number, len(texts)), text), (number, text[:80], text[-80:])


@pytest.mark.servers
def test_30000_chinese_characters_arrive_complete_in_numbered_parts(receiver, esb, dingtalk):
    content = "".join(chr(0x4E00 + number % 20000) for number in range(30000))
    texts = parts_of(esb, dingtalk, receiver, content)
    assert_numbered(texts)
    assert "".join(re.findall("[\u4e00-\u9fff]", "".join(texts))) == content


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
def test_lines_stay_whole_and_in_order(msg_key, receiver, esb, dingtalk):
    lines = ["line-%05d %s" % (number, "磁盘" * 20) for number in range(600)]
    texts = parts_of(esb, dingtalk, receiver, "\n".join(lines), msg_key=msg_key, title="Report")
    assert_numbered(texts)
    assert re.findall(r"line-\d{5} (?:磁盘){20}(?=\s|$)", "\n".join(texts)) == lines


def test_a_word_longer_than_the_limit_is_cut_between_characters(receiver, esb, dingtalk):
    content = "x" * 45000
    texts = parts_of(esb, dingtalk, receiver, content)
    assert_numbered(texts)
    assert "".join(texts).count("x") == len(content)


def test_four_byte_characters_are_never_cut(receiver, esb, dingtalk):
    texts = parts_of(esb, dingtalk, receiver, "\U0001F600" * 12000)
    assert "".join(texts).count("\U0001F600") == 12000 and "\ufffd" not in "".join(texts)


@pytest.mark.parametrize("msg_key,link", [
    ("markdown", "[the whole report of today](https://example.com/%d/" + "segment/" * 20 + "?a=1&b=2)"),
    ("text", "https://example.com/%d/" + "segment/" * 20 + "?a=1&b=2"),
])
def test_links_are_never_cut(msg_key, link, receiver, esb, dingtalk):
    links = [link % number for number in range(250)]
    texts = parts_of(esb, dingtalk, receiver, " ".join(links), msg_key=msg_key, title="Links")
    for each in links:
        assert sum(each in text for text in texts) == 1, each


def test_html_links_are_never_cut(receiver, esb, dingtalk):
    urls = ["https://example.com/%d/%s" % (number, "segment/" * 20) for number in range(250)]
    html = "".join('<a href="%s">link</a>' % url for url in urls)
    texts = parts_of(esb, dingtalk, receiver, html, msg_key="markdown", title="Links")
    for url in urls:
        assert sum("[link](%s)" % url in text for text in texts) == 1, url


def test_characters_that_json_escapes_count_with_their_escapes(receiver, esb, dingtalk):
    content = "\"\\\t" * 6500
    texts = parts_of(esb, dingtalk, receiver, content)
    assert "".join(texts).count("\"") == "".join(texts).count("\\") == 6500


def test_a_content_just_below_the_limit_is_one_message_without_a_number(receiver, esb, dingtalk):
    content = "x" * 14000
    assert parts_of(esb, dingtalk, receiver, content, at_least=1) == [content]


def test_a_long_title_alone_does_not_break_the_limit(receiver, esb, dingtalk):
    answer = esb.send_ding([receiver], "body", title="标题" * 12000, msg_key="markdown")
    assert answer.status == 200
    assert answer.ok == bool(dingtalk.messages(receiver)), answer
    answer = esb.send_ding([receiver], "body", title="标题" * 12000)
    assert answer.status == 200 and (answer.ok or answer.reason(receiver)), answer


def test_mentions_survive_splitting_within_the_limit(esb, dingtalk, world):
    bot, one = world.robot(), world.person()
    texts = parts_of(esb, dingtalk, bot, "磁盘 " * 6000, at_mobiles=one.mobile)
    mentioned = [message for message in dingtalk.messages(bot) if (message["at"] or {}).get("atMobiles")]
    assert mentioned and all("@" + one.mobile in message["text"] for message in mentioned)
    assert any("@" + one.mobile in text for text in texts)


@pytest.mark.parametrize("kind", ["robot", "person"])
def test_a_receiver_with_one_refused_part_does_not_count_as_sent(kind, esb, dingtalk, world):
    receiver = getattr(world, kind)()
    if kind == "robot":
        dingtalk.fault(SEND, {"errcode": 430101, "errmsg": "unsafe"}, skip=1, token=receiver.token)
    else:
        refusal = {"status": 400, "body": {"code": "invalidParameter.msgParam.invalid", "message": "unsafe"}}
        dingtalk.fault(BATCH, refusal, skip=1, userid=receiver.userid)
    answer = esb.send_ding([receiver], "磁" * 12000)
    assert answer.invalid == [receiver.name] and answer.row(receiver)["sent"] is False, answer
    assert "unsafe" in answer.reason(receiver), answer


def test_parts_go_out_in_order_to_many_receivers_at_once(esb, dingtalk, world):
    bots, people = world.robots(3), world.people(25)
    content = "\n".join("line-%05d %s" % (number, "x" * 100) for number in range(400))
    answer = esb.send_ding(bots + people, content)
    assert answer.ok, answer
    for receiver in bots + people:
        found = re.findall(r"line-(\d{5})", "".join(dingtalk.texts(receiver)))
        assert found == ["%05d" % number for number in range(400)]
