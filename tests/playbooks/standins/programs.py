"""The stand-in programs: python programs.py systemctl|engine REGISTRY WORDS…. Only the standard library and what is beside it, no part of the collection.

REGISTRY is a folder with NAME.json for each unit or container: command, cwd, environment, log, pid, started, and how it behaves (see
services.py). Every call is a line in REGISTRY/calls. What is not understood fails, as it would in earnest.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time

try:
    from standins import records, units
except ImportError:
    # As a program.
    import records
    import units

STOP_SECONDS = 8
# What the channel's service may take for its end, in a container by its ExecStop.
UNIT_STOP_SECONDS = 40


def start_time(pid):
    """Tells this process from others with its number; None when it is gone or dead."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as handle:
            fields = handle.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] == b"Z" else int(fields[19])


def alive(pid, started):
    """Whether the process that was recorded so still runs. One that had ended before its time could be read has None for it."""
    return started is not None and start_time(pid) == started


def kill(pid, started, number):
    """Whether the signal reached the process that was recorded so: it may end at any moment."""
    if alive(pid, started):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)
            return True
    return False


class Service:
    """A unit or container. data: what is known of it, as of the last look or change."""

    def __init__(self, registry, name):
        self.registry, self.name, self.data = registry, name, records.read(registry, name)

    @contextlib.contextmanager
    def changing(self):
        with records.changing(self.registry, self.name) as self.data:
            yield self.data

    @property
    def is_file(self):
        """Whether it comes from a unit file."""
        return "file" in self.data

    @property
    def runs(self):
        return bool(self.data.get("pid")) and alive(self.data["pid"], self.data["started"])

    def start(self):
        """Nothing of whoever started it is inherited."""
        with self.changing() as data:
            command, cwd, environment = data.get("command"), data.get("cwd"), data["environment"]
            if self.is_file:
                if self.runs:
                    return
                command, cwd, environment = [sys.executable, units.__file__, "keep", self.registry, self.name], "/", units.surroundings(data)
            with open(data["log"], "ab") as log:
                process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                           stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
            data.update(pid=process.pid, started=start_time(process.pid))

    def stop(self):
        """As the platform's unit does: a signal to its main process, then an end for its whole session. A container ends with all that entered it."""
        with self.changing() as data:
            if self.runs:
                kill(data["pid"], data["started"], getattr(signal, data.get("stop", "SIGTERM")))
                end = time.monotonic() + (UNIT_STOP_SECONDS if self.is_file else STOP_SECONDS)
                while self.runs and time.monotonic() < end:
                    time.sleep(0.05)
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(data["pid"], signal.SIGKILL)
            for pid, started in data.pop("entered", []):
                kill(pid, started, signal.SIGKILL)
            if data:
                data.update(pid=None, started=None)

    def restart(self):
        """"fails": ends with an error and has done nothing. "stops": ends well, and nothing runs. Each as often as the number says."""
        with self.changing() as data:
            what = next((what for what in ("fails", "stops") if data.get(what)), None)
            if what:
                data[what] -= 1
        if what == "fails":
            fail(self.data["says"], 5)
        self.stop()
        if not what:
            self.start()

    def spawn(self, command, environment, **ids):
        """A process of its own in the container, which ends with it; None where the container does not run."""
        with self.changing() as data:
            if not self.runs:
                return None
            child = subprocess.Popen(command, cwd=data["cwd"], env=environment, stdin=subprocess.DEVNULL, start_new_session=True, **ids)
            inside = [each for each in data.get("entered", []) if alive(*each)]
            data["entered"] = [*inside, [child.pid, start_time(child.pid)]]
        return child

    def signal(self, number):
        if not (self.data.get("pid") and kill(self.data["pid"], self.data["started"], number)):
            fail("it does not run", 1)


def fail(text, code=1):
    print(text, file=sys.stderr)
    sys.exit(code)


def systemctl(registry, words):
    if words == ["show", "--no-pager", "-p", "Version"]:
        print("Version=252 (stand-in)")
        return
    if words == ["daemon-reload"]:
        try:
            units.reload(registry)
        except ValueError as error:
            fail(str(error))
        return
    if words[:2] == ["show", "--no-pager"]:
        service = found(registry, words[-1])
        values = {"LoadState": "not-found", "ActiveState": "inactive", "User": "", "CanReload": "no", "MainPID": "0", "UnitFileState": "", "FragmentPath": ""}
        if service:
            values.update(LoadState="loaded", ActiveState="active" if service.runs else "inactive" if service.is_file else "failed",
                          CanReload="yes" if service.data.get("reloads") else "no", MainPID=str(service.data["pid"] if service.runs else 0))
        if service and service.is_file:
            values.update(UnitFileState="enabled" if units.links(registry, service.name) else "disabled", FragmentPath=service.data["file"])
        for option, name in zip(words, words[1:]):
            if option == "-p":
                print("%s=%s" % (name, values[name]))
        return
    service = found(registry, words[-1])
    if not service:
        fail("Failed to %s %s: Unit %s not found." % (words[0], words[-1], words[-1]), 5)
    if words[:-1] == ["restart"]:
        service.restart()
    elif service.is_file and len(words) == 2 and words[0] in ("start", "stop", "enable", "disable", "reenable", "reset-failed"):
        change(registry, words[0], service)
    elif words[:-1] == ["reload"] and service.data.get("reloads") or words[:-1] == ["kill", "--signal=HUP", "--kill-who=main"]:
        service.signal(signal.SIGHUP)
    else:
        fail("the stand-in does not know systemctl %s" % " ".join(words))


def change(registry, word, service):
    if service.data.get(word + "_fails"):
        fail("Job for %s failed." % service.name, 1)
    if word in ("start", "stop"):
        (service.start if word == "start" else service.stop)()
    if word in ("disable", "reenable"):
        units.disable(registry, service.name)
    if word in ("enable", "reenable"):
        units.enable(service.data)


def enter(service, options, words):
    """exec without -i: it hands no signal on, and what it has started outlives it."""
    environment = dict(service.data["environment"])
    uid = gid = None
    for option, value in zip(options[::2], options[1::2]):
        if option == "--env":
            environment[value.partition("=")[0]] = value.partition("=")[2]
        elif option == "--user":
            uid, gid = map(int, value.split(":"))
        else:
            fail("the stand-in does not know docker exec %s" % option)
    same = (uid, gid) in ((None, None), (os.geteuid(), os.getegid()))
    child = service.spawn([service.data["python"] if words[0] == "python" else words[0], *words[1:]], environment,
                          **({} if same else {"user": uid, "group": gid, "extra_groups": []}))
    if child is None:
        fail("Error response from daemon: Container %s is not running" % service.name)
    # As a shell counts: docker exec ends with 137 for what was killed.
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)


def engine(registry, words):
    if words[0] == "exec" and words[1] != "-i":
        place = next(number for number in range(1, len(words), 2) if not words[number].startswith("--"))
        service = found(registry, words[place])
        if not service:
            fail("Error: No such container: %s" % words[place])
        enter(service, words[1:place], words[place + 1:])
    name = words[2] if words[0] == "exec" else words[-1]
    service = found(registry, name)
    if not service:
        fail("Error: No such container: %s" % name)
    if words[0] == "exec" and words[1] == "-i":
        if not service.runs:
            fail("Error response from daemon: Container %s is not running" % name)
        # The container's environment and folder, not the caller's; `python` is the one on its PATH.
        command = [service.data["python"] if words[3] == "python" else words[3], *words[4:]]
        os.chdir(service.data["cwd"])
        os.execvpe(command[0], command, service.data["environment"])
    elif words[:-1] == ["restart"]:
        service.restart()
    elif words[:-1] == ["kill", "--signal", "HUP"]:
        service.signal(signal.SIGHUP)
    elif words[:-1] == ["inspect", "--format", "{{json .State.Pid}} {{json .Mounts}}"]:
        print("%d %s" % (service.data["pid"] if service.runs else 0, json.dumps(service.data["mounts"])))
    else:
        fail("the stand-in does not know docker %s" % " ".join(words))


def found(registry, name):
    service = Service(registry, name)
    return service if service.data else None


if __name__ == "__main__":
    with open(os.path.join(sys.argv[2], "calls"), "a", encoding="utf-8") as calls:
        calls.write(json.dumps(sys.argv[3:]) + "\n")
    {"systemctl": systemctl, "engine": engine}[sys.argv[1]](sys.argv[2], sys.argv[3:])
