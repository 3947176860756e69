"""Lets a chosen task fail after its work was done, kills the whole controller at that point, or runs a command. DING_FAULT says which and how.

DING_FAULT is JSON: {"task": a task's name without its role, "host": name, "nth": which time it ends well there, from 1 on,
"do": "fail", "kill" or the words of a command, "seen": a file in which the occurrences are counted}. A task that was skipped or failed by itself does not count.
It is a callback only to be loaded in time: the work is done around TaskExecutor.run, in the process forked for the task.
"""

import json
import multiprocessing
import os
import signal
import subprocess

from ansible.executor import task_executor
from ansible.plugins.callback import CallbackBase

DOCUMENTATION = """
name: ding_fault
type: notification
short_description: Injects a fault behind a task
description:
  - Injects a fault behind a task, which the environment variable DING_FAULT names.
requirements:
  - enabled with ANSIBLE_CALLBACKS_ENABLED
"""
COMMAND_SECONDS = 120
MESSAGE = "a fault of the tests, injected behind this task"


def fault():
    return json.loads(os.environ.get("DING_FAULT") or "{}")


def is_due(wanted, task, host):
    """Counts one good end of a task; whether it is the one that was chosen."""
    if (task.get_name().rpartition(" : ")[2], host.get_name()) != (wanted["task"], wanted["host"]):
        return False
    with open(wanted["seen"], "a+", encoding="utf-8") as seen:
        seen.write("x\n")
        seen.flush()
        seen.seek(0)
        return len(seen.readlines()) == wanted["nth"]


def kill_controller():
    main = multiprocessing.parent_process().pid
    os.killpg(os.getpgid(main), signal.SIGKILL)
    os.kill(os.getpid(), signal.SIGKILL)


def with_fault(run):
    def run_and_fail(executor):
        result = run(executor)
        wanted = fault()
        # Since 2.21 the result is an object.
        ends = {name: result.get(name) if isinstance(result, dict) else getattr(result, name) for name in ("failed", "skipped", "unreachable")}
        if not wanted or any(ends.values()) or not is_due(wanted, executor._task, executor._host):
            return result
        if wanted["do"] == "kill":
            kill_controller()
        if isinstance(wanted["do"], list):
            subprocess.run(wanted["do"], check=True, timeout=COMMAND_SECONDS, stdout=subprocess.DEVNULL)
            return result
        # The second one is what counts for a task with failed_when.
        told = {"failed": True, "failed_when_result": True, "msg": MESSAGE}
        if isinstance(result, dict):
            result.update(told)
        else:
            for name, value in told.items():
                setattr(result, name, value)
        return result
    return run_and_fail


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "ding_fault"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **keywords):
        super().__init__(*args, **keywords)
        if fault() and not hasattr(task_executor.TaskExecutor, "ding_fault"):
            task_executor.TaskExecutor.run = with_fault(task_executor.TaskExecutor.run)
            task_executor.TaskExecutor.ding_fault = True
