#!/usr/bin/python
# -*- coding: utf-8 -*-
# Copyright: (c) 2026, the ding.blueking authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sends a DingTalk message through an ESB."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

DOCUMENTATION = r"""
module: ding_message
short_description: Send a DingTalk message through BlueKing's ESB
version_added: 1.0.0
author: the ding.blueking authors (@ding-blueking)
description:
  - Sends one message to robot users, whose groups get it, and to people, as the platform's products do, and tells what became of it for each receiver.
  - It runs wherever the ESB's address can be reached and needs nothing of the host.
extends_documentation_fragment:
  - ding.blueking.attributes
  - ding.blueking.esb_api
attributes:
  check_mode:
    support: full
    details:
      - Nothing is sent. The receivers' form is checked, and with a C(GET) of the message types that the ESB can be reached, accepts the
        credentials and knows the message type V(ding). Whether a receiver exists is not known before it is sent to.
  diff_mode:
    support: full
  idempotent:
    support: none
    details:
      - Each run sends the message anew, so each run is a change.
options:
  component:
    description:
      - The component that sends. V(send_ding) tells robot users and people apart by itself, V(send_dingbot) takes robot users only,
        V(send_dingtalk) people only.
      - V(send_msg) is the platform's own, called with the message type V(ding). It wants a O(title) and passes on no more than title and content.
    type: str
    choices: [send_ding, send_dingbot, send_dingtalk, send_msg]
    default: send_ding
  receivers:
    description: BlueKing user names, robot users and people. One of O(receivers), O(userids) and O(mobiles) is needed.
    type: list
    elements: str
  userids:
    description: DingTalk user ids in place of O(receivers), for O(component=send_dingtalk).
    type: list
    elements: str
  mobiles:
    description: Mobile numbers in place of O(receivers), for O(component=send_dingtalk). Outside mainland China as V(+852-12345678).
    type: list
    elements: str
  title:
    description: The title.
    type: str
    default: ""
  content:
    description: The content. It is no secret, so V(-vvv) and the host's log show it.
    type: str
    required: true
  msg_key:
    description: The message's format. The default is the setting of the channel.
    type: str
    choices: [text, markdown]
  at_mobiles:
    description: Mobile numbers to mention in groups.
    type: list
    elements: str
  at_users:
    description: BlueKing users to mention in groups, by their phone number in user management.
    type: list
    elements: str
  at_all:
    description: Whether to mention everybody in groups.
    type: bool
    default: false
  allow_partial:
    description:
      - Whether it is enough that the message was sent to some receivers. The others are then in a warning and in RV(receivers).
      - When it was neither sent to nor queued for anybody, the module fails in any case.
    type: bool
    default: false
notes:
  - A message that the channel has queued, because a robot takes 20 a minute, is no failure. It is not called sent either, see RV(receivers[].outcome).
  - A call without an answer is not repeated, because the message may have arrived. The failure then says that it is uncertain.
"""

EXAMPLES = r"""
- name: Send a text to a group and to a person
  ding.blueking.ding_message:
    esb_url: http://paas.service.consul
    app_code: bk_monitorv3
    app_secret: "{{ monitor_app_secret }}"
    receivers: [robot_ops, zhangsan]
    title: Disk alarm
    content: /data of 10.0.0.1 is 91% full

- name: Ask the ESB of one V6 host, as the platform's products call it
  ding.blueking.ding_message:
    esb_url: http://10.0.0.1:8002
    api_prefix: /c/compapi
    app_code: bk_monitorv3
    app_secret: "{{ monitor_app_secret }}"
    component: send_msg
    receivers: robot_ops
    title: Test
    content: A message of type ding
    allow_partial: true
"""

RETURN = r"""
msg:
  description: What happened, in a sentence.
  type: str
  returned: always
receivers:
  description: What became of the message for each receiver. Not returned for options that are wrong.
  type: list
  elements: dict
  returned: success and failure
  contains:
    receiver:
      description: The name, user id or mobile number.
      type: str
    kind:
      description: V(robot), V(person), or V(unknown).
      type: str
    sent:
      description: Whether DingTalk accepted the message for this receiver.
      type: bool
    outcome:
      description: V(sent), V(queued) (accepted by the channel and not sent yet), V(refused), V(uncertain) (no answer tells) or V(not_tried).
      type: str
    uncertain:
      description: Whether the message may have arrived although it does not count as sent, or may have arrived twice.
      type: bool
    reason:
      description: Why it was not sent.
      type: str
    queued:
      description: For V(queued), behind how many messages (C(behind)) it waits, and for about how many C(seconds). Null for every other outcome.
      type: dict
  sample: [{receiver: robot_ops, kind: robot, sent: true, outcome: sent, uncertain: false, reason: "", queued: null}]
version:
  description: The version of the component that answered. Null where it does not tell.
  type: str
  returned: when the component answered
answer:
  description: The component's own words.
  type: str
  returned: when the component answered
request_id:
  description: Under which id the ESB logged the call.
  type: str
  returned: when the ESB gives one
api_prefix:
  description: Under which path the ESB's components were found.
  type: str
  returned: success
"""

from ansible.module_utils.basic import AnsibleModule
from ansible.module_utils.common.text.converters import to_native, to_text

from ansible_collections.ding.blueking.plugins.module_utils import esb_api, message_report, our_channels, result_words, secrecy
from ansible_collections.ding.blueking.plugins.module_utils.web import HttpProblem
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

OPTIONS = dict(
    component=dict(type="str", choices=["send_ding", "send_dingbot", "send_dingtalk", "send_msg"], default="send_ding"),
    receivers=dict(type="list", elements="str"),
    userids=dict(type="list", elements="str"),
    mobiles=dict(type="list", elements="str"),
    title=dict(type="str", default=""),
    content=dict(type="str", required=True),
    msg_key=dict(type="str", choices=["text", "markdown"], no_log=False),
    at_mobiles=dict(type="list", elements="str"),
    at_users=dict(type="list", elements="str"),
    at_all=dict(type="bool", default=False),
    allow_partial=dict(type="bool", default=False),
)


def texts(value):
    """Unicode throughout: Python 2.7 cannot join the parameters' bytes with the texts of an answer."""
    if isinstance(value, list):
        return [texts(each) for each in value]
    return to_text(value) if isinstance(value, bytes) else value


def capitalised(sentence):
    """An option's name at the beginning stays as it is."""
    return "T" + sentence[1:] if sentence.startswith("the ") else sentence


def check(module, esb, order, told):
    """Looks at what can be known without sending, and returns the sentence. Raises Problem."""
    try:
        types = esb.message_types()
        if our_channels.MESSAGE_TYPE not in types:
            raise Problem("%s does not list the message type ding: the package is not on that host, it cannot be imported, or the ESB was not "
                          "restarted since." % esb.where(our_channels.MESSAGE_TYPES_PATH))
        if not types[our_channels.MESSAGE_TYPE]:
            module.warn("The message type ding is switched off: this module can send, and the platform's products do not offer it.")
    except esb_api.Refusal as refusal:
        if refusal.about != esb_api.CHANNEL:
            raise
        module.warn("The message types cannot be looked at: %s" % to_native(refusal))
    told["receivers"] = order.all(result_words.NOT_TRIED, message_report.CHECK_MODE)
    return "Would send through %s to: %s." % (esb.where(order.path), ", ".join(order.receivers))


def send(module, esb, order, told):
    """Sends, puts into `told` what is known by then, and returns the sentence. Raises Problem unless it counts as a success."""
    esb.find()
    told["receivers"] = order.all(result_words.UNCERTAIN, "no answer")
    payload = esb.post(order.path, order.fields)
    report = message_report.Report(esb.where(order.path), order, payload, texts(module.params["app_secret"]))
    told.update(receivers=report.receivers, version=report.version, answer=report.message,
                changed=any(entry["sent"] or entry["uncertain"] or entry in report.queued for entry in report.receivers))
    if payload.get("request_id"):
        told["request_id"] = payload["request_id"]
    for warning in report.warnings:
        module.warn(to_native(warning))
    if not report.failed:
        return report.success()
    if not ((report.sent or report.queued) and module.params["allow_partial"]):
        raise Problem(report.failed)
    module.warn(capitalised(to_native(report.failed)))
    return report.partial()


def work(module, params, told):
    """Checks or sends; returns (whether it failed, the sentence). It leaves in `told` all that is known either way."""
    order = None
    try:
        order = message_report.Order(params)
        esb = esb_api.EsbApi(params)
        told["receivers"] = order.all(result_words.NOT_TRIED, "not sent")
        sentence = check(module, esb, order, told) if module.check_mode else send(module, esb, order, told)
        told.update(changed=True, api_prefix=esb.prefix, diff={"before": {}, "after": order.shown})
        return False, sentence
    except (HttpProblem, esb_api.Refusal) as problem:
        sentence = to_text(to_native(problem))
        if order:
            doubtful = told.get("receivers", [{}])[0].get("outcome") == result_words.UNCERTAIN and problem.sent
            told["receivers"] = order.all(result_words.UNCERTAIN if doubtful else result_words.NOT_TRIED, sentence)
            told["changed"] = doubtful
            sentence += " " + message_report.DOUBT if doubtful else ""
        return True, capitalised(sentence)
    except Problem as problem:
        return True, capitalised(to_text(to_native(problem)))


def main():
    module = AnsibleModule(argument_spec=dict(esb_api.OPTIONS, **OPTIONS), supports_check_mode=True)
    told = {"changed": False, "invocation": secrecy.invocation(module)}
    # Not within `except`: ansible-core 2.16 adds a traceback at -vvv to a failure that is told there.
    failed, sentence = work(module, dict((name, texts(value)) for name, value in module.params.items()), told)
    if failed:
        module.fail_json(msg=to_native(sentence), **told)
    module.exit_json(msg=to_native(sentence), **told)


if __name__ == "__main__":
    main()
