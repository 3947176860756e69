# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""service_host.py: from one state of the unit to another with the fewest words to systemctl, and the states beside the backups."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import pwd
import stat

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import esb_python, service_host, service_unit
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

UNIT = "bk-paas-esb-ding.service"
OURS = service_unit.MARK + "\n[Unit]\n"
FULL = dict(text=OURS, mode=0o644, enabled=True, active=True)


class Systemd:
    """Stands in for systemctl: knows one unit's values, and writes down what it is told."""

    def __init__(self, **values):
        self.values = dict(dict(LoadState="loaded", ActiveState="active", UnitFileState="enabled", FragmentPath=""), **values)
        self.told, self.fails = [], ()

    def __call__(self, words):
        if words[0] == "show" and words[-1] == "Version":
            return 0, "Version=252 (252.39-1~deb12u2)"
        if words[0] == "show":
            return 0, "\n".join("%s=%s" % pair for pair in self.values.items())
        self.told.append(" ".join(words).replace(" " + UNIT, ""))
        return (1, "it broke") if words[0] in self.fails else (0, "")


@pytest.fixture
def folder(tmpdir):
    return tmpdir


def unit(folder, systemd=None):
    return service_host.Unit(UNIT, str(folder), systemd or Systemd())


def put(folder, text=OURS, mode=0o644):
    folder.join(UNIT).write(text)
    folder.join(UNIT).chmod(mode)


@pytest.mark.parametrize("now,wanted,told", [
    (None, FULL, ["daemon-reload", "enable", "start"]),
    (FULL, FULL, []),
    (dict(FULL, text=OURS + "#old"), FULL, ["stop", "daemon-reload", "reenable", "start"]),
    (dict(FULL, mode=0o600), FULL, ["stop", "daemon-reload", "reenable", "start"]),
    (dict(FULL, enabled=False), FULL, ["enable"]),
    (dict(FULL, active=False), FULL, ["daemon-reload", "start"]),
    (FULL, dict(FULL, active=False), ["stop"]),
    (FULL, dict(FULL, enabled=False), ["disable"]),
    (FULL, None, ["stop", "disable", "daemon-reload", "reset-failed"]),
    (dict(FULL, enabled=False), None, ["stop", "daemon-reload", "reset-failed"]),
    (None, None, []),
])
def test_each_change_takes_what_it_needs_and_no_more(folder, now, wanted, told):
    if now:
        put(folder, now["text"], now["mode"])
    systemd = Systemd()
    unit(folder, systemd).become(now, wanted)
    assert systemd.told == told
    path = folder.join(UNIT)
    assert path.check() == (wanted is not None) and len(folder.listdir()) == (wanted is not None)
    if wanted:
        assert path.read() == wanted["text"] and stat.S_IMODE(os.stat(str(path)).st_mode) == wanted["mode"]


def test_a_fault_of_systemctl_is_a_sentence(folder):
    systemd = Systemd()
    systemd.fails = ("start",)
    with pytest.raises(Problem) as told:
        unit(folder, systemd).become(None, FULL)
    assert "systemctl start %s ended with 1: it broke. journalctl -n 20 -u %s" % (UNIT, UNIT) in str(told.value)


@pytest.mark.parametrize("active,runs", [("active", True), ("activating", True), ("inactive", False), ("failed", False)])
def test_a_unit_between_two_starts_counts_as_running(folder, active, runs):
    put(folder)
    assert unit(folder, Systemd(ActiveState=active)).state() == dict(text=OURS, mode=0o644, enabled=True, active=runs)


def test_without_a_unit_file_systemctl_is_not_asked(folder):
    def nobody(words):
        raise AssertionError(words)

    assert unit(folder, nobody).state() is None


def test_what_is_not_ours_is_no_state_of_ours_and_takes_the_name(folder):
    put(folder, "[Unit]\n")
    assert unit(folder).state() is None and "is there already" in unit(folder).taken()


def test_a_masked_name_and_one_of_a_package_are_taken(folder):
    assert "masked" in unit(folder, Systemd(LoadState="masked")).taken()
    folder.join(UNIT).mksymlinkto("/dev/null")
    assert "is there already" in unit(folder).taken()
    folder.join(UNIT).remove()
    assert "/usr/lib/systemd/system/x" in unit(folder, Systemd(FragmentPath="/usr/lib/systemd/system/x")).taken()
    assert unit(folder, Systemd(LoadState="not-found")).taken() == ""
    put(folder)
    assert unit(folder, Systemd(FragmentPath=str(folder.join(UNIT)))).taken() == ""


@pytest.mark.parametrize("said,version", [("Version=252 (252.39-1~deb12u2)", 252), ("Version=systemd 219", 219), ("Version=219", 219), ("", None)])
def test_systemds_version_is_a_number(folder, said, version):
    assert service_host.Unit(UNIT, str(folder), lambda words: (0, said)).version() == version
    assert service_host.Unit(UNIT, str(folder), lambda words: (1, said)).version() is None


@pytest.mark.parametrize("state", [FULL, None])
def test_a_saved_state_comes_back(tmpdir, state):
    service_host.save(str(tmpdir), "20260101T000000Z", UNIT, state)
    assert service_host.saved(str(tmpdir), "20260101T000000Z") == ((UNIT, state) if state else (None, None))
    assert stat.S_IMODE(os.stat(str(tmpdir.join("service"))).st_mode) == 0o700


def test_a_backup_without_a_saved_state_had_no_unit(tmpdir):
    assert service_host.saved(str(tmpdir), "20260101T000000Z") == (None, None)


def test_saved_states_go_with_their_backups(tmpdir):
    for name in ("20260101T000000Z", "20260102T000000Z", "20260103T000000Z"):
        tmpdir.join(name + ".tar.gz").write("")
        service_host.save(str(tmpdir), name, UNIT, FULL)
    tmpdir.join("20260101T000000Z.tar.gz").remove()
    service_host.save(str(tmpdir), "20260104T000000Z", UNIT, None)
    assert sorted(path.basename for path in tmpdir.join("service").listdir()) == [
        "20260102T000000Z.json", "20260103T000000Z.json", "20260104T000000Z.json"]


def test_a_backup_that_is_used_again_has_the_state_before_the_later_run(tmpdir):
    service_host.save(str(tmpdir), "20260101T000000Z", UNIT, None)
    service_host.save(str(tmpdir), "20260101T000000Z", UNIT, FULL)
    assert service_host.saved(str(tmpdir), "20260101T000000Z") == (UNIT, FULL)


def test_a_unit_of_ours_under_another_name_is_found_and_removed(folder):
    script = "/data/bkce/open_paas/esb/components/generic/apis/ding_blueking/_service.py"
    text = OURS + "ExecStart=/usr/bin/python -B %s\n" % script
    for name, content in ((UNIT, text), ("before.service", text), ("elsewhere.service", OURS + "ExecStart=/other/_service.py\n"),
                          ("site.service", "ExecStart=" + script), (".hidden.service", text), ("no-unit.txt", text)):
        folder.join(name).write(content)
    systemd = Systemd()
    others = unit(folder, systemd).others(script)
    assert [each.name for each in others] == ["before.service"]
    others[0].remove()
    assert not folder.join("before.service").check() and folder.join(UNIT).check()
    assert "stop before.service" in systemd.told


def test_a_spoilt_saved_state_is_not_taken_for_none(tmpdir):
    service_host.save(str(tmpdir), "20260101T000000Z", UNIT, FULL)
    tmpdir.join("service", "20260101T000000Z.json").write("{")
    with pytest.raises(Problem) as told:
        service_host.saved(str(tmpdir), "20260101T000000Z")
    assert "cannot be read" in str(told.value)


def esb(tmpdir, **more):
    tmpdir.ensure("bkee", "open_paas", "esb", dir=True)
    params = dict((name, option.get("default")) for name, option in esb_python.OPTIONS.items())
    return esb_python.Esb(dict(params, bk_home=str(tmpdir.join("bkee")), **more))


def test_the_service_is_placed_beside_the_esb_with_its_user(tmpdir):
    place = service_host.place(esb(tmpdir))
    home = str(tmpdir.join("bkee"))
    assert place.python == [home + "/.envs/open_paas-esb/bin/python"] and place.engine == []
    assert place.script == home + "/open_paas/esb/components/generic/apis/ding_blueking/_service.py"
    assert place.user == pwd.getpwuid(os.stat(str(tmpdir)).st_uid).pw_name
    assert place.environment == dict(BK_ENV="production", BK_FILE_PATH=home + "/open_paas/cert/saas_priv.txt", PAAS_LOGGING_DIR=home + "/logs/open_paas")


def test_in_a_container_all_paths_are_as_it_sees_them(tmpdir):
    place = service_host.place(esb(tmpdir, esb_python=["/usr/bin/docker", "exec", "-i", "bk-paas-esb", "python"], esb_inner_home="/data/bkce/open_paas/esb"),
                               "1000:1000")
    assert place.engine == ["/usr/bin/docker", "bk-paas-esb"] and place.python == ["python"] and place.owner == "1000:1000"
    assert place.script == "/data/bkce/open_paas/esb/components/generic/apis/ding_blueking/_service.py"
    assert place.environment["PAAS_LOGGING_DIR"] == "/data/bkce/logs/open_paas"


def test_a_program_is_found_on_the_path(tmpdir, monkeypatch):
    tmpdir.join("docker").write("#!/bin/sh\n")
    tmpdir.join("docker").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmpdir))
    assert service_host.program("docker") == str(tmpdir.join("docker"))
    assert service_host.program("/usr/bin/docker") == "/usr/bin/docker" and service_host.program("podman") == "podman"
