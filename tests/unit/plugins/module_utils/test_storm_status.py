# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""storm_status.py: what a heartbeat proves, and what the state of the outboxes says to an operator."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import storm_status

BEAT = {"format": 1, "version": "1.0.0", "pid": 4711, "time": 1000.0, "started": 900.0, "waiting": 0, "error": ""}
OUTBOX = {"key": "robot-0a", "kind": "robot", "receivers": ["robot_ops"], "waiting": 0, "oldest": None, "blocked_until": None, "dead": 0, "last_error": ""}


def status(outboxes=(), overflow=None, **totals):
    return {"version": "1.0.0", "totals": dict({"waiting": 0, "sent": 0, "digests": 0, "merged": 0, "dropped": 0, "dead": 0}, **totals),
            "overflow": overflow or {"setting": "queue", "effect": "queue", "reason": ""}, "outboxes": list(outboxes)}


@pytest.mark.parametrize("age", [0, 14.9, -14.9])
def test_a_fresh_heartbeat_of_this_version_proves_the_service(age):
    assert storm_status.service(BEAT, age, "1.0.0", 899.0) == (True, "version 1.0.0 runs")


def test_a_problem_of_a_running_service_is_told_and_is_no_fault():
    assert storm_status.service(dict(BEAT, error="OperationalError"), 1, "1.0.0", None) == (
        True, "version 1.0.0 runs, and its last problem was: OperationalError")


@pytest.mark.parametrize("beat,age,version,package_time,words", [
    (None, None, "1.0.0", None, "no sign of life"),
    ({}, None, "1.0.0", None, "no sign of life"),
    (BEAT, 15.1, "1.0.0", None, "15 s ago"),
    (BEAT, -400, "1.0.0", None, "400 s ago"),
    (dict(BEAT, format=2), 1, "1.0.0", None, "another release (format 2)"),
    (dict(BEAT, version="0.9.0"), 1, "1.0.0", None, "has version 0.9.0, and the channel 1.0.0"),
    (BEAT, 1, "1.0.0", 900.5, "older than the channel's files"),
])
def test_what_proves_nothing_is_a_fault_with_a_remedy(beat, age, version, package_time, words):
    ok, text = storm_status.service(beat, age, version, package_time)
    assert not ok and words in text and "start" in text


def test_nothing_that_waits_is_well():
    assert storm_status.outboxes(status()) == (True, "none waits")


def test_what_waits_is_told_with_the_oldest_and_the_block_and_is_no_fault():
    boxes = [dict(OUTBOX, waiting=5, oldest="2026-01-31T12:00:09Z", blocked_until="2026-01-31T12:10:00Z"),
             dict(OUTBOX, key="person-0b", receivers=[], waiting=2, oldest="2026-01-31T12:00:00Z")]
    assert storm_status.outboxes(status(boxes, waiting=7, sent=30, dropped=4)) == (
        True, "7 wait, the oldest since 2026-01-31T12:00:00Z; robot_ops is blocked by DingTalk until 2026-01-31T12:10:00Z; 30 were sent later; "
              "4 were dropped")


def test_what_dingtalk_refused_for_good_is_a_fault_with_its_place():
    ok, text = storm_status.outboxes(status([dict(OUTBOX, dead=2, last_error="310000 keywords not in content")], dead=2))
    assert not ok and text.startswith("DingTalk has refused 2 for good (robot_ops: 310000 keywords not in content): read dead.log")


def test_that_too_much_is_refused_is_told():
    ok, text = storm_status.outboxes(status(overflow={"setting": "queue", "effect": "refuse", "reason": "the service does not run"}))
    assert ok and text == "none waits; what is too much is refused, not queued (the service does not run)"


@pytest.mark.parametrize("answer", [None, [], {}, {"totals": 3}])
def test_an_answer_of_another_form_is_a_fault(answer):
    ok, text = storm_status.outboxes(answer)
    assert not ok and "nothing that can be understood" in text
