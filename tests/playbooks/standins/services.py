"""ESBs of the sandbox once more, on ports of their own, as units or containers of the stand-ins; and a client that never stops asking."""

import contextlib
import http.client
import json
import os
import shlex
import sys
import threading
import time
from pathlib import Path

from sandbox import environments, hosts, processes
from standins import programs, records

PROGRAMS = Path(programs.__file__).resolve()
UP_SECONDS = 40


class Machine:
    """A folder with the programs `systemctl` and `docker` in front of PATH, and what they manage. End it: end()."""

    def __init__(self, site, folder):
        self.site, self.folder = site, Path(folder)
        self.registry, self.bin = self.folder / "registry", self.folder / "bin"
        # Where unit files are written to, of a service that is no ESB.
        self.units = self.folder / "units"
        for place in (self.registry, self.bin, self.units):
            place.mkdir()
        (self.registry / "units").write_text(str(self.units), "utf-8")
        (self.registry / "calls").touch()
        for name, kind in (("systemctl", "systemctl"), ("docker", "engine")):
            program = self.bin / name
            program.write_text("#!/bin/sh\nexec %s %s %s %s \"$@\"\n" % (
                shlex.quote(sys.executable), shlex.quote(str(PROGRAMS)), kind, shlex.quote(str(self.registry))), "utf-8")
            program.chmod(0o755)
        self.names = []

    def path(self, more):
        return os.pathsep.join([str(self.bin), str(more)])

    def serve(self, name, host="paas1", server="sync", words=None, inner=None, **behaviour):
        """Starts an ESB of this host as unit or container NAME and waits until it answers; returns its port.

        words: a function from the server's usual command line to another one. inner: a folder as which the host's home is seen from within a
        container; without it the process works with the host's own paths.
        """
        control = self.site.world.control
        options = dict(control.state["options"], server=server)
        environments.esb(options["python"], servers=True)
        port = processes.free_port()
        service = hosts.service(control.home, host, port, options, control.state["urls"], print)
        paas = self.site.world.host(host)
        command, cwd, home = list(map(str, service.command)), str(service.cwd), str(paas.bk_home)
        if inner:
            inner.symlink_to(home)
            command, cwd = [word.replace(home + "/open_paas", str(inner) + "/open_paas") for word in command], cwd.replace(home, str(inner))
        data = {"command": words(command) if words else command, "cwd": cwd, "log": str(self.folder / (name + ".log")),
                "environment": {key: str(value) for key, value in service.environment.items()}, "python": str(paas.python),
                # The platform's KillSignal; with --die-on-term, as the sandbox starts it, uWSGI has changed it for the other.
                "stop": "SIGTERM" if server.startswith("uwsgi") else "SIGQUIT",
                "mounts": [{"Type": "bind", "Source": home + "/open_paas", "Destination": str(inner or home) + "/open_paas"},
                           {"Type": "bind", "Source": "/etc/nothing-of-ours", "Destination": "/etc/nothing"}], **behaviour}
        with records.changing(str(self.registry), name) as known:
            known.update(data)
        self.names.append(name)
        self.service(name).start()
        end = time.monotonic() + UP_SECONDS
        while not processes.answers("http://127.0.0.1:%d/ping/" % port):
            assert time.monotonic() < end and self.service(name).runs, processes.tail(data["log"])
            time.sleep(0.1)
        return port

    def service(self, name):
        return programs.Service(str(self.registry), name)

    def behave(self, name, **behaviour):
        with records.changing(str(self.registry), name) as data:
            data.update(behaviour)

    def family(self, name):
        """{pid: when it was started} of the service's processes, its master included."""
        leader = self.service(name).data["pid"]
        found = {int(entry): programs.start_time(int(entry)) for entry in os.listdir("/proc")
                 if entry.isdigit() and processes.session(int(entry)) == leader}
        return {pid: started for pid, started in found.items() if started}

    def calls(self, *first):
        """The word lists with which the programs were called, those that begin so; looking is not listed."""
        found = [json.loads(line) for line in (self.registry / "calls").read_text("utf-8").splitlines()]
        return [words for words in found if words[0] not in ("show", "inspect", "exec") and words[:len(first)] == list(first)]

    def executed(self, name):
        """How often the Python of a container was started by `exec`."""
        lines = [json.loads(line) for line in (self.registry / "calls").read_text("utf-8").splitlines()]
        return len([words for words in lines if words[:4] == ["exec", "-i", name, "python"]])

    def forget(self):
        (self.registry / "calls").write_text("", "utf-8")

    def unit(self, name):
        """A unit of a unit file; None when there is none."""
        return programs.found(str(self.registry), name)

    def end(self):
        for name in [name for name in records.names(str(self.registry)) if name not in self.names] + self.names:
            self.service(name).stop()


class Client:
    """Asks /ping/ 20 times a second, each time on a new connection, from many threads so that a slow answer delays no other request."""

    EVERY, LONGEST = 0.05, 30

    def __init__(self, port):
        self.port, self.answers, self.faults, self._threads, self._stop = port, 0, [], [], threading.Event()
        self._lock = threading.Lock()

    def __enter__(self):
        self._clock = threading.Thread(target=self._run, daemon=True)
        self._clock.start()
        return self

    def __exit__(self, *_):
        self._stop.set()
        for thread in [self._clock, *self._threads]:
            thread.join(self.LONGEST + 5)

    def _run(self):
        while not self._stop.wait(self.EVERY):
            thread = threading.Thread(target=self._ask, daemon=True)
            thread.start()
            self._threads.append(thread)

    def _ask(self):
        try:
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.LONGEST)) as connection:
                connection.request("GET", "/ping/", headers={"Connection": "close"})
                answer = connection.getresponse()
                fault = "" if (answer.status, answer.read()) == (200, b"pong") else "HTTP %d" % answer.status
        except (OSError, http.client.HTTPException) as error:
            fault = repr(error)
        with self._lock:
            self.answers += not fault
            if fault:
                self.faults.append(fault)
