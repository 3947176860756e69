"""The message type: what get_msg_type shows, and that the type can be switched off."""

import base64

import pytest


def ding_of(esb, language=None):
    headers = {"Blueking-Language": language} if language else {}
    answer = esb.call("/cmsi/get_msg_type/", method="GET", headers=headers)
    assert answer.ok, answer
    entries = [entry for entry in answer.data if entry["type"] == "ding"]
    assert len(entries) == 1, [entry["type"] for entry in answer.data]
    return entries[0]


@pytest.mark.servers
@pytest.mark.parametrize("language,label", [("zh-hans", "钉钉"), ("en", "DingTalk"), (None, "DingTalk")])
def test_get_msg_type_shows_ding_with_the_label_of_the_language(language, label, esb):
    assert ding_of(esb, language)["label"] == label


def test_ding_is_active_and_has_an_icon(esb):
    entry = ding_of(esb)
    assert entry["is_active"] is True
    assert is_icon(entry["icon"])


def is_icon(text):
    data = base64.b64decode(text.split("base64,")[-1], validate=True)
    return data.startswith((b"\x00\x00\x01\x00", b"\x89PNG"))


def test_ding_switched_off_is_shown_as_inactive_with_another_icon(esb, settings):
    active = ding_of(esb)
    settings.use({"/cmsi/get_msg_type/": {"ding": False}})
    entry = ding_of(esb)
    assert entry["is_active"] is False
    assert is_icon(entry["icon"]) and entry["icon"] != active["icon"]


def test_the_stock_types_are_still_there_once_each(esb):
    types = [entry["type"] for entry in esb.call("/cmsi/get_msg_type/", method="GET").data]
    assert {"weixin", "mail", "sms", "voice"} <= set(types) and len(types) == len(set(types))


def test_send_msg_with_type_ding_reaches_robots_and_people(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    answer = esb.send_msg([bot, person], "body", title="Title")
    assert answer.ok, answer
    assert dingtalk.texts(bot) == dingtalk.texts(person) == ["Title\nbody"]


def test_send_msg_of_a_stock_type_does_not_come_to_dingtalk(esb, dingtalk, world):
    esb.send_msg([world.person()], msg_type="sms")
    assert dingtalk.calls() == []


def test_every_setting_at_once_leaves_the_channel_working(esb, dingtalk, world, settings, default_app):
    """A setting named like an attribute of Component would break the component that gets it."""
    settings.use({
        "/cmsi/send_ding/": {
            "msg_key": "markdown", "proxy": "", "ca_bundle": "", "connect_timeout": 3, "read_timeout": 8,
            "deadline": 12, "on_uncertain": "report", "qps": 0},
        "/cmsi/send_dingtalk/": {"robot_code": default_app.key},
        "/cmsi/send_dingbot/": {"token_field": "qq", "sign_field": "wx_userid"},
    })
    bot, person = world.robot(), world.person()
    assert esb.send_ding([bot, person]).ok
    assert esb.send("send_dingbot", [bot]).ok and esb.send("send_dingtalk", [person]).ok
    assert esb.send_msg([bot, person]).ok
    assert len(dingtalk.messages(bot)) == len(dingtalk.messages(person)) == 3


def test_numbers_stored_as_text_are_understood(esb, world, settings):
    settings.use({"/cmsi/send_ding/": {"deadline": "5", "qps": "0", "read_timeout": " 2 ", "connect_timeout": "1.5"}})
    assert esb.send_ding([world.robot(), world.person()]).ok


@pytest.mark.parametrize("name,value", [("deadline", "soon"), ("qps", "many"), ("on_uncertain", "perhaps"),
                                        ("oapi_url", "not a url"), ("read_timeout", [1])])
def test_a_nonsensical_setting_is_a_clear_error_that_names_it(name, value, esb, dingtalk, world, settings):
    settings.use({"/cmsi/send_ding/": {name: value}})
    answer = esb.send_ding([world.robot(), world.person()])
    assert answer.status == 200 and answer.result is False and name in answer.message, answer
    assert "component developer" not in answer.message
    assert dingtalk.calls() == []


def test_our_components_agree_on_their_version(esb, world):
    bot, person = world.robot(), world.person()
    versions = {esb.send_ding([bot]).data["version"], esb.send("send_dingbot", [bot]).data["version"],
                esb.send("send_dingtalk", [person]).data["version"]}
    assert len(versions) == 1 and versions.pop().count(".") == 2
