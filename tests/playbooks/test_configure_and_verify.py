"""configure.yml changes settings and robots without a restart; verify.yml proves what works, and fails when something does not."""

import pytest

from playkit.site import PERSON, ROBOTS, difference

TABLE = "Verify | Show what works, and fail when something does not"


@pytest.mark.every_target
def test_settings_and_robots_change_without_a_restart(installed, story, play):
    robots = installed.robots()
    robots[1]["display_name"] = "Another name"
    wanted = {"ding_settings": {"msg_key": "markdown"}, "robots": robots}
    check = play("configure", check=True, diff=True, extra=wanted)
    run = play("configure", diff=True, extra=wanted)
    assert run.rc == 0 and run.changes() == check.changes(), (run.changes(), check.changes())
    assert installed.every_pid() == story.moment.pids and difference(story.installed["files"], installed.state()["files"]) == []
    assert installed.settings("/cmsi/send_ding/")["msg_key"] == "markdown" and installed.users()[ROBOTS[1]]["display_name"] == "Another name"
    again = play("configure", extra=wanted)
    assert again.rc == 0 and again.total("changed") == 0 and installed.leases() == {}, again.changed()


def test_the_message_type_can_be_withdrawn_and_offered_again(installed, story, play):
    run = play("configure", extra={"ding_active": False})
    assert run.rc == 0 and [installed.lists_ding(name) for name in installed.names()] == [False, False], run
    run = play("configure")
    assert run.rc == 0 and [installed.lists_ding(name) for name in installed.names()] == [True, True], run
    assert installed.every_pid() == story.moment.pids and difference(story.installed["rows"], installed.rows()) == []


def test_credentials_that_are_not_given_stay(installed, story, play):
    run = play("configure", extra={"ding_app_key": "", "ding_app_secret": ""})
    assert run.rc == 0 and run.total("changed") == 0 and difference(story.installed["rows"], installed.rows()) == [], run


def test_verify_shows_a_table_and_sends_to_everybody(installed, play):
    installed.world.dingtalk.forget()
    run = play("verify")
    table = "\n".join(run.of(TABLE, "paas1")[0].msg)
    assert run.rc == 0 and run.total("changed") == 0, run
    assert all("message to %s | ok | sent" % name in table for name in (*ROBOTS, PERSON)) and "get_msg_type lists ding" in table
    assert len(installed.world.dingtalk.messages()) == len(ROBOTS) + 1


def test_verify_fails_when_one_robot_refuses(installed, play):
    token = installed.robots()[1]["webhook"].partition("=")[2]
    installed.world.dingtalk.fault("/robot/send", {"errcode": 310000, "errmsg": "keywords not in content"}, times=9, token=token)
    run = play("verify")
    assert run.rc != 0
    told = "\n".join(run.failures("paas1")[0].msg)
    assert "message to %s | FAILED" % ROBOTS[1] in told and "310000" in told
    for name in (ROBOTS[0], ROBOTS[2], PERSON):
        assert "message to %s | ok | sent" % name in told
    # The other host is judged all the same.
    assert run.of(TABLE, "paas2")


def test_verify_fails_when_a_host_does_not_serve_its_version(installed, story, play):
    package = installed.world.host("paas2").generic / "apis" / "ding_blueking"
    package.rename(package.parent / "moved_away")
    installed.restart("paas2")
    run = play("verify", extra={"ding_verify_send": False})
    assert run.rc != 0 and run.failures("paas2") and not run.failures("paas1"), run
