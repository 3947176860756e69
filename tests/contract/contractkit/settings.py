"""The channel's settings: what a test wants set, written before its first call when it differs from what is stored."""

import json
import subprocess
import threading
import time

DING = "/cmsi/send_ding/"
PERSON = "/cmsi/send_dingtalk/"
ROBOT = "/cmsi/send_dingbot/"
TYPES = "/cmsi/get_msg_type/"


class Settings(object):
    """Runs the settings command only when the wanted values differ from the stored ones: it costs up to a second."""

    def __init__(self, config, baseline):
        self.config = config
        self.baseline = baseline
        self._stored = None
        self._wanted = baseline
        self._lock = threading.Lock()
        self._touched = {path: set(values) for path, values in baseline.items()}

    def use(self, *changes):
        """From the next call on: baseline plus `changes` ({path: {name: value, or None for absent}}), nothing else."""
        wanted = {path: dict(values) for path, values in self.baseline.items()}
        for change in changes:
            for path, values in change.items():
                wanted.setdefault(path, {}).update(values)
        self._wanted = wanted

    def apply(self):
        with self._lock:
            for path, values in self._wanted.items():
                self._touched.setdefault(path, set()).update(values)
            full = {path: {name: self._wanted.get(path, {}).get(name) for name in touched}
                    for path, touched in self._touched.items()}
            if full != self._stored:
                self._write(full)
                self._stored = full

    def _write(self, values):
        run = subprocess.run(
            self.config.settings_command, input=json.dumps(values).encode("ascii"), capture_output=True, timeout=60
        )
        assert run.returncode == 0, "the settings command failed: %s" % run.stderr.decode("utf-8", "replace")[-2000:]
        if self.config.settings_delay:
            time.sleep(self.config.settings_delay)  # nothing to poll: each worker has a cache of its own

    def leave(self):
        """At the end: addresses and app stay, everything else is back to the channel's own defaults."""
        self.use({DING: {"qps": None, "overflow": None}})
        self.apply()
