"""--limit, tags, the white list, and the copies that outlive an upgrade of the platform."""

import shutil

import pytest

from playkit.site import difference

ROLES = ("preflight", "backup", "install", "restart", "service", "register", "configure", "verify")


def test_a_limited_install_does_not_offer_the_type_before_every_host_has_it(virgin, story, play):
    pids = virgin.every_pid()
    run = play("install", limit="paas1")
    assert run.rc == 0, run
    assert difference(virgin.start["files"]["paas2"], virgin.files("paas2")) == [] and virgin.pids("paas2") == pids["paas2"]
    assert virgin.lists_ding("paas1") is False and virgin.lists_ding("paas2") is None
    assert "paas2" in " ".join(run.of("Common | Say what was done, and what remains", "paas1")[0].msg["remaining"])
    first = virgin.pids("paas1")
    again = play("install", limit="paas1")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    whole = play("install")
    assert whole.rc == 0 and virgin.pids("paas1") == first, whole
    assert virgin.lists_ding("paas1") is True and virgin.lists_ding("paas2") is True
    assert difference(story.installed["files"], virgin.state()["files"]) == []


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_the_last_host_first_then_all_then_back(virgin, play):
    """The backup from before the rows lies on the last host alone, and so does the note of the white list."""
    secret = virgin.secrets["esb_secret"]
    virgin.world.manage("sandbox_app", "--code", "play_other", "--secret", secret)
    before = virgin.rows()
    other = {"ding_esb_app_code": "play_other", "ding_esb_app_secret": secret, "ding_whitelist_app": True}
    run = play("install", limit="paas2", extra=other)
    assert run.rc == 0 and difference(before, virgin.rows()) != [], run
    later = virgin.pids("paas2")
    run = play("install", extra=other)
    assert run.rc == 0 and virgin.pids("paas2") == later, run
    assert virgin.lists_ding("paas1") is True and virgin.lists_ding("paas2") is True
    back = play("rollback", extra={**other, "ding_confirm": True, "ding_backup": "pristine"})
    assert back.rc == 0, back
    assert difference(before, virgin.rows()) == []
    assert difference(virgin.start["files"], virgin.state()["files"]) == []


@pytest.mark.whole
@pytest.mark.timeout(600)
def test_role_by_role_is_an_install_too(virgin, story, play):
    """Each role's name is a tag; one after the other they come to the same."""
    for role in ROLES:
        run = play("install", tags=[role])
        assert run.rc == 0, "%s: %r" % (role, run)
        assert virgin.leases() == {}, role
        if role == "preflight":
            assert difference(virgin.start, virgin.state()) == []
    assert difference(story.installed["files"], virgin.state()["files"]) == []
    assert virgin.lists_ding("paas1") is True and virgin.lists_ding("paas2") is True
    again = play("install")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("roles", [["register", "configure"], pytest.param(["restart", "verify"], marks=pytest.mark.whole)])
def test_a_role_can_be_left_out(virgin, play, roles):
    run = play("install", check=True, diff=True, skip_tags=roles)
    assert run.rc == 0 and difference(virgin.start, virgin.state()) == [], run
    prefixes = tuple(role.capitalize() + " | " for role in roles)
    assert [step.name for step in run.steps if step.name.startswith(prefixes) and step.outcome == "ok" and step.changed] == []


def wlist(site):
    return {row["func_code"]: row["wlist"] for row in site.rows()["esb_function_controller"]}


def test_the_app_enters_the_white_list_only_when_asked_and_goes_only_when_we_put_it_in(installed, play):
    secret = installed.secrets["esb_secret"]
    installed.world.manage("sandbox_app", "--code", "play_other", "--secret", secret)
    before = wlist(installed)
    other = {"ding_esb_app_code": "play_other", "ding_esb_app_secret": secret}
    refused = play("configure", extra=other)
    assert refused.rc != 0 and "ding_whitelist_app" in refused.stdout and wlist(installed) == before
    run = play("configure", extra={**other, "ding_whitelist_app": True})
    assert run.rc == 0 and "play_other" in str(wlist(installed)), run
    again = play("configure", extra={**other, "ding_whitelist_app": True})
    assert again.rc == 0 and again.total("changed") == 0, again.changed()
    # Whatever the app of the inventory is by then.
    gone = play("uninstall")
    assert gone.rc == 0 and wlist(installed) == before, gone


def test_a_wiped_host_is_repaired(installed, story, play):
    """An old release of the platform's upgrade wipes the folder."""
    apis = installed.world.host("paas2").generic / "apis"
    shutil.rmtree(apis / "ding_blueking")
    shutil.copy2(installed.world.home / "hosts" / "paas2" / "data" / "src" / "open_paas" / "VERSION", apis / "left_by_the_upgrade")
    (apis / "conf.py").write_text("CHANNELS = []\n", "utf-8")
    installed.restart("paas2")
    first = installed.pids("paas1")
    run = play("install")
    assert run.rc == 0 and installed.lists_ding("paas2") is True and installed.pids("paas1") == first, run
    assert (apis / "left_by_the_upgrade").exists() and "ding_blueking" in (apis / "conf.py").read_text("utf-8")
    again = play("install")
    assert again.rc == 0 and again.total("changed") == 0, again.changed()


def test_a_host_whose_folder_is_gone_altogether_is_no_esb(installed, play):
    """Nothing is guessed: the platform's own package has the folder, so its upgrade leaves one."""
    apis = installed.world.host("paas1").generic / "apis"
    shutil.rmtree(apis)
    run = play("install")
    assert run.rc != 0 and "%s cannot be written to: it is not there" % apis in run.failures("paas1")[0].msg and not apis.exists(), run


@pytest.mark.whole
def test_no_copy_is_kept_where_none_is_wanted(virgin, story, play):
    run = play("install", extra={"ding_keep_across_upgrades": False, "ding_verify_send": False})
    now = virgin.state()["files"]
    assert run.rc == 0 and difference(virgin.start["files"]["control"], now["control"]) == [], run
    kept = [path for path in difference(virgin.start["files"]["paas1"], now["paas1"]) if "/data/src/" in path]
    assert kept == [] and virgin.lists_ding("paas1") is True
