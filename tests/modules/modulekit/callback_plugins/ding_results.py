"""A callback that writes every task's result as one JSON line to the file that DING_RESULTS names."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: ding_results
type: notification
short_description: Writes every task's result as one JSON line
description:
  - Writes every task's result as one JSON line to the file that the environment variable DING_RESULTS names.
requirements:
  - enabled with ANSIBLE_CALLBACKS_ENABLED
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ding_results"
    CALLBACK_NEEDS_ENABLED = True

    def _write(self, outcome, result):
        # Since 2.19 a result has public attributes.
        public = hasattr(result, "result")
        line = {
            "task": (result.task if public else result._task).get_name(),
            "host": (result.host if public else result._host).get_name(),
            "outcome": outcome,
            "data": result.result if public else result._result,
        }
        with open(os.environ["DING_RESULTS"], "a", encoding="utf-8") as results:
            results.write(json.dumps(line, default=str) + "\n")

    def v2_runner_on_ok(self, result):
        self._write("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._write("failed", result)

    def v2_runner_on_skipped(self, result):
        self._write("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._write("unreachable", result)
