# -*- coding: utf-8 -*-
"""From receivers and message parts to one outcome per receiver: batches, repetitions, all within the deadline."""
from __future__ import absolute_import, division, print_function

import threading
import uuid
from collections import OrderedDict, namedtuple

from common.log import logger

from . import dingtalk, outbox, parallel
from .dingtalk import BUSY, DONE, HELD, LATE, LATER, POISONED, REFUSED, TOO_LARGE, UNCERTAIN, held_reason
from .messages import GROUP_LIMIT, PERSON_LIMIT, SMALLEST_LIMIT
from .names import monotonic

SENT, QUEUED, NOT_SENT, DOUBTFUL, NOT_TRIED = "sent", "queued", "refused", "uncertain", "not_tried"

# Seconds before the second, third and fourth attempt.
WAITS = (1, 2, 4)
# Of the deadline, kept for sending when many numbers must be looked up first.
SENDING_SHARE = 0.25
# Where calls go one after the other, one that hangs may take this share of the time left, and no less than so many seconds:
# only calls that may be repeated freely are cut short.
SERIAL_SHARE, SERIAL_SECONDS = 3.0, 2.0
DEADLINE_REASON = u"the deadline of %g seconds came first"
QUEUED_REASON = u"queued behind %d for about %d seconds"
NOT_IN_DINGTALK = u"is not in DingTalk: no member has this phone number (errcode 60121)"
NOT_LOOKED_UP = u"not looked up yet: DingTalk allows no more look-ups a second; the next request finds this person"

# sent is true for SENT only; uncertain: a call went without an answer, so the message may have come once more or at all.
# queued: {"behind": messages, "seconds": about how long} for QUEUED, else None.
Outcome = namedtuple("Outcome", "outcome uncertain reason queued")
Outcome.__new__.__defaults__ = (None,)


class Ledger(object):
    """Outcomes by receiver. Closed when the answer is written: what a late worker finds out then is too late."""

    def __init__(self, scrub):
        """scrub(reason): the reason as others may see it."""
        self._scrub = scrub
        self._lock = threading.Lock()
        self._outcomes = {}
        self._open = True

    def note(self, receivers, outcome, uncertain=False, reason=u"", queued=None):
        """What was noted before: {receiver: Outcome or None}, for put_back."""
        reason = self._scrub(reason)
        with self._lock:
            before = dict((receiver, self._outcomes.get(receiver)) for receiver in receivers)
            if self._open:
                for receiver in receivers:
                    self._outcomes[receiver] = Outcome(outcome, uncertain, reason, queued)
        return before

    def put_back(self, before):
        with self._lock:
            if self._open:
                for receiver, outcome in before.items():
                    if outcome is None:
                        self._outcomes.pop(receiver, None)
                    else:
                        self._outcomes[receiver] = outcome

    def close(self):
        """{receiver: Outcome}."""
        with self._lock:
            self._open = False
            return dict(self._outcomes)


class _Attempts(object):
    """What repetitions a piece of work still has, and whether one of its calls went without an answer."""

    def __init__(self):
        self.waits = list(WAITS)
        self.doubted = False


class _GroupJob(object):
    def __init__(self, robot):
        self.robot = robot
        self.identity = uuid.uuid4().hex
        self.names = [robot.receiver]
        self.bodies = None
        self.limit = GROUP_LIMIT
        self.done = 0
        self.places = None  # in the robot's window, one for each part to come
        self.called = False
        self.attempts = _Attempts()


class _TokenJob(object):
    def __init__(self):
        self.attempts = _Attempts()


class _LookUpJob(object):
    def __init__(self, mobile):
        self.mobile = mobile
        self.has_place = False
        self.attempts = _Attempts()


class _PeopleJob(object):
    def __init__(self, user_ids, parts, done=0, limit=PERSON_LIMIT):
        self.user_ids = user_ids
        self.parts = parts
        self.limit = limit
        self.done = done
        self.identity = uuid.uuid4().hex
        self.has_place = False
        self.doubted_before = False  # in an earlier part
        self.attempts = _Attempts()

    def split_off(self, user_ids):
        """A job for some of these people that goes on where this one is, with the same history."""
        job = _PeopleJob(user_ids, self.parts, self.done, self.limit)
        job.doubted_before = self.doubted_before
        job.attempts.waits = list(self.attempts.waits)
        job.attempts.doubted = self.attempts.doubted
        return job


class Delivery(object):
    """One message to its robots and people. The natural way: token, look-ups, batches; groups beside them."""

    def __init__(self, client, settings, started, deadline, make_group_parts, make_people_parts, overflow=None, waiting=None):
        """client: DingTalk. started, deadline: monotonic seconds.

        make_group_parts(limit, identity) and make_people_parts(limit) give a message's parts for a limit in bytes.
        overflow: Overflow, and waiting: {"robot", "person"} of the message as an outbox keeps it, None for a kind that must
        not be queued; without them, nothing is counted and nothing queued.
        """
        self._overflow = overflow
        self._queueable = waiting or {}
        self._client = client
        self._settings = settings
        self._deadline = deadline
        self._lookup_deadline = deadline - (deadline - started) * SENDING_SHARE
        self._group_parts = make_group_parts
        self._people_parts = make_people_parts
        self._serial = not parallel.threads_run()
        self._ledger = Ledger(client.scrub)
        self._lock = threading.Lock()
        self._names_of = OrderedDict()  # user id: receivers
        self._mobile_of = {}  # user id: the mobile that it was looked up by
        self._waiting = OrderedDict()  # mobile: receivers, until looked up
        self._looking_up = False

    def send(self, robots, people):
        """{receiver name: Outcome} for Receivers of kind robot and person that can be addressed."""
        groups = OrderedDict()
        for robot in robots:
            # Two robot users of one group: the group gets the message once.
            job = groups.setdefault((robot.token, robot.secret), _GroupJob(robot))
            if robot.receiver not in job.names:
                job.names.append(robot.receiver)
        for receiver in people:
            if receiver.user_id:
                self._names_of.setdefault(receiver.user_id, []).append(receiver.receiver)
            else:
                self._waiting.setdefault(receiver.mobile, []).append(receiver.receiver)
        jobs = list(groups.values()) + ([_TokenJob()] if people else [])
        parallel.run(jobs, self._step, self._deadline, cannot_hang=self._cannot_hang)
        outcomes = self._ledger.close()
        late = Outcome(NOT_TRIED, False, DEADLINE_REASON % self._settings.deadline)
        for receiver in list(robots) + list(people):
            outcomes.setdefault(receiver.receiver, late)
        return outcomes

    def _step(self, job):
        try:
            return self._STEPS[type(job)](self, job)
        except Exception as error:
            # Its text may quote a URL or a body; its class and the place are enough to find it.
            logger.error("ding.blueking: %s in %s", error.__class__.__name__, type(job).__name__)
            reason = u"internal error %s" % error.__class__.__name__
            if isinstance(job, _LookUpJob):
                return self._looked_up_failed([job.mobile], dingtalk.Verdict(BUSY, reason, {}, 0))
            if isinstance(job, _TokenJob):
                self._ledger.note(self._receivers_of(job), NOT_TRIED, False, reason)
            else:
                self._ledger.note(self._receivers_of(job), DOUBTFUL, True, reason)
            return []

    def _receivers_of(self, job):
        if isinstance(job, _GroupJob):
            return job.names
        if isinstance(job, _PeopleJob):
            return self._named(job.user_ids)
        with self._lock:
            return [name for names in self._waiting.values() for name in names] + self._named(list(self._names_of))

    def _again(self, job, verdict, idempotent, until=None):
        """Seconds until the next attempt, None when there is none."""
        attempts = job.attempts
        if verdict.kind == UNCERTAIN:
            if not idempotent and (attempts.doubted or verdict.data.get("final") or self._settings.on_uncertain == "report"):
                attempts.doubted = True
                return None
            attempts.doubted = True
        elif verdict.kind != BUSY:
            return None
        if not attempts.waits or monotonic() + attempts.waits[0] >= (until or self._deadline):
            return None
        return attempts.waits.pop(0)

    def _cannot_hang(self, job):
        """Whether a job's call needs no look-up of a host name, the one thing that has no time-out of its own."""
        return self._client.is_connected(groups=isinstance(job, (_GroupJob, _LookUpJob)))

    def _until(self, deadline):
        """When a call that may be repeated must have ended."""
        if not self._serial:
            return deadline
        now = monotonic()
        return min(deadline, now + max(SERIAL_SECONDS, (deadline - now) / SERIAL_SHARE))

    # --- groups ---------------------------------------------------------------------------------------------------

    def _group_step(self, job):
        if job.bodies is None:
            job.bodies = self._group_parts(job.limit, job.identity)
        if self._overflow and not job.places and not self._admitted(job):
            return []
        # Noted before the call: when the deadline passes over it, nobody knows more than this.
        self._note_running(job.names, job)
        job.called = True
        verdict = self._client.send_to_group(
            job.robot.token, job.robot.secret, job.bodies[job.done], self._until(self._deadline)
        )
        if job.places:
            self._overflow.settle(job.robot.token, job.places.pop(0))
        if verdict.kind == DONE:
            job.done += 1
            if job.done == len(job.bodies):
                # Never twice, whatever went before: the repetition had the same msgUuid.
                self._ledger.note(job.names, SENT)
                return []
            job.attempts = _Attempts()
            return [(0, job)]
        if verdict.kind == TOO_LARGE and not job.done and job.limit // 2 >= SMALLEST_LIMIT:
            job.limit //= 2
            job.bodies = self._group_parts(job.limit, job.identity)
            self._give_places_back(job)
            job.called = False
            return [(0, job)]
        wait = self._again(job, verdict, idempotent=True)
        if wait is not None:
            self._note_failed(job.names, job, verdict)
            return [(wait, job)]
        self._give_places_back(job)
        if verdict.kind == HELD:
            if self._overflow and self._overflow.queues and self._queue_group(job):
                return []
            verdict = verdict._replace(kind=REFUSED, reason=held_reason(job.robot.receiver, verdict.wait))
        self._note_failed(job.names, job, verdict)
        return []

    def _admitted(self, job):
        """Whether a job has a place for its next call; if not, it is in the outbox, or refused."""
        seconds = max(1.0, self._deadline - monotonic()) + parallel.GRACE
        if job.called:
            admission = self._overflow.again(job.robot.token, seconds)
        else:
            admission = self._overflow.admit(job.robot.token, len(job.bodies), seconds)
        if admission.places is not None:
            job.places = list(admission.places)
            return True
        if admission.queue and self._queue_group(job):
            return False
        reason = full_reason(job.robot.receiver, admission.wait, len(job.bodies) - job.done, self._settings, self._overflow.problem)
        self._note_failed(job.names, job, dingtalk.Verdict(REFUSED, reason, {}, 0))
        return False

    def _give_places_back(self, job):
        while job.places:
            self._overflow.settle(job.robot.token, job.places.pop(), used=False)

    def _queue_group(self, job):
        """Whether the rest of a job is in the outbox now."""
        entry = dict(self._queueable["robot"], id=job.identity, receiver=job.robot.receiver)
        if job.done or job.attempts.doubted or job.limit != GROUP_LIMIT:
            # A part has arrived, or may have: the service goes on with the same parts.
            entry.update({"alone": True, "limit": job.limit, "from": job.done})
        return self._queued(job.names, lambda: self._overflow.queue_for_robot(job.robot.token, entry))

    def _queued(self, names, store_it):
        """Whether it is in the outbox now, or may be: then nobody else sends it."""
        before = self._ledger.note(names, DOUBTFUL, True, DEADLINE_REASON % self._settings.deadline + u" while it was being queued")
        try:
            queued = store_it()
        except outbox.Unsure as error:
            logger.error("ding.blueking: nobody knows whether a message is queued: %s", error.strerror)
            self._ledger.note(names, DOUBTFUL, True, u"the outbox's disk failed, so nobody knows whether it is queued: %s" % error.strerror)
            return True
        except EnvironmentError as error:
            logger.error("ding.blueking: a message cannot be queued: %s", error.strerror or error.__class__.__name__)
            self._overflow.problem = u"the outbox cannot be written: %s" % (error.strerror or error.__class__.__name__)
            self._ledger.put_back(before)
            return False
        self._ledger.note(names, QUEUED, False, QUEUED_REASON % (queued["behind"], queued["seconds"]), queued)
        return True

    # --- people ---------------------------------------------------------------------------------------------------

    def _token_step(self, job):
        """The first call for people: without a token there are no others."""
        verdict = self._client.token()
        names = self._receivers_of(job)
        if verdict.kind != DONE:
            wait = self._again(job, verdict, idempotent=True)
            self._ledger.note(names, _without_a_send(verdict), False, verdict.reason)
            return [] if wait is None else [(wait, job)]
        for mobile, user_id in self._client.known_user_ids(list(self._waiting)).items():
            self._looked_up(mobile, user_id)
        if not self._waiting:
            return self._batches()
        self._looking_up = True
        return [(0, _LookUpJob(mobile)) for mobile in list(self._waiting)]

    def _look_up_step(self, job):
        if job.mobile not in self._waiting:
            # What DingTalk has against the app was said of all meanwhile.
            return []
        if not job.has_place:
            turn = self._client.turn("getbymobile", self._lookup_deadline)
            if turn is not None and turn.kind == LATE:
                return self._looked_up_failed([job.mobile], turn)
            job.has_place = True
            if turn is not None:
                return [(turn.wait, job)]
        job.has_place = False
        verdict = self._client.find_user_id(job.mobile, self._until(self._lookup_deadline))
        if verdict.kind == DONE:
            return self._looked_up(job.mobile, verdict.data["user_id"])
        wait = self._again(job, verdict, True, self._lookup_deadline)
        if wait is not None:
            return [(wait, job)]
        with self._lock:
            # What DingTalk has against the app it would say of every number.
            failed = list(self._waiting) if verdict.data.get("app") else [job.mobile]
        return self._looked_up_failed(failed, verdict)

    def _looked_up(self, mobile, user_id):
        with self._lock:
            names = self._waiting.pop(mobile, [])
            if user_id and names:
                self._names_of.setdefault(user_id, []).extend(names)
                self._mobile_of[user_id] = mobile
        if names and not user_id:
            self._ledger.note(names, NOT_SENT, False, NOT_IN_DINGTALK)
        return self._end_of_look_ups()

    def _looked_up_failed(self, mobiles, verdict):
        with self._lock:
            names = [name for mobile in mobiles for name in self._waiting.pop(mobile, ())]
        if verdict.kind == LATE or verdict.data.get("rate"):
            self._ledger.note(names, NOT_TRIED, False, NOT_LOOKED_UP)
        else:
            self._ledger.note(names, _without_a_send(verdict), False, verdict.reason)
        return self._end_of_look_ups()

    def _end_of_look_ups(self):
        with self._lock:
            if self._waiting or not self._looking_up:
                return []
            self._looking_up = False
        return self._batches()

    def _batches(self):
        user_ids = list(self._names_of)
        if not user_ids:
            return []
        parts = self._people_parts(PERSON_LIMIT)
        size = dingtalk.PEOPLE_PER_CALL
        return [(0, _PeopleJob(user_ids[i:i + size], parts)) for i in range(0, len(user_ids), size)]

    def _people_step(self, job):
        if not job.done and not job.attempts.doubted and self._may_queue_people():
            self._queue_people(job, [user_id for user_id in job.user_ids if self._overflow.person_waits(user_id)])
            if not job.user_ids:
                return []
        names = self._named(job.user_ids)
        if not job.has_place:
            turn = self._client.turn("batchSend", self._deadline)
            if turn is not None and turn.kind == LATE:
                self._note_failed(names, job, turn)
                return []
            job.has_place = True
            if turn is not None:
                return [(turn.wait, job)]
        job.has_place = False
        self._note_running(names, job)
        verdict = self._client.send_to_people(job.user_ids, *job.parts[job.done])
        if verdict.kind == DONE:
            return self._accepted(job, verdict)
        if verdict.kind == TOO_LARGE and not job.done and job.limit // 2 >= SMALLEST_LIMIT:
            job.limit //= 2
            job.parts = self._people_parts(job.limit)
            return [(0, job)]
        if verdict.kind == POISONED and len(job.user_ids) > 1:
            # One of them makes DingTalk refuse the whole call: the halves find out who.
            half = len(job.user_ids) // 2
            halves = job.user_ids[:half], job.user_ids[half:]
            return [(0, job.split_off(user_ids)) for user_ids in halves]
        wait = self._again(job, verdict, idempotent=False)
        self._note_failed(names, job, verdict)
        if verdict.kind == POISONED:
            self._forget(job.user_ids)
        if wait is None and verdict.kind == BUSY and verdict.data.get("slow") and not job.attempts.doubted:
            self._queue_people(job, list(job.user_ids))
        return [] if wait is None else [(wait, job)]

    def _may_queue_people(self):
        return self._overflow is not None and self._overflow.queues and self._queueable.get("person") is not None

    def _queue_people(self, job, user_ids):
        """Put what is left of a job into the outboxes of some of its people, who are then no longer the job's."""
        if not self._may_queue_people():
            return
        for user_id in user_ids:
            names = self._named([user_id])
            entry = dict(self._queueable["person"], id=uuid.uuid4().hex, receiver=names[0])
            if job.done or job.limit != PERSON_LIMIT:
                entry.update({"alone": True, "limit": job.limit, "from": job.done})
            if self._queued(names, lambda: self._overflow.queue_for_person(user_id, entry)):
                job.user_ids = [each for each in job.user_ids if each != user_id]

    def _accepted(self, job, verdict):
        """One part was taken, perhaps not for everybody."""
        refused, slow = verdict.data["refused"], set(verdict.data["slow"])
        more = []
        for user_id in job.user_ids:
            if user_id in refused:
                self._ledger.note(self._named([user_id]), NOT_SENT, False, refused[user_id])
        self._forget([user_id for user_id in job.user_ids if user_id in refused])
        slow = [user_id for user_id in job.user_ids if user_id in slow and user_id not in refused]
        if slow:
            later = job.split_off(slow)
            reason = dingtalk.Verdict(BUSY, u"DingTalk's flow control holds messages to this person back", {}, 0)
            wait = self._again(later, reason, idempotent=False)
            self._note_failed(self._named(slow), later, reason)
            if wait is not None:
                more.append((wait, later))
            elif not later.attempts.doubted:
                self._queue_people(later, slow)
        job.user_ids = [user_id for user_id in job.user_ids if user_id not in refused and user_id not in set(slow)]
        job.done += 1
        if not job.user_ids:
            return more
        if job.done == len(job.parts):
            self._ledger.note(self._named(job.user_ids), SENT, job.attempts.doubted or job.doubted_before)
            return more
        job.doubted_before = job.doubted_before or job.attempts.doubted
        job.attempts = _Attempts()
        return more + [(0, job)]

    def _forget(self, user_ids):
        for user_id in user_ids:
            if user_id in self._mobile_of:
                self._client.forget_user_id(self._mobile_of[user_id])

    def _named(self, user_ids):
        return [name for user_id in user_ids for name in self._names_of.get(user_id, ())]

    # --- outcomes -------------------------------------------------------------------------------------------------

    def _note_running(self, names, job):
        reason = self._part(job) + DEADLINE_REASON % self._settings.deadline + u" while the call was running"
        self._ledger.note(names, DOUBTFUL, True, reason)

    def _note_failed(self, names, job, verdict):
        doubted = job.attempts.doubted or verdict.kind == UNCERTAIN
        if doubted:
            outcome = DOUBTFUL
        elif verdict.kind in (LATE, LATER) and not job.done:
            outcome = NOT_TRIED
        else:
            outcome = NOT_SENT
        self._ledger.note(names, outcome, doubted, self._part(job) + verdict.reason)

    @staticmethod
    def _part(job):
        parts = job.bodies if isinstance(job, _GroupJob) else job.parts
        return u"part %d of %d: " % (job.done + 1, len(parts)) if len(parts) > 1 else u""

    _STEPS = {
        _GroupJob: _group_step,
        _TokenJob: _token_step,
        _LookUpJob: _look_up_step,
        _PeopleJob: _people_step,
    }


def full_reason(name, seconds, parts, settings, problem):
    """What a receiver is told whose robot has no room for a message."""
    if parts > settings.robot_per_minute:
        words = u"robot %s: the message needs %d parts, and a robot sends %d a minute" % (name, parts, settings.robot_per_minute)
    else:
        words = u"robot %s has sent as many messages as DingTalk takes in a minute (%d): there may be room in %d seconds" % (
            name, settings.robot_per_minute, int(seconds + 0.999))
    return words + (u"; nothing is queued: %s" % problem if problem else u"")


def _without_a_send(verdict):
    """The outcome of people for whom a token or a look-up failed: refused is what DingTalk said no to."""
    return NOT_SENT if verdict.kind == REFUSED else NOT_TRIED
