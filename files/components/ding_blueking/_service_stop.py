# -*- coding: utf-8 -*-
"""Ends the service of this package in a container: python _service_stop.py. Only the standard library.

`docker exec` hands no signal on, and what it has started outlives it. Ends with 0 when none runs any more.
"""
from __future__ import absolute_import, division, print_function

import os
import signal
import sys
import time

# The longest call that a service finishes takes 12 s. A kill loses nothing.
TERM_SECONDS, KILL_SECONDS = 20, 5


def running(script):
    """Pids of processes that run the script; /proc of a container shows its own only."""
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit() and int(name) != os.getpid():
            try:
                with open("/proc/%s/cmdline" % name, "rb") as handle:
                    words = handle.read().split(b"\0")
            except EnvironmentError:
                continue
            # Behind the interpreter and its options; not the engine's own words, in which it is one among many.
            if script in words[1:3]:
                found.append(int(name))
    return found


def end(script, number, seconds):
    """Whether all have ended."""
    until = time.time() + seconds
    for pid in running(script):
        try:
            os.kill(pid, number)
        except OSError:
            continue
    while running(script) and time.time() < until:
        time.sleep(0.1)
    return not running(script)


def main():
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "_service.py")
    script = script if isinstance(script, bytes) else script.encode("utf-8")
    if end(script, signal.SIGTERM, TERM_SECONDS) or end(script, signal.SIGKILL, KILL_SECONDS):
        return 0
    print("the service does not end", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
