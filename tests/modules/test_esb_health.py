"""ding.blueking.esb_health against the sandbox's ESBs: the pictures before and after, the gate, other servers."""

import contextlib
import json
import os
import signal
import time

import pytest

from modulekit.tasks import Task
from sandbox import environments, hosts, processes

MODULE = "ding.blueking.esb_health"
BEFORE = ["processes", "ping", "healthz"]
SECRET = "health-test-app-secret-not-real"


@pytest.fixture(scope="module")
def channel(sandbox):
    """The channel on all hosts; taken out again for the tests of the other modules."""
    sandbox.install_channel()
    yield sandbox
    sandbox.uninstall_channel()
    sandbox.reset()
    sandbox.restart()


def arguments(sandbox, **more):
    host = sandbox.host("paas1")
    return dict({"bk_home": str(host.bk_home), "url": host.esb_url, "app_code": sandbox.app_code, "app_secret": sandbox.app_secret}, **more)


def before(ansible, sandbox):
    """The picture as a role keeps it: options for a later call."""
    seen = ansible.run(MODULE, arguments(sandbox, checks=BEFORE))
    assert not seen.failed, seen
    return {"processes_before": seen.data["processes"], "healthz_before": seen.data["healthz"]}


def test_before_the_installation_the_service_is_well_and_the_channel_is_not_there(ansible, sandbox):
    well, unwell, quiet = ansible.run_many([
        Task(MODULE, arguments(sandbox, checks=BEFORE)), Task(MODULE, arguments(sandbox)), Task(MODULE, arguments(sandbox, fail=False), check=True)])
    assert not well.failed and well.data["healthy"] and not well.changed
    assert {name: check["ok"] for name, check in well.data["checks"].items()} == dict.fromkeys(BEFORE, True)
    workers = [each for each in well.data["processes"] if each["worker"]]
    assert len(workers) == 2 and all(abs(time.time() - each["started"]) < 3600 for each in workers)
    assert well.data["healthz"] == {"ok": True, "code": "1306000", "message": "OK"} and well.data["stale"] is False
    assert unwell.failed and "imports: the channel's package is not there: install it" in unwell.msg and "component: " in unwell.msg
    assert not quiet.failed and not quiet.changed and quiet.data["healthy"] is False


@pytest.mark.every_target
def test_the_gate_opens_after_a_restart_with_the_new_code_and_stays_shut_without(ansible, channel):
    picture = before(ansible, channel)
    everything = [*BEFORE, "imports", "component", "version"]
    shut = ansible.run(MODULE, arguments(channel, checks=everything, wait=2, **picture))
    assert shut.failed and "still running from before" in shut.msg and "after waiting for 2 s" in shut.msg
    assert "not asked" in shut.data["checks"]["component"]["text"]
    channel.restart("paas1")
    opened = ansible.run(MODULE, arguments(channel, checks=everything, wait=30, version="1.0.0", **picture))
    assert not opened.failed and opened.data["healthy"], opened
    assert opened.data["channel_version"] == "1.0.0" and not opened.data["stale"]
    old = {each["pid"] for each in picture["processes_before"]}
    assert not old & {each["pid"] for each in opened.data["processes"]}


def test_files_younger_than_the_workers_and_what_cannot_be_imported(ansible, channel):
    place = channel.host("paas1").generic / "apis" / "ding_blueking" / "toolkit"
    version = place / "version.py"
    text = version.read_text("utf-8")
    try:
        version.write_text(text.replace("1.0.0", "1.0.1"), "utf-8")
        stale = ansible.run(MODULE, arguments(channel, fail=False))
        (place / "broken.py").write_text("def (:\n", "utf-8")
        began = time.monotonic()
        broken = ansible.run(MODULE, arguments(channel, checks=["imports"], wait=120))
        seconds = time.monotonic() - began
    finally:
        version.write_text(text, "utf-8")
        (place / "broken.py").unlink(missing_ok=True)
        channel.restart("paas1")
    assert stale.data["stale"] and not stale.data["checks"]["processes"]["ok"]
    assert "restart the ESB" in stale.data["checks"]["processes"]["text"] and "not asked" in stale.data["checks"]["component"]["text"]
    assert broken.failed and "cannot import components.generic.apis.ding_blueking.toolkit.broken (SyntaxError" in broken.msg
    assert seconds < 60
    assert not list(place.rglob("broken*.pyc"))


def test_another_version_and_credentials_that_are_refused(ansible, channel):
    only = {"checks": ["version"]}
    other, refused, without = ansible.run_many([
        Task(MODULE, arguments(channel, version="2.0.0", **only)), Task(MODULE, arguments(channel, **dict(only, app_secret=SECRET))),
        Task(MODULE, {key: value for key, value in arguments(channel, **only).items() if not key.startswith("app_")})], verbosity=3)
    assert "version 1.0.0 answers, and 2.0.0 is wanted" in other.msg
    assert "app_secret is not the secret of the app" in refused.msg
    assert "cannot be called without app_code and app_secret" in without.msg
    assert SECRET not in refused.stdout and channel.app_secret not in refused.stdout
    assert channel.dingtalk.messages() == []


def test_whether_the_message_type_is_offered(ansible, channel):
    only = {"checks": ["offered"]}
    def switched(value):
        channel.manage("sandbox_channel", given=json.dumps({"/cmsi/get_msg_type/": {"ding": value}}))
    assert not ansible.run(MODULE, arguments(channel, wait=30, **only)).failed
    switched(None)
    try:
        # Workers remember the switch for some seconds.
        limit = time.monotonic() + 60
        while not (seen := ansible.run(MODULE, arguments(channel, **only))).failed and time.monotonic() < limit:
            time.sleep(1)
        assert "the message type ding is switched off" in seen.msg and "run configure.yml" in seen.msg
    finally:
        switched(True)


def test_healthz_is_compared_with_before(ansible, sandbox):
    values = sandbox.host("paas1").esb_home / "conf" / "host.json"
    kept = values.read_text("utf-8")
    picture = before(ansible, sandbox)["healthz_before"]
    complaint = {"ok": False, "code": "1306000", "message": "System X is down since 12:00:01"}
    try:
        values.write_text(json.dumps(dict(json.loads(kept), SANDBOX_HEALTHZ_FAULT="System X is down since 12:00:07")), "utf-8")
        sandbox.restart("paas1")
        only = {"checks": ["healthz"]}
        worse, same, unknown = ansible.run_many([Task(MODULE, arguments(sandbox, healthz_before=picture, **only)),
                                                 Task(MODULE, arguments(sandbox, healthz_before=complaint, **only)),
                                                 Task(MODULE, arguments(sandbox, **only))])
    finally:
        values.write_text(kept, "utf-8")
        sandbox.restart("paas1")
    assert worse.failed and "it was ok before and now complains: System X is down" in worse.msg
    assert not same.failed and "as before" in same.data["checks"]["healthz"]["text"]
    assert not unknown.failed


def test_a_dead_esb_and_a_wrong_address(ansible, sandbox):
    port = processes.free_port()
    dead, wrong = ansible.run_many([Task(MODULE, arguments(sandbox, url="http://127.0.0.1:%d" % port, checks=BEFORE)),
                                    Task(MODULE, arguments(sandbox, url="127.0.0.1"))])
    assert "no process listens on the ESB's port" in dead.msg and "ping: " in dead.msg and "Connection refused" in dead.msg
    assert "must look like http://host:port" in wrong.msg


@contextlib.contextmanager
def served(sandbox, server):
    """The ESB of paas1 once more, on a port of its own, by another server. Gives (url, pid of its master)."""
    control = sandbox.control
    environments.esb(control.state["options"]["python"], servers=True)
    port = processes.free_port()
    service = hosts.service(control.home, "paas1", port, dict(control.state["options"], server=server), control.state["urls"], print)
    process, _ = processes.launch(control.home, service)
    try:
        assert processes.wait_healthy(process, service)
        yield "http://127.0.0.1:%d" % port, process.pid
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.mark.parametrize("server", ["sync", "gevent", "uwsgi"])
def test_a_graceful_reload_keeps_the_master_and_changes_the_workers(ansible, sandbox, server):
    with served(sandbox, server) as (url, master):
        args = arguments(sandbox, url=url, checks=["processes", "ping"])
        seen = ansible.run(MODULE, args)
        assert {each["pid"]: each["worker"] for each in seen.data["processes"]}[master] is False
        os.kill(master, signal.SIGHUP)
        after = ansible.run(MODULE, dict(args, processes_before=seen.data["processes"], wait=30))
        assert not after.failed, after
        assert master in [each["pid"] for each in after.data["processes"]]
        # The gate opens with the first of them.
        assert [each for each in after.data["processes"] if each["worker"]]
