#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A DingTalk group's robot as a BlueKing user."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: robot_user
short_description: Manage DingTalk robots as BlueKing users
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - A DingTalk group's robot is a BlueKing user, so that it can be chosen as a receiver like a person. One field of the user holds the
    robot's access token and another one its secret.
  - Creates the user, changes only what differs, restores it when it was deleted (user management only marks users as deleted), or deletes it.
  - It runs wherever user management's address can be reached and needs nothing of the host.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.usermgr
  - ding.blueking.usermgr.robot_fields
attributes:
  check_mode:
    support: full
    details:
      - Nothing but C(GET) requests leave the module.
  diff_mode:
    support: full
    details:
      - Of the access token and the secret it shows whether they are there and whether they are new, and no part of them.
options:
  name:
    description:
      - The user name, without the directory. Names compare without case, as user management compares them.
      - 1 to 32 letters, digits, C(.), C(_) and C(-), the first a letter or a digit.
    type: str
    required: true
  state:
    description:
      - V(present) creates, changes or restores the robot.
      - V(absent) deletes it. User management keeps a deleted user with all its fields, so that it can be restored.
    type: str
    choices: [present, absent]
    default: present
  display_name:
    description: The name that people see. A new robot gets O(name) when it is not given.
    type: str
  webhook:
    description:
      - The robot's whole address, as its settings in DingTalk show it. Its C(access_token) is what is stored.
      - A new robot needs O(webhook) or O(access_token). One that is there keeps what it has when neither is given.
    type: str
  access_token:
    description: The access token alone, in place of O(webhook).
    type: str
  secret:
    description:
      - The robot's secret, which starts with C(SEC). The robot's settings in DingTalk show it for the security setting I(Additional Signature).
      - A new robot needs it. One that is there keeps what it has when it is not given.
    type: str
  email:
    description:
      - The e-mail address. A new robot gets V(robot@example.com), where no mail arrives, when it is not given.
      - User management may send a new user its password, if the directory is set up so. A robot does not need it.
    type: str
  telephone:
    description:
      - The telephone number. A new robot gets V(13800138000), a number of the operator's that belongs to nobody, when it is not given.
    type: str
  category_id:
    description:
      - The id of the directory. Users of the same name in other directories are other users.
      - The default is user management's default directory.
    type: int
  adopt:
    description:
      - Whether a person may be turned into a robot, and a user that is no robot may be deleted.
      - For O(state=present) a person is a user whose O(sign_field) does not start with C(SEC) and who has a value in O(token_field) or
        O(sign_field), or departments. What is in both fields is lost.
      - O(state=absent) deletes without it only a user whose O(sign_field) starts with C(SEC).
    type: bool
    default: false
notes:
  - The other extended fields of a user stay as they are, and so do its departments, its country and everything else that has no option here.
  - A directory that is filled by a synchronisation (LDAP and others) is refused, for V(absent) too, which user management itself would let pass.
seealso:
  - module: ding.blueking.robot_user_info
  - module: ding.blueking.esb_channel
"""

EXAMPLES = r"""
- name: Create the operators' robot
  ding.blueking.robot_user:
    usermgr_url: http://usermgr.service.consul:8009
    name: robot_ops
    display_name: Operators' group
    webhook: "{{ ops_webhook }}"
    secret: "{{ ops_secret }}"

- name: Keep the token in an extended field, and call user management as an app
  ding.blueking.robot_user:
    app_code: bk_sops
    app_secret: "{{ sops_secret }}"
    name: robot_dba
    access_token: "{{ dba_token }}"
    secret: "{{ dba_secret }}"
    token_field: extras__ding_token
    sign_field: extras__ding_secret

- name: Delete a robot
  ding.blueking.robot_user:
    name: robot_old
    state: absent
"""

RETURN = r"""
robot:
  description: The user as it is after the task, or would be in check mode, without its secrets.
  type: dict
  returned: success
  contains:
    name:
      description: The name by which user management and the channel look it up, with C(@) and the domain except in the default directory.
      type: str
    state:
      description: V(present) or V(absent).
      type: str
    display_name:
      description: The name that people see. Null for V(absent), as the next two.
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
  sample: {name: robot_ops, state: present, display_name: Operators' group, email: robot@example.com, telephone: "13800138000",
    domain: default.local, category_id: 1}
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import robot_wanted, robots, secrecy, usermgr
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

OPTIONS = dict(
    name=dict(type="str", required=True),
    state=dict(type="str", choices=["present", "absent"], default="present"),
    display_name=dict(type="str"),
    webhook=dict(type="str", no_log=True),
    access_token=dict(type="str", no_log=True),
    secret=dict(type="str", no_log=True),
    email=dict(type="str"),
    telephone=dict(type="str"),
    category_id=dict(type="int"),
    adopt=dict(type="bool", default=False),
)


def current(client, name, fields):
    """The profile of this look-up name, deleted or not, or None; its secrets are in no message from here on."""
    profile = robots.found(client.look_up([name], fields.columns(), deleted=True), name)
    if profile is not None:
        robots.check_columns(fields, profile)
        client.hide(fields.token.of(profile), fields.sign.of(profile))
    return profile


def planned(client, wanted, state):
    """(the Plan, the directory), from what user management has now."""
    category = robots.directory(client.categories(), wanted.category_id)
    profile = current(client, robots.look_up_name(wanted.name, category), wanted.fields)
    departments = []
    if profile is not None and robots.departments_matter(profile, wanted.fields):
        departments = client.departments(profile["username"])
    return robots.plan(state, wanted, category, profile, departments), category


def carry_out(client, made):
    if made.action == robots.CREATE:
        client.create(made.body)
    elif made.action == robots.DELETE:
        client.delete(made.name)
    else:
        client.change(made.name, made.body)


def prove(client, made, fields):
    """Looks again, because an answer of success is no proof."""
    wrong = robots.unproved(made, current(client, made.name, fields))
    if wrong:
        raise Problem("User management says that it has carried out the %s of %s, and a look-up shows otherwise. Not as it was written: %s."
                      % (made.action, made.name, ", ".join(wrong)))


def main():
    spec = dict(usermgr.OPTIONS, **robot_wanted.FIELD_OPTIONS)
    module = AnsibleModule(argument_spec=dict(spec, **OPTIONS), supports_check_mode=True, required_together=usermgr.TOGETHER,
                           mutually_exclusive=usermgr.EXCLUSIVE + [["webhook", "access_token"]])
    shown = secrecy.invocation(module)
    params = usermgr.params_of(module)
    changed = False
    failure = None
    try:
        wanted = robot_wanted.Wanted(params)
        client = usermgr.UserManagement(params, module.check_mode, [params["webhook"]] + wanted.secrets())
        made, category = planned(client, wanted, params["state"])
        if made.changed and not module.check_mode:
            carry_out(client, made)
            changed = True
            prove(client, made, wanted.fields)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown, changed=changed)
    module.exit_json(changed=made.changed, diff={"before": made.before, "after": made.after}, robot=robots.public(made, category), invocation=shown)


if __name__ == "__main__":
    main()
