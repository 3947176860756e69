"""Chooses the jobs, runs as many at a time as keep the cores busy, prints a line for each, a table, the reasons, and the counts."""

import math
import os
import sys
import threading
import time

from sandbox import processes, state
from sandbox.errors import SandboxError
from tests.run import jobs, junit, needs
from tests.run.stages import all_jobs

SHOWN_LINES = 40
SHOWN_FAILED = 20


def main(arguments):
    words, _, rest = _split(arguments)
    required = os.environ.get("DING_REQUIRE_ALL") == "1"
    chosen = _choose(all_jobs(), words)
    lacking = needs.lacking(chosen)
    if required and lacking:
        print("Required, and not on this machine:\n%s" % needs.told(lacking))
        print("0 passed, %d failed, 0 skipped" % len(lacking))
        return 1
    jobs.RESULTS.mkdir(exist_ok=True)
    with state.locked(jobs.RESULTS / ".lock"):
        began = time.monotonic()
        runnable = [job for job in chosen if job.name not in lacking]
        outcomes = _Pool(runnable, rest, int(os.environ.get("DING_TEST_JOBS") or 2)).run()
        return _report(outcomes, lacking, required, time.monotonic() - began)


def _split(arguments):
    if "--" in arguments:
        cut = arguments.index("--")
        return arguments[:cut], "--", arguments[cut + 1:]
    return arguments, "", []


def _choose(everything, words):
    """All jobs, or those of the named stages; a job's name works as well, or its beginning ("contract py27" as contract-py27)."""
    chosen = [job for job in everything if not words or any(_named(job, word) for word in words)]
    for word in words:
        if not any(_named(job, word) for job in everything):
            raise SystemExit("There is no stage %r; there are %s." % (word, ", ".join(
                sorted({job.stage for job in everything} | {job.name.replace(" ", "-") for job in everything}))))
    return chosen


def _named(job, word):
    return word == job.stage or (job.name.replace(" ", "-") + "-").startswith(word + "-")


def in_order(todo):
    """First what the longest chain of jobs begins with, at last those that want to be alone."""
    seconds = {}

    def chain(job):
        """How long it takes with all that can only come behind it."""
        if job.name not in seconds:
            seconds[job.name] = job.seconds + max([chain(other) for other in todo if job.name in other.after], default=0)
        return seconds[job.name]

    return sorted(todo, key=lambda job: (job.alone, -chain(job)))


class _Pool:
    """As many jobs at a time as keep `size` cores busy, from one list. A job marked `alone` runs while nothing else does."""

    def __init__(self, todo, pytest_arguments, size):
        self.todo, self.pytest_arguments, self.size = in_order(todo), pytest_arguments, max(1, size)
        self.total = len(self.todo)
        self.outcomes, self.running = [], {}
        self.turn = threading.Condition()
        self.ended = False

    def run(self):
        least = min([job.load for job in self.todo], default=1)
        threads = [threading.Thread(target=self._work) for _ in range(math.ceil(self.size / least))]
        for thread in threads:
            thread.start()
        try:
            self._wait()
        except KeyboardInterrupt:
            with self.turn:
                self.ended, self.todo = True, []
                stopping = list(self.running.values())
            for run in stopping:
                run.stop()
            self._wait()
        return self.outcomes

    def _wait(self):
        """Not Thread.join: interrupted once, it may take a running thread for an ended one."""
        with self.turn:
            self.turn.wait_for(lambda: not self.todo and not self.running)

    def _work(self):
        while True:
            with self.turn:
                self.turn.wait_for(lambda: not self.todo or self._next())
                if not self.todo:
                    return
                job = self._next()
                self.todo.remove(job)
                run = self.running[job.name] = jobs.Run(job, self.pytest_arguments)
            outcome = jobs.execute(job, run)
            with self.turn:
                del self.running[job.name]
                self.outcomes.append(outcome)
                # Whatever becomes of the line: the others wait for this.
                self.turn.notify_all()
                if not self.ended:
                    self._line(outcome)

    def _next(self):
        """The first job that may start now; None while there is none."""
        if any(run.job.alone for run in self.running.values()):
            return None
        waited_for = {job.name for job in self.todo} | set(self.running)
        ready = [job for job in self.todo if not waited_for & set(job.after)]
        room = self.size - sum(run.job.load for run in self.running.values())
        return next((job for job in ready if job.load <= room and not (job.alone and self.running)), None)

    def _line(self, outcome):
        counts = outcome.counts
        print("[%2d/%d] %-26s %6.1f s  %s" % (len(self.outcomes), self.total, outcome.job.name, outcome.seconds,
                                             ", ".join([_words(counts), *outcome.notes])), flush=True)
        if counts.failed:
            if outcome.problem:
                print("        %s" % outcome.problem.replace("\n", "\n        "))
            print("        the end of %s:\n%s" % (outcome.log.relative_to(jobs.paths.ROOT),
                                                  processes.tail(outcome.log, SHOWN_LINES)), flush=True)


def _words(counts):
    return "%d passed, %d failed, %d skipped" % (counts.passed, counts.failed, counts.skipped)


def _report(outcomes, lacking, required, seconds):
    order = {job.name: number for number, job in enumerate(all_jobs())}
    outcomes = sorted(outcomes, key=lambda outcome: order[outcome.job.name])
    total = _table(outcomes, seconds)
    reasons = ["%s: %s" % (name, reason) for name, reason in lacking.items()]
    not_run = len(reasons)
    reasons += ["%s: %s" % (outcome.job.name, text) for outcome in outcomes for text in outcome.skipped_tests]
    if reasons:
        print("\nNot run:")
        for reason in reasons:
            print("  " + reason)
    total += junit.Counts(0, 0, not_run)
    if required and total.skipped:
        print("\nEverything is required here (DING_REQUIRE_ALL=1): what was not run counts as failed.")
        total = junit.Counts(total.passed, total.failed + total.skipped, 0)
    _failed(outcomes)
    print("\n" + _words(total))
    return 1 if total.failed or not outcomes else 0


def _table(outcomes, seconds):
    """Prints a line per job, a line per stage of several jobs, and the sum; returns the sum's counts."""
    print("\n%-26s %8s %8s %8s %8s" % ("STAGE", "SECONDS", "PASSED", "FAILED", "SKIPPED"))
    stages = {}
    for outcome in outcomes:
        stages.setdefault(outcome.job.stage, []).append(outcome)
    total = junit.Counts()
    for stage, members in stages.items():
        counts = sum((outcome.counts for outcome in members), junit.Counts())
        total += counts
        for outcome in members:
            _row(outcome.job.name, outcome.seconds, outcome.counts)
        if len(members) > 1:
            _row("  = %s, %d jobs" % (stage, len(members)), sum(outcome.seconds for outcome in members), counts)
    _row("all, by the clock", seconds, total)
    return total


def _failed(outcomes):
    """Once more, and at the end: of a long log that is what one sees, or all that was kept."""
    lines = ["%s: %s" % (outcome.job.name, line) for outcome in outcomes for line in outcome.failed_tests]
    if lines:
        print("\nFailed:")
        for line in lines[:SHOWN_FAILED]:
            print("  " + line)
        if len(lines) > SHOWN_FAILED:
            print("  and %d more" % (len(lines) - SHOWN_FAILED))


def _row(name, seconds, counts):
    print("%-26s %8.1f %8d %8d %8d" % (name, seconds, counts.passed, counts.failed, counts.skipped))


def entry(arguments):
    try:
        return main(arguments)
    except SandboxError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
