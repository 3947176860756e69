# -*- coding: utf-8 -*-
"""A request that queues on a disk that fails or hangs: nothing is sent twice, and nothing is refused that may be stored."""
from __future__ import absolute_import, division, print_function

import errno
import os
import shutil
import threading
import time

import pytest
from components.generic.apis.ding_blueking import __version__
from components.generic.apis.ding_blueking.toolkit import delivery, heartbeat, messages, outbox, overflow, receivers, settings
from components.generic.apis.ding_blueking.toolkit.dingtalk import Verdict
from components.generic.apis.ding_blueking.toolkit.names import monotonic
from components.generic.apis.ding_blueking.toolkit.outbox import Outbox
from components.generic.apis.ding_blueking.toolkit.secret import Secret
from components.generic.apis.ding_blueking.toolkit.store import store

TOKEN, SIGN = Secret(u"not-a-real-token-0123456789"), Secret(u"SECnotreal")
ROBOT, PERSON = receivers.Receiver(u"robot", "robot", u"", u"", TOKEN, SIGN, u""), receivers.person(u"ann", user_id=u"u1")
MESSAGE = {"title": u"", "text": u"the alarm"}


class Client(object):
    """DingTalk, to which everything goes through."""

    def __init__(self):
        self.calls = []

    def scrub(self, text):
        return text

    def is_connected(self, groups):
        return False

    def token(self):
        return Verdict("done", u"", {}, 0)

    def known_user_ids(self, mobiles):
        return {}

    def turn(self, api, until):
        return None

    def send_to_group(self, *arguments):
        self.calls.append(arguments)
        return Verdict("done", u"", {}, 0)

    def send_to_people(self, *arguments):
        self.calls.append(arguments)
        return Verdict("done", u"", {"refused": {}, "slow": []}, 0)


@pytest.fixture
def base():
    """The folder of all outboxes; a service seems to run."""
    made = store.lasting_folder()
    shutil.rmtree(os.path.join(made, outbox.FOLDER), ignore_errors=True)
    heartbeat.write(made, {"version": __version__, "format": heartbeat.FORMAT, "pid": 1, "time": time.time()})
    yield os.path.join(made, outbox.FOLDER)
    shutil.rmtree(os.path.join(made, outbox.FOLDER), ignore_errors=True)
    os.unlink(os.path.join(made, heartbeat.NAME))


def deliver(robots, people, client, seconds=2.0):
    """The receivers' one Outcome."""
    values = settings.read({settings.DING_PATH: {"robot_window": 600, "deadline": 1}})
    looked = overflow.Overflow(values)
    assert looked.queues, looked.problem
    person = dict(MESSAGE, msg_key=u"text")
    made = delivery.Delivery(
        client, values, monotonic(), monotonic() + seconds,
        lambda limit, identity: messages.parts_for_group(u"text", MESSAGE, None, limit, lambda number: messages.part_uuid(identity, limit, number)),
        lambda limit: messages.parts_for_people(u"text", MESSAGE, limit), looked, {"robot": dict(person, mobiles=[], all=False), "person": person})
    (outcome,) = made.send(robots, people).values()
    return outcome


def waits(box):
    box.append({"id": u"first", "at": time.time(), "receiver": u"x", "msg_key": u"text", "title": u"", "text": u"the first", "mobiles": [], "all": False})
    return box


def texts(box):
    box.take(1)
    return [entry["text"] for number in box.takes() for dummy, entry, line in box.scan(number)]


CASES = [([ROBOT], [], overflow.robot_key(TOKEN.fingerprint())), ([], [PERSON], overflow.person_key(u"u1"))]


@pytest.mark.parametrize("robots, people, key", CASES)
def test_what_may_be_stored_although_the_disk_failed_is_uncertain_and_nobody_else_sends_it(base, monkeypatch, robots, people, key):
    box, client, real = waits(Outbox(base, key)), Client(), os.fsync

    def broken(descriptor):
        if not os.path.isdir("/proc/self/fd/%d" % descriptor):
            raise OSError(errno.EIO, "Input/output error")
        return real(descriptor)

    monkeypatch.setattr(outbox.os, "fsync", broken)
    outcome = deliver(robots, people, client)
    monkeypatch.undo()
    assert (outcome.outcome, outcome.uncertain) == ("uncertain", True) and u"the outbox's disk failed" in outcome.reason
    assert client.calls == [] and texts(box) == [u"the first", u"the alarm"]


@pytest.mark.parametrize("robots, people, key", CASES)
def test_what_is_stored_behind_the_deadline_is_uncertain(base, monkeypatch, robots, people, key):
    box, client, real, answered, ended = waits(Outbox(base, key)), Client(), os.fsync, threading.Event(), threading.Event()

    def slow(descriptor):
        answered.wait(20)
        real(descriptor)
        ended.set()

    monkeypatch.setattr(outbox.os, "fsync", slow)
    outcome = deliver(robots, people, client)
    answered.set()
    assert ended.wait(20)
    monkeypatch.undo()
    assert (outcome.outcome, outcome.uncertain) == ("uncertain", True) and u"while it was being queued" in outcome.reason
    assert client.calls == [] and texts(box) == [u"the first", u"the alarm"]


def test_a_full_disk_is_a_clear_refusal_for_a_robot_and_a_call_for_a_person(base, monkeypatch):
    boxes, client, real = [waits(Outbox(base, key)) for dummy, dummy, key in CASES], Client(), os.write

    def full(descriptor, data):
        if b"the alarm" in data:
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(outbox.os, "write", full)
    robot, person = deliver([ROBOT], [], client), deliver([], [PERSON], client)
    monkeypatch.undo()
    assert (robot.outcome, robot.uncertain) == ("refused", False) and u"the outbox cannot be written: No space left" in robot.reason
    assert (person.outcome, person.uncertain) == ("sent", False) and len(client.calls) == 1
    assert [texts(box) for box in boxes] == [[u"the first"], [u"the first"]]
