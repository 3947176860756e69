#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Has the messages that wait on one host sent, and removes the channel's own folder when none do."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: esb_outbox
short_description: Have waiting messages sent before the channel goes
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Looks after the folder C(ding_blueking) in the ESB's logs of one PaaS host, in which messages wait that a robot's limit has kept back.
  - No message is thrown away unless O(waiting=drop) says so.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.attributes.changes
  - ding.blueking.esb_host
options:
  state:
    description:
      - V(drained) waits until the service has sent all, at most O(seconds). Where none runs, it sends them itself, by the channel's own program.
      - V(absent) removes the folder.
    type: str
    choices: [drained, absent]
    default: drained
  seconds:
    description: For how many seconds messages are sent. V(0) only counts them.
    type: int
    default: 300
  waiting:
    description:
      - What becomes of messages that still wait then.
      - V(refuse) fails, says how many, and leaves everything as it was. V(keep) goes on and leaves the folder. V(drop) goes on, and with O(state=absent)
        removes them.
    type: str
    choices: [refuse, keep, drop]
    default: refuse
  stop:
    description:
      - Whether the service is stopped behind it, so that no more are taken in. It is started again when the task fails.
      - The unit O(unit) is stopped. A service that something else keeps runs on until its package is gone.
    type: bool
    default: false
  unit:
    description: The unit of the service.
    type: str
    default: bk-paas-esb-ding.service
  folder:
    description: The folder of the site's unit files.
    type: path
    default: /etc/systemd/system
  owner:
    description: As whom messages are sent from a container, as C(uid:gid). The default is the container's own user.
    type: str
"""

EXAMPLES = r"""
- name: Have everything sent that waits, or stop
  ding.blueking.esb_outbox:
    seconds: 600
  become: true

- name: Remove what the channel has kept
  ding.blueking.esb_outbox:
    state: absent
  become: true
"""

RETURN = r"""
found:
  description: How many messages waited before.
  returned: when they could be counted
  type: int
waiting:
  description: How many wait after the task. In check mode as before, since nothing is sent.
  returned: when they could be counted
  type: int
dead:
  description: How many messages lie there that DingTalk has refused for good.
  returned: when they could be counted
  type: int
"""

import os
import time

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native, to_text

from ansible_collections.ding.blueking.plugins.module_utils import deadline, outboxes, secrecy, service_host, service_unit
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import OPTIONS, Esb
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

POLL_SECONDS = 0.5
# What was taken in while the service was stopped is sent, too, however late it is by then.
LEAST_SECONDS = 10
# Beyond the seconds that the program has: for its start, and for a call that runs.
MORE_SECONDS = 60


def main():
    module = AnsibleModule(
        argument_spec=dict(
            OPTIONS,
            state=dict(type="str", choices=["drained", "absent"], default="drained"),
            seconds=dict(type="int", default=300),
            waiting=dict(type="str", choices=["refuse", "keep", "drop"], default="refuse"),
            stop=dict(type="bool", default=False),
            unit=dict(type="str", default=service_unit.UNIT),
            folder=dict(type="path", default=service_unit.FOLDER),
            owner=dict(type="str"),
        ),
        supports_check_mode=True,
    )
    shown = secrecy.invocation(module)
    failure, told = None, dict(changed=False)
    try:
        here = Here(module.params)
        told.update(found=here.outboxes.waiting(), dead=here.outboxes.dead())
        (drained if module.params["state"] == "drained" else absent)(module, here, told)
    except Problem as problem:
        failure = to_native(problem)
    # Outside of the handler: within it, ansible-core 2.16 would print a traceback at -vvv.
    if failure is not None:
        module.fail_json(msg=failure, invocation=shown, **told)
    module.exit_json(invocation=shown, **told)


class Here:
    """This host: its outboxes, its unit, its ESB."""

    def __init__(self, params):
        self.params = params
        self.outboxes = outboxes.Outboxes(Esb(params).logs, time.time)
        self.unit = service_host.Unit(params["unit"], params["folder"])
        # What the channel's own program said last, when it could not send.
        self.said = ""

    def send(self, until):
        """Until nothing waits, or it is time."""
        while self.outboxes.waiting() and deadline.now() < until:
            if not self.outboxes.is_served():
                self.once(until - deadline.now())
                if self.outboxes.waiting() and not self.outboxes.is_served():
                    return
            else:
                time.sleep(POLL_SECONDS)

    def once(self, seconds):
        """The channel's own program, until it has sent everything or the seconds are over."""
        seconds = max(1, int(seconds))
        esb = Esb(dict(self.params, esb_timeout=seconds + MORE_SECONDS))
        place = service_host.place(esb, self.params["owner"] or "")
        if not os.path.isfile(os.path.join(esb.apis, outboxes.NAME, "_service.py")):
            self.said = "the channel's package, which would send them, is not there"
            return
        try:
            code, err = esb.run(place.words() + ["--once", "--seconds", "%d" % seconds])
        except Problem as problem:
            self.said = to_text(problem).rstrip(".")
            return
        self.said = "" if code in (0, 4) else "the channel's program ended with %d: %s" % (code, err or "it printed nothing")


def drained(module, here, told):
    params = module.params
    state = here.unit.state() if params["stop"] else None
    stops = bool(state and state["active"])
    told.update(waiting=told["found"], changed=bool(told["found"] and params["seconds"] > 0) or stops)
    told["diff"] = dict(before=dict(waiting=told["found"], service="runs") if stops else dict(waiting=told["found"]),
                        after=dict(waiting=0, service="stopped") if stops else dict(waiting=0))
    if module.check_mode:
        return
    until = deadline.now() + params["seconds"]
    try:
        here.send(until)
        if stops and not left_over(here, params):
            stop(here, params, until)
        told["waiting"] = here.outboxes.waiting()
        told["diff"]["after"]["waiting"] = told["waiting"]
        if left_over(here, params):
            told["changed"] = told["waiting"] != told["found"]
            raise Problem(refusal(here, told["waiting"]))
        refused = here.outboxes.dead() - told["dead"]
        if refused > 0 and params["waiting"] == "refuse":
            raise Problem("DingTalk has just refused %s for good, or its robot is gone: read dead.log in %s, and run this again. A second run "
                          "removes them." % (outboxes.messages(refused), here.outboxes.folder))
    except Problem:
        if stops:
            here.unit.start()
        raise


def stop(here, params, until):
    """No heartbeat, no more messages: but the program that sends the last ones has one, too."""
    here.unit.stop()
    here.outboxes.silence()
    until = max(until, deadline.now() + LEAST_SECONDS)
    while params["seconds"] > 0 and here.outboxes.waiting() and deadline.now() < until and not here.said:
        here.once(until - deadline.now())
        here.outboxes.silence()


def left_over(here, params):
    return params["waiting"] == "refuse" and here.outboxes.waiting() > 0


def refusal(here, number):
    said = " (%s)" % here.said.rstrip(".") if here.said else ""
    return ("%s still wait%s on this host to be sent%s. Nothing of them was thrown away: wait and run this again, or set "
            "ding_drop_waiting=true to give them up. Where the channel's rows are gone already, rollback.yml brings back what sends them."
            % (outboxes.messages(number), "s" if number == 1 else "", said))


def absent(module, here, told):
    told["waiting"] = told["found"]
    if not here.outboxes.is_there:
        return
    if told["found"] and module.params["waiting"] == "refuse" and not module.check_mode:
        raise Problem(refusal(here, told["found"]))
    if told["found"] and module.params["waiting"] == "keep":
        module.warn("%s wait in %s, which stays." % (outboxes.messages(told["found"]), here.outboxes.folder))
        return
    told.update(changed=True, waiting=0, diff=dict(before=dict(path=here.outboxes.folder, state="directory"),
                                                   after=dict(path=here.outboxes.folder, state="absent")))
    for number, what in ((told["found"], "were still waiting to be sent"), (told["dead"], "had been refused by DingTalk for good")):
        if number:
            module.warn("%s that %s %s removed." % (outboxes.messages(number), what, "is" if number == 1 else "are"))
    if not module.check_mode:
        here.outboxes.remove()


if __name__ == "__main__":
    main()
