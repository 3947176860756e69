"""Runs the sandbox's command line in a home of its own and looks at what it leaves."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from sandbox import paths, processes


class Cli:
    """One sandbox home; `run` is `python -m sandbox …` in it."""

    def __init__(self, folder):
        self.home = paths.Home(Path(folder))

    def command(self, *words):
        return [sys.executable, "-m", "sandbox", *words]

    def environment(self):
        return dict(os.environ, DING_SANDBOX_HOME=str(self.home.path))

    def run(self, *words):
        return subprocess.run(self.command(*words), cwd=paths.ROOT, env=self.environment(), capture_output=True, text=True, timeout=300)

    def ok(self, *words):
        done = self.run(*words)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def start(self, *words):
        return subprocess.Popen(self.command(*words), cwd=paths.ROOT, env=self.environment(), stdout=subprocess.DEVNULL,
                                stderr=subprocess.DEVNULL)

    def state(self):
        return json.loads(self.home.state.read_text("utf-8"))

    def pids(self):
        return {name: record["pid"] for name, record in self.state()["processes"].items()}

    def left(self):
        return processes.ours(self.home)


def wait_until(condition, seconds=30):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "waited %d s in vain" % seconds
        time.sleep(0.05)


def listening(pids):
    """Local addresses, in the kernel's hexadecimal, on which these processes listen."""
    inodes = set()
    for pid in pids:
        for descriptor in Path("/proc/%d/fd" % pid).iterdir():
            try:
                link = os.readlink(descriptor)
            except OSError:
                continue
            if link.startswith("socket:["):
                inodes.add(link[8:-1])
    rows = [line.split() for name in ("tcp", "tcp6") for line in Path("/proc/net", name).read_text("ascii").splitlines()[1:]]
    return {row[1].split(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes}
