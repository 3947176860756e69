# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""A limit for a whole piece of work: a socket's own time-out begins anew with every byte."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import os
import signal
import threading

# The alarm rings again until the work has ended: code that swallows the first one (a destructor, a callback) is no way out.
RINGS_AGAIN = 0.25


class TimeIsUp(Exception):
    """The work did not end within its seconds."""


class _Alarm(BaseException):
    """Not an Exception, so that no `except Exception` on the way swallows it."""


def now():
    """Seconds of a clock that nobody sets, in steps of 0.01; Python 2.7 has no time.monotonic()."""
    return os.times()[4]


@contextlib.contextmanager
def within(seconds):
    """Runs the body for at most so many seconds (a float), else raises TimeIsUp. One within another keeps the shorter limit.

    It needs the main thread, where every Ansible module runs; elsewhere the sockets' own time-outs have to do. A call that
    stays inside the C library, such as a name look-up without an answer, is left when it returns.
    """
    if not isinstance(threading.current_thread(), _MAIN_THREAD):
        yield
        return
    armed = [True]

    def ring(signum, frame):
        if armed[0]:
            raise _Alarm()

    outer = signal.getitimer(signal.ITIMER_REAL)[0]
    limit = max(min(seconds, outer) if outer else seconds, 0.001)
    before = signal.signal(signal.SIGALRM, ring)
    try:
        try:
            signal.setitimer(signal.ITIMER_REAL, limit, RINGS_AGAIN)
            yield
        finally:
            # From here on a late ring must not disturb whoever comes next.
            armed[0] = False
    except _Alarm:
        armed[0] = False
        raise TimeIsUp()
    finally:
        left = signal.setitimer(signal.ITIMER_REAL, 0)[0]
        signal.signal(signal.SIGALRM, before)
        if outer:
            signal.setitimer(signal.ITIMER_REAL, max(outer - max(limit - left, 0), 0.001), RINGS_AGAIN)


# Python 2.7 has no threading.main_thread().
_MAIN_THREAD = getattr(threading, "_MainThread")
