"""ding.blueking.esb_channel_info against the sandbox's ESB: what is there, and no secret unless it is asked for."""

import contextlib
import hashlib
import json
import sqlite3

import pytest

from modulekit.tasks import Task

MODULE = "ding.blueking.esb_channel_info"
MAIL = "/cmsi/send_mail/"
SECRET = "obviously-not-a-real-secret-1"


@pytest.fixture
def host(sandbox):
    sandbox.reset_database()
    stored = [["dest_url", "http://u:%s@h.test" % SECRET], ["smtp_pwd", SECRET], ["app_token", "short"], ["port", 25],
              ["nested", {"api_key": SECRET}]]
    with contextlib.closing(sqlite3.connect(sandbox.database, timeout=20)) as database, database:
        database.execute("UPDATE esb_channel SET comp_conf = ? WHERE path = ?", (json.dumps(stored), MAIL))
        database.execute("UPDATE esb_channel SET comp_conf = ? WHERE path = '/cmsi/send_sms/'", ("password=" + SECRET,))
    yield sandbox.host("paas1")
    sandbox.reset_database()


def task(host, check=False, **more):
    return Task(MODULE, {"bk_home": str(host.bk_home), **more}, check=check, environment=host.environment)


@pytest.mark.every_target
def test_rows_are_shown_with_their_settings_and_without_their_secrets(ansible, host):
    real, check = ansible.run_many([task(host, paths=[MAIL, "/cmsi/send_sms/", "/cmsi/nowhere/"]), task(host, paths=[MAIL], check=True)], verbosity=3)
    assert not real.failed and not real.changed
    assert [each["path"] for each in real.data["channels"]] == [MAIL, "/cmsi/send_sms/"] and real.data["missing"] == ["/cmsi/nowhere/"]
    mail, sms = real.data["channels"]
    assert mail["settings"] == {"dest_url": "http://****@h.test", "smtp_pwd": "****et-1", "app_token": "****", "port": 25,
                                "nested": {"api_key": "****et-1"}}
    assert (mail["component"], mail["method"], mail["active"], mail["system"]) == ("generic.cmsi.send_mail", "", True, "CMSI")
    assert sms["settings"] == "(not JSON)"
    assert SECRET not in real.stdout
    assert check.data["channels"] == [mail]


def test_by_default_it_looks_at_our_channels_and_the_message_types(ansible, host):
    (result,) = ansible.run_many([task(host)])
    assert [each["path"] for each in result.data["channels"]] == ["/cmsi/get_msg_type/"]
    assert result.data["missing"] == ["/cmsi/ding_status/", "/cmsi/send_ding/", "/cmsi/send_dingbot/", "/cmsi/send_dingtalk/"]


def play(ansible, host, tasks, verbosity=3):
    base = {"hosts": "target", "gather_facts": False, "environment": host.environment}
    return ansible.play([dict(base, tasks=tasks)], verbosity=verbosity)


@pytest.mark.every_target
def test_what_is_revealed_can_be_registered_and_is_not_displayed(ansible, host):
    wanted = {"bk_home": str(host.bk_home), "paths": [MAIL], "reveal": True}
    _, stdout, rc = play(ansible, host, [
        {"name": "Reveal", MODULE: wanted, "register": "stored"},
        {"name": "Compare", "ansible.builtin.assert": {"that": ["stored.channels[0].settings.smtp_pwd | hash('sha1') == digest"], "quiet": True},
         "vars": {"digest": hashlib.sha1(SECRET.encode()).hexdigest()}},
        {"name": "Reveal in a loop", MODULE: dict(wanted, paths=["{{ item }}"]), "loop": [MAIL, "/cmsi/send_sms/"]},
    ])
    assert rc == 0, stdout
    assert SECRET not in stdout and "censored" in stdout
