# -*- coding: utf-8 -*-
"""The service with one outbox: nothing lost and nothing twice wherever it is killed, refusals found, limits of the outbox."""
from __future__ import absolute_import, division, print_function

import json
import os
import re
import shutil
import tempfile
import time
from collections import OrderedDict

import pytest
from components.generic.apis.ding_blueking.toolkit import drain, outbox, settings
from components.generic.apis.ding_blueking.toolkit.dingtalk import Verdict
from components.generic.apis.ding_blueking.toolkit.outbox import Outbox

MARK = re.compile(u"<([0-9]+)>")


class Killed(BaseException):
    """As kill -9 at this very operation."""


class Group(object):
    """DingTalk as a robot's outbox sees it: a msgUuid counts once."""

    person = False

    def __init__(self, answer=lambda text: Verdict("done", u"", {}, 0)):
        self.answer = answer
        self.accepted = OrderedDict()
        self.calls = []
        self.refuses_place = None

    def same(self, one, other):
        return one == other

    def place(self, receiver, user_id):
        return self.refuses_place

    def leave(self):
        pass

    def send(self, receiver, user_id, body):
        if isinstance(body, list):
            uuid, text = len(self.calls), json.loads(body[1])["content"]
        else:
            message = json.loads(body)
            uuid, text = message["msgUuid"], message["text"]["content"]
        self.calls.append((uuid, text))
        verdict = self.answer(text)
        if verdict.kind == "done" or verdict.data.get("arrived"):
            self.accepted.setdefault(uuid, text)
        return verdict

    def numbers(self):
        return [int(number) for text in self.accepted.values() for number in MARK.findall(text)]


class Person(Group):
    person = True


@pytest.fixture
def base():
    folder = tempfile.mkdtemp(prefix="ding-drain-")
    yield os.path.join(folder, "outbox")
    shutil.rmtree(folder, ignore_errors=True)


def entry(number, text=None, **more):
    return dict({"id": u"id%d" % number, "at": time.time(), "receiver": u"robot", "msg_key": u"text", "title": u"",
                 "text": text or u"<%d>" % number, "mobiles": [], "all": False}, **more)


def fill(box, *entries):
    for each in entries:
        box.append(each)


def make(box, target, **chosen):
    values = settings.read({settings.DING_PATH: dict(chosen, robot_window=1)})
    return drain.Drain(box, target, lambda: values)


def run(box, target, most=300, **chosen):
    """Steps, without their waits but those after a refusal, until nothing waits; the Drain."""
    worker = make(box, target, **chosen)
    for _ in range(most):
        wait = worker.step()
        if wait is None:
            return worker
        worker._state["last_sent"] = None
        if (worker._state["digest"] or {}).get("refused"):
            time.sleep(min(wait, 1.1))
        else:
            worker._pause_until = 0
    raise AssertionError("still %d wait after %d steps" % (worker.waiting(), most))


def counters(box):
    return box.read_json("state.json")["counters"]


def test_what_waits_is_sent_in_order_in_one_message_and_the_outbox_is_empty(base):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, *[entry(number) for number in range(20)])
    run(box, group)
    assert group.numbers() == list(range(20)) and len(group.calls) == 1
    assert box.waiting() == 0 and not [name for name in os.listdir(box.folder) if name.endswith(".log")]
    assert counters(box) == {"sent": 20, "digests": 1, "merged": 0, "dropped": 0, "dead": 0}


def test_repeats_are_told_once_wherever_they_wait(base):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, *[entry(number, u"<%d> %s" % (number % 4, u"x" * 3000)) for number in range(37)])
    run(box, group)
    assert group.numbers() == [0, 1, 2, 3] and counters(box)["merged"] == 33
    assert u"\xd710 <0>" in u"".join(group.accepted.values())


def test_an_unanswered_digest_is_repeated_unchanged_until_there_is_an_answer(base):
    box = Outbox(base, "robot-a")
    verdicts = [Verdict("uncertain", u"no answer", {"arrived": True}, 0), Verdict("busy", u"busy", {}, 0), Verdict("done", u"", {}, 0)]
    group = Group(lambda text: verdicts.pop(0))
    fill(box, *[entry(number) for number in range(3)])
    worker = make(box, group)
    assert worker.step() > 0
    fill(box, entry(7))
    while verdicts:
        worker.step()
    assert len(set(group.calls)) == 1 and len(group.calls) == 3 and group.numbers() == [0, 1, 2]


# Everything that changes a disk, and the call itself: before and after each of them the service is killed once.
OPERATIONS = ("rename", "unlink", "fsync", "write", "mkdir")


def scenario(base, killed_at, person=False):
    """Runs with one kill at the given operation, then to the end; whether there was an operation of that number."""
    box = Outbox(base, "person-a" if person else "robot-a")
    verdicts = [Verdict("refused", u"keyword", {"content": True}, 0), Verdict("uncertain", u"no answer", {"arrived": True}, 0)]
    group = (Person if person else Group)()
    count = [0]

    def operation():
        count[0] += 1
        if count[0] == killed_at:
            raise Killed()

    def answer(text):
        operation()
        known = group.calls[-1][0] in group.accepted
        verdict = verdicts.pop(0) if verdicts and not person and not known else Verdict("done", u"", {}, 0)
        if verdict.kind == "done" or verdict.data.get("arrived"):
            group.accepted.setdefault(group.calls[-1][0], text)
        operation()
        return verdict

    group.answer = answer
    fill(box, *[entry(number, user_id=u"u") for number in range(6)])
    fill(box, entry(6, u"<6>" + u"z" * 45000, user_id=u"u"), entry(7, user_id=u"u"))
    real = {name: getattr(os, name) for name in OPERATIONS}

    def breaking(name):
        def call(*arguments):
            operation()
            return real[name](*arguments)

        return call

    for name in OPERATIONS:
        setattr(outbox.os, name, breaking(name))
    hit = False
    try:
        run(box, group)
    except Killed:
        hit = True
    finally:
        for name in OPERATIONS:
            setattr(outbox.os, name, real[name])
    if hit:
        run(box, group)
    return hit, box, group


def test_killed_before_any_operation_it_loses_and_doubles_nothing(base):
    number = 0
    while True:
        number += 1
        shutil.rmtree(base, ignore_errors=True)
        hit, box, group = scenario(base, number)
        if not hit:
            break
        assert group.numbers() == list(range(8)), number
        assert box.waiting() == 0 and not box.dead() and box.takes() == [], number
        # A kill between DingTalk's answer and the note costs one more call, never another message.
        texts = list(group.accepted.values())
        assert len(texts) == len(set(texts)), number
    assert number > 40


def test_a_person_gets_nothing_twice_but_what_was_under_way_when_it_was_killed(base):
    number, hit = 0, True
    while hit:
        number += 1
        shutil.rmtree(base, ignore_errors=True)
        hit, box, person = scenario(base, number, person=True)
        assert sorted(set(person.numbers())) == list(range(8)), number
        doubled = [text for text in person.accepted.values() if list(person.accepted.values()).count(text) > 1]
        assert len(doubled) in (0, 2), number
    assert number > 30


def test_one_message_that_is_refused_for_good_is_found_and_all_others_arrive_in_order(base):
    box = Outbox(base, "robot-a")

    def answer(text):
        bad = u"<13>" in text
        return Verdict("refused" if bad else "done", u"DingTalk refused: errcode 430101" if bad else u"", {"content": True} if bad else {}, 0)

    group = Group(answer)
    fill(box, *[entry(number) for number in range(40)])
    run(box, group)
    assert group.numbers() == [number for number in range(40) if number != 13]
    assert [(each["id"], each["text"]) for each in box.dead()] == [(u"id13", u"<13>")] and "430101" in box.dead()[0]["reason"]
    assert counters(box)["dead"] == 1 and len(group.calls) <= 20


def test_a_robot_that_is_refused_is_tried_again_after_a_minute_and_then_its_message_is_dead(base):
    box, group = Outbox(base, "robot-a"), Group(lambda text: Verdict("refused", u"errcode 400013", {"receiver": True}, 0))
    fill(box, entry(0), entry(1))
    began = time.time()
    worker = make(box, group)
    assert 0.9 < worker.step() <= 1 and len(box.dead()) == 0
    # However often it is looked at, and by another service: a minute is a minute.
    assert 0 < worker.step() <= 1 and 0 < make(box, group).step() <= 1
    run(box, group)
    assert len(box.dead()) == 2 and len(group.calls) == 2 and box.waiting() == 0 and time.time() - began > 1


def test_the_same_text_for_two_receivers_dies_with_the_one_that_is_refused_only(base):
    box, group = Outbox(base, "robot-a"), Group()
    group.place = lambda receiver, user_id: Verdict("refused", u"is no BlueKing user", {"receiver": True}, 0) if receiver == u"gone" else None
    fill(box, entry(1, u"<1> disk full", receiver=u"gone"), entry(2, u"<1> disk full", receiver=u"there"), entry(3, receiver=u"there"))
    run(box, group)
    assert group.numbers() == [1, 3] and [letter["receiver"] for letter in box.dead()] == [u"gone"]


def test_what_a_busy_dingtalk_answers_is_not_asked_again_before_its_time(base):
    box, group = Outbox(base, "robot-a"), Group(lambda text: Verdict("busy", u"errcode -1", {}, 0))
    fill(box, entry(0))
    worker = make(box, group)
    waits = [worker.step() for _ in range(5)]
    assert waits[0] == 1 and all(0 < wait <= 1 for wait in waits[1:]) and len(group.calls) == 1
    worker._pause_until = 0
    assert worker.step() == 2 and len(group.calls) == 2


def test_a_refusal_that_nobody_knows_costs_the_one_message_that_it_is_about(base):
    box = Outbox(base, "person-a")

    def answer(text):
        bad = u"<13>" in text
        return Verdict("refused" if bad else "done", u"HTTP 400 strange.code" if bad else u"", {}, 0)

    person = Person(answer)
    fill(box, *[entry(number, user_id=u"u") for number in range(40)])
    run(box, person)
    assert person.numbers() == [number for number in range(40) if number != 13]
    assert [each["id"] for each in box.dead()] == [u"id13"] and len(person.calls) <= 25


def test_a_call_whose_refusal_is_known_is_no_uncertain_one_for_the_next_service(base):
    box, person = Outbox(base, "person-a"), Person(lambda text: Verdict("refused", u"wrong app secret", {"app": True}, 0))
    fill(box, entry(0, user_id=u"u"))
    for _ in range(4):
        make(box, person).step()
    assert len(person.calls) == 4 and not box.dead() and box.waiting() == 1


def test_a_wrong_setting_costs_no_message(base):
    box, group = Outbox(base, "robot-a"), Group(lambda text: Verdict("refused", u"proxy", {"app": True}, 0))
    fill(box, entry(0))
    worker = make(box, group)
    assert all(59 < wait <= 60 for wait in [worker.step() for _ in range(3)]) and len(group.calls) == 1
    assert not box.dead() and box.waiting() == 1


def test_a_blocked_robot_is_waited_for_as_told(base):
    box, group = Outbox(base, "robot-a"), Group()
    group.refuses_place = Verdict("held", u"blocked", {}, 421.0)
    fill(box, entry(0))
    worker = make(box, group)
    assert worker.step() == 421.0 and not group.calls
    # What comes meanwhile goes into the same digest.
    fill(box, entry(1))
    group.refuses_place = None
    worker.step()
    assert group.numbers() == [0, 1] and len(group.calls) == 1


def test_a_digest_that_dingtalk_finds_too_large_becomes_smaller(base):
    box = Outbox(base, "robot-a")
    group = Group(lambda text: Verdict("too_large" if len(text) > 6000 else "done", u"460101", {}, 0))
    fill(box, *[entry(number, u"<%d> %s" % (number, u"x" * 1000)) for number in range(15)])
    run(box, group)
    assert group.numbers() == list(range(15)) and not box.dead()
    # What was too large need not be for ever.
    group.answer = lambda text: Verdict("done", u"", {}, 0)
    for number in range(15, 18):
        fill(box, entry(number))
        run(box, group)
    assert box.read_json("state.json")["limit"] == 0


def test_a_message_of_its_own_that_is_too_large_is_cut_anew_or_dead_and_no_other_suffers(base):
    box = Outbox(base, "robot-a")
    group = Group(lambda text: Verdict("too_large" if len(text) > 6000 else "done", u"460101", {}, 0))
    fill(box, entry(0, u"<0> " + u"y" * 15000, alone=True, limit=20000, **{"from": 0}))
    run(box, group)
    assert group.numbers() == [0] and sum(text.count(u"y") for text in group.accepted.values()) == 15000 and not box.dead()


def test_what_was_given_up_is_told_also_when_the_next_text_is_refused(base):
    box = Outbox(base, "robot-a")

    def answer(text):
        bad = u"<7>" in text
        return Verdict("refused" if bad else "done", u"DingTalk refused: errcode 430101" if bad else u"", {"content": True} if bad else {}, 0)

    group = Group(answer)
    fill(box, *[entry(number) for number in range(8)])
    run(box, group, outbox_max=1)
    assert [each["id"] for each in box.dead()] == [u"id7"]
    assert any(u"7 older messages were given up" in text for text in group.accepted.values())


def test_a_state_that_cannot_be_read_for_a_moment_is_not_taken_for_none(base, monkeypatch):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, *[entry(number) for number in range(3)])
    worker = make(box, group)
    worker.step()
    fill(box, entry(3))
    opened = outbox.io.open

    def failing(path, *arguments, **named):
        if str(path).endswith("state.json"):
            raise IOError(24, "Too many open files")
        return opened(path, *arguments, **named)

    monkeypatch.setattr(outbox.io, "open", failing)
    with pytest.raises(EnvironmentError):
        make(box, group).step()
    monkeypatch.setattr(outbox.io, "open", opened)
    run(box, group)
    assert group.numbers() == [0, 1, 2, 3]


def test_above_outbox_max_the_oldest_are_given_up_and_a_digest_says_how_many(base):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, *[entry(number) for number in range(50)])
    run(box, group, outbox_max=30)
    assert group.numbers() == list(range(20, 50)) and counters(box)["dropped"] == 20
    assert list(group.accepted.values())[0].startswith(u"20 older messages were given up")


def test_what_is_too_old_is_given_up_and_told_also_when_nothing_else_waits(base):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, *[entry(number, at=time.time() - 2 * 3600) for number in range(3)])
    run(box, group, outbox_hours=1)
    assert [text[:30] for text in group.accepted.values()] == [u"3 older messages were given up"]
    assert box.waiting() == 0 and box.takes() == []


def test_a_message_that_a_worker_has_begun_is_gone_on_with_by_itself(base):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, entry(0), entry(1, u"<1>" + u"z" * 30000, alone=True, limit=20000, **{"from": 1}), entry(2))
    run(box, group)
    assert len(group.calls) == 3 and group.calls[1][1].startswith(u"(2/2)") and group.numbers() == [0, 2]


@pytest.mark.parametrize("mode, calls, dead", [("repeat", 2, 1), ("report", 1, 1)])
def test_a_person_gets_an_unanswered_message_once_more_at_most(base, mode, calls, dead):
    box, person = Outbox(base, "person-a"), Person(lambda text: Verdict("uncertain", u"no answer", {}, 0))
    fill(box, entry(0, user_id=u"u"))
    run(box, person, on_uncertain=mode)
    assert len(person.calls) == calls and len(box.dead()) == dead and u"uncertain" in box.dead()[0]["reason"]


def test_an_entry_that_lacks_what_sending_needs_is_a_dead_letter_and_harms_no_other(base):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, entry(0), {"rubbish": 1}, dict(entry(2), text=None), dict(entry(3), mobiles=u"x"), entry(4))
    run(box, group)
    assert group.numbers() == [0, 4] and len(box.dead()) == 3 == counters(box)["dead"]


@pytest.mark.parametrize("state", [[], {"first": u"x"}, {"digest": {"bodies": []}}, 5, {"counters": None}, u"text"])
def test_a_state_that_is_none_starts_anew_and_loses_nothing(base, state):
    box, group = Outbox(base, "robot-a"), Group()
    fill(box, entry(0), entry(1))
    box.write_json("state.json", state)
    run(box, group)
    assert group.numbers() == [0, 1]


def test_the_shown_state_tells_what_waits_and_the_last_error(base):
    box, group = Outbox(base, "robot-a"), Group()
    group.refuses_place = Verdict("busy", u"user management could not be asked", {}, 0)
    fill(box, entry(0, at=12345.0 + time.time()))
    make(box, group).step()
    shown = box.read_json("status.json")
    assert shown["receivers"] == [u"robot"] and shown["oldest"] and shown["last_error"] == u"user management could not be asked"
