# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Runs the module, and once more to take the lease over when the run that has it was one of this controller and has ended."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase

from ansible_collections.ding.blueking.plugins.plugin_utils import run


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = False

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        args = dict(self._task.args)
        done = self._asked(args, task_vars)
        if args.get("state", "held") == "held" and not boolean(args.get("break_lock", False), strict=False) and _is_left(done):
            done = self._asked(dict(args, break_lock=True), task_vars)
        result.update(done)
        return result

    def _asked(self, args, task_vars):
        return self._execute_module(module_name="ding.blueking.host_lease", module_args=args, task_vars=task_vars)


def _is_left(done):
    """Whether another run has the lease, and has certainly died."""
    holder = (done.get("found") or {}).get("run_id") or ""
    return bool(done.get("failed")) and run.ended(holder)
