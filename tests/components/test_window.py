# -*- coding: utf-8 -*-
"""A robot's window: never more than its limit in a period, over threads, processes and hosts, with Redis, without, and when it is lost."""
from __future__ import absolute_import, division, print_function

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import pytest
from components.generic.apis.ding_blueking.toolkit import settings, store, window_scripts
from components.generic.apis.ding_blueking.toolkit import window as windows
from components.generic.apis.ding_blueking.toolkit.window import Window
from test_redis import Server


FOLDERS = []


class Host(store.Store):
    """A host of its own, with a folder of its own."""

    def __init__(self):
        super(Host, self).__init__()
        folder = tempfile.mkdtemp(prefix="ding-window-")
        FOLDERS.append(folder)
        self._files.folder = lambda: folder


@pytest.fixture(autouse=True)
def gone_afterwards():
    yield
    while FOLDERS:
        shutil.rmtree(FOLDERS.pop(), ignore_errors=True)


def window(host=None, redis=None, **values):
    chosen = settings.read({settings.DING_PATH: dict({"robot_window": 1}, **values)})
    return Window(chosen, shared=redis or NoRedis(), here=host or Host())


class NoRedis(object):
    pause = 1

    def is_set(self):
        return False

    def use(self, action):
        return None


class AbsentRedis(NoRedis):
    """One that is set, and does not answer."""

    def is_set(self):
        return True

    def resume(self):
        pass


def take(made, count=1, robot=u"r", **more):
    return made.take(robot, count, 0.0, **more)


def test_there_are_twenty_places_and_the_next_one_is_told_when():
    made = window(robot_window=4)
    for _ in range(20):
        assert take(made)[0]
    places, wait = take(made)
    assert places is None and 0 < wait <= 4.0
    assert take(made, robot=u"other")[0]


def test_the_reserve_is_left_for_the_service():
    made = window()
    assert len(take(made, 16, kept=4)[0]) == 16
    assert take(made, 1, kept=4)[0] is None and len(take(made, 4)[0]) == 4


def test_places_are_all_taken_or_none():
    made = window()
    take(made, 15)
    assert take(made, 6)[0] is None and len(take(made, 5)[0]) == 5


def test_a_place_lasts_a_minute_from_the_end_of_its_call():
    made = window()
    places, _ = made.take(u"r", 20, 30.0)
    assert 30 < take(made)[1] <= 31
    made.settle(u"r", places[0])
    assert 0 < take(made)[1] <= 1.0
    made.settle(u"r", places[1], used=False)
    assert take(made)[0]


def test_a_clock_that_was_set_back_closes_no_window(monkeypatch):
    host = Host()
    monkeypatch.setattr(windows.time, "time", lambda: 2000000000.0)
    take(window(host), 20)
    # DingTalk's clock was not: what was sent still counts, for a minute from now.
    for clock, free in ((1900000000.0, False), (1900000000.0 + 1 + windows.LONGEST_CALL + 0.1, True)):
        monkeypatch.setattr(windows.time, "time", lambda clock=clock: clock)
        assert bool(take(window(host))[0]) is free


def test_a_worker_that_can_store_nothing_leaves_room_for_the_others():
    """A full disk before the robot's file was there: eight workers with a window each would have the robot blocked."""
    workers = [Host() for _ in range(8)]
    for worker in workers:
        worker._files.folder = lambda: None
    assert 8 <= sum(1 for worker in workers for _ in range(20) if take(window(worker))[0]) <= 20
    assert len(take(window(Host()), 15)[0]) == 15


class ReadOnlyRedis(object):
    """One that answers and takes nothing: its disk is full, or it became a replica."""

    pause = 1

    def is_set(self):
        return True

    def resume(self):
        pass

    def use(self, action):
        try:
            return action(self)
        except ValueError:
            return None

    def hget(self, *_):
        return b"1"

    def eval(self, *_):
        raise ValueError("MISCONF")


def test_a_redis_that_takes_nothing_counts_as_lost():
    host = Host()
    made = window(host, ReadOnlyRedis(), paas_hosts=2)
    assert take(made)[0] is None and made.counted()[0] == "waiting"
    limit = time.time() + 5
    while take(made)[0] is None:
        # As the service does with each heartbeat.
        assert not made.probe() and time.time() < limit
        time.sleep(0.02)
    assert made.counted()[0] == "share" and sum(1 for _ in range(20) if take(made)[0]) == 9


TAKER = """
import json, os, sys
sys.path.insert(0, os.getcwd())
import django
django.setup()
from components.generic.apis.ding_blueking.toolkit import settings, window
made = window.Window(settings.read({settings.DING_PATH: {"robot_window": 600}}))
print(json.dumps(sum(1 for _ in range(15) if made.take(u"procs", 1, 0.0)[0])))
"""


def test_workers_of_a_host_share_its_window():
    workers = [subprocess.Popen([sys.executable, "-c", TAKER], stdout=subprocess.PIPE) for _ in range(4)]
    taken = [json.loads(worker.communicate()[0].decode("ascii").split("\n")[0]) for worker in workers]
    assert sum(taken) == 20, taken


def test_without_a_redis_each_of_three_hosts_takes_its_share():
    for host in (Host(), Host(), Host()):
        made = window(host, paas_hosts=3)
        assert made.counted() == ("share", 0)
        assert sum(1 for _ in range(20) if take(made)[0]) == 6


def test_when_redis_is_lost_a_host_waits_a_minute_and_takes_its_share_then():
    host = Host()
    made = window(host, AbsentRedis(), paas_hosts=2)
    places, wait = take(made)
    assert places is None and 0 < wait <= 1.25 and made.counted()[0] == "waiting"
    limit = time.time() + 5
    while take(made)[0] is None:
        assert time.time() < limit
        time.sleep(0.02)
    assert made.counted()[0] == "share" and sum(1 for _ in range(20) if take(made)[0]) == 9


def test_who_cannot_wait_takes_the_share_at_once_and_sends_a_long_message_whole():
    made = window(None, AbsentRedis(), paas_hosts=2)
    assert len(take(made, 15, patient=False)[0]) == 15
    assert take(made, 1, patient=False)[0] is None


# --- with a real Redis --------------------------------------------------------------------------------------------


@pytest.fixture
def server(monkeypatch):
    running = Server()
    for name, value in (("REDIS_HOST", "127.0.0.1"), ("REDIS_PORT", running.port), ("REDIS_DB", 0),
                        ("REDIS_PASSWORD", "not-a-real-password"), ("USE_SENTINEL", False)):
        monkeypatch.setattr(store.esb_settings, name, value, raising=False)
    yield running
    running.stop()


def two_hosts(**values):
    return [window(Host(), store.Redis(), paas_hosts=2, **values) for _ in range(2)]


def grow_old(made):
    assert made.probe()
    made._redis.use(lambda client: [client.hset(store.PREFIX + u"windows", "born", 1)])


def test_two_hosts_share_one_window_and_either_may_take_all_of_it(server):
    one, other = two_hosts(robot_window=4)
    grow_old(one)
    assert [made.counted()[0] for made in (one, other)] == ["redis", "redis"]
    assert len(take(one, 20)[0]) == 20
    places, wait = take(other)
    assert places is None and 0 < wait <= 4.0
    limit = time.time() + 20
    while not take(other, 20)[0]:
        assert time.time() < limit
        time.sleep(0.02)
    assert take(one)[0] is None


def test_what_one_host_gives_back_the_other_may_take(server):
    one, other = two_hosts()
    grow_old(one)
    places, _ = one.take(u"r", 20, 30.0)
    one.settle(u"r", places[0], used=False)
    assert take(other)[0] and take(other)[0] is None
    one.settle(u"r", places[1])
    assert 0 < take(other)[1] <= 1.0


def test_a_redis_that_has_just_come_up_is_not_believed(server):
    one, other = two_hosts(robot_window=4)
    assert sum(1 for _ in range(25) if take(one)[0]) == 10
    assert sum(1 for _ in range(25) if take(other)[0]) == 10
    # What was sent meanwhile counts when it is believed.
    grow_old(one)
    assert take(one)[0] is None and take(other)[0] is None


def test_a_redis_that_came_back_empty_unnoticed_is_met_as_a_stranger(server):
    """Killed and back between two messages of a host, while the other one had sent more than its share."""
    one, other = two_hosts(robot_window=2)
    grow_old(one)
    assert take(one, 18)[0] and take(other, 2)[0]
    server.stop()
    server.start()
    for made in (other, one):
        places, wait = take(made)
        assert places is None and 2 < wait <= 2.5 and made.counted()[0] == "waiting"
        # Not even when it is asked again and again.
        assert not any(take(made)[0] for _ in range(30))
    began = time.time()
    while take(other)[0] is None:
        assert time.time() < began + 10
        time.sleep(0.02)
    assert 2 <= time.time() - began
    # It is young still, and then it is believed.
    assert sum(1 for _ in range(25) if take(other)[0]) == 9
    assert other.counted() == ("redis", 0)


def test_who_cannot_wait_takes_the_share_when_redis_came_back_empty(server):
    one, other = two_hosts(robot_window=60)
    grow_old(one)
    assert take(one, 10)[0] and take(other, 2)[0]
    server.stop()
    server.start()
    assert sum(1 for _ in range(25) if take(other, patient=False)[0]) == 8
    assert other.used(u"r") == 10


@pytest.fixture
def saving(server):
    """A Redis that has what it saved when it starts again, and no more."""
    server.stop()
    server.folder = tempfile.mkdtemp(prefix="ding-redis-")
    FOLDERS.append(server.folder)
    server.start()
    return server


def test_a_redis_with_an_old_state_is_met_as_a_stranger_by_all(saving):
    """As after a crash, when it reads from its disk what it had saved before the last messages."""
    one, other = two_hosts(robot_window=2)
    grow_old(one)
    assert one.probe() and other.probe() and take(one)[0]
    assert one._redis.use(lambda client: client.save())
    assert take(one, 16)[0]
    saving.stop()
    saving.start()
    for made in (other, one):
        assert take(made)[0] is None and made.counted()[0] == "waiting"
    assert one._redis.use(lambda client: client.hget(store.PREFIX + u"windows", "r"))


def test_a_redis_that_may_not_tell_its_run_is_known_by_its_name(server, monkeypatch):
    for script in ("PROBE", "TAKE"):
        text = getattr(window_scripts, script)
        assert "'INFO', 'server'" in text
        monkeypatch.setattr(window_scripts, script, text.replace("'INFO', 'server'", "'NOT-ALLOWED'"))
    one, other = two_hosts(robot_window=30)
    grow_old(one)
    assert take(one, 18)[0] and take(other, 2)[0] and take(other)[0] is None and other.counted()[0] == "redis"
    one._redis.use(lambda client: client.delete(store.PREFIX + u"windows"))
    assert take(other)[0] is None and other.counted()[0] == "waiting"


def test_what_was_sent_by_shares_is_not_forgotten_when_redis_is_back_with_all_it_knew(server):
    """All hosts lost it for long, and it did not lose anything: as with a cut network."""
    one, other = two_hosts(robot_window=1.2)
    grow_old(one)
    assert one.probe() and other.probe()
    away = []
    for made in (one, other):
        use = made._redis.use
        made._redis.use = lambda action, use=use: None if away else use(action)
    away.append(1)
    limit = time.time() + 10
    while not all([made._mode()["redis"] is False and made.counted()[0] == "share" for made in (one, other)]):
        assert [take(made)[0] for made in (one, other)] and time.time() < limit
        time.sleep(0.02)
    time.sleep(1.2)
    for made in (one, other):
        for _ in range(25):
            for place in take(made)[0] or []:
                made.settle(u"r", place)
        assert made.used(u"r") == 10
    del away[:]
    assert [take(made)[0] for made in (one, other, one)] == [None] * 3
    assert [made.counted()[0] for made in (one, other)] == ["redis"] * 2


def test_a_redis_that_is_lost_again_and_again_silences_nobody(server):
    one, other = two_hosts(robot_window=1.2)
    grow_old(one)
    assert one.probe() and other.probe()
    made, began = [], time.time()
    while time.time() < began + 6:
        server.stop()
        server.start()
        until = time.time() + 0.8
        while time.time() < until:
            for host in (one, other):
                # As the service does with each heartbeat.
                host.probe()
                for place in take(host)[0] or []:
                    made.append(time.time())
                    host.settle(u"r", place)
            time.sleep(0.01)
    assert 40 <= len(made), len(made)
    assert max(sum(1 for at in made if first <= at < first + 1.2) for first in made) <= 20


def test_no_place_ends_a_part_of_a_millisecond_too_soon(server):
    """The limit is one of places at any moment."""
    made = two_hosts(robot_window=64.1, robot_per_minute=50)[0]
    grow_old(made)
    for _ in range(40):
        began = time.time()
        place = take(made)[0][0]
        assert end_in_redis(made, place) >= began + 64.1
        ended = time.time()
        made.settle(u"r", place)
        assert end_in_redis(made, place) >= ended + 64.1
    # What only this host knows it tells with the next question.
    known = {place: end for place, end, _ in made._here.read_here(u"window:r")}
    made._redis.use(lambda client: [client.hdel(store.PREFIX + u"windows", "r")])
    take(made)
    assert len(known) == 40 and all([end_in_redis(made, place) >= end for place, end in known.items()])


def test_no_wait_is_longer_than_the_place_that_is_waited_for(server):
    one, other = two_hosts(robot_window=4)
    grow_old(one)
    for robot in [u"%024x" % number for number in range(200)]:
        assert len(take(one, 20, robot)[0]) == 20
        places, wait = take(other, 1, robot)
        assert places is None and 0 < wait <= 4.0


def end_in_redis(made, place):
    """When Redis counts a place's end."""
    held = made._redis.use(lambda client: client.hget(store.PREFIX + u"windows", "r")).decode("ascii")
    return int(dict([each.split(u":") for each in held.split()])[place]) / 1000000.0


def test_a_redis_whose_clock_was_set_back_closes_no_window(server):
    made = two_hosts(robot_window=1)[0]
    grow_old(made)
    assert take(made)[0]
    hours = int((time.time() + 8 * 3600) * 1000000)
    made._redis.use(lambda client: [client.hset(store.PREFIX + u"windows", "r", " ".join("%012x:%d" % (n, hours) for n in range(20))),
                                    client.hset(store.PREFIX + u"windows", "born", hours)])
    places, wait = take(made)
    assert places is None and wait <= 1 + windows.LONGEST_CALL
    assert windows.is_young(made)
    born = int(made._redis.use(lambda client: client.hget(store.PREFIX + u"windows", "born")))
    assert abs(born / 1000000.0 - time.time()) < 5


def test_a_loss_that_another_worker_has_just_noted_gives_no_place(server, monkeypatch):
    made = two_hosts(robot_window=30)[0]
    grow_old(made)
    assert take(made)[0]
    server.stop()
    server.start()
    here = made._take_here

    def noted_meanwhile(*arguments):
        monkeypatch.setattr(made, "_take_here", here)
        assert take(made)[0] is None and made.counted()[0] == "waiting"
        return here(*arguments)

    monkeypatch.setattr(made, "_take_here", noted_meanwhile)
    assert take(made)[0] is None


def test_a_host_that_sent_by_its_share_makes_redis_young_and_silences_nobody(server):
    """As after two time-outs of a host whose callers cannot wait."""
    one, other = two_hosts(robot_window=30)
    grow_old(one)
    grow_old(other)
    one._note(None)
    one._redis._paused_until = store.monotonic() + 1
    assert len(take(one, 10, patient=False)[0]) == 10
    one._redis.resume()
    assert one.probe() and not one._mode()["untold"]
    assert [made.counted()[0] for made in (one, other)] == ["redis"] * 2
    assert sum(1 for _ in range(25) if take(other)[0]) == 10


def test_a_host_that_was_away_and_sent_nothing_changes_nothing(server):
    one, other = two_hosts(robot_window=1)
    grow_old(one)
    grow_old(other)
    one._note(None)
    time.sleep(1.3)
    assert one.counted()[0] == "redis" and not windows.is_young(one)
    assert len(take(other, 20)[0]) == 20


def test_a_host_that_changes_to_another_redis_brings_its_places_in_time(server):
    """One that others have used for long: after a change of the settings, host by host."""
    one, other = two_hosts(robot_window=30)
    grow_old(one)
    # So many were sent through the Redis before.
    other._change(lambda mode: mode.update(met=u"0123:1", redis=True))
    assert take(other)[0] is None and other.counted()[0] == "waiting"
    assert windows.is_young(one)
    assert sum(1 for _ in range(25) if take(one)[0]) == 10


@pytest.mark.parametrize("stored", [
    {"until": None}, {"since": "x", "redis": False}, {"until": []}, {"born": None}, {"met": None}, {"met": 3}, {"redis": "yes"}, [], 7, "x",
    {"redis": True, "since": 0}])
def test_whatever_is_stored_as_a_hosts_view_it_goes_on(server, stored):
    made = two_hosts(robot_window=30)[0]
    made._here.update_here(windows.MODE, lambda _: (stored, None), 60)
    limit = time.time() + 5
    while not made.probe():
        assert time.time() < limit
        time.sleep(0.05)
    grow_old(made)
    assert made._mode()["met"] and made._mode()["redis"] is True


def test_a_hosts_view_is_written_each_hour_so_that_it_is_not_swept_away(server, monkeypatch):
    made = two_hosts()[0]
    assert made.probe()
    written = []
    update = made._here.update_here
    monkeypatch.setattr(made._here, "update_here", lambda *words: written.append(words[0]) or update(*words))
    assert made.probe() and not written
    later = time.time() + 3601
    monkeypatch.setattr(windows.time, "time", lambda: later)
    assert made.probe() and written == [windows.MODE]


@pytest.mark.parametrize("redis", [True, False])
def test_a_clock_that_was_set_back_ends_no_wait(monkeypatch, redis):
    made = window(None, AbsentRedis(), paas_hosts=2)
    now = time.time() + 3600
    made._change(lambda mode: mode.update(redis=redis, since=now, until=now + 1))
    how, left = made.counted()
    assert how == "waiting" and left == 1.25
    later = time.time() + 1.3
    monkeypatch.setattr(windows.time, "time", lambda: later)
    assert made.counted()[0] == ("redis" if redis else "share")


def test_a_first_meeting_with_a_young_redis_is_no_loss_that_was_waited_for(server):
    made = two_hosts(robot_window=30)[0]
    assert made.probe()
    server.stop()
    server.start()
    assert take(made)[0] is None and made.counted()[0] == "waiting"


def test_a_redis_that_was_only_slow_is_believed_again_at_once(server):
    one, other = two_hosts(robot_window=30)
    grow_old(one)
    assert take(one, 15)[0] and take(other)[0]
    other._note(None)
    assert other.counted() == ("redis", 0)
    assert take(other, 4)[0] and take(other)[0] is None


def test_what_a_slow_redis_knew_of_its_loss_is_not_forgotten(server):
    """Lost, then too slow for one question: the wait goes on."""
    made = two_hosts(robot_window=30)[0]
    grow_old(made)
    assert take(made, 2)[0]
    server.stop()
    server.start()
    assert take(made)[0] is None
    made._note(None)
    assert made.counted()[0] == "waiting" and take(made)[0] is None


def test_a_young_redis_that_was_told_of_more_than_a_share_counts_that(server):
    one, other = two_hosts(robot_window=30)
    grow_old(one)
    assert take(one, 18)[0]
    one._redis.use(lambda client: [client.hset(store.PREFIX + u"windows", "born", int(time.time() * 1000000))])
    assert sum(1 for _ in range(25) if take(other)[0]) == 2


def test_a_host_that_cannot_note_a_loss_waits(server, monkeypatch):
    made = two_hosts()[0]
    grow_old(made)
    assert take(made)[0]
    monkeypatch.setattr(made._here, "update_here", lambda *_: made._here)
    monkeypatch.setattr(made, "_take_here", lambda *_: ([], 0))
    server.stop()
    server.start()
    assert take(made) == (None, 1.25)
    assert take(made, patient=False)[0]


def test_places_asked_for_in_vain_are_not_told_by_another_worker(server, monkeypatch):
    """While the window is full, one worker asks between another's question and its answer."""
    one, other = two_hosts(robot_window=4)
    grow_old(one)
    assert take(other, 20)[0]
    ask = one._ask

    def asked_meanwhile(*arguments):
        monkeypatch.setattr(one, "_ask", ask)
        assert take(one)[0] is None
        return ask(*arguments)

    for _ in range(30):
        monkeypatch.setattr(one, "_ask", asked_meanwhile)
        assert take(one)[0] is None
    held = one._redis.use(lambda client: client.hget(store.PREFIX + u"windows", "r"))
    assert len(held.split()) == 20


def test_a_place_is_told_to_an_empty_redis_when_its_call_has_ended(server):
    one, other = two_hosts(robot_window=30)
    one._note(None)
    places = [take(one, patient=False)[0][0] for _ in range(10)]
    for place in places:
        one.settle(u"r", place)
    # The wait is over.
    for made in (one, other):
        made._here.update_here(windows.MODE, lambda stored: (dict(stored or {}, until=0, since=0), None), 60)
    assert take(one)[0] is None
    assert take(other, 10)[0] and take(other)[0] is None
    grow_old(other)
    assert take(other)[0] is None


def test_a_question_whose_answer_was_lost_takes_no_further_places(server, monkeypatch):
    one = two_hosts(robot_window=30)[0]
    grow_old(one)
    run, lost = one._run, []

    def answers_once(client, script, *arguments):
        answer = run(client, script, *arguments)
        if not lost:
            lost.append(answer)
            raise IOError("timed out")
        return answer

    monkeypatch.setattr(one, "_run", answers_once)
    assert len(take(one, 12)[0]) == 12 and lost
    assert len(take(one, 8)[0]) == 8 and take(one)[0] is None
    held = one._redis.use(lambda client: client.hget(store.PREFIX + u"windows", "r"))
    assert len(set(held.split())) == 20


def test_threads_of_two_hosts_never_exceed_the_limit_while_redis_comes_and_goes(server):
    """The real thing in small: places are calls that end at once, and Redis loses everything in between."""
    hosts = two_hosts(robot_window=1.2)
    grow_old(hosts[0])
    made, stop = [], threading.Event()

    def send(mine):
        while not stop.is_set():
            places, wait = mine.take(u"r", 1, 0.5)
            if places:
                made.append(time.time())
                mine.settle(u"r", places[0])
            else:
                stop.wait(min(wait, 0.05))

    threads = [threading.Thread(target=send, args=(mine,)) for mine in hosts * 2]
    for thread in threads:
        thread.start()
    for pause in (2.0, 0.5):
        stop.wait(1.5)
        server.stop()
        stop.wait(pause)
        server.start()
    # It was not stopped for good either.
    back = time.time()
    while (len(made) <= 60 or made[-1] < back + 3) and time.time() < back + 30:
        stop.wait(0.1)
    stop.set()
    for thread in threads:
        thread.join(20)
    made.sort()
    most = max(sum(1 for at in made if first <= at < first + 1.2) for first in made)
    assert most <= 20, most
    assert made[-1] >= back + 3 and len(made) > 60, (len(made), made[-1] - back)


def test_no_secret_and_no_name_is_in_redis(server):
    one, _ = two_hosts()
    take(one, robot=u"0123456789abcdef01234567")
    held = one._redis.use(lambda client: client.hgetall(store.PREFIX + u"windows"))
    assert sorted(held) == [b"0123456789abcdef01234567", b"born", b"id"]
    assert one._redis.use(lambda client: [client.ttl(store.PREFIX + u"windows")]) in ([-1], [None])


def test_the_mode_is_one_small_file_of_the_host():
    made = Window(settings.read({settings.DING_PATH: {"paas_hosts": 2, "robot_window": 1}}), shared=AbsentRedis())
    assert take(made, robot=u"mode")[0] is None
    folder = store.store.lasting_folder()
    assert any("\"redis\": false" in open(os.path.join(folder, name)).read() for name in os.listdir(folder) if name.endswith(".json"))
