# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The words of a run's changes."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.filter.run_changes import run_changes


def test_what_changed_is_said_in_the_order_of_the_run():
    seen = {"ding_robots": {"changed": True}, "ding_package": {"changed": True}, "ding_registered": {"changed": False}, "other": {"changed": True}}
    assert run_changes(seen) == ["files", "robot users"]


def test_tasks_that_were_left_out_changed_nothing():
    assert run_changes({"ding_package": {"changed": False, "skipped": True}, "ding_restarted": None}) == []
