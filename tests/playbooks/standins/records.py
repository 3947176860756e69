"""What the stand-ins know of their units and containers: REGISTRY/NAME.json. Read and written by many processes at once.

Without a lock two of them would undo each other's change, or take each other's draft away.
"""

import contextlib
import fcntl
import json
import os
import time

# The longest change is the stop of a unit, programs.UNIT_STOP_SECONDS.
LOCK_SECONDS = 60


def path(registry, name):
    return os.path.join(registry, name + ".json")


def names(registry):
    return sorted(entry[:-5] for entry in os.listdir(registry) if entry.endswith(".json"))


def read(registry, name):
    """What is known; {} when there is nothing."""
    try:
        with open(path(registry, name), encoding="utf-8") as handle:
            return json.load(handle)
    except FileNotFoundError:
        return {}


@contextlib.contextmanager
def changing(registry, name):
    """What is known, for the block to change: nobody else does meanwhile, and it is kept also where the block raises. Left empty, it is gone.

    Raises BlockingIOError where another one's change does not end.
    """
    with open(os.path.join(registry, name + ".lock"), "a", encoding="utf-8") as lock:
        _take(lock)
        data = read(registry, name)
        try:
            yield data
        finally:
            _keep(path(registry, name), data)


def _take(lock):
    end = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > end:
                raise
        time.sleep(0.01)


def _keep(place, data):
    if not data:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(place)
        return
    with open(place + ".new", "w", encoding="utf-8") as handle:
        json.dump(data, handle)
    os.rename(place + ".new", place)
