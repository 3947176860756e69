"""What a machine shows of a run while it runs: arguments and environments of processes, the system's log, Ansible's log."""

import contextlib
import os
import socket
import threading
from pathlib import Path

from modulekit.runner import Ansible

DEV_LOG = Path("/dev/log")


class Processes:
    """`with Processes(secrets) as seen:` looks at all processes over and over; seen.leaks has (secret's name, place, command)."""

    def __init__(self, secrets):
        self._secrets = {name: value.encode("utf-8") for name, value in secrets.items()}
        self.leaks, self.looked_at = set(), set()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._stopped.set()
        self._thread.join(10)

    def _watch(self):
        while not self._stopped.wait(0.02):
            for pid in [name for name in os.listdir("/proc") if name.isdigit() and int(name) != os.getpid()]:
                for place in ("cmdline", "environ"):
                    # A process that has ended in between shows nothing any more.
                    with contextlib.suppress(OSError):
                        self._look(place, Path("/proc", pid, place).read_bytes())

    def _look(self, place, content):
        self.looked_at.add(content[:200] if place == "cmdline" else b"")
        for name, secret in self._secrets.items():
            if secret in content:
                shown = content.replace(secret, b"<%s>" % name.encode()).replace(b"\0", b" ")
                at = shown.find(b"<%s>" % name.encode())
                self.leaks.add((name, place, shown[max(at - 200, 0):at + 100].decode("utf-8", "replace")))


class SystemLog:
    """What comes to /dev/log where the machine has none of its own and this process may make one; else `there` is False."""

    def __init__(self):
        self.there, self.text = False, ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)

    def __enter__(self):
        if not DEV_LOG.exists() and not DEV_LOG.is_symlink():
            with contextlib.suppress(OSError):
                self._socket.bind(str(DEV_LOG))
                self.there = True
                DEV_LOG.chmod(0o666)
        if self.there:
            self._socket.settimeout(0.2)
            self._stopped = threading.Event()
            self._thread = threading.Thread(target=self._read, daemon=True)
            self._thread.start()
        return self

    def __exit__(self, *_):
        if self.there:
            DEV_LOG.unlink(missing_ok=True)
            self._stopped.set()
            self._thread.join(10)
        self._socket.close()

    def _read(self):
        while True:
            try:
                self.text += self._socket.recv(1 << 20).decode("utf-8", "replace") + "\n"
            except TimeoutError:
                if self._stopped.is_set():
                    return


class Logging(Ansible):
    """An Ansible that also writes its own log, ANSIBLE_LOG_PATH."""

    @classmethod
    def like(cls, other, log):
        made = cls(other.core, other.bin, other.target, other.python, other.workdir, counter=other.counter)
        made.log = Path(log)
        return made

    def _environment(self, place, pipelining):
        return dict(super()._environment(place, pipelining), ANSIBLE_LOG_PATH=str(self.log))
