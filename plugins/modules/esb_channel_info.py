#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Rows and settings of the ESB's channels."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_channel_info
short_description: Look at channels of BlueKing's ESB and their settings
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Returns the rows of channels with their settings. Of a secret it shows the last four characters at most.
  - Secret are the settings whose names say so (with C(secret), C(token), C(password), C(key) and the like in them), and passwords and tokens in
    addresses.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.info_module
  - ding.blueking.esb_host
options:
  paths:
    description:
      - The paths to look at.
      - The default is the channels of this collection and the one that lists the message types.
    type: list
    elements: str
  reveal:
    description:
      - Return secrets as they are stored.
      - The result is then treated as with C(no_log), so it is not displayed; a registered variable has it.
    type: bool
    default: false
seealso:
  - module: ding.blueking.esb_channel
"""

EXAMPLES = r"""
- name: Look at the channels of this collection
  ding.blueking.esb_channel_info:
  become: true
  register: channels

- name: Take the stored settings along, secrets included
  ding.blueking.esb_channel_info:
    paths: [/cmsi/send_dingtalk/]
    reveal: true
  become: true
  no_log: true
  register: stored
"""

RETURN = r"""
channels:
  description: The rows, ordered by path and method.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The channel's path.
      type: str
      sample: /cmsi/send_dingtalk/
    method:
      description: The method of the row, an empty string for any.
      type: str
      sample: ""
    name:
      description: The name that the ESB's administration shows.
      type: str
      sample: Send DingTalk message
    component:
      description: The code name of the component behind it.
      type: str
      sample: generic.cmsi.send_dingtalk
    system:
      description: The system to which it belongs.
      type: str
      sample: CMSI
    active:
      description: Whether it is switched on.
      type: bool
      sample: true
    id:
      description: The row's key.
      type: int
      sample: 404
    settings:
      description: The settings by name; the text V((not JSON\)) where the ESB could not read them either.
      type: raw
      sample: {"ding_app_key": "****real", "ding_app_secret": "****real", "robot_code": ""}
missing:
  description: Those of the paths that have no row.
  type: list
  elements: str
  returned: success
  sample: []
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import esb_apply, esb_python, our_channels, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def main():
    module = AnsibleModule(
        argument_spec=dict(paths=dict(type="list", elements="str"), reveal=dict(type="bool", default=False), **esb_python.OPTIONS),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    paths = module.params["paths"]
    if paths is None:
        paths = our_channels.PATHS + [our_channels.MESSAGE_TYPES_PATH]
    refused = None
    try:
        if module.params["reveal"] and not module.no_log:
            raise Problem("With reveal the result holds secrets: set no_log to true on this task.")
        result = esb_python.Esb(module.params).call("esb_apply.look", {"paths": paths, "reveal": module.params["reveal"]}, esb_apply.MODULES)
    except Problem as problem:
        refused = to_native(problem)
    # Outside of the handler, or a traceback follows it at -vvv.
    if refused:
        module.fail_json(msg=refused, invocation=shown)
    module.exit_json(changed=False, invocation=shown, **result)


if __name__ == "__main__":
    main()
