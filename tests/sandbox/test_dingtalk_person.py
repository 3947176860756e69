"""Tokens, look-ups and one-to-one messages over the wire."""

import json

import pytest

from sandbox.dingtalk.client import Client
from sandbox.dingtalk.limits import Window

BATCH = "/v1.0/robot/oToMessages/batchSend"
LOOKUP = "/topapi/v2/user/getbymobile"
FETCH = "/v1.0/oauth2/accessToken"
CREDENTIALS = {"appKey": "key", "appSecret": "secret"}


@pytest.fixture
def ding(server):
    client = Client(server.port)
    client.admin("reset", {"all": True})
    client.admin("apps", {"app_key": "key", "app_secret": "secret"})
    for number in range(25):
        client.admin("people", {"userid": "u%d" % number, "name": "User %d" % number, "mobile": str(13800000000 + number)})
    yield client
    client.close()


def api_token(client):
    return client.post(FETCH, CREDENTIALS).json()["accessToken"]


def oapi_token(client):
    return client.get("/gettoken", appkey="key", appsecret="secret").json()["access_token"]


def batch(client, token=None, **changes):
    body = {"robotCode": "key", "userIds": ["u1"], "msgKey": "sampleText", "msgParam": json.dumps({"content": "hi"})}
    body.update(changes)
    headers = {"x-acs-dingtalk-access-token": api_token(client) if token is None else token}
    return client.post(BATCH, body, headers)


def lookup(client, mobile, token=None):
    return client.post(LOOKUP, {"mobile": mobile}, access_token=token or oapi_token(client)).json()


def test_both_endpoints_give_the_same_token_within_its_life(ding):
    assert api_token(ding) == api_token(ding)
    assert oapi_token(ding) == oapi_token(ding)
    assert ding.admin("stats")["tokens_issued"] == 2
    assert ding.post(FETCH, CREDENTIALS).json()["expireIn"] == 7200
    answer = ding.get("/gettoken", appkey="key", appsecret="secret").json()
    assert (answer["errcode"], answer["expires_in"]) == (0, 7200)


def test_wrong_credentials_get_no_token(ding):
    reply = ding.post(FETCH, {"appKey": "key", "appSecret": "wrong"})
    assert (reply.status, reply.json()["code"]) == (400, "invalidClientIdOrSecret")
    reply = ding.get("/gettoken", appkey="key", appsecret="wrong")
    assert reply.status == 200 and reply.json()["errcode"] == 40089


def test_revoked_tokens_are_refused_and_the_next_fetch_gives_a_new_one(ding):
    old_api, old_oapi = api_token(ding), oapi_token(ding)
    ding.admin("tokens/revoke", {})
    reply = batch(ding, old_api)
    assert (reply.status, reply.json()["code"]) == (400, "InvalidAuthentication")
    assert lookup(ding, "13800000001", old_oapi)["errcode"] == 40014
    assert api_token(ding) != old_api
    assert batch(ding).status == 200


def test_expired_tokens_are_refused(ding):
    ding.admin("config", {"token_life": 0})
    assert batch(ding).json()["code"] == "InvalidAuthentication"
    assert lookup(ding, "13800000001")["errcode"] == 42001


def test_a_missing_token_is_http_401(ding):
    reply = ding.post(BATCH, {})
    assert (reply.status, reply.json()["code"]) == (401, "InvalidAuthentication")


def test_either_token_serves_both_unless_configured_otherwise(ding):
    assert batch(ding, oapi_token(ding)).status == 200
    assert lookup(ding, "13800000001", api_token(ding))["errcode"] == 0
    ding.admin("config", {"tokens_shared": False})
    assert batch(ding, oapi_token(ding)).status == 400
    assert lookup(ding, "13800000001", api_token(ding))["errcode"] == 40014
    assert batch(ding).status == 200


def test_token_fetches_are_throttled_only_by_config(ding):
    assert [ding.post(FETCH, CREDENTIALS).status for _ in range(30)] == [200] * 30
    ding.admin("config", {"token_fetches_per_minute": 1})
    assert ding.post(FETCH, CREDENTIALS).status == 200
    assert ding.post(FETCH, CREDENTIALS).status == 403


def test_a_batch_gives_each_person_one_message(ding):
    answer = batch(ding, userIds=["u1", "u2", "u1", "nobody"], msgKey="sampleMarkdown",
                   msgParam=json.dumps({"title": "T", "text": "**b**"})).json()
    assert answer["invalidStaffIdList"] == ["nobody"] and answer["flowControlledStaffIdList"] == []
    assert answer["processQueryKey"]
    found = [(each["kind"], each["to"], each["name"], each["msgtype"], each["title"], each["text"])
             for each in ding.admin("messages")["messages"]]
    assert found == [("person", "u1", "User 1", "markdown", "T", "**b**"), ("person", "u2", "User 2", "markdown", "T", "**b**")]


def test_the_robot_code_may_differ_from_the_app_key(ding):
    ding.admin("apps", {"app_key": "key", "robot_code": "dingrobot"})
    assert batch(ding).json()["code"] == "robotCode.notExsit"
    assert batch(ding, robotCode="dingrobot").status == 200


@pytest.mark.parametrize("changes", [
    {"userIds": []},
    {"userIds": ["u%d" % number for number in range(21)]},
    {"userIds": "u1"},
    {"userIds": ["u1", ""]},
    {"userIds": ["u1", 7]},
    {"userIds": ["x" * 65]},
    {"robotCode": ""},
    {"msgKey": "sampleNothing"},
    {"msgParam": {"content": "an object, not a string"}},
    {"msgParam": "not json"},
    {"msgParam": "[]"},
    {"msgParam": "{}"},
    {"msgParam": json.dumps({"content": "x" * 15000})},
])
def test_bad_parameters_refuse_the_whole_batch(ding, changes):
    reply = batch(ding, **changes)
    assert reply.status == 400 and reply.json()["code"].startswith("invalidParameter.")
    assert ding.admin("messages")["messages"] == []


def test_the_parameter_limit_counts_bytes(ding):
    def param(characters):
        return json.dumps({"content": "字" * characters}, ensure_ascii=False)

    fits = (15000 - len(b'{"content": ""}')) // 3
    assert batch(ding, msgParam=param(fits)).status == 200
    assert batch(ding, msgParam=param(fits + 1)).status == 400


def test_twenty_people_are_one_batch(ding):
    assert batch(ding, userIds=["u%d" % number for number in range(20)]).status == 200
    assert len(ding.admin("messages")["messages"]) == 20


def test_mobiles_are_looked_up(ding):
    answer = lookup(ding, "13800000003")
    assert (answer["errcode"], answer["result"]["userid"]) == (0, "u3")
    assert lookup(ding, "+86-13800000003")["result"]["userid"] == "u3"
    assert lookup(ding, "13900000000")["errcode"] == 60121
    assert lookup(ding, "no number")["errcode"] == 40104
    assert lookup(ding, None)["errcode"] == 40104


def test_overseas_mobiles_are_looked_up_as_written(ding):
    ding.admin("people", {"userid": "hk", "name": "HK", "mobile": "+852-12345678"})
    assert lookup(ding, "+852-12345678")["result"]["userid"] == "hk"
    assert lookup(ding, "12345678")["errcode"] == 60121


def test_a_changed_mobile_is_found_and_the_old_one_is_not(ding):
    ding.admin("people", {"userid": "u3", "mobile": "13811111111"})
    assert lookup(ding, "13811111111")["result"]["userid"] == "u3"
    assert lookup(ding, "13800000003")["errcode"] == 60121


def test_missing_permissions_are_named(ding):
    ding.admin("apps", {"app_key": "key", "permissions": []})
    assert lookup(ding, "13800000001")["errcode"] == 60011
    reply = batch(ding)
    assert reply.status == 403 and reply.json()["code"].endswith("AccessTokenPermissionDenied")
    ding.admin("apps", {"app_key": "key", "permissions": ["getbymobile", "batchSend"]})
    assert lookup(ding, "13800000001")["errcode"] == 0
    assert batch(ding).status == 200


def test_calls_per_second_are_limited_per_app_and_api(ding):
    ding.admin("config", {"qps": 5})
    token = api_token(ding)
    assert [lookup(ding, "13800000001", token)["errcode"] for _ in range(6)] == [0] * 5 + [90018]
    replies = [batch(ding, token) for _ in range(6)]
    assert [reply.status for reply in replies] == [200] * 5 + [403]
    assert replies[-1].json()["code"].endswith("QpsLimitForAppkeyAndApi")
    ding.admin("apps", {"app_key": "other", "app_secret": "secret"})
    other = ding.post(FETCH, {"appKey": "other", "appSecret": "secret"}).json()["accessToken"]
    assert lookup(ding, "13800000001", other)["errcode"] == 0


def test_the_second_slides_and_zero_switches_the_limit_off():
    window = Window(1)
    assert [window.admit(2, now) for now in (0.0, 0.5, 0.75, 1.0, 1.25, 1.5)] == [True, True, False, True, False, True]
    assert all(Window(1).admit(0, 0) for _ in range(100))


def test_the_monthly_quota_counts_batches_not_look_ups(ding):
    ding.admin("config", {"quota_api": 1})
    assert lookup(ding, "13800000001")["errcode"] == lookup(ding, "13800000002")["errcode"] == 0
    assert batch(ding).status == 200
    reply = batch(ding)
    assert reply.status == 403 and "ApiCountLimitForOrg" in reply.json()["code"]


def test_unknown_paths_are_http_404(ding):
    assert ding.post("/v1.0/nothing").status == 404
