# -*- coding: utf-8 -*-
"""The channel's parts one by one: settings, orders, receivers, limits, parallel work, the answer, what is never shown."""
from __future__ import absolute_import, division, print_function

import json
import logging
import os
import threading
import time

import pytest
from components.component import Component
from components.generic.apis.ding_blueking import __version__, _channels
from components.generic.apis.ding_blueking.toolkit import (
    answer,
    delivery,
    dingtalk,
    limits,
    mobile,
    order,
    parallel,
    receivers,
    secret,
    settings,
    store,
)
from components.generic.apis.ding_blueking.toolkit.errors import DirectoryError, OrderError, SettingsError
from components.generic.apis.ding_blueking.toolkit.names import monotonic
from components.generic.apis.ding_blueking.toolkit.transport import Answer, CallFailed
from esb.component import get_components_manager

HIDDEN = u"SECnot-a-real-secret-0123456789"
NAMES = ("send_ding", "send_dingtalk", "send_dingbot", "get_ding_status")
PATHS = ["/cmsi/send_ding/", "/cmsi/send_dingtalk/", "/cmsi/send_dingbot/", "/cmsi/ding_status/"]


def stored(**values):
    by_path = {}
    for name, value in values.items():
        by_path.setdefault(settings.FIELDS[name][0], {})[name] = value
    return by_path


# --- registration -------------------------------------------------------------------------------------------------


def test_the_esb_finds_the_components_by_their_code_names():
    for name in NAMES:
        component = get_components_manager().get_comp_by_name("generic.cmsi." + name)
        assert component is not None and component.get_component_name() == name


def test_channels_are_plain_data_without_a_method_and_with_settings_that_exist():
    assert json.loads(json.dumps(_channels.CHANNELS))
    assert [path for path, _ in _channels.CHANNELS] == PATHS
    for path, conf in _channels.CHANNELS:
        assert "method" not in conf
        assert dict(conf["comp_conf_to_db"]) == {f["variable"]: f["default"] for f in conf["config_fields"]}
        for name in dict(conf["comp_conf_to_db"]):
            assert settings.FIELDS[name][0] == path


def test_no_setting_is_named_like_an_attribute_of_a_component():
    attributes = set(dir(Component()))
    for name in NAMES:
        attributes |= set(dir(get_components_manager().get_comp_by_name("generic.cmsi." + name)()))
    assert not attributes & set(settings.FIELDS)


def test_every_setting_has_a_default_that_works():
    assert settings.read({}).deadline == 12
    for path, conf in _channels.CHANNELS:
        settings.read({path: dict(conf["comp_conf_to_db"])})


def test_the_message_type_is_added_once_however_often_it_is_registered():
    from components.generic.apis.ding_blueking.toolkit import message_type
    from components.generic.templates.cmsi.toolkit import configs

    get_components_manager()
    message_type.register()
    message_type.register()
    mine = [entry for entry in configs.msg_type if entry["type"] == "ding"]
    assert len(mine) == 1 and mine[0]["label"] == u"\u9489\u9489" and mine[0]["label_en"] == "DingTalk"
    assert mine[0]["active_icon"] != mine[0]["unactive_icon"] and "is_active" not in mine[0]
    assert configs.msg_type_map["ding"] == "send_ding"


def test_a_sites_own_copy_of_cmsi_gets_the_message_type_too():
    import components.generic.apis as apis
    from components.generic.apis.ding_blueking.toolkit import message_type

    toolkit = os.path.join(os.path.dirname(os.path.abspath(apis.__file__)), "cmsi", "toolkit")
    os.makedirs(toolkit)
    for folder in (os.path.dirname(toolkit), toolkit):
        open(os.path.join(folder, "__init__.py"), "w").close()
    with open(os.path.join(toolkit, "configs.py"), "w") as configs:
        configs.write("msg_type = [{'type': 'ding', 'label': 'own'}]\nmsg_type_map = {'mail': 'send_mail'}\n")
    message_type.register()
    from components.generic.apis.cmsi.toolkit import configs as own

    assert own.msg_type == [{"type": "ding", "label": "own"}]
    assert own.msg_type_map == {"mail": "send_mail", "ding": "send_ding"}


def test_the_package_tells_its_version():
    assert __version__.count(".") == 2


# --- settings and orders ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name, value",
    [
        ("msg_key", "html"),
        ("deadline", "soon"),
        ("deadline", 0),
        ("deadline", True),
        ("oapi_url", "ftp://h"),
        ("ca_bundle", "/does/not/exist.pem"),
        ("on_uncertain", "ignore"),
        ("qps", -1),
        ("proxy", "http://"),
        ("ding_app_key", {"a": 1}),
        ("connect_timeout", "nan"),
        ("oapi_url", "http://127.0.0.1:abc"),
        ("oapi_url", "http://:80"),
        ("api_url", "http://*.x"),
        ("api_url", "http://op:not-a-real-password@h"),
        ("proxy", "http://user:not#real@h:3128"),
        ("proxy", "http://user:not/real@h:3128"),
        ("proxy", "http://user:31337/real@h:3128"),
    ],
)
def test_a_wrong_setting_is_named_with_its_channel(name, value):
    with pytest.raises(SettingsError) as raised:
        settings.read(stored(**{name: value}))
    assert "real" not in raised.value.message
    assert name in raised.value.message and settings.FIELDS[name][0] in raised.value.message


def test_settings_are_read_from_texts_and_blank_ones_are_defaults():
    found = settings.read(stored(deadline="5", qps=" 7 ", proxy="h:3128", oapi_url="http://h/ ", msg_key=" "))
    assert (found.deadline, found.qps, found.proxy, found.oapi_url, found.msg_key) == (
        5, 7, "http://h:3128", "http://h", "text")


def test_a_callers_own_app_does_not_use_the_stored_apps_robot_code():
    kept = settings.read(stored(ding_app_key="k", ding_app_secret=HIDDEN, robot_code="r"))
    assert settings.override(kept, u"", secret.Secret(u"")).robot_code == "r"
    other = settings.override(kept, u"other", secret.Secret(u"s"))
    assert (other.ding_app_key, other.robot_code, other.ding_app_secret.reveal()) == ("other", "", "s")


def read(**fields):
    fields.setdefault("content", u"x")
    return order.read(fields, ("receiver__username",))


@pytest.mark.parametrize(
    "value, names",
    [
        (u"a,b", ["a", "b"]),
        (u" a ; b\nc ", ["a", "b", "c"]),
        ([u"a", u"b,c"], ["a", "b", "c"]),
        (u'["a", "b"]', ["a", "b"]),
        (u"A,a,b", ["A", "b"]),
        (17, ["17"]),
        ([17, u"a"], ["17", "a"]),
    ],
)
def test_receivers_are_read_from_lists_and_texts(value, names):
    assert read(receiver__username=value).receivers == names


@pytest.mark.parametrize(
    "fields",
    [
        {"receiver__username": u""},
        {"receiver__username": [{"a": 1}]},
        {"receiver__username": u"a", "content": u" \n"},
        {"receiver__username": u"a", "content": [u"x"]},
        {"receiver__username": u"a", "content": True},
        {"receiver__username": u"a", "content": {u"x": 1}},
        {"receiver__username": u"a", "msg_key": u"html"},
        {"receiver__username": u"a", "msg_key": [u"text"]},
        {"receiver__username": u"a", "is_content_base64": True, "content": u"%%%"},
        {"receiver__username": u"", "content": u"x"},
        {"receiver__username": u"a", "is_content_base64": u"1", "content": u"/w=="},
    ],
)
def test_an_order_that_cannot_be_carried_out_is_refused(fields):
    with pytest.raises(OrderError):
        read(**fields)


def test_numbers_are_texts_and_base64_is_decoded():
    assert read(receiver__username=u"a", content=5).content == u"5"
    assert read(receiver__username=u"a", is_content_base64=u"true", content=u"5Lit5paH").content == u"\u4e2d\u6587"
    assert read(receiver__username=u"a", is_content_base64=u"false", content=u"5Lit").content == u"5Lit"
    assert "text or markdown" in str(pytest.raises(OrderError, read, receiver__username=u"a", msg_key=u"x").value)


# --- receivers ----------------------------------------------------------------------------------------------------


class Peer(object):
    """A transport that answers from a list, and remembers its calls."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = []

    def call(self, method, url, deadline, query=None, body=None, headers=None):
        self.calls.append((method, url, query, body, headers))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        status, data = answer
        raw = data if isinstance(data, bytes) else json.dumps(data).encode("utf-8")
        return Answer(status, "application/json", raw)


def test_only_send_dingtalk_takes_user_ids_and_mobiles():
    fields = {"receiver__username": u"bot1,u1", "mobile": u"13900000002", "userid": u"x", "content": u"x"}
    assert order.read(fields, ("receiver__username",))[:3] == (["bot1", "u1"], [], [])
    assert order.read(fields, ("userid", "mobile", "receiver__username"))[:3] == (["bot1", "u1"], ["x"], ["13900000002"])


def test_one_name_that_is_too_long_costs_the_others_nothing():
    peer = Peer((200, {"result": True, "data": [{"username": "a"}]}))
    found = receivers.look_up(receivers.Directory(["h"], peer, {}), [u"a", u"x" * 5000], settings.read({}), monotonic() + 5)
    assert list(found) == ["a"] and len(peer.calls) == 1 and "xxx" not in peer.calls[0][1]


def test_profiles_are_looked_up_once_for_400_names_and_names_ignore_case():
    names = [u"user%04d" % number for number in range(400)]
    peer = Peer((200, {"result": True, "data": [{"username": "USER0001"}, {"username": "user0001"}]}))
    found = receivers.look_up(
        receivers.Directory(["h"], peer, {}), names + [u"USER0000"], settings.read({}), monotonic() + 5)
    assert list(found) == ["user0001"]
    assert len(peer.calls) == 1 and len(peer.calls[0][1]) < 4000


def test_user_management_that_refuses_is_an_error_with_its_words():
    for reply, words in (
        ((200, {"result": False, "code": -1, "message": "403, authentication failed"}), "authentication failed"),
        ((502, b"<html>bad gateway</html>"), "502"),
        ((200, {"result": True, "data": "x"}), "without a list"),
        (CallFailed(u"no connection to h: refused", sent=False), "refused"),
    ):
        with pytest.raises(DirectoryError) as raised:
            receivers.Directory(["h"], Peer(reply), {}).profiles([u"a"], [u"qq"], monotonic() + 5)
        assert words in raised.value.message


def test_robots_and_people_are_told_apart_by_their_fields():
    profiles = {
        "bot": {"qq": "t", "wx_userid": HIDDEN},
        "wechat": {"qq": "12345", "wx_userid": "wx", "telephone": "13800000000"},
        "half": {"qq": "", "wx_userid": HIDDEN, "telephone": ""},
        "extra": {"extras": {"tok": "t", "sig": HIDDEN}},
    }
    plain, own = settings.read({}), settings.read(stored(token_field="extras__tok", sign_field="extras__sig"))
    kinds = {name: receivers.classify(name, profiles, plain).kind for name in list(profiles) + [u"nobody"]}
    assert kinds == {"bot": "robot", "wechat": "person", "half": "person", "extra": "person", "nobody": "unknown"}
    assert receivers.classify(u"Extra", profiles, own).kind == "robot"
    assert receivers.classify(u"half", profiles, plain).reason


@pytest.mark.parametrize(
    "telephone, code, form",
    [
        (u"13800000000", u"86", u"13800000000"),
        (u"138 0000-0000", None, u"13800000000"),
        (u"+8613800000000", u"86", u"13800000000"),
        (u"12345678", u"852", u"+852-12345678"),
        (u"+852-12345678", u"", u"+852-12345678"),
        (u"+852 12345678", u"852", u"+852-12345678"),
        (13800000000, 86, u"13800000000"),
        (None, None, u""),
        (u"none", u"86", u""),
        (u"+852 12345678", u"86", u"+852-12345678"),
        (u"+85212345678", u"86", u"+852-12345678"),
        (u"0085212345678", None, u"+852-12345678"),
        (u"008613800000000", u"86", u"13800000000"),
        (u"+14155550100", u"86", u"+1-4155550100"),
        (u"138****0000", u"86", u""),
    ],
)
def test_mobiles_take_dingtalks_form(telephone, code, form):
    assert mobile.mobile_in_dingtalks_form(telephone, code) == form


# --- DingTalk's answers -------------------------------------------------------------------------------------------


def client(*answers):
    kept = settings.read(stored(ding_app_key=u"k%f" % time.time(), ding_app_secret=u"s", qps=0))
    peer = Peer(*answers)
    return dingtalk.DingTalk(kept, peer, monotonic() + 10), peer


def robot():
    return secret.Secret(u"token-not-real-%f" % time.time()), secret.Secret(HIDDEN)


def test_the_signature_is_dingtalks():
    assert dingtalk.sign(secret.Secret(u"this is secret"), 1577262236757) == "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM="


@pytest.mark.parametrize(
    "reply, kind",
    [
        ((200, {"errcode": 0}), "done"),
        ((200, {"errcode": "0"}), "done"),
        ((200, {"errcode": -1}), "busy"),
        ((200, {"errcode": 310000, "errmsg": "sign not match"}), "refused"),
        ((200, {"errcode": "300001"}), "refused"),
        ((200, {"errcode": 460101}), "too_large"),
        ((200, {"errcode": 130101}), "held"),
        ((200, {"errcode": "410100"}), "held"),
        ((200, {"status": 1111, "wait": 5, "punish": "deny"}), "held"),
        ((302, b""), "held"),
        ((502, b"<html>"), "busy"),
        ((503, b""), "busy"),
        ((504, b""), "uncertain"),
        ((500, b"<html>"), "uncertain"),
        ((200, b"<html>login</html>"), "uncertain"),
        ((200, []), "uncertain"),
        ((200, {"errcode": None}), "uncertain"),
        ((200, {"errcode": False}), "uncertain"),
        ((200, {"errcode": 0.7}), "uncertain"),
        ((500, {"errcode": 0}), "uncertain"),
        ((403, {"errcode": 0}), "uncertain"),
        ((500, {"errcode": -1}), "busy"),
        ((307, b""), "refused"),
        ((407, b"<html>"), "refused"),
        ((429, b""), "busy"),
        (CallFailed(u"x", sent=False, final=True), "refused"),
        (CallFailed(u"x", sent=False), "busy"),
        (CallFailed(u"x", sent=True), "uncertain"),
    ],
)
def test_what_a_groups_answer_means(reply, kind):
    made, _ = client(reply)
    token, sign_secret = robot()
    assert made.send_to_group(token, sign_secret, b"{}").kind == kind


def test_a_robot_that_was_refused_for_speed_is_not_called_again():
    made, peer = client((200, {"errcode": 130101}))
    token, sign_secret = robot()
    first = made.send_to_group(token, sign_secret, b"{}")
    again = made.send_to_group(token, sign_secret, b"{}")
    assert (first.kind, again.kind, len(peer.calls)) == ("held", "held", 1)
    assert 0 < again.wait <= first.wait == 60


TOKEN = (200, {"accessToken": "t1", "expireIn": 7200})


@pytest.mark.parametrize(
    "reply, kind",
    [
        ((200, {"processQueryKey": "k"}), "done"),
        ((400, {"code": "send.too.fast"}), "busy"),
        ((400, {"code": "send.byToken.tooFast"}), "busy"),
        ((403, {"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"}), "busy"),
        ((500, {"code": "system.error"}), "busy"),
        ((500, {"code": "other"}), "uncertain"),
        ((400, {"code": "staffId.notExisted"}), "poisoned"),
        ((400, {"code": "robotCode.notExsit"}), "refused"),
        ((403, {"code": "Forbidden.AccessDenied.AccessTokenPermissionDenied"}), "refused"),
        ((200, b"<html>"), "uncertain"),
        ((200, {}), "uncertain"),
        ((202, {"processQueryKey": "k"}), "uncertain"),
        ((200, {"processQueryKey": None}), "uncertain"),
        ((200, {"processQueryKey": " "}), "uncertain"),
        ((200, {"processQueryKey": "k", "invalidStaffIdList": "u"}), "uncertain"),
        ((200, {"processQueryKey": "k", "invalidStaffIdList": 5}), "uncertain"),
        ((200, {"processQueryKey": "k", "invalidStaffIdList": ["other"]}), "uncertain"),
        ((200, {"processQueryKey": "k", "invalidStaffIdList": [{"userid": "u"}]}), "uncertain"),
        ((200, {"processQueryKey": "k", "invalidStaffIdList": ["U"]}), "done"),
        ((200, {"invalidStaffIdList": ["u"]}), "done"),
        ((200, {"status": 1111, "wait": 5, "punish": "deny"}), "busy"),
    ],
)
def test_what_a_batchs_answer_means(reply, kind):
    made, _ = client(TOKEN, reply)
    assert made.send_to_people([u"u"], u"sampleText", u"{}").kind == kind


def test_a_refused_token_is_renewed_once_and_the_call_repeated_once():
    refused = (400, {"code": "InvalidAuthentication", "message": "x"})
    made, peer = client(TOKEN, refused, (200, {"accessToken": "t2", "expireIn": 7200}), (200, {"processQueryKey": "k"}))
    assert made.send_to_people([u"u"], u"sampleText", u"{}").kind == "done"
    assert [headers.get("x-acs-dingtalk-access-token") for _, _, _, _, headers in peer.calls] == [None, "t1", None, "t2"]
    made, peer = client(TOKEN, refused, (200, {"accessToken": "t2", "expireIn": 7200}), refused)
    assert made.send_to_people([u"u"], u"sampleText", u"{}").kind == "refused" and len(peer.calls) == 4


def test_the_old_endpoints_token_is_the_fallback_for_the_old_api():
    stale = (200, {"errcode": 40014, "errmsg": "invalid access_token"})
    made, peer = client(
        TOKEN, stale, (200, {"accessToken": "t2"}), stale, (200, {"errcode": 0, "access_token": "t3", "expires_in": 7200}),
        (200, {"errcode": 0, "result": {"userid": "u"}}))
    found = made.find_user_id(u"13800000000", monotonic() + 5)
    assert found.kind == "done" and found.data == {"user_id": "u"}
    assert peer.calls[-1][2] == {"access_token": "t3"}


def test_a_missing_or_wrong_app_is_told_with_the_settings_name_and_path():
    made, _ = client(TOKEN)
    bare = dingtalk.DingTalk(settings.read({}), made._transport, monotonic() + 5).token()
    assert "ding_app_key" in bare.reason and "/cmsi/send_dingtalk/" in bare.reason
    made, peer = client((400, {"code": "invalidClientIdOrSecret", "message": "no"}))
    for _ in range(2):
        assert "ding_app_secret" in made.token().reason and "invalidClientIdOrSecret" in made.token().reason
    assert len(peer.calls) == 1


def test_a_renewal_without_an_answer_leaves_no_doubt_about_the_message():
    made, _ = client(TOKEN, (401, {"code": "InvalidAuthentication"}), CallFailed(u"no answer", sent=True))
    assert made.send_to_people([u"u"], u"sampleText", u"{}").kind == "busy"


@pytest.mark.parametrize("found", [["x"], {"a": 1}, True, None, u" ", 1.5])
def test_a_look_up_that_makes_no_sense_is_neither_believed_nor_remembered(found):
    made, _ = client(TOKEN, (200, {"errcode": 0, "result": {"userid": found}}))
    assert made.find_user_id(u"13800000001", monotonic() + 5).kind == "uncertain"
    assert made.known_user_ids([u"13800000001"]) == {}


def test_a_user_id_that_is_a_number_is_the_same_person_in_a_refusal():
    made, _ = client(
        TOKEN, (200, {"errcode": 0, "result": {"userid": 777}}), (200, {"processQueryKey": "k", "invalidStaffIdList": ["777"]}))
    found = made.find_user_id(u"13800000002", monotonic() + 5).data["user_id"]
    assert list(made.send_to_people([found], u"sampleText", u"{}").data["refused"]) == [found] == [u"777"]


@pytest.mark.parametrize(
    "reply, kind",
    [
        ((200, {"status": 1111, "wait": 5, "punish": "deny"}), "busy"),
        ((200, {"accessToken": "a b", "expireIn": 7200}), "uncertain"),
        ((200, {"accessToken": ["t"], "expireIn": 7200}), "uncertain"),
        ((200, {"accessToken": "t", "expireIn": "abc"}), "done"),
        ((400, {"code": "invalidClientIdOrSecret"}), "refused"),
        ((503, b""), "busy"),
    ],
)
def test_what_the_token_endpoints_answer_means(reply, kind):
    assert client(reply)[0].token().kind == kind


def test_dingtalks_own_words_lose_the_secrets_that_were_used():
    token, sign_secret = robot()
    made, _ = client((200, {"errcode": 300001, "errmsg": "robot token %s not found" % token.reveal()}))
    reason = made.send_to_group(token, sign_secret, b"{}").reason
    assert token.reveal() not in made.scrub(reason) and "not found" in made.scrub(reason)


# --- shared limits ------------------------------------------------------------------------------------------------


def test_places_of_a_window_are_given_once_over_threads():
    kept, taken = store.Store(), []

    def take():
        for _ in range(10):
            taken.append(kept.take_place(u"t:shared", 20, 10.0, 100))

    workers = [threading.Thread(target=take) for _ in range(5)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(20)
    waits = sorted(taken)
    assert len(waits) == 50 and waits[19] == 0 and 5 < waits[20] <= 10 and 15 < waits[40] <= 20


def test_a_place_that_comes_too_late_is_not_taken():
    kept = store.Store()
    assert kept.take_place(u"t:late", 1, 5.0, 1) == 0
    assert kept.take_place(u"t:late", 1, 5.0, 1) is None
    assert 4 < kept.take_place(u"t:late", 1, 5.0, 10) <= 5


def test_limits_live_without_a_disk():
    kept = store.Store()
    kept._files.folder = lambda: None
    assert kept.take_place(u"t:bare", 1, 5.0, 1) == 0 and kept.take_place(u"t:bare", 1, 5.0, 1) is None
    kept.set_hold(u"t:hold", {"until": 5}, 60)
    assert kept.hold(u"t:hold") == {"until": 5}


def test_the_files_of_limits_are_private_and_survive_rubbish():
    kept = store.Store()
    kept.set_hold(u"t:rubbish", {"until": 5}, 60)
    folder = kept._files.folder()
    assert os.stat(folder).st_mode & 0o077 == 0
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        assert os.stat(path).st_mode & 0o077 == 0
        with open(path, "w") as half:
            half.write("{")
    assert kept.hold(u"t:rubbish") is None


def test_a_hold_grows_when_it_is_repeated_and_not_when_two_are_told_at_once():
    token = secret.Secret(u"t%f" % time.time())
    assert limits.robot_wait(token) == 0
    assert limits.hold_robot(token) == 60
    assert 58 < limits.hold_robot(token) <= 60
    store.store.set_hold(u"hold:" + token.fingerprint(), {"until": time.time() - 5}, 60)
    assert limits.hold_robot(token) == 600


def test_a_clock_that_was_set_back_holds_nobody_for_long():
    token, kept = secret.Secret(u"back%f" % time.time()), store.Store()
    store.store.set_hold(u"hold:" + token.fingerprint(), {"until": time.time() + 86400}, 60)
    assert limits.robot_wait(token) == 0
    kept._files.update(u"t:back", lambda _: ([time.time() + 600] * 20, None))
    assert kept.take_place(u"t:back", 20, 1.2, 10) == 0


def test_memory_is_bounded_and_forgets():
    memory = store.Memory(entries=3)
    for number in range(5):
        memory.set(number, u"v", 60)
    memory.set("old", u"v", -1)
    assert [memory.get(number) for number in range(5)][:2] == [None, None] and memory.get("old") is None
    assert len(memory._kept) <= 3


# --- parallel work ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("threads", [True, False])
def test_jobs_run_again_when_they_ask_and_new_jobs_are_taken_up(threads, monkeypatch):
    monkeypatch.setattr(parallel, "threads_run", lambda: threads)
    seen = []

    def step(job):
        seen.append(job)
        return {"a": [(0.05, "b"), (0, "c")], "b": [(0, "d")]}.get(job, [])

    started = monotonic()
    parallel.run(["a"], step, monotonic() + 5)
    assert sorted(seen) == ["a", "b", "c", "d"] and monotonic() - started < 1


@pytest.mark.parametrize("threads", [True, False])
def test_no_job_starts_after_the_deadline(threads, monkeypatch):
    monkeypatch.setattr(parallel, "threads_run", lambda: threads)
    begun, limit = [], monotonic() + 0.35
    parallel.run(["a"], lambda job: begun.append(monotonic()) or [(0.1, job)], limit)
    assert 3 <= len(begun) <= 4 and begun[-1] < limit + 0.05 and monotonic() < limit + 0.35


def test_one_job_that_cannot_hang_needs_no_thread_and_several_do():
    here = threading.current_thread()
    seen_here = []
    parallel.run(["a"], lambda job: seen_here.append((job, threading.current_thread() is here)) or {
        "a": [(0.01, "b")], "b": [(0, "c"), (0, "d")]}.get(job, []), monotonic() + 5, cannot_hang=lambda job: True)
    assert seen_here[:2] == [("a", True), ("b", True)]
    assert sorted(seen_here[2:]) == [("c", False), ("d", False)]


def test_a_worker_that_hangs_is_left_behind():
    started, hang = monotonic(), threading.Event()
    parallel.run(["a"], lambda job: hang.wait(20) and [], monotonic() + 0.3)
    assert monotonic() - started < 1
    hang.set()


def test_jobs_run_when_no_thread_can_be_started(monkeypatch):
    def refuse(self):
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    seen = []
    parallel.run(["a", "b"], lambda job: seen.append(job) or [], monotonic() + 5)
    assert seen == ["a", "b"]


def test_jobs_run_side_by_side():
    started = monotonic()
    parallel.run(list(range(20)), lambda job: time.sleep(0.1) or [], monotonic() + 5)
    assert monotonic() - started < 1


# --- delivery -----------------------------------------------------------------------------------------------------


class Client(object):
    """A DingTalk that gives verdicts from lists, by user ids."""

    def __init__(self, verdicts):
        self.verdicts = list(verdicts)
        self.calls = []

    def is_connected(self, groups):
        return False

    def scrub(self, text):
        return text

    def token(self):
        return dingtalk.Verdict("done", u"", {}, 0)

    def turn(self, api, until):
        return None

    def known_user_ids(self, mobiles):
        return {}

    def forget_user_id(self, mobile):
        self.calls.append(("forget", mobile))

    def send_to_people(self, user_ids, msg_key, msg_param):
        self.calls.append(list(user_ids))
        verdict = self.verdicts.pop(0)
        return verdict(user_ids) if callable(verdict) else verdict


def verdict(kind, reason=u"", **data):
    return dingtalk.Verdict(kind, reason, data, 0)


DONE = verdict("done", refused={}, slow=[])


def deliver(names, *verdicts, **kept):
    made = Client(verdicts)
    now = monotonic()
    people = [receivers.person(name, user_id=name) for name in names]
    chosen = settings.read(stored(ding_app_key=u"k", ding_app_secret=u"s", **kept))
    parts = [(u"sampleText", u"{}")]
    out = delivery.Delivery(made, chosen, now, now + 6, lambda limit, identity: [b"{}"], lambda limit: parts)
    return out.send([], people), made.calls


def test_45_people_are_three_calls_of_20_20_and_5():
    outcomes, calls = deliver([u"u%d" % number for number in range(45)], DONE, DONE, DONE)
    assert sorted(len(call) for call in calls) == [5, 20, 20]
    assert {outcome.outcome for outcome in outcomes.values()} == {"sent"}


def test_one_receiver_who_poisons_a_call_is_found_and_the_others_are_sent_to():
    def answer(user_ids):
        return verdict("poisoned", u"staffId.notExisted") if u"u7" in user_ids else DONE

    outcomes, calls = deliver([u"u%d" % number for number in range(20)], *[answer] * 20)
    assert [name for name, outcome in outcomes.items() if outcome.outcome != "sent"] == [u"u7"]
    assert len(calls) <= 11


@pytest.mark.parametrize(
    "mode, verdicts, outcome, uncertain, calls",
    [
        ("repeat", ["uncertain", "done"], "sent", True, 2),
        ("repeat", ["uncertain", "uncertain"], "uncertain", True, 2),
        ("repeat", ["uncertain", "refused"], "uncertain", True, 2),
        ("report", ["uncertain"], "uncertain", True, 1),
        ("repeat", ["busy", "done"], "sent", False, 2),
        ("repeat", ["refused"], "refused", False, 1),
    ],
)
def test_a_person_gets_an_unanswered_message_once_more_and_it_is_said(mode, verdicts, outcome, uncertain, calls):
    replies = [DONE if kind == "done" else verdict(kind, u"why") for kind in verdicts]
    outcomes, made = deliver([u"u"], *replies, on_uncertain=mode)
    assert (outcomes[u"u"].outcome, outcomes[u"u"].uncertain, len(made)) == (outcome, uncertain, calls)


def test_parts_of_a_message_have_repetitions_each_and_the_doubt_is_kept():
    made = Client([verdict("uncertain"), DONE, verdict("uncertain"), DONE])
    now = monotonic()
    kept = settings.read(stored(ding_app_key=u"k", ding_app_secret=u"s"))
    parts = [(u"sampleText", u"1"), (u"sampleText", u"2")]
    out = delivery.Delivery(made, kept, now, now + 9, lambda limit, identity: [b"{}"], lambda limit: parts)
    outcome = out.send([], [receivers.person(u"u", user_id=u"u")])[u"u"]
    assert (outcome.outcome, outcome.uncertain, len(made.calls)) == ("sent", True, 4)


def test_the_halves_of_a_poisoned_call_remember_its_doubt():
    outcomes, _ = deliver([u"u1", u"u2"], verdict("uncertain"), verdict("poisoned"), DONE, DONE)
    assert {outcome.uncertain for outcome in outcomes.values()} == {True}


def test_an_unclear_refusal_is_sent_to_nobody_again():
    outcomes, calls = deliver([u"u1", u"u2"], verdict("uncertain", u"unclear", final=True))
    assert {outcome.outcome for outcome in outcomes.values()} == {"uncertain"} and len(calls) == 1


def test_what_dingtalk_has_against_the_app_ends_all_look_ups():
    class Refusing(Client):
        def find_user_id(self, mobile, until):
            self.calls.append(mobile)
            return verdict("refused", u"60011", app=True)

    made, now = Refusing([]), monotonic()
    kept = settings.read(stored(ding_app_key=u"k", ding_app_secret=u"s"))
    out = delivery.Delivery(made, kept, now, now + 6, lambda limit, identity: [b"{}"], lambda limit: [])
    people = [receivers.person(u"u%d" % number, mobile=u"1380000%04d" % number) for number in range(200)]
    outcomes = out.send([], people)
    assert {outcome.reason for outcome in outcomes.values()} == {u"60011"} and len(made.calls) <= 20


def test_an_error_in_our_own_code_costs_no_one_else_their_outcome():
    def broken(user_ids):
        raise KeyError(HIDDEN)

    outcomes, _ = deliver([u"u%d" % number for number in range(21)], broken, DONE)
    assert sorted(outcome.outcome for outcome in outcomes.values())[-1] == "uncertain"
    assert "sent" in {outcome.outcome for outcome in outcomes.values()}
    assert HIDDEN not in repr(outcomes)


# --- the answer ---------------------------------------------------------------------------------------------------


def result(*outcomes):
    names = [u"u%d" % number for number in range(len(outcomes))]
    return answer.of_outcomes(
        [receivers.person(name) for name in names],
        {name: delivery.Outcome(outcome, False, u"why") for name, outcome in zip(names, outcomes)}, [])


def test_the_answer_has_the_form_each_product_reads():
    assert (result("sent", "sent")["result"], result("sent")["code"], result("sent")["message"]) == (True, 0, "OK")
    some = result("sent", "refused", "refused")
    assert some["result"] is False and isinstance(some["code"], int) and some["code"] != 0
    assert some["message"] == u"Some users failed: u1, u2: why"
    assert some["data"]["username_check"]["invalid"] == ["u1", "u2"]
    assert result("refused")["message"].startswith("All users failed")
    assert answer.of_error(u"no", [u"a"])["data"]["username_check"]["invalid"] == ["a"]


# --- what is never shown ------------------------------------------------------------------------------------------


def test_secrets_do_not_show_themselves():
    kept = settings.read(stored(ding_app_key=u"k", ding_app_secret=HIDDEN))
    wanted = read(receiver__username=u"a", ding_app_secret=HIDDEN)
    seen = receivers.classify(u"bot", {"bot": {"qq": HIDDEN, "wx_userid": HIDDEN}}, kept)
    for shown in (repr(kept), str(kept), repr(wanted), repr(seen), "%s" % secret.Secret(HIDDEN), repr([secret.Secret(HIDDEN)])):
        assert HIDDEN not in shown


@pytest.mark.parametrize(
    "text",
    [
        u"url: /robot/send?access_token=%s&timestamp=1&sign=%s",
        u'{"appSecret": "%s", "accessToken": "%s"}',
        u"ding_app_secret=%s sign=%s",
        u"https://h/gettoken?appkey=k&appsecret=%s %s",
    ],
)
def test_texts_of_others_lose_their_secrets(text):
    assert HIDDEN not in secret.redact(text % (HIDDEN, HIDDEN))


def test_the_http_librarys_own_log_loses_tokens():
    seen = []

    class Keep(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    secret.guard_library_logs()
    library, handler = logging.getLogger("urllib3.connectionpool"), Keep()
    library.addHandler(handler)
    level = library.level
    library.setLevel(logging.DEBUG)
    try:
        library.debug('%s://%s:%s "%s %s %s" %s', "https", "h", 443, "POST", "/robot/send?access_token=" + HIDDEN, "1.1", 200)
    finally:
        library.setLevel(level)
        library.removeHandler(handler)
    assert len(seen) == 1 and HIDDEN not in seen[0] and "/robot/send" in seen[0]
