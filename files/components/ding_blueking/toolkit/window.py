# -*- coding: utf-8 -*-
"""Places in a robot's window: of all hosts together, no more than DingTalk takes in any minute.

A place is taken before a call and lasts until a minute after the call has ended, for DingTalk counts a message when it
arrives. This host's file always knows this host's places. With several hosts Redis knows all of them; it may be gone, or
come back empty, at any time:

- When Redis stops answering, or is found to have lost what it knew, nobody knows what the other hosts have just sent: this
  host waits until that is a minute ago, and takes its share of the window from then on.
- When Redis has been empty lately, each host takes its share, until all of them have told it what they had sent before.

A host remembers which Redis it has met, by a name that is stored with the places. Another name is a loss, however short Redis
was away. The name is given anew when Redis has no places, and when its process is another one: what it read from its disk may
be old, and a replica may lag behind. Where a host comes to it that has met another one, or has sent without it, Redis counts as
empty until then: it was not told of everything.
"""
from __future__ import absolute_import, division, print_function

import math
import time
import uuid
from numbers import Real

from . import window_scripts
from .store import PREFIX, Redis, store

# Of a period: how long others' calls before Redis was lost may still count, how long an empty Redis is not believed, and for
# how long a worker leaves a Redis alone that does not answer. The second is longer than a period and the third together.
QUIET, YOUNG, PAUSE = 1.25, 1.5, 1 / 12.0
MODE = u"window-mode"
# A host's view of Redis: {what: (its kind, what holds before it was met)}.
_MODE = {
    "redis": (bool, True),  # whether it answers
    "since": (Real, 0),  # since when it does not
    "until": (Real, 0),  # until when it is not believed, after a loss
    "met": (type(u""), u""),  # the name of the one that was met
    "born": (Real, 0),  # when that had been told of all places, at the meeting
    "untold": (bool, False),  # whether this host has sent without it
    "seen": (Real, 0),  # hours since 1970, of an answer: a file that is not written for days is swept away
}
DAYS = 2 * 86400
# Seconds that a call, or all parts of a long message, may take.
LONGEST_CALL = 30
# Where this host can store nothing, each of its workers keeps places by itself: as if there were so many.
WORKERS = 10
SHORTEST_WAIT = 0.05
# Behind a place of this host: its call has ended.
ENDED = 1
HOST, SHARED, SHARE, WAITING = "host", "redis", "share", "waiting"

# The process's connection for windows: it is tried again sooner than the one for caches.
_redis = Redis()


class Window(object):
    """The windows of all robots, by the channel's settings. Robots are named by the digest of their access token."""

    def __init__(self, settings, shared=None, here=None):
        """shared: a Redis; here: a Store, for tests."""
        self.limit = int(settings.robot_per_minute)
        self.seconds = float(settings.robot_window)
        self.hosts = int(settings.paas_hosts)
        self.share = max(1, self.limit // self.hosts)
        self._redis = shared or _redis
        self._redis.pause = self.seconds * PAUSE
        self._here = here or store

    def take(self, robot, count, call_seconds, kept=0, patient=True):
        """([places], 0) for `count` calls that end within `call_seconds`, or (None, seconds until there may be room).

        kept: places that this caller must leave free. patient: whether the caller can wait until others' places are over
        after Redis was lost; if not, this host takes its share at once.
        """
        life = self.seconds + call_seconds
        places = [uuid.uuid4().hex[:12] for number in range(count)]
        share = self.share - min(self.share - 1, kept * self.share // self.limit)
        # Who cannot wait may send a long message whole: it would never fit the share.
        least = 1 if patient else min(count, self.limit)
        for dummy in range(2):
            how, wait, met = self._counted()
            if how == WAITING and patient:
                return None, max(SHORTEST_WAIT, wait)
            limit = max(least, share if how in (SHARE, WAITING) else self.limit - kept)
            mine, wait = self._take_here(robot, places, life, limit)
            if mine is None:
                return None, wait
            if how != SHARED:
                self._note_untold(how)
                return places, 0
            wait = self._ask(met, robot, places, life, limit, max(least, share), mine)
            if wait == 0:
                return places, 0
            self._forget_here(robot, places)
            if wait is not None:
                return None, max(SHORTEST_WAIT, wait)
            # Redis is lost: the second time this host waits, or takes its share.
        if patient:
            return None, self.seconds * QUIET
        mine, wait = self._take_here(robot, places, life, max(least, share))
        if mine is None:
            return None, wait
        self._note_untold(SHARE)
        return places, 0

    def settle(self, robot, place, used=True):
        """The call of a place has ended; it was not made when `used` is false."""
        life = self.seconds if used else 0

        def change(stored):
            taken = [each for each in self._valid(stored) if each[0] != place]
            return taken + ([[place, time.time() + life, ENDED]] if used else []), None

        self._here.update_here(self._key(robot), change, DAYS)
        if self.hosts > 1 and self._uses_redis():
            if self._eval(window_scripts.SETTLE, robot, place, _microseconds(life)) is None:
                self._note(None)

    def used(self, robot):
        """Places that this host knows of its own."""
        return len(self._valid(self._here.read_here(self._key(robot))))

    def counted(self):
        """(how places are counted on this host now, seconds that it still waits before it takes its share)."""
        return self._counted()[:2]

    def _counted(self):
        """As counted, and what is told to Redis of the one that was met."""
        if self.hosts == 1:
            return HOST, 0, None
        if not self._redis.is_set():
            return SHARE, 0, None
        if not self._mode()["redis"]:
            self.probe()
        mode, now, quiet = self._mode(), time.time(), self.seconds * QUIET
        left = (mode["until"] if mode["redis"] else mode["since"] + quiet) - now
        if left > quiet:
            # The clock was set back, or the period made shorter: it is waited for from now on.
            self._change(lambda mode: mode.update({"until": now + quiet} if mode["redis"] else {"since": now}))
        if left > 0:
            return WAITING, min(left, quiet), None
        return (SHARED if mode["redis"] else SHARE), 0, _met(mode)

    def probe(self):
        """Whether Redis answers and takes what is written now; noted for this host."""
        if self.hosts == 1 or not self._redis.is_set():
            return False
        answer = self._redis.use(lambda client: self._run(client, window_scripts.PROBE, *_met(self._mode())))
        self._note(answer)
        return answer is not None

    # --- this host ------------------------------------------------------------------------------------------------

    @staticmethod
    def _key(robot):
        return u"window:" + robot

    def _valid(self, stored):
        now = time.time()
        # What lies further ahead than any call was written before the clock was set back: it counts for a minute from now.
        latest = now + self.seconds + LONGEST_CALL
        return [[each[0], min(each[1], latest)] + each[2:] for each in stored or [] if now < each[1]]

    def _take_here(self, robot, places, life, limit):
        """(this host's earlier places, 0), or (None, seconds to wait)."""
        def change(stored, limit=limit):
            taken, now = self._valid(stored), time.time()
            if len(taken) + len(places) <= limit:
                return taken + [[place, now + life] for place in places], (taken, 0)
            ends = sorted(each[1] for each in taken)
            last = ends[min(len(ends), len(ends) + len(places) - limit) - 1] if ends else now + self.seconds
            return taken, (None, max(SHORTEST_WAIT, last - now))

        def alone(stored):
            return change(stored, max(len(places) if len(places) < limit else 1, limit // WORKERS))

        return self._here.update_here(self._key(robot), change, DAYS, alone)

    def _forget_here(self, robot, places):
        def change(stored):
            return [each for each in self._valid(stored) if each[0] not in places], None

        self._here.update_here(self._key(robot), change, DAYS)

    # --- Redis ----------------------------------------------------------------------------------------------------

    def _mode(self):
        """This host's view of Redis, as _MODE. All times are this host's wall clock."""
        return _mode_of(self._here.read_here(MODE))

    def _change(self, change):
        """change(mode) changes this host's view of Redis. It is written when it is another one then."""
        def changed(stored):
            mode = _mode_of(stored)
            change(mode)
            return mode, None

        stored = self._here.read_here(MODE)
        if changed(stored)[0] != stored:
            self._here.update_here(MODE, changed, DAYS)

    def _note(self, answer):
        """Note a script's answer, or None for no answer."""
        now, quiet = time.time(), self.seconds * QUIET

        def change(mode):
            # What is lost again while it is young: no host has sent more than its share since it was lost before.
            again = mode["until"] and 0 <= now - mode["born"] < quiet
            lost = mode["until"] - quiet if again else now
            if answer is None:
                mode.update({"redis": False, "since": lost} if mode["redis"] else {})
                return
            dummy, is_other, age, met, was_untold = answer
            met = met.decode("ascii") if isinstance(met, bytes) else met
            if met != mode["met"]:
                if is_other:
                    mode["until"] = (lost if mode["redis"] else mode["since"]) + quiet
                mode.update(met=met, born=now - age / 1000000.0)
            if was_untold:
                mode["untold"] = False
            mode.update(redis=True, seen=int(now // 3600))

        self._change(change)

    def _note_untold(self, how):
        """Note that this host has places that no Redis was asked for."""
        if how != HOST and self._redis.is_set():
            self._change(lambda mode: mode.update(untold=True))

    def _uses_redis(self):
        return self._redis.is_set() and self._mode()["redis"]

    def _ask(self, met, robot, places, life, limit, share, mine):
        """Seconds to wait, 0 when the places are taken; None when Redis does not answer or has lost what it knew, which is noted."""
        now = time.time()
        told = " ".join("%s:%d%s" % (each[0], _microseconds(each[1] - now), "" if ENDED in each[2:] else "?") for each in mine)
        answer = self._eval(window_scripts.TAKE, met[0], met[1], robot, limit, share, _microseconds(self.seconds * YOUNG), _microseconds(life),
                            _microseconds(self.seconds + LONGEST_CALL), " ".join(places), told)
        self._note(answer)
        return None if answer is None or answer[1] else answer[0] / 1000000.0

    @staticmethod
    def _run(client, script, *arguments):
        return client.eval(script, 1, PREFIX + u"windows", *arguments)

    def _eval(self, script, *arguments):
        """A script's answer; None when Redis does not answer."""
        def run(client):
            return self._run(client, script, *arguments)

        answer = self._redis.use(run)
        if answer is None:
            # A pause of this worker's from before others had answers again.
            self._redis.resume()
            answer = self._redis.use(run)
        return answer


def _microseconds(seconds):
    return int(math.ceil(seconds * 1000000))


def _mode_of(stored):
    """A mode of which each value is of its kind, whatever was stored."""
    stored = stored if isinstance(stored, dict) else {}
    return {name: stored[name] if isinstance(stored.get(name), kind) else value for name, (kind, value) in _MODE.items()}


def _met(mode):
    """What a script is told: the name of the Redis that was met, and whether this host has sent without it."""
    return mode["met"], int(mode["untold"])


def is_young(window):
    """Whether Redis has been empty lately, for the status. False when it cannot be asked."""
    def age(client):
        born = client.hget(PREFIX + u"windows", "born")
        seconds, microseconds = client.time()
        return [0 if born is None else seconds * 1000000 + microseconds - int(born)]

    found = window._redis.use(age) if window.hosts > 1 and window._redis.is_set() else None
    return bool(found) and found[0] < _microseconds(window.seconds * YOUNG)
