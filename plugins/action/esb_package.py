# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Packs the component folder on the controller and runs the module once with it."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.text.converters import to_native
from ansible.plugins.action import ActionBase

from ansible_collections.ding.blueking.plugins.module_utils import package
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

OWN_FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), os.pardir, os.pardir, "files", "components", "ding_blueking")


class ActionModule(ActionBase):
    TRANSFERS_FILES = False
    _supports_check_mode = True
    _supports_async = True

    def run(self, tmp=None, task_vars=None):
        result = super(ActionModule, self).run(tmp, task_vars)
        args = dict(self._task.args)
        if args.pop("packed", None) is not None:
            raise AnsibleActionFail("The option `packed` is not for tasks: leave it out, or set `src`.")
        if args.get("state", "present") == "present":
            args["packed"] = self._packed(args.get("src"))
        result.update(self._execute_module(module_name="ding.blueking.esb_package", module_args=args, task_vars=task_vars,
                                           wrap_async=self._task.async_val))
        return result

    def _packed(self, src):
        folder = self._loader.path_dwim(src) if src else os.path.normpath(OWN_FOLDER)
        try:
            files = read_folder(folder)
            package.check(files)
        except (OSError, Problem) as problem:
            raise AnsibleActionFail("The folder %s on the controller cannot be sent: %s" % (folder, to_native(problem)))
        return package.pack(files)


def read_folder(folder):
    """{relative path: bytes}, without byte code and hidden files. Raises Problem for links: they could lead anywhere."""
    if not os.path.isdir(folder):
        raise Problem("It is not there.")
    files = {}
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name != "__pycache__"]
        for name in folders + names:
            if os.path.islink(os.path.join(path, name)):
                raise Problem("%s is a link." % os.path.relpath(os.path.join(path, name), folder))
        for name in names:
            if not name.startswith(".") and not package.is_byte_code(name):
                with open(os.path.join(path, name), "rb") as handle:
                    files[os.path.relpath(os.path.join(path, name), folder)] = handle.read()
    return files
