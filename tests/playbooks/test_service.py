"""The service of queued messages as a unit (a stand-in for systemctl): with install.yml, after a fault, with rollback.yml and uninstall.yml."""

import shutil

import pytest

from playkit.kept import HOSTS, Kept, keepers_aside, unit, until
from playkit.player import ROOT
from playkit.site import difference
from standins.services import Machine

PACKAGE = ROOT / "files" / "components" / "ding_blueking"
UNIT, GATE = "Service | Keep the unit, or take it away", "Service | Wait until the service runs with the version that is here"
SENT = "Service | Send what waits, before the channel goes"
CONFIRMED = {"ding_confirm": True}
# One message in an hour, and none kept back: the second one waits for as long as a test can.
TIGHT = {"robot_per_minute": 1, "robot_window": 3600, "reserve": 0}
WIDE = {"robot_per_minute": 1, "robot_window": 1, "reserve": 0}


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
    found["texts"] = {host: (kept.machine.units / unit(host)).read_text("utf-8") for host in HOSTS}
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
    kept.put_units(told["texts"])
    for host in HOSTS:
        until(lambda host=host: kept.beat(host).get("pid") in kept.services(host))
    kept.machine.forget()
    return kept


def test_a_check_run_shows_the_unit_and_writes_nothing(told):
    assert told["check"].rc == 0, told["check"]
    for host in HOSTS:
        diff = told["check"].of(UNIT, host)[-1].diffs
        assert diff[0]["before"] == "" and "Restart=always" in diff[0]["after"] and diff[1]["after"]["active"] is True
        assert diff == told["first"].of(UNIT, host)[-1].diffs
    assert told["after_check"] == told["units"] and told["calls_after_check"] == []


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


def test_a_second_run_changes_nothing(kept, told):
    assert told["second"].rc == 0 and told["second"].total("changed") == 0, told["second"].changed()
    assert told["calls_again"] == [] and kept.units() == told["installed"]


def test_the_number_of_hosts_is_stored_whatever_the_limit(kept, told):
    assert kept.site.settings("/cmsi/send_ding/")["paas_hosts"] == 2


@pytest.mark.whole
def test_a_changed_unit_restarts_the_service_alone_and_a_rollback_brings_the_other_one_back(installed):
    before, esbs = {host: installed.beat(host)["pid"] for host in HOSTS}, installed.site.every_pid()
    path = installed.machine.units / unit("paas2")
    path.write_text(path.read_text("utf-8").replace("MemoryMax=512M", "MemoryMax=64M"), "utf-8")
    changed = installed.units()
    run = installed.run("install", diff=True)
    assert run.rc == 0 and run.changed("paas1") == [] and UNIT in run.changed("paas2"), run
    assert installed.machine.calls() == [["stop", unit("paas2")], ["daemon-reload"], ["reenable", unit("paas2")], ["start", unit("paas2")]]
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


def test_a_service_that_does_not_start_brings_the_host_back(kept, tmp_path):
    kept.site.virgin()
    kept.put_units({})
    units, pids = kept.units(), kept.site.every_pid()
    broken = tmp_path / "ding_blueking"
    shutil.copytree(PACKAGE, broken, ignore=shutil.ignore_patterns("__pycache__"))
    # The gate of the ESB imports it.
    (broken / "_service.py").write_text("if __name__ == '__main__':\n    raise SystemExit('broken on purpose')\n", "utf-8")
    run = kept.run("install", extra={"ding_package_src": str(broken), "ding_health_timeout": 20})
    assert run.rc != 0
    said = run.failures("paas1")[-1].msg
    for words in ('paas1 failed at "%s"' % GATE, "gives no sign of life", "Its files are back", "Not touched: paas2"):
        assert words in said, said
    assert difference(units, kept.units()) == [] and difference(kept.site.start["files"], kept.site.state()["files"]) == []
    assert kept.services("paas1") == [] and kept.site.serves("paas1") and kept.site.pids("paas2") == pids["paas2"]


def test_an_uninstall_sends_what_waits_or_stops_before_anything_is_changed(installed, told):
    installed.configure(**TIGHT)
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
    installed.configure(**WIDE)
    run = installed.run("uninstall")
    assert run.rc == 0, run
    texts = "\n".join(installed.texts())
    assert [texts.count("waiting %d" % number) for number in range(4)] == [1] * 4, texts
    for host in HOSTS:
        assert installed.services(host) == [] and not installed.folder(host).exists()
    assert difference(told["units"], installed.units()) == [] and difference(told["start"]["files"], installed.site.state()["files"]) == []
    again = installed.run("uninstall")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


@pytest.mark.whole
def test_a_rollback_gives_messages_up_only_when_told_to(installed):
    installed.configure(**TIGHT)
    number = [installed.send("paas1", "given up") for _ in range(3)].count("queued")
    assert number >= 2
    state, pristine = installed.site.state(), {"ding_backup": "pristine", "ding_drain_outbox_seconds": 2, **CONFIRMED}
    run = installed.run("rollback", extra=pristine)
    assert run.rc != 0 and "%d messages still wait on this host" % number in run.failures("paas1")[0].msg, run
    assert difference(state, installed.site.state()) == [] and installed.beat("paas1")
    run = installed.run("rollback", extra={**pristine, "ding_drop_waiting": True})
    assert run.rc == 0 and not installed.folder("paas1").exists() and installed.services("paas1") == [], run
    assert "%d messages that were still waiting to be sent are removed" % number in run.stdout


@pytest.mark.parametrize("starts", (True, pytest.param(False, marks=pytest.mark.whole)))
def test_a_rollback_that_fails_behind_the_stop_has_the_service_run_again_or_says_so(installed, starts):
    if not starts:
        installed.machine.behave(unit("paas1"), start_fails=True)
    run = installed.run("rollback", extra={"ding_backup": "pristine", **CONFIRMED}, fault=(SENT, "paas1", 2, "fail"))
    said = run.failures("paas1")[-1].msg
    assert run.rc != 0 and 'paas1 failed at "%s"' % SENT in said and ["stop", unit("paas1")] in installed.machine.calls(), said
    assert ("could not be started again either: systemctl start %s ended with" % unit("paas1") in said) is not starts, said
    assert installed.runs("paas1") is starts and installed.runs("paas2") and installed.site.lists_ding("paas1") is True


def test_without_a_service_too_much_is_refused_and_the_unit_goes(installed):
    run = installed.run("install", extra={"ding_service_mode": "none"})
    assert run.rc == 0 and installed.site.settings("/cmsi/send_ding/")["overflow"] == "refuse", run
    assert all(installed.machine.unit(unit(host)) is None and installed.services(host) == [] for host in HOSTS)
    table = run.of("Verify | Show what works, and fail when something does not", "paas1")[0].msg
    assert not [row for row in table if row.startswith("service |")] and [row for row in table if "refused, not queued" in row]
    again = installed.run("install", extra={"ding_service_mode": "none"})
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
