# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Who works on a host: a lease that keeps two operators apart. It is a small file, which expires by itself.

decide() and release() are pure; read(), write() and remove() touch the file, and whoever changes it holds swap.lock on its folder.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import binascii
import errno
import json
import os
import time

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

NAME = ".ding_blueking.lease"
LARGEST = 64 * 1024
TEXTS, TIMES = ("run_id", "operator"), ("since", "expires")


def decide(lease, run_id, operator, seconds, now, break_lock=False):
    """(the lease that the run has then, whether that is new). lease: what is there, or None; now: seconds since 1970.

    Raises Problem when another run holds it. A lease that has expired, or that is broken, goes to the new run.
    """
    if lease and lease["run_id"] == run_id:
        return dict(lease, expires=now + seconds), False
    if lease and lease["expires"] > now and not break_lock:
        raise Problem("%s, until %s unless that run goes on: wait for it, or take the host over with ding_break_lock=true "
                      "when that run is certainly dead." % (held(lease), clock(lease["expires"])))
    return dict(run_id=run_id, operator=operator, since=now, expires=now + seconds), True


def release(lease, run_id, break_lock=False):
    """Whether the lease goes: a run gives back its own, and only break_lock gives back another's."""
    return bool(lease) and (break_lock or lease["run_id"] == run_id)


def held(lease):
    """A sentence without its end: who, which run, since when."""
    return "This host is held by %s (run %s) since %s" % (lease["operator"] or "somebody without a name", lease["run_id"], clock(lease["since"]))


def shown(lease):
    """For a diff: without the times, which differ in each run."""
    return dict((name, lease[name]) for name in TEXTS) if lease else {}


def clock(seconds):
    """The host's own time, with its zone."""
    try:
        return time.strftime("%Y-%m-%d %H:%M:%S %Z", time.localtime(seconds))
    except (ValueError, OverflowError, OSError):
        return "an impossible time"


def parsed(text):
    """A lease from the file's text. Raises ValueError."""
    lease = json.loads(text)
    if not isinstance(lease, dict):
        raise ValueError("no object")
    texts = [lease.get(name) for name in TEXTS]
    times = [lease.get(name) for name in TIMES]
    if not all(isinstance(each, type(u"")) for each in texts) or not all(isinstance(each, (int, float)) for each in times):
        raise ValueError("a field is missing")
    return dict(zip(TEXTS + TIMES, texts + times))


# --- the file ---------------------------------------------------------------------------------------------------------

def read(path):
    """The lease, or None. Raises Problem for what is no lease."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError as error:
        if error.errno == errno.ENOENT:
            return None
        raise Problem("The lease %s cannot be read: %s." % (path, os.strerror(error.errno)))
    try:
        return parsed(to_text(os.read(handle, LARGEST), errors="strict"))
    except (ValueError, UnicodeError, OSError):
        raise Problem("%s is no lease of ours: look who wrote it, then remove it, or take the host over with ding_break_lock=true." % path)
    finally:
        os.close(handle)


def write(path, lease):
    """In one go, so that nobody reads half of it."""
    draft = "%s.%s" % (path, to_text(binascii.hexlify(os.urandom(6))))
    try:
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.write(handle, json.dumps(lease, sort_keys=True).encode("ascii"))
            os.fsync(handle)
        finally:
            os.close(handle)
        os.rename(draft, path)
    except OSError as error:
        if os.path.lexists(draft):
            os.unlink(draft)
        raise Problem("The lease %s cannot be written: %s." % (path, os.strerror(error.errno)))


def remove(path):
    try:
        os.unlink(path)
    except OSError as error:
        if error.errno != errno.ENOENT:
            raise Problem("The lease %s cannot be removed: %s." % (path, os.strerror(error.errno)))
