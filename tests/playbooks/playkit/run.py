"""What one ansible-playbook came to, as a test reads it."""

import json
from dataclasses import dataclass


@dataclass(frozen=True)
class Step:
    """One task's result on one host. `name` is without the role's; `nth` counts the good ends of this name on this host."""

    play: str
    name: str
    host: str
    action: str
    outcome: str
    data: dict
    nth: int = 0

    @property
    def changed(self):
        return self.outcome == "ok" and bool(self.data.get("changed"))

    @property
    def msg(self):
        return self.data.get("msg", "")

    @property
    def diffs(self):
        """All parts of all items' diffs that show a difference."""
        found = []
        for each in [self.data, *[item for item in self.data.get("results") or [] if isinstance(item, dict)]]:
            diff = each.get("diff") or []
            found += diff if isinstance(diff, list) else [diff]
        return [part for part in found if part.get("before") != part.get("after") or part.get("prepared")]


class Run:
    """rc, stdout, steps in the order of their ends, recap ({host: {ok, changed, unreachable, failures, skipped, rescued, ignored}})."""

    def __init__(self, rc, stdout, lines, seconds):
        self.rc, self.stdout, self.seconds = rc, stdout, seconds
        self.steps, self.recap, times = [], {}, {}
        for line in map(json.loads, lines):
            if "recap" in line:
                self.recap = line["recap"]
                continue
            name = line["task"].rpartition(" : ")[2]
            if line["outcome"] == "ok":
                times[name, line["host"]] = times.get((name, line["host"]), 0) + 1
            self.steps.append(Step(line["play"], name, line["host"], line["action"], line["outcome"], line["data"],
                                   times.get((name, line["host"]), 0)))

    def of(self, name, host=None):
        """The steps with this name, of one host or of all."""
        return [step for step in self.steps if step.name == name and host in (None, step.host)]

    def changed(self, host=None):
        """The names of the tasks that changed something, in order."""
        return [step.name for step in self.steps if step.changed and host in (None, step.host)]

    def changes(self):
        """{(task, host): its diffs} of what changed."""
        return {(step.name, step.host): step.diffs for step in self.steps if step.changed}

    def count(self, host):
        """How many tasks the host had, those that were skipped included."""
        return len([step for step in self.steps if step.host == host])

    def failures(self, host=None):
        return [step for step in self.steps if step.outcome in ("failed", "unreachable") and host in (None, step.host)]

    def hosts(self):
        return sorted({step.host for step in self.steps})

    def total(self, what):
        return sum(counts[what] for counts in self.recap.values())

    def __repr__(self):
        """What a failed test shows: the end of what was printed is the recap."""
        told = ["%s, %s: %s: %s" % (step.host, step.name, step.outcome, step.msg or step.data) for step in self.failures()]
        return "<rc %s after %.1f s>\n%s\n%s" % (self.rc, self.seconds, "\n".join(told), self.stdout[-1500:])
