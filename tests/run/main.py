"""Chooses the jobs, runs them two at a time, prints a line for each, a table, the reasons, and the counts."""

import os
import sys
import threading
import time

from sandbox import environments, processes, state
from sandbox.errors import SandboxError
from tests.run import jobs, junit
from tests.run.stages import all_jobs

SHOWN_LINES = 40


def main(arguments):
    words, _, rest = _split(arguments)
    required = os.environ.get("DING_REQUIRE_ALL") == "1"
    chosen = _choose(all_jobs(), words)
    absent = environments.missing(dict.fromkeys([*environments.ESB, *(python for job in chosen for python in job.needs)]))
    needed = sorted({python for job in chosen for python in job.needs} & set(absent))
    if required and needed:
        print("Required, and not on this machine: Python %s. Install it, or name it in %s."
              % (", ".join(needed), ", ".join(map(environments.variable, needed))))
        print("0 passed, %d failed, 0 skipped" % len(needed))
        return 1
    jobs.RESULTS.mkdir(exist_ok=True)
    with state.locked(jobs.RESULTS / ".lock"):
        began = time.monotonic()
        runnable = [job for job in chosen if not set(job.needs) & set(absent)]
        outcomes = _Pool(runnable, rest, int(os.environ.get("DING_TEST_JOBS") or 2)).run()
        left_out = [job for job in chosen if set(job.needs) & set(absent)]
        return _report(outcomes, left_out, absent, required, time.monotonic() - began)


def _split(arguments):
    if "--" in arguments:
        cut = arguments.index("--")
        return arguments[:cut], "--", arguments[cut + 1:]
    return arguments, "", []


def _choose(everything, words):
    """All jobs, or those of the named stages; a job's full name works as well ("contract py27" as contract-py27)."""
    if not words:
        return everything
    known = {job.stage for job in everything} | {job.name.replace(" ", "-") for job in everything}
    for word in words:
        if word not in known:
            raise SystemExit("There is no stage %r; there are %s." % (word, ", ".join(sorted(known))))
    return [job for job in everything if job.stage in words or job.name.replace(" ", "-") in words]


class _Pool:
    """Two workers over one list. A job marked `alone` runs while the other worker rests."""

    def __init__(self, todo, pytest_arguments, size):
        self.todo, self.pytest_arguments, self.size = list(todo), pytest_arguments, max(1, size)
        self.total = len(self.todo)
        self.outcomes, self.running = [], {}
        self.turn = threading.Condition()
        self.ended = False

    def run(self):
        threads = [threading.Thread(target=self._work) for _ in range(self.size)]
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
                self.turn.wait_for(lambda: not self.todo or self._may_start(self.todo[0]))
                if not self.todo:
                    return
                job = self.todo.pop(0)
                run = self.running[job.name] = jobs.Run(job, self.pytest_arguments)
            outcome = jobs.execute(job, run)
            with self.turn:
                del self.running[job.name]
                self.outcomes.append(outcome)
                if not self.ended:
                    self._line(outcome)
                self.turn.notify_all()

    def _may_start(self, job):
        if any(other.job.alone for other in self.running.values()):
            return False
        return not (job.alone and self.running)

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


def _report(outcomes, left_out, absent, required, seconds):
    order = {job.name: number for number, job in enumerate(all_jobs())}
    outcomes = sorted(outcomes, key=lambda outcome: order[outcome.job.name])
    total = junit.Counts()
    print("\n%-26s %8s %8s %8s %8s" % ("STAGE", "SECONDS", "PASSED", "FAILED", "SKIPPED"))
    for outcome in outcomes:
        counts = outcome.counts
        total += counts
        print("%-26s %8.1f %8d %8d %8d" % (outcome.job.name, outcome.seconds, counts.passed, counts.failed,
                                           counts.skipped))
    print("%-26s %8.1f %8d %8d %8d" % ("all, by the clock", seconds, total.passed, total.failed, total.skipped))
    reasons = ["%s: no Python %s here (name one in %s)"
               % (job.name, ", ".join(job.needs), ", ".join(map(environments.variable, job.needs)))
               for job in left_out]
    reasons += ["static compile: not with Python %s, which is not here" % python
                for python in absent if python in environments.ESB and any(outcome.job.name == "static compile" for outcome in outcomes)]
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
    print("\n" + _words(total))
    return 1 if total.failed or not outcomes else 0


def entry(arguments):
    try:
        return main(arguments)
    except SandboxError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
