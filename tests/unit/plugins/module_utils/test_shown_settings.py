# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What looks like a secret in a channel's settings is never shown; what is harmless is."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import shown_settings

SECRETS = ["ding_app_secret", "ding_app_key", "wx_qy_corpsecret", "wx_token", "smtp_pwd", "qcloud_app_key", "password", "API_KEY", "accessKey",
           "webhook", "authorization", "sign", "db_passwd", "private", "smtppass", "mailPass", "appsign", "smtp_pw", "passcode", "sms_pin", "ticket"]
HARMLESS = ["msg_key", "token_field", "sign_field", "proxy", "smtp_host", "qcloud_app_id", "suggest_method", "weixin", "robot_code", "ca_bundle",
            "design", "passed_on", "assign", "spinner"]


@pytest.mark.parametrize("name", SECRETS)
def test_names_of_secrets_are_known(name):
    assert shown_settings.is_secret(name)


@pytest.mark.parametrize("name", HARMLESS)
def test_harmless_names_are_shown(name):
    assert not shown_settings.is_secret(name)


@pytest.mark.parametrize("text", [
    '[["proxy", "http://user:%s@proxy.test:3128"]]',
    '{"address": "https://oapi.dingtalk.test/robot/send?access_token=%s&x=1"}',
    '[["nested", {"password": "%s", "list": [["token", "%s"], {"app_secret": "%s"}]}]]',
    '[["note", "signed with SEC%s, as always"]]',
    '[["app_key", ["%s"]], ["pin_key", {"a": "%s"}]]',
])
def test_no_secret_is_shown_whatever_it_is_in_and_its_change_is_seen(text):
    one, other = [text.replace("%s", secret) for secret in ("notreal1notreal1notreal1", "notreal2notreal2notreal2")]
    before, after = shown_settings.compared(one, other)
    assert before != after
    assert "notreal" not in json.dumps([before, after, shown_settings.compared(None, one), shown_settings.compared(other, None)])
    assert "notreal1notreal1" not in json.dumps(shown_settings.masked(one))


def test_a_secret_of_any_name_is_hidden_when_it_is_given_as_one():
    assert shown_settings.compared('[["x", "old"]]', '[["x", "new"]]', ("x",)) == ({"x": "(hidden)"}, {"x": "(hidden, new)"})


def test_an_unchanged_secret_is_the_same_before_and_after():
    assert shown_settings.compared('[["app_key", "k"]]', '{"app_key": "k"}') == ({"app_key": "(hidden)"},) * 2


def test_an_empty_secret_and_a_missing_one_differ():
    assert shown_settings.compared("[]", '[["app_key", ""]]') == ({}, {"app_key": ""})


def test_unreadable_settings_are_not_shown():
    assert shown_settings.compared("secret=1", "secret=1") == (shown_settings.NOT_SETTINGS,) * 2
    assert shown_settings.masked("secret=1") == shown_settings.NOT_SETTINGS


def test_information_has_the_last_characters_of_a_long_secret_only():
    text = '[["app_secret", "not-a-real-secret-1234"], ["app_key", "short"], ["token", ""], ["api_key", 12345], ["on", true]]'
    assert shown_settings.masked(text) == {"app_secret": "****1234", "app_key": "****", "token": "", "api_key": "(hidden)", "on": True}


def test_of_a_login_in_an_address_not_even_the_end_is_shown():
    assert shown_settings.masked('[["proxy", "http://monitoring-user:pw12@host:3128"]]') == {"proxy": "http://****@host:3128"}


def test_a_long_number_may_be_a_secret_and_a_name_may_be_a_number():
    text = '[["sms", 8392013455], [1, "x"], [null, 5]]'
    assert shown_settings.masked(text, ["msg_key"]) == {"sms": "(hidden)", "1": "****", "None": 5}
    assert shown_settings.replaced(text, {"sms": 1}, ()) == set(["sms"])
    assert shown_settings.compared(text, text)[0] == {"sms": 8392013455, "1": "x", "None": 5}


def test_where_only_harmless_names_are_known_every_other_text_is_masked():
    text = '[["msg_key", "text"], ["corp_code", "not-a-real-secret-1234"], ["n", 5], ["on", true]]'
    assert shown_settings.masked(text, ["msg_key"]) == {"msg_key": "text", "corp_code": "****1234", "n": 5, "on": True}
    assert shown_settings.masked(text)["corp_code"] == "not-a-real-secret-1234"
