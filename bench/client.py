"""HTTP over a kept connection, and made-up people and robots."""

import http.client
import itertools
import json
import secrets
import threading
import time
import urllib.parse


class Kept:
    """One connection per thread, opened again when the server has closed it."""

    def __init__(self, url):
        parts = urllib.parse.urlsplit(url)
        self._address = parts.hostname, parts.port
        self._local = threading.local()

    def post(self, path, body, headers=None):
        """POST JSON; returns (seconds, parsed answer)."""
        payload = json.dumps(body)
        headers = dict(headers or {}, **{"Content-Type": "application/json"})
        for fresh in (False, True):
            connection = self._connection(fresh)
            started = time.perf_counter()
            try:
                connection.request("POST", path, payload, headers)
                answer = connection.getresponse()
                text = answer.read()
            except (http.client.RemoteDisconnected, ConnectionError):
                if fresh:
                    raise
                continue
            seconds = time.perf_counter() - started
            return seconds, json.loads(text)
        raise AssertionError("unreachable")

    def _connection(self, fresh):
        connection = getattr(self._local, "connection", None)
        if connection is None or fresh:
            if connection:
                connection.close()
            connection = self._local.connection = http.client.HTTPConnection(*self._address, timeout=60)
            connection.connect()
        return connection

    def get(self, path):
        connection = http.client.HTTPConnection(*self._address, timeout=60)
        try:
            connection.request("GET", path)
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()


class Esb:
    def __init__(self, state):
        self._kept = Kept(state["urls"]["esb"])
        self._credentials = json.dumps(
            {"bk_app_code": state["app_code"], "bk_app_secret": state["app_secret"], "bk_username": "bench"})

    def call(self, path, **fields):
        """Seconds of a call that has to succeed."""
        seconds, answer = self._kept.post("/api/c/compapi" + path, fields, {"X-Bkapi-Authorization": self._credentials})
        if not answer.get("result"):
            raise RuntimeError("%s failed: %s" % (path, json.dumps(answer, ensure_ascii=False)[:1000]))
        return seconds

    def send(self, names):
        return self.call("/cmsi/send_ding/", receiver__username=",".join(names), content="bench")


class World:
    """Makes people and robots by the admin side of DingTalk and user management."""

    _numbers = itertools.count(1)

    def __init__(self, state):
        self.dingtalk = Kept(state["urls"]["dingtalk"])
        self._usermgr = Kept(state["urls"]["usermgr"])

    def people(self, count):
        return [self._person(next(self._numbers)) for _ in range(count)]

    def _person(self, number):
        name, mobile = "bench-p%d" % number, "136%08d" % number
        self.dingtalk.post("/_admin/people", {"userid": "u" + name, "name": name, "mobile": mobile})
        self._usermgr.post("/_admin/users", {"username": name, "telephone": mobile, "country_code": "86"})
        return name

    def robots(self, count):
        return [self._robot("bench-r%d" % next(self._numbers)) for _ in range(count)]

    def _robot(self, name):
        token, secret = secrets.token_hex(32), "SEC" + secrets.token_hex(32)
        self.dingtalk.post("/_admin/robots", {"token": token, "secret": secret, "name": name})
        self._usermgr.post("/_admin/users", {"username": name, "qq": token, "wx_userid": secret})
        return name
