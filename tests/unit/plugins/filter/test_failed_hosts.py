# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Which hosts a run counts as failed."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.filter.failed_hosts import failed_hosts


def host(name, **seen):
    return dict(seen, inventory_hostname=name)


def test_the_failed_are_named_in_their_order():
    seen = [host("c", ding_plan={"failed": True}), host("b", ding_lease={"changed": True}), host("a", ding_fault={"task": "t", "msg": "m"})]
    assert failed_hosts(iter(seen)) == ["c", "a"]


@pytest.mark.parametrize("name", ["ding_lease", "ding_plan", "ding_outbox"])
def test_a_result_counts_before_the_rescue_has_noted_it_down(name):
    assert failed_hosts([host("a", **{name: {"failed": True}})]) == ["a"]


@pytest.mark.parametrize("seen", [{}, {"ding_plan": {"failed": False}}, {"ding_plan": {"skipped": True}}, {"ding_lease": None}, {"other": {"failed": True}}])
def test_what_did_not_fail_does_not_count(seen):
    assert failed_hosts([host("a", **seen)]) == []
