# -*- coding: utf-8 -*-
"""_service_stop.py ends the service beside it, as a unit needs it around a container, and nothing else."""
from __future__ import absolute_import, division, print_function

import os
import shutil
import subprocess
import sys
import time

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SCRIPT = os.path.join(os.environ.get("DING_CHANNEL_DIR") or os.path.join(ROOT, "files", "components", "ding_blueking"), "_service_stop.py")
RUNS = """import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: sys.exit(7))
open(sys.argv[1], "w").close()
time.sleep(60)
"""


class Package(object):
    """A folder with a service that says when it runs."""

    def __init__(self, folder):
        self.folder, self.started = folder, []
        shutil.copy(SCRIPT, str(folder))
        folder.join("_service.py").write(RUNS)

    def start(self):
        ready = self.folder.join("ready-%d" % len(self.started))
        child = subprocess.Popen([sys.executable, "-B", str(self.folder.join("_service.py")), str(ready)])
        self.started.append(child)
        limit = time.time() + 20
        while not ready.check():
            assert time.time() < limit and child.poll() is None
            time.sleep(0.05)
        return child

    def stop(self):
        return subprocess.call([sys.executable, "-B", str(self.folder.join("_service_stop.py"))])


@pytest.fixture
def packages(tmpdir):
    found = [Package(tmpdir.mkdir(name)) for name in ("one", "other")]
    yield found
    for child in found[0].started + found[1].started:
        if child.poll() is None:
            child.kill()
        child.wait()


def test_it_ends_the_service_beside_it_with_a_signal_and_no_other(packages):
    one, other = packages
    first, second, third = one.start(), one.start(), other.start()
    assert one.stop() == 0
    assert (first.wait(), second.wait(), third.poll()) == (7, 7, None)


def test_where_none_runs_it_ends_at_once(packages):
    began = time.time()
    assert packages[0].stop() == 0 and time.time() - began < 15
