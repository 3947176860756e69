# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Makes the result of esb_channel_info that reveals secrets one of a task with no_log, which a module alone cannot."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase


class ActionModule(ActionBase):
    _supports_check_mode = True
    _supports_async = True
    _requires_connection = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        reveals = boolean(self._task.args.get("reveal", False), strict=False)
        if reveals:
            # The module refuses to reveal anything where this did not arrive.
            self._task.no_log = True
        result.update(self._execute_module(task_vars=task_vars, wrap_async=self._task.async_val))
        if reveals:
            result["_ansible_no_log"] = True
        return result
