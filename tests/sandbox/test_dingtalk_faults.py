"""Faults as a caller meets them: real resets, time-outs, spoilt answers; and the process's own life."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from sandbox.dingtalk.client import Client

ROOT = Path(__file__).resolve().parents[2]
BATCH = "/v1.0/robot/oToMessages/batchSend"
TEXT = {"msgtype": "text", "text": {"content": "hello"}}


@pytest.fixture
def ding(server):
    client = Client(server.port)
    client.admin("reset", {"all": True})
    for token in ("one", "two"):
        client.admin("robots", {"token": token, "name": token})
    client.admin("apps", {"app_key": "key", "app_secret": "secret"})
    for userid in ("u1", "u2", "u3"):
        client.admin("people", {"userid": userid, "name": userid, "mobile": "1380000000" + userid[1]})
    yield client
    client.close()


def send(client, token="one"):
    return client.post("/robot/send?access_token=" + token, TEXT)


def fault(client, action, **more):
    client.admin("faults", {"path": "/robot/send", "action": action, **more})


def arrived(client):
    return len(client.admin("messages")["messages"])


def batch(client, users):
    token = client.post("/v1.0/oauth2/accessToken", {"appKey": "key", "appSecret": "secret"}).json()["accessToken"]
    body = {"robotCode": "key", "userIds": users, "msgKey": "sampleText", "msgParam": json.dumps({"content": "hi"})}
    return client.post(BATCH, body, {"x-acs-dingtalk-access-token": token})


@pytest.mark.parametrize("when, accepted", [("before", 0), ("after", 1)])
def test_a_reset_is_a_real_one(ding, server, when, accepted):
    fault(ding, {"reset": when})
    body = json.dumps(TEXT).encode()
    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(b"POST /robot/send?access_token=one HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
                    b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        with pytest.raises(ConnectionResetError):
            raw.recv(100)
    assert arrived(ding) == accepted
    call = ding.admin("calls")["calls"][-1]
    assert (call["fault"], call["accepted"], call["status"]) == ("reset:" + when, bool(accepted), None)
    assert send(ding).json()["errcode"] == 0


@pytest.mark.parametrize("when, accepted", [("before", 0), ("after", 1)])
def test_a_time_out_is_never_answered(ding, server, when, accepted):
    fault(ding, {"timeout": when})
    impatient = Client(server.port, timeout=0.3)
    with pytest.raises(socket.timeout):
        send(impatient)
    assert ding.admin("stats")["running"] == 1
    impatient.close()
    limit = time.monotonic() + 5
    while ding.admin("stats")["running"] and time.monotonic() < limit:
        threading.Event().wait(0.02)
    assert ding.admin("stats")["running"] == 0
    assert arrived(ding) == accepted


@pytest.mark.parametrize("action, status, content_type, part", [
    ({"status": 500, "body": {"code": "system.error"}}, 500, "application/json", "system.error"),
    ({"status": 503}, 503, "application/json", "system.error"),
    ({"status": 502, "html": True}, 502, "text/html", "<html>"),
    ({"html": True}, 200, "text/html", "<html>"),
    ({"x5": True}, 200, "application/json", '"status": 1111'),
    ({"errcode": "130101", "errmsg": "send too fast"}, 200, "application/json", '"errcode": "130101"'),
    ({"errcode": -1, "errmsg": "busy"}, 200, "application/json", '"errcode": -1'),
    ({"quota": True}, 200, "application/json", '"errcode": 90030'),
    ({"redirect": True}, 302, "text/html", ""),
])
def test_a_spoilt_answer_means_nothing_was_sent(ding, action, status, content_type, part):
    fault(ding, action)
    reply = send(ding)
    assert reply.status == status and reply.headers["Content-Type"].startswith(content_type) and part in reply.text
    assert arrived(ding) == 0
    assert send(ding).json()["errcode"] == 0


def test_a_gateway_time_out_can_have_been_accepted(ding):
    fault(ding, {"status": 504, "html": True, "accepted": True})
    assert send(ding).status == 504
    assert arrived(ding) == 1


def test_an_answer_of_ones_own_is_accepted(ding):
    fault(ding, {"answer": {"errcode": "0", "errmsg": "ok"}})
    assert send(ding).json() == {"errcode": "0", "errmsg": "ok"}
    assert arrived(ding) == 1


def test_latency_delays_one_call(ding):
    fault(ding, {"latency_ms": 300})
    started = time.monotonic()
    assert send(ding).json()["errcode"] == 0
    assert 0.3 <= time.monotonic() - started < 1
    assert arrived(ding) == 1


def test_an_answer_can_drip_byte_by_byte(ding):
    fault(ding, {"drip_ms": 10})
    started = time.monotonic()
    reply = send(ding)
    assert reply.json() == {"errcode": 0, "errmsg": "ok"}
    assert time.monotonic() - started >= 0.01 * (len(reply.text) - 1)


def test_times_and_skip_choose_the_calls(ding):
    fault(ding, {"errcode": -1}, times=2, skip=1)
    assert [send(ding).json()["errcode"] for _ in range(5)] == [0, -1, -1, 0, 0]


def test_times_zero_lasts_until_cleared(ding):
    fault(ding, {"errcode": -1}, times=0)
    assert [send(ding).json()["errcode"] for _ in range(3)] == [-1] * 3
    assert ding.call("DELETE", "/_admin/faults").status == 200
    assert send(ding).json()["errcode"] == 0


def test_a_match_chooses_the_robot_the_person_and_the_number(ding):
    fault(ding, {"errcode": -1}, times=0, match={"token": "two"})
    assert [send(ding, token).json()["errcode"] for token in ("one", "two")] == [0, -1]
    ding.admin("faults", {"path": BATCH, "action": {"status": 500}, "times": 0, "match": {"userid": "u2"}})
    assert [batch(ding, users).status for users in (["u1"], ["u1", "u2"])] == [200, 500]
    ding.admin("faults", {"path": BATCH, "action": {"status": 503}, "times": 0, "match": {"app_key": "key"}})
    assert batch(ding, ["u1"]).status == 503
    ding.admin("faults", {"path": "/topapi/v2/user/getbymobile", "action": {"errcode": 90002}, "times": 0, "match": {"mobile": "13800000002"}})
    token = ding.get("/gettoken", appkey="key", appsecret="secret").json()["access_token"]
    answers = [ding.post("/topapi/v2/user/getbymobile", {"mobile": "1380000000%d" % number}, access_token=token).json()["errcode"]
               for number in (1, 2)]
    assert answers == [0, 90002]


def test_some_people_of_a_batch_can_be_held_or_refused(ding):
    ding.admin("faults", {"path": BATCH, "action": {"flow_control": ["u2"], "invalid": ["u3"]}})
    answer = batch(ding, ["u1", "u2", "u3"]).json()
    assert (answer["flowControlledStaffIdList"], answer["invalidStaffIdList"]) == (["u2"], ["u3"])
    assert [message["to"] for message in ding.admin("messages")["messages"]] == ["u1"]


def test_quota_on_the_api_has_its_own_shape(ding):
    ding.admin("faults", {"path": BATCH, "action": {"quota": True}})
    reply = batch(ding, ["u1"])
    assert reply.status == 403 and "ApiCountLimitForOrg" in reply.json()["code"]


def start(*arguments):
    environment = dict(os.environ, PYTHONPATH=str(ROOT))
    process = subprocess.Popen([sys.executable, "-m", "sandbox.dingtalk", *arguments], stdout=subprocess.PIPE, env=environment, cwd=str(ROOT))
    return process, json.loads(process.stdout.readline())["port"]


def stop(process):
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    code = process.wait(10)
    process.stdout.close()
    return code, time.monotonic() - started


def test_the_process_stops_within_a_second_with_calls_hanging():
    process, port = start("--port", "0")
    try:
        ding = Client(port)
        ding.admin("robots", {"token": "one", "name": "one"})
        for action in ({"timeout": "after"}, {"drip_ms": 1000}, {"latency_ms": 60000}):
            fault(ding, action)
        hanging = [http.client.HTTPConnection("127.0.0.1", port, timeout=10) for _ in range(3)]
        for connection in hanging:
            connection.request("POST", "/robot/send?access_token=one", json.dumps(TEXT), {"Content-Type": "application/json"})
        limit = time.monotonic() + 5
        while ding.admin("stats")["running"] < 3 and time.monotonic() < limit:
            threading.Event().wait(0.02)
        assert ding.admin("stats")["running"] == 3
        code, seconds = stop(process)
    finally:
        process.kill()
    assert code == 0 and seconds < 1
    [connection.close() for connection in hanging]


def test_the_state_outlives_the_process(tmp_path):
    data = str(tmp_path / "dingtalk.json")
    process, port = start("--port", "0", "--data", data)
    try:
        ding = Client(port)
        ding.admin("robots", {"token": "one", "name": "one"})
        ding.admin("apps", {"app_key": "key", "app_secret": "secret"})
        ding.admin("people", {"userid": "u1", "name": "U", "mobile": "13800000001"})
        ding.post("/robot/send?access_token=one", {**TEXT, "msgUuid": "x"})
        batch(ding, ["u1"])
        before = ding.admin("messages")
        stop(process)
        process, port = start("--port", str(port), "--data", data)
        again = Client(port)
        assert again.admin("messages") == before
        again.post("/robot/send?access_token=one", {**TEXT, "msgUuid": "x"})
        assert again.admin("messages") == before
        assert batch(again, ["u1"]).status == 200
        assert len(again.admin("messages")["messages"]) == len(before["messages"]) + 1
        assert again.admin("stats")["tokens_issued"] == 0
    finally:
        stop(process)
