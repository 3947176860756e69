"""The controller is killed at any point: a plain re-run completes the install, and a rollback is still its inverse."""

import pytest

from playkit.site import difference

CONFIRMED = {"ding_backup": "pristine", "ding_confirm": True}
PLACE, REGISTER = "Install | Put package and block in place", "Register | Add the channels' rows, and see that they are there"
# One point for each role, in the order in which an install comes to them.
POINTS = ["Preflight | Look at the host, its ESB, and what it can reach", "Install | Plan the files",
          "Backup | Back up the custom components and the channel's rows", PLACE, "Restart | Restart the ESB", REGISTER,
          "Configure | Store the channels' settings", "Verify | Ask the host for its health and the channel's version"]


@pytest.mark.whole
@pytest.mark.timeout(900)
def test_run_after_run_is_killed_until_one_is_not(virgin, story, play):
    """Each run goes on from what the killed one before has left: also a restart that is owed, where comparing files would see nothing to do."""
    for task in POINTS:
        run = play("install", fault=(task, "paas1", 1, "kill"))
        assert run.rc == -9, "%s: %r" % (task, run)
    run = play("install")
    assert run.rc == 0, run
    assert difference(story.installed["files"], virgin.state()["files"]) == [] and virgin.leases() == {}
    assert virgin.lists_ding("paas1") is True and virgin.lists_ding("paas2") is True
    again = play("install")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    back = play("rollback", extra=CONFIRMED)
    assert back.rc == 0 and difference(virgin.start["files"], virgin.state()["files"]) == [], back
    assert difference(virgin.start["rows"], virgin.rows()) == []


@pytest.mark.timeout(900)
@pytest.mark.parametrize("task", [pytest.param(PLACE, marks=pytest.mark.whole), REGISTER])
def test_a_rollback_right_after_a_kill_is_an_inverse(virgin, play, task):
    run = play("install", fault=(task, "paas1", 1, "kill"))
    assert run.rc == -9, run
    back = play("rollback", extra=CONFIRMED)
    assert back.rc == 0 and difference(virgin.start["files"], virgin.state()["files"]) == [], back
    assert difference(virgin.start["rows"], virgin.rows()) == [] and virgin.leases() == {}
    assert all(virgin.serves(name) and virgin.lists_ding(name) is None for name in virgin.names())

