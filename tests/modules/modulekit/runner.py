"""Runs tasks with the ansible-playbook of one ansible-core, the modules on one target Python."""

import contextlib
import json
import os
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from modulekit import login
from modulekit.tasks import Result, Task, dump, literal

ROOT = Path(__file__).resolve().parents[3]
CALLBACKS = Path(__file__).resolve().parent / "callback_plugins"
# A playbook's own limit: start-up and the slowest task that a test may have.
START_SECONDS, TASK_SECONDS = 60, 60
# Everything speaks to 127.0.0.1: the machine's own certificates, which OpenSSL would read for every request, take a tenth of a second each time.
NO_CERTIFICATES = {"SSL_CERT_FILE": os.devnull, "SSL_CERT_DIR": os.devnull}


class RunError(AssertionError):
    """ansible-playbook did not give a result for every task; the text ends with what it printed."""


class Parity(AssertionError):
    """A check run predicted something else than the real run did, or the last check run still sees a change."""


class Ansible:
    """One ansible-core (the bin folder of its environment) with one target Python."""

    def __init__(self, core, bin_folder, target, python, workdir, collections=(), login=None, variables=None,
                 pipelining=True, become=False, counter=None):
        self.core, self.bin, self.target, self.python = core, Path(bin_folder), target, python
        self.workdir = Path(workdir)
        self.collections = [*map(str, collections), str(ROOT / "collections")]
        self.login, self.variables = login, dict(variables or {})
        self.pipelining, self.become = pipelining, become
        # Shared with every variant of this runner: one count for the whole test run.
        self.counter = counter if counter is not None else {"parity": 0, "runs": 0, "tasks": 0, "seconds": 0.0}
        self.timing = None

    def run(self, module, args=None, *, verbosity=0, pipelining=None, seconds=None, **keywords):
        """One task; see Task for the keywords (check, diff, become, become_user, environment, no_log)."""
        return self.run_many([Task(module, args or {}, **keywords)], verbosity=verbosity, pipelining=pipelining,
                             seconds=seconds)[0]

    def run_many(self, tasks, *, verbosity=0, pipelining=None, seconds=None):
        """Many tasks in one ansible-playbook: a Result for each, in order; a failed task does not stop the next one."""
        tasks = [task if isinstance(task, Task) else Task(*task) for task in tasks]
        names = ["%d %s" % (number, task.name or task.module) for number, task in enumerate(tasks)]
        play = {"name": "Tasks of a test", "hosts": "target", "gather_facts": False, "become": self.become,
                "tasks": [literal(task.as_play_task(name)) for task, name in zip(tasks, names)]}
        limit = seconds or START_SECONDS + TASK_SECONDS * len(tasks)
        lines, stdout, rc = self.play([play], verbosity=verbosity, pipelining=pipelining, seconds=limit)
        by_name = {line["task"]: line for line in lines}
        lost = [name for name in names if name not in by_name]
        if lost:
            raise RunError("no result for %s; ansible-playbook ended with %s:\n%s" % (", ".join(lost), rc, stdout))
        self.counter["tasks"] += len(tasks)
        return [Result(by_name[name]["outcome"], by_name[name]["data"], stdout, rc) for name in names]

    def parity(self, module, args=None, before=(), **keywords):
        """check, real, check in one run: the prediction holds and the last check is quiet. Returns the real Result.

        `before` is a list of tasks that run first and must succeed. A parity case is a state that is reached, so a real
        run that fails is a mistake of the test.
        """
        before = [task if isinstance(task, Task) else Task(*task) for task in before]
        case = [Task(module, args or {}, check=check, name="%s %s" % (module, name), **keywords)
                for check, name in ((True, "check"), (False, "real"), (True, "check again"))]
        results = self.run_many([*before, *case])
        for task, result in zip(before, results):
            assert not result.failed, "%s, which comes first, failed: %s" % (task.module, result.msg)
        check, real, again = results[len(before):]
        _same(module, check, real, again)
        self.counter["parity"] += 1
        return real

    def with_collections(self, *folders):
        """The same with further collection roots (folders that hold `ansible_collections`), searched first."""
        return self._variant(collections=[*map(str, folders), *self.collections[:-1]])

    def as_login(self, pipelining=True, become=True, umask=0o077, noexec_tmp=True):
        """The same for an unprivileged login with sudo to root; skips the test where no such login can be made.

        ansible-playbook runs as that login in a mount namespace of its own, every task as root by sudo (`become`), with this
        umask and, with noexec_tmp, a /tmp from which nothing can be executed.
        """
        reason = login.problem()
        if reason:
            pytest.skip(reason)
        self.workdir.chmod(0o711)
        account = login.Login(tempfile.mkdtemp(prefix="login-", dir=self.workdir), self._needed(), umask, noexec_tmp)
        return self._variant(login=account, pipelining=pipelining, become=become)

    def _needed(self):
        """What a login must be able to read: this checkout, the environments, and the Pythons that they are made from."""
        pythons = [Path(self.python), self.bin / "python", *self.bin.parent.parent.glob("*/bin/python")]
        return [ROOT, self.bin.parent.parent, *(python.resolve().parents[1] for python in pythons)]

    def _variant(self, **changes):
        values = {"collections": self.collections[:-1], "login": self.login, "variables": self.variables,
                  "pipelining": self.pipelining, "become": self.become, "counter": self.counter, **changes}
        return Ansible(self.core, self.bin, self.target, self.python, self.workdir, **values)

    def play(self, plays, *, verbosity=0, pipelining=None, seconds=120, arguments=()):
        """Runs plays (a list of dicts) on the host `target`: returns (result lines, everything printed, exit code)."""
        with tempfile.TemporaryDirectory(prefix="run-", dir=self.workdir) as place:
            place = Path(place)
            files = {"playbook.yml": dump(plays), "ansible.cfg": "[defaults]\n", "inventory.yml": self._inventory(place)}
            (place / "home").mkdir()
            for name, text in files.items():
                (place / name).write_text(text, "utf-8")
            results = place / "results"
            results.touch()
            if self.login:
                self.login.own(place)
            command = [*(self.login.prefix() if self.login else []), str(self.bin / "ansible-playbook"), "-i", str(place / "inventory.yml"),
                       *(["-" + "v" * verbosity] if verbosity else []), *arguments, str(place / "playbook.yml")]
            began = time.monotonic()
            stdout, rc = _limited(command, self._environment(place, pipelining), place, seconds)
            self.timing = time.monotonic() - began
            self.counter["runs"] += 1
            self.counter["seconds"] += self.timing
            lines = [json.loads(line) for line in results.read_text("utf-8").splitlines()]
        return lines, stdout, rc

    def _inventory(self, place):
        host = {"ansible_connection": "local", "ansible_python_interpreter": self.python,
                "ansible_remote_tmp": str(place / "remote-tmp"), **self.variables}
        return dump({"all": {"hosts": {"target": host}}})

    def _environment(self, place, pipelining):
        home = place / "home"
        values = {
            "PATH": os.pathsep.join([str(self.bin), "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin",
                                     "/bin"]),
            "LANG": "C.UTF-8", "LC_ALL": "C.UTF-8", "HOME": home, "TMPDIR": os.environ.get("TMPDIR", ""),
            "ANSIBLE_CONFIG": place / "ansible.cfg", "ANSIBLE_HOME": home / ".ansible",
            "ANSIBLE_COLLECTIONS_PATH": os.pathsep.join(self.collections),
            "ANSIBLE_CALLBACK_PLUGINS": CALLBACKS, "ANSIBLE_CALLBACKS_ENABLED": "ding_results",
            "ANSIBLE_PIPELINING": self.pipelining if pipelining is None else pipelining,
            "ANSIBLE_NOCOLOR": 1, "ANSIBLE_RETRY_FILES_ENABLED": False, "DING_RESULTS": place / "results", **NO_CERTIFICATES,
        }
        return {name: str(value) for name, value in values.items() if value != ""}


def _same(module, check, real, again):
    if real.failed:
        raise Parity("%s failed in the real run: %s" % (module, real.msg))
    if check.failed:
        raise Parity("%s failed in the check run only: %s" % (module, check.msg))
    if check.changed != real.changed:
        raise Parity("%s predicted changed=%s, and then it was %s: %r" % (module, check.changed, real.changed, real.data))
    if check.diff != real.diff:
        raise Parity("%s predicted another diff.\npredicted: %r\nreal:      %r" % (module, check.diff, real.diff))
    if again.failed or again.changed or again.diffs:
        raise Parity("%s is not at rest after the real run: %r" % (module, again))


def _limited(command, environment, folder, seconds):
    """Runs a command with a limit; at the limit its process group ends. Returns (everything printed, exit code)."""
    process = subprocess.Popen(command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, start_new_session=True)
    try:
        printed, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        _kill(process)
        printed, _ = process.communicate(timeout=30)
        raise RunError("ansible-playbook did not end within %d s:\n%s"
                       % (seconds, printed.decode("utf-8", "replace"))) from None
    except BaseException:
        _kill(process)
        process.communicate(timeout=30)
        raise
    return printed.decode("utf-8", "replace"), process.returncode


def _kill(process):
    # The process is not yet waited for: its number cannot belong to another group.
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
