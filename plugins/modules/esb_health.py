#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Looks whether one host's ESB is well, and waits for it."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_health
short_description: Look whether one host's ESB is well
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Looks at the ESB of one PaaS host and waits until it is well. It changes nothing.
  - After a change and a restart it is the gate, which opens only when the ESB works as it did before, with the new code.
    For that, take its RV(processes) and RV(healthz) before the change and give them as O(processes_before) and O(healthz_before) afterwards.
  - It sees uWSGI, gunicorn with any kind of workers, and either of them in a container.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.info_module
  - ding.blueking.esb_host
options:
  url:
    description:
      - The address of this host's own ESB, without nginx in between, for example V(http://10.0.0.1:8002).
      - Proxies that the environment names are not used.
    type: str
    required: true
  checks:
    description:
      - What to look at.
      - V(processes) - workers serve the port of O(url); none of them is one of O(processes_before), and none is older than the channel's files.
      - V(ping) - C(/ping/) says pong.
      - V(healthz) - C(/healthz/) is not worse than O(healthz_before). Without that, any answer will do, because many working platforms are never ok.
      - V(imports) - the ESB's own Python imports every module of the channel.
      - V(component) - the ESB finds O(component). It is asked only when all workers are new, because an old one would load the new code.
      - V(version) - C(/cmsi/send_ding/) answers with O(version). The request names no receiver, so nothing is sent.
      - V(offered) - C(/cmsi/get_msg_type/) lists the message type C(ding) as active.
      - V(service) - the service that sends queued messages gives signs of life, with O(version), else with the version of the channel's files.
      - V(outboxes) - C(/cmsi/ding_status/) answers, and no message is there that DingTalk has refused for good.
    type: list
    elements: str
    choices: [processes, ping, healthz, imports, component, version, offered, service, outboxes]
    default: [processes, ping, healthz, imports, component]
  processes_before:
    description: What an earlier call returned as RV(processes). None of these workers may be left.
    type: list
    elements: dict
    default: []
    suboptions:
      pid:
        description: Its number.
        type: int
        required: true
      started:
        description: When it was started, in seconds since 1970.
        type: float
      ticks:
        description: When it was started, in ticks since the host was started.
        type: int
        required: true
      worker:
        description: Whether it serves requests.
        type: bool
        default: true
  healthz_before:
    description: What an earlier call returned as RV(healthz).
    type: dict
  component:
    description: The code name of the component that must be there.
    type: str
    default: generic.cmsi.send_ding
  version:
    description: The version of the channel that must answer. Without it, any version will do.
    type: str
  app_code:
    description: The code of the app in whose name the ESB is called. It is needed for V(version), V(offered) and V(outboxes) in O(checks).
    type: str
  app_secret:
    description: The secret of that app. It travels in the header C(X-Bkapi-Authorization), which the ESB does not write to its log.
    type: str
  username:
    description: The BlueKing user in whose name the ESB is called.
    type: str
    default: admin
  wait:
    description: For how many seconds to wait until all checks hold. V(0) looks once. A check that cannot be mended by waiting ends the wait.
    type: int
    default: 0
  fail:
    description: Whether the task fails when a check does not hold.
    type: bool
    default: true
"""

EXAMPLES = r"""
- name: Look at the ESB before the change
  ding.blueking.esb_health:
    url: http://10.0.0.1:8002
    checks: [processes, ping, healthz]
    fail: false
  register: before

- name: Wait until the restarted ESB is as well as before, with the new code
  ding.blueking.esb_health:
    url: http://10.0.0.1:8002
    processes_before: "{{ before.processes }}"
    healthz_before: "{{ before.healthz }}"
    wait: 120
"""

RETURN = r"""
healthy:
  description: Whether all checks hold.
  returned: when the host could be looked at
  type: bool
checks:
  description: For each check whether it holds (C(ok)) and why (C(text)).
  returned: when the host could be looked at
  type: dict
  sample: {"ping": {"ok": true, "text": "pong"}}
processes:
  description: The processes that serve the port.
  returned: when the host could be looked at
  type: list
  elements: dict
  sample: [{"pid": 1400, "started": 1795476952.11, "ticks": 1264952, "worker": true}]
healthz:
  description: What C(/healthz/) says; null when it was not asked. Without an answer, C(ok) is false, C(code) is empty and C(message) says why.
  returned: when the host could be looked at
  type: dict
  sample: {"ok": true, "code": "1306000", "message": "OK"}
stale:
  description:
    - Whether a worker is older than the channel's files, so that a restart is owed.
    - C(conf.py) does not count, because workers do not use it. Without the files, nothing is known.
  returned: when the host could be looked at
  type: bool
channel_version:
  description: The version that answered; null when it was not asked or did not say.
  returned: when the host could be looked at
  type: str
storm:
  description: What C(/cmsi/ding_status/) says of the messages that wait on the host; null when it was not asked.
  returned: when the host could be looked at
  type: dict
"""

import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import deadline, health, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import OPTIONS, Esb
from ansible_collections.ding.blueking.plugins.module_utils.host_health import HostHealth
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

PROCESS = dict(pid=dict(type="int", required=True), started=dict(type="float"), ticks=dict(type="int", required=True),
               worker=dict(type="bool", default=True))


def main():
    module = AnsibleModule(
        argument_spec=dict(
            OPTIONS,
            url=dict(type="str", required=True),
            checks=dict(type="list", elements="str", choices=list(health.CHECKS), default=list(health.USUAL)),
            processes_before=dict(type="list", elements="dict", default=[], options=PROCESS),
            healthz_before=dict(type="dict"),
            component=dict(type="str", default="generic.cmsi.send_ding"),
            version=dict(type="str"),
            app_code=dict(type="str"),
            app_secret=dict(type="str", no_log=True),
            username=dict(type="str", default="admin"),
            wait=dict(type="int", default=0),
            fail=dict(type="bool", default=True),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    params = module.params
    failure = None
    try:
        host = HostHealth(Esb(params), params["url"], dict((name, params[name]) for name in ("app_code", "app_secret", "username")))
        wanted = health.Wanted(params["checks"], params["processes_before"], params["healthz_before"], params["component"], params["version"])
        picture = health.watch(host, wanted, params["wait"], deadline.now, time.sleep)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown)
    result = dict(changed=False, healthy=picture.healthy, checks=picture.checks, processes=picture.processes, healthz=picture.healthz,
                  stale=picture.stale, channel_version=picture.version, storm=picture.storm, invocation=shown)
    if params["fail"] and not picture.healthy:
        module.fail_json(msg=to_native(health.sentence(params["url"], params["wait"], picture)), **result)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
