# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The filter `ding.blueking.run_changes`: what a run has changed on one host, in words."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

# By the names under which the roles register their tasks, in the order of a run.
WORDS = (
    ("ding_package", "files"),
    ("ding_restored", "files"),
    ("ding_restarted", "ESB restarted"),
    ("ding_service", "service of queued messages"),
    ("ding_service_back", "service of queued messages"),
    ("ding_registered", "rows"),
    ("ding_configured", "settings"),
    ("ding_rows_restored", "rows and settings"),
    ("ding_whitelisted", "white list"),
    ("ding_robots", "robot users"),
    ("ding_activated", "message type offered"),
    ("ding_switched_off", "message type no longer offered"),
    ("ding_control", "copy on the control host"),
)


def run_changes(seen):
    """A list of words from the variables of one host."""
    return [words for name, words in WORDS if name in seen and _changed(seen[name])]


def _changed(result):
    return isinstance(result, dict) and bool(result.get("changed"))


class FilterModule(object):
    def filters(self):
        return {"run_changes": run_changes}
