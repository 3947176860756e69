"""Keeps the channel's service of one host running, as the unit does on a real one.

python -m sandbox.keeper PYTHON PACKAGE LOG: starts PACKAGE/_service.py as soon as it is there, and again a second after it
has ended. The service ends by itself when its package is replaced. SIGTERM ends both.
"""

import os
import signal
import subprocess
import sys
import threading

AGAIN_SECONDS, LOOK_SECONDS, END_SECONDS = 1.0, 0.3, 14.0
MOST_LOG_BYTES = 1024 * 1024


def main(python, package, log):
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    program = os.path.join(package, "_service.py")
    while not stopping.is_set():
        if not os.path.exists(program):
            stopping.wait(LOOK_SECONDS)
            continue
        if os.path.getsize(log) > MOST_LOG_BYTES:
            os.truncate(log, 0)
        # -B, as in the unit: a service that starts while its package goes would bring folders back with its byte code.
        child = subprocess.Popen([python, "-B", program], stdin=subprocess.DEVNULL)
        while child.poll() is None and not stopping.wait(0.1):
            pass
        if stopping.is_set():
            child.terminate()
        try:
            code = child.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            code = child.wait()
        print("the service (pid %d) ended with %d" % (child.pid, code), flush=True)
        stopping.wait(AGAIN_SECONDS)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
