# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""A limit for a whole piece of work: a socket's own time-out begins anew with every byte, and a name look-up has none."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import signal
import threading


class TimeIsUp(Exception):
    """The work did not end within its seconds."""


class _Alarm(BaseException):
    """Not an Exception, so that no `except Exception` on the way swallows it."""


@contextlib.contextmanager
def within(seconds):
    """Runs the body for at most so many seconds (a float), else raises TimeIsUp.

    It needs the main thread, where every Ansible module runs; elsewhere the sockets' own time-outs have to do.
    """
    if not isinstance(threading.current_thread(), _MAIN_THREAD):
        yield
        return

    def ring(signum, frame):
        raise _Alarm()

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    except _Alarm:
        raise TimeIsUp()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# Python 2.7 has no threading.main_thread().
_MAIN_THREAD = getattr(threading, "_MainThread")
