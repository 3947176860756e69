# -*- coding: utf-8 -*-
"""Locks on files, held by one thread of one process for some microseconds."""
from __future__ import absolute_import, division, print_function

import fcntl
from contextlib import contextmanager


@contextmanager
def held(opened, how):
    """Holds an open file's lock: fcntl.LOCK_EX, or fcntl.LOCK_SH beside others that only read.

    It is given back by name, and not by closing the file alone: a process that another thread starts meanwhile has the
    open file too, with Python 2.7 for as long as it runs, and would keep the lock.
    """
    fcntl.flock(opened, how)
    try:
        yield
    finally:
        fcntl.flock(opened, fcntl.LOCK_UN)
