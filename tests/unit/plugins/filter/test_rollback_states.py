# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Where each backup would leave the hosts."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.filter.rollback_states import WITHOUT, rollback_states


def backup(name, version=None):
    return {"name": name, "pristine": version is None, "package_version": version}


def now(**versions):
    return dict((host, {"home": "/esb", "version": version}) for host, version in versions.items())


def test_a_plain_install_can_be_undone_on_all_hosts():
    listed = {"paas1": {"/esb": [backup("1")]}, "paas2": {"/esb": [backup("1")]}, "localhost": {"/src": [backup("1", "0.9")]}}
    assert rollback_states(listed, now(paas1="1.0.0", paas2="1.0.0")) == {
        "pristine": {"paas1": WITHOUT, "paas2": WITHOUT}, "1": {"paas1": WITHOUT, "paas2": WITHOUT}}


def test_an_install_that_failed_on_the_second_host_and_was_completed_shows_its_two_states():
    listed = {"paas1": {"/esb": [backup("1"), backup("2", "1.0.0")]}, "paas2": {"/esb": [backup("1"), backup("2")]}}
    states = rollback_states(listed, now(paas1="1.0.0", paas2="1.0.0"))
    assert states["2"] == {"paas1": "1.0.0", "paas2": WITHOUT} and states["1"] == {"paas1": WITHOUT, "paas2": WITHOUT}


def test_a_host_without_a_backup_that_late_stays_as_it_is():
    listed = {"paas1": {"/esb": [backup("1")]}, "paas2": {"/esb": [backup("1"), backup("2")]}}
    assert rollback_states(listed, now(paas1="1.0.0", paas2="1.0.0"))["2"] == {"paas1": "1.0.0", "paas2": WITHOUT}


def test_without_backups_there_are_no_states():
    assert rollback_states({}, now(paas1=None)) == {}
