"""`up`, `down`, `status`, `reset`: what runs afterwards, and what never does."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from clikit import Cli, listening, wait_until

from sandbox import client, control, processes, receivers
from sandbox.errors import SandboxError

LOOPBACK = "0100007F"


@pytest.fixture
def cli(tmp_path):
    one = Cli(tmp_path / "home")
    yield one
    one.run("down")
    assert one.left() == []


def test_up_status_inventory_logs_and_down(cli):
    assert "paas2" in cli.ok("up", "--hosts", "2")
    assert cli.run("status").returncode == 0
    assert listening(cli.left()) == {LOOPBACK}
    inventory = yaml.safe_load(cli.ok("inventory"))["all"]["children"]
    assert sorted(inventory["paas"]["hosts"]) == ["paas1", "paas2"]
    for name, host in inventory["paas"]["hosts"].items():
        home = Path(host["ding_bk_home"])
        assert (home / "open_paas/esb/manage.py").is_file()
        assert (home / ".envs/open_paas-esb/bin/python").exists()
        assert processes.answers("http://127.0.0.1:%d/ping/" % host["ding_esb_port"]), name
    urls = cli.state()["urls"]
    assert client.get(urls["usermgr"] + "/api/v2/profiles/%s/" % receivers.PERSON)["result"] is True
    assert [robot["token"] for robot in client.get(urls["dingtalk"] + "/_admin/robots")["robots"]] == [receivers.TOKEN]
    assert [person["mobile"] for person in client.get(urls["dingtalk"] + "/_admin/people")["people"]] == [receivers.MOBILE]
    assert "paas1/esb_api.log" in cli.ok("logs", "paas1")
    assert cli.ok("down") == "The sandbox is down.\n"
    assert cli.left() == []
    assert cli.run("status").returncode == 3
    assert cli.ok("down") == "The sandbox was not up.\n"


def test_up_twice_keeps_what_runs_and_refuses_other_options(cli):
    cli.ok("up", "--without-channel")
    before = cli.pids()
    assert "up already" in cli.ok("up")
    assert cli.pids() == before
    refused = cli.run("up", "--server", "sync")
    assert refused.returncode == 1 and "other options (--server is gthread)" in refused.stderr


@pytest.mark.parametrize("name", ["dingtalk", "usermgr", "paas1"])
def test_a_killed_service_shows_in_status_and_up_brings_it_back(cli, name):
    cli.ok("up", "--without-channel")
    before, urls = cli.pids(), cli.state()["urls"]
    os.kill(before[name], signal.SIGKILL)
    wait_until(lambda: processes.start_time(before[name]) is None)
    assert cli.run("status").returncode == 1
    assert "what was dead was started" in cli.ok("up")
    after = cli.pids()
    assert cli.state()["urls"] == urls
    assert [each for each in before if after[each] != before[each]] == [name]
    assert cli.run("status").returncode == 0


@pytest.mark.parametrize("moment", ["dingtalk", "usermgr", "paas1"])
def test_a_command_line_killed_in_the_middle_of_up_leaves_nothing_after_down(cli, moment):
    running = cli.start("up", "--without-channel")
    wait_until(lambda: cli.home.state.exists() and moment in cli.state()["processes"])
    running.kill()
    running.wait()
    cli.run("down")
    assert cli.left() == []
    cli.ok("up")
    assert cli.run("status").returncode == 0


def test_a_process_that_was_not_noted_down_is_stopped_by_up(cli):
    cli.ok("up", "--without-channel")
    state = cli.state()
    forgotten = state["processes"].pop("usermgr")["pid"]
    cli.home.state.write_text(json.dumps(state), "utf-8")
    cli.ok("up")
    assert processes.start_time(forgotten) is None
    assert cli.pids()["usermgr"] != forgotten


def test_down_finds_everything_without_its_state(cli):
    cli.ok("up", "--without-channel")
    cli.home.state.write_text("{ damaged", "utf-8")
    cli.ok("down")
    assert cli.left() == []


def test_down_spares_a_stranger_who_got_a_recorded_pid(cli):
    stranger = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        cli.home.path.mkdir()
        record = {"pid": stranger.pid, "started": "1@00000000", "port": 1}
        cli.home.state.write_text(json.dumps({"options": {"hosts": 1}, "processes": {"paas1": record}}), "utf-8")
        cli.ok("down")
        assert stranger.poll() is None
    finally:
        stranger.communicate(b"\n")


def test_two_sandboxes_come_up_at_once_and_one_goes_down_alone(cli, tmp_path):
    other = Cli(tmp_path / "other")
    try:
        starting = [one.start("up", "--without-channel") for one in (cli, other)]
        assert [one.wait(120) for one in starting] == [0, 0]
        assert not set(cli.state()["ports"].values()) & set(other.state()["ports"].values())
        cli.ok("down")
        assert other.run("status").returncode == 0
    finally:
        other.run("down")
    assert other.left() == []


def test_two_ups_of_one_sandbox_wait_for_each_other(cli):
    starting = [cli.start("up", "--without-channel") for _ in range(2)]
    assert [one.wait(120) for one in starting] == [0, 0]
    assert cli.run("status").returncode == 0
    assert set(cli.pids()) == {"dingtalk", "usermgr", "paas1", "paas1-ding"}


def test_data_outlives_down_and_ends_with_reset(cli):
    cli.ok("up", "--without-channel")
    usermgr = cli.state()["urls"]["usermgr"] + "/api/v2/profiles/"
    client.post(usermgr, {"username": "kept"})
    cli.ok("down")
    cli.ok("up", "--without-channel")
    assert client.get(usermgr + "kept/")["result"] is True
    cli.ok("reset")
    assert cli.run("status").returncode == 0
    assert client.get(usermgr + "kept/")["result"] is False


class OneService(control.Sandbox):
    """Starts a command of the test's instead of the real service."""

    command, seconds = [], 2.0

    def _service(self, name, port):
        return processes.Service(name, self.command, "/", processes.clean_environment(), str(self.home.logs / "x.log"),
                                 "http://127.0.0.1:%d/" % port, self.seconds)


@pytest.mark.parametrize(("command", "words"), [
    (["sh", "-c", "echo the disk is full; exit 3"], "ended at once"),
    (["sh", "-c", "echo the disk is full; exec sleep 60"], "did not answer"),
])
def test_a_service_that_does_not_come_up_is_shown_with_the_end_of_its_log(cli, command, words):
    sandbox = OneService(cli.home)
    sandbox.command = command
    with pytest.raises(SandboxError, match=words) as caught:
        sandbox._start("dingtalk")
    assert "    the disk is full" in str(caught.value)


def test_a_port_taken_in_the_meantime_means_another_one(cli, monkeypatch):
    serve = "import http.server as h, sys; h.HTTPServer(('127.0.0.1', int(sys.argv[1])), h.SimpleHTTPRequestHandler).serve_forever()"
    taken = processes.free_port()
    thief = subprocess.Popen([sys.executable, "-c", serve, str(taken)], cwd=cli.home.path.parent, stderr=subprocess.DEVNULL)
    try:
        wait_until(lambda: processes.port_taken(taken))
        sandbox = OneService(cli.home)
        real, offered = processes.free_port, [taken]
        monkeypatch.setattr(processes, "free_port", lambda *all_: offered.pop() if offered else real(*all_))
        monkeypatch.setattr(sandbox, "_service", lambda name, port: processes.Service(
            name, [sys.executable, "-c", serve, str(port)], str(cli.home.path.parent), processes.clean_environment(),
            str(cli.home.logs / "x.log"), "http://127.0.0.1:%d/" % port, 10))
        sandbox._start("dingtalk")
        assert sandbox.state["ports"]["dingtalk"] != taken
    finally:
        thief.kill()
        thief.wait()
