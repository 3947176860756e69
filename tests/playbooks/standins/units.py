"""Units from unit files, as the stand-in for systemctl manages them: python units.py keep REGISTRY NAME keeps one running.

REGISTRY/units names the folder of unit files; without it there are none. As with the real one, a file counts from the next daemon-reload on.
Of a unit file it understands what a service of one process needs, and refuses the rest.
"""

import contextlib
import os
import shlex
import signal
import subprocess
import sys
import time

try:
    from standins import records
except ImportError:
    # As a program, or beside one.
    import records

KNOWN = {"Description", "After", "PartOf", "Type", "User", "Group", "Environment", "ExecStartPre", "ExecStart", "ExecStop", "Restart", "RestartSec",
         "SuccessExitStatus", "StartLimitInterval", "TimeoutStopSec", "MemoryMax", "NoNewPrivileges", "WantedBy"}


def folder(registry):
    """The folder of unit files; None when this machine has none."""
    try:
        with open(os.path.join(registry, "units"), encoding="utf-8") as handle:
            return handle.read()
    except FileNotFoundError:
        return None


def parsed(text):
    """{key: [values]}. Raises ValueError for a line that is none."""
    found = {}
    for line in text.splitlines():
        if not line or line.startswith(("#", "[")):
            continue
        key, equals, value = line.partition("=")
        if not equals or key not in KNOWN:
            raise ValueError("Unknown lvalue: %s" % line)
        found.setdefault(key, []).append(value)
    return found


def words(value):
    """A command line as systemd reads it: (whether its fault counts, words)."""
    lenient = value.startswith("-")
    found = [word.replace("%%", "%").replace("$$", "$") for word in shlex.split(value.removeprefix("-"))]
    if not os.path.isabs(found[0]):
        raise ValueError("Executable path is not absolute: %s" % value)
    return not lenient, found


def reload(registry):
    """Reads all unit files: what is known of a unit that is still there stays, of another one nothing, though it may run."""
    units = folder(registry)
    there = {name for name in os.listdir(units) if name.endswith(".service")} if units else set()
    for name in sorted(there):
        # Of two hosts' units the other one may go meanwhile.
        with contextlib.suppress(FileNotFoundError), open(os.path.join(units, name), encoding="utf-8") as handle:
            values = parsed(handle.read())
            environment = dict(word.partition("=")[::2] for value in values.get("Environment", []) for word in [words_plain(value)])
            with records.changing(registry, name) as data:
                data.update(file=os.path.join(units, name), values=values, environment=environment)
                data.setdefault("log", os.path.join(registry, os.pardir, name + ".log"))
    for name in records.names(registry):
        with records.changing(registry, name) as data:
            if "file" in data and not os.path.exists(data["file"]):
                data.clear()


def words_plain(value):
    return shlex.split(value)[0].replace("%%", "%")


def link(data):
    """Where `enable` puts its link."""
    return os.path.join(os.path.dirname(data["file"]), data["values"]["WantedBy"][0] + ".wants", os.path.basename(data["file"]))


def links(registry, name):
    units = folder(registry)
    return [os.path.join(units, each, name) for each in sorted(os.listdir(units))
            if each.endswith(".wants") and os.path.islink(os.path.join(units, each, name))] if units else []


def enable(data):
    os.makedirs(os.path.dirname(link(data)), exist_ok=True)
    if not os.path.islink(link(data)):
        os.symlink(data["file"], link(data))


def disable(registry, name):
    for each in links(registry, name):
        os.unlink(each)
        if not os.listdir(os.path.dirname(each)):
            os.rmdir(os.path.dirname(each))


def surroundings(data):
    """What a unit's processes have in their environment: nothing of whoever called systemctl, but for where the stand-ins are."""
    return dict({"PATH": os.environ["PATH"], "LANG": "C.UTF-8"}, **data["environment"])


def run(data, key):
    """Runs the unit's commands of one kind. Whether they went well."""
    for value in data["values"].get(key, []):
        counts, command = words(value)
        code = subprocess.run(command, cwd="/", env=surroundings(data), stdin=subprocess.DEVNULL, check=False).returncode
        if code and counts:
            return False
    return True


def keep(registry, name):
    """Restart=always, until SIGTERM: then ExecStop, if the process runs, which has TimeoutStopSec behind it."""
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    while not stopping:
        data = records.read(registry, name)
        if run(data, "ExecStartPre") and not stopping:
            child = subprocess.Popen(words(data["values"]["ExecStart"][0])[1], cwd="/", env=surroundings(data), stdin=subprocess.DEVNULL)
            while child.poll() is None and not stopping:
                time.sleep(0.05)
            if child.poll() is None:
                run(data, "ExecStop")
            _end(child, float(data["values"]["TimeoutStopSec"][0]))
        if data["values"]["Restart"] != ["always"]:
            return
        until = time.monotonic() + float(data["values"]["RestartSec"][0])
        while not stopping and time.monotonic() < until:
            time.sleep(0.05)


def _end(child, seconds):
    if child.poll() is None:
        child.terminate()
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


if __name__ == "__main__":
    keep(sys.argv[2], sys.argv[3])
