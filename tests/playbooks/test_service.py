"""The service of queued messages as a unit (a stand-in for systemctl): with install.yml, after a fault, with rollback.yml and uninstall.yml."""

import contextlib
import json
import os
import shutil
import signal
import time
from pathlib import Path

import pytest
import requests
import yaml

from playkit import tree
from playkit.player import ROOT
from playkit.site import APP, difference
from sandbox import processes
from standins.services import Machine

HOSTS = ("paas1", "paas2")
PACKAGE = ROOT / "files" / "components" / "ding_blueking"
UNIT, GATE = "Service | Keep the unit, or take it away", "Service | Wait until the service runs with the version that is here"
SENT = "Service | Send what waits, before the channel goes"
CONFIRMED = {"ding_confirm": True}
# One message in an hour, and none kept back: the second one waits for as long as a test can.
TIGHT = {"ding_settings": {"robot_per_minute": 1, "robot_window": 3600, "reserve": 0}}
WIDE = {"ding_settings": {"robot_per_minute": 1, "robot_window": 1, "reserve": 0}}
SECONDS = 40


def unit(host):
    return "bk-paas-esb-ding-%s.service" % host


class Kept:
    """The sandbox's platform, on which not its own keepers but units of the stand-in have the services run."""

    def __init__(self, site, play, machine):
        self.site, self.play, self.machine = site, play, machine
        self.inventory = machine.folder / "units.yml"
        self.inventory.write_text(yaml.safe_dump({"paas": {"hosts": {name: {"ding_service_unit": unit(name)} for name in HOSTS}}}), "utf-8")

    def run(self, name, extra=None, **more):
        path = self.machine.path(os.pathsep.join([str(self.play.bin), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))
        variables = {"ding_service_mode": "systemd", "ding_service_folder": str(self.machine.units), "ding_verify_send": False, **(extra or {})}
        return self.play(name, inventory=[self.inventory], environment={"PATH": path}, extra=variables, **more)

    def units(self):
        """What is in the folder of unit files."""
        return tree.seen(self.machine.units)

    def folder(self, host):
        return self.site.world.host(host).logs / "ding_blueking"

    def beat(self, host):
        """The service's heartbeat, while the process that wrote it runs; else {}."""
        with contextlib.suppress(OSError, ValueError):
            beat = json.loads((self.folder(host) / "service.beat").read_text("utf-8"))
            return beat if processes.start_time(beat["pid"]) else {}
        return {}

    def services(self, host):
        """Pids of processes that run the host's _service.py."""
        script = str(self.site.world.host(host).generic / "apis" / "ding_blueking" / "_service.py").encode()
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if script in (folder / "cmdline").read_bytes().split(b"\0"):
                    found.append(int(folder.name))
        return found

    def runs(self, host):
        return bool(self.machine.unit(unit(host)) and self.machine.unit(unit(host)).runs)

    def send(self, host, text):
        """What becomes of a message to the first robot, by this host's ESB."""
        session = requests.Session()
        session.trust_env = False
        caller = {"bk_app_code": APP, "bk_app_secret": self.site.secrets["esb_secret"], "bk_username": "admin"}
        answer = session.post(self.site.world.host(host).esb_url + "/api/c/compapi/cmsi/send_ding/", timeout=20,
                              json={"receiver__username": "play_robot_ops", "content": text}, headers={"X-Bkapi-Authorization": json.dumps(caller)})
        return answer.json()["data"]["receivers"][0]["outcome"]

    def texts(self):
        return [message["text"] for message in self.site.world.dingtalk.messages()]


def until(true):
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@contextlib.contextmanager
def keepers_aside(site):
    """The sandbox's keepers wait, alive, and what they keep is ended."""
    names = site.world.control.keeper_names()
    pids = [site.world.control.state["processes"][name]["pid"] for name in names]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            for child in [child for child in processes.ours(site.world.control.home) if child != pid and processes.session(child) == pid]:
                os.kill(child, signal.SIGKILL)
        for host in site.world.hosts:
            (host.logs / "ding_blueking" / "service.beat").unlink(missing_ok=True)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)


@pytest.fixture(scope="module")
def kept(site, play, tmp_path_factory):
    site.virgin()
    machine = Machine(site, tmp_path_factory.mktemp("units"))
    with keepers_aside(site):
        try:
            yield Kept(site, play, machine)
        finally:
            machine.end()
    site.virgin()


@pytest.fixture(scope="module")
def told(kept):
    """The first install: {what: run or state}, and the moment behind it."""
    found = {"units": kept.units(), "start": kept.site.state(), "check": kept.run("install", check=True, diff=True)}
    found.update(after_check=kept.units(), calls_after_check=kept.machine.calls())
    found.update(first=kept.run("install", diff=True), calls=kept.machine.calls(), installed=kept.units())
    found["beats"] = {host: kept.beat(host) for host in HOSTS}
    kept.machine.forget()
    found["second"] = kept.run("install", diff=True)
    found.update(calls_again=kept.machine.calls(), moment=kept.site.moment())
    yield found
    found["moment"].end()


@pytest.fixture
def installed(kept, told):
    """Behind the first install, with the units that it has written."""
    kept.site.back_to(told["moment"])
    run = kept.run("install", extra={"ding_settings": dict.fromkeys(TIGHT["ding_settings"])})
    assert run.rc == 0, run
    kept.machine.forget()
    return kept


@pytest.mark.every_target
def test_a_check_run_shows_the_unit_and_writes_nothing(told):
    assert told["check"].rc == 0, told["check"]
    for host in HOSTS:
        diff = told["check"].of(UNIT, host)[-1].diffs
        assert diff[0]["before"] == "" and "Restart=always" in diff[0]["after"] and diff[1]["after"]["active"] is True
        assert diff == told["first"].of(UNIT, host)[-1].diffs
    assert told["after_check"] == told["units"] and told["calls_after_check"] == []


@pytest.mark.every_target
def test_the_service_runs_behind_the_restart_with_this_version(kept, told):
    assert told["first"].rc == 0, told["first"]
    assert told["calls"] == [words for host in HOSTS for words in (["daemon-reload"], ["enable", unit(host)], ["start", unit(host)])]
    for host in HOSTS:
        names = [step.name for step in told["first"].steps if step.host == host]
        assert names.index("Restart | See that the ESB was restarted and is well") < names.index(UNIT) < names.index(GATE)
        assert told["beats"][host]["version"] == "1.0.0" and told["beats"][host]["pid"] in kept.services(host)
        path, link = kept.machine.units / unit(host), kept.machine.units / "multi-user.target.wants" / unit(host)
        assert told["installed"][str(path)][0] == "0o100644" and told["installed"][str(link)][3] == str(path)
        text = path.read_text("utf-8")
        assert "MemoryMax=" in text and not [secret for secret in kept.site.secrets.values() if secret in text]


def test_verify_shows_service_and_outboxes_per_host(told):
    for host in HOSTS:
        table = told["first"].of("Verify | Show what works, and fail when something does not", host)[0].msg
        assert "service | ok | version 1.0.0 runs" in table and "outboxes | ok | none waits" in table


@pytest.mark.every_target
def test_a_second_run_changes_nothing(kept, told):
    assert told["second"].rc == 0 and told["second"].total("changed") == 0, told["second"].changed()
    assert told["calls_again"] == [] and kept.units() == told["installed"]


def test_the_number_of_hosts_is_stored_whatever_the_limit(kept, told):
    assert kept.site.settings("/cmsi/send_ding/")["paas_hosts"] == 2


def test_a_changed_unit_restarts_the_service_alone_and_a_rollback_brings_the_other_one_back(installed):
    before, esbs = {host: installed.beat(host)["pid"] for host in HOSTS}, installed.site.every_pid()
    path = installed.machine.units / unit("paas2")
    path.write_text(path.read_text("utf-8").replace("MemoryMax=512M", "MemoryMax=64M"), "utf-8")
    changed = installed.units()
    run = installed.run("install", diff=True)
    assert run.rc == 0 and run.changed("paas1") == [] and UNIT in run.changed("paas2"), run
    assert installed.machine.calls() == [["daemon-reload"], ["reenable", unit("paas2")], ["restart", unit("paas2")]]
    assert installed.site.every_pid() == esbs and installed.beat("paas1")["pid"] == before["paas1"]
    until(lambda: installed.beat("paas2").get("pid") not in (None, before["paas2"]))
    assert "MemoryMax=512M" in path.read_text("utf-8")
    run = installed.run("rollback", extra=CONFIRMED)
    assert run.rc == 0 and difference(changed, installed.units()) == [], run
    assert installed.site.every_pid() == esbs and all(installed.runs(host) for host in HOSTS)


def test_a_rollback_to_pristine_leaves_no_unit_no_process_and_no_folder(installed, told):
    run = installed.run("rollback", extra={"ding_backup": "pristine", **CONFIRMED})
    assert run.rc == 0, run
    assert difference(told["units"], installed.units()) == [] and difference(told["start"]["files"], installed.site.state()["files"]) == []
    for host in HOSTS:
        assert installed.services(host) == [] and not installed.folder(host).exists() and installed.machine.unit(unit(host)) is None


def test_a_service_that_does_not_start_brings_the_host_back(kept, told, tmp_path):
    kept.site.virgin()
    # Without a package, units that an interrupted run has left still go.
    assert kept.run("uninstall").rc == 0 and difference(told["units"], kept.units()) == []
    kept.site.virgin()
    units, pids = kept.units(), kept.site.every_pid()
    broken = tmp_path / "ding_blueking"
    shutil.copytree(PACKAGE, broken, ignore=shutil.ignore_patterns("__pycache__"))
    (broken / "_service.py").write_text("raise SystemExit('broken on purpose')\n", "utf-8")
    run = kept.run("install", extra={"ding_package_src": str(broken), "ding_health_timeout": 12})
    assert run.rc != 0
    said = run.failures("paas1")[-1].msg
    for words in ('paas1 failed at "%s"' % GATE, "gives no sign of life", "Its files are back", "Not touched: paas2"):
        assert words in said, said
    assert difference(units, kept.units()) == [] and difference(told["start"]["files"], kept.site.state()["files"]) == []
    assert kept.services("paas1") == [] and kept.site.serves("paas1") and kept.site.pids("paas2") == pids["paas2"]


def test_an_uninstall_sends_what_waits_or_stops_before_anything_is_changed(installed, told):
    assert installed.run("configure", extra=TIGHT).rc == 0
    installed.site.world.dingtalk.forget()
    outcomes = [installed.send("paas2", "waiting %d" % number) for number in range(4)]
    number = outcomes.count("queued")
    assert number >= 3, outcomes
    state, units, pids = installed.site.state(), installed.units(), installed.site.every_pid()
    run = installed.run("uninstall", extra={"ding_drain_outbox_seconds": 3})
    assert run.rc != 0 and "%d messages still wait on this host" % number in run.failures("paas2")[0].msg, run
    assert "Nothing was changed on any host" in run.failures("paas1")[-1].msg
    assert difference(state, installed.site.state()) == [] and units == installed.units() and installed.site.every_pid() == pids
    assert installed.beat("paas2") and len(installed.texts()) == 4 - number
    assert installed.run("configure", extra=WIDE).rc == 0
    run = installed.run("uninstall")
    assert run.rc == 0, run
    texts = "\n".join(installed.texts())
    assert [texts.count("waiting %d" % number) for number in range(4)] == [1] * 4, texts
    for host in HOSTS:
        assert installed.services(host) == [] and not installed.folder(host).exists()
    assert difference(told["units"], installed.units()) == [] and difference(told["start"]["files"], installed.site.state()["files"]) == []
    again = installed.run("uninstall")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


def test_a_rollback_gives_messages_up_only_when_told_to(installed):
    assert installed.run("configure", extra=TIGHT).rc == 0
    number = [installed.send("paas1", "given up") for _ in range(3)].count("queued")
    assert number >= 2
    state, pristine = installed.site.state(), {"ding_backup": "pristine", "ding_drain_outbox_seconds": 2, **CONFIRMED}
    run = installed.run("rollback", extra=pristine)
    assert run.rc != 0 and "%d messages still wait on this host" % number in run.failures("paas1")[0].msg, run
    assert difference(state, installed.site.state()) == [] and installed.beat("paas1")
    run = installed.run("rollback", extra={**pristine, "ding_drop_waiting": True})
    assert run.rc == 0 and not installed.folder("paas1").exists() and installed.services("paas1") == [], run
    assert "%d messages that were still waiting to be sent are removed" % number in run.stdout


def test_without_a_service_too_much_is_refused_and_the_unit_goes(installed):
    run = installed.run("install", extra={"ding_service_mode": "none"})
    assert run.rc == 0 and installed.site.settings("/cmsi/send_ding/")["overflow"] == "refuse", run
    assert all(installed.machine.unit(unit(host)) is None and installed.services(host) == [] for host in HOSTS)
    table = run.of("Verify | Show what works, and fail when something does not", "paas1")[0].msg
    assert not [row for row in table if row.startswith("service |")] and [row for row in table if "refused, not queued" in row]
    again = installed.run("install", extra={"ding_service_mode": "none"})
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
