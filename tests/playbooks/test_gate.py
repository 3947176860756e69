"""A host whose ESB does not become healthy goes back, and no further host is touched."""

import shutil

import pytest

from playkit.player import ROOT
from playkit.site import difference

PACKAGE = ROOT / "files" / "components" / "ding_blueking"
PLACE, GATE = "Install | Put package and block in place", "Restart | Wait until new workers serve, as healthy as before"


def without_backups(state):
    return {part: state[part] for part in ("files", "rows", "users", "leases")}


@pytest.mark.every_target
def test_a_package_that_cannot_be_imported_is_taken_back(virgin, play, tmp_path):
    broken = tmp_path / "ding_blueking"
    shutil.copytree(PACKAGE, broken, ignore=shutil.ignore_patterns("__pycache__"))
    with open(broken / "send_ding.py", "a", encoding="utf-8") as component:
        component.write("\nraise RuntimeError('broken on purpose')\n")
    pids = virgin.every_pid()
    run = play("install", extra={"ding_package_src": str(broken), "ding_health_timeout": 10})
    assert run.rc != 0
    assert difference(without_backups(virgin.start), without_backups(virgin.state())) == []
    assert virgin.serves("paas1") and virgin.lists_ding("paas1") is None and virgin.pids("paas1") != pids["paas1"]
    assert virgin.pids("paas2") == pids["paas2"]
    told = run.failures("paas1")[-1].msg
    for words in ("paas1 failed at", "broken on purpose", "Its files are back", "Not touched: paas2", "database and settings were not touched"):
        assert words in told, told


def test_a_restart_command_that_fails_leaves_the_files_as_they_were(virgin, play):
    pids = virgin.every_pid()
    run = play("install", extra={"ding_restart_command": ["/bin/false"]})
    assert run.rc != 0
    assert difference(without_backups(virgin.start), without_backups(virgin.state())) == [] and virgin.every_pid() == pids
    told = run.failures("paas1")[-1].msg
    for words in ("/bin/false", "ITS FILES ARE BACK", "rollback.yml", "Not touched: paas2"):
        assert words in told, told


@pytest.mark.parametrize("task", [pytest.param(PLACE, marks=pytest.mark.whole), GATE])
def test_when_the_second_host_fails_the_first_keeps_the_new_code(virgin, story, play, task):
    run = play("install", fault=(task, "paas2", 1, "fail"))
    assert run.rc != 0
    now = virgin.state()
    assert difference(story.installed["files"]["paas1"], now["files"]["paas1"]) == []
    assert difference(virgin.start["files"]["paas2"], now["files"]["paas2"]) == []
    assert difference(virgin.start["rows"], now["rows"]) == [] and now["leases"] == []
    assert virgin.serves("paas2") and virgin.lists_ding("paas2") is None and virgin.lists_ding("paas1") is False
    told = run.failures("paas2")[-1].msg
    for words in ('paas2 failed at "%s"' % task, "a fault of the tests", "Its files are back", "paas1, which had a turn before"):
        assert words in told, told
    if task == GATE:
        again = play("install")
        assert again.rc == 0 and difference(story.installed["files"], virgin.state()["files"]) == [], again
        # The second run's backup has the code on one host only.
        newest = play("rollback", extra={"ding_confirm": True})
        assert newest.rc != 0 and "would leave the hosts in different states: paas1: 1.0.0, paas2: without the channel" in newest.stdout, newest
        assert difference(story.installed["files"], virgin.state()["files"]) == []
        back = play("rollback", extra={"ding_backup": "pristine", "ding_confirm": True})
        assert back.rc == 0 and difference(virgin.start["files"], virgin.state()["files"]) == [], back
        assert difference(virgin.start["rows"], virgin.rows()) == []
