"""A redis-server of the test's own, as the platform installs it: nothing durable, eviction of keys with a life."""

import shutil
import socket
import subprocess
import time

from sandbox import paths, processes


def binary():
    """The machine's own redis-server, else the packaged one."""
    packaged = paths.VENV / "bin" / "redis-server"
    return shutil.which("redis-server") or (str(packaged) if packaged.exists() else None)


class Redis:
    def __init__(self):
        self.port = processes.free_port()
        self._process = None

    @property
    def url(self):
        return "redis://127.0.0.1:%d/0" % self.port

    def start(self):
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--maxmemory-policy", "volatile-lru"]
        self._process = subprocess.Popen([binary(), *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        limit = time.monotonic() + 10
        while not processes.port_taken(self.port):
            assert time.monotonic() < limit and self._process.poll() is None, "redis-server does not come up"
            time.sleep(0.05)

    def stop(self):
        """At once, as a machine that loses power: nothing is saved."""
        self._process.kill()
        self._process.wait(10)

    def grow_old(self):
        """As if it had been there for long: a Redis that has just come up is not believed for a minute and a half."""
        with socket.create_connection(("127.0.0.1", self.port), 5) as connection:
            connection.sendall(b"HSET ding_blueking:windows born 1\r\n")
            assert connection.recv(100).startswith(b":")
