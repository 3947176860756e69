# -*- coding: utf-8 -*-
"""The outbox on disk: what was answered for is there after any cut, what was not is dropped, what is spoilt is told apart."""
from __future__ import absolute_import, division, print_function

import errno
import fcntl
import io
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import threading

import pytest
from components.generic.apis.ding_blueking.toolkit import outbox
from components.generic.apis.ding_blueking.toolkit.outbox import Outbox


@pytest.fixture
def base():
    folder = tempfile.mkdtemp(prefix="ding-outbox-")
    yield os.path.join(folder, "outbox")
    shutil.rmtree(folder, ignore_errors=True)


def entry(number, text=u"t\xe9xt \u4e2d \U0001f600 \n\"x\""):
    return {"id": u"id%d" % number, "at": 1000.0 + number, "receiver": u"robot", "msg_key": u"text", "title": u"", "text": text}


def taken(box, first=1):
    """(ids in order, spoilt lines) of all taken files, after taking."""
    box.take(first)
    found = [(each, line) for number in box.takes() for _, each, line in box.scan(number)]
    return [each["id"] for each, _ in found if each is not None], [line for each, line in found if each is None]


def test_what_is_appended_is_read_as_it_was_in_the_same_order(base):
    box = Outbox(base, "robot-a")
    for number in range(3):
        assert box.append(entry(number)).came == number
    assert taken(box) == ([u"id0", u"id1", u"id2"], [])
    place, found, _ = list(box.scan(1))[1]
    assert found == dict(entry(1), n=2) == box.read(place)


def test_only_the_esbs_user_can_read_it(base):
    box = Outbox(base, "robot-a")
    box.append(entry(1))
    assert stat.S_IMODE(os.stat(box.folder).st_mode) == 0o700 == stat.S_IMODE(os.stat(base).st_mode)
    for name in os.listdir(box.folder):
        assert stat.S_IMODE(os.stat(box.path(name)).st_mode) == 0o600


@pytest.mark.parametrize("added", [True, False])
def test_after_a_cut_at_any_byte_every_whole_entry_is_there_and_nothing_else(base, added):
    box = Outbox(base, "robot-a")
    ends = [0]
    for number in range(3):
        box.append(entry(number, u"{%d}" % number))
        ends.append(os.path.getsize(box.path("in.log")))
    with io.open(box.path("in.log"), "rb") as stored:
        whole = stored.read()
    for cut in range(len(whole) + 1):
        shutil.rmtree(base)
        box = Outbox(base, "robot-a")
        outbox.make_folder(base)
        outbox.make_folder(box.folder)
        with io.open(box.path("in.log"), "wb") as stored:
            stored.write(whole[:cut])
        if added:
            box.append(entry(9))
        # A line that lacks nothing but its end is whole: it may well have been answered for.
        wanted = [u"id%d" % number for number in range(3) if cut >= ends[number + 1] - 1]
        assert taken(box) == (wanted + [u"id9"] * added, []), cut


def test_an_entry_that_the_disk_has_spoilt_is_told_apart_and_costs_no_other(base):
    box = Outbox(base, "robot-a")
    for number in range(3):
        box.append(entry(number))
    with io.open(box.path("in.log"), "rb") as stored:
        lines = stored.read().split(b"\n")
    lines[1] = lines[1].replace(b"robot", b"rodot")
    with io.open(box.path("in.log"), "wb") as stored:
        stored.write(b"\n".join(lines))
    ids, spoilt = taken(box)
    assert ids == [u"id0", u"id2"] and len(spoilt) == 1 and b"rodot" in spoilt[0]


@pytest.mark.parametrize("spoil, ids, letters", [
    (lambda line: line[:9] + b"9" + line[10:], [u"id0", u"id1", u"id2"], 0), (lambda line: line[:60] + b"\0" + line[61:], [u"id0", u"id2"], 1)])
def test_of_a_synced_entry_nothing_vanishes_without_a_word(base, spoil, ids, letters):
    box = Outbox(base, "robot-a")
    for number in range(3):
        box.append(entry(number))
    with io.open(box.path("in.log"), "rb") as stored:
        lines = stored.read().split(b"\n")
    with io.open(box.path("in.log"), "wb") as stored:
        stored.write(b"\n".join([lines[0], spoil(lines[1])] + lines[2:]))
    found, spoilt = taken(box)
    assert found == ids and len(spoilt) == letters


def test_a_process_that_is_started_meanwhile_does_not_keep_the_lock(base):
    box = Outbox(base, "robot-a")
    box.append(entry(0))
    with box.locked() as lock:
        copy = os.dup(lock)
    try:
        with io.open(box.path("lock"), "rb") as other:
            # Raises where somebody has it.
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
    finally:
        os.close(copy)


def test_zeros_that_a_power_cut_left_are_nothing(base):
    box = Outbox(base, "robot-a")
    box.append(entry(0))
    with io.open(box.path("in.log"), "ab") as stored:
        stored.write(b"\0" * 400)
    box.append(entry(1))
    assert taken(box) == ([u"id0", u"id1"], [])


def test_on_a_full_disk_nothing_of_the_message_is_left(base, monkeypatch):
    box = Outbox(base, "robot-a")
    box.append(entry(0))
    real = os.write

    def full(descriptor, data):
        if b"id1" in data:
            real(descriptor, data[:20])
            raise OSError(errno.ENOSPC, "No space left on device")
        return real(descriptor, data)

    monkeypatch.setattr(outbox.os, "write", full)
    with pytest.raises(EnvironmentError) as raised:
        box.append(entry(1))
    assert not isinstance(raised.value, outbox.Unsure)
    monkeypatch.undo()
    assert box.waiting() == 1
    box.append(entry(2))
    assert taken(box) == ([u"id0", u"id2"], [])


def test_a_message_is_not_answered_for_before_it_is_synced(base, monkeypatch):
    box = Outbox(base, "robot-a")

    def broken(descriptor):
        raise OSError(errno.EIO, "Input/output error")

    box.append(entry(0))
    monkeypatch.setattr(outbox.os, "fsync", broken)
    with pytest.raises(outbox.Unsure):
        box.append(entry(1))


def test_workers_count_what_waits_and_the_service_puts_it_right(base):
    box = Outbox(base, "robot-a")
    assert box.waiting() == 0
    for number in range(4):
        box.append(entry(number))
    assert box.waiting() == 4
    seen = box.take(1)[1]
    box.append(entry(4))
    box.settle(seen, 3, 300)
    assert box.waiting() == 4
    with io.open(box.path("lock"), "wb") as lock:
        lock.write(b"rubbish")
    assert box.waiting() == 0
    box.settle(box.take(1)[1], 4, 300)
    assert box.waiting() == 4
    box.append(entry(5))
    assert box.waiting() == 5
    box.settle(box.take(1)[1], 0, 0)
    assert box.waiting() == 0


def test_a_finished_files_number_is_not_given_again(base):
    box = Outbox(base, "robot-a")
    box.append(entry(0))
    assert box.take(1)[0] == 1
    box.remove_take(1)
    box.append(entry(1))
    assert box.take(2)[0] == 2


APPENDER = """
import os, sys
sys.path.insert(0, os.getcwd())
import django
django.setup()
from components.generic.apis.ding_blueking.toolkit.outbox import Outbox
box = Outbox(sys.argv[1], "robot-a")
for number in range(60):
    box.append({"id": u"%s-%02d" % (sys.argv[2], number), "at": 1.0, "receiver": u"r", "msg_key": u"text", "title": u"", "text": u"x" * number})
"""


def test_many_workers_append_while_the_service_takes_and_each_entry_is_there_once_in_its_order(base):
    workers = [subprocess.Popen([sys.executable, "-c", APPENDER, base, name]) for name in "abc"]
    box = Outbox(base, "robot-a")
    rounds = threading.Event()
    while any(worker.poll() is None for worker in workers):
        if os.path.isdir(box.folder):
            box.take(1)
        rounds.wait(0.005)
    assert [worker.returncode for worker in workers] == [0, 0, 0]
    ids, spoilt = taken(box)
    assert not spoilt and len(ids) == 180 == len(set(ids)) and len(box.takes()) > 1
    for name in "abc":
        own = [each for each in ids if each.startswith(name)]
        assert own == sorted(own)


def test_dead_letters_are_kept_once_and_removing_their_file_forgets_them(base):
    box = Outbox(base, "robot-a")
    box.append(entry(0))
    box.bury([{"id": u"a", "reason": u"why"}])
    box.bury([{"id": u"a", "reason": u"why"}, {"id": u"b", "reason": u"why"}])
    assert [each["id"] for each in box.dead()] == [u"a", u"b"]
    os.unlink(box.path("dead.log"))
    assert box.dead() == []
