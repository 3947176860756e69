# -*- coding: utf-8 -*-
"""Calls over real sockets: kept connections, whole-call time-outs, what was certainly not sent, what the trace holds."""
from __future__ import absolute_import, division, print_function

import json
import logging
import socket
import threading
import time

import pytest
from components.generic.apis.ding_blueking.toolkit import transport
from components.generic.apis.ding_blueking.toolkit.names import monotonic
from components.generic.apis.ding_blueking.toolkit.transport import CallFailed, Transport

HIDDEN = "not-a-real-token-0123456789"


class Peer(object):
    """A server of one behaviour: `act(connection, request head)` for each request; False ends the connection."""

    def __init__(self, act):
        self.act = act
        self.connections = 0
        self.heads = []
        self._listening = socket.socket()
        self._listening.bind(("127.0.0.1", 0))
        self._listening.listen(20)
        self.url = "http://127.0.0.1:%d" % self._listening.getsockname()[1]
        worker = threading.Thread(target=self._serve)
        worker.daemon = True
        worker.start()

    def _serve(self):
        while True:
            try:
                connection, _ = self._listening.accept()
            except (socket.error, ValueError):
                return
            self.connections += 1
            worker = threading.Thread(target=self._talk, args=(connection,))
            worker.daemon = True
            worker.start()

    def _talk(self, connection):
        data = b""
        try:
            while True:
                more = connection.recv(65536)
                if not more:
                    return
                data += more
                while b"\r\n\r\n" in data:
                    head, data = data.split(b"\r\n\r\n", 1)
                    length = [int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
                    while length and len(data) < length[0]:
                        data += connection.recv(65536)
                    data = data[length[0]:] if length else data
                    self.heads.append(head)
                    if self.act(connection, head) is False:
                        return
        except socket.error:
            return
        finally:
            connection.close()

    def close(self):
        self._listening.close()


def answer(connection, _, body=b'{"ok": true}', status=b"200 OK"):
    head = b"HTTP/1.1 " + status + b"\r\nContent-Type: application/json\r\nContent-Length: " + str(len(body)).encode("ascii")
    connection.sendall(head + b"\r\n\r\n" + body)


def drip(connection, _):
    for byte in bytearray(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"):
        connection.sendall(bytes(bytearray([byte])))
        time.sleep(0.2)


@pytest.fixture
def peer():
    made = []

    def make(act=answer):
        made.append(Peer(act))
        return made[-1]

    yield make
    for one in made:
        one.close()


def call(url, seconds=5.0, kind="internal", **options):
    made = Transport(kind, {"request_id": "r", "app_code": "a", "component": "c"}, options.pop("connect", 1.0), 5.0, **options)
    return made.call("POST", url, monotonic() + seconds, query={"access_token": u"a+b/c=" + HIDDEN}, body=b'{"x": 1}')


def failure(url, seconds=5.0, **options):
    with pytest.raises(CallFailed) as raised:
        call(url, seconds, **options)
    assert HIDDEN not in raised.value.reason
    return raised.value


def test_connections_are_kept_and_the_query_is_encoded_once(peer):
    server = peer()
    for _ in range(5):
        assert json.loads(call(server.url + "/p").body.decode("utf-8")) == {"ok": True}
    assert server.connections == 1
    assert b"POST /p?access_token=a%2Bb%2Fc%3D" in server.heads[0]


def test_texts_of_any_kind_go_before_a_body_of_any_bytes(peer):
    server = peer()
    made = Transport("internal", {}, 1.0, 1.0)
    body = json.dumps({"content": u"\u4e2d\U0001f600"}, ensure_ascii=False).encode("utf-8")
    for text in (type(u""), str):
        answered = made.call(
            text("POST"), text(server.url) + u"/p", monotonic() + 2, query={"a": u"\u4e2d"}, body=body,
            headers={text("x-acs-dingtalk-access-token"): text("token")})
        assert answered.status == 200
    assert b"POST /p?a=%E4%B8%AD HTTP/1.1" in server.heads[0] and b"token" in server.heads[1]


def test_an_answer_that_drips_ends_at_the_deadline(peer):
    server, started = peer(drip), monotonic()
    failed = failure(server.url, 0.7)
    assert failed.sent and failed.timed_out and monotonic() - started < 1.2


def test_a_reset_after_the_request_is_uncertain_and_one_before_is_not(peer):
    assert failure(peer(lambda connection, head: False).url).sent
    free = socket.socket()
    free.bind(("127.0.0.1", 0))
    refused = failure("http://127.0.0.1:%d" % free.getsockname()[1])
    free.close()
    assert not refused.sent and not refused.final and "127.0.0.1" in refused.reason


@pytest.mark.parametrize(
    "url, options",
    [
        ("http://127.0.0.1:1", {"proxy": "http://u:not-real#pw@127.0.0.1:1"}),
        ("https://127.0.0.1:1", {"ca_bundle": "/does/not/exist.pem"}),
        ("http://*.x:y", {}),
    ],
)
def test_what_cannot_even_be_tried_is_final_and_quotes_nothing(url, options):
    failed = failure(url, **options)
    assert failed.final and not failed.sent and "not-real" not in failed.reason


def test_a_token_that_no_header_can_carry_is_not_quoted(peer):
    made = Transport("internal", {}, 1.0, 1.0)
    with pytest.raises(CallFailed) as raised:
        made.call("GET", peer().url, monotonic() + 2, headers={"x": u"a\nb" + HIDDEN})
    assert HIDDEN not in raised.value.reason and not raised.value.sent


def test_a_proxy_of_plain_http_gets_whole_urls(peer):
    server = peer()
    assert call("http://127.0.0.1:9/p", proxy=server.url).status == 200
    assert server.heads[0].startswith(b"POST http://127.0.0.1:9/p?")


def test_the_environments_proxy_serves_the_internet_only(peer, monkeypatch):
    server = peer()
    monkeypatch.setenv("http_proxy", server.url)
    monkeypatch.setattr(transport._peers, "_kept", {})
    assert call("http://127.0.0.1:9/p", kind="internet").status == 200
    assert not failure("http://127.0.0.1:9/p", kind="internal").sent


def test_an_endless_answer_is_cut(peer, monkeypatch):
    monkeypatch.setattr(transport, "MAX_ANSWER", 1000)
    assert failure(peer(lambda connection, head: answer(connection, head, b"x" * 5000)).url).sent


def test_the_trace_has_method_path_status_and_time_and_no_secret(peer):
    seen = []

    class Keep(logging.Handler):
        def emit(self, record):
            seen.append(record.getMessage())

    handler = Keep()
    logging.getLogger("api").addHandler(handler)
    try:
        server = peer()
        call(server.url.replace("//", "//op:%s@" % HIDDEN) + "/p")
    except CallFailed:
        pass
    finally:
        logging.getLogger("api").removeHandler(handler)
    line = json.loads(seen[0])
    assert line["req_url"] == server.url + "/p" and line["req_msecs_cost"] >= 0 and HIDDEN not in seen[0]


def test_a_connection_that_idled_long_is_not_used_again(peer, monkeypatch):
    server = peer()
    call(server.url)
    monkeypatch.setattr(transport, "MAX_IDLE_SECONDS", -1)
    call(server.url)
    assert server.connections == 2


def test_a_kept_connection_is_known_to_wait(peer):
    server = peer()
    made = Transport("internal", {}, 1.0, 1.0)
    assert not made.is_connected(server.url + "/p")
    made.call("GET", server.url + "/p", monotonic() + 2)
    assert made.is_connected(server.url)


def test_an_address_that_cannot_be_used_is_not_connected():
    assert not Transport("internal", {}, 1.0, 1.0, ca_bundle="/does/not/exist.pem").is_connected("https://127.0.0.1:1")
    assert not Transport("internal", {}, 1.0, 1.0).is_connected("http://*.x:y")
