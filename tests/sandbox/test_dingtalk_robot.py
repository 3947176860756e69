"""Group robots over the wire: signature, limits, refusals, idempotence."""

import threading
import time
from urllib.parse import quote

import pytest

from sandbox.dingtalk.client import Client, robot_path
from sandbox.dingtalk.limits import Rates
from sandbox.dingtalk.signing import sign

TOKEN, SECRET = "a" * 64, "SEC-not-a-real-secret"
TEXT = {"msgtype": "text", "text": {"content": "hello"}}


@pytest.fixture
def ding(server):
    client = Client(server.port)
    client.admin("reset", {"all": True})
    client.admin("robots", {"token": TOKEN, "secret": SECRET, "name": "Alerts"})
    client.admin("robots", {"token": "open", "name": "Open"})
    yield client
    client.close()


def send(client, body=None, token="open", **query):
    return client.post("/robot/send", TEXT if body is None else body, access_token=token, **query).json()


def messages(client):
    return client.admin("messages")["messages"]


def test_the_published_vector_gives_the_known_signature():
    assert quote(sign("1577262236757", "this is secret"), safe="") == "hmPWwU%2B7lVdm3ZZz0r9tSfx0L4Q26jWOZr9%2BGs6EZQM%3D"


def test_a_signed_message_arrives_with_all_its_parts(ding):
    body = {"msgtype": "markdown", "markdown": {"title": "标题", "text": "# 你好 😀"}, "at": {"atMobiles": ["138"]}, "msgUuid": "u1"}
    assert ding.post(robot_path(TOKEN, SECRET), body).json() == {"errcode": 0, "errmsg": "ok"}
    (message,) = messages(ding)
    assert abs(message.pop("time") - time.time() * 1000) < 5000
    assert message == {"id": 1, "kind": "group", "to": TOKEN, "name": "Alerts", "msgtype": "markdown", "title": "标题",
                       "text": "# 你好 😀", "at": {"atMobiles": ["138"]}, "uuid": "u1", "part_of_call": 1}


def plus_signed_timestamp():
    now = int(time.time() * 1000)
    return next(now + offset for offset in range(10000) if "+" in sign(str(now + offset), SECRET))


def test_a_plus_that_was_not_encoded_is_refused(ding):
    timestamp = plus_signed_timestamp()
    assert ding.post(robot_path(TOKEN, SECRET, timestamp), TEXT).json()["errcode"] == 0
    refused = ding.post(robot_path(TOKEN, SECRET, timestamp, encode=False), TEXT).json()
    assert refused["errcode"] == 310000 and "sign not match" in refused["errmsg"]


def test_a_sign_that_was_encoded_twice_is_refused(ding):
    timestamp = plus_signed_timestamp()
    twice = quote(quote(sign(str(timestamp), SECRET), safe=""), safe="")
    path = "/robot/send?access_token=%s&timestamp=%d&sign=%s" % (TOKEN, timestamp, twice)
    assert ding.post(path, TEXT).json()["errcode"] == 310000


@pytest.mark.parametrize("minutes, errcode", [(-61, 310000), (-59, 0), (59, 0), (61, 310000)])
def test_the_timestamp_may_be_off_by_an_hour(ding, minutes, errcode):
    timestamp = int(time.time() * 1000) + minutes * 60000
    answer = ding.post(robot_path(TOKEN, SECRET, timestamp), TEXT).json()
    assert answer["errcode"] == errcode
    assert ("timestamp" in answer["errmsg"]) == bool(errcode)


def test_the_clock_can_be_put_wrong(ding):
    ding.admin("config", {"clock_skew_ms": 2 * 3600 * 1000})
    assert "timestamp" in ding.post(robot_path(TOKEN, SECRET), TEXT).json()["errmsg"]


def test_an_unsigned_call_to_a_signed_robot_is_refused(ding):
    assert send(ding, token=TOKEN)["errcode"] == 310000


def test_unknown_and_empty_tokens_are_refused(ding):
    assert send(ding, token="nobody")["errcode"] == 300005
    assert send(ding, token="")["errcode"] == 300001


def test_a_stopped_robot_says_so(ding):
    ding.admin("robots", {"token": "open", "stopped": True})
    assert send(ding)["errcode"] == 400102
    ding.admin("robots", {"token": "open", "stopped": False, "dissolved": True})
    assert send(ding)["errcode"] == 400013


def test_one_of_the_keywords_must_occur(ding):
    ding.admin("robots", {"token": "open", "keywords": ["告警", "hell"]})
    assert send(ding)["errcode"] == 0
    refused = send(ding, {"msgtype": "text", "text": {"content": "nothing"}})
    assert refused["errcode"] == 310000 and "keywords" in refused["errmsg"]


@pytest.mark.parametrize("body, errcode", [
    (b"{not json", 40035),
    ([], 40035),
    ({}, 40035),
    ({"msgtype": "text"}, 40035),
    ({"msgtype": "text", "text": {"content": " "}}, 40035),
    ({"msgtype": "text", "text": {"content": 7}}, 40035),
    ({"msgtype": "markdown", "markdown": {"text": "no title"}}, 40035),
    ({"msgtype": "hologram", "hologram": {}}, 400105),
    ({"msgtype": ["text"]}, 400105),
    ({**TEXT, "at": {"atMobiles": "138"}}, 40035),
    ({**TEXT, "at": {"atMobiles": [str(number) for number in range(51)]}}, 40035),
])
def test_malformed_messages_are_refused_with_http_200(ding, body, errcode):
    reply = ding.post("/robot/send?access_token=open", body)
    assert (reply.status, reply.json()["errcode"]) == (200, errcode)
    assert messages(ding) == []


def test_content_type_and_method_are_checked(ding):
    assert ding.post("/robot/send?access_token=open", b"{}", {"Content-Type": "text/plain"}).json()["errcode"] == 43004
    assert ding.get("/robot/send", access_token="open").json()["errcode"] == 43002


def test_the_body_limit_counts_bytes(ding):
    empty = len(b'{"msgtype": "text", "text": {"content": ""}}')
    fits = "字" * ((20000 - empty) // 3)
    assert send(ding, {"msgtype": "text", "text": {"content": fits}})["errcode"] == 0
    assert send(ding, {"msgtype": "text", "text": {"content": fits + "字"}})["errcode"] == 460101


def test_the_twenty_first_message_in_a_minute_blocks_the_robot_only(ding):
    assert [send(ding)["errcode"] for _ in range(22)] == [0] * 20 + [130101] * 2
    assert ding.post(robot_path(TOKEN, SECRET), TEXT).json()["errcode"] == 0
    assert len(messages(ding)) == 21


def test_the_window_slides_and_the_block_ends():
    rates = Rates()
    assert all(rates.admit_robot("r", 20, 600, now) for now in range(20))
    assert not rates.blocked("r", 59)
    assert rates.admit_robot("r", 20, 600, 60)  # the one of second 0 has left the window
    assert not rates.admit_robot("r", 20, 600, 60.5)
    assert rates.blocked("r", 660) and not rates.blocked("r", 660.5)
    assert rates.admit_robot("r", 20, 600, 661)


@pytest.mark.parametrize("style, status, code", [("130101", 200, 130101), ("410100", 200, 410100), ("302", 302, None), ("x5", 200, None)])
def test_throttling_comes_in_the_configured_style(ding, style, status, code):
    ding.admin("config", {"robot_per_minute": 1, "throttle_style": style})
    send(ding)
    reply = ding.post("/robot/send?access_token=open", TEXT)
    assert reply.status == status
    if status == 302:
        assert reply.headers["Location"].startswith("/")
    else:
        assert reply.json().get("errcode") == code
    if style == "x5":
        assert reply.json()["status"] == 1111 and reply.json()["punish"] == "deny"


def test_a_repeated_uuid_is_ok_and_adds_no_message(ding):
    ding.admin("config", {"robot_per_minute": 2})
    body = {**TEXT, "msgUuid": "same"}
    assert [send(ding, body)["errcode"] for _ in range(5)] == [0] * 5
    assert send(ding, {**TEXT, "msgUuid": "other"})["errcode"] == 0
    assert [message["uuid"] for message in messages(ding)] == ["same", "other"]


def test_the_same_uuid_at_another_robot_is_another_message(ding):
    body = {**TEXT, "msgUuid": "same"}
    send(ding, body)
    ding.post(robot_path(TOKEN, SECRET), body)
    assert len(messages(ding)) == 2


def test_the_monthly_quota_ends(ding):
    ding.admin("config", {"quota_webhook": 2})
    assert [send(ding)["errcode"] for _ in range(3)] == [0, 0, 90030]


def test_messages_and_calls_come_after_an_id(ding):
    for number in range(3):
        send(ding, {"msgtype": "text", "text": {"content": str(number)}})
    assert [message["text"] for message in ding.admin("messages?after=1")["messages"]] == ["1", "2"]
    (call,) = ding.admin("calls?after=2")["calls"]
    assert (call["method"], call["path"], call["status"], call["errcode"], call["accepted"]) == ("POST", "/robot/send", 200, 0, True)
    assert call["body"] == {"msgtype": "text", "text": {"content": "2"}} and call["query"] == {"access_token": "open"}


def test_connections_are_counted_and_named(ding, server):
    send(ding)
    send(ding)
    other = Client(server.port)
    send(other)
    other.close()
    first, second, third = [call["connection"] for call in ding.admin("calls")["calls"]]
    assert first == second != third
    assert ding.admin("stats")["calls"] == {"/robot/send": 3}


def test_parallel_calls_are_counted(ding, server):
    ding.admin("config", {"latency_ms": 200, "robot_per_minute": 0})

    def one():
        client = Client(server.port)
        send(client)
        client.close()

    threads = [threading.Thread(target=one) for _ in range(8)]
    started = time.monotonic()
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert 0.2 <= time.monotonic() - started < 1.0
    stats = ding.admin("stats")
    assert stats["max_running"] == 8 and stats["running"] == 0 and stats["connections"] == 8


def test_reset_keeps_the_robots_unless_all(ding):
    send(ding)
    ding.admin("config", {"latency_ms": 1})
    ding.admin("reset", {})
    assert messages(ding) == [] and ding.admin("calls")["calls"] == [] and ding.admin("config")["latency_ms"] == 0
    assert send(ding)["errcode"] == 0
    ding.admin("reset", {"all": True})
    assert send(ding)["errcode"] == 300005


@pytest.mark.parametrize("path, body", [
    ("robots", {}), ("apps", {"app_key": "k"}), ("people", {"name": "x"}), ("config", {"speed": 1}),
    ("config", {"throttle_style": "slow"}), ("faults", {"path": "/robot/send"}), ("faults", {"action": {"explode": 1}}),
    ("faults", {"action": {"reset": "during"}}), ("faults", {"action": {"x5": True}, "match": {"shoe": 1}}), ("reset", []),
])
def test_admin_mistakes_are_http_400_with_a_reason(ding, path, body):
    reply = ding.post("/_admin/" + path, body)
    assert reply.status == 400 and reply.json()["error"]
