# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Each way in which an HTTP conversation ends badly is its own kind, in time, and shows nothing that was sent."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import contextlib
import json
import re
import socket
import ssl
import struct
import threading
import time

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import web

SECRET = u"header-secret-not-real"
TIMEOUT = 1.5


@contextlib.contextmanager
def serving(answer):
    """(address, requests) of a server that reads a whole request and gives `answer`: bytes, or a function of the connection."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen(5)
    requests, stopped = [], threading.Event()

    def serve():
        while not stopped.is_set():
            try:
                connection, who = listening.accept()
            except (OSError, IOError):
                return
            try:
                connection.settimeout(20)
                data = b""
                while not is_whole(data):
                    data += received(connection)
                requests.append(data)
                if callable(answer):
                    answer(connection, stopped)
                else:
                    connection.sendall(answer)
                connection.close()
            except (OSError, IOError):
                pass

    thread = threading.Thread(target=serve)
    thread.daemon = True
    thread.start()
    try:
        yield "http://127.0.0.1:%d" % listening.getsockname()[1], requests
    finally:
        stopped.set()
        try:
            listening.shutdown(socket.SHUT_RDWR)
        except (OSError, IOError):
            pass
        listening.close()


def received(connection):
    part = connection.recv(65536)
    if not part:
        raise IOError("the request has no end")
    return part


def is_whole(data):
    head, end, body = data.partition(b"\r\n\r\n")
    length = re.search(br"\r\ncontent-length: *([0-9]+)", head.lower())
    return bool(end) and len(body) >= int(length.group(1) if length else 0)


def response(body, status="200 OK", kind="application/json", more=""):
    return ("HTTP/1.1 %s\r\nContent-Type: %s\r\nContent-Length: %d\r\nConnection: close\r\n%s\r\n" % (status, kind, len(body), more)).encode("ascii") + body


def ask(address, method="GET", **keywords):
    service = web.Http("the service", address, {"X-Auth": SECRET}, timeout=TIMEOUT, secrets=[SECRET])
    return service.ask(method, "/path", **keywords)


def problem_of(answer, **keywords):
    began = time.time()
    with serving(answer) as (address, requests):
        with pytest.raises(web.HttpProblem) as caught:
            ask(address, **keywords)
    assert time.time() - began < TIMEOUT + 3
    assert SECRET not in str(caught.value) and address + "/path" in str(caught.value)
    return caught.value


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "400 Bad Request", "404 Not Found", "500 Server Error"])
def test_what_the_service_says_is_an_answer_at_any_status(status):
    with serving(response(u'{"a": "\u94ed"}'.encode("utf-8"), status)) as (address, requests):
        answer = ask(address)
    assert (answer.status, answer.body) == (int(status[:3]), {"a": u"\u94ed"})


def test_a_request_carries_its_headers_query_and_body():
    with serving(response(b"{}")) as (address, requests):
        ask(address, "POST", query=[("q", "a b")], body={"x": u"\u94ed"}, headers={"X-More": "1"})
    head = requests[0].decode("latin-1")
    assert head.startswith("POST /path?q=a+b HTTP/1.1\r\n")
    for line in ("X-auth: " + SECRET, "X-more: 1", "Content-type: application/json", "Accept: application/json"):
        assert "\r\n%s\r\n" % line.lower() in head.lower()


@pytest.mark.parametrize("body, wanted", [(b"", None), (b"  \n", None), (b"null", None), (b"[1]", [1]), (b'"x"', u"x"), (b"\xef\xbb\xbf{}", {})])
def test_any_json_is_a_body_and_nothing_is_none(body, wanted):
    with serving(response(body)) as (address, requests):
        assert ask(address).body == wanted


def hang(connection, stopped):
    stopped.wait(20)


def hang_in_body(connection, stopped):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    stopped.wait(20)


def drip(connection, stopped):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
    while not stopped.wait(0.1):
        connection.sendall(b" ")


@pytest.mark.parametrize("answer", [hang, hang_in_body, drip])
def test_a_service_that_does_not_end_its_answer_is_left_in_time(answer):
    problem = problem_of(answer)
    assert problem.kind == "timeout" and problem.sent and "within 1.5 s" in str(problem)


def reset(connection, stopped):
    # The body is here; let the other side notice that it was sent.
    time.sleep(0.5)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def reset_in_body(connection, stopped):
    connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{")
    reset(connection, stopped)


@pytest.mark.parametrize("answer", [reset, reset_in_body, b"",
                                    b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{}", b"\x15\x03\x01\x00\x02\x02\x46\r\n\r\n"])
def test_a_conversation_that_is_broken_off_may_have_had_its_effect(answer):
    problem = problem_of(answer, method="POST", body={})
    # Python 2.7 takes bytes without a status line for a body.
    assert problem.kind in ("reset", "not_json") and problem.sent
    assert all(32 <= ord(letter) < 127 or letter.isalnum() for letter in str(problem))


@pytest.mark.parametrize("body, kind", [(b'{"a": ', "application/json"), (b"Bad gateway", "text/plain"), (b"\xff\xfe\x00", "application/json"),
                                        (b"[" * 100000, "application/json")])
def test_what_is_no_json_is_told_by_its_length_only(body, kind):
    problem = problem_of(response(body, kind=kind))
    assert problem.kind == "not_json" and problem.status == 200 and "Bad gateway" not in str(problem)


def test_a_web_page_shows_its_words_without_markup_and_without_what_was_sent():
    page = u"<html><style>b {}</style><body><b>502</b> Bad Gateway, you sent %s</body></html>" % SECRET
    problem = problem_of(response(page.encode("utf-8"), "502 Bad Gateway", "text/html"))
    assert problem.kind == "html" and problem.status == 502
    assert "It says: 502 Bad Gateway, you sent (hidden)" in str(problem)


def test_a_redirect_is_not_followed():
    with serving(response(b"{}")) as (target, followed):
        problem = problem_of(response(b"", "302 Found", more="Location: %s/\r\n" % target), method="POST", body={})
    assert problem.kind == "redirect" and followed == [] and not problem.sent


def test_a_body_without_an_end_does_not_fill_the_memory(monkeypatch):
    monkeypatch.setattr(web, "LARGEST_ANSWER", 1024)
    assert problem_of(response(b"[" + b" " * 1024 + b"]")).kind == "too_long"
    with serving(response(b"[" + b" " * 1022 + b"]")) as (address, requests):
        assert ask(address).body == []


def test_where_nobody_listens_nothing_was_sent():
    with serving(b"") as (address, requests):
        pass
    with pytest.raises(web.HttpProblem) as caught:
        ask(address, "POST", body={})
    assert caught.value.kind == "connect" and not caught.value.sent


def test_a_connection_that_is_not_accepted_in_time_sent_nothing():
    full = socket.socket()
    full.bind(("127.0.0.1", 0))
    full.listen(0)
    waiting = [socket.socket() for number in range(4)]
    try:
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(full.getsockname())
        time.sleep(0.2)
        began = time.time()
        with pytest.raises(web.HttpProblem) as caught:
            ask("http://127.0.0.1:%d" % full.getsockname()[1], "POST", body={})
        assert time.time() - began < TIMEOUT + 3
    finally:
        for each in waiting + [full]:
            each.close()
    assert caught.value.kind == "timeout" and not caught.value.sent and "accepted no connection" in str(caught.value)


def test_tls_to_a_plain_server_is_a_matter_of_tls():
    with serving(response(b"{}")) as (address, requests):
        with pytest.raises(web.HttpProblem) as caught:
            ask(address.replace("http:", "https:"), "POST", body={})
    # A server that waits for a head that never ends is a time-out, one that answers is no TLS.
    assert caught.value.kind in ("tls", "timeout") and not caught.value.sent


@pytest.mark.parametrize("address", ["", "host:80", "ftp://host", "http://", "http://host:0", "http://host:port", "http://host/ x", "http://host\r\nX: y",
                                     "http://host/?q=1", "http://host/#x"])
def test_an_address_that_cannot_be_called_is_refused_at_once(address):
    with pytest.raises(web.HttpProblem) as caught:
        web.Http("the service", address)
    assert caught.value.kind == "address" and "q=1" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://me:pass-not-real@host", "http://me@host", "https://:pass-not-real@host", "ftp://me:pass-not-real@host"])
def test_an_address_with_a_password_is_refused_without_showing_it(address):
    with pytest.raises(web.HttpProblem) as caught:
        web.Http("the service", address)
    assert caught.value.kind == "address" and "pass-not-real" not in str(caught.value) and "me@" not in str(caught.value)


def test_what_is_left_of_a_shared_limit_is_the_limit_of_a_call():
    with serving(hang) as (address, requests):
        began = time.time()
        with pytest.raises(web.HttpProblem):
            web.Http("the service", address, timeout=60).ask("GET", "/", seconds=0.3)
        assert time.time() - began < 5


def test_an_error_of_a_kind_that_nobody_expects_is_a_problem_as_well():
    def broken(*args, **keywords):
        raise KeyError(SECRET)

    with pytest.raises(web.HttpProblem) as caught:
        web.Http("the service", "http://host", open_with=broken, secrets=[SECRET]).ask("GET", "/")
    assert SECRET not in str(caught.value)


def test_a_page_may_be_anything():
    with serving(response(b"pong", kind="text/html", more="Date: Tue, 24 Nov 2026 00:00:00 GMT\r\n")) as (address, requests):
        page = web.Http("the service", address).look("/ping/")
    assert (page.status, page.text, page.date) == (200, u"pong", "Tue, 24 Nov 2026 00:00:00 GMT")
    with serving(response(json.dumps({}).encode("ascii"), "503 Service Unavailable")) as (address, requests):
        assert web.Http("the service", address).look().status == 503


@pytest.mark.parametrize("value", [u"not-a-real-secret\n", u"not-a-real-secr\u00e9t", u"not-a-real-\"secret\"\n"])
def test_what_no_header_can_carry_is_refused_without_showing_it(value):
    service = web.Http("the service", "http://127.0.0.1:1", {"X-Auth": value}, timeout=TIMEOUT)
    with pytest.raises(web.HttpProblem) as caught:
        service.ask("GET", "/")
    assert caught.value.kind == "header" and not caught.value.sent
    assert "X-Auth" in str(caught.value) and "not-a-real" not in str(caught.value)


@pytest.mark.parametrize("seconds", [0, -1, 99999999999999])
def test_a_time_out_that_is_none_is_refused(seconds):
    with pytest.raises(web.HttpProblem, match="timeout must be more than 0"):
        web.Http("the service", "http://127.0.0.1:1", timeout=seconds)


@pytest.mark.parametrize("address,proxies,looked_at", [
    ("http://esb.example:8002", {}, False), ("HTTP://esb.example", {"http": "http://proxy.example:3128"}, False), ("https://esb.example", {}, True),
    ("http://esb.example", {"http": "https://proxy.example:3128"}, True)])
def test_certificates_are_looked_at_wherever_tls_is_spoken(monkeypatch, address, proxies, looked_at):
    monkeypatch.setattr(web, "getproxies", lambda: proxies)
    assert web.Http("the ESB", address).validate_certs is looked_at


def test_who_asks_for_no_check_gets_none():
    assert web.Http("the ESB", "https://esb.example", validate_certs=False).validate_certs is False


@pytest.mark.parametrize("address, takes, given", [("http://host/", True, True), ("http://host/", False, False), ("https://host/", True, False)])
def test_the_authorities_are_read_only_where_tls_is_spoken_or_the_core_will_have_it(monkeypatch, address, takes, given):
    calls = []

    class Request(object):
        def open(self, method, url, context, **options):
            calls.append((method, url, isinstance(context, ssl.SSLContext), options))

    monkeypatch.setattr(web, "getproxies", dict)
    monkeypatch.setattr(web, "_TAKES_CONTEXT", takes)
    # Python 2.7 has no core that takes one.
    monkeypatch.setattr(ssl, "PROTOCOL_TLS_CLIENT", getattr(ssl, "PROTOCOL_TLS_CLIENT", ssl.PROTOCOL_SSLv23), raising=False)
    monkeypatch.setattr(web, "Request", Request)
    monkeypatch.setattr(web, "open_url", lambda url, method, **options: calls.append((method, url, False, options)))
    web.open_lightly(address, method="PUT", timeout=1)
    assert calls == [("PUT", address, given, {"timeout": 1})]
