# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""outboxes.py: what waits is counted, and in doubt too much rather than too little; a heartbeat counts while it is fresh."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils.outboxes import Outboxes, messages
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


@pytest.fixture
def box(tmpdir):
    """One outbox of a host; returns its folder."""
    return tmpdir.ensure("ding_blueking", "outbox", "robot-0a", dir=True)


def here(tmpdir, now=1000.0):
    return Outboxes(str(tmpdir), lambda: now)


def counts(box, came, went):
    box.join("lock").write(json.dumps({"in": came, "out": went, "bytes_in": 0, "bytes_out": 0}))


def test_without_a_folder_nothing_waits(tmpdir):
    assert (here(tmpdir).waiting(), here(tmpdir).dead(), here(tmpdir).is_there, here(tmpdir).is_served()) == (0, 0, False, False)


def test_what_waits_is_what_came_and_did_not_go(tmpdir, box):
    counts(box, 12, 5)
    counts(tmpdir.ensure("ding_blueking", "outbox", "person-0b", dir=True), 3, 3)
    assert here(tmpdir).waiting() == 7


@pytest.mark.parametrize("lock", ["", "{", "[]", '{"in": "x", "out": 1}', '{"in": 4, "out": 4}', None])
@pytest.mark.parametrize("name", ["in.log", "take.3.log"])
def test_messages_that_no_count_tells_of_are_counted_by_their_lines(tmpdir, box, lock, name):
    if lock is not None:
        box.join("lock").write(lock)
    box.join(name).write("00000000 2 {}\n00000000 2 {}\n")
    assert here(tmpdir).waiting() == 2


def test_what_a_power_cut_left_is_no_message(tmpdir, box):
    box.join("in.log").write("\0" * 100)
    assert here(tmpdir).waiting() == 0


def test_what_cannot_be_read_is_not_taken_for_empty(tmpdir, box):
    box.ensure("in.log", dir=True)
    with pytest.raises(Problem) as told:
        here(tmpdir).waiting()
    assert "cannot be read" in str(told.value)


def test_dead_letters_are_counted_in_both_files(tmpdir, box):
    box.join("dead.log").write("{}\n{}\n")
    box.join("dead.log.old").write("{}\n")
    assert here(tmpdir).dead() == 3 and here(tmpdir).waiting() == 0


@pytest.mark.parametrize("beat,served", [
    ({"format": 1, "time": 1000.0}, True), ({"format": 1, "time": 985.0}, True), ({"format": 1, "time": 984.0}, False),
    ({"format": 2, "time": 1000.0}, False), ({"format": 1, "time": True}, False), ({"format": 1}, False), ([], False)])
def test_a_host_is_served_while_the_heartbeat_is_fresh(tmpdir, box, beat, served):
    tmpdir.join("ding_blueking", "service.beat").write(json.dumps(beat))
    assert here(tmpdir).is_served() == served
    here(tmpdir).silence()
    here(tmpdir).silence()
    assert not here(tmpdir).is_served()


def test_the_folder_goes_as_a_whole_and_a_link_alone(tmpdir, box):
    elsewhere = tmpdir.ensure("elsewhere", "kept", "ding_blueking", dir=True)
    here(tmpdir).remove()
    assert not here(tmpdir).is_there
    tmpdir.join("ding_blueking").mksymlinkto(elsewhere)
    here(tmpdir).remove()
    here(tmpdir).remove()
    assert not here(tmpdir).is_there and elsewhere.check()


def test_messages_are_counted_in_words():
    assert (messages(1), messages(2)) == ("1 message", "2 messages")
