"""One job of the test run: what it needs, and how it runs commands with a log of its own and a limit."""

import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from sandbox import paths, processes
from tests.run import junit

RESULTS = paths.ROOT / ".results"
PYTEST_SECONDS = 1500
TEST_SECONDS = 180


class Failed(Exception):
    """The job did not pass; the text is the reason in one sentence."""


@dataclass
class Job:
    """A name like "contract py27", its stage, the Pythons it needs, and the function that runs it."""

    name: str
    stage: str
    run: object
    needs: tuple = ()
    # Jobs that measure time run alone, so that a neighbour does not spoil the figures. They come last.
    alone: bool = False
    # How much of a core it keeps busy. Jobs that wait most of their time, for retries and time limits, share one.
    load: float = 1.0
    # Names of jobs that end before this one starts, as far as they are part of the run: the environments that it uses.
    after: tuple = ()
    # About how long it takes on two cores: the longest start first, so that both workers are busy until the end.
    seconds: int = 30
    # A function that says why this machine cannot run it; "" when it can.
    lacks: object = None


@dataclass
class Outcome:
    job: Job
    counts: junit.Counts = field(default_factory=junit.Counts)
    seconds: float = 0.0
    problem: str = ""
    skipped_tests: list = field(default_factory=list)
    # What failed, a line each.
    failed_tests: list = field(default_factory=list)
    notes: tuple = ()
    log: Path = None


class Run:
    """What a job's function gets: its log, its folder, commands, pytest, a sandbox of its own."""

    def __init__(self, job, pytest_arguments):
        self.job = job
        self.pytest_arguments = pytest_arguments
        self.folder = RESULTS / job.name.replace(" ", "-")
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.log = self.folder / "log.txt"
        self.counts = junit.Counts()
        self.skipped_tests, self.failed_tests = [], []
        self.notes = ()
        self.stopped = False
        self._process = None
        self._killing = threading.Lock()

    def say(self, text):
        with open(self.log, "a", encoding="utf-8") as log:
            log.write(str(text) + "\n")

    def note(self, *texts):
        """What the job's line shows beside its counts."""
        self.notes += texts

    def check(self, name, problem):
        """Counts one check of our own; an empty problem means passed."""
        self.say("%s: %s" % (name, problem or "ok"))
        self.counts += junit.Counts(0, 1, 0) if problem else junit.Counts(1, 0, 0)
        if problem:
            self.failed_tests.append("%s: %s" % (name, junit.short(problem)))

    def add(self, report):
        """Counts what a junit.Report says."""
        self.counts += report.counts
        self.skipped_tests += report.skipped
        self.failed_tests += report.failed

    def command(self, words, seconds=600, cwd=paths.ROOT, **environment):
        """Runs a command, its output into the log; returns the exit code. It is killed with its group at the limit.

        An environment variable given as "" is taken away.
        """
        if self.stopped:
            raise Failed("interrupted")
        self.say("$ " + " ".join(map(str, words)))
        variables = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
        variables.update((name, str(value)) for name, value in environment.items())
        variables = {name: value for name, value in variables.items() if value != ""}
        with open(self.log, "ab") as log:
            self._process = subprocess.Popen([str(word) for word in words], cwd=cwd, env=variables, stdout=log,
                                             stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT, start_new_session=True)
        process = self._process
        try:
            if not self._ends_within(process, seconds):
                # As Ctrl-C does: pytest then still says what has failed so far.
                os.killpg(process.pid, signal.SIGINT)
                self._ends_within(process, 20)
                raise Failed("%s did not end within %d s" % (Path(str(words[0])).name, seconds))
        finally:
            self._kill()
        if self.stopped:
            raise Failed("interrupted")
        return process.returncode

    def _ends_within(self, process, seconds):
        """Waits without collecting the process: until _kill, no other process can get its number."""
        limit = time.monotonic() + seconds
        while time.monotonic() < limit:
            with self._killing:
                if self._process is None or os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG):
                    return True
            time.sleep(0.1)
        return False

    def _kill(self):
        """Also what a command has left behind in its session."""
        with self._killing:
            if self._process is not None:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(10)
                self._process = None

    def stop(self):
        self.stopped = True
        self._kill()

    def pytest(self, python, *arguments, seconds=PYTEST_SECONDS, **environment):
        """Runs pytest and adds up what its XML says."""
        written = self.folder / ("junit-%d.xml" % len(list(self.folder.glob("junit-*.xml"))))
        code = self.command([python, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=%d" % TEST_SECONDS,
                             "--junitxml=%s" % written, *arguments, *self.pytest_arguments], seconds, **environment)
        report = junit.read(written)
        if report is None:
            raise Failed("pytest ended with %d before it ran a test" % code)
        self.add(report)
        if report.counts == junit.Counts() and not self.pytest_arguments:
            raise Failed("pytest found no test")
        if code not in (0, 1, 5):
            raise Failed("pytest ended with %d" % code)

    def sandbox(self, *options):
        return _OwnSandbox(self, options)


class _OwnSandbox:
    """A sandbox for one job in a folder of its own, gone at the end; its logs stay with the job's."""

    def __init__(self, run, options):
        self.run, self.options = run, options

    def __enter__(self):
        self.home = Path(tempfile.mkdtemp(prefix="ding-sandbox-"))
        self.environment = {"DING_SANDBOX_HOME": self.home}
        self.python = paths.VENV / "bin" / "python"
        if self.run.command([self.python, "-m", "sandbox", "up", *self.options], 900, **self.environment):
            self.__exit__()
            raise Failed("the sandbox did not come up")
        return self

    def __exit__(self, *error):
        processes.stop(paths.Home(self.home), [])
        for logs in [self.home / "logs", *self.home.glob("hosts/*/data/bkce/logs/open_paas")]:
            if logs.is_dir():
                name = "services" if logs.parent == self.home else logs.relative_to(self.home).parts[1]
                shutil.copytree(logs, self.run.folder / "logs" / name, dirs_exist_ok=True)
        shutil.rmtree(self.home, ignore_errors=True)


def execute(job, run):
    """Runs one job; whatever happens becomes an Outcome."""
    began = time.monotonic()
    problem = ""
    try:
        job.run(run)
    except Failed as error:
        problem = str(error)
    except Exception as error:  # one job's mistake must not take the others' results away
        problem = "%s: %s" % (type(error).__name__, error)
    counts = run.counts
    if problem and not counts.failed:
        counts += junit.Counts(0, 1, 0)
    failed = run.failed_tests + ([junit.short(problem)] if problem else [])
    return Outcome(job, counts, time.monotonic() - began, problem, run.skipped_tests, failed, run.notes, run.log)
