"""Runs the collection's playbooks with the ansible-playbook of one ansible-core, on the sandbox's hosts."""

import contextlib
import fcntl
import json
import os
import pty
import secrets
import signal
import subprocess
import tempfile
import termios
import threading
import time
from pathlib import Path

from modulekit.runner import NO_CERTIFICATES
from playkit import leaks
from playkit.run import Run

ROOT = Path(__file__).resolve().parents[3]
PLUGINS = Path(__file__).resolve().parent / "plugins"
SECONDS = 240
# What a killed controller leaves behind is over by then: a module that was under way.
GONE_SECONDS = 60


class Stuck(AssertionError):
    """ansible-playbook did not end in time; the text ends with what it printed."""


class Leak(AssertionError):
    """A run has printed a secret; the text ends with all that it printed."""


class Player:
    """Call it: play("install", check=True). It runs at -vvv, and every run is searched for secrets."""

    def __init__(self, core, bin_folder, python, site, counter):
        self.core, self.bin, self.python, self.site, self.counter = core, Path(bin_folder), python, site, counter
        # Root of a collection tree to use in place of the clone's.
        self.collections = None

    def __call__(self, name, *arguments, check=False, diff=False, verbosity=3, limit=None, tags=(), skip_tags=(), extra=None, without=(),
                 fault=None, answer=None, inventory=(), environment=None, seconds=SECONDS):
        """Runs playbooks/NAME.yml, or a name with dots as it is (ding.blueking.install).

        extra: variables over the kit's own; without: names of the kit's own that this run does not get.
        fault: (task's name, host, which time it ends well there, "fail", "kill" or the words of a command to be run then).
        answer: what is typed at a prompt, on a terminal.
        inventory: further inventory files.
        """
        words = []
        for option, value in (("--limit", limit), ("--tags", ",".join(tags)), ("--skip-tags", ",".join(skip_tags))):
            words += [option, value] if value else []
        words += ["--check"] * check + ["--diff"] * diff + ["-" + "v" * verbosity] * bool(verbosity)
        with tempfile.TemporaryDirectory(prefix="play-", dir=self.site.place) as place:
            place = Path(place)
            variables = {key: value for key, value in self.site.variables(self.python, place).items() if key not in without}
            (place / "variables.json").write_text(json.dumps({**variables, **(extra or {})}), "utf-8")
            (place / "results").touch()
            (place / "home").mkdir()
            given = self._environment(place, fault, environment)
            playbook = name if "." in name else "playbooks/%s.yml" % name
            command = [str(self.bin / "ansible-playbook"), "-i", str(self.site.inventory)]
            for each in inventory:
                command += ["-i", str(each)]
            command += ["-e", "@%s" % (place / "variables.json"), *words, *arguments, playbook]
            began = time.monotonic()
            rc, stdout = _run(command, given, answer, seconds)
            spent = time.monotonic() - began
            lines = (place / "results").read_text("utf-8").splitlines()
        self.counter["runs"] += 1
        self.counter["seconds"] += spent
        run = Run(rc, stdout, lines, spent)
        self.counter["tasks"] += len(run.steps)
        told = leaks.found_in(stdout, self.site.secrets)
        if told:
            raise Leak("%s was printed:\n%s" % (", ".join(told), stdout))
        return run

    def _environment(self, place, fault, more):
        home = place / "home"
        values = {
            "PATH": os.pathsep.join([str(self.bin), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]),
            "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": home, "USER": "operator-of-the-tests", "TMPDIR": os.environ.get("TMPDIR", ""),
            "ANSIBLE_HOME": home / ".ansible", "ANSIBLE_NOCOLOR": 1, "ANSIBLE_PIPELINING": True,
            "ANSIBLE_CALLBACK_PLUGINS": PLUGINS / "callback", "ANSIBLE_CALLBACKS_ENABLED": "ding_play,ding_fault",
            "DING_PLAY_RESULTS": place / "results", "DING_PLAY": secrets.token_hex(8),
            "ANSIBLE_COLLECTIONS_PATH": self.collections or "", **NO_CERTIFICATES,
        }
        if fault:
            task, host, nth, do = fault
            values["DING_FAULT"] = json.dumps({"task": task, "host": host, "nth": nth, "do": do, "seen": str(place / "seen")})
        return {name: str(value) for name, value in {**values, **(more or {})}.items() if value != ""}


def _run(command, environment, answer, seconds):
    """(exit code, everything printed); ends when nothing of the run is left on the machine, a killed one's modules included."""
    terminal, slave = pty.openpty() if answer is not None else (None, subprocess.PIPE)
    # A prompt shows, and reads, only on a terminal that is its own.
    own = {"stdin": slave, "preexec_fn": lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)} if terminal else {"stdin": subprocess.DEVNULL}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=slave, stderr=subprocess.STDOUT, start_new_session=True, **own)
    if terminal:
        os.close(slave)
    killer = threading.Timer(seconds, _kill, [process, environment["DING_PLAY"]])
    killer.start()
    printed, typing, taken = b"", None, threading.Event()
    try:
        for part in _parts(terminal or process.stdout.fileno()):
            printed += part
            if terminal and b"Type yes" in printed and typing is None:
                typing = threading.Thread(target=_type, args=[terminal, answer, taken])
                typing.start()
            # The prompt's task has ended; an echo proves nothing.
            if typing and b"\nok: [" in printed.split(b"Type yes", 1)[1]:
                taken.set()
        rc = process.wait(30)
        _wait_for_rest(environment["DING_PLAY"])
    finally:
        in_time = killer.is_alive()
        killer.cancel()
        taken.set()
        if typing:
            typing.join(10)
        _kill(process, environment["DING_PLAY"])
        if terminal:
            os.close(terminal)
        else:
            process.stdout.close()
    text = printed.decode("utf-8", "replace").replace("\r\n", "\n")
    if not in_time:
        raise Stuck("ansible-playbook did not end within %d s:\n%s" % (seconds, text))
    return rc, text


def _type(terminal, answer, taken):
    """Until it was taken: a prompt throws away what is typed before it reads key by key, and once more when it begins to."""
    limit = time.monotonic() + 60
    while not taken.wait(0.02) and time.monotonic() < limit:
        if not termios.tcgetattr(terminal)[3] & termios.ICANON:
            os.write(terminal, answer.encode("utf-8") + b"\r")
            taken.wait(3)


def _parts(handle):
    """What can be read, until the other side is closed: for a terminal that is an error."""
    with contextlib.suppress(OSError):
        while part := os.read(handle, 65536):
            yield part


def _marked(name):
    """Pids of what this run has started and is still there; an ESB that it restarted does not inherit the mark."""
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if b"DING_PLAY=%s\0" % name.encode() in Path("/proc", entry, "environ").read_bytes():
                    found.append(int(entry))
    return found


def _wait_for_rest(name):
    limit = time.monotonic() + GONE_SECONDS
    while _marked(name):
        assert time.monotonic() < limit, "processes of a run that has ended are still there: %s" % _marked(name)
        time.sleep(0.05)


def _kill(process, name):
    if process.poll() is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    for pid in _marked(name):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
