"""An install over the manual release: refused unless asked for, keeps its credentials, and a rollback brings it back."""

import pytest

from playkit import original
from playkit.site import PERSON, difference

CONFIRMED = {"ding_confirm": True, "ding_backup": "pristine"}
# The credentials lie in the database already.
NONE = {"ding_app_key": "", "ding_app_secret": ""}


@pytest.fixture
def by_hand(virgin, play, tmp_path):
    original.install_by_hand(virgin)
    before = play.collections
    play.collections = str(original.collection(tmp_path))
    yield virgin
    play.collections = before
    # Whoever comes next need not know of it.
    virgin.virgin()


@pytest.mark.timeout(600)
def test_it_is_replaced_with_its_credentials_kept_and_comes_back(by_hand, play):
    before, pids = by_hand.state(), by_hand.every_pid()
    assert by_hand.settings("/cmsi/send_dingtalk/")["ding_app_secret"] == by_hand.secrets["app_secret"]

    refused = play("install", extra=NONE)
    assert refused.rc != 0 and sorted(step.host for step in refused.failures()) == by_hand.names()
    assert all("ding_replace_original=true" in step.msg for step in refused.failures()), refused
    assert difference(before, by_hand.state()) == [] and by_hand.every_pid() == pids

    by_hand.world.dingtalk.forget()
    run = play("install", extra={"ding_replace_original": True, **NONE})
    assert run.rc == 0, run
    for host in by_hand.world.hosts:
        apis = host.generic / "apis"
        assert not [path for path in ("cmsi", "dingbot", "dingtalk", "README.md") if (apis / path).exists()]
        assert by_hand.lists_ding(host.name) is True and "/cmsi/send_ding/" not in (apis / "conf.py").read_text("utf-8").split("# ", 1)[0]
    stored = by_hand.settings("/cmsi/send_dingtalk/")
    assert (stored["ding_app_key"], stored["ding_app_secret"]) == (original.APP_KEY, by_hand.secrets["app_secret"])
    assert "play-userid-1" in [message["to"] for message in by_hand.world.dingtalk.messages()], PERSON
    again = play("install", extra={"ding_replace_original": True, **NONE})
    assert again.rc == 0 and again.total("changed") == 0, again.changed()

    back = play("rollback", extra=CONFIRMED)
    assert back.rc == 0, back
    assert difference({part: before[part] for part in ("files", "rows")}, {part: by_hand.state()[part] for part in ("files", "rows")}) == []
    assert all(by_hand.serves(name) for name in by_hand.names())


@pytest.mark.timeout(600)
def test_a_fault_brings_it_back_too(by_hand, play):
    before = by_hand.state()
    run = play("install", extra={"ding_replace_original": True}, fault=("Restart | See which workers run now", "paas1", 1, "fail"))
    assert run.rc != 0 and "Its files are back" in run.failures("paas1")[-1].msg, run
    now = by_hand.state()
    assert difference({part: before[part] for part in ("files", "rows", "leases")}, {part: now[part] for part in ("files", "rows", "leases")}) == []
    assert by_hand.serves("paas1")
