# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""lease.py: who gets a host, and what is in the file."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import lease
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def held(run_id="a", since=1000.0, expires=1600.0):
    return dict(run_id=run_id, operator="alice", since=since, expires=expires)


def test_a_free_host_is_taken():
    assert lease.decide(None, "b", "bob", 600, 2000.0) == (dict(run_id="b", operator="bob", since=2000.0, expires=2600.0), True)


def test_the_same_run_renews_and_that_is_no_change():
    assert lease.decide(held(), "a", "alice", 600, 1500.0) == (held(expires=2100.0), False)


def test_the_same_run_renews_even_what_has_expired():
    assert lease.decide(held(), "a", "alice", 600, 1700.0) == (held(expires=2300.0), False)


def test_another_run_is_told_who_and_since_when():
    with pytest.raises(Problem) as caught:
        lease.decide(held(), "b", "bob", 600, 1500.0)
    text = "%s" % caught.value
    for part in ("held by alice", "run a", "since " + lease.clock(1000.0), "until " + lease.clock(1600.0), "ding_break_lock=true"):
        assert part in text


@pytest.mark.parametrize("now,break_lock", [(1600.0, False), (1601.0, False), (1001.0, True)])
def test_expired_or_broken_it_goes_to_the_other_run(now, break_lock):
    after, changed = lease.decide(held(), "b", "bob", 600, now, break_lock)
    assert changed and (after["run_id"], after["since"], after["expires"]) == ("b", now, now + 600)


@pytest.mark.parametrize("found,run_id,break_lock,gone", [
    (None, "a", False, False), (held(), "a", False, True), (held(), "b", False, False), (held(), "b", True, True), (None, "b", True, False)])
def test_a_run_gives_back_its_own(found, run_id, break_lock, gone):
    assert lease.release(found, run_id, break_lock) is gone


def test_what_is_written_can_be_read_by_its_owner_only(tmpdir):
    path = str(tmpdir.join("lease"))
    assert lease.read(path) is None
    lease.write(path, held())
    lease.write(path, held(run_id="b"))
    assert lease.read(path) == held(run_id="b")
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert os.listdir(str(tmpdir)) == ["lease"]
    lease.remove(path)
    lease.remove(path)
    assert lease.read(path) is None


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"run_id": "a"}', json.dumps(held(since="x")), json.dumps(held(run_id=3)), "\xff"])
def test_what_is_no_lease_is_said_to_be_none(tmpdir, text):
    tmpdir.join("lease").write_binary(text.encode("latin-1") if not isinstance(text, bytes) else text)
    with pytest.raises(Problem, match="is no lease of ours"):
        lease.read(str(tmpdir.join("lease")))


def test_a_link_is_not_followed(tmpdir):
    tmpdir.join("target").write(json.dumps(held()))
    os.symlink(str(tmpdir.join("target")), str(tmpdir.join("lease")))
    with pytest.raises(Problem, match="cannot be read"):
        lease.read(str(tmpdir.join("lease")))


def test_a_folder_that_is_not_there_is_a_problem(tmpdir):
    with pytest.raises(Problem, match="cannot be written: No such file"):
        lease.write(str(tmpdir.join("no", "lease")), held())


def test_a_diff_has_no_times_and_an_impossible_time_no_traceback():
    assert lease.shown(held()) == dict(run_id="a", operator="alice") and lease.shown(None) == {}
    assert lease.clock(1e30) == "an impossible time"
