# -*- coding: utf-8 -*-
"""Places in a robot's window: of all hosts together, no more than DingTalk takes in any minute.

A place is taken before a call and lasts until a minute after the call has ended, for DingTalk counts a message when it
arrives. This host's file always knows this host's places. With several hosts Redis knows all of them; it may be gone, or
come back empty, at any time:

- When Redis stops answering, nobody knows what the other hosts have just sent: this host waits until that is a minute ago,
  and takes its share of the window from then on.
- When Redis has been empty lately, each host takes its share, until all of them have told it what they had sent before.
"""
from __future__ import absolute_import, division, print_function

import time
import uuid

from .store import PREFIX, Redis, store

# Of a period: how long others' calls before Redis was lost may still count, how long an empty Redis is not believed, and for
# how long a worker leaves a Redis alone that does not answer. The second is longer than a period and the third together.
QUIET, YOUNG, PAUSE = 1.25, 1.5, 1 / 12.0
MODE = u"window-mode"
DAYS = 2 * 86400
# Seconds that a call, or all parts of a long message, may take.
LONGEST_CALL = 30
# Where this host can store nothing, each of its workers keeps places by itself: as if there were so many.
WORKERS = 10
SHORTEST_WAIT = 0.05
HOST, SHARED, SHARE, WAITING = "host", "redis", "share", "waiting"

# One key without a life, so that it is not evicted alone: {robot: "place:end place:end …", "born": when it was made}. Its own
# clock, in milliseconds. `mine`: the places of this host that it should know. A young one counts this host's places only.
_TAKE = """
pcall(redis.replicate_commands)
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local robot, limit, share, young = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local life, new, mine = tonumber(ARGV[5]), ARGV[6], ARGV[7]
local born = tonumber(redis.call('HGET', KEYS[1], 'born') or now)
redis.call('HSETNX', KEYS[1], 'born', born)
local ends, ends_of_mine, known, kept = {}, {}, {}, {}
for id, stop in string.gmatch(redis.call('HGET', KEYS[1], robot) or '', '(%x+):(%d+)') do
  if tonumber(stop) > now then
    known[id] = true
    ends[#ends + 1] = tonumber(stop)
    kept[#kept + 1] = id .. ':' .. stop
  end
end
for id, left in string.gmatch(mine, '(%x+):(%d+)') do
  local stop = now + tonumber(left)
  ends_of_mine[#ends_of_mine + 1] = stop
  if not known[id] then
    ends[#ends + 1] = stop
    kept[#kept + 1] = id .. ':' .. string.format('%.0f', stop)
  end
end
local is_young = now - born < young
if is_young then ends, limit = ends_of_mine, share end
local count = 0
for _ in string.gmatch(new, '%x+') do count = count + 1 end
local wait = 0
if #ends + count > limit then
  table.sort(ends)
  local last = ends[math.min(#ends, #ends + count - limit)]
  wait = math.max(1, (last or now + life) - now)
else
  for id in string.gmatch(new, '%x+') do kept[#kept + 1] = id .. ':' .. string.format('%.0f', now + life) end
end
if #kept > 0 then redis.call('HSET', KEYS[1], robot, table.concat(kept, ' ')) else redis.call('HDEL', KEYS[1], robot) end
return {wait, is_young and 1 or 0}
"""
# Whether Redis takes what is written: one that only answers, as with a full disk or after a failover, keeps nobody's places.
_PROBE = """
pcall(redis.replicate_commands)
local t = redis.call('TIME')
redis.call('HSETNX', KEYS[1], 'born', t[1] * 1000 + math.floor(t[2] / 1000))
return 1
"""
# A call has ended: its place lasts `life` from now on, or is given back with a life of 0.
_SETTLE = """
pcall(redis.replicate_commands)
local t = redis.call('TIME')
local now = t[1] * 1000 + math.floor(t[2] / 1000)
local kept, life = {}, tonumber(ARGV[3])
for id, stop in string.gmatch(redis.call('HGET', KEYS[1], ARGV[1]) or '', '(%x+):(%d+)') do
  if id ~= ARGV[2] and tonumber(stop) > now then kept[#kept + 1] = id .. ':' .. stop end
end
if life > 0 then kept[#kept + 1] = ARGV[2] .. ':' .. string.format('%.0f', now + life) end
if #kept > 0 then redis.call('HSET', KEYS[1], ARGV[1], table.concat(kept, ' ')) else redis.call('HDEL', KEYS[1], ARGV[1]) end
return 1
"""

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
        how, wait = self.counted()
        if how == WAITING and patient:
            return None, max(SHORTEST_WAIT, wait)
        kept_of_share = min(self.share - 1, kept * self.share // self.limit)
        limit = self.share - kept_of_share if how in (SHARE, WAITING) else max(1, self.limit - kept)
        if not patient:
            # Who cannot wait may send a long message whole: it would never fit the share.
            limit = max(limit, min(count, self.limit))
        mine, wait = self._take_here(robot, places, life, limit)
        if mine is None:
            return None, wait
        if how == SHARED:
            answer = self._ask(robot, places, life, limit, self.share - kept_of_share, mine)
            if answer is None:
                self._forget_here(robot, places)
                return self.take(robot, count, call_seconds, kept, patient)
            if answer[0]:
                self._forget_here(robot, places)
                return None, max(SHORTEST_WAIT, answer[0] / 1000.0)
        return places, 0

    def settle(self, robot, place, used=True):
        """The call of a place has ended; it was not made when `used` is false."""
        life = self.seconds if used else 0

        def change(stored):
            taken = [each for each in self._valid(stored) if each[0] != place]
            return taken + ([[place, time.time() + life]] if used else []), None

        self._here.update_here(self._key(robot), change, DAYS)
        if self.hosts > 1 and self._uses_redis():
            self._eval(_SETTLE, robot, place, int(life * 1000))

    def used(self, robot):
        """Places that this host knows of its own."""
        return len(self._valid(self._here.read_here(self._key(robot))))

    def counted(self):
        """(how places are counted on this host now, seconds that it still waits before it takes its share)."""
        if self.hosts == 1:
            return HOST, 0
        if not self._redis.is_set():
            return SHARE, 0
        mode = self._mode()
        if mode["redis"] or self.probe():
            return SHARED, 0
        left = self._mode()["since"] + self.seconds * QUIET - time.time()
        return (WAITING, left) if 0 < left <= self.seconds * QUIET else (SHARE, 0)

    def probe(self):
        """Whether Redis answers and takes what is written now; noted for this host."""
        if self.hosts == 1 or not self._redis.is_set():
            return False
        answers = self._redis.use(lambda client: client.eval(_PROBE, 1, PREFIX + u"windows")) is not None
        self._note(answers)
        return answers

    # --- this host ------------------------------------------------------------------------------------------------

    @staticmethod
    def _key(robot):
        return u"window:" + robot

    def _valid(self, stored):
        now = time.time()
        # What lies further ahead than any call was written before the clock was set back: it counts for a minute from now.
        latest = now + self.seconds + LONGEST_CALL
        return [[each[0], min(each[1], latest)] for each in stored or [] if now < each[1]]

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
        mode = self._here.read_here(MODE)
        return mode if isinstance(mode, dict) and "since" in mode else {"redis": True, "since": 0}

    def _note(self, answers):
        if self._mode()["redis"] != answers:
            self._here.update_here(MODE, lambda stored: ({"redis": answers, "since": time.time()}, None), DAYS)

    def _uses_redis(self):
        return self._redis.is_set() and self._mode()["redis"]

    def _ask(self, robot, places, life, limit, share, mine):
        """[milliseconds to wait or 0, whether Redis was empty lately]; None when it does not answer, which is noted."""
        now = time.time()
        told = " ".join("%s:%d" % (place, (end - now) * 1000) for place, end in mine)
        return self._eval(_TAKE, robot, limit, share, int(self.seconds * YOUNG * 1000), int(life * 1000), " ".join(places), told)

    def _eval(self, script, *arguments):
        def run(client):
            return client.eval(script, 1, PREFIX + u"windows", *arguments)

        answer = self._redis.use(run)
        if answer is None:
            # A pause of this worker's from before others had answers again.
            self._redis.resume()
            answer = self._redis.use(run)
        self._note(answer is not None)
        return answer


def is_young(window):
    """Whether Redis has been empty lately, for the status. False when it cannot be asked."""
    def age(client):
        born = client.hget(PREFIX + u"windows", "born")
        return [0 if born is None else client.time()[0] * 1000 - int(born)]

    found = window._redis.use(age) if window.hosts > 1 and window._redis.is_set() else None
    return bool(found) and found[0] < window.seconds * YOUNG * 1000
