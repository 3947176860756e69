#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Puts an app into the ESB's white list, or takes it out."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_app_whitelist
short_description: Let an app call the ESB for any user
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Puts an app into the white list C(user_auth::skip_user_auth) of C(esb_function_controller), or takes it out. Apps in it may call the
    ESB with nothing but a user's name.
  - It works through the ESB's own Python and models. Other apps in the list stay as they are, and it never makes an app.
  - Workers of the ESB remember the list for 5 minutes.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.esb_host
options:
  app:
    description: The app's code. With O(state=absent) and O(record) it can be left out, and every app that the record names is taken out.
    type: str
  state:
    description: Whether the app is in the list.
    type: str
    choices: [present, absent]
    default: present
  record:
    description:
      - A file on the host in which the module keeps which apps it has put in, so that they can be told from apps that somebody else has put in.
      - With O(state=absent) and a file that does not name the app, nothing is changed. Its folder is made when it is not there, with mode 0700.
    type: path
  record_since:
    description: With O(state=absent), the app stays when it was put in before this time in UTC, such as V(20261123T232400Z).
    type: str
"""

EXAMPLES = r"""
- name: Let an app send messages
  ding.blueking.esb_app_whitelist:
    app: bk_sops

- name: Take out what was put in with this note, whatever the app's code is by now
  ding.blueking.esb_app_whitelist:
    state: absent
    record: /data/backup/ding_blueking/white_list.json
"""

RETURN = r"""
apps:
  description: The apps in the list after the task, in check mode as they would be.
  returned: when the list was looked at
  type: list
  elements: str
  sample: [bk_sops, bk_paas]
enabled:
  description: Whether the ESB uses the list at all.
  returned: when the list was looked at
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import problem as problem_module
from ansible_collections.ding.blueking.plugins.module_utils import secrecy, whitelist
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import OPTIONS, Esb
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.whitelist_record import WhitelistRecord


def main():
    module = AnsibleModule(
        argument_spec=dict(
            OPTIONS,
            app=dict(type="str"),
            state=dict(type="str", choices=["present", "absent"], default="present"),
            record=dict(type="path"),
            record_since=dict(type="str"),
        ),
        required_if=[("state", "present", ["app"]), ("state", "absent", ["app", "record"], True)],
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    params = module.params
    present = params["state"] == "present"
    failure = None
    try:
        record = WhitelistRecord(params["record"])
        apps = _apps(params, record)
        if not apps:
            module.exit_json(changed=False, diff=dict(before={}, after={}), invocation=shown)
        esb = Esb(params)
        esb.check()
        done = esb.call("whitelist.ensure", dict(apps=apps, present=present, check=module.check_mode), [problem_module, whitelist])
        if params["record"] and not module.check_mode:
            if not present:
                record.remove(apps)
            elif done["before"] != done["after"]:
                record.add(params["app"])
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    if present and not done["enabled"]:
        module.warn("The white list %s is switched off, so the ESB does not use it: set its switch_status." % whitelist.FUNCTION)
    module.exit_json(changed=done["before"] != done["after"], apps=done["after"], enabled=done["enabled"],
                     diff=dict(before=dict(apps=done["before"]), after=dict(apps=done["after"])), invocation=shown)


def _apps(params, record):
    """The apps that shall come or go; none where a record is asked for and names none."""
    if params["app"] is not None:
        whitelist.check_code(params["app"])
    elif params["state"] == "present" or not params["record"]:
        # Ansible's own check takes a null for a value.
        raise Problem("app is missing: give the code of an app, or, to take out what was put in with it, a record.")
    if params["state"] == "present" or not params["record"]:
        return [params["app"]]
    return [app for app in record.apps(params["record_since"]) if params["app"] in (None, app)]


if __name__ == "__main__":
    main()
