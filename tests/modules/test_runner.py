"""The runner of these tests itself, tried with modules that Ansible brings along."""

import pytest

from modulekit.runner import Parity, RunError
from modulekit.tasks import Task

pytestmark = pytest.mark.newest


def test_one_task_shows_its_result_and_what_was_printed(ansible, tmp_path):
    result = ansible.run("ansible.builtin.copy", {"dest": str(tmp_path / "a"), "content": "{{ not a template }}\n"})
    assert result.changed and not result.failed and result.rc == 0
    assert (tmp_path / "a").read_text("utf-8") == "{{ not a template }}\n"
    assert "changed: [target]" in result.stdout
    assert "DEPRECATION" not in result.stdout
    assert [part["after"] for part in result.diffs] == ["{{ not a template }}\n"]


def test_many_tasks_have_their_own_results_and_a_failure_stops_none(ansible, tmp_path):
    path = str(tmp_path / "b")
    first, bad, last = ansible.run_many([
        Task("ansible.builtin.file", {"path": path, "state": "touch"}, check=True),
        Task("ansible.builtin.file", {"path": path, "state": "file"}),
        Task("ansible.builtin.file", {"path": path, "state": "touch"}),
    ])
    assert (first.changed, first.failed) == (True, False)
    assert bad.failed and "absent" in bad.msg
    assert last.changed and (tmp_path / "b").exists()


def test_the_module_runs_on_the_target_python(ansible):
    found = ansible.run("ansible.builtin.setup", {"gather_subset": ["!all", "!min", "python"]}).data["ansible_facts"]
    assert "%(major)d.%(minor)d" % found["ansible_python"]["version"] == ansible.target


def test_the_collection_is_found_under_its_name(ansible):
    unknown = "ding.blueking.no_such_module"
    with pytest.raises(RunError, match="no_such_module"):
        ansible.run(unknown)


def test_parity_holds_for_a_module_that_predicts_well(ansible, tmp_path):
    path = tmp_path / "c"
    args = {"path": str(path), "line": "two", "create": True}
    real = ansible.parity("ansible.builtin.lineinfile", args,
                          before=[Task("ansible.builtin.copy", {"dest": str(path), "content": "one\n"})])
    assert real.changed and path.read_text("utf-8") == "one\ntwo\n"


def test_parity_refuses_a_module_that_predicts_badly(ansible, tmp_path):
    with pytest.raises(Parity, match="predicted another diff"):
        ansible.parity("ansible.builtin.file", {"path": str(tmp_path / "d"), "state": "touch"})


def test_a_run_ends_at_its_limit(ansible):
    with pytest.raises(RunError, match="did not end within 4 s"):
        ansible.run("ansible.builtin.command", {"cmd": "sleep 30"}, seconds=4)


def test_the_sandbox_answers_and_goes_back_to_its_start(ansible, sandbox):
    host = sandbox.host("paas2")
    answers = ansible.run_many([Task("ansible.builtin.uri", {"url": url}) for url in (
        sandbox.usermgr_url + "/_admin/health", sandbox.dingtalk_url + "/_admin/health", host.esb_url + "/ping/")])
    assert [answer.data["status"] for answer in answers] == [200, 200, 200]
    before = (host.generic / "apis" / "conf.py").read_bytes()
    (host.generic / "apis" / "conf.py").write_bytes(b"broken")
    (host.generic / "apis" / "left" / "over").mkdir(parents=True)
    sandbox.usermgr.put_user(username="somebody")
    sandbox.reset()
    assert (host.generic / "apis" / "conf.py").read_bytes() == before
    assert not (host.generic / "apis" / "left").exists()


@pytest.mark.parametrize("pipelining", [True, False])
def test_a_login_becomes_root_by_sudo_with_its_umask_and_a_noexec_tmp(ansible, tmp_path, pipelining):
    script = tmp_path / "script"
    script.write_text("#!/bin/sh\n", "utf-8")
    script.chmod(0o755)
    login = ansible.as_login(pipelining=pipelining)
    shell = "ansible.builtin.command"
    by_root, refused, by_login, made = login.run_many([
        Task(shell, {"cmd": "sh -c 'id -un; echo $SUDO_USER'"}), Task(shell, {"cmd": str(script)}),
        Task(shell, {"cmd": "sh -c 'umask; id -un'"}, become=False),
        Task("ansible.builtin.file", {"path": str(tmp_path / "made"), "state": "directory"}),
    ])
    assert by_root.data["stdout_lines"] == ["root", "ding-login"]
    assert refused.failed and refused.data["rc"] == 13
    assert by_login.data["stdout_lines"] == ["0077", "ding-login"]
    assert not made.failed and (tmp_path / "made").stat().st_uid == 0
