"""A small cache per worker whose entries live for a fixed time."""
from __future__ import absolute_import, division, print_function

import functools
import threading
import time

from django.conf import settings

MAX_ENTRIES = 2000


def cached(function):
    """Remember the results of `function`, by its positional arguments, for ESB_CACHE_SECONDS."""
    lock, entries = threading.Lock(), {}

    @functools.wraps(function)
    def wrapper(*args):
        now = time.time()
        with lock:
            entry = entries.get(args)
            if entry and entry[0] > now:
                return entry[1]
        value = function(*args)
        with lock:
            if len(entries) >= MAX_ENTRIES:
                entries.clear()
            entries[args] = (now + settings.ESB_CACHE_SECONDS, value)
        return value

    return wrapper
