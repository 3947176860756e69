"""A callback that writes every task's result on every host, and the recap, as JSON lines to the file that DING_PLAY_RESULTS names."""

import json
import os

from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: ding_play
type: notification
short_description: Writes every task's result as one JSON line
description:
  - Writes every task's result and the recap as JSON lines to the file that the environment variable DING_PLAY_RESULTS names.
requirements:
  - enabled with ANSIBLE_CALLBACKS_ENABLED
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ding_play"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        self._play = ""

    def _write(self, **line):
        with open(os.environ["DING_PLAY_RESULTS"], "a", encoding="utf-8") as results:
            results.write(json.dumps(line, default=str) + "\n")

    def _result(self, outcome, result, ignored=False):
        # Since 2.19 a result has public attributes.
        public = hasattr(result, "result")
        task = result.task if public else result._task
        self._write(play=self._play, task=task.get_name(), action=task.action, outcome=outcome, ignored=ignored,
                    host=(result.host if public else result._host).get_name(), data=result.result if public else result._result)

    def v2_playbook_on_play_start(self, play):
        self._play = play.get_name()

    def v2_runner_on_ok(self, result):
        self._result("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._result("failed", result, ignore_errors)

    def v2_runner_on_skipped(self, result):
        self._result("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._result("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._write(recap={host: stats.summarize(host) for host in stats.processed})
