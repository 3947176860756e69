# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt)
"""A short account of a play for `make demo`: a line for each task that did something, what the playbooks say, and the sums."""

import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: account
type: stdout
short_description: A short account of a play
description: Prints one line per task, with the seconds since DING_ACCOUNT_SINCE, a time of the monotonic clock.
"""
# What only thinks; a failure of theirs is shown all the same.
SILENT = ("add_host", "assert", "group_by", "include_role", "include_tasks", "meta", "set_fact", "validate_argument_spec")
PLAY, TASK, TEXT = " " * 10 + "%s", "%6.1f s    %-8s %s%s", " " * 21 + "%s"


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "account"

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self._since = float(os.environ.get("DING_ACCOUNT_SINCE") or time.monotonic())
        self._play, self._task, self._outcomes, self._hosts = None, None, {}, []

    def v2_playbook_on_play_start(self, play):
        self._flush()
        self._play = play.get_name().strip()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._flush()
        self._task = task

    def v2_runner_on_start(self, host, task):
        if host.get_name() not in self._hosts:
            self._hosts.append(host.get_name())

    def v2_runner_on_ok(self, result):
        self._note(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._note(result, "FAILED")

    def v2_runner_on_unreachable(self, result):
        self._note(result, "FAILED")

    def _note(self, result, outcome):
        action = result.task.action.rpartition(".")[2]
        if outcome != "FAILED" and action in SILENT:
            return
        said = _messages(result.result) if outcome == "FAILED" or action == "debug" else []
        self._outcomes[result.host.get_name()] = (outcome, said)

    def _flush(self):
        """Prints the line of the task that has ended."""
        outcomes, self._outcomes = self._outcomes, {}
        if not outcomes:
            return
        if self._play:
            self._display.display(PLAY % self._play)
            self._play = None
        words = sorted({outcome for outcome, _ in outcomes.values()})
        where = "" if set(outcomes) == set(self._hosts) - {"localhost"} else "  (%s)" % ", ".join(sorted(outcomes))
        if len(words) > 1:
            where = "  (%s)" % ", ".join("%s %s" % (host, outcomes[host][0]) for host in sorted(outcomes))
        # Named as in the playbook, without the role before it.
        name = self._task.get_name().strip().rpartition(" : ")[2]
        shown = "FAILED" if "FAILED" in words else "changed" if "changed" in words else "ok"
        self._display.display(TASK % (time.monotonic() - self._since, shown, name, where))
        for host in sorted(outcomes):
            self._display_said(host, outcomes[host][1])

    def _display_said(self, host, lines):
        for line in lines:
            self._display.display(TEXT % ("%s: %s" % (host, line)))

    def v2_playbook_on_stats(self, stats):
        self._flush()
        for host in sorted(stats.processed):
            sums = stats.summarize(host)
            self._display.display(PLAY % "%s: %d tasks, %d changed, %d failed" % (
                host, sums["ok"] + sums["skipped"] + sums["rescued"], sums["changed"], sums["failures"] + sums["unreachable"]))


def _messages(result):
    """What a task says, of a loop what its failed items say: one text per line."""
    failed = [item for item in result.get("results") or [] if isinstance(item, dict) and item.get("failed")]
    said = [item.get("msg") for item in failed] or [result.get("msg")]
    return [line for each in said for line in _lines(each)]


def _lines(said):
    """A summary is a mapping, of which what is empty is not shown; its lists come one below the other."""
    if isinstance(said, dict):
        lines = []
        for name, value in said.items():
            values = value if isinstance(value, list) else [value]
            lines += ["%s %s" % ((name + ":").ljust(10) if not number else " " * 10, each) for number, each in enumerate(values) if each]
        return lines
    return said if isinstance(said, list) else str(said).splitlines()
