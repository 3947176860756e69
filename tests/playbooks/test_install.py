"""install.yml on untouched hosts, predicted and repeated; and by its name."""

import pytest

from playkit.site import PERSON, ROBOTS, difference

HOSTS = ("paas1", "paas2")
# What a check run cannot do says what it would do in another task's words.
RESTART = ("Restart | Restart the ESB", "Restart | Say what would be run")
SETTINGS = "Configure | Store the channels' settings"
# Their diffs show who holds a host; they count as no change.
LEASES = ("Common | Take the host", "Common | Give the host back")
MOST_TASKS = 25


def shown(run):
    """{(task, host): diffs} of what changed, but for the restart, which a check run only names, and the records of what was done."""
    return {key: diffs for key, diffs in run.changes().items() if key[0] not in RESTART and not key[0].startswith("Install | Record")}


def holds(outer, inner):
    """Whether every value of `inner` is in `outer`."""
    if isinstance(inner, dict):
        return isinstance(outer, dict) and all(name in outer and holds(outer[name], value) for name, value in inner.items())
    return outer == inner


@pytest.mark.every_target
def test_a_check_run_changes_nothing(story):
    assert story.check.rc == 0, story.check
    assert difference(story.start, story.after_check) == [] and story.pids_after_check == story.pids_at_start


@pytest.mark.every_target
def test_a_check_run_predicts_what_changes_and_shows_it(story):
    predicted, real = shown(story.check), shown(story.first)
    assert sorted(predicted) == sorted(real)
    settings = (SETTINGS, "paas1")
    # Settings are stored in rows that are not there yet: a check run shows the whole new row, which the real one has shown before.
    assert holds(predicted.pop(settings)[0]["after"], real.pop(settings)[0]["after"])
    assert {key: diffs for key, diffs in predicted.items() if diffs != real[key]} == {}
    for host in HOSTS:
        assert story.check.of(RESTART[1], host)[0].changed and story.first.of(RESTART[0], host)[0].changed


@pytest.mark.every_target
def test_the_channel_is_on_both_hosts_and_offered(story, installed):
    assert story.first.rc == 0, story.first
    for host in HOSTS:
        assert installed.lists_ding(host) is True
        assert story.pids[host] and not set(story.pids[host].items()) & set(story.pids_at_start[host].items())
    for apis in (*(host.generic / "apis" for host in installed.world.hosts), *packages(installed)):
        assert (apis / "ding_blueking" / "_channels.py").is_file() and b"ding_blueking" in (apis / "conf.py").read_bytes()
    assert set(ROBOTS) <= set(installed.users()) and installed.settings("/cmsi/send_dingtalk/")["ding_app_secret"] == installed.secrets["app_secret"]
    assert [len(names) for names in story.installed["backups"].values()] == [1, 1] and story.installed["leases"] == []
    assert len({name for names in story.installed["backups"].values() for name in names}) == 1


@pytest.mark.every_target
def test_everybody_got_one_test_message(story, installed):
    robots = {robot["webhook"].partition("=")[2] for robot in installed.robots()}
    assert sorted(message["to"] for message in story.messages) == sorted([*robots, "play-userid-1"])
    table = "\n".join(story.first.of("Verify | Show what works, and fail when something does not", "paas1")[0].msg)
    for name in (*ROBOTS, PERSON):
        assert "message to %s | ok | sent" % name in table


@pytest.mark.every_target
def test_a_second_run_does_nothing(story):
    assert story.second.rc == 0 and story.second.total("changed") == 0, story.second.changed()
    assert story.pids_again == story.pids and story.rows_again == story.rows and difference(story.installed, story.again) == []
    assert story.messages_again == [] and [step.name for step in story.second.steps if step.diffs and step.name not in LEASES] == []
    assert max(story.second.count(host) for host in HOSTS) <= MOST_TASKS


def test_the_summary_says_what_changed_and_what_remains(story):
    """Once for the whole run."""
    said, = [step.msg for step in story.first.of("Common | Say what was done, and what remains")]
    assert sorted(said["changed"]) == list(HOSTS) and all("files, ESB restarted" in words for words in said["changed"].values())
    assert "rows" in said["changed"]["paas1"] and "rows" not in said["changed"]["paas2"]
    for host in HOSTS:
        assert said["backup"].startswith(story.installed["backups"][host][0].replace(".tar.gz", " in "))
    assert said["backup"].split(" ")[0] in said["undo"] and any("Job" in step for step in said["remaining"])
    again, = [step.msg for step in story.second.of("Common | Say what was done, and what remains")]
    assert again == {"changed": dict.fromkeys(HOSTS, "nothing"), "backup": "none was needed", "undo": "nothing to undo", "remaining": []}


def test_it_runs_by_its_name(installed, play):
    run = play("ding.blueking.install", check=True)
    assert run.rc == 0 and run.total("changed") == 0, run


def packages(site):
    """The copies that outlive an upgrade of the platform."""
    return [home / "open_paas" / "esb" / "components" / "generic" / "apis"
            for home in (*(host.src_home for host in site.world.hosts), site.control_host.src_home)]
