"""The stand-in programs: python programs.py systemctl|engine REGISTRY WORDS…. Only the standard library and units.py, no part of the collection.

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
    from standins import units
except ImportError:
    # As a program.
    import units

STOP_SECONDS = 8
# What the channel's service may take for its end.
UNIT_STOP_SECONDS = 20


def start_time(pid):
    """Tells this process from others with its number; None when it is gone or dead."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as handle:
            fields = handle.read().rpartition(b")")[2].split()
    except OSError:
        return None
    return None if fields[0] == b"Z" else int(fields[19])


class Service:
    def __init__(self, registry, name):
        self.name, self.path = name, os.path.join(registry, name + ".json")
        with open(self.path, encoding="utf-8") as handle:
            self.data = json.load(handle)

    def save(self):
        with open(self.path + ".new", "w", encoding="utf-8") as handle:
            json.dump(self.data, handle)
        os.rename(self.path + ".new", self.path)

    @property
    def is_file(self):
        """Whether it comes from a unit file."""
        return "file" in self.data

    @property
    def runs(self):
        return bool(self.data.get("pid")) and start_time(self.data["pid"]) == self.data["started"]

    def start(self):
        """Nothing of whoever started it is inherited."""
        command, cwd, environment = self.data.get("command"), self.data.get("cwd"), self.data["environment"]
        if self.is_file:
            if self.runs:
                return
            command, cwd, environment = [sys.executable, units.__file__, "keep", os.path.dirname(self.path), self.name], "/", units.surroundings(self.data)
        with open(self.data["log"], "ab") as log:
            process = subprocess.Popen(command, cwd=cwd, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        self.data.update(pid=process.pid, started=start_time(process.pid))
        self.save()

    def stop(self):
        """As the platform's unit does: a signal to its main process, then an end for its whole session. A container ends with all that entered it."""
        if self.runs:
            pid = self.data["pid"]
            if self.is_file:
                units.run(self.data, "ExecStop")
            os.kill(pid, getattr(signal, self.data.get("stop", "SIGTERM")))
            end = time.monotonic() + (UNIT_STOP_SECONDS if self.is_file else STOP_SECONDS)
            while self.runs and time.monotonic() < end:
                time.sleep(0.05)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(pid, signal.SIGKILL)
        for entered, started in self.data.pop("entered", []):
            if start_time(entered) == started:
                os.kill(entered, signal.SIGKILL)
        self.data.update(pid=None, started=None)
        self.save()

    def restart(self):
        """"fails": ends with an error and has done nothing. "stops": ends well, and nothing runs. Each as often as the number says."""
        for what in ("fails", "stops"):
            if self.data.get(what):
                self.data[what] -= 1
                self.save()
                if what == "fails":
                    fail(self.data["says"], 5)
                return self.stop()
        self.stop()
        return self.start()

    def signal(self, number):
        if not self.runs:
            fail("it does not run", 1)
        os.kill(self.data["pid"], number)


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
    if not service.runs:
        fail("Error response from daemon: Container %s is not running" % service.name)
    environment = dict(service.data["environment"])
    uid = gid = None
    for option, value in zip(options[::2], options[1::2]):
        if option == "--env":
            environment[value.partition("=")[0]] = value.partition("=")[2]
        elif option == "--user":
            uid, gid = map(int, value.split(":"))
        else:
            fail("the stand-in does not know docker exec %s" % option)
    command = [service.data["python"] if words[0] == "python" else words[0], *words[1:]]
    same = (uid, gid) in ((None, None), (os.geteuid(), os.getegid()))
    child = subprocess.Popen(command, cwd=service.data["cwd"], env=environment, stdin=subprocess.DEVNULL, start_new_session=True,
                             **({} if same else {"user": uid, "group": gid, "extra_groups": []}))
    service.data.setdefault("entered", []).append([child.pid, start_time(child.pid)])
    service.save()
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
    return Service(registry, name) if os.path.exists(os.path.join(registry, name + ".json")) else None


if __name__ == "__main__":
    with open(os.path.join(sys.argv[2], "calls"), "a", encoding="utf-8") as calls:
        calls.write(json.dumps(sys.argv[3:]) + "\n")
    {"systemctl": systemctl, "engine": engine}[sys.argv[1]](sys.argv[2], sys.argv[3:])
