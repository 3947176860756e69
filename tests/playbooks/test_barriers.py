"""Nothing is changed on any host while one is not ready, cannot be reached, or is held by somebody else."""

import json
import shlex
import sys

import pytest
import yaml

from playkit.site import difference

CONFIRMED = {"ding_confirm": True}


def inventory(tmp_path, **hosts):
    """A further inventory: {host: variables} of the group paas. JSON is YAML."""
    path = tmp_path / "more.yml"
    path.write_text(json.dumps({"all": {"children": {"paas": {"hosts": hosts}}}}), "utf-8")
    return [path]


def test_an_unreachable_host_ends_the_run_before_any_change(virgin, play, tmp_path):
    pids = virgin.every_pid()
    nobody = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1, "ansible_ssh_common_args": "-o ConnectTimeout=5",
              "ding_bk_home": "/nonexistent"}
    run = play("install", inventory=inventory(tmp_path, paas3=nobody))
    assert run.rc != 0 and run.recap["paas3"]["unreachable"] == 1
    assert difference(virgin.start, virgin.state()) == [] and virgin.every_pid() == pids
    assert {step.play for step in run.steps} <= {"Look at the inventory", "Check the variables", "Look at every PaaS host"}


def test_a_problem_of_the_second_host_keeps_the_first_as_it_is(virgin, play, tmp_path):
    pids = virgin.every_pid()
    run = play("install", inventory=inventory(tmp_path, paas2={"ding_paas_version": "3.1.0"}))
    assert run.rc != 0 and [step.host for step in run.failures()] == ["paas2"]
    assert "3.1.0" in run.failures()[0].msg
    assert difference(virgin.start, virgin.state()) == [] and virgin.every_pid() == pids


def test_a_python_that_is_too_old_is_named_before_a_module_dies_of_it(virgin, play, tmp_path):
    """Found with a shell: what a module says then is a SyntaxError."""
    old = tmp_path / "python2.6"
    old.write_text("#!/bin/sh\necho ding-python 2.6\n", "utf-8")
    old.chmod(0o755)
    python = "{{ '%s' if inventory_hostname == 'paas2' else '%s' }}" % (old, sys.executable)
    run = play("install", extra={"ansible_python_interpreter": python})
    assert run.rc != 0 and "on the hosts, but paas2 has 2.6. ansible-core 2.16 on a controller" in run.failures()[-1].msg, run
    assert {step.play for step in run.steps} <= {"Look at the inventory", "Check the variables", "Look at every PaaS host"}
    assert difference(virgin.start, virgin.state()) == []


def test_all_problems_of_all_hosts_are_shown_at_once(virgin, play, tmp_path):
    more = inventory(tmp_path, paas1={"ding_space_mb": 999999999}, paas2={"ding_paas_version": "3.1.0", "ding_space_mb": 999999999})
    run = play("install", inventory=more)
    told = {step.host: step.msg for step in run.failures()}
    assert run.rc != 0 and sorted(told) == ["paas1", "paas2"]
    assert "999999999" in told["paas1"] and "3.1.0" in told["paas2"] and "(2)" in told["paas2"]
    assert difference(virgin.start, virgin.state()) == []


@pytest.mark.parametrize("name", ["install", "configure", "rollback", "uninstall"])
def test_a_host_that_another_operator_holds_ends_the_run(installed, story, play, name):
    lease = installed.hold("paas2")
    run = play(name, extra={"ding_settings": {"msg_key": "markdown"}, **CONFIRMED})
    assert run.rc != 0
    told = next(step.msg for step in run.failures("paas2"))
    assert "another-operator" in told and "since" in told and "ding_break_lock=true" in told
    # A backup that the other host made meanwhile does no harm.
    found = [each for each in difference({**story.installed, "leases": ["paas2"]}, installed.state()) if not each.startswith("backups:")]
    assert found == [] and installed.every_pid() == story.moment.pids
    assert installed.leases() == {"paas2": lease}


@pytest.mark.parametrize("name", ["install", *(pytest.param(each, marks=pytest.mark.whole) for each in ("uninstall", "configure", "rollback"))])
def test_a_host_that_can_be_neither_taken_nor_given_back_ends_the_run_for_all(installed, story, play, name):
    """What ends the run must not depend on the host that failed."""
    lease = installed.lease_file("paas2")
    lease.write_text("{ no lease", "utf-8")
    run = play(name, extra={"ding_settings": {"msg_key": "markdown"}, **CONFIRMED})
    assert run.rc != 0 and lease.read_text("utf-8") == "{ no lease", run
    lease.unlink()
    found = [each for each in difference(story.installed, installed.state()) if not each.startswith("backups:")]
    assert found == [] and installed.every_pid() == story.moment.pids and installed.leases() == {}
    told = run.failures("paas2")[-1].msg
    assert 'paas2 failed at "Common | Take the host"' in told and "Its lease could not be given back" in told
    assert "went wrong elsewhere: paas2." in run.failures("paas1")[-1].msg and "Its lease" not in run.failures("paas1")[-1].msg


@pytest.mark.parametrize("name", ["install", pytest.param("rollback", marks=pytest.mark.whole)])
def test_a_lease_can_be_taken_over(installed, play, name):
    installed.hold("paas2")
    run = play(name, extra={"ding_break_lock": True, **CONFIRMED})
    assert run.rc == 0 and installed.leases() == {}, run


def test_an_expired_lease_is_taken_over(installed, play):
    installed.hold("paas2", expires_in=-5)
    run = play("install")
    assert run.rc == 0 and run.total("changed") == 0 and installed.leases() == {}, run


@pytest.fixture
def cut(virgin, tmp_path):
    """(inventory in which paas1 is reached by a stand-in for ssh, restart command of all hosts behind whose end that way is cut)."""
    down, ssh, restart = tmp_path / "down", tmp_path / "ssh", tmp_path / "restart"
    words = yaml.safe_load(virgin.inventory.read_text("utf-8"))["all"]["vars"]["ding_restart_command"]
    ssh.write_text('#!/bin/sh\nif [ -e %s ]; then echo "ssh: No route to host" >&2; exit 255; fi\nfor word; do :; done\nexec /bin/sh -c "$word"\n'
                   % shlex.quote(str(down)), "utf-8")
    restart.write_text('#!/bin/sh\n%s "$1" && { [ "$1" != paas1 ] || : > %s; }\n' % (shlex.join(words[:-1]), shlex.quote(str(down))), "utf-8")
    for program in (ssh, restart):
        program.chmod(0o755)
    way = {"ansible_connection": "ssh", "ansible_host": "paas1", "ansible_ssh_executable": str(ssh), "ansible_ssh_retries": 0,
           "ansible_ssh_transfer_method": "piped"}
    return inventory(tmp_path, paas1=way), {"ding_restart_command": [str(restart), "{{ inventory_hostname }}"]}, down


@pytest.mark.newest
@pytest.mark.timeout(600)
def test_a_host_that_is_lost_in_the_middle_ends_the_run_and_the_next_run_finishes(virgin, play, cut):
    """Ansible runs no rescue for it, and goes on with the next host."""
    more, command, down = cut
    pids = virgin.pids("paas2")
    run = play("install", inventory=more, extra=command)
    assert run.rc != 0 and run.recap["paas1"]["unreachable"] == 1, run
    assert difference(virgin.start["files"]["paas2"], virgin.files("paas2")) == [] and virgin.pids("paas2") == pids
    assert difference(virgin.start["rows"], virgin.rows()) == [] and sorted(virgin.leases()) == ["paas1"]
    assert "paas1 could not be reached any more in the middle of its turn" in run.failures("paas2")[-1].msg
    assert "Not touched: paas2." in run.failures("paas2")[-1].msg
    down.unlink()
    again = play("install", inventory=more)
    assert again.rc == 0 and virgin.lists_ding("paas1") is True and virgin.lists_ding("paas2") is True and virgin.leases() == {}, again
