# GNU General Public License v3.0 or later (see LICENSES/GPL-3.0-or-later.txt)
"""For the bench: a JSON report of a run in the file BENCH_REPORT; nothing is printed but failures.

    {"tasks": [{"name": text, "seconds": until the next task}], "hosts": {host: {"ok": number, "changed": number, …}}, "before": seconds}
"""

import json
import os
import time

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: bench_report
type: stdout
short_description: A run's times and counts as JSON
description: Writes them to the file that BENCH_REPORT names.
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "bench_report"

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, **more)
        self._tasks = []
        self._began = time.monotonic()

    def v2_playbook_on_task_start(self, task, is_conditional):
        self._tasks.append((task.get_name().strip(), time.monotonic()))

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._display.display("%s, %s: %s" % (result.host.get_name(), result.task.get_name(), result.result.get("msg") or result.result))

    v2_runner_on_unreachable = v2_runner_on_failed

    def v2_playbook_on_stats(self, stats):
        starts = [began for _, began in self._tasks] + [time.monotonic()]
        report = {
            "before": starts[0] - self._began,
            "tasks": [{"name": name, "seconds": end - began} for (name, began), end in zip(self._tasks, starts[1:], strict=True)],
            "hosts": {host: stats.summarize(host) for host in sorted(stats.processed)},
        }
        with open(os.environ["BENCH_REPORT"], "w", encoding="utf-8") as handle:
            json.dump(report, handle)
