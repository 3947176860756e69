# -*- coding: utf-8 -*-
"""What the service does with one outbox: take, merge, send, note. Killed between any two steps, it goes on where it was.

state.json is the one truth: what of the taken files is done, and the digest under way with its msgUuid, stored before it
is sent and repeated unchanged until DingTalk has said what became of it.
"""
from __future__ import absolute_import, division, print_function

import base64
import time
import uuid
from collections import OrderedDict, namedtuple

from common.log import logger

from . import digest
from .dingtalk import DONE, HELD, LATER, POISONED, REFUSED, TOO_LARGE, UNCERTAIN
from .messages import GROUP_LIMIT, PERSON_LIMIT, SMALLEST_LIMIT
from .names import monotonic, text_type
from .outbox import DEAD, STATE, STATUS

# Seconds between attempts that DingTalk did not answer, or answered with "busy".
WAITS = (1, 2, 4, 8, 15, 30, 60)
LONGEST_PAUSE = 3600
COUNTERS = ("sent", "digests", "merged", "dropped", "dead")
MOST_ITEMS = 100000

# An entry that waits: where it lies, what it is told with, when it came (wall clock seconds), its bytes.
_Waiting = namedtuple("_Waiting", "place identity at size receiver user_id")


class Drain(object):
    """One outbox. `step` never raises for what is in it; only one thread works on it."""

    def __init__(self, outbox, target, settings):
        """target: see targets; settings: a function that returns the Settings of now."""
        self._outbox = outbox
        self._target = target
        self._settings = settings
        self._waiting = OrderedDict()  # (take, index): _Waiting
        self._by_identity = {}  # identity: [(take, index)] in order
        self._left = {}  # take: entries of it that wait
        self._loaded = False
        self._state = None
        self._seen = None  # Counts, when it was last taken
        self._attempt = 0
        self._pause_until = 0  # monotonic seconds: what DingTalk, or whoever is in between, has refused is not repeated sooner
        self._last_error = u""
        self._shown = None

    # --- what waits -----------------------------------------------------------------------------------------------

    def load(self):
        """Read what an earlier service has left."""
        self._state = _valid(self._outbox.read_state(), self._outbox.takes())
        for number in self._outbox.takes():
            if number < self._state["first"]:
                self._outbox.remove_take(number)
            else:
                self._read_take(number)
        under_way = self._state["digest"]
        if under_way and under_way.pop("calling", None):
            under_way["given_up" if under_way.get("doubted") else "doubted"] = True
        if under_way and self._left_of_a_minute(under_way):
            self._pause(self._left_of_a_minute(under_way))
        self._loaded = True
        self._forget_finished()

    def _read_take(self, number):
        done = self._state["done"].get(text_type(number)) or {"upto": 0, "also": []}
        also = set(done["also"])
        self._left[number] = 0
        spoilt = []
        for place, entry, line in self._outbox.scan(number):
            if place.index < done["upto"] or place.index in also:
                continue
            if not _is_whole(entry):
                spoilt.append((place, line))
                continue
            key = (number, place.index)
            waiting = _Waiting(place, digest.identity(entry), float(entry["at"]), place.length, entry["receiver"], entry.get("user_id"))
            self._waiting[key] = waiting
            self._by_identity.setdefault(waiting.identity, []).append(key)
            self._left[number] += 1
        if spoilt:
            letters = [{"id": "%d.%d" % (number, place.index), "reason": "the disk has spoilt this entry", "time": time.time(),
                        "bytes": base64.b64encode(line).decode("ascii")} for place, line in spoilt]
            self._outbox.bury(letters)
            self._state["counters"]["dead"] += len(letters)
            self._mark([(number, place.index) for place, dummy in spoilt])
            self._store()
            self._fail(u"%d entries of this outbox cannot be read: see %s" % (len(letters), DEAD))

    def _take(self):
        number, seen = self._outbox.take(self._state["first"])
        if number is not None:
            self._read_take(number)
        self._seen = seen
        self._outbox.settle(seen, len(self._waiting), sum(each.size for each in self._waiting.values()))

    def waiting(self):
        return len(self._waiting)

    # --- one step -------------------------------------------------------------------------------------------------

    def step(self):
        """Do the next thing. Seconds to wait until the one after, or None when nothing waits."""
        if not self._loaded:
            self.load()
        self._take()
        self._drop()
        left = self._pause_until - monotonic()
        wait = left if 0 < left <= LONGEST_PAUSE else self._next()
        self.show()
        return wait

    def _next(self):
        under_way = self._state["digest"]
        if under_way is None and not self._waiting and not self._state["dropped"]:
            return None
        wait = 0 if under_way else self._wait_for_more()
        if wait:
            return wait
        receiver, user_id = (under_way["receiver"], under_way["user_id"]) if under_way else self._next_receiver()
        # The place goes first: what comes while it is waited for is merged, too.
        verdict = self._target.place(receiver, user_id)
        if verdict is not None and verdict.kind != REFUSED:
            self._fail(verdict.reason)
            return max(0.05, verdict.wait) if verdict.kind in (HELD, LATER) else self._wait_longer()
        if under_way is None and not self._build():
            self._target.leave()
            return None
        return self._send() if verdict is None else self._refused(verdict)

    def _wait_for_more(self):
        """Seconds for which a little that waits may still become more: a call that often uses up no more than the window gives."""
        settings = self._settings()
        size = sum(each.size for each in self._waiting.values())
        if self._target.person or self._state["dropped"] or size >= self._limit() or not settings.robot_per_minute:
            return 0
        at_once = settings.robot_window / float(settings.robot_per_minute)
        youngest_allowed = (self._state["last_sent"] or 0) + at_once
        left = youngest_allowed - time.time()
        return left if 0.01 < left <= at_once else 0

    def _next_receiver(self):
        first = next(iter(self._waiting.values()), None)
        if first is None:
            return self._state["dropped"]["receiver"], self._state["dropped"]["user_id"]
        return first.receiver, first.user_id

    def _drop(self):
        """Give up what is too old, and of what is too much the oldest; the next digest tells."""
        settings = self._settings()
        under_way = set(map(tuple, (self._state["digest"] or {}).get("entries") or ()))
        oldest = time.time() - settings.outbox_hours * 3600
        surplus = len(self._waiting) - settings.outbox_max
        given_up = []
        for key, waiting in self._waiting.items():
            if surplus <= 0 and waiting.at >= oldest:
                break
            surplus -= 1
            if key not in under_way:
                given_up.append(key)
        if not given_up:
            return
        times = [self._waiting[key].at for key in given_up]
        told = self._state["dropped"] or {"count": 0, "first": times[0], "last": times[0]}
        last = self._waiting[given_up[-1]]
        self._state["dropped"] = {"count": told["count"] + len(given_up), "first": min([told["first"]] + times),
                                  "last": max([told["last"]] + times), "receiver": last.receiver, "user_id": last.user_id}
        self._state["counters"]["dropped"] += len(given_up)
        self._finish(given_up)
        logger.error("ding.blueking: %d messages of outbox %s were given up: too many or too old", len(given_up), self._outbox.key)

    def _build(self):
        """Put together and store the next digest. Whether there is one."""
        dropped = self._state["dropped"]
        keys_of = []

        def items():
            told, receiver = set(), None
            for key, waiting in list(self._waiting.items())[:MOST_ITEMS]:
                if key in told:
                    continue
                if len(keys_of) >= self._state["items"] or receiver is not None and not self._target.same(receiver, waiting.receiver):
                    return
                receiver = waiting.receiver
                # What is refused for one receiver is not for another, though the text is the same.
                keys = [each for each in self._by_identity[waiting.identity] if self._target.same(receiver, self._waiting[each].receiver)]
                told.update(keys)
                times = [self._waiting[key].at for key in keys]
                keys_of.append(keys)
                yield digest.Item(self._outbox.read(waiting.place), len(keys), min(times), max(times))

        receiver, user_id = self._next_receiver()
        made = digest.build(items(), self._limit(), lambda: uuid.uuid4().hex, dropped, self._target.person)
        if made is None:
            return False
        entries = [key for keys in keys_of[:made.used] for key in keys]
        self._state["digest"] = {
            "entries": entries, "texts": made.used, "receiver": receiver, "user_id": user_id, "sent": 0, "dropped": dropped,
            "bodies": [body if self._target.person else body.decode("utf-8") for body in made.bodies],
        }
        self._attempt = 0
        self._store()
        return True

    def _send(self):
        under_way = self._state["digest"]
        body = under_way["bodies"][under_way["sent"]]
        if under_way.get("given_up") or (under_way.get("doubted") and self._settings().on_uncertain != "repeat"):
            self._target.leave()
            return self._bury(u"uncertain, it may have arrived: the service was stopped during the call")
        if self._target.person:
            # Without a msgUuid: after a crash nobody knows what became of the call.
            under_way["calling"] = True
            self._store()
        verdict = self._target.send(under_way["receiver"], under_way["user_id"], body)
        under_way.pop("calling", None)
        if verdict.kind == DONE:
            return self._sent()
        if self._target.person:
            # What became of the call is known.
            self._store()
        self._fail(verdict.reason)
        if verdict.kind in (HELD, LATER):
            return max(0.05, verdict.wait)
        if verdict.kind == TOO_LARGE and not under_way["sent"] and self._limit() // 2 >= SMALLEST_LIMIT:
            self._state.update(limit=self._limit() // 2, digest=None)
            self._store()
            return 0
        if verdict.kind == UNCERTAIN and self._target.person:
            return self._doubted(verdict)
        if verdict.kind in (REFUSED, POISONED, TOO_LARGE):
            return self._refused(verdict)
        return self._wait_longer()

    def _most(self):
        return PERSON_LIMIT if self._target.person else GROUP_LIMIT

    def _limit(self):
        return self._state["limit"] or self._most()

    def _wait_longer(self):
        self._attempt += 1
        return self._pause(WAITS[min(self._attempt, len(WAITS)) - 1])

    def _pause(self, seconds):
        self._pause_until = monotonic() + seconds
        return seconds

    def _sent(self):
        under_way = self._state["digest"]
        self._attempt = 0
        under_way["sent"] += 1
        under_way.pop("doubted", None)
        under_way.pop("refused", None)
        self._last_error = u""
        self._state.update(last_sent=time.time(), last_receiver=under_way["receiver"])
        if under_way["sent"] < len(under_way["bodies"]):
            self._store()
            return 0
        counters = self._state["counters"]
        counters["sent"] += len(under_way["entries"])
        counters["digests"] += 1 if len(under_way["entries"]) > 1 else 0
        counters["merged"] += len(under_way["entries"]) - under_way["texts"]
        # A refused message has been found, or is behind us: faster again. What was too large need not be for ever.
        self._state["items"] = min(MOST_ITEMS, self._state["items"] * 2)
        self._state["narrowing"] = self._state["narrowing"] and self._state["items"] < MOST_ITEMS
        if self._state["limit"]:
            self._state["limit"] = self._state["limit"] * 2 if self._state["limit"] * 2 < self._most() else 0
        self._digest_ends()
        return 0

    def _digest_ends(self):
        under_way = self._state["digest"]
        self._state["digest"] = None
        if under_way["dropped"] and self._state["dropped"]:
            left = self._state["dropped"]["count"] - under_way["dropped"]["count"]
            self._state["dropped"] = dict(self._state["dropped"], count=left) if left > 0 else None
        self._finish([tuple(key) for key in under_way["entries"]])

    def _doubted(self, verdict):
        """A one-to-one message went without an answer: it is repeated once, as a worker does."""
        under_way = self._state["digest"]
        if under_way.get("doubted") or verdict.data.get("final") or self._settings().on_uncertain != "repeat":
            return self._bury(u"uncertain, it may have arrived: " + verdict.reason)
        under_way["doubted"] = True
        self._store()
        return self._wait_longer()

    def _refused(self, verdict):
        """For good. A digest of several texts is made smaller until the one that is refused stands alone."""
        under_way = self._state["digest"]
        if verdict.data.get("app"):
            # The settings are wrong, not the message: somebody will mend them.
            return self._pause(WAITS[-1])
        about_receiver = verdict.data.get("receiver")
        if not (verdict.data.get("content") or verdict.kind in (POISONED, TOO_LARGE) or (self._state["narrowing"] and not about_receiver)):
            # About the robot or the person, or nobody knows: it is looked up and tried again in a minute.
            if under_way.get("refused") is None:
                under_way["refused"] = time.time()
                self._store()
            left = self._left_of_a_minute(under_way)
            if left:
                return self._pause(left)
        if under_way["texts"] > 1 and not under_way["sent"] and not about_receiver:
            # What nobody knows may be one of the texts.
            self._state.update(items=max(1, under_way["texts"] // 2), digest=None, narrowing=not verdict.data.get("content"))
            self._store()
            return 0
        return self._bury(verdict.reason)

    def _left_of_a_minute(self, under_way):
        """Seconds until a digest that was refused may be tried again; 0 when it may be now."""
        minute = self._settings().robot_window
        left = minute - (time.time() - under_way["refused"]) if under_way.get("refused") is not None else 0
        return left if 0.01 < left <= minute else 0

    def _bury(self, reason):
        under_way = self._state["digest"]
        keys = [tuple(key) for key in under_way["entries"] if tuple(key) in self._waiting]
        letters = []
        for key in keys:
            entry = self._outbox.read(self._waiting[key].place)
            letters.append(dict(entry, reason=reason, time=time.time()))
        self._outbox.bury(letters)
        self._state["counters"]["dead"] += len(letters)
        self._fail(reason)
        if letters:
            # Of what was given up nobody has been told: the next digest does.
            under_way["dropped"] = None
        self._digest_ends()
        logger.error("ding.blueking: %d messages of outbox %s to %s are dead letters: %s",
                     len(letters), self._outbox.key, under_way["receiver"], reason)
        return 0

    # --- what is done ---------------------------------------------------------------------------------------------

    def _finish(self, keys):
        """These entries are done: one step on disk, then what is finished is forgotten."""
        self._mark(keys)
        for key in keys:
            waiting = self._waiting.pop(key, None)
            if waiting is None:
                continue
            same = self._by_identity[waiting.identity]
            same.remove(key)
            if not same:
                del self._by_identity[waiting.identity]
            self._left[key[0]] -= 1
        self._forget_finished()

    def _mark(self, keys):
        by_take = {}
        for number, index in keys:
            by_take.setdefault(number, []).append(index)
        for number, indexes in by_take.items():
            done = self._state["done"].setdefault(text_type(number), {"upto": 0, "also": []})
            also = set(done["also"]) | set(index for index in indexes if index >= done["upto"])
            while done["upto"] in also:
                also.discard(done["upto"])
                done["upto"] += 1
            done["also"] = sorted(also)

    def _forget_finished(self):
        finished = []
        for number in sorted(self._left):
            if self._left[number]:
                break
            finished.append(number)
        for number in finished:
            del self._left[number]
            self._state["done"].pop(text_type(number), None)
            self._state["first"] = number + 1
        self._store()
        if finished and not self._waiting and self._seen is not None:
            # Before the files go: nobody looks for messages where no file is.
            self._outbox.settle(self._seen, 0, 0)
        for number in finished:
            self._outbox.remove_take(number)
        if not self._waiting and self._loaded:
            # Workers may send at once again, unless something has come meanwhile.
            self._take()

    def _store(self):
        self._outbox.write_json(STATE, self._state)

    # --- what is shown --------------------------------------------------------------------------------------------

    def _fail(self, reason):
        self._last_error = reason or self._last_error

    def show(self):
        """status.json, when it has changed."""
        first = next(iter(self._waiting.values()), None)
        receivers = sorted(set(each.receiver for each in list(self._waiting.values())[:1000]))
        shown = dict(self._state["counters"], kind="person" if self._target.person else "robot", oldest=first.at if first else None,
                     receivers=receivers or [name for name in [self._state.get("last_receiver")] if name],
                     last_error=self._last_error, last_sent=self._state["last_sent"])
        if shown != self._shown:
            self._outbox.write_json(STATUS, shown, lasting=False)
            self._shown = shown


def _is_whole(entry):
    """Whether an entry has what sending it needs: another version's, or a stranger's, may not."""
    texts = ("id", "receiver", "msg_key", "title", "text")
    return entry is not None and all(isinstance(entry.get(name), text_type) for name in texts) and isinstance(entry.get("at"), (int, float)) \
        and isinstance(entry.get("mobiles") or [], list) and (not entry.get("alone") or isinstance(entry.get("limit"), int))


def _valid(state, takes):
    """A state as it is worked with: what was stored; when nothing was, or what only a failing disk can have made of it, a new one."""
    kept = {"first": min(takes or [1]), "done": {}, "digest": None, "dropped": None, "items": MOST_ITEMS, "limit": 0, "narrowing": False, "last_sent": None,
            "last_receiver": None, "counters": dict.fromkeys(COUNTERS, 0)}
    if state is None:
        return kept
    try:
        counters = dict((name, int(state["counters"].get(name) or 0)) for name in COUNTERS)
        if not (all(_is_done(each) for each in state["done"].values()) and _is_digest(state["digest"]) and _is_dropped(state["dropped"])
                and int(state["first"]) > 0 and int(state["items"]) > 0):
            raise ValueError("not a state")
    except (KeyError, TypeError, ValueError, AttributeError):
        logger.error("ding.blueking: the state of an outbox cannot be read: what it had sent may be sent again")
        return kept
    kept.update((name, state[name]) for name in kept if name in state)
    kept["counters"] = counters
    return kept


def _is_done(done):
    return all(isinstance(index, int) for index in [done["upto"]] + done["also"])


def _is_digest(under_way):
    if under_way is None:
        return True
    named = all(name in under_way for name in ("receiver", "user_id", "texts", "dropped"))
    return named and 0 <= under_way["sent"] < len(under_way["bodies"]) and all(len(key) == 2 for key in under_way["entries"])


def _is_dropped(dropped):
    return dropped is None or all(name in dropped for name in ("count", "first", "last", "receiver", "user_id"))
