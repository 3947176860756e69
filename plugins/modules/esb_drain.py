#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Takes one host's ESB out of Consul, so that nginx sends nothing there, and puts it back."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_drain
short_description: Take a host's ESB out of Consul for a restart
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Sets or ends Consul's maintenance of the ESB's service on one PaaS host, through the agent on that host.
    The platform's nginx spreads requests over the hosts that Consul lists.
  - What somebody else has taken out is left as it is.
  - The last host that serves is never taken out, because nginx would be left without any; the task says so in a warning.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
options:
  state:
    description:
      - V(drained) takes the host out, and waits O(wait) seconds for nginx to see it and for requests under way to end.
      - V(serving) puts back what was taken out by this module, be it by an earlier run that was killed, and waits for at most O(wait)
        seconds until Consul finds the service healthy.
    type: str
    choices: [drained, serving]
    default: drained
  consul_url:
    description: The address of the host's own Consul agent.
    type: str
    default: http://127.0.0.1:8500
  consul_token:
    description: A token, where Consul wants one. It must be allowed to write the service.
    type: str
  service:
    description: The name of the ESB's service, as nginx's template has it.
    type: str
    default: paas-esb
  reason:
    description: What others are shown in Consul as the reason.
    type: str
    default: the ESB is restarted
  wait:
    description: For how many seconds to wait after a change.
    type: int
    default: 15
"""

EXAMPLES = r"""
- name: Let nginx send nothing to this host
  ding.blueking.esb_drain:

- name: Let nginx use this host again
  ding.blueking.esb_drain:
    state: serving
    wait: 30
"""

RETURN = r"""
services:
  description: The ids of the service on this host.
  returned: success
  type: list
  elements: str
  sample: [paas-esb-6f1c1b1e-2c1c-11ee-8b1e-5254001c1b1e]
drained:
  description: Whether nginx sends nothing to this host after the task.
  returned: success
  type: bool
others:
  description: How many other hosts serve, as Consul sees it.
  returned: success
  type: int
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import deadline, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.consul import MARK, Consul
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

POLL_SECONDS = 1.0


def main():
    module = AnsibleModule(
        argument_spec=dict(
            state=dict(type="str", choices=["drained", "serving"], default="drained"),
            consul_url=dict(type="str", default="http://127.0.0.1:8500"),
            consul_token=dict(type="str", no_log=True),
            service=dict(type="str", default="paas-esb"),
            reason=dict(type="str", default="the ESB is restarted"),
            wait=dict(type="int", default=15),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    failure, result = None, {}
    try:
        result = work(module)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    module.exit_json(invocation=shown, **result)


def work(module):
    params = module.params
    consul = Consul(params["consul_url"], params["service"], params["consul_token"])
    seen = consul.look()
    out = dict(seen.out)
    if params["state"] == "drained":
        todo = to_take_out(module, consul, seen)
        out.update((each, "%s: %s" % (MARK, params["reason"])) for each in todo)
    else:
        todo = seen.ours
        for each in todo:
            del out[each]
    if todo and not module.check_mode:
        for each in todo:
            if params["state"] == "drained":
                consul.take_out(each, params["reason"])
            else:
                consul.put_back(each)
        if params["state"] == "drained":
            time.sleep(max(params["wait"], 0))
        else:
            until_healthy(module, consul, todo)
    return dict(changed=bool(todo), services=seen.ids, others=seen.others, drained=bool(seen.ids) and set(out) == set(seen.ids),
                diff=dict(before=picture(seen.ids, seen.out), after=picture(seen.ids, out)))


def to_take_out(module, consul, seen):
    """The ids to be set to maintenance. Raises Problem where Consul does not know the service."""
    if not seen.ids:
        raise Problem("Consul's agent at %s has no service %s: is this the host's own agent, and the service's name right?" % (consul.url, consul.service))
    todo = [each for each in seen.ids if each not in seen.out]
    if todo and not seen.others:
        module.warn("This host stays in Consul while its ESB is restarted: no other host serves %s now, and nginx would be left without any."
                    % consul.service)
        return []
    return todo


def until_healthy(module, consul, ids):
    """Consul's own check of the service may have failed during the restart, and looks again each 10 seconds."""
    end = deadline.now() + max(module.params["wait"], 0)
    seen = consul.look()
    while any(each in seen.failing for each in ids) and deadline.now() < end:
        time.sleep(POLL_SECONDS)
        seen = consul.look()
    for each in ids:
        if each in seen.failing:
            module.warn("%s is back in Consul, which does not find it healthy yet: %s." % (each, seen.failing[each]))


def picture(ids, out):
    return dict((each, "in maintenance (%s)" % out[each] if each in out else "in use") for each in ids)


if __name__ == "__main__":
    main()
