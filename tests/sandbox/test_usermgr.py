"""User management over the wire: envelopes, look-ups, writing, soft deletion, authentication."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sandbox.dingtalk.client import Client
from sandbox.dingtalk.serving import Background
from sandbox.usermgr import create_app

ROOT = Path(__file__).resolve().parents[2]
PROFILES = "/api/v2/profiles/"
RAW = {"Force-Raw-Response": "1"}


@pytest.fixture(scope="module")
def server():
    with Background(create_app()) as running:
        yield running


@pytest.fixture
def users(server):
    client = Client(server.port)
    client.admin("reset", {})
    yield client
    client.close()


def create(client, username, headers=None, **fields):
    return client.post(PROFILES, {"username": username, **fields}, headers)


def change(client, name, query="", **fields):
    return client.call("PATCH", "%s%s/%s" % (PROFILES, name, query), fields)


def listed(client, **query):
    return client.get(PROFILES, no_page="1", **query).json()


def failed(reply, part, status=200):
    answer = reply.json()
    return reply.status == status and answer["result"] is False and answer["code"] == -1 and answer["data"] is None and part in answer["message"]


def test_a_created_robot_user_is_found_at_once(users):
    token, secret = "f" * 64, "SEC-not-a-real-secret"
    reply = create(users, "bot1", qq=token, wx_userid=secret, display_name="Bot 1", email="bot@example.com", telephone="13800000001")
    assert reply.status == 201
    answer = reply.json()
    assert {key: answer[key] for key in ("result", "code", "message")} == {"result": True, "code": 0, "message": "success"}
    assert answer["data"]["status"] == "NORMAL" and answer["data"]["enabled"] is True
    assert listed(users, lookup_field="username", exact_lookups="bot1", fields="username,qq,wx_userid")["data"] == [
        {"username": "bot1", "qq": token, "wx_userid": secret}]
    assert users.get(PROFILES + "bot1/").json()["data"]["display_name"] == "Bot 1"


def test_look_ups_ignore_case_and_unknown_names_are_absent(users):
    create(users, "Zhang")
    answer = listed(users, exact_lookups="zHANG,nobody,ADMIN", fields="username")
    assert answer["data"] == [{"username": "admin"}, {"username": "Zhang"}]
    assert users.get(PROFILES + "ZHANG/").json()["data"]["username"] == "Zhang"


def test_only_the_default_directory_is_looked_up_without_a_domain(users):
    create(users, "li", qq="default")
    create(users, "li", qq="partner", category_id=3)
    users.admin("users", {"username": "li", "qq": "ldap", "domain": "ldap.local"})
    answer = listed(users, exact_lookups="li,li@PARTNER.local,li@ldap.local,li@default.local", fields="username,qq")
    assert [(each["username"], each["qq"]) for each in answer["data"]] == [
        ("li", "default"), ("li@partner.local", "partner"), ("li@ldap.local", "ldap")]
    page = users.get(PROFILES, exact_lookups="li@ldap.local").json()["data"]["results"]
    assert (page[0]["username"], page[0]["domain"]) == ("li@ldap.local", "ldap.local")
    raw = users.call("GET", PROFILES + "?no_page=1&exact_lookups=li@ldap.local&fields=username", headers={"Raw-Username": "true"}).json()
    assert raw["data"] == [{"username": "li"}]


def test_a_profile_of_another_directory_is_read_by_name_and_domain(users):
    created = create(users, "li", category_id=3).json()["data"]
    assert (created["username"], created["domain"], created["category_id"]) == ("li", "partner.local", 3)
    assert users.get(PROFILES + "li@partner.local/").json()["data"]["username"] == "li@partner.local"
    assert users.get(PROFILES + "admin@default.local/").json()["data"]["username"] == "admin"
    assert failed(users.get(PROFILES + "li/"), "404, could not be found")
    assert failed(users.get(PROFILES + "li@nowhere/"), "404, could not be found")


def test_lists_come_in_pages_of_fifty(users):
    users.admin("users", [{"username": "user%03d" % number} for number in range(60)])
    answer = users.get(PROFILES).json()["data"]
    assert answer["count"] == 61 and len(answer["results"]) == 50
    assert len(users.get(PROFILES, page=2).json()["data"]["results"]) == 11
    assert len(users.get(PROFILES, page_size=3).json()["data"]["results"]) == 3
    assert users.get(PROFILES, page=3).status == 404
    assert len(listed(users)["data"]) == 61


def test_fields_are_only_those_asked_for_and_unknown_ones_are_an_error(users):
    assert list(listed(users, fields="id,username")["data"][0]) == ["id", "username"]
    assert failed(users.get(PROFILES, fields="username,shoe_size"), "shoe_size")
    assert failed(users.get(PROFILES + "admin/", fields="shoe_size"), "shoe_size")
    assert set(users.get(PROFILES + "admin/", fields="id").json()["data"]) == {"id"}
    assert "password" not in users.get(PROFILES + "admin/").json()["data"]


def test_another_column_can_be_looked_up(users):
    create(users, "bot1", qq="token")
    assert [each["username"] for each in listed(users, lookup_field="qq", exact_lookups="TOKEN")["data"]] == ["bot1"]
    assert [each["username"] for each in listed(users, fuzzy_lookups="OT1")["data"]] == ["bot1"]
    assert failed(users.get(PROFILES, lookup_field="shoe", exact_lookups="1"), "查询参数错误")


def test_about_four_hundred_names_fit_one_url_and_a_thousand_do_not(users):
    names = ["user%04d" % number for number in range(1000)]
    users.admin("users", [{"username": name} for name in names])

    def ask(count):
        return users.call("GET", PROFILES + "?no_page=1&fields=username&exact_lookups=" + ",".join(names[:count]))

    assert len(ask(400).json()["data"]) == 400
    refused = ask(1000)
    assert refused.status == 400 and "<html>" in refused.text
    parameters = {"no_page": "1", "fields": "username", "exact_lookups": ",".join(names)}
    assert len(users.post(PROFILES, parameters, {"X-HTTP-Method-Override": "GET"}).json()["data"]) == 1000


@pytest.mark.parametrize("body, field", [
    ({}, "username"),
    ({"username": ""}, "username"),
    ({"username": None}, "username"),
    ({"username": "-first"}, "username"),
    ({"username": "a@b"}, "username"),
    ({"username": "名字"}, "username"),
    ({"username": "x" * 33}, "username"),
    ({"username": "bot", "qq": "q" * 65}, "qq"),
    ({"username": "bot", "qq": None}, "qq"),
    ({"username": "bot", "wx_userid": "w" * 256}, "wx_userid"),
    ({"username": "bot", "display_name": "d" * 256}, "display_name"),
    ({"username": "bot", "telephone": "1" * 256}, "telephone"),
    ({"username": "bot", "email": "not an address"}, "email"),
    ({"username": "bot", "extras": None}, "extras"),
    ({"username": "bot", "status": "SLEEPING"}, "status"),
    ({"username": "bot", "enabled": "perhaps"}, "enabled"),
])
def test_wrong_values_are_named_in_both_formats(users, body, field):
    assert failed(users.post(PROFILES, body), "validation error: {'%s'" % field)
    raw = users.post(PROFILES, body, RAW)
    assert raw.status == 400 and raw.json()["code"] == "VALIDATION_ERROR" and list(raw.json()["fields_detail"]) == [field]
    assert len(listed(users)["data"]) == 1


def test_the_widest_allowed_values_are_taken(users):
    assert create(users, "9" + "x" * 31, qq="q" * 64, wx_userid="w" * 255, telephone="not a number", email="").status == 201
    assert create(users, "nulls", wx_userid=None, telephone=None, email=None, display_name=None).status == 201


def test_a_duplicate_is_refused_whatever_its_case(users):
    create(users, "bot1")
    assert failed(create(users, "BOT1"), "该目录下此用户名已存在")
    raw = create(users, "BOT1", RAW)
    assert (raw.status, raw.json()["code"]) == (409, "USER_ALREADY_EXISTED")
    assert create(users, "bot1", category_id=3).status == 201


def test_a_read_only_directory_cannot_be_written(users):
    users.admin("users", {"username": "wang", "domain": "ldap.local"})
    assert failed(create(users, "zhao", category_id=2), "该用户目录不能够手动写入数据")
    assert failed(create(users, "zhao", category_id=99), "该用户目录不能够手动写入数据")
    assert failed(change(users, "wang@ldap.local", qq="1"), "该用户目录不能够手动写入数据")


def test_patch_keeps_what_it_is_not_given_and_replaces_extras_whole(users):
    create(users, "bot1", qq="one", display_name="Bot", extras={"a": 1, "b": 2})
    data = change(users, "bot1", qq="two", extras={"c": 3}).json()["data"]
    assert (data["qq"], data["display_name"], data["extras"]) == ("two", "Bot", {"c": 3})
    assert listed(users, exact_lookups="bot1", fields="qq,extras")["data"] == [{"qq": "two", "extras": {"c": 3}}]
    assert users.call("PUT", PROFILES + "bot1/", {"display_name": "New"}).json()["data"]["qq"] == "two"


def test_patch_ignores_the_names_and_the_directory(users):
    create(users, "bot1")
    data = change(users, "bot1", username="other", domain="ldap.local", category_id=2, shoe_size=43).json()["data"]
    assert (data["username"], data["domain"], data["category_id"]) == ("bot1", "default.local", 1)


def test_every_write_sets_the_country_back_unless_it_names_one(users):
    assert create(users, "hk", country_code="852").json()["data"]["iso_code"] == "HK"
    data = change(users, "hk", qq="1").json()["data"]
    assert (data["country_code"], data["iso_code"]) == ("86", "CN")
    assert change(users, "hk", iso_code="hk").json()["data"]["country_code"] == "852"
    assert failed(change(users, "hk", country_code="86", iso_code="HK"), "request failed")


def test_deleting_is_soft_and_can_be_undone(users):
    create(users, "bot1", qq="kept")
    gone = users.call("DELETE", PROFILES + "bot1/")
    # The real one promises the envelope's length with a status that has no body.
    assert (gone.status, gone.text, gone.headers["Content-Length"]) == (204, "", "56")
    assert failed(users.get(PROFILES + "bot1/"), "404, could not be found")
    assert listed(users, exact_lookups="bot1")["data"] == []
    (hidden,) = listed(users, exact_lookups="bot1", include_disabled="1", fields="username,status")["data"]
    assert hidden == {"username": "bot1", "status": "DELETED", "enabled": False}
    assert failed(create(users, "bot1"), "被删除状态")
    assert failed(change(users, "bot1", enabled=True), "404, could not be found")
    restored = change(users, "bot1", "?include_disabled=1", enabled=True).json()["data"]
    assert (restored["enabled"], restored["qq"]) == (True, "kept")
    assert users.get(PROFILES + "bot1/").json()["data"]["enabled"] is True


def test_a_restoring_patch_leaves_the_status_unless_it_names_one(users):
    create(users, "bot1")
    users.call("DELETE", PROFILES + "bot1/")
    assert change(users, "bot1", "?include_disabled=1", enabled=True).json()["data"]["status"] == "DELETED"
    assert change(users, "bot1", status="NORMAL").json()["data"]["status"] == "NORMAL"


def test_restoration_sets_both(users):
    create(users, "bot1")
    users.call("DELETE", PROFILES + "bot1/")
    assert users.post(PROFILES + "bot1/restoration/?include_disabled=1").json()["result"] is True
    assert users.get(PROFILES + "bot1/").json()["data"]["status"] == "NORMAL"
    assert failed(users.post(PROFILES + "bot1/restoration/"), "资源数据未被删除")


def test_the_raw_format_has_bare_bodies_and_true_status_codes(users):
    assert create(users, "bot1", RAW).json()["username"] == "bot1"
    assert users.call("GET", PROFILES + "?no_page=1&fields=username", headers=RAW).json() == [{"username": "admin"}, {"username": "bot1"}]
    assert users.call("GET", PROFILES + "nobody/", headers=RAW).status == 404
    assert users.call("GET", PROFILES + "?fields=shoe", headers=RAW).json()["code"] == "FIELDS_NOT_SUPPORTED_YET"
    assert create(users, "x", RAW, category_id=2).json()["code"] == "CANNOT_MANUAL_WRITE_INTO"
    assert users.call("DELETE", PROFILES + "bot1/", headers=RAW).status == 204


def test_malformed_requests(users):
    assert failed(users.post(PROFILES, b"{not json"), "request failed", status=400)
    assert failed(users.post(PROFILES, []), "validation error")
    assert failed(users.post(PROFILES, b"username=a", {"Content-Type": "text/plain"}), "request failed", status=415)
    assert failed(users.call("DELETE", PROFILES), "request failed", status=405)
    assert failed(users.get(PROFILES + "a@b@c/"), "request failed")
    assert users.call("GET", PROFILES + "a@b@c/", headers=RAW).status == 500
    assert users.get(PROFILES + "a%20b/").status == 404
    assert users.get("/api/v2/nothing/").status == 404
    assert users.get("/api/v2/profiles").headers["Location"] == PROFILES


def test_the_directories_are_listed(users):
    answer = users.get("/api/v2/categories/").json()["data"]
    assert answer["count"] == 3
    assert [(each["id"], each["domain"], each["type"], each["default"], each["enabled"]) for each in answer["results"]] == [
        (1, "default.local", "local", True, True), (2, "ldap.local", "ldap", False, True), (3, "partner.local", "local", False, True)]
    assert users.get("/api/v2/categories/2/").json()["data"]["domain"] == "ldap.local"


def test_authentication_is_off_until_it_is_switched_on(users):
    assert users.get(PROFILES).json()["result"] is True
    users.admin("config", {"auth": True, "app_code": "app", "app_secret": "s3cret-not-real", "token": "t0ken-not-real"})

    def ask(**headers):
        return users.call("GET", PROFILES, headers={name.replace("_", "-"): value for name, value in headers.items()})

    assert failed(ask(), "403, authentication failed")
    assert failed(ask(X_Bk_App_Code="app"), "403, authentication failed")
    assert failed(ask(Authorization="iBearer wrong"), "403, authentication failed")
    wrong = {"headers": {"Authorization": "iBearer t0ken-not-real"}}
    assert failed(users.call("GET", PROFILES + "?token=wrong", **wrong), "403, authentication failed")
    assert ask(Force_Raw_Response="1").status == 403
    assert ask(X_Bk_App_Code="app", X_Bk_App_Secret="s3cret-not-real").json()["result"] is True
    assert ask(Authorization="ibearer t0ken-not-real").json()["result"] is True
    assert users.get("/ping/").text == "pong"


def test_any_app_and_secret_are_let_in_unless_the_sandbox_is_told_to_compare(users):
    wrong = {"X-Bk-App-Code": "app", "X-Bk-App-Secret": "wrong"}
    users.admin("config", {"auth": True})
    assert users.call("GET", PROFILES, headers=wrong).json()["result"] is True
    users.admin("config", {"strict": True})
    assert failed(users.call("GET", PROFILES, headers=wrong), "403, authentication failed")


def test_departments_are_objects_and_in_the_flat_list_rows(users):
    create(users, "li", departments=[2, "3", 999])
    assert [each["id"] for each in users.get(PROFILES + "li/").json()["data"]["departments"]] == [2, 3]
    assert listed(users, exact_lookups="li", fields="username,departments")["data"] == [
        {"username": "li", "departments": 2}, {"username": "li", "departments": 3}]
    assert listed(users, exact_lookups="li", fields="username")["data"] == [{"username": "li"}]
    assert failed(change(users, "li", departments=["x"]), "request failed")


def test_extended_fields_have_defaults_in_all_but_the_flat_list(users):
    users.admin("config", {"extra_fields": {"city": "Shenzhen", "number": ""}})
    assert create(users, "li", extras={"own": 1}).json()["data"]["extras"] == {"city": "Shenzhen", "number": None, "own": 1}
    assert users.get(PROFILES + "li/").json()["data"]["extras"]["city"] == "Shenzhen"
    assert users.get(PROFILES, exact_lookups="li").json()["data"]["results"][0]["extras"]["city"] == "Shenzhen"
    assert listed(users, exact_lookups="li", fields="extras")["data"] == [{"extras": {"own": 1}}]


def test_extended_fields_that_are_no_object_cannot_be_saved(users):
    assert failed(create(users, "li", extras=[1]), "保存用户信息失败")
    create(users, "li")
    reply = change(users, "li", extras="text")
    assert reply.status == 500 and "<html>" in reply.text
    assert change(users, "li", id=7).status == 500


def test_a_code_belongs_to_one_profile(users):
    create(users, "li", code="c1")
    assert failed(create(users, "wang", code="C1"), "'code'")
    create(users, "wang")
    assert failed(change(users, "wang", code="c1"), "'code'")
    assert change(users, "li", code="c1").json()["result"] is True


def test_a_country_code_with_a_sign_is_kept(users):
    data = create(users, "li", country_code="+852").json()["data"]
    assert (data["country_code"], data["iso_code"]) == ("+852", "HK")
    assert failed(change(users, "li", country_code="+852", iso_code="HK"), "request failed")


def test_all_wrong_fields_are_named_at_once(users):
    answer = users.post(PROFILES, {"username": "a b", "qq": None, "category_id": None}).json()
    assert all("'%s'" % name in answer["message"] for name in ("username", "qq", "category_id"))


def test_one_refusal_is_translated(users):
    reply = users.post(PROFILES, {"username": "zhao", "category_id": 2}, {"Accept-Language": "en"})
    assert failed(reply, "This category not support to manage manually")


@pytest.mark.parametrize("fields", ["", "username,"])
def test_an_empty_field_cannot_be_asked_for(users, fields):
    assert failed(users.get(PROFILES, fields=fields), "存在不支持动态返回的字段")


def test_failures_on_demand(users, server):
    users.admin("config", {"fail": {"status": 502, "html": True}})
    reply = users.get(PROFILES)
    assert reply.status == 502 and "<html>" in reply.text
    users.admin("config", {"fail": {"hang": True}})
    impatient = Client(server.port, timeout=0.3)
    with pytest.raises(TimeoutError):
        impatient.get(PROFILES)
    impatient.close()
    users.admin("config", {"fail": None, "latency_ms": 200})
    started = time.monotonic()
    assert users.get(PROFILES).status == 200
    assert time.monotonic() - started >= 0.2


def test_calls_are_recorded(users):
    listed(users, exact_lookups="admin")
    (call,) = users.admin("calls")["calls"]
    assert (call["method"], call["path"], call["status"]) == ("GET", PROFILES, 200)
    assert call["query"] == {"no_page": "1", "exact_lookups": "admin"}
    assert users.admin("calls?after=%d" % call["id"])["calls"] == []


def test_admin_puts_users_in_without_validation(users):
    users.admin("users", {"username": "robot", "qq": "q" * 200, "extras": {"token": "x"}})
    users.admin("users", {"username": "ROBOT", "wx_userid": "SEC"})
    (user,) = listed(users, exact_lookups="robot", fields="username,wx_userid,extras")["data"]
    assert (user["wx_userid"], user["extras"]) == ("SEC", {"token": "x"})
    for body in ({}, {"username": "x", "domain": "nowhere"}, [1]):
        assert users.post("/_admin/users", body).status == 400


def test_users_outlive_the_process_and_it_stops_at_once(tmp_path):
    data = str(tmp_path / "usermgr.json")
    environment = dict(os.environ, PYTHONPATH=str(ROOT))

    def start():
        process = subprocess.Popen([sys.executable, "-m", "sandbox.usermgr", "--port", "0", "--data", data], stdout=subprocess.PIPE,
                                   env=environment, cwd=str(ROOT))
        return process, Client(json.loads(process.stdout.readline())["port"])

    def stop(process):
        started = time.monotonic()
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
        process.stdout.close()
        return time.monotonic() - started

    process, users = start()
    try:
        create(users, "bot1", qq="kept", category_id=3)
        users.admin("config", {"fail": {"hang": True}})
        users.connection.request("GET", PROFILES)
        assert stop(process) < 1
        process, users = start()
        assert users.get(PROFILES + "bot1@partner.local/").json()["data"]["qq"] == "kept"
        assert create(users, "next").json()["data"]["id"] == 3
    finally:
        stop(process)
