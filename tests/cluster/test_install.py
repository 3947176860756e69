"""install.yml, verify.yml, rollback.yml and uninstall.yml on real hosts: predicted, done, repeated, and taken back."""

import time

import pytest

from clusterkit import paas
from clusterkit.cluster import PAAS, ROBOT
from clusterkit.engine import wait_for
from playkit.site import difference

WITHOUT_BACKUPS = ("files", "rows", "leases")
PER_MINUTE, STORM, STORM_SECONDS = 20, 40, 180


def parts(state, names=WITHOUT_BACKUPS):
    return {name: state[name] for name in names}


def predicted(run):
    return sorted({(task.replace("Say what would be run", "Restart the ESB"), host) for task, host in run.changes()})


def test_a_check_run_changes_nothing_and_predicts_what_the_install_does(virgin, play, figure):
    before = virgin.state()
    check = play("install", check=True, diff=True)
    assert check.rc == 0, repr(check)
    assert difference(before, virgin.state()) == []
    run = play("install", diff=True)
    assert run.rc == 0, repr(run)
    # A check run says what it would run, where the real one restarts.
    assert predicted(check) == predicted(run) and ("Restart | Restart the ESB", "paas2") in predicted(run)
    figure("install of two virgin hosts by ssh as %s: %.0f s; its check run: %.0f s" % (virgin.login, run.seconds, check.seconds))


@pytest.mark.usual
@pytest.mark.every_target
def test_an_install_serves_on_both_hosts_and_a_second_changes_nothing(installed, play, first_install, figure):
    assert len(first_install.of("Restart | Restart the ESB", "paas1")) == 1
    for name in PAAS:
        assert installed.containers[name]("systemctl", "is-enabled", paas.SERVICE).strip() == "enabled"
        answer, arrived = installed.sends(name, "through " + name)
        assert answer["result"] is True and len(arrived) == 1, answer
        assert installed.lists_ding(name) is True
    before, pids = installed.state(), [installed.paas[name].main_pid() for name in PAAS]
    again = play("install")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    assert difference(before, installed.state()) == [] and pids == [installed.paas[name].main_pid() for name in PAAS]
    figure("install that changes nothing, two hosts by ssh: %.0f s" % again.seconds)


def test_all_that_was_installed_belongs_to_the_services_user(installed):
    owners = {(owner, group) for name in PAAS for path, (_, owner, group, _) in installed.state()["files"][name].items()
              if path.startswith(paas.APIS)}
    assert len(owners) == 1 and 0 not in owners.pop()
    for name in PAAS:
        strangers = installed.containers[name]("find", "/data/bkce/logs", "-not", "-user", "blueking").strip()
        assert strangers == "", "as root, the ESB could not write there: " + strangers


def test_verify_sends_to_robot_and_person(installed, play, figure):
    installed.dingtalk.forget()
    run = play("verify")
    assert run.rc == 0, repr(run)
    assert len(installed.dingtalk.messages()) == 2
    figure("verify of two hosts by ssh: %.0f s" % run.seconds)


@pytest.mark.every_target
def test_a_rollback_leaves_hosts_and_database_as_they_were(virgin, play):
    before = virgin.state()
    run = play("install")
    assert run.rc == 0, repr(run)
    assert len(difference(parts(before), parts(virgin.state()))) > 10
    back = play("rollback", extra={"ding_backup": "pristine", "ding_confirm": True})
    assert back.rc == 0, repr(back)
    assert difference(parts(before), parts(virgin.state())) == []
    assert all(virgin.lists_ding(name) is None for name in PAAS)


@pytest.mark.usual
def test_an_uninstall_leaves_hosts_and_database_as_they_were(installed, play, figure):
    virgin = installed.kept_states["virgin"]
    run = play("uninstall", extra={"ding_remove_robots": True})
    assert run.rc == 0, repr(run)
    now = installed.state()
    names = (*WITHOUT_BACKUPS, "users")
    assert difference(parts(virgin, names), parts(now, names)) == []
    assert all(installed.lists_ding(name) is None for name in PAAS)
    figure("uninstall: %d files of two hosts and %d rows compared with before the install, none differs" % (
        sum(len(files) for files in now["files"].values()), sum(len(rows) for rows in now["rows"].values())))


@pytest.mark.every_target
def test_the_channel_works_after_a_reboot_of_its_host(installed, figure):
    host = installed.paas["paas1"]
    installed.containers["paas1"].reboot()
    host.wait_serves()
    answer, arrived = installed.sends("paas1", "after the reboot")
    assert answer["result"] is True and len(arrived) == 1, answer
    host.wait_passing()
    assert host.container.works("systemctl", "is-active", paas.SERVICE)
    figure("reboot of paas1: the channel sends again, and its service runs")


@pytest.mark.usual
def test_the_unit_sends_what_a_robot_has_no_room_for(installed, figure):
    """More than a minute's messages to one robot through both hosts; the service is killed meanwhile, and systemd starts it again."""
    service, texts, outcomes = installed.containers["paas1"], ["storm %02d of the cluster" % number for number in range(STORM)], []
    installed.dingtalk.forget()
    began = time.monotonic()
    for number, text in enumerate(texts):
        answer = installed.call(installed.esb_url(PAAS[number % 2]), "/api/c/compapi/cmsi/send_ding/", receiver__username=ROBOT, title="storm", content=text)
        assert answer["result"] is True, answer
        outcomes += [each["outcome"] for each in answer["data"]["receivers"]]
        if number == STORM // 2:
            service("systemctl", "kill", "--signal=KILL", "--kill-who=main", paas.SERVICE)
    assert set(outcomes) == {"sent", "queued"} and outcomes.count("sent") <= PER_MINUTE
    wait_for(lambda: all(any(text in each["text"] for each in installed.dingtalk.messages()) for text in texts), STORM_SECONDS,
             lambda: service("journalctl", "-n", "30", "--no-pager", "-u", paas.SERVICE, check=False))
    seconds, arrived = time.monotonic() - began, installed.dingtalk.messages()
    assert [sum(each["text"].count(text) for each in arrived) for text in texts] == [1] * STORM
    figure("%d messages to one robot through both hosts: %d at once, the others queued and sent by the unit, in %d messages; all within %.0f s"
           % (STORM, outcomes.count("sent"), len(arrived) - outcomes.count("sent"), seconds))


@pytest.mark.usual
def test_a_run_after_the_platforms_own_upgrade_repairs_what_it_wiped(installed, play, figure):
    """A new release is unpacked, and rsync --delete puts it over what runs."""
    before = installed.state()
    for name in PAAS:
        installed.upgrade(name)
    assert all(installed.lists_ding(name) is None for name in PAAS)
    run = play("install")
    assert run.rc == 0, repr(run)
    assert difference(parts(before), parts(installed.state())) == []
    for name in PAAS:
        answer, arrived = installed.sends(name, "after the upgrade")
        assert answer["result"] is True and len(arrived) == 1, answer
    figure("after an upgrade with rsync --delete on both hosts: repaired in %.0f s" % run.seconds)
