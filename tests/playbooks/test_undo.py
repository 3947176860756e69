"""rollback.yml and uninstall.yml leave hosts, control host and database as they were before."""

import shutil

import pytest

from playkit.player import ROOT
from playkit.site import ROBOTS, difference

CONFIRMED = {"ding_confirm": True}
PACKAGE = ROOT / "files" / "components" / "ding_blueking"
ASKED = "Not confirmed, so nothing was changed"


def back(before, now):
    """What differs in files and rows, the copies on the control host among them."""
    return difference({part: before[part] for part in ("files", "rows")}, {part: now[part] for part in ("files", "rows")})


def serving(site):
    """Every host serves, without the channel."""
    return all(site.serves(name) and site.lists_ding(name) is None for name in site.names())


@pytest.fixture
def newer(tmp_path):
    """The package with one more line in it: an upgrade."""
    shutil.copytree(PACKAGE, tmp_path / "ding_blueking", ignore=shutil.ignore_patterns("__pycache__"))
    with open(tmp_path / "ding_blueking" / "toolkit" / "text.py", "a", encoding="utf-8") as text:
        text.write("\n# newer\n")
    return tmp_path / "ding_blueking"


@pytest.mark.every_target
def test_a_rollback_to_pristine_is_the_inverse_of_an_install(installed, story, play):
    run = play("rollback", extra={"ding_backup": "pristine", **CONFIRMED})
    assert run.rc == 0, run
    assert back(story.start, installed.state()) == [] and serving(installed) and installed.leases() == {}
    for host in installed.names():
        assert not set(installed.pids(host).items()) & set(story.pids[host].items())
    assert set(ROBOTS) <= set(installed.users())
    pids = installed.every_pid()
    again = play("rollback", extra={"ding_backup": "pristine", **CONFIRMED})
    assert again.rc == 0 and again.total("changed") == 0 and installed.every_pid() == pids, again.changed()


def test_a_rollback_asks_and_goes_to_latest_or_to_a_name(installed, story, play, newer):
    run = play("install", extra={"ding_package_src": str(newer)})
    assert run.rc == 0 and len(installed.backup_names("paas1")) == 2, run
    upgraded, pids = installed.state(), installed.every_pid()
    for refused in (play("rollback", answer="no"), play("rollback")):
        assert refused.rc != 0 and ASKED in refused.stdout
        assert difference(upgraded, installed.state()) == [] and installed.every_pid() == pids
    run = play("rollback", answer="yes")
    assert run.rc == 0 and back(story.installed, installed.state()) == [], run
    assert installed.lists_ding("paas1") is True and installed.lists_ding("paas2") is True
    again = play("rollback", extra=CONFIRMED)
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    first = installed.backup_names("paas2")[0].replace(".tar.gz", "")
    run = play("rollback", extra={"ding_backup": first, **CONFIRMED})
    assert run.rc == 0 and back(story.start, installed.state()) == [] and serving(installed), run


@pytest.mark.whole
def test_the_latest_is_not_the_backup_of_a_run_that_only_repaired_a_copy(installed, story, play):
    shutil.rmtree(installed.control_host.src_home / "open_paas" / "esb" / "components" / "generic" / "apis" / "ding_blueking")
    run = play("install")
    assert run.rc == 0 and run.changed("paas2") == [] and len(installed.backup_names("paas1")) == 1, run
    run = play("rollback", extra=CONFIRMED)
    assert run.rc == 0 and back(story.start, installed.state()) == [] and serving(installed), run


def test_a_rollback_without_such_a_backup_says_which_there_are(installed, story, play):
    run = play("rollback", extra={"ding_backup": "20200101T000000Z", **CONFIRMED})
    assert run.rc != 0 and story.installed["backups"]["paas1"][0].replace(".tar.gz", "") in run.stdout
    assert difference(story.installed, installed.state()) == []


def test_an_uninstall_takes_everything_away_but_robots_and_backups(installed, story, play):
    check = play("uninstall", check=True, diff=True)
    run = play("uninstall", diff=True)
    assert run.rc == 0, run
    assert back(story.start, installed.state()) == [] and serving(installed) and installed.leases() == {}
    assert difference(story.installed["users"], installed.users()) == []
    assert set(story.installed["backups"]["paas1"]) < set(installed.backup_names("paas1"))
    hidden = ("Restart | ", "Install | Record")
    assert sorted(key for key in check.changes() if not key[0].startswith(hidden)) == sorted(key for key in run.changes() if not key[0].startswith(hidden))
    pids = installed.every_pid()
    again = play("uninstall")
    assert again.rc == 0 and again.total("changed") == 0 and installed.every_pid() == pids, again.changed()


@pytest.fixture
def late(installed):
    """The words of a command that does what a worker on Python 3 does that has read a source before it went: it writes its byte code."""
    place = installed.world.host("paas1").esb_home / "components" / "generic" / "apis" / "ding_blueking" / "toolkit" / "__pycache__"
    return ["sh", "-c", 'mkdir -p "$0" && echo late > "$0/text.cpython-36.pyc"', str(place)]


def test_byte_code_that_comes_behind_the_files_is_taken_away(installed, story, play, late):
    run = play("uninstall", fault=("Install | Take the files away", "paas1", 1, late))
    assert run.rc == 0 and back(story.start, installed.state()) == [] and serving(installed), run
    again = play("uninstall")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


def test_it_is_taken_away_too_where_the_removal_was_killed_before_its_restart(installed, story, play, late):
    killed = play("uninstall", fault=("Restart | Restart the ESB", "paas1", 1, "kill"))
    assert killed.rc == -9, killed
    run = play("uninstall", fault=("Install | Take the files away", "paas1", 1, late))
    assert "Install | Take the files away" not in run.changed("paas1")
    assert run.rc == 0 and back(story.start, installed.state()) == [] and serving(installed), run


def test_byte_code_that_comes_behind_a_rollback_is_taken_away(installed, story, play, late):
    run = play("rollback", extra={"ding_backup": "pristine", **CONFIRMED}, fault=("Rollback | Bring the files back", "paas1", 1, late))
    assert run.rc == 0 and back(story.start, installed.state()) == [] and serving(installed), run
    again = play("rollback", extra={"ding_backup": "pristine", **CONFIRMED})
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


@pytest.mark.whole
def test_an_uninstall_can_delete_the_robots_and_a_rollback_brings_the_channel_again(installed, story, play):
    run = play("uninstall", extra={"ding_remove_robots": True})
    assert run.rc == 0 and back(story.start, installed.state()) == [], run
    assert difference(story.start["users"], installed.users()) == []
    again = play("uninstall", extra={"ding_remove_robots": True})
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    run = play("rollback", extra=CONFIRMED)
    assert run.rc == 0 and back(story.installed, installed.state()) == [], run
    assert installed.lists_ding("paas1") is True and installed.lists_ding("paas2") is True
