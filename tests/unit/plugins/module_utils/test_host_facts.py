# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""host_facts.py and host_health.py: what they find out about files, units, containers, clocks and proxies."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import esb_python, host_facts, host_health

USUAL = list(host_facts.DINGTALK_URLS)
PARAMS = dict(runtime="auto", unit="bk-paas-esb.service", container="bk-paas-esb", engine="docker")
SHOWN = "LoadState=%s\nActiveState=%s\nUser=blueking\nCanReload=no\nMainPID=0\n"
NO_SYSTEMD = (127, "systemctl cannot be started (No such file or directory)")


class Commands:
    """Stands in for command(): what systemctl and the engine answer."""

    def __init__(self, systemctl=NO_SYSTEMD, engine=(127, "docker cannot be started")):
        self.answers = dict(systemctl=systemctl, docker=engine)
        self.words = []

    def __call__(self, words):
        self.words.append(words)
        return self.answers[words[0]]


def runtime(commands, **more):
    return host_facts.runtime(dict(PARAMS, **more), commands)


@pytest.mark.parametrize("systemctl,engine,found", [
    ((0, SHOWN % ("loaded", "active")), (0, ""), "systemd"),
    ((0, SHOWN % ("loaded", "inactive")), (0, ""), "docker"),
    ((0, SHOWN % ("loaded", "failed")), (1, "No such container"), "systemd"),
    ((0, SHOWN % ("not-found", "inactive")), (0, ""), "docker"),
    ((0, SHOWN % ("not-found", "inactive")), (1, "No such container"), None),
    (NO_SYSTEMD, (0, ""), "docker"),
    (NO_SYSTEMD, (127, "docker cannot be started"), None),
])
def test_how_the_esb_is_run_is_found_out(systemctl, engine, found):
    assert runtime(Commands(systemctl, engine))["runtime"] == found


def test_what_is_given_is_believed_and_looked_at():
    commands = Commands((0, SHOWN % ("not-found", "inactive")), (1, "No such container"))
    unit = dict(load="not-found", active="inactive", user="blueking", can_reload=False, main_pid=None)
    assert runtime(commands, runtime="systemd") == dict(runtime="systemd", unit=unit)
    assert runtime(commands, runtime="docker")["container_problem"] == "No such container"
    commands.words = []
    assert runtime(commands, runtime="command") == dict(runtime="command", unit={}) and commands.words == []


class FakeEsb:
    """What container() asks of an Esb, and changes in it."""

    def __init__(self, home="/data/bkee/open_paas/esb", inner_home=None):
        self.home, self.inner_home, self.words, self.in_container = home, inner_home or home, ["python"], False


MOUNTED = '4711 [{"Source":"%s","Destination":"/data/bkce/open_paas"},{"Source":"/data","Destination":"/mnt"}]'


@pytest.mark.parametrize("engine,given,inner,problem", [
    # bk-install mounts <home>/open_paas at /data/bkce/open_paas.
    ((0, MOUNTED % "/data/bkee/open_paas"), None, "/data/bkce/open_paas/esb", False),
    ((0, MOUNTED % "/data/bkee/open_paas/"), None, "/data/bkce/open_paas/esb", False),
    ((0, MOUNTED % "/data/bkee/open_paas/es"), None, "/mnt/bkee/open_paas/esb", False),
    ((0, MOUNTED % "/data/bkee/open_paas"), "/opt/esb", "/opt/esb", False),
    ((0, '4711 [{"Source":"/etc","Destination":"/etc"}]'), None, "/data/bkee/open_paas/esb", True),
    ((0, "4711 []"), None, "/data/bkee/open_paas/esb", False),
    ((0, "4711 nonsense"), None, "/data/bkee/open_paas/esb", False),
    ((1, "unknown flag"), None, "/data/bkee/open_paas/esb", False),
])
def test_what_a_container_sees(engine, given, inner, problem):
    esb = FakeEsb(inner_home=given)
    found = host_facts.container(esb, PARAMS, Commands(engine=engine))
    assert (esb.inner_home, bool(found.get("inner_home_problem"))) == (inner, problem)
    assert found["main_pid"] == (4711 if engine[0] == 0 else None) and esb.words == ["docker", "exec", "-i", "bk-paas-esb", "python"]


@pytest.mark.parametrize("inner,path,seen", [
    ("/data/bkce/open_paas/esb", "/data/bkee/logs/open_paas", "/data/bkce/logs/open_paas"),
    ("/data/bkce/open_paas/esb", "/data/bkee", "/data/bkce"),
    ("/data/bkce/open_paas/esb", "/var/log/esb", "/var/log/esb"),
    ("/opt/app", "/data/bkee/logs/open_paas", "/data/bkee/logs/open_paas"),
    (None, "/data/bkee/logs/open_paas", "/data/bkee/logs/open_paas"),
])
def test_other_paths_in_a_container_follow_the_esbs_folder(inner, path, seen):
    params = dict((name, option.get("default")) for name, option in esb_python.OPTIONS.items())
    assert esb_python.Esb(dict(params, bk_home="/data/bkee", esb_inner_home=inner)).inside(path) == seen


@pytest.mark.parametrize("mode,runtime,kept", [
    ("auto", "systemd", "systemd"), ("auto", "docker", "systemd"), ("auto", "command", "none"), ("auto", None, "none"), ("none", "systemd", "none"),
    ("external", "docker", "external"), ("systemd", "command", "systemd")])
def test_what_keeps_the_service_follows_from_what_runs_the_esb(tmpdir, mode, runtime, kept):
    params = dict((name, option.get("default")) for name, option in esb_python.OPTIONS.items())
    esb = esb_python.Esb(dict(params, bk_home=str(tmpdir)))
    found = host_facts.ding_service(esb, dict(runtime=runtime), dict(
        service_mode=mode, service_unit="ding-none.service", service_folder=str(tmpdir), unit="esb.service"))
    assert (found["mode"], found["waiting"], found["owner"]) == (kept, 0, None)


@pytest.mark.parametrize("mode,text,differs", [
    ("systemd", None, True), ("systemd", "wanted", False), ("systemd", "another", True), ("external", None, False), ("none", "wanted", True)])
def test_the_unit_is_compared_with_what_an_installation_would_write(tmpdir, monkeypatch, mode, text, differs):
    params = dict((name, option.get("default")) for name, option in esb_python.OPTIONS.items())
    tmpdir.mkdir("open_paas").mkdir("esb")
    esb = esb_python.Esb(dict(params, bk_home=str(tmpdir)))
    desired = dict(text=u"wanted", mode=0o644, enabled=True, active=True)
    monkeypatch.setattr(host_facts.service_host.Unit, "state", lambda unit: dict(desired, text=text) if text else None)
    monkeypatch.setattr(host_facts.service_host.Unit, "version", lambda unit: 252)
    monkeypatch.setattr(host_facts.service_host.Unit, "taken", lambda unit: "")
    monkeypatch.setattr(host_facts.service_host, "desired", lambda *_: desired)
    found = host_facts.ding_service(esb, dict(runtime="systemd"), dict(
        service_mode=mode, service_unit="ding-none.service", service_folder=str(tmpdir), unit="esb.service"))
    assert (found["kept"], found["differs"]) == (text is not None, differs)


def test_whether_a_program_can_be_started(tmpdir, monkeypatch):
    tmpdir.join("esb-again").write("#!/bin/sh\n")
    monkeypatch.setenv("PATH", str(tmpdir))
    assert "no program esb-again" in host_facts.command_problem("esb-again")
    tmpdir.join("esb-again").chmod(0o755)
    assert host_facts.command_problem("esb-again") == host_facts.command_problem(str(tmpdir.join("esb-again"))) == ""
    assert "no program /x/y" in host_facts.command_problem("/x/y")


def test_a_command_that_is_not_there_or_fails_is_a_sentence():
    assert host_facts.command(["ding-no-such-program"]) == (127, "ding-no-such-program cannot be started (No such file or directory)")
    assert host_facts.command(["sh", "-c", "echo out; echo err >&2; exit 3"]) == (3, "out\nerr")


def test_a_command_has_a_limit(monkeypatch):
    monkeypatch.setattr(host_facts, "COMMAND_SECONDS", 0.2)
    assert host_facts.command(["sleep", "30"])[0] < 0


@pytest.mark.parametrize("date,now,offset", [
    ("Thu, 01 Jan 1970 01:00:00 GMT", 3600.0, 0.0), ("Thu, 01 Jan 1970 01:00:00 GMT", 7300.5, 3700.5), ("", 1.0, None), ("yesterday", 1.0, None),
    (u"Thu, 01 Jan 1970 01:00:00 GMT", 0.0, -3600.0)])
def test_the_clock_is_compared_with_a_date(date, now, offset):
    assert host_facts.offset(date, now) == offset


def test_a_proxy_is_in_the_environment_only_while_it_is_used(monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://other:1")
    monkeypatch.setenv("no_proxy", "*")
    before = dict(os.environ)
    with host_facts.proxied("http://me:not-a-password@10.0.0.9:3128") as secrets:
        assert os.environ["https_proxy"] == os.environ["http_proxy"] == "http://me:not-a-password@10.0.0.9:3128"
        assert "HTTPS_PROXY" not in os.environ and "no_proxy" not in os.environ
        assert "not-a-password" in secrets
    assert dict(os.environ) == before
    with host_facts.proxied(None) as secrets:
        assert secrets == [] and dict(os.environ) == before


@pytest.mark.parametrize("proxy,shown", [
    ("http://a:b@10.0.0.9:3128", "http://10.0.0.9:3128"), ("http://10.0.0.9", "http://10.0.0.9"), ("a:b", "that was given")])
def test_a_proxy_is_shown_without_its_password(proxy, shown):
    assert host_facts.without_password(proxy) == shown


def test_what_cannot_be_written_to_is_said(tmpdir):
    assert host_facts.not_writable(str(tmpdir)) == ""
    assert host_facts.not_writable(str(tmpdir.join("none"))) == "it is not there"
    tmpdir.join("file").write("")
    assert host_facts.not_writable(str(tmpdir.join("file"))) == "it is not a folder"
    assert host_facts.existing(str(tmpdir.join("a", "b", "c"))) == str(tmpdir)


def test_a_file_system_that_is_mounted_read_only_is_no_place(tmpdir, monkeypatch):
    statvfs = os.statvfs(str(tmpdir))
    monkeypatch.setattr(os, "statvfs", lambda path: type("Seen", (), dict(f_flag=statvfs.f_flag | host_facts.READ_ONLY)))
    assert "mounted read-only" in host_facts.not_writable(str(tmpdir))


def test_the_first_line_of_a_file_and_the_versions(tmpdir):
    src, home = tmpdir.mkdir("src"), tmpdir.mkdir("open_paas").mkdir("esb")
    params = dict(src_home=str(src), paas_version=None, controller_version="2.14.1")

    def found():
        return host_facts.versions(str(home), params)["paas_version"]

    assert found() == "2.14.1"
    tmpdir.join("open_paas", "VERSION").write("2.13.1\n")
    assert found() == "2.13.1"
    src.mkdir("open_paas").join("VERSION").write("2.12.25\nmore\n")
    assert found() == "2.12.25"
    assert host_facts.versions(str(home), dict(params, paas_version="2.12.0"))["paas_version"] == "2.12.0"
    assert host_facts.versions(str(home), params)["esb_version"] is None


def test_generations_by_the_files_of_the_tree(tmpdir):
    home = str(tmpdir)
    assert host_health.generation(home) is None
    models = tmpdir.mkdir("esb").mkdir("bkcore").join("models.py")
    models.write("class ESBChannel:\n    comp_conf = models.TextField()\n")
    assert host_health.generation(home) is None
    models.write("class ESBChannel:\n    config = JSONField()\n")
    assert host_health.generation(home) == "v7"
    tmpdir.join("esb").mkdir("exdb")
    assert host_health.generation(home) == "v6"


def test_the_package_that_lies_there(tmpdir):
    apis = str(tmpdir)
    assert host_health.package_version(apis) is None and host_health.package_files(apis) == []
    place = tmpdir.mkdir("ding_blueking").mkdir("toolkit")
    place.join("version.py").write('"""x"""\n__version__ = "1.2.3"\n')
    place.join("version.pyc").write("")
    assert host_health.package_version(apis) == "1.2.3"
    assert host_health.package_files(apis) == [str(place.join("version.py"))]


@pytest.mark.parametrize("stored, proxy, urls, names", [
    ({}, "", USUAL, []),
    ({"oapi_url": "https://oapi.dingtalk.io", "api_url": "https://api.dingtalk.com", "proxy": "http://10.0.0.9:3128"}, None, USUAL, ["oapi_url", "proxy"]),
    # What is given is stored by configure, so it is what will be used.
    ({"oapi_url": "https://oapi.dingtalk.io", "proxy": "http://10.0.0.9:3128"}, "http://10.0.0.8:3128", ["https://oapi.here", USUAL[1]], []),
    ({"proxy": "http://10.0.0.9:3128"}, "", [], []),
])
def test_settings_that_nobody_names_are_named(stored, proxy, urls, names):
    assert host_facts.kept(stored, dict(dingtalk_urls=urls, proxy=proxy)) == names
