# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""usermgr.py: what is sent, what each answer means, and that nothing is written in check mode; with an opener of our own."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import usermgr
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

try:
    from urllib.parse import parse_qs, urlsplit
except ImportError:  # Python 2.7
    from urlparse import parse_qs, urlsplit

PARAMS = dict(usermgr_url="http://usermgr.example:8009/", app_code=None, app_secret=None, token=None, validate_certs=True, ca_path=None, timeout=5)
GOOD = {"result": True, "code": 0, "message": "success", "data": []}


class Response(object):
    def __init__(self, status, body, kind):
        # bk-user 2.3 promises 56 bytes with each 204, of which an HTTP client sees none.
        self.headers = {"Content-Type": kind, "Content-Length": "56" if status == 204 else str(len(body))}
        self._status, self._body = status, body

    def getcode(self):
        return self._status

    def read(self, size=None):
        return self._body

    def close(self):
        pass


class Opener(object):
    """Answers with `answers` in turn, the last one again and again, and keeps what it was asked."""

    def __init__(self, *answers):
        self.answers, self.asked = list(answers), []

    def __call__(self, url, data=None, headers=None, method=None, **keywords):
        self.asked.append((method, url, headers, json.loads(data.decode("ascii")) if data else None))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        status, body = answer if isinstance(answer, tuple) else (200, answer)
        raw = body if isinstance(body, bytes) else json.dumps(body).encode("ascii")
        return Response(status, raw, "text/html" if raw.startswith(b"<") else "application/json")

    def query(self, number=0):
        return parse_qs(urlsplit(self.asked[number][1]).query)


def client(opener, check=False, secrets=(), **params):
    return usermgr.UserManagement(dict(PARAMS, **params), check, secrets, open_with=opener)


def bad(message, **more):
    return dict({"result": False, "code": -1, "message": message, "data": None}, **more)


def problem(call, *arguments):
    with pytest.raises(Problem) as caught:
        call(*arguments)
    return caught.value


@pytest.mark.parametrize("params, sent", [
    ({}, {}),
    (dict(app_code="a", app_secret="b"), {"X-Bk-App-Code": "a", "X-Bk-App-Secret": "b"}),
    (dict(token="t"), {"Authorization": "iBearer t"}),
    (dict(app_code="", app_secret=""), {}),
])
def test_credentials_are_headers(params, sent):
    opener = Opener(GOOD)
    client(opener, **params).categories()
    headers = opener.asked[0][2]
    assert dict((name, headers[name]) for name in headers if name in ("X-Bk-App-Code", "X-Bk-App-Secret", "Authorization")) == sent


def test_a_look_up_is_flat_and_names_its_fields():
    opener = Opener(GOOD)
    client(opener).look_up([u"a", u"b@c.d"], ["username", "qq"], deleted=True)
    assert opener.asked[0][1].startswith("http://usermgr.example:8009/api/v2/profiles/?")
    assert opener.query() == {"lookup_field": ["username"], "fields": ["username,qq"], "no_page": ["1"], "include_disabled": ["1"],
                              "exact_lookups": ["a,b@c.d"]}


def test_many_names_are_asked_for_in_lines_that_fit():
    opener = Opener(GOOD)
    names = [u"user%04d@partner.local" % number for number in range(1500)]
    client(opener).look_up(names, ["username"])
    asked = [name for number in range(len(opener.asked)) for name in opener.query(number)["exact_lookups"][0].split(",")]
    assert asked == names
    lines = [len("GET %s HTTP/1.1" % asked[1]) for asked in opener.asked]
    assert max(lines) <= 4094 and min(lines[:-1]) > 3900


def test_no_names_are_no_request():
    opener = Opener(GOOD)
    assert client(opener).look_up([], ["username"]) == [] and opener.asked == []


def test_batches_hold_at_least_one_name():
    assert list(usermgr.batches(["aaaa", "b", "c"], 8)) == [["aaaa"], ["b", "c"]]
    assert list(usermgr.batches(["a" * 50], 8)) == [["a" * 50]]


def test_pages_are_followed_to_their_end():
    pages = [dict(GOOD, data={"count": 3, "results": [{"username": name} for name in names]}) for names in ("ab", "c")]
    opener = Opener(*pages)
    assert [each["username"] for each in client(opener).every(["username"])] == ["a", "b", "c"]
    assert [opener.query(number)["page"] for number in (0, 1)] == [["1"], ["2"]]
    # Somebody was deleted meanwhile: the count is never reached.
    opener = Opener(pages[0], dict(GOOD, data={"count": 3, "results": []}))
    assert len(client(opener).every(["username"])) == 2


def test_fields_that_pages_leave_out_are_asked_for_without_pages():
    opener = Opener(GOOD)
    client(opener).every(["username", "wx_openid"])
    assert opener.query()["no_page"] == ["1"]


def test_writes_are_what_the_api_wants():
    opener = Opener((201, dict(GOOD, data={})), dict(GOOD, data={}), (204, b""))
    users = client(opener)
    users.create({"username": u"a"})
    users.change(u"a@b.c", {"qq": u"\u4e2d"})
    users.delete(u"a")
    assert [(asked[0], asked[1][len("http://usermgr.example:8009"):], asked[3]) for asked in opener.asked] == [
        ("POST", "/api/v2/profiles/", {"username": "a"}), ("PATCH", "/api/v2/profiles/a@b.c/?include_disabled=1", {"qq": u"\u4e2d"}),
        ("DELETE", "/api/v2/profiles/a/", None)]


@pytest.mark.parametrize("write", [("create", {}), ("change", u"a", {}), ("delete", u"a")])
def test_in_check_mode_no_write_leaves(write):
    opener = Opener(GOOD)
    users = client(opener, check=True)
    assert "check mode" in str(problem(getattr(users, write[0]), *write[1:]))
    assert opener.asked == []


@pytest.mark.parametrize("answer, about, part", [
    (bad("403, authentication failed"), "denied", "Give app_code"),
    (bad("403, authentication failed: no token"), "denied", "no token"),
    ((401, bad(u"\u672a\u8ba4\u8bc1", data={})), "denied", "V3 only reads"),
    ((403, bad("no")), "denied", "Give app_code"),
    ((403, {"detail": "no"}), "denied", "Give app_code"),
    (bad("404, could not be found"), "not_found", "no such user"),
    (bad(u"\u8be5\u7528\u6237\u76ee\u5f55\u4e0d\u80fd\u591f\u624b\u52a8\u5199\u5165\u6570\u636e"), "read_only", "category_id"),
    (bad("This category not support to manage manually"), "read_only", "category_id"),
    (bad(u"\u7528\u6237\u76ee\u5f55\u672a\u542f\u7528", code=3210019), "read_only", "switched off"),
    (bad(u"\u8be5\u76ee\u5f55\u4e0b\u6b64\u7528\u6237\u540d\u5df2\u5b58\u5728"), "exists", "run the task again"),
    (bad("request failed, please check api log of bk-user"), "broken", "broke down"),
    (bad("validation error: {'qq': []}"), "other", "does not accept a value"),
    (bad("something new"), "other", 'It says: "something new"'),
    ((400, bad(u"\u53c2\u6570\u975e\u6cd5: \u65b9\u6cd5 \u201cPOST\u201d \u4e0d\u88ab\u5141\u8bb8\u3002", data={})), "v3", "V3 only reads"),
    ((400, bad('Invalid: Method "POST" not allowed.')), "v3", "V3 only reads"),
    ((405, {"detail": "x"}), "v3", "V3 only reads"),
    ([1, 2], "other", "is usermgr_url the address"),
    ({"ok": True}, "other", "is usermgr_url the address"),
])
def test_each_refusal_has_its_sentence(answer, about, part):
    caught = problem(client(Opener(answer)).create, {})
    assert caught.about == about and part in caught.args[0]


def test_data_that_is_no_list_is_refused():
    for data in (None, 5, {"count": 1}, ["x"]):
        assert "does not send" in str(problem(client(Opener(dict(GOOD, data=data))).look_up, [u"a"], ["username"]))


def test_words_of_the_server_lose_secrets_and_tracebacks():
    message = "request failed, please check api log of bk-user! Traceback (most recent call last): secret-one-not-real"
    assert "Traceback" not in str(problem(client(Opener(bad(message))).create, {}))
    users = client(Opener(bad("no secret-one-not-real nor secret-two-not-real")), secrets=["secret-one-not-real"], token="secret-two-not-real")
    assert "no (hidden) nor (hidden)" in str(problem(users.create, {}))
    users = client(Opener(bad("it has secret-three-not-real")))
    users.hide("secret-three-not-real")
    assert "it has (hidden)" in str(problem(users.create, {}))


def test_a_contradicting_country_is_named():
    users = client(Opener(bad("request failed, please check api log of bk-user")))
    text = str(problem(users.change, u"a", {"country_code": "1", "iso_code": "CN"}))
    assert "country_code 1 and the iso_code CN of a" in text


def test_a_page_with_status_500_is_user_management_breaking_down():
    page = (500, b"<!doctype html><html><body><h1>Server Error (500)</h1></body></html>")
    assert problem(client(Opener(page)).change, u"a", {}).about == "broken"
