"""Alarm storms on two hosts: every message arrives exactly once, in order, in time, never above 20 requests a minute.

This machine may not take 10,000 requests in a minute. So the clock runs slower: robots' minutes, for DingTalk and for the
channel alike, are as long as the sending takes. Times are compared in such minutes.
"""

import math
import random
import threading
import time

import pytest

from stormkit.platform import LIMIT, arrived, most_in_a_window
from stormkit.senders import QUEUED, REFUSED, SENT, UNKNOWN, Caller, Storm

SENDERS = 8
WARM_UP = 160
# Of the bound: bytes of a digest, and minutes on top.
DIGEST_BYTES, EXTRA_MINUTES = 20000, 2
FULL, SHORT = 10000, 300


def of_100_bytes(count, first=0):
    return [(first + number, ("<%06d> " % (first + number)).ljust(100, "x")) for number in range(count)]


def mixed(count):
    """50 to 3,000 bytes, 30 % of them repeats of earlier ones."""
    made = []
    for number in range(count):
        if made and random.random() < 0.3:
            made.append(random.choice(made))
        else:
            made.append((number, ("<%06d> " % number).ljust(random.randint(50, 3000), "y")))
    return made


@pytest.fixture(scope="module")
def rate(platform):
    """Requests a second that this machine takes."""
    platform.clock(5, robot_per_minute=LIMIT)
    storm = Storm(platform, platform.robot(), of_100_bytes(WARM_UP), SENDERS)
    storm.run()
    assert not storm.refusals, storm.refusals[0]
    return WARM_UP / (storm.ended - storm.began)


def quiet(platform):
    platform.wait(lambda: not platform.totals()["waiting"], 600, "nothing waits")


def all_there(platform, robot, storm, minutes):
    """Seconds from the first request until the last message; waits until nothing waits any more."""
    platform.wait(lambda: not platform.totals()["waiting"], minutes * platform.window + 60, "the outboxes are empty")
    return max(message["time"] for message in platform.messages(robot)) / 1000.0 - storm.began


def bound(storm):
    """Minutes by which all must be there."""
    return math.ceil(storm.bytes / DIGEST_BYTES) / LIMIT + EXTRA_MINUTES


def check_once_and_in_order(platform, robot, storm):
    """Every message that its caller was told of is there exactly once; of the others none twice."""
    found, position, last = {}, {}, {}
    for place, (number, count) in enumerate(arrived(platform.messages(robot))):
        found[number] = found.get(number, 0) + count
        position.setdefault(number, place)
        last[number] = place
    answered, unknown = {}, {}
    for number, outcome in storm.told:
        group = unknown if outcome in (UNKNOWN, REFUSED) else answered
        group[number] = group.get(number, 0) + 1
    lost = [number for number, count in answered.items() if found.get(number, 0) < count]
    double = [number for number, count in found.items() if count > answered.get(number, 0) + unknown.get(number, 0)]
    assert not lost, "%d lost: %s" % (len(lost), lost[:10])
    assert not double, "%d twice: %s" % (len(double), double[:10])
    repeated = {number for number, count in answered.items() if count + unknown.get(number, 0) > 1}
    for numbers in storm.order:
        places = [position[number] for number in numbers if number not in repeated]
        assert places == sorted(places), "a sender's messages changed their order"


def check_rate(platform, robot):
    times, refused = platform.calls(robot)
    most = most_in_a_window(times, platform.window)
    assert most <= LIMIT and not refused, "%d requests in a minute, %d refused" % (most, refused)
    return len(times), most


class Beside:
    """Another robot's and a person's messages meanwhile, a few a minute: each is sent at once."""

    def __init__(self, platform):
        self.platform, self.robot, self.person = platform, platform.robot(), platform.person()
        self.problems, self.seconds = [], []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True)

    def _work(self):
        number = 0
        while not self._stop.wait(self.platform.window / 12.0):
            number += 1
            for receiver in (self.robot, self.person):
                began = time.monotonic()
                try:
                    # A connection of its own each time: a server closes one that is idle.
                    outcome, answer = Caller(self.platform, self.platform.hosts[0]).send(receiver.name, "beside %d" % number)
                except OSError as error:
                    outcome, answer = REFUSED, repr(error)
                self.seconds.append(time.monotonic() - began)
                if outcome != SENT:
                    self.problems.append(answer)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *error):
        self._stop.set()
        self._thread.join(30)


def storm_of(platform, rate, texts, say, name, minutes_of_sending=1):
    """One storm that lasts about so many minutes of its clock, with the others beside it."""
    quiet(platform)
    platform.clock(max(5.0, round(len(texts) / rate / minutes_of_sending)))
    platform.redis.grow_old()
    robot = platform.robot()
    with Beside(platform) as beside:
        storm = Storm(platform, robot, texts, SENDERS)
        storm.run()
        assert not storm.refusals, storm.refusals[0]
        limit = bound(storm)
        minutes = all_there(platform, robot, storm, limit) / platform.window
    check_once_and_in_order(platform, robot, storm)
    requests, most = check_rate(platform, robot)
    told = [outcome for _, outcome in storm.told]
    say("%s: %d messages, %d bytes, in %.1f minutes of %.0f s; %d sent at once, %d queued; all there after %.2f minutes (bound %.2f); "
        "%d requests, at most %d in a minute; beside it %d messages, the slowest %.2f s"
        % (name, len(texts), storm.bytes, (storm.ended - storm.began) / platform.window, platform.window, told.count(SENT),
           told.count(QUEUED), minutes, limit, requests, most, len(beside.seconds), max(beside.seconds or [0])))
    assert minutes <= limit
    assert not beside.problems, beside.problems[0]
    assert beside.seconds


def test_every_message_of_a_storm_arrives_once_in_order_and_in_time(platform, rate, whole, say):
    storm_of(platform, rate, of_100_bytes(FULL if whole else SHORT), say, "distinct")


def test_a_storm_of_mixed_sizes_with_repeats_is_there_in_the_same_time(platform, rate, whole, say):
    # Half an hour of the clock: it runs faster here than for the first storm, which a machine may take minutes to send.
    storm_of(platform, rate, mixed(FULL if whole else SHORT // 2), say, "mixed", 8 if whole else 1)


def test_nothing_is_lost_or_doubled_while_everything_is_killed(platform, rate, whole, say):
    quiet(platform)
    count, kills, restarts = (FULL, 50, 5) if whole else (SHORT // 2, 8, 1)
    platform.clock(15 if whole else 6)
    platform.redis.grow_old()
    robot = platform.robot()
    storm = Storm(platform, robot, of_100_bytes(count), SENDERS, tolerant=True)
    storm.start()
    done = {"kills": 0, "restarts": 0, "redis": 0}

    def share():
        return 1.0 if not storm.running() else storm.done() / count

    def due(what, wanted):
        # Spread over the sending and, the last fifth, over the draining after it.
        return done[what] < wanted and (share() * 0.8 >= done[what] / wanted or not storm.running())

    while storm.running() or done["kills"] < kills or done["restarts"] < restarts or done["redis"] < 1:
        if due("kills", kills):
            done["kills"] += platform.kill_one()
        if due("restarts", restarts):
            platform.restart(platform.hosts[done["restarts"] % len(platform.hosts)])
            done["restarts"] += 1
        if done["redis"] < 1 and share() > 0.4:
            platform.redis.stop()
            platform.wait(lambda: platform.status(platform.hosts[0])["window"]["counted"] != "redis", 30, "Redis is missed")
            platform.redis.start()
            done["redis"] += 1
        time.sleep(0.05)
    storm.join()
    platform.wait(lambda: not platform.totals()["waiting"], 300 + 20 * platform.window, "the outboxes are empty")
    check_once_and_in_order(platform, robot, storm)
    requests, most = check_rate(platform, robot)
    told = [outcome for _, outcome in storm.told]
    assert not platform.totals()["dead"] and not platform.totals()["dropped"]
    say("killed: %d messages, %d kills with -9, %d restarts, Redis stopped and started: %d sent at once, %d queued, %d refused, %d without an "
        "answer; %d requests, at most %d in a minute" % (count, kills, restarts, told.count(SENT), told.count(QUEUED), told.count(REFUSED),
                                                        told.count(UNKNOWN), requests, most))


def test_a_full_outbox_makes_requests_no_slower(platform, rate, whole, say):
    """Requests to the robot of the storm against requests to a robot at rest, in turns: a machine's bad moment meets both."""
    quiet(platform)
    backlog, pairs = (FULL, 1000) if whole else (SHORT, 100)
    platform.clock(600)
    platform.redis.grow_old()
    robot, at_rest = platform.robot(), [platform.robot() for _ in range(math.ceil(pairs / 10))]
    platform.refuse(robot)
    storm = Storm(platform, robot, of_100_bytes(backlog), SENDERS)
    storm.run()
    assert not storm.refusals, storm.refusals[0]
    waiting = platform.totals()["waiting"]
    caller = Caller(platform, platform.hosts[0])
    seconds = {SENT: [], QUEUED: []}
    for number in range(pairs):
        for receiver in (at_rest[number // 10], robot):
            began = time.monotonic()
            outcome, answer = caller.send(receiver.name, "<%06d>" % (900000 + number))
            assert outcome == (QUEUED if receiver is robot else SENT), answer
            seconds[outcome].append(time.monotonic() - began)
    at = {name: [sorted(each)[int(len(each) * part)] * 1000 for part in (0.5, 0.99)] for name, each in seconds.items()}
    say("a request with %d waiting: median %.1f ms, p99 %.1f ms; without a storm: median %.1f ms, p99 %.1f ms"
        % (waiting, *at[QUEUED], *at[SENT]))
    platform.clock(5)
    told = [outcome for dummy, outcome in storm.told]
    assert waiting == told.count(QUEUED) == backlog, (waiting, told.count(QUEUED), told.count(SENT))
    assert at[QUEUED][0] - at[SENT][0] <= 20
    # Few samples have no meaningful 99th percentile.
    assert not whole or at[QUEUED][1] - at[SENT][1] <= 20
