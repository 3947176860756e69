# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""preflight.py: each fact that is not in order is one finding with a remedy; all of them at once; nothing for a good host."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import preflight

WANTED = dict(force_version=False, unit="bk-paas-esb.service", container="bk-paas-esb", engine="docker", space_mb=200, offline=False,
              replace_original=False, whitelist_app=False, url="http://10.0.0.1:8002", app_code="bk_paas", app_secret="not-a-secret",
              restart_mode="restart", restart_command=["/usr/bin/esb-again"], drain=False, service_unit="bk-paas-esb-ding.service",
              service_folder="/etc/systemd/system")
SERVICE = dict(mode="systemd", owner="1000:1000", systemd=252, taken="", folder_problem="", waiting=0)
GOOD = dict(
    esb_home="/data/bkce/open_paas/esb", esb_present=True, generation="v6", version_file="/data/src/open_paas/VERSION", paas_version="2.12.25",
    esb_version="2.11.20", user="blueking", group="blueking", running_as="root", allowed=True, runtime="systemd",
    unit=dict(load="loaded", active="active", user="blueking", can_reload=True), esb_python_version="2.7.5", django_version="1.8.19", conf_problem="",
    free_mb={"/data/backup": 9000, "/data/bkce": 9000}, free_inodes={"/data/backup": 100000, "/data/bkce": None}, not_writable={},
    package_version=None, package_problems=[], original_release=[], original_problem="", pending=False, stale=False, processes=[],
    healthz=dict(ok=True, code="1306000", message="OK"), message_types={"mail": True}, usermgr_problem="", clock_offset=0.4,
    egress=[dict(url="https://oapi.dingtalk.com", problem="", offset=0.4)], ding_service=SERVICE)
MASTER = [dict(pid=7, worker=False), dict(pid=8, worker=True)]
UWSGI = dict(unit=dict(load="loaded", active="active", user="blueking", can_reload=False, main_pid=7), main_pid=7, processes=MASTER,
             main_words=["/data/bkce/.envs/open_paas-esb/bin/uwsgi", "--ini", "x.ini"])
GENTLY = dict(restart_mode="graceful")
OWN = dict(restart_mode="command")
# (name, spoiled facts, spoiled wishes, severity, a part of what, a part of the remedy)
CASES = [
    ("not root", dict(allowed=False, running_as="ops"), {}, "problem", "runs as ops", "become"),
    ("v7", dict(generation="v7", paas_version=None), {}, "problem", "V7", "guide"),
    ("v7 by force", dict(generation="v7"), dict(force_version=True), "problem", "V7", "guide"),
    ("no version", dict(paas_version=None), {}, "problem", "/data/src/open_paas/VERSION", "ding_paas_version"),
    ("no version by force", dict(paas_version=None), dict(force_version=True), "warning", "not known", "ding_paas_version"),
    ("too old", dict(paas_version="2.11.9"), {}, "problem", "2.11.9", "ding_force_version"),
    ("too new", dict(paas_version="2.15.0"), {}, "problem", "2.15.0", "ding_force_version"),
    ("another era", dict(paas_version="3.1.0"), {}, "problem", "3.1.0", "ding_force_version"),
    ("no number", dict(paas_version="nightly"), {}, "problem", "nightly", "ding_force_version"),
    ("too new by force", dict(paas_version="2.15.0"), dict(force_version=True), "warning", "2.15.0", "ding_force_version"),
    ("no ESB", dict(esb_present=False, generation=None), {}, "problem", "no ESB in /data/bkce", "ding_bk_home"),
    ("a strange ESB", dict(generation=None), {}, "problem", "does not look like", "ding_esb_home"),
    ("no user", dict(user_problem="There is no user x on this host", user=None), {}, "problem", "no user x", "ding_esb_user"),
    ("another user", dict(user="root"), {}, "warning", "runs as blueking", "ding_esb_user=blueking"),
    ("no unit", dict(unit=dict(load="not-found", active="inactive", user=None)), {}, "problem", "no unit bk-paas-esb.service", "ding_esb_unit"),
    ("a dead unit", dict(unit=dict(load="loaded", active="failed", user=None)), {}, "problem", "is failed", "Start it"),
    ("no container", dict(runtime="docker", container_problem="No such container"), {}, "problem", "No such container", "ding_esb_container"),
    ("neither", dict(runtime=None, unit={}), {}, "problem", "neither", "ding_esb_runtime=command"),
    ("another container", dict(runtime="docker", inner_home_problem="no folder is mounted"), {}, "problem", "no folder is mounted", "ding_esb_home"),
    ("graceful without a master", dict(UWSGI, processes=MASTER[1:]), GENTLY, "problem", "without a master process", "ding_restart_mode=restart"),
    ("graceful behind a shell", dict(UWSGI, main_pid=6, main_words=["/bin/bash", "-c", "uwsgi; true"]), GENTLY, "problem",
     "(/bin/bash -c uwsgi; true) is not the master", "ding_restart_mode=restart"),
    ("graceful without a main process", dict(UWSGI, main_pid=None, main_words=[]), GENTLY, "problem", "(?) is not the master", "ding_restart_mode"),
    ("graceful with another server", dict(UWSGI, main_words=["/usr/bin/waitress"]), GENTLY, "problem", "neither uWSGI nor gunicorn", "ding_restart_mode"),
    ("graceful in a container", dict(UWSGI, runtime="docker", main_pid=1), GENTLY, "problem", "is not the master", "ding_restart_mode"),
    ("graceful by a command", dict(runtime="command"), GENTLY, "problem", "ding_esb_runtime=command", "ding_restart_mode=command"),
    ("no own command", {}, dict(OWN, restart_command=[]), "problem", "no command", "ding_restart_command"),
    ("no own command either", dict(runtime="command"), dict(restart_command=None), "problem", "no command", "ding_restart_command"),
    ("a command that is not there", dict(restart_command_problem="there is no program x"), OWN, "problem", "no program x", "without a shell"),
    ("settings that stay", dict(settings_kept=["oapi_url", "proxy"]), {}, "warning", "stored oapi_url and proxy", "{oapi_url: null, proxy: null}"),
    ("no Consul", dict(consul_problem="refused", consul_services=[]), dict(drain=True), "problem", "out of Consul before the restart: refused",
     "ding_consul_url"),
    ("the last one in Consul", dict(consul_services=["a"], consul_others=0), dict(drain=True), "warning", "No other host", "ding_drain does nothing"),
    ("left out of Consul", dict(drained=True, consul_services=["paas-esb-1"]), {}, "warning", "left this host out of Consul", "-service=paas-esb-1"),
    ("no Python", dict(python_problem="The ESB's Python cannot be started"), {}, "problem", "cannot be started", "ding_esb_python"),
    ("a broken conf.py", dict(conf_problem="SyntaxError: x"), {}, "warning", "SyntaxError: x", "Mend"),
    ("read-only", dict(not_writable={"/data/bkce/x": "it is on a file system that is mounted read-only"}), {}, "problem", "read-only", "write"),
    ("no space", dict(free_mb={"/data/backup": 199, "/data/bkce": 9000}), {}, "problem", "only 199 MB", "ding_space_mb"),
    ("no inodes", dict(free_inodes={"/data/backup": 5}), {}, "problem", "room for 5 more files", "ding_backup_dir"),
    ("a damaged block", dict(package_problems=["conf.py: the markers are damaged"]), {}, "problem", "damaged", "changed"),
    ("the manual release", dict(original_release=["cmsi/send_ding.py"]), {}, "problem", "cmsi/send_ding.py", "ding_replace_original=true"),
    ("the manual release goes", dict(original_release=["cmsi/send_ding.py"]), dict(replace_original=True), "warning", "send_ding", "credentials"),
    ("a changed manual release", dict(original_release=["x"], original_problem="Not as published."), dict(replace_original=True), "problem",
     "Not as published", "published"),
    ("an interrupted run", dict(pending=True), {}, "warning", "interrupted", "finishes"),
    ("a restart is owed", dict(stale=True), {}, "warning", "restart is owed", "restart"),
    ("a fast clock", dict(clock_offset=3700.0), {}, "problem", "fast by 3700 s", "NTP"),
    ("a slow clock", dict(clock_offset=-3601.0), {}, "problem", "slow by 3601 s", "NTP"),
    ("no egress", dict(egress=[dict(url="https://x", problem="It cannot be reached", offset=None)]), {}, "problem", "cannot be reached", "ding_proxy"),
    ("offline", dict(egress=[dict(url="https://x", problem="No way.", offset=None)]), dict(offline=True), "warning", "No way.", "ding_offline"),
    ("no user management", dict(usermgr_problem="Refused"), {}, "problem", "Refused", "ding_usermgr_url"),
    ("a dead ESB", dict(ping_problem="refused"), {}, "problem", "does not answer at http://10.0.0.1:8002: refused", "ding_esb_port"),
    ("no processes", dict(processes_problem="none"), {}, "problem", "cannot be found: none", "root"),
    ("a complaint", dict(healthz=dict(ok=False, code="1", message="Redis")), {}, "warning", "Redis", "compares"),
    ("no systemd", dict(ding_service=dict(SERVICE, systemd=None)), {}, "problem", "ystemd does not run", "ding_service_mode=external"),
    ("no folder for the unit", dict(ding_service=dict(SERVICE, folder_problem="it is not there")), {}, "problem", "/etc/systemd/system: it is not there",
     "ding_service_mode=external"),
    ("the unit's name is taken", dict(ding_service=dict(SERVICE, taken="it is masked")), {}, "problem", "ding.service cannot be written: it is masked",
     "ding_service_unit"),
    ("waiting messages", dict(ding_service=dict(SERVICE, waiting=3)), {}, "warning", "3 messages wait", "ding_blueking"),
    ("no credentials", {}, dict(app_secret=None), "warning", "no credentials", "ding_esb_app_code"),
    ("wrong credentials", dict(credentials_problem="Not the secret"), {}, "problem", "Not the secret", "ding_esb_app_secret"),
    ("not listed", dict(credentials_problem="Not in the list", not_listed=True), {}, "problem", "Not in the list", "ding_whitelist_app=true"),
    ("to be listed", dict(credentials_problem="Not in the list", not_listed=True), dict(whitelist_app=True), "warning", "list", "ding_whitelist_app"),
]


def findings(facts, wanted=()):
    return preflight.findings(dict(GOOD, **dict(facts)), dict(WANTED, **dict(wanted)))


def test_a_good_host_has_no_findings():
    assert findings({}) == []


@pytest.mark.parametrize("version", ["2.12.25", "2.12.0", "v2.13.4", "2.14.99 ", "2.12"])
def test_supported_versions(version):
    assert findings(dict(paas_version=version)) == []


@pytest.mark.parametrize("offset", [None, 0, 3600.0, -3600.0])
def test_a_clock_within_the_hour_or_unknown_is_no_finding(offset):
    assert findings(dict(clock_offset=offset)) == []


@pytest.mark.parametrize("runtime", ["docker", "command"])
def test_another_runtime_needs_no_unit(runtime):
    assert findings(dict(runtime=runtime, unit={})) == []


@pytest.mark.parametrize("facts,wanted", [
    (UWSGI, GENTLY), (dict(UWSGI, main_words=["gunicorn: master [wsgi:application]"]), GENTLY), (dict(UWSGI, runtime="docker", unit={}), GENTLY),
    # The unit's own ExecReload is believed; without an ESB that answers other findings say so.
    (dict(unit=GOOD["unit"], processes=MASTER), GENTLY), (dict(UWSGI, processes=None), GENTLY), (dict(consul_problem="refused"), {}),
    (dict(runtime="command"), OWN), (dict(consul_services=["a"], consul_others=1), dict(drain=True))])
def test_restarts_and_drains_that_will_work_are_no_finding(facts, wanted):
    assert findings(facts, wanted) == []


@pytest.mark.parametrize("facts,wanted,severity,what,remedy", [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_one_fault_is_one_finding(facts, wanted, severity, what, remedy):
    found = findings(facts, wanted)
    assert len(found) == 1, found
    assert found[0]["severity"] == severity
    assert what in found[0]["what"] and remedy in found[0]["remedy"]
    assert found[0]["what"].endswith(".") and found[0]["remedy"].endswith(".")


@pytest.mark.parametrize("service", [dict(SERVICE, mode="external", systemd=None, taken="x"), dict(SERVICE, mode="none", systemd=None, folder_problem="x"), {}])
def test_a_service_that_is_not_ours_to_keep_needs_no_systemd(service):
    assert findings(dict(ding_service=service)) == []


def test_messages_that_wait_for_an_installed_channel_are_no_finding():
    assert findings(dict(package_version="1.0.0", ding_service=dict(SERVICE, waiting=3))) == []


def test_all_faults_come_at_once():
    found = findings(dict(paas_version="2.11.9", free_mb={"/a": 1, "/b": 2}, usermgr_problem="Refused", stale=True, clock_offset=9999.0))
    problems, warnings = preflight.parted(found)
    assert (len(problems), len(warnings)) == (5, 1)


def test_facts_that_could_not_be_gathered_raise_nothing():
    bare = dict(esb_home="/x", esb_present=False, version_file="/v")
    assert [each["severity"] for each in preflight.findings(bare, WANTED)] == ["problem"] * 3
