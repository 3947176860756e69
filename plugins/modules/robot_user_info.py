#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The robots among BlueKing's users."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: robot_user_info
short_description: Tell which BlueKing users are DingTalk robots
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Looks for robots among given names, or among all users. A robot is a user whose O(token_field) is filled and whose O(sign_field) starts with
    C(SEC), which is the channel's own rule.
  - Deleted users are not shown.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.info_module
  - ding.blueking.usermgr
  - ding.blueking.usermgr.robot_fields
options:
  names:
    description:
      - The users to look at, in any number. In another directory than the default one they are written V(name@domain). Case does not matter.
      - Without it, all users are looked at, in pages of 1000.
    type: list
    elements: str
seealso:
  - module: ding.blueking.robot_user
"""

EXAMPLES = r"""
- name: List all robots
  ding.blueking.robot_user_info:
    usermgr_url: http://usermgr.service.consul:8009
  register: all

- name: See whether both duty robots are there
  ding.blueking.robot_user_info:
    names: [robot_ops, robot_dba@partner.local]
  register: duty
  failed_when: duty.robots | length != 2
"""

RETURN = r"""
robots:
  description: The robots, ordered by name.
  type: list
  elements: dict
  returned: success
  contains:
    name:
      description: The name by which user management and the channel look it up, with C(@) and the domain except in the default directory.
      type: str
    display_name:
      description: The name that people see.
      type: str
    email:
      description: The e-mail address.
      type: str
    telephone:
      description: The telephone number.
      type: str
    domain:
      description: The directory's domain.
      type: str
    category_id:
      description: The directory's id.
      type: int
    status:
      description: User management's word, usually V(NORMAL).
      type: str
    access_token:
      description: The last four characters after four stars. Of a value with less than 16 characters only the stars.
      type: str
    secret:
      description: The same of the secret.
      type: str
  sample: [{name: robot_ops, display_name: Operators' group, email: robot@example.com, telephone: "13800138000", domain: default.local,
    category_id: 1, status: NORMAL, access_token: "****0a3f", secret: "****91bc"}]
not_robots:
  description: Those of O(names) that are users and no robots, as user management writes them, ordered. Empty without O(names).
  type: list
  elements: str
  returned: success
not_found:
  description: Those of O(names) that user management does not have, ordered.
  type: list
  elements: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import robot_wanted, robots, secrecy, usermgr
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def looked_up(client, params, fields):
    """(profiles, the names that were looked for)."""
    if params["names"] is None:
        return client.every(fields.columns()), []
    # Only a name with a domain needs them: look-ups know the default directory's users without theirs.
    categories = client.categories() if any("@" in name for name in params["names"]) else []
    names = robots.look_up_names(params["names"], categories)
    return client.look_up(names, fields.columns()), names


def sorted_out(profiles, names, fields):
    """{robots, not_robots, not_found}."""
    for profile in profiles:
        robots.check_columns(fields, profile)
    found = dict((profile["username"].lower(), profile) for profile in profiles)
    order = [found[name] for name in sorted(found)]
    return dict(robots=[robots.listed(each, fields) for each in order if robots.is_robot(each, fields)],
                not_robots=[each["username"] for each in order if names and not robots.is_robot(each, fields)],
                not_found=sorted(name for name in names if name.lower() not in found))


def main():
    spec = dict(usermgr.OPTIONS, **robot_wanted.FIELD_OPTIONS)
    module = AnsibleModule(argument_spec=dict(spec, names=dict(type="list", elements="str")), supports_check_mode=True,
                           required_together=usermgr.TOGETHER, mutually_exclusive=usermgr.EXCLUSIVE)
    shown = secrecy.invocation(module)
    params = usermgr.params_of(module)
    failure = None
    try:
        fields = robot_wanted.Fields(params)
        client = usermgr.UserManagement(params, check=True)
        profiles, names = looked_up(client, params, fields)
        told = sorted_out(profiles, names, fields)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    module.exit_json(changed=False, invocation=shown, **told)


if __name__ == "__main__":
    main()
