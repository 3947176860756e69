# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Runs work in a child process that dies after a given number of file-system operations; used by tests of what is left then."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

OPERATIONS = ("mkdir", "rename", "link", "unlink", "rmdir", "open", "write", "fsync", "remove", "chmod", "chown", "utime")
KILLED = 9


def counted(instead, limit):
    """Replaces os's functions: beyond the first `limit` operations they call `instead`. Returns what puts them back."""
    done = [0]

    def wrapped(real):
        def function(*arguments, **keywords):
            if done[0] >= limit:
                return instead(real, arguments, keywords)
            done[0] += 1
            return real(*arguments, **keywords)
        return function

    kept = dict((name, getattr(os, name)) for name in OPERATIONS)
    for name, real in kept.items():
        setattr(os, name, wrapped(real))

    def undo():
        for name, real in kept.items():
            setattr(os, name, real)

    return undo


def in_child(work):
    """Runs it in a child process; returns the child's exit code: 0 when it came to its end."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            os._exit(code)
    return os.WEXITSTATUS(os.waitpid(child, 0)[1])


def killed_after(limit, work):
    leave = os._exit

    def child():
        counted(lambda real, arguments, keywords: leave(KILLED), limit)
        work()

    return in_child(child)
