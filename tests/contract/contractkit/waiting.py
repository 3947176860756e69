"""Waiting for a condition, with a limit, and for its opposite: that nothing more happens."""

import time


def eventually(condition, seconds=5.0, what="the condition"):
    """Poll until condition() is true; return its value, or fail after `seconds`."""
    limit = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError("%s did not hold within %s s" % (what, seconds))
        time.sleep(0.05)


def stays(read, seconds, what):
    """Watch read() for `seconds`; fail as soon as its value changes."""
    first = read()
    limit = time.monotonic() + seconds
    while time.monotonic() < limit:
        now = read()
        assert now == first, "%s changed from %r to %r" % (what, first, now)
        time.sleep(0.1)
    return first
