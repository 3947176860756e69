"""The kit itself: it comes back to a moment, and its faults come behind the task that was named."""

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from playkit.site import difference
from standins import programs, records

PLACE = "Install | Put package and block in place"


@pytest.mark.whole
def test_a_fault_lets_the_task_fail_after_its_work(virgin, play):
    pids = virgin.every_pid()
    run = play("install", fault=(PLACE, "paas1", 1, "fail"))
    assert run.rc != 0 and [(step.name, step.host) for step in run.failures()][0] == (PLACE, "paas1")
    assert "a fault of the tests" in run.stdout and run.of(PLACE)[0].data["changed"]
    assert virgin.pids("paas2") == pids["paas2"]


def test_a_killed_controller_leaves_no_process_and_no_recap(virgin, play):
    run = play("install", fault=(PLACE, "paas1", 1, "kill"))
    assert run.rc == -9 and run.recap == {} and not run.of(PLACE, "paas1")
    assert difference(virgin.start["files"], virgin.state()["files"])
    virgin.virgin()
    assert difference(virgin.start, virgin.state()) == []


def test_a_prompt_is_answered_on_a_terminal(virgin, play, tmp_path):
    (tmp_path / "ask.yml").write_text("- hosts: paas1\n  gather_facts: false\n  tasks:\n    - ansible.builtin.pause: {prompt: Type yes}\n"
                                      "      register: asked\n    - ansible.builtin.debug: {msg: 'typed {{ asked.user_input }}'}\n")
    assert "typed perhaps" in play(str(tmp_path / "ask.yml"), answer="perhaps", seconds=60).stdout


@pytest.mark.whole
def test_the_site_comes_back_to_a_moment(virgin, play):
    virgin.world.install_channel()
    installed, now = virgin.state(), virgin.moment()
    virgin.virgin()
    assert difference(virgin.start, virgin.state()) == [] and virgin.lists_ding("paas1") is None
    virgin.back_to(now)
    assert difference(installed, virgin.state()) == [] and virgin.lists_ding("paas1") is True
    now.end()


def test_a_stand_in_bears_with_a_process_that_ended_before_it_was_looked_at(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait(20)
    with records.changing(tmp_path, "esb") as data:
        data.update(pid=gone.pid, started=None, entered=[[gone.pid, None]])
    service = programs.Service(tmp_path, "esb")
    assert not service.runs and service.spawn(["true"], {}) is None
    service.stop()
    assert records.read(tmp_path, "esb") == {"pid": None, "started": None}


def test_of_many_at_once_no_stand_in_loses_what_another_has_written(tmp_path):
    """Threads open the lock each for itself, as processes do."""
    def count(_):
        with records.changing(tmp_path, "esb") as data:
            data["count"] = data.get("count", 0) + 1

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(count, range(400)))
    assert json.loads((tmp_path / "esb.json").read_text("utf-8")) == {"count": 400} and records.names(tmp_path) == ["esb"]


def test_a_stand_in_waits_for_no_change_that_does_not_end(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "LOCK_SECONDS", 0.1)
    with records.changing(tmp_path, "esb") as data:
        data["pid"] = 1
        with pytest.raises(BlockingIOError), records.changing(tmp_path, "esb"):
            pass
    assert records.read(tmp_path, "esb") == {"pid": 1}
