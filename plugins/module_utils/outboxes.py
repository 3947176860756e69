# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The channel's own folder in the ESB's logs: the service's heartbeat, and how many messages wait in the outboxes.

Its layout is docs/dev/storms.md. Counting errs on the side of messages: what cannot be read is not taken for empty.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import errno
import fcntl
import io
import json
import os
import shutil

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

NAME, BEAT = "ding_blueking", "service.beat"
FORMAT = 1
FRESH_SECONDS = 15
_TAKEN = ("in.log", "take.")


class Outboxes:
    """The folder below the ESB's logs. now: a clock in seconds since 1970."""

    def __init__(self, logs, now):
        self.folder = os.path.join(logs, NAME)
        self._now = now

    def beat(self):
        """The last heartbeat, a dict; None without one that can be read."""
        found = _json(os.path.join(self.folder, BEAT))
        return found if isinstance(found, dict) else None

    def age(self, beat):
        """Seconds since a heartbeat; None where it does not say."""
        at = beat.get("time") if beat else None
        return None if isinstance(at, bool) or not isinstance(at, (int, float)) else self._now() - at

    def is_served(self):
        """Whether a service runs on this host, as workers see it."""
        beat = self.beat()
        age = self.age(beat)
        return age is not None and abs(age) <= FRESH_SECONDS and beat.get("format") == FORMAT

    def silence(self):
        """Takes the heartbeat away: from now on workers refuse what they would have queued."""
        _unlink(os.path.join(self.folder, BEAT))

    def waiting(self):
        """How many messages wait in all outboxes."""
        return sum(_waiting(folder) for folder in self._each())

    def dead(self):
        """How many messages DingTalk has refused for good, and nobody has acknowledged."""
        return sum(_lines(os.path.join(folder, name)) for folder in self._each() for name in ("dead.log", "dead.log.old"))

    @property
    def is_there(self):
        return os.path.lexists(self.folder)

    def remove(self):
        """Removes the whole folder. Raises Problem."""
        try:
            if os.path.islink(self.folder):
                os.unlink(self.folder)
            else:
                shutil.rmtree(self.folder)
        except (IOError, OSError) as error:
            if error.errno != errno.ENOENT:
                raise Problem("%s cannot be removed: %s." % (error.filename or self.folder, os.strerror(error.errno)))

    def _each(self):
        base = os.path.join(self.folder, "outbox")
        try:
            names = os.listdir(base)
        except OSError as error:
            if error.errno in (errno.ENOENT, errno.ENOTDIR):
                return []
            raise Problem("%s cannot be read: %s: run this module as root (become: true)." % (base, os.strerror(error.errno)))
        return [os.path.join(base, name) for name in sorted(names) if os.path.isdir(os.path.join(base, name))]


def _waiting(folder):
    """By the counts; without counts, or when they say none although messages lie there, by the lines."""
    counts = _counts(os.path.join(folder, "lock"))
    if counts and counts[0] > counts[1]:
        return counts[0] - counts[1]
    return sum(_lines(os.path.join(folder, name)) for name in os.listdir(folder) if name.startswith(_TAKEN))


def _counts(path):
    """(in, out), read while nobody writes them; None where they cannot be read."""
    try:
        with io.open(path, "rb") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            found = json.loads(handle.read().decode("utf-8"))
        return int(found["in"]), int(found["out"])
    except (IOError, OSError, ValueError, KeyError, TypeError):
        return None


def _lines(path):
    try:
        with io.open(path, "rb") as handle:
            return sum(1 for line in handle if line.strip(b"\0\n"))
    except (IOError, OSError) as error:
        if error.errno == errno.ENOENT:
            return 0
        raise Problem("%s cannot be read: %s." % (path, os.strerror(error.errno)))


def _json(path):
    try:
        with io.open(path, "rb") as handle:
            return json.loads(handle.read().decode("utf-8"))
    except (IOError, OSError, ValueError):
        return None


def _unlink(path):
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise Problem("%s cannot be removed: %s." % (path, os.strerror(error.errno)))


def messages(number):
    return "%d message%s" % (number, "" if number == 1 else "s")
