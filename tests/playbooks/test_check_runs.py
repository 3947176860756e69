"""Every playbook with --check --diff changes nothing: on hosts that have never seen the collection, and on those that have it."""

import pytest

from playkit.site import difference

# What a playbook finds missing on a host without the channel: it says so, and that is no crash.
MISSING = {"verify": "the channel does not work as it should", "rollback": 'No host has a backup "latest"'}


@pytest.mark.parametrize("name", ["configure", "verify", "rollback", "uninstall"])
def test_on_hosts_that_have_never_seen_it(virgin, play, name):
    pids = virgin.every_pid()
    run = play(name, check=True, diff=True)
    assert difference(virgin.start, virgin.state()) == [] and virgin.every_pid() == pids
    if name in MISSING:
        assert run.rc == 2 and MISSING[name] in str(run.failures()[0].msg) and run.changed() == [], run
    else:
        assert run.rc == 0 and run.total("failures") == 0, run


# install: test_install.py; configure and uninstall, with what they then do: test_configure_and_verify.py and test_undo.py.
@pytest.mark.parametrize("name", ["verify", "rollback"])
def test_on_hosts_that_have_it(installed, story, play, name):
    installed.world.dingtalk.forget()
    run = play(name, check=True, diff=True)
    assert run.rc == 0, run
    assert difference(story.installed, installed.state()) == [] and installed.every_pid() == story.moment.pids
    assert installed.world.dingtalk.messages() == []
    assert (run.changed() != []) == (name == "rollback"), run.changed()
