#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Channels of the ESB: their rows, their settings, whether they are on."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_channel
short_description: Register and configure channels of BlueKing's ESB
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Adds the rows of channels that the ESB's configuration declares, merges settings into them, switches them on and off, and removes them.
  - It works with the ESB's own Python and models as the service's user. Everything is changed in one transaction, or nothing is.
  - A changed setting counts from the ESB's next request on (V7 reads its channels from a cache, a little later), without a restart.
  - A missing row is added by the ESB's own code, kept to the channels that are missing; other rows stay as they are.
    Where this ESB's code cannot be kept to them, its command C(sync_system_and_channel_data) runs as a whole, and the diff shows whatever else
    it changes.
  - A diff never shows a secret. Hidden are the settings given in O(secret_settings), all settings whose names say that they are secret
    (with C(secret), C(token), C(password), C(key) and the like in them), and passwords and tokens in addresses.
    Of a row that stays it shows the settings that the task names, and of a removed row the values of those that this collection declares.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.esb_host
attributes:
  check_mode:
    details:
      - What the ESB's own code would add is found out in a transaction that is rolled back.
      - Where this collection's package is not installed yet, its channels are predicted as they will be once it is.
options:
  path:
    description:
      - The channel's path, for example V(/cmsi/send_ding/).
      - Either O(path) or O(channels) is needed.
    type: str
  method:
    description:
      - The method of the row. An empty string means the row for any method.
      - Without it, the row that has the path; it is an error when there are several.
    type: str
  settings:
    description:
      - Settings to merge into those of the channel. Values can be strings, numbers, booleans, lists and dictionaries.
      - A null removes the setting. Settings that are not named here stay, in their order.
    type: dict
  secret_settings:
    description: Like O(settings), and never shown. The stored values are compared inside the ESB's Python.
    type: dict
  registered:
    description:
      - Whether a missing row is added. When V(false), a missing row is an error.
    type: bool
    default: true
  active:
    description: Whether the channel is switched on. Without it, that stays as it is.
    type: bool
  state:
    description:
      - Whether the row is to be there.
      - With V(absent) the row and its settings are removed, and O(settings), O(secret_settings) and O(active) do not count.
    type: str
    choices: [present, absent]
    default: present
  force:
    description: Remove a row also when the channel is not one of this collection's own.
    type: bool
    default: false
  channels:
    description: Several channels at once, in one run of the ESB's Python and one transaction.
    type: list
    elements: dict
    suboptions:
      path:
        description: See O(path).
        type: str
        required: true
      method:
        description: See O(method).
        type: str
      settings:
        description: See O(settings).
        type: dict
      secret_settings:
        description: See O(secret_settings).
        type: dict
      registered:
        description: See O(registered).
        type: bool
        default: true
      active:
        description: See O(active).
        type: bool
      state:
        description: See O(state).
        type: str
        choices: [present, absent]
        default: present
      force:
        description: See O(force).
        type: bool
        default: false
seealso:
  - module: ding.blueking.esb_channel_info
"""

EXAMPLES = r"""
- name: Set the application that sends to people
  ding.blueking.esb_channel:
    path: /cmsi/send_dingtalk/
    settings:
      ding_app_key: "{{ ding_app_key }}"
    secret_settings:
      ding_app_secret: "{{ ding_app_secret }}"
  become: true

- name: Register all channels and offer the message type
  ding.blueking.esb_channel:
    channels:
      - path: /cmsi/send_ding/
        settings:
          msg_key: markdown
          proxy: null
      - path: /cmsi/send_dingtalk/
      - path: /cmsi/send_dingbot/
      - path: /cmsi/get_msg_type/
        registered: false
        settings:
          ding: true
  become: true

- name: Remove a channel's row
  ding.blueking.esb_channel:
    path: /cmsi/send_dingbot/
    state: absent
  become: true
"""

RETURN = r"""
channels:
  description: What was done to each channel, in the order given.
  type: list
  elements: dict
  returned: success
  contains:
    path:
      description: The channel's path.
      type: str
      sample: /cmsi/send_ding/
    method:
      description: The method of its row, an empty string for any.
      type: str
      sample: ""
    change:
      description: One of V(added), V(changed), V(unchanged), V(removed), V(absent).
      type: str
      sample: added
diff:
  description: The rows before and after, each by its path and method, without secrets.
  type: dict
  returned: success
  sample:
    before: {"/cmsi/send_ding/": {"active": true, "component": "generic.cmsi.send_ding", "settings": {"msg_key": "text"}}}
    after: {"/cmsi/send_ding/": {"active": true, "component": "generic.cmsi.send_ding", "settings": {"msg_key": "markdown"}}}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import esb_apply, esb_channels, esb_python, secrecy, shown_settings
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def channel_options(path):
    return dict(
        path=path,
        method=dict(type="str"),
        settings=dict(type="dict"),
        secret_settings=dict(type="dict", no_log=True),
        registered=dict(type="bool", default=True),
        active=dict(type="bool"),
        state=dict(type="str", choices=["present", "absent"], default="present"),
        force=dict(type="bool", default=False),
    )


def main():
    spec = channel_options(dict(type="str"))
    spec.update(channels=dict(type="list", elements="dict", options=channel_options(dict(type="str", required=True))), **esb_python.OPTIONS)
    module = AnsibleModule(
        argument_spec=spec,
        mutually_exclusive=[(name, "channels") for name in ("path", "method", "settings", "secret_settings", "active")],
        required_one_of=[("path", "channels")],
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    for each in [shown["module_args"]] + (shown["module_args"]["channels"] or []):
        each["settings"] = shown_settings.given(each["settings"])
    channels = module.params["channels"]
    if channels is None:
        channels = [dict((name, module.params[name]) for name in channel_options(None))]
    refused = None
    try:
        esb_channels.checked(channels)
        result = esb_python.Esb(module.params).call("esb_apply.change", {"channels": channels, "check": module.check_mode}, esb_apply.MODULES)
    except Problem as problem:
        refused = to_native(problem)
    # Outside of the handler, or a traceback follows it at -vvv.
    if refused:
        module.fail_json(msg=refused, invocation=shown)
    for warning in result["warnings"]:
        module.warn(warning)
    module.exit_json(changed=result["changed"], diff={"before": result["before"], "after": result["after"]}, channels=result["channels"],
                     invocation=shown)


if __name__ == "__main__":
    main()
