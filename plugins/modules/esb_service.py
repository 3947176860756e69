#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Keeps the unit of the service that sends queued messages, or takes it away."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_service
short_description: Keep the unit of the service that sends queued messages
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Keeps a systemd unit on one PaaS host for the channel's service, which sends what a robot's limit has kept waiting.
  - The service runs as the ESB's user, with the ESB's Python and environment. Where O(esb_python) enters a container, so does the unit.
  - A unit of this name that is not ours is never touched. A drop-in (C(systemctl edit)) is the site's own and stays.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.esb_host
options:
  state:
    description:
      - V(present) writes the unit, starts it at boot, and has it run. A changed unit restarts this service, and nothing else.
      - V(absent) stops it, and takes it away.
      - V(saved) writes down what is there, beside the backup O(backup).
      - V(restored) brings back what V(saved) has written down for O(backup). Without that there was none.
    type: str
    choices: [present, absent, saved, restored]
    default: present
  unit:
    description: The unit's name.
    type: str
    default: bk-paas-esb-ding.service
  folder:
    description: The folder of the site's unit files.
    type: path
    default: /etc/systemd/system
  esb_unit:
    description: The ESB's own unit. Where there is one, the service starts after it.
    type: str
    default: bk-paas-esb.service
  target:
    description: The target of the platform's units, to which the service belongs where there is one. Elsewhere it is C(multi-user.target).
    type: str
    default: bk-paas.target
  owner:
    description:
      - As whom the service runs in a container, as C(uid:gid). M(ding.blueking.esb_preflight) finds out as whom the ESB's workers do.
      - The default is the container's own user.
    type: str
  dir:
    description: The folder of the backups.
    type: path
    default: /data/backup/ding_blueking
  backup:
    description: The name of a backup. Needed for V(saved) and V(restored) in O(state).
    type: str
"""

EXAMPLES = r"""
- name: Have the service run
  ding.blueking.esb_service:
    bk_home: /data/bkce
  become: true

- name: Take it away
  ding.blueking.esb_service:
    state: absent
  become: true
"""

RETURN = r"""
differs:
  description: Whether something has to be changed, or had to be.
  returned: success
  type: bool
service:
  description: The unit after the task, in check mode as it would be. Null where there is none of ours.
  returned: success
  type: dict
  sample: {"path": "/etc/systemd/system/bk-paas-esb-ding.service", "mode": "0644", "enabled": true, "active": true}
"""

import os

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import our_channels, secrecy, service_host, service_unit
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import OPTIONS, Esb
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def main():
    module = AnsibleModule(
        argument_spec=dict(
            OPTIONS,
            state=dict(type="str", choices=["present", "absent", "saved", "restored"], default="present"),
            unit=dict(type="str", default=service_unit.UNIT),
            folder=dict(type="path", default=service_unit.FOLDER),
            esb_unit=dict(type="str", default="bk-paas-esb.service"),
            target=dict(type="str", default=service_unit.TARGET),
            owner=dict(type="str"),
            dir=dict(type="path", default="/data/backup/ding_blueking"),
            backup=dict(type="str"),
        ),
        required_if=[("state", "saved", ["backup"]), ("state", "restored", ["backup"])],
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    failure, result = None, {}
    try:
        result = work(module.params, module.check_mode)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    module.exit_json(invocation=shown, **result)


def work(params, check):
    unit, esb = service_host.Unit(params["unit"], params["folder"]), Esb(params)
    others = unit.others(service_host.script_of(esb))
    if params["state"] == "saved":
        return save(params, esb, others[0] if others and not unit.state() else unit, check)
    wanted = None
    if params["state"] == "present":
        wanted = service_host.desired(esb, unit, params["esb_unit"], params["target"], params["owner"] or "")
    elif params["state"] == "restored":
        name, wanted = service_host.saved(params["dir"], params["backup"])
        unit = service_host.Unit(name or params["unit"], params["folder"])
        others, wanted = unit.others(service_host.script_of(esb)), None if unit.taken() else wanted
    now, gone = unit.state(), [(other.path, other.text() or "") for other in others]
    if not check:
        for other in others:
            other.remove()
        if now != wanted:
            unit.become(now, wanted)
    return result(unit, now, wanted, gone)


def save(params, esb, unit, check):
    """A unit without its program, as after an upgrade that has wiped the ESB's folder, is nothing to come back to."""
    now = unit.state()
    if not check:
        there = os.path.isfile(os.path.join(esb.apis, our_channels.PACKAGE, "_service.py"))
        service_host.save(params["dir"], params["backup"], unit.name, now if there else None)
    return result(unit, now, now, [])


def result(unit, now, wanted, gone):
    """gone: (path, text) of units under other names."""
    differs = now != wanted or bool(gone)
    return dict(changed=differs, differs=differs, service=shown(unit, wanted), diff=[
        dict(before_header=unit.path, after_header=unit.path, before=now["text"] if now else "", after=wanted["text"] if wanted else ""),
        dict(before=shown(unit, now) or {}, after=shown(unit, wanted) or {})] + [
            dict(before_header=path, after_header=path, before=text, after="") for path, text in gone])


def shown(unit, state):
    if state is None:
        return None
    return dict(path=unit.path, mode="%04o" % state["mode"] if state["mode"] is not None else "", enabled=state["enabled"], active=state["active"])


if __name__ == "__main__":
    main()
