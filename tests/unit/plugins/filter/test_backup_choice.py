# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Which backups hosts go back to together."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.filter.backup_choice import backup_choice, lost_backups, rows_choice


def backups(*names):
    return [{"name": name.rstrip("*"), "pristine": name.endswith("*")} for name in names]


LISTED = {
    "paas1": {"/esb": backups("1*", "2", "3"), "/src": backups("1*")},
    # The run 2 changed nothing here, and it was installed on this host anew before the run 3.
    "paas2": {"/esb": backups("1*", "3*")},
    "paas3": {"/esb": []},
}


@pytest.mark.parametrize("wanted, chosen", [
    ("latest", {"paas1": {"/esb": "3"}, "paas2": {"/esb": "3"}}),
    ("2", {"paas1": {"/esb": "2"}, "paas2": {"/esb": "3"}}),
    ("1", {"paas1": {"/esb": "1", "/src": "1"}, "paas2": {"/esb": "1"}}),
    ("pristine", {"paas1": {"/esb": "1", "/src": "1"}, "paas2": {"/esb": "1"}}),
    ("unknown", {}),
    ("0", {}),
])
def test_each_folder_goes_back_to_its_state_before_the_wanted_run(wanted, chosen):
    assert backup_choice(LISTED, wanted) == chosen


def test_without_backups_there_is_no_choice():
    assert backup_choice({"paas1": {"/esb": []}}, "latest") == {}


HOMES = {"paas1": "/esb", "paas2": "/esb", "paas3": "/esb"}


@pytest.mark.parametrize("chosen, host, name", [
    ({"paas1": {"/esb": "3"}, "paas2": {"/esb": "1"}, "paas3": {"/esb": "2"}}, "paas2", "1"),
    # A host that had no part in the run, and one of which only the platform's package goes back.
    ({"paas1": {"/src": "0"}, "paas2": {"/esb": "2"}}, "paas2", "2"),
    ({"paas1": {"/esb": "1"}, "paas2": {"/esb": "1"}}, "paas1", "1"),
    ({"localhost": {"/esb": "1"}}, "", ""),
    ({}, "", ""),
])
def test_the_oldest_backup_has_the_rows(chosen, host, name):
    assert rows_choice(chosen, HOMES) == {"host": host, "name": name}


def test_a_backup_that_one_host_has_pruned_is_not_replaced_by_a_later_state():
    chain = [{"name": "1", "pristine": True, "previous": None}] + [
        {"name": "%d" % number, "pristine": False, "previous": "%d" % (number - 1)} for number in (4, 5)]
    listed = {"paas1": {"/esb": chain}, "paas2": {"/esb": [dict(backup, previous=None) for backup in backups("1*", "2")]}}
    assert lost_backups(listed, "2") == {"paas1": ["/esb"]}
    assert [lost_backups(listed, wanted) for wanted in ("1", "4", "5", "latest", "pristine", "unknown")] == [{}] * 6
    # Backups of a host that had no part in the runs between tell nothing of the kind, nor do those without the note.
    assert lost_backups({"paas1": {"/esb": backups("1*", "3")}, "paas2": {"/esb": backups("1*", "2")}}, "2") == {}
