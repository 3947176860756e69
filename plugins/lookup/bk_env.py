# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Values of the platform's own environment files on the control host."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
name: bk_env
short_description: A value from BlueKing's environment files on the control host
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Reads C(NAME=value) lines of the C(*.env) files in a folder of the control host, in the order of the file names; the last one that is not empty wins.
  - Where the folder, a file or the name is not there or cannot be read, the result is the default, so that a controller which is no control host works too.
options:
  _terms:
    description: The names.
    type: list
    elements: str
    required: true
  folder:
    description: The folder with the files.
    type: str
    default: /data/install/bin/04-final
  default:
    description: The result for a name that has no value.
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Call the ESB with the platform's own app
  ding.blueking.ding_message:
    app_code: "{{ lookup('ding.blueking.bk_env', 'BK_PAAS_APP_CODE') }}"
    app_secret: "{{ lookup('ding.blueking.bk_env', 'BK_PAAS_APP_SECRET') }}"
"""

RETURN = r"""
_raw:
  description: A value for each name.
  type: list
  elements: str
"""

import glob
import os
import shlex

from ansible.module_utils.common.text.converters import to_text
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    def run(self, terms, variables=None, **kwargs):
        self.set_options(var_options=variables, direct=kwargs)
        values = {}
        for path in sorted(glob.glob(os.path.join(self.get_option("folder"), "*.env"))):
            values.update((name, value) for name, value in _read(path) if value)
        return [values.get(name, self.get_option("default")) for name in terms]


def _read(path):
    try:
        with open(path, "rb") as handle:
            lines = to_text(handle.read(), errors="surrogate_or_replace").splitlines()
    except OSError:
        return
    for line in lines:
        name, equals, value = line.strip().partition("=")
        name = name.replace("export ", "", 1).strip()
        if equals and name.isidentifier():
            yield name, _unquoted(value)


def _unquoted(value):
    """What a shell would make of the right side, without running anything."""
    try:
        words = shlex.split(value, comments=True)
    except ValueError:
        return value.strip()
    return words[0] if words else ""
