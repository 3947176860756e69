# -*- coding: utf-8 -*-
"""What waits on this host, and who sends it: read from files, so that any worker can tell."""
from __future__ import absolute_import, division, print_function

import os
import socket
import time

from . import heartbeat, limits, outbox
from .drain import COUNTERS
from .outbox import STATUS, Outbox
from .overflow import QUEUE, Overflow
from .store import store
from .version import __version__
from .window import HOST, SHARE, Window, is_young

TOTALS = ("waiting",) + COUNTERS


def collect(settings):
    """The status as plain data; times in UTC."""
    overflow = Overflow(settings)
    window = Window(settings) if settings.robot_per_minute else None
    folder = store.lasting_folder()
    base = os.path.join(folder, outbox.FOLDER) if folder else u""
    outboxes = [_of_outbox(base, key, window) for key in outbox.all_keys(base)] if folder else []
    reason = overflow.problem
    if settings.overflow == QUEUE and window is None:
        reason = u"robot_per_minute is 0: nothing is counted"
    elif settings.overflow != QUEUE:
        reason = u"setting overflow"
    return {
        "version": __version__,
        "host": socket.gethostname(),
        "overflow": {"setting": settings.overflow, "effect": "queue" if overflow.queues else "refuse", "reason": reason},
        "service": _of_service(),
        "window": _of_window(settings, window),
        "totals": dict((name, sum(each[name] for each in outboxes)) for name in TOTALS),
        "outboxes": outboxes,
    }


def _of_service():
    beat = heartbeat.read() or {}
    age = heartbeat.age(beat)
    return {
        "running": not heartbeat.problem(),
        "version": beat.get("version"),
        "pid": beat.get("pid"),
        "heartbeat": stamp(beat.get("time")),
        "age": None if age is None else round(age, 1),
        "error": beat.get("error") or u"",
    }


def _of_window(settings, window):
    counted = HOST
    if window is not None:
        counted, dummy = window.counted()
        if counted == "redis" and is_young(window):
            counted = SHARE
    return {"counted": counted, "limit": settings.robot_per_minute, "seconds": settings.robot_window, "hosts": settings.paas_hosts}


def _of_outbox(base, key, window):
    box = Outbox(base, key)
    shown = box.read_json(STATUS)
    shown = shown if isinstance(shown, dict) else {}
    kind, dash, name = key.partition("-")
    blocked = limits.blocked_until(name) if kind == "robot" else 0
    waiting = box.waiting()
    found = dict((each, shown.get(each) or 0) for each in COUNTERS)
    found.update({
        "key": key,
        "kind": kind,
        "receivers": shown.get("receivers") or [],
        "used": window.used(name) if window is not None and kind == "robot" else 0,
        "waiting": waiting,
        "oldest": stamp(shown.get("oldest")) if waiting else None,
        "blocked_until": stamp(blocked),
        "dead": len(box.dead()),
        "last_error": shown.get("last_error") or u"",
        "last_sent": stamp(shown.get("last_sent")),
    })
    return found


def stamp(at):
    """A wall clock time as others read it; None for none."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(at)) if at else None
