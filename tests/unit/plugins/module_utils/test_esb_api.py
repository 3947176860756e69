# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What an ESB answers in a component's place is told apart, and where its components are is found without sending."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import io
import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import esb_api, web
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

SECRET = u"app-secret-not-real"
PARAMS = {"esb_url": u"http://esb:8002", "api_prefix": None, "app_code": u"my_app", "app_secret": SECRET, "username": u"admin", "timeout": 30,
          "validate_certs": True, "ca_path": None}
TYPES = {"result": True, "code": 0, "message": "", "data": [{"type": "mail", "is_active": True}, {"type": "ding", "is_active": False}]}
NOT_FOUND = {"result": False, "data": None, "message": "The content does not exist"}
PAGE = u"<html>404</html>"


class Opened:
    """A response of open_url."""

    def __init__(self, status, body):
        self.status = status
        self.headers = {"Content-Type": "application/json"}
        text = body if isinstance(body, type(u"")) else to_json(body)
        self.read = io.BytesIO(text.encode("utf-8")).read

    def getcode(self):
        return self.status

    def close(self):
        pass


def to_json(body):
    text = json.dumps(body)
    return text if isinstance(text, type(u"")) else text.decode("ascii")


def esb(answers, **more):
    """(EsbApi, calls): answers maps a part of an address to (status, body) or an exception; all else is a 404."""
    calls = []

    def open_with(url, **keywords):
        calls.append((keywords["method"], url))
        assert SECRET not in url and json.loads(keywords["headers"]["X-Bkapi-Authorization"]) == {
            "bk_app_code": "my_app", "bk_app_secret": SECRET, "bk_username": "admin"}
        for part, answer in answers.items():
            if part in url:
                if isinstance(answer, Exception):
                    raise answer
                return Opened(*answer)
        return Opened(404, NOT_FOUND)

    return esb_api.EsbApi(dict(PARAMS, **more), open_with=open_with), calls


@pytest.mark.parametrize("prefix", esb_api.PREFIXES)
def test_the_prefix_is_the_first_that_an_esb_answers(prefix):
    api, calls = esb({":8002" + prefix: (200, TYPES)})
    assert api.message_types() == {"mail": True, "ding": False}
    assert api.prefix == prefix and set(method for method, url in calls) == set(["GET"])


@pytest.mark.parametrize("strange", [(200, PAGE), (404, PAGE), (404, {"error": "no such page"}), (200, [1]), (302, u"")])
def test_a_place_that_is_no_esb_is_passed_over(strange):
    api, calls = esb({":8002/api/c/": strange, ":8002/c/": (200, TYPES)})
    api.find()
    assert api.prefix == "/c/compapi"
    api, calls = esb({"": strange})
    with pytest.raises((esb_api.Refusal, web.HttpProblem)):
        api.find()
    assert len(calls) == 2


def test_an_esb_that_does_not_answer_is_not_asked_twice():
    api, calls = esb({"": OSError("Connection refused")})
    with pytest.raises(web.HttpProblem):
        api.find()
    assert len(calls) == 1


def test_a_given_prefix_is_used_without_a_look():
    for more in ({"api_prefix": u"c/compapi/"}, {"esb_url": u"http://esb:8002/c/compapi/"}):
        api, calls = esb({"": (200, TYPES)}, **more)
        api.find()
        assert calls == [] and api.prefix == "/c/compapi"
        api.post("/cmsi/send_ding/", {})
        assert calls == [("POST", "http://esb:8002/c/compapi/cmsi/send_ding/")]


def test_what_only_concerns_the_look_does_not_keep_from_sending():
    api, calls = esb({"": (200, dict(NOT_FOUND, code=1306405, message="Not found, inactive channel"))})
    api.find()
    assert api.prefix == "/api/c/compapi"
    api, calls = esb({"": (200, dict(NOT_FOUND, message="User authentication failed, please"))})
    with pytest.raises(esb_api.Refusal) as caught:
        api.find()
    assert caught.value.about == esb_api.CALLER and len(calls) == 1


@pytest.mark.parametrize("url, wanted", [
    (u"http://esb", (u"http://esb", "")), (u"http://esb/ ", (u"http://esb/", "")), (u"https://esb/c/compapi", (u"https://esb", u"/c/compapi")),
    (u"http://esb:8002/api/c/compapi/", (u"http://esb:8002", u"/api/c/compapi")), (u"http://esb/other", (u"http://esb/other", "")),
])
def test_an_address_may_end_with_the_prefix(url, wanted):
    assert esb_api.split_address(url) == wanted


@pytest.mark.parametrize("given", [u"/c/comp api", u"/c/../x?y=1", u"http://esb/c", u"/\u94ed"])
def test_a_prefix_that_is_no_path_is_refused(given):
    with pytest.raises(Problem):
        esb_api.checked_prefix(given)


@pytest.mark.parametrize("message, code, about, sent", [
    (u"The content does not exist", None, esb_api.NOWHERE, False),
    (u"Not found, component class not found, generic.cmsi.send_ding", 1306404, esb_api.CHANNEL, False),
    (u"Not found, inactive channel", 1306405, esb_api.CHANNEL, False),
    (u"APP permission is insufficient, APP has no permission to access the component (x) of the system (CMSI).", 1306403, esb_api.CHANNEL, False),
    (u"Unsupported type of msg type", 1306000, esb_api.CHANNEL, False),
    (u"Invalid APP Code [bk_app_code=my_app], please confirm if the APP Code has been registered", 1306000, esb_api.CALLER, False),
    (u"APP Secret verification failed, pelase confirm if the APP Secret and APP Code [bk_app_code=my_app] match", 1306000, esb_api.CALLER, False),
    (u"User authentication failed, please provide a valid user identity, such as bk_token, bk_username", 1306000, esb_api.CALLER, False),
    (u"Signature [bk_signature] and APP Secret [bk_app_secret] cannot be empty at the same time", 1306000, esb_api.CALLER, False),
    (u"APP Code [bk_app_code] cannot be empty", 1306000, esb_api.CALLER, False),
    (u"Component error, please contact the component developer to handle it.", 1306000, esb_api.OTHER, True),
])
def test_each_refusal_is_known_by_the_esbs_words(message, code, about, sent):
    with pytest.raises(esb_api.Refusal) as caught:
        esb_api.understood("the ESB", "/cmsi/send_ding/", 200, {"result": False, "code": code, "data": None, "message": message}, PARAMS)
    assert (caught.value.about, caught.value.sent) == (about, sent)
    assert message in str(caught.value)


def test_each_refusal_has_a_sentence_of_its_own():
    sentences = [sentence for pattern, about, sentence, sent in esb_api._REFUSALS]
    assert len(set(sentences)) == len(sentences)


@pytest.mark.parametrize("status, body, sent", [
    (200, None, True), (200, [1], True), (200, u"x", True), (200, 1, True), (200, True, True), (200, {}, True), (200, {"result": "true"}, True),
    (403, {"message": "forbidden"}, False), (502, {"message": "bad gateway"}, True), (500, NOT_FOUND, False), (500, {"result": True}, True),
    (500, {"result": False, "message": "x"}, True), (429, {"result": False, "message": "x"}, False),
])
def test_json_of_the_wrong_shape_is_no_answer_and_may_hide_a_sent_message(status, body, sent):
    with pytest.raises(esb_api.Refusal) as caught:
        esb_api.understood("the ESB", "/cmsi/send_ding/", status, body, PARAMS)
    assert caught.value.sent == sent


def test_a_components_own_answer_is_handed_on():
    for body in ({"result": True, "message": "Component error, please contact"}, {"result": False, "message": "All users failed: a: x"}):
        assert esb_api.understood("the ESB", "/x/", 200, body, PARAMS) is body


def test_the_esbs_words_are_one_line_without_the_secret():
    assert esb_api.words(u"a\n b " + SECRET, SECRET) == u"a b (hidden)"
    assert esb_api.words(None, SECRET) == u"null" and esb_api.words({"a": 1}, SECRET) == u'{"a": 1}'
    assert len(esb_api.words(u"x" * 9999, SECRET)) == esb_api.SHOWN_CHARACTERS + 1


@pytest.mark.parametrize("data", [None, {}, [1], "x"])
def test_a_list_of_message_types_of_another_shape_is_a_problem(data):
    with pytest.raises(esb_api.Refusal):
        esb_api.message_types("the ESB", {"result": True, "data": data, "message": ""})
