# -*- coding: utf-8 -*-
"""Jobs side by side where threads can run, one after the other where they cannot, never past the deadline."""
from __future__ import absolute_import, division, print_function

import heapq
import sys
import threading
import time

from .names import monotonic

# A call's own time-out ends at the deadline; this much is left for it to come home.
GRACE = 0.25


def threads_run():
    """Whether a new thread would ever run in this process.

    uWSGI without enable-threads holds the interpreter's lock for ever, so a thread that is waited for hangs. Under
    gevent a thread is a greenlet, whatever uWSGI's options say.
    """
    monkey = sys.modules.get("gevent.monkey")
    if monkey is not None and monkey.is_module_patched("threading"):
        return True
    uwsgi = sys.modules.get("uwsgi")
    if uwsgi is None:
        try:
            import uwsgi
        except ImportError:
            return True
    options = getattr(uwsgi, "opt", None) or {}
    off = (None, False, b"", b"0", b"false", u"0", u"false")
    enabled, threads = [options.get(name, options.get(name.encode("ascii"))) for name in ("enable-threads", "threads")]
    # One thread is what a worker has anyway.
    return enabled not in off or threads not in off + (b"1", u"1", 1)


class _Board(object):
    """Jobs by the time they are due, and how many are being worked on."""

    def __init__(self, jobs, deadline):
        self.deadline = deadline
        self.changed = threading.Condition()
        self.running = 0
        self._order = 0
        self._due = []
        self.put([(0, job) for job in jobs])

    def put(self, more):
        now = monotonic()
        for delay, job in more:
            self._order += 1
            heapq.heappush(self._due, (now + delay, self._order, job))

    def open_jobs(self):
        return self.running + len(self._due)

    def only_job(self):
        """The one job that there is, None when there are others or none."""
        return self._due[0][2] if len(self._due) == 1 and not self.running else None

    def take(self):
        """(job, 0) when one is due, (None, seconds to wait) when one will be, (None, None) when all are done."""
        now = monotonic()
        if now >= self.deadline:
            return None, None
        if self._due:
            wait = self._due[0][0] - now
            if wait <= 0:
                self.running += 1
                return heapq.heappop(self._due)[2], 0
            return None, min(wait, self.deadline - now)
        return None, self.deadline - now if self.running else None


def _work(board, step):
    while True:
        with board.changed:
            job, wait = board.take()
            while job is None and wait is not None:
                board.changed.wait(wait)
                job, wait = board.take()
            if job is None:
                board.changed.notify_all()
                return
        more = []
        try:
            more = step(job)
        finally:
            with board.changed:
                board.running -= 1
                board.put(more)
                board.changed.notify_all()


def _work_alone(board, step, go_on=lambda: True):
    while go_on():
        job, wait = board.take()
        if job is None:
            if wait is None:
                return
            time.sleep(wait)
            continue
        more = step(job)
        board.running -= 1
        board.put(more)


def run(jobs, step, deadline, width=20, cannot_hang=lambda job: False):
    """Work on all jobs until each is done or the deadline (monotonic seconds) has come.

    `step(job)` works on one and returns a list of (seconds to wait, job): the same one again, others, or none. It must
    not raise. At most `width` jobs run at a time. While there is only one, and `cannot_hang(job)` says that its call ends by
    itself, the caller works on it: a thread costs as much as the call. Returns at the deadline plus GRACE at the latest; what still runs then
    must not be believed any more.
    """
    board = _Board(jobs, deadline)
    if width <= 1 or not threads_run():
        _work_alone(board, step)
        return
    _work_alone(board, step, lambda: board.only_job() is not None and cannot_hang(board.only_job()))
    spawned = 0
    # The caller only waits: it must be able to leave a worker behind that hangs, in a name look-up for instance.
    with board.changed:
        while True:
            while spawned < min(width, board.open_jobs()) and _spawn(board, step):
                spawned += 1
            if not spawned and board.open_jobs():
                break
            now = monotonic()
            if not board.open_jobs() or now >= deadline + GRACE or (now >= deadline and not board.running):
                return
            board.changed.wait(deadline + GRACE - now)
    _work_alone(board, step)


def _spawn(board, step):
    """Whether one more worker could be started: a host short of memory or processes must still send."""
    worker = threading.Thread(target=_work, args=(board, step))
    worker.daemon = True
    try:
        worker.start()
    except Exception:  # RuntimeError on Python 3, thread.error on 2.7
        return False
    return True
