# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What is asked for becomes the channel's fields, and no receiver is called sent to that was not."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import message_report
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

PARAMS = {"component": "send_ding", "receivers": [u"a", u"b"], "userids": None, "mobiles": None, "title": u"t", "content": u"c\u94ed", "msg_key": None,
          "at_mobiles": None, "at_users": None, "at_all": False}
SECRET = u"app-secret-not-real"


def order(**more):
    return message_report.Order(dict(PARAMS, **more))


def entry(name, outcome="sent", **more):
    return dict({"receiver": name, "kind": "robot", "sent": outcome == "sent", "outcome": outcome, "uncertain": outcome == "uncertain",
                 "reason": "" if outcome == "sent" else u"why " + name}, **more)


def report(entries, result=None, asked=(u"a", u"b"), **data):
    sent = all(isinstance(each, dict) and each.get("sent") for each in entries)
    payload = {"result": sent if result is None else result, "code": 0, "message": u"said", "data": dict({"version": u"1.0.0", "receivers": entries}, **data)}
    return message_report.Report("The ESB", order(receivers=list(asked)), payload, SECRET)


def test_an_order_becomes_the_fields_of_the_channel():
    assert order().fields == {"receiver__username": "a,b", "title": u"t", "content": u"c\u94ed"}
    wanted = order(msg_key="markdown", at_mobiles=[u"13800138000", u"+852-12345678"], at_users=[u"x"], at_all=True)
    assert wanted.fields["msg_key"] == "markdown" and wanted.fields["at_mobiles"] == [u"13800138000", u"+852-12345678"]
    assert wanted.fields["at__username"] == [u"x"] and wanted.fields["is_at_all"] is True
    assert order(component="send_msg").fields["msg_type"] == "ding"
    assert order(component="send_dingtalk", receivers=None, userids=[u"U1", u"u1"]).fields["userid"] == "U1,u1"
    assert order(component="send_dingtalk", receivers=None, mobiles=[u"13800138000"]).fields["mobile"] == "13800138000"
    assert order(component="send_dingbot").path == "/cmsi/send_dingbot/"


def test_a_receiver_is_named_once_without_regard_to_case():
    assert order(receivers=[u"a", u" A ", u"b"]).receivers == [u"a", u"b"]


def test_a_diff_tells_of_a_message_without_its_content():
    assert order().shown == {"component": "send_ding", "receivers": [u"a", u"b"], "title": u"t", "content_length": 2}


@pytest.mark.parametrize("more", [
    dict(receivers=None), dict(receivers=[]), dict(receivers=[u""]), dict(receivers=[u"a,b"]), dict(receivers=[u"a b"]), dict(receivers=[u"a\u3000b"]),
    dict(receivers=[u'["a"]']), dict(userids=[u"x"]), dict(receivers=None, mobiles=[u"13800138000"]),
    dict(component="send_dingtalk", receivers=None, mobiles=[u"phone"]), dict(component="send_dingtalk", at_all=True),
    dict(component="send_msg", msg_key="text"), dict(component="send_msg", title=u""), dict(component="send_msg", content=u" "),
    dict(title=u" ", content=u"\n"), dict(at_mobiles=[u"+852 12345678"]),
])
def test_what_the_channel_would_not_read_as_it_is_meant_is_refused(more):
    with pytest.raises(Problem):
        order(**more)


def test_sent_to_all_is_a_success():
    told = report([entry("a"), entry("b")])
    assert told.failed is None and told.success() == "Sent to: a, b." and told.version == "1.0.0" and told.warnings == []


def test_one_that_is_not_sent_to_is_a_failure_whatever_the_result_says():
    for result in (True, False):
        told = report([entry("a"), entry("b", "refused")], result)
        assert told.failed == "The ESB sent the message to 1 of 2 receivers. Not sent: b (why b)."
        assert told.partial() == "Sent to: a. Not sent: b (why b)."
    assert report([entry("a"), entry("b")], False).failed


def test_queued_is_neither_sent_nor_failed():
    told = report([entry("a"), entry("b", "queued")], True)
    assert told.failed is None and told.success() == "Sent to: a. Queued, not sent yet: b."
    assert [each["receiver"] for each in told.sent] == ["a"]
    told = report([entry("a", "queued"), entry("b", "refused")], False)
    assert "sent the message to 0 of 2 receivers and queued it for 1." in told.failed and told.sent == []


def test_a_queued_receiver_tells_behind_what_and_for_how_long():
    told = report([entry("a"), entry("b", "queued", queued={"behind": 12, "seconds": 40})], True)
    assert told.success() == "Sent to: a. Queued, not sent yet: b (behind 12, for about 40 seconds)."
    assert [each["queued"] for each in told.receivers] == [None, {"behind": 12, "seconds": 40}]
    for odd in (None, 5, {}, {"behind": u"1", "seconds": 2}, {"behind": True, "seconds": 2}, [1]):
        told = report([entry("a"), entry("b", "queued", queued=odd)], True)
        assert told.receivers[1]["queued"] is None and told.success().endswith("not sent yet: b.")


def test_uncertain_is_a_word_of_its_own():
    told = report([entry("a", "uncertain"), entry("b", "not_tried")])
    assert told.failed.endswith("Uncertain, it may have arrived: a (why a). Not sent: b (why b).")
    told = report([entry("a", uncertain=True), entry("b")])
    assert told.failed is None and told.warnings == ["Perhaps received twice, after a call without an answer: a."]


def test_the_same_reason_is_said_once():
    told = report([entry("a", "refused", reason=u"x"), entry("b", "refused", reason=u"x")])
    assert told.failed.endswith("Not sent: a, b (x).")


@pytest.mark.parametrize("entries", [[], [None, 1], [{}], [entry("a")], [dict(entry("a"), sent=False), entry("b")], [entry("a", None), entry("b")],
                                     [entry("a", 5), entry("b")]])
def test_an_answer_that_leaves_out_or_contradicts_is_uncertain(entries):
    told = report(entries, True)
    assert told.failed and any(each["outcome"] == "uncertain" and each["uncertain"] and not each["sent"] for each in told.receivers)


def test_a_component_that_does_not_tell_receivers_apart_is_read_as_the_platform_reads_it():
    def told(result, message, invalid):
        payload = {"result": result, "message": message, "data": {"username_check": {"invalid": invalid}} if invalid is not None else None}
        found = message_report.Report("The ESB", order(), payload, SECRET)
        assert found.version is None and found.warnings
        return [each["outcome"] for each in found.receivers], bool(found.failed)

    assert told(True, u"OK", None) == (["sent", "sent"], False)
    assert told(True, u"OK", [u"B"]) == (["sent", "refused"], True)
    assert told(False, u"Some users failed to be sent", [u"b"]) == (["sent", "refused"], True)
    assert told(False, u"All users failed", [u"b"]) == (["refused", "refused"], True)
    assert told(False, u"Some users failed", None) == (["refused", "refused"], True)
    assert told(False, u"x", [1, None]) == (["refused", "refused"], True)


def test_a_secret_that_an_answer_repeats_is_not_handed_on():
    told = report([entry("a", "refused", reason=u"no " + SECRET), entry("b")], warnings=[u"w " + SECRET, 5])
    assert SECRET not in told.failed + repr(told.receivers) + repr(told.warnings) and told.warnings[0] == "w (hidden)"


def test_many_names_are_not_all_said():
    names = [u"n%d" % number for number in range(50)]
    assert report([entry(name) for name in names], asked=names).success().endswith("n19 and 30 more.")
