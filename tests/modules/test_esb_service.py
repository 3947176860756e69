"""ding.blueking.esb_service: the unit as predicted, once, and gone again; what is not ours stays. With the stand-in for systemctl."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from modulekit.tasks import Task

MODULE = "ding.blueking.esb_service"
UNIT = "bk-paas-esb-ding.service"
PROGRAMS = Path(__file__).resolve().parents[1] / "playbooks" / "standins" / "programs.py"
NAME = "20260101T000000Z"


class Host:
    """A home with an ESB's folder, a systemctl, and a folder of units."""

    def __init__(self, place):
        self.home, self.units, self.registry, self.backups = place / "bkce", place / "units", place / "registry", place / "backup"
        self.program = place / "bin" / "systemctl"
        for folder in (self.home / "open_paas" / "esb", self.home / ".envs" / "open_paas-esb" / "bin", self.units, self.registry, self.backups, place / "bin"):
            folder.mkdir(parents=True)
        self.package = self.home / "open_paas" / "esb" / "components" / "generic" / "apis" / "ding_blueking"
        self.package.mkdir(parents=True)
        (self.package / "_service.py").touch()
        (self.registry / "units").write_text(str(self.units), "utf-8")
        (self.registry / "calls").touch()
        self.script(self.home / ".envs" / "open_paas-esb" / "bin" / "python", "exec sleep 600")
        self.script(self.program, 'exec %s %s systemctl %s "$@"' % tuple(map(shlex.quote, (sys.executable, str(PROGRAMS), str(self.registry)))))
        self.environment = {"PATH": os.pathsep.join([str(place / "bin"), "/usr/bin", "/bin"])}

    @staticmethod
    def script(path, line):
        path.write_text("#!/bin/sh\n%s\n" % line, "utf-8")
        path.chmod(0o755)

    def arguments(self, **more):
        return dict({"bk_home": str(self.home), "folder": str(self.units), "dir": str(self.backups)}, **more)

    def value(self, name, unit=UNIT):
        said = subprocess.run([self.program, "show", "--no-pager", "-p", name, "--", unit], check=True, capture_output=True, text=True,
                              env={**os.environ, **self.environment}).stdout
        return said.strip().partition("=")[2]

    def calls(self):
        found = [json.loads(line) for line in (self.registry / "calls").read_text("utf-8").splitlines()]
        return [words[0] for words in found if words[0] != "show"]


@pytest.fixture
def host(tmp_path):
    found = Host(tmp_path)
    yield found
    subprocess.run([found.program, "stop", UNIT], check=False, capture_output=True, env={**os.environ, **found.environment})


@pytest.mark.every_target
def test_the_unit_comes_as_predicted_and_goes_again(ansible, host):
    come = ansible.parity(MODULE, host.arguments(), environment=host.environment)
    path = host.units / UNIT
    assert come.changed and path.stat().st_mode & 0o777 == 0o644 and host.calls() == ["daemon-reload", "enable", "start"]
    assert come.data["service"] == {"path": str(path), "mode": "0644", "enabled": True, "active": True}
    text = path.read_text("utf-8")
    assert "ExecStart=%s -B %s/components/generic/apis/ding_blueking/_service.py\n" % (
        host.home / ".envs" / "open_paas-esb" / "bin" / "python", host.home / "open_paas" / "esb") in text
    assert host.value("ActiveState") == "active" and host.value("UnitFileState") == "enabled"
    gone = ansible.parity(MODULE, host.arguments(state="absent"), environment=host.environment)
    assert gone.changed and list(host.units.iterdir()) == [] and host.value("LoadState") == "not-found"


def test_what_somebody_changed_stopped_or_disabled_is_put_right(ansible, host):
    assert ansible.run(MODULE, host.arguments(), environment=host.environment).changed
    path = host.units / UNIT
    path.write_text(path.read_text("utf-8") + "\n", "utf-8")
    assert ansible.parity(MODULE, host.arguments(), environment=host.environment).changed
    assert host.calls()[-4:] == ["stop", "daemon-reload", "reenable", "start"]
    for word in ("stop", "disable"):
        subprocess.run([host.program, word, UNIT], check=True, env={**os.environ, **host.environment})
    assert ansible.parity(MODULE, host.arguments(), environment=host.environment).changed
    assert host.value("ActiveState") == "active" and host.value("UnitFileState") == "enabled"


def test_what_is_not_ours_is_refused_and_stays(ansible, host):
    (host.units / UNIT).write_text("[Unit]\nDescription=the site's own\n", "utf-8")
    results = ansible.run_many([Task(MODULE, host.arguments(**more), environment=host.environment) for more in (
        {}, {"state": "absent"}, {"state": "saved", "backup": NAME}, {"state": "restored", "backup": NAME})])
    assert results[0].failed and "is there already, and not ours" in results[0].msg
    assert [(result.failed, result.changed) for result in results[1:]] == [(False, False)] * 3
    assert (host.units / UNIT).read_text("utf-8") == "[Unit]\nDescription=the site's own\n"


def test_without_systemd_it_says_what_to_set_and_absent_needs_none(ansible, host):
    host.script(host.program, "echo 'System has not been booted with systemd as init system' >&2; exit 1")
    results = ansible.run_many([Task(MODULE, host.arguments(**more), environment=host.environment) for more in (
        {}, {"state": "absent"}, {"state": "saved", "backup": NAME}, {"state": "restored", "backup": NAME})])
    assert results[0].failed and "ding_service_mode" in results[0].msg
    assert [(result.failed, result.changed) for result in results[1:]] == [(False, False)] * 3


@pytest.mark.every_target
def test_a_saved_state_comes_back_and_none_is_none_again(ansible, host):
    assert not ansible.run(MODULE, host.arguments(state="saved", backup=NAME), environment=host.environment).changed
    ansible.run(MODULE, host.arguments(), environment=host.environment)
    subprocess.run([host.program, "disable", UNIT], check=True, env={**os.environ, **host.environment})
    assert not ansible.run(MODULE, host.arguments(state="saved", backup=NAME.replace("01T", "02T")), environment=host.environment).changed
    text = (host.units / UNIT).read_text("utf-8")
    assert ansible.parity(MODULE, host.arguments(state="restored", backup=NAME), environment=host.environment).changed
    assert list(host.units.iterdir()) == []
    again = ansible.parity(MODULE, host.arguments(state="restored", backup=NAME.replace("01T", "02T")), environment=host.environment)
    assert again.changed and (host.units / UNIT).read_text("utf-8") == text
    assert host.value("ActiveState") == "active" and host.value("UnitFileState") == "disabled"


def test_a_unit_under_another_name_gives_way_and_comes_back(ansible, host):
    """Two of them would fight for one lock: ding_service_unit was changed in the inventory."""
    other = {"unit": "dingtalk-queue.service"}
    ansible.run(MODULE, host.arguments(), environment=host.environment)
    text = (host.units / UNIT).read_text("utf-8")
    assert not ansible.run(MODULE, host.arguments(state="saved", backup=NAME, **other), environment=host.environment).changed
    renamed = ansible.parity(MODULE, host.arguments(**other), environment=host.environment)
    assert renamed.changed and [path.name for path in host.units.glob("*.service")] == [other["unit"]]
    assert host.value("ActiveState", other["unit"]) == "active" and host.value("ActiveState") != "active"
    assert not ansible.run(MODULE, host.arguments(**other), environment=host.environment).changed
    back = ansible.parity(MODULE, host.arguments(state="restored", backup=NAME, **other), environment=host.environment)
    assert back.changed and {path.name: path.read_text("utf-8") for path in host.units.glob("*.service")} == {UNIT: text}
    assert host.value("ActiveState") == "active"
    assert ansible.parity(MODULE, host.arguments(state="absent", **other), environment=host.environment).changed
    assert list(host.units.iterdir()) == []


def test_a_unit_whose_program_is_gone_is_nothing_to_come_back_to(ansible, host):
    """A platform upgrade wipes the ESB's folder, and the unit ends and starts every second."""
    ansible.run(MODULE, host.arguments(), environment=host.environment)
    (host.package / "_service.py").unlink()
    ansible.run(MODULE, host.arguments(state="saved", backup=NAME), environment=host.environment)
    back = ansible.parity(MODULE, host.arguments(state="restored", backup=NAME), environment=host.environment)
    assert back.changed and back.data["service"] is None and list(host.units.iterdir()) == []


def test_around_a_container_the_unit_enters_it(ansible, host):
    engine = host.program.parent / "docker"
    host.script(engine, "exec sleep 600")
    words = ["docker", "exec", "-i", "bk-paas-esb", "python"]
    check = ansible.run(MODULE, host.arguments(esb_python=words, esb_inner_home="/data/bkce/open_paas/esb", owner="1000:1000"),
                        check=True, environment=host.environment)
    lines = check.data["diff"][0]["after"].splitlines()
    entered = "%s exec --env BK_ENV=production --env BK_FILE_PATH=/data/bkce/open_paas/cert/saas_priv.txt " % engine
    entered += "--env PAAS_LOGGING_DIR=/data/bkce/logs/open_paas --user 1000:1000 bk-paas-esb python -B "
    package = "/data/bkce/open_paas/esb/components/generic/apis/ding_blueking/"
    assert "ExecStart=" + entered + package + "_service.py" in lines and "ExecStop=-" + entered + package + "_service_stop.py" in lines
