"""ding.blueking.host_lease: one run at a time on a host, and the other is told who has it."""

import hashlib
import json
import os
import pathlib
import socket
import subprocess
import sys
import time

import pytest

from modulekit.tasks import Task

MODULE = "ding.blueking.host_lease"


@pytest.fixture
def home(tmp_path):
    return tmp_path


def arguments(home, run_id="run-a", **more):
    return dict({"bk_home": str(home), "run_id": run_id, "operator": "alice@" + run_id}, **more)


def lease_file(home):
    return home / ".ding_blueking.lease"


def write(home, run_id="run-b", age=10, life=600, text=None):
    began = time.time() - age
    lease = {"run_id": run_id, "operator": "bob", "since": began, "expires": began + life}
    lease_file(home).write_text(json.dumps(lease) if text is None else text, "utf-8")
    return lease


@pytest.mark.every_target
def test_a_free_host_is_taken_as_predicted_renewed_and_given_back(ansible, home):
    taken = ansible.parity(MODULE, arguments(home))
    assert taken.changed and taken.diff == {"before": {}, "after": {"run_id": "run-a", "operator": "alice@run-a"}}
    assert taken.data["found"] is None and taken.data["taken_over"] is False
    assert taken.data["lease"]["expires"] - taken.data["lease"]["since"] == pytest.approx(600)
    assert lease_file(home).stat().st_mode & 0o777 == 0o600
    before = json.loads(lease_file(home).read_text("utf-8"))
    renewed = ansible.run(MODULE, arguments(home, seconds=1200))
    assert not renewed.changed and not renewed.diffs
    after = json.loads(lease_file(home).read_text("utf-8"))
    assert after["since"] == before["since"] and after["expires"] > before["expires"] + 500
    assert ansible.parity(MODULE, arguments(home, state="free")).changed
    assert os.listdir(home) == []


def test_a_check_run_takes_nothing(ansible, home):
    assert ansible.run(MODULE, arguments(home), check=True).changed
    assert os.listdir(home) == []


@pytest.mark.parametrize("check", [False, True])
def test_another_run_is_told_who_and_since_when_and_changes_nothing(ansible, home, check):
    write(home)
    before = lease_file(home).read_bytes()
    result = ansible.run(MODULE, arguments(home), check=check)
    assert result.failed and not result.changed
    assert "held by bob (run run-b) since" in result.msg and "ding_break_lock=true" in result.msg
    assert result.data["found"]["operator"] == "bob"
    assert lease_file(home).read_bytes() == before


def test_a_lease_that_has_expired_is_taken_over(ansible, home):
    write(home, age=700)
    taken = ansible.parity(MODULE, arguments(home))
    assert taken.changed and taken.diff["before"]["operator"] == "bob" and taken.diff["after"]["run_id"] == "run-a"
    assert taken.data["taken_over"] is True
    assert "bob" in str(taken.data["warnings"])


def test_a_lock_can_be_broken(ansible, home):
    write(home)
    assert ansible.parity(MODULE, arguments(home, break_lock=True)).data["lease"]["run_id"] == "run-a"


@pytest.mark.parametrize("break_lock", [False, True])
def test_anothers_lease_is_given_back_by_force_only(ansible, home, break_lock):
    write(home)
    result = ansible.parity(MODULE, arguments(home, state="free", break_lock=break_lock))
    assert result.changed is break_lock
    assert lease_file(home).exists() is not break_lock
    assert bool(result.data.get("warnings")) is not break_lock


def test_what_is_not_held_is_given_back_without_a_change(ansible, home):
    assert not ansible.parity(MODULE, arguments(home, state="free")).changed


def test_a_file_that_is_no_lease_needs_force(ansible, home):
    write(home, text="{}")
    refused = ansible.run(MODULE, arguments(home))
    assert refused.failed and "is no lease of ours" in refused.msg
    assert ansible.parity(MODULE, arguments(home, break_lock=True)).changed
    assert json.loads(lease_file(home).read_text("utf-8"))["run_id"] == "run-a"


def test_of_many_at_once_one_gets_it(ansible, home):
    """Five hosts, which are all this one, at the same time."""
    names = ["host%d" % number for number in range(5)]
    add = {"name": "add", "ansible.builtin.add_host": {"name": "{{ item }}", "groups": "many", "ansible_connection": "local",
                                                       "ansible_python_interpreter": ansible.python}, "loop": names}
    take = {"name": "take", MODULE: arguments(home, "{{ inventory_hostname }}"), "ignore_errors": True}
    lines, stdout, _ = ansible.play([{"hosts": "target", "gather_facts": False, "tasks": [add]},
                                     {"hosts": "many", "gather_facts": False, "tasks": [take]}])
    outcomes = {line["host"]: line["data"] for line in lines if line["task"] == "take"}
    assert sorted(outcomes) == names, stdout
    assert [each.get("changed") for each in outcomes.values()].count(True) == 1, stdout
    assert sum(1 for each in outcomes.values() if "This host is held by" in each.get("msg", "")) == len(names) - 1, stdout
    assert os.listdir(home) == [lease_file(home).name]


def test_mistakes_are_sentences(ansible, home):
    tasks = [Task(MODULE, arguments(home / "nowhere")), Task(MODULE, arguments(home, "")), Task(MODULE, arguments(home, seconds=0))]
    no_home, no_run, no_time = ansible.run_many(tasks)
    assert "There is no folder" in no_home.msg and "set bk_home or path" in no_home.msg
    assert no_run.msg == no_time.msg == "run_id must not be empty, and seconds must be 1 or more."


def test_another_path_can_be_given(ansible, home):
    assert ansible.parity(MODULE, arguments("/nonexistent", path=str(home / "my.lease"))).changed
    assert os.listdir(home) == ["my.lease"]


def test_the_lease_of_a_dead_run_of_this_controller_is_taken_over_at_once(ansible, home):
    """Its name leads to a process that is gone; the name of a run that is at work, or of another controller's, is not touched."""
    here = _this_controller()
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait(20)
    write(home, "%s/%d/1" % (here, dead.pid))
    foreseen, taken = ansible.run_many([Task(MODULE, arguments(home), check=True), Task(MODULE, arguments(home))])
    assert foreseen.changed and taken.changed and taken.data["taken_over"]
    assert json.loads(lease_file(home).read_text("utf-8"))["run_id"] == "run-a"
    ticks = pathlib.Path("/proc/self/stat").read_text("ascii", "replace").rpartition(")")[2].split()[19]
    for name in ("%s/%d/%s" % (here, os.getpid(), ticks), "elsewhere/%d/1" % dead.pid):
        write(home, name)
        assert "This host is held by bob" in ansible.run(MODULE, arguments(home)).msg


def _this_controller():
    """As the lookup run_id names it: a name alone would not tell two machines or containers apart."""
    boot = pathlib.Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    where = "%s %s" % (boot, os.readlink("/proc/self/ns/pid"))
    return "%s-%s" % (socket.gethostname(), hashlib.sha256(where.encode("ascii")).hexdigest()[:12])
