# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The name of this run of a playbook, from which a later run on the same controller can tell that it has ended."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import multiprocessing
import os
import socket
import time

BACKUP_NAME = "%Y%m%dT%H%M%SZ"


def current():
    """`HOST/PID/TICKS`: the controller, Ansible's main process, and when that was started.

    HOST is its name and, where Linux tells it, which boot of which machine and which container: names alone are not unique.
    """
    pid = _main_process()
    return "%s/%d/%d" % (_controller(), pid, _started(pid) or 0)


def began():
    """When the run began, in UTC, in the form of a backup's name; an empty text on a controller without /proc."""
    ticks = _started(_main_process())
    if ticks is None:
        return ""
    with open("/proc/stat", "rb") as handle:
        booted = [int(line.split()[1]) for line in handle if line.startswith(b"btime ")]
    return time.strftime(BACKUP_NAME, time.gmtime(booted[0] + ticks // os.sysconf("SC_CLK_TCK"))) if booted else ""


def ended(name):
    """True only when the run was on this controller and its process is certainly gone."""
    host, slash, rest = name.partition("/")
    pid, slash, ticks = rest.partition("/")
    if host != _controller() or not pid.isdigit() or not ticks.isdigit() or not os.path.isdir("/proc/self"):
        return False
    return _started(int(pid)) != int(ticks)


def _controller():
    try:
        with open("/proc/sys/kernel/random/boot_id", "rb") as handle:
            where = "%s %s" % (handle.read().decode("ascii").strip(), os.readlink("/proc/self/ns/pid"))
    except (OSError, ValueError):
        return socket.gethostname()
    # Short, since people read it: who has the lease, and on which controller.
    return "%s-%s" % (socket.gethostname(), hashlib.sha256(where.encode("utf-8")).hexdigest()[:12])


def _main_process():
    parent = multiprocessing.parent_process()
    return parent.pid if parent else os.getpid()


def _started(pid):
    """Clock ticks since the controller was started, None without such a process."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as handle:
            # The second field, the name, may hold blanks and parentheses.
            return int(handle.read().rpartition(b")")[2].split()[19])
    except (OSError, IndexError, ValueError):
        return None
