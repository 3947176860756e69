#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes, renews and gives back the lease that keeps two operators apart on one host."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: host_lease
short_description: Keep two operators apart on a host
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Takes a lease of a host for one run of a playbook, renews it and gives it back.
  - While one run has the lease, the task of any other run fails and says who has it and since when. A lease that nobody renews expires.
  - A lease of a run on the same controller whose process is gone is taken over at once, when O(run_id) comes from P(ding.blueking.run_id#lookup).
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
options:
  state:
    description:
      - V(held) takes the lease for O(run_id), or renews the one that it has; a renewal is no change.
      - V(free) gives it back. Another run's lease stays, unless O(break_lock) is set.
    type: str
    choices: [held, free]
    default: held
  run_id:
    description: What tells this run from every other, for example a random text that is the same on all hosts of the run.
    type: str
    required: true
  operator:
    description: Who is shown to others as the one who works here.
    type: str
    default: ''
  seconds:
    description: For how long the lease lasts after it was taken or renewed.
    type: int
    default: 600
  break_lock:
    description: Takes the lease over, or gives it back, although another run has it.
    type: bool
    default: false
  bk_home:
    description: The platform's home folder on the host.
    type: path
    default: /data/bkce
  path:
    description:
      - The file of the lease. Its folder must be there.
      - The default is C(.ding_blueking.lease) in O(bk_home).
    type: path
"""

EXAMPLES = r"""
- name: Take the host, or say who has it
  ding.blueking.host_lease:
    run_id: 0d3f1c5e
    operator: alice@control

- name: Give the host back
  ding.blueking.host_lease:
    state: free
    run_id: 0d3f1c5e
"""

RETURN = r"""
lease:
  description: The lease as it is after the task, in check mode as it would be; null when there is none. Times are in seconds since 1970.
  returned: success
  type: dict
  sample: {"run_id": "0d3f1c5e", "operator": "alice@control", "since": 1795476951.0, "expires": 1795477551.0}
found:
  description: The lease as it was before the task; null when there was none, or none that could be read.
  returned: when the lease could be looked at
  type: dict
taken_over:
  description:
    - Whether the lease was another run's, which has not given it back.
    - That run may have been killed between a change and the restart that belongs to it, so a restart may be owed.
  returned: success
  type: bool
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import lease, secrecy, swap
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

LOCK_SECONDS = 10


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type="str", choices=["held", "free"], default="held"),
            run_id=dict(type="str", required=True),
            operator=dict(type="str", default=""),
            seconds=dict(type="int", default=600),
            break_lock=dict(type="bool", default=False),
            bk_home=dict(type="path", default="/data/bkce"),
            path=dict(type="path"),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    result = dict(invocation=shown)
    failure = None
    try:
        path = module.params["path"] or os.path.join(module.params["bk_home"], lease.NAME)
        if not module.params["run_id"] or module.params["seconds"] < 1:
            raise Problem("run_id must not be empty, and seconds must be 1 or more.")
        if not os.path.isdir(os.path.dirname(path)):
            raise Problem("There is no folder %s on this host: set bk_home or path." % os.path.dirname(path))
        if module.check_mode:
            work(module, path, result)
        else:
            with swap.lock(os.path.dirname(path), LOCK_SECONDS):
                work(module, path, result)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, **result)
    module.exit_json(**result)


def work(module, path, result):
    params = module.params
    found, garbled = look(path, params["break_lock"])
    result["found"] = found
    if params["state"] == "held":
        after, changed = lease.decide(found, params["run_id"], params["operator"], params["seconds"], round(time.time(), 2), params["break_lock"])
        if found and changed:
            module.warn("%s and was not given back; run %s takes it over." % (lease.held(found), params["run_id"]))
    else:
        changed = garbled or lease.release(found, params["run_id"], params["break_lock"])
        after = None if changed else found
        if after:
            module.warn("%s, so it was not given back: it is not the lease of run %s." % (lease.held(after), params["run_id"]))
    before = {"unreadable": True} if garbled else lease.shown(found)
    # Another's lease that stays is no part of what this run changes.
    result.update(changed=changed, lease=after, taken_over=changed and params["state"] == "held" and bool(found or garbled),
                  diff=dict(before=before, after=lease.shown(after) if changed else before))
    if not module.check_mode:
        if params["state"] == "held":
            lease.write(path, after)
        elif changed:
            lease.remove(path)


def look(path, break_lock):
    """(the lease or None, whether there is a file that is none and may go)."""
    try:
        return lease.read(path), False
    except Problem:
        if break_lock and os.path.lexists(path) and not os.path.isdir(path):
            return None, True
        raise


if __name__ == "__main__":
    main()
