"""ding.blueking.esb_outbox: nothing that waits is thrown away unless it is told to."""

import fcntl
import json
import os
import threading
import time
from pathlib import Path

import pytest

MODULE = "ding.blueking.esb_outbox"


class Box:
    """A home in which messages wait, and no ESB runs."""

    def __init__(self, place):
        self.home = place / "bkce"
        self.folder = self.home / "logs" / "open_paas" / "ding_blueking"
        (self.home / "open_paas" / "esb").mkdir(parents=True)
        self.folder.parent.mkdir(parents=True)

    def arguments(self, **more):
        return dict({"bk_home": str(self.home), "seconds": 3, "folder": str(self.home)}, **more)

    def put(self, waiting, dead=0):
        place = self.folder / "outbox" / "robot-0a"
        place.mkdir(parents=True, exist_ok=True)
        with open(place / "lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            lock.truncate(0)
            lock.write(json.dumps({"in": 10, "out": 10 - waiting, "bytes_in": 1, "bytes_out": 1}))
        (place / "dead.log").write_text("{}\n" * dead, "utf-8")

    def is_asked(self):
        """Whether somebody waits for the lock of the outbox."""
        inode = ":%d" % (self.folder / "outbox" / "robot-0a" / "lock").stat().st_ino
        return any(" -> " in line and line.split()[6].endswith(inode) for line in Path("/proc/locks").read_text("utf-8").splitlines())

    def beat(self):
        staged = self.folder / "beat.new"
        staged.write_text(json.dumps({"format": 1, "time": time.time(), "version": "1.0.0"}), "utf-8")
        os.rename(staged, self.folder / "service.beat")


@pytest.fixture
def box(tmp_path):
    return Box(tmp_path)


@pytest.mark.every_target
def test_an_empty_folder_goes_as_predicted(ansible, box):
    box.put(0)
    gone = ansible.parity(MODULE, box.arguments(state="absent"))
    assert gone.changed and gone.data["waiting"] == 0 and not box.folder.exists()


@pytest.mark.parametrize("state", ["absent", "drained"])
def test_where_nothing_is_nothing_is_done(ansible, box, state):
    result = ansible.parity(MODULE, box.arguments(state=state))
    assert not result.changed and not result.failed and result.data["found"] == result.data["dead"] == 0


@pytest.mark.every_target
def test_waiting_messages_are_refused_kept_or_dropped_as_it_was_said(ansible, box):
    box.put(3, dead=2)
    refused = ansible.run(MODULE, box.arguments(state="absent"))
    assert refused.failed and "3 messages still wait on this host" in refused.msg and "ding_drop_waiting=true" in refused.msg
    kept = ansible.run(MODULE, box.arguments(state="absent", waiting="keep"))
    assert not kept.failed and not kept.changed and box.folder.is_dir() and "3 messages wait in" in str(kept.data["warnings"])
    dropped = ansible.parity(MODULE, box.arguments(state="absent", waiting="drop"))
    assert dropped.changed and not box.folder.exists()


def test_without_a_service_and_a_package_it_says_who_is_missing(ansible, box):
    box.put(1)
    result = ansible.run(MODULE, box.arguments())
    assert result.failed and "1 message still waits on this host to be sent (the channel's package, which would send them, is not there)" in result.msg
    assert result.data["waiting"] == 1 and not result.changed


def test_a_running_service_is_waited_for(ansible, box):
    box.put(5)
    box.beat()
    done = threading.Event()

    def serve():
        """Signs of life; and from the first time that somebody counts, one message less each time until all are sent."""
        with open(box.folder / "outbox" / "robot-0a" / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            while not box.is_asked() and not done.wait(0.05):
                box.beat()
        left = 5
        while not done.wait(0.4):
            box.beat()
            left = max(left - 1, 0)
            box.put(left)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        result = ansible.run(MODULE, box.arguments(seconds=60))
    finally:
        done.set()
        thread.join(10)
    assert not result.failed and result.changed and (result.data["found"], result.data["waiting"]) == (5, 0), result


def test_a_service_that_sends_nothing_is_not_waited_for_longer_than_said(ansible, box):
    box.put(5)
    box.beat()
    began = time.monotonic()
    result = ansible.run(MODULE, box.arguments(seconds=2))
    assert result.failed and "5 messages still wait" in result.msg and time.monotonic() - began < 60
