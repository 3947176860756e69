# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What verify shows of checks and messages."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.filter.verify_rows import verify_rows


def test_each_check_is_a_row():
    assert verify_rows({"ping": {"ok": True, "text": "pong"}}) == [{"what": "ping", "ok": True, "text": "pong"}]


def test_each_receiver_is_a_row_and_queued_is_no_fault_and_not_sent():
    sent = {"receivers": [{"receiver": "a", "sent": True, "outcome": "sent", "reason": ""},
                          {"receiver": "b", "sent": False, "outcome": "queued", "reason": "queued behind 3 for about 9 seconds"},
                          {"receiver": "c", "sent": False, "outcome": "not_tried", "reason": "no time left"}]}
    assert verify_rows({}, [sent]) == [{"what": "message to a", "ok": True, "text": "sent"},
                                       {"what": "message to b", "ok": True, "text": "queued, not sent yet: queued behind 3 for about 9 seconds"},
                                       {"what": "message to c", "ok": False, "text": "not tried: no time left"}]


def test_a_call_that_failed_as_a_whole_is_a_row_that_fails():
    assert verify_rows({}, [{"failed": True, "msg": "no such option"}]) == [{"what": "messages", "ok": False, "text": "not tried: no such option"}]


def test_a_skipped_message_has_no_row():
    assert verify_rows(None, [{"skipped": True}]) == []


def test_checks_come_in_the_order_in_which_they_are_looked_at():
    check = {"ok": True, "text": ""}
    rows = verify_rows({"offered": check, "imports": check, "processes": check, "healthz": check})
    assert [row["what"] for row in rows] == ["processes", "healthz", "imports", "offered"]
