# -*- coding: utf-8 -*-
"""The service as a process: one on a host, its heartbeat, its ends; and what workers make of it."""
from __future__ import absolute_import, division, print_function

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from components.generic.apis.ding_blueking import __version__
from components.generic.apis.ding_blueking.toolkit import heartbeat, outbox, overflow, receivers, service, settings, status, targets
from components.generic.apis.ding_blueking.toolkit.secret import Secret
from components.generic.apis.ding_blueking.toolkit.store import store

PACKAGE = os.path.join(os.getcwd(), "components", "generic", "apis", "ding_blueking")
TOKEN = Secret(u"not-a-real-token-0123456789")


@pytest.fixture
def folder():
    """The channel's own folder, without a heartbeat and without outboxes."""
    made = store.lasting_folder()

    def clear():
        shutil.rmtree(os.path.join(made, outbox.FOLDER), ignore_errors=True)
        if os.path.exists(os.path.join(made, heartbeat.NAME)):
            os.unlink(os.path.join(made, heartbeat.NAME))

    clear()
    yield made
    clear()


@pytest.fixture
def start():
    """start(*words): the service, stopped at the end."""
    started = []

    def run(*words):
        started.append(subprocess.Popen([sys.executable, os.path.join(PACKAGE, "_service.py")] + list(words), cwd="/"))
        return started[-1]

    yield run
    for process in started:
        if process.poll() is None:
            process.kill()
            process.wait()


def wait(condition, seconds=40):
    limit = time.time() + seconds
    while not condition():
        assert time.time() < limit, "not within %d s" % seconds
        time.sleep(0.05)


def ends(process, seconds=40):
    wait(lambda: process.poll() is not None, seconds)
    return process.returncode


def lives():
    return not heartbeat.problem()


def test_it_gives_signs_of_life_and_ends_when_it_is_told_to(folder, start):
    process = start()
    wait(lives)
    beat = heartbeat.read()
    assert (beat["version"], beat["pid"], beat["format"]) == (__version__, process.pid, heartbeat.FORMAT)
    wait(lambda: heartbeat.read()["time"] > beat["time"])
    process.send_signal(signal.SIGTERM)
    assert ends(process) == 0
    # Its successor is expected within seconds: a restart of the service has nothing refused.
    assert lives()


def test_a_second_one_ends_at_once_and_a_killed_one_leaves_no_lock(folder, start):
    first = start()
    wait(lives)
    assert ends(start()) == 3 and first.poll() is None
    first.kill()
    first.wait()
    second = start()
    wait(lambda: (heartbeat.read() or {}).get("pid") == second.pid)


def test_with_once_it_ends_when_nothing_waits_and_says_when_something_is_left(folder, start):
    assert ends(start("--once")) == 0
    box = outbox.Outbox(os.path.join(folder, outbox.FOLDER), "robot-0123")
    box.append({"id": u"a", "at": time.time(), "receiver": u"nobody", "msg_key": u"text", "title": u"", "text": u"x"})
    # User management is not there, so the robot cannot be looked up.
    assert ends(start("--once", "--seconds", "3")) == 4
    assert box.waiting() == 1


def test_it_ends_by_itself_when_its_package_is_replaced(folder, start):
    process = start()
    wait(lives)
    staged = tempfile.mkdtemp(dir=os.path.dirname(os.path.dirname(PACKAGE)))
    try:
        shutil.copytree(PACKAGE, os.path.join(staged, "new"))
        os.rename(PACKAGE, os.path.join(staged, "old"))
        os.rename(os.path.join(staged, "new"), PACKAGE)
        assert ends(process) == 75
    finally:
        shutil.rmtree(staged)


def test_nothing_is_queued_for_a_service_whose_package_is_gone(folder, start):
    process = start()
    wait(lives)
    aside = tempfile.mkdtemp(dir=os.path.dirname(os.path.dirname(PACKAGE)))
    try:
        os.rename(PACKAGE, os.path.join(aside, "old"))
        assert ends(process) == 75 and u"does not run" in heartbeat.problem()
    finally:
        os.rename(os.path.join(aside, "old"), PACKAGE)
        shutil.rmtree(aside)


def test_it_does_not_start_without_the_esbs_settings(start, monkeypatch, capfd):
    monkeypatch.setenv("BK_ENV", "no_such_environment")
    assert ends(start()) == 1
    assert "cannot be loaded" in capfd.readouterr()[1]


def test_one_outbox_that_cannot_be_worked_on_harms_no_other_and_not_the_service(folder, start):
    base = os.path.join(folder, outbox.FOLDER)
    bad, good = outbox.Outbox(base, "robot-bad"), outbox.Outbox(base, "robot-good")
    for box in (bad, good):
        box.append({"id": u"a", "at": time.time() - 10 * 86400, "receiver": u"nobody", "msg_key": u"text", "title": u"", "text": u"x"})
    # A folder where a file has to be: whatever the service does with it fails.
    os.mkdir(bad.path("state.json"))
    start()
    wait(lambda: (good.read_json("status.json") or {}).get("dropped") == 1)
    wait(lives)


class Rests(object):
    """A drain whose next step would be in half a minute, or that is in a call until `release`."""

    def __init__(self, key, turns, release=None):
        self._key, self._turns, self._release = key, turns, release

    def step(self):
        self._turns.append(self._key)
        if self._release is not None:
            self._release.wait(20)
        return 30

    def waiting(self):
        return 1

    def leave(self):
        pass


@pytest.mark.parametrize("in_calls", [False, True])
def test_however_many_people_wait_robots_have_their_turn(folder, in_calls):
    made = service.Service(folder, PACKAGE)
    made._settings = settings.read({})
    turns, release = [], threading.Event()

    def new_drain(key):
        drain = Rests(key, turns, release if in_calls and key.startswith("person-") else None)
        return drain, drain

    made._new_drain = new_drain
    people = ["person-%03d" % number for number in range(100)]
    for key in people + ["robot-a", "robot-b"]:
        box = outbox.Outbox(os.path.join(folder, outbox.FOLDER), key)
        box.append({"id": u"a", "at": time.time(), "receiver": u"nobody", "msg_key": u"text", "title": u"", "text": u"x"})
    try:
        limit = time.time() + 20
        while not set(turns) >= ({"robot-a", "robot-b"} if in_calls else set(people) | {"robot-a", "robot-b"}):
            assert time.time() < limit, sorted(set(turns))
            made._start_threads()
            time.sleep(0.01)
        assert len(made._threads) <= 64 and len(turns) == len(set(turns))
    finally:
        release.set()
        for thread in list(made._threads.values()):
            thread.join(20)


@pytest.mark.parametrize("answers", [True, False])
def test_a_heartbeat_that_has_an_answer_of_redis_ends_the_pause_after_a_failure(folder, monkeypatch, answers):
    """Else the service knows for half a minute nothing of a robot's block that another host was told of."""
    made = service.Service(folder, PACKAGE)
    made._settings = settings.read({})
    monkeypatch.setattr(made, "_read_settings", lambda: None)
    monkeypatch.setattr(service.Window, "probe", lambda _: answers)
    monkeypatch.setattr(store._redis, "_paused_until", time.time() + 1e9)
    made._beat()
    assert (store._redis._paused_until == 0) is answers


def test_an_outbox_that_fails_in_the_middle_gives_its_place_back(folder):
    made = service.Service(folder, PACKAGE)
    left = []

    class Breaks(Rests):
        def step(self):
            raise EnvironmentError(28, "No space left on device")

        def leave(self):
            left.append(self._key)

    made._new_drain = lambda key: (Breaks(key, []), Breaks(key, []))
    made._work("robot-full")
    assert left == ["robot-full"] and made._not_before["robot-full"] > 0


def test_where_no_thread_can_be_started_the_service_goes_on(folder, monkeypatch):
    made = service.Service(folder, PACKAGE)
    made._settings = settings.read({})
    for number in range(3):
        outbox.Outbox(os.path.join(folder, outbox.FOLDER), "robot-%d" % number).append({"at": time.time()})
    begun, real = [], threading.Thread.start

    def start(thread):
        if begun:
            raise RuntimeError("can't start new thread")
        begun.append(thread.name)
        real(thread)

    made._new_drain = lambda key: (Rests(key, []), Rests(key, []))
    monkeypatch.setattr(service.threading.Thread, "start", start)
    made._start_threads()
    monkeypatch.undo()
    assert begun == ["robot-0"] and "robot-1" not in made._threads
    monkeypatch.setattr(service, "AGAIN_AFTER", 0)
    made._not_before.clear()
    made._start_threads()
    wait(lambda: not any(thread.is_alive() for thread in made._threads.values()))
    assert set(made._last_turn) == set(["robot-0", "robot-1", "robot-2"])


def test_what_was_given_up_is_still_told_when_its_outbox_fails_once_or_rests(folder):
    """Nothing waits any more then: the notice lies in the outbox's state alone."""
    made = service.Service(folder, PACKAGE)
    made._settings = settings.read({})
    steps = []

    class Gives(Rests):
        def step(self):
            steps.append(1)
            if len(steps) == 1:
                raise EnvironmentError(28, "No space left on device")
            return 300.0

    os.makedirs(os.path.join(folder, outbox.FOLDER, "robot-a"))
    made._new_drain = lambda key: (Gives(key, []), Gives(key, []))
    made._looked_at.add("robot-a")
    made._work("robot-a")
    made._not_before.clear()
    made._read_settings = lambda: None
    assert made.run(True, 3) == service.LEFT and len(steps) == 2


@pytest.mark.parametrize("kind, wanted", [("poisoned", ("refused", {"receiver": True})), ("busy", ("busy", {}))])
def test_a_call_to_one_person_that_is_poisoned_is_about_that_person(monkeypatch, kind, wanted):
    class Client(object):
        def send_to_people(self, *arguments):
            return targets._verdict(kind, u"staffId.notExisted")

        def scrub(self, text):
            return text

    target = targets.PersonTarget(lambda: settings.read({}))
    monkeypatch.setattr(target, "_client", lambda _: (Client(), 0))
    verdict = target.send(u"ann", u"u1", [u"text", u"{}"])
    assert (verdict.kind, verdict.data) == wanted


def test_two_users_of_one_group_share_a_digest_only_with_the_same_secret():
    class Robots(object):
        def find(self, name):
            return receivers.Receiver(name, "robot", u"", u"", TOKEN, Secret(u"SECwrong" if name == u"wrong" else u"SECnotreal"), u"")

    target = targets.RobotTarget(lambda: settings.read({}), Robots())
    assert target.same(u"one", u"other") and not target.same(u"one", u"wrong") and target.same(u"wrong", u"wrong")


def test_a_call_to_a_person_takes_one_place_of_the_apps_limit(monkeypatch):
    """A place that is taken anew each time it is looked at would push everybody's further away."""
    asked = []

    class Client(object):
        def turn(self, api, until):
            asked.append(api)
            return targets._verdict("later", wait=0.2)

    target = targets.PersonTarget(lambda: settings.read({}))
    monkeypatch.setattr(target, "_client", lambda _: (Client(), 0))
    began, verdict = time.time(), target.place(u"zhang", u"u1")
    while verdict is not None:
        assert verdict.kind == "later" and verdict.wait <= 0.21 and time.time() < began + 5
        time.sleep(0.02)
        verdict = target.place(u"zhang", u"u1")
    assert asked == ["batchSend"] and time.time() - began >= 0.15


# --- workers ------------------------------------------------------------------------------------------------------


def beat(folder, **more):
    heartbeat.write(folder, dict({"version": __version__, "format": heartbeat.FORMAT, "pid": 1, "time": time.time()}, **more))


def look(**values):
    return overflow.Overflow(settings.read({settings.DING_PATH: dict({"robot_window": 600}, **values)}))


@pytest.mark.parametrize("more, words", [
    ({"time": time.time() - 3600}, u"last sign of life"), ({"time": time.time() + 3600}, u"last sign of life"),
    ({"time": None}, u"does not run"), ({"time": True}, u"does not run"), ({"format": 2}, u"another version"),
])
def test_nothing_is_queued_for_a_service_that_may_not_send_it(folder, more, words):
    beat(folder, **more)
    found = look()
    assert not found.queues and words in found.problem
    beat(folder)
    assert look().queues and not look(overflow="refuse").queues and not look(robot_per_minute=0).queues


def test_while_something_waits_new_messages_wait_behind_it_though_there_is_room(folder):
    beat(folder)
    found = look()
    assert len(found.admit(TOKEN, 1, 1.0).places) == 1
    first = found.queue_for_robot(TOKEN, {"id": u"a", "receiver": u"r", "msg_key": u"text", "title": u"", "text": u"x" * 30000})
    assert first["behind"] == 0
    admission = found.admit(TOKEN, 1, 1.0)
    assert admission.places is None and admission.queue
    second = found.queue_for_robot(TOKEN, {"id": u"b", "receiver": u"r", "msg_key": u"text", "title": u"", "text": u"y"})
    assert second["behind"] == 1 and second["seconds"] > first["seconds"]


def test_with_robot_per_minute_0_nothing_is_counted(folder):
    found = look(robot_per_minute=0)
    assert [found.admit(TOKEN, 20, 1.0) for _ in range(3)] == [overflow.Admission([], 0, False)] * 3


def test_the_status_is_plain_data_and_tells_what_waits(folder):
    chosen = settings.read({})
    assert status.collect(chosen)["overflow"]["effect"] == "refuse"
    beat(folder)
    look().queue_for_robot(TOKEN, {"id": u"a", "receiver": u"r", "msg_key": u"text", "title": u"", "text": u"x"})
    found = status.collect(chosen)
    assert found["overflow"] == {"setting": "queue", "effect": "queue", "reason": u""} and found["totals"]["waiting"] == 1
    assert found["service"]["running"] and found["window"] == {"counted": "host", "limit": 20, "seconds": 60, "hosts": 1}
    assert found["outboxes"][0]["waiting"] == 1 and TOKEN.reveal() not in repr(found)
