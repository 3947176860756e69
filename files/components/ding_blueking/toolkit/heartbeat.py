# -*- coding: utf-8 -*-
"""The service's sign of life on this host: without it nothing is queued, as nobody would send it."""
from __future__ import absolute_import, division, print_function

import os
import time

from . import outbox
from .store import store

NAME = "service.beat"
# What workers and service have to agree on: how entries are written.
FORMAT = 1
EVERY = 2
FRESH_SECONDS = 15


def read():
    """The last heartbeat (a dict), or None."""
    folder = store.lasting_folder()
    found = outbox.read_json(os.path.join(folder, NAME)) if folder else None
    return found if isinstance(found, dict) else None


def write(folder, beat):
    outbox.replace(os.path.join(folder, NAME), outbox.as_json(beat), lasting=False)


def age(beat):
    """Seconds since a heartbeat; None without one."""
    at = beat.get("time") if beat else None
    return None if isinstance(at, bool) or not isinstance(at, (int, float)) else time.time() - at


def problem():
    """Why nothing can be queued on this host; "" when the service is there."""
    if store.lasting_folder() is None:
        return u"this host has no private folder beside the ESB's logs"
    beat = read()
    seconds = age(beat)
    if seconds is None:
        return u"the service that sends queued messages does not run on this host"
    if not -FRESH_SECONDS <= seconds <= FRESH_SECONDS:
        return u"the service that sends queued messages gave its last sign of life %d seconds ago" % abs(seconds)
    if beat.get("format") != FORMAT:
        return u"the service that sends queued messages is of another version: restart it"
    return u""
