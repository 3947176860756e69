# -*- coding: utf-8 -*-
"""What becomes of a message for which a robot's window has no room: the outbox, or a clear refusal."""
from __future__ import absolute_import, division, print_function

import errno
import hashlib
import os
import time
from collections import namedtuple

from . import heartbeat, outbox
from .limits import robot_wait
from .messages import GROUP_LIMIT
from .store import store
from .window import Window

QUEUE, REFUSE = "queue", "refuse"
# Of a digest's bytes, what a message needs beside its text.
LINE_BYTES = 20

# places: [place] to send with, or None; wait: seconds until there may be room; queue: whether it is for the outbox.
Admission = namedtuple("Admission", "places wait queue")


class Overflow(object):
    """One request's view: whether this host queues, and the windows."""

    def __init__(self, settings):
        self._settings = settings
        self._window = Window(settings) if settings.robot_per_minute else None
        self.problem = u""
        self.queues = settings.overflow == QUEUE and self._window is not None
        if self.queues:
            self.problem = heartbeat.problem()
            self.queues = not self.problem
        self._base = os.path.join(store.lasting_folder() or u"", outbox.FOLDER) if self.queues else None

    def admit(self, token, count, call_seconds):
        """An Admission for a message of `count` parts to a robot. token: Secret."""
        if self._window is None:
            return Admission([], 0, False)
        robot = token.fingerprint()
        if self.queues:
            held = robot_wait(token)
            if held or self._box(robot_key(robot)).waiting():
                return Admission(None, held, True)
        kept = self._settings.reserve if self.queues else 0
        places, wait = self._window.take(robot, count, call_seconds, min(kept, self._window.limit - 1), patient=self.queues)
        return Admission(places, wait, places is None and self.queues)

    def again(self, token, call_seconds):
        """An Admission for one more call of a message that has begun: it may use the reserve."""
        if self._window is None:
            return Admission([], 0, False)
        places, wait = self._window.take(token.fingerprint(), 1, call_seconds, patient=self.queues)
        return Admission(places, wait, places is None and self.queues)

    def settle(self, token, place, used=True):
        if self._window is not None:
            self._window.settle(token.fingerprint(), place, used)

    def queue_for_robot(self, token, entry):
        """Store it; {"behind", "seconds"}. Raises EnvironmentError."""
        return self._queue(robot_key(token.fingerprint()), entry, robot_wait(token))

    def person_waits(self, user_id):
        """Whether messages of this person wait on this host."""
        return self.queues and self._box(person_key(user_id)).waiting() > 0

    def queue_for_person(self, user_id, entry):
        """Store it; {"behind", "seconds"}. Raises EnvironmentError."""
        return self._queue(person_key(user_id), dict(entry, user_id=user_id), 0)

    def _box(self, key):
        return outbox.Outbox(self._base, key)

    def _queue(self, key, entry, held):
        counts = self._box(key).append(dict(entry, at=time.time()), _no_service)
        behind = max(0, counts.came - counts.went)
        return {"behind": behind, "seconds": self._estimate(max(0, counts.bytes_came - counts.bytes_went), behind, held)}

    def _estimate(self, waiting_bytes, behind, held):
        digests = (waiting_bytes + behind * LINE_BYTES) // GROUP_LIMIT + 1
        a_digest = self._settings.robot_window / float(self._settings.robot_per_minute)
        return int(held + digests * a_digest + 0.999)


def _no_service():
    """An error where the service has gone since the request began, as before an uninstall: nobody would send what is stored now."""
    problem = heartbeat.problem()
    return EnvironmentError(errno.ECANCELED, problem) if problem else None


def robot_key(fingerprint):
    return "robot-" + fingerprint


def person_key(user_id):
    return "person-" + hashlib.sha256(user_id.encode("utf-8")).hexdigest()[:24]
