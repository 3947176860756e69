"""How the local ESB answers callers: credentials, channels, errors, stock messages and what it logs."""
import base64
import json
import struct
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from esbhost import APP, CUSTOM, PYTHONS, Host, conf, environment_of, probe, running, user_management

ECHO = """self.response.payload = {
            "result": True,
            "data": {
                "kwargs": self.request.kwargs,
                "conf": {key: value for key, value in self.__dict__.items() if key.startswith("conf_")},
                "user": self.current_user.username,
                "language": self.request.bk_language,
                "app": self.request.app_code,
            },
        }"""
MISCHIEF = """kind = self.request.kwargs.get("kind")
        if kind == "raise":
            raise RuntimeError("private details")
        if kind == "api error":
            raise CommonAPIError(u"不行")
        if kind == "other":
            self.response.payload = self.invoke_other("generic.probe.echo", kwargs={"passed": 1})
        if kind == "form":
            self.response.payload = {"result": True, "data": Form({"names": "a;b c"}).get_cleaned_data_or_error()}
        if kind == "failure":
            self.response.payload = {"result": False, "message": "no"}
        if kind == "out":
            answer = self.outgoing.http_client.get(self.request.kwargs["to"], "/big", response_type="text")
            self.response.payload = {"result": True, "data": len(answer)}
        self.request.wsgi_request.g.kwargs_copy["masked"] = "***" """
MISCHIEF_HEAD = """from common.errors import CommonAPIError
from common.forms import BaseComponentForm, DefaultBooleanField, ListField, TypeCheckField


class Form(BaseComponentForm):
    names = ListField(label="names", required=True)
    flag = DefaultBooleanField(label="flag", default=True, required=False)
    more = TypeCheckField(label="more", promise_type=list, required=False)
"""
CHECKED = """
from django import forms
from common.forms import BaseComponentForm, ListField, TypeCheckField
from components.component import Component


class Checked(Component):
    sys_name = "PROBE"

    class Form(BaseComponentForm):
        first = ListField(label="the first", required=True)
        second = TypeCheckField(label="the second", promise_type=list, required=False)
        third = forms.CharField(label="the third", required=False)

        def clean(self):
            if self.cleaned_data["third"] == "bad":
                raise forms.ValidationError("The third is bad")
            return self.cleaned_data

    def handle(self):
        self.response.payload = {"result": True, "data": self.form_data}
"""


@pytest.fixture(scope="module", params=PYTHONS)
def host(request, tmp_path_factory):
    with user_management() as usermgr:
        host = Host(environment_of(request.param), tmp_path_factory.mktemp("calls"), usermgr=usermgr)
        host.usermgr = usermgr
        host.write(CUSTOM + "conf.py", conf(
            probe("echo", comp_conf_to_db=[["conf_a", "1"]]), probe("mischief"), probe("checked"),
        ))
        host.component(CUSTOM + "probe/echo.py", "Echo", body=ECHO)
        host.component(CUSTOM + "probe/mischief.py", "Mischief", body=MISCHIEF, head=MISCHIEF_HEAD)
        host.write(CUSTOM + "probe/checked.py", CHECKED)
        host.prepare()
        host.manage("sandbox_app", "--code", "stranger", "--secret", "stranger-secret")
        with running(host):
            yield host


def header(**credentials):
    return {"X-Bkapi-Authorization": json.dumps(credentials or APP)}


def test_json_form_query_and_both_prefixes_reach_a_component(host):
    fields = dict(APP, colour="绿")
    form = urllib.parse.urlencode(fields)
    ways = [
        host.call("/c/compapi/probe/echo/", fields),
        host.call("/c/compapi/probe/echo", fields),
        host.call("/api/c/compapi/probe/echo/", fields),
        host.call("/c/compapi/probe/echo/?" + form),
        host.call("/c/compapi/probe/echo/", form, headers={"Content-Type": "application/x-www-form-urlencoded"}),
        host.call("/c/compapi/probe/echo/", dict(colour="绿"), headers=header()),
    ]
    for answer in ways:
        assert answer.status == 200
        assert answer.headers["Content-Type"] == "application/json; charset=utf-8"
        content = answer.json
        assert content["result"] is True and content["code"] == 0 and content["message"] == ""
        assert len(content["request_id"]) == 32
        assert content["data"]["kwargs"]["colour"] == "绿"
        assert content["data"]["user"] == "admin" and content["data"]["app"] == APP["bk_app_code"]
        assert "bk_app_secret" not in content["data"]["kwargs"]


def test_the_header_wins_over_the_body(host):
    answer = host.call("/c/compapi/probe/echo/", dict(APP, bk_app_secret="wrong", bk_username="eve"), headers=header())
    assert answer.json["data"]["user"] == "admin"


@pytest.mark.parametrize("changes, code, message", [
    ({"bk_app_secret": ""}, 1306000,
     "Signature [bk_signature] and APP Secret [bk_app_secret] cannot be empty at the same time"),
    ({"bk_app_code": ""}, 1306000, "APP Code [bk_app_code] cannot be empty"),
    ({"bk_app_code": "nobody"}, 1306000,
     "Invalid APP Code [bk_app_code=nobody], please confirm if the APP Code has been registered"),
    ({"bk_app_secret": "wrong"}, 1306000,
     "APP Secret verification failed, pelase confirm if the APP Secret and APP Code [bk_app_code=ding_sandbox] match"),
    ({"bk_username": ""}, 1306000,
     "User authentication failed, please provide a valid user identity, such as bk_token, bk_username"),
    ({"bk_app_code": "stranger", "bk_app_secret": "stranger-secret"}, 1306000,
     "User authentication failed, please provide a valid user identity, such as bk_token, bk_username"),
])
def test_wrong_credentials_are_refused(host, changes, code, message):
    answer = host.call("/c/compapi/probe/echo/", dict(APP, **changes))
    content = answer.json
    content.pop("request_id")
    assert answer.status == 200
    assert content == {"result": False, "code": code, "data": None, "message": message}


def test_requests_that_cannot_be_read(host):
    broken = host.call("/c/compapi/probe/echo/", '{"a": ')
    assert broken.status == 200
    assert broken.json["message"] == "Request JSON string is wrong in format, which cannot be analyzed."
    answer = host.call("/c/compapi/probe/echo/", {}, headers={"X-Bkapi-Authorization": "nope"})
    assert answer.json["code"] == 1306406
    assert answer.json["message"].endswith("request header X-Bkapi-Authorization is not a valid JSON format string")


def test_unknown_paths_and_methods_are_not_found(host):
    for answer in (host.call("/c/compapi/probe/none/", APP), host.call("/none/"),
                   host.call("/c/compapi/probe/echo/", APP, method="PUT")):
        assert answer.status == 404
        assert answer.json == {"result": False, "data": None, "message": "The content does not exist"}


def test_an_inactive_channel_says_so(host):
    row = "from esb.bkcore.models import ESBChannel\nESBChannel.objects.filter(path='/probe/checked/')"
    host.script(row + ".update(is_active=False)")
    answer = host.call("/c/compapi/probe/checked/", APP)
    host.script(row + ".update(is_active=True)")
    assert answer.json == {
        "result": False, "code": 1306405, "data": None, "message": "Not found, inactive channel"}


def test_a_channel_with_a_permission_level_wants_a_grant(host):
    row = "from esb.bkcore.models import *\nrow = ESBChannel.objects.get(path='/probe/checked/')\n"
    host.script(row + "row.perm_level = 1; row.save()")
    refused = host.api("/probe/checked/", first="a")
    host.script(row + "AppComponentPerm.objects.create(app_code='ding_sandbox', component_id=row.id)")
    granted = host.api("/probe/checked/", first="a")
    host.script(row + "row.perm_level = 0; row.save()")
    assert refused["code"] == 1306403
    assert "to access the component (checked) of the system (PROBE)" in refused["message"]
    assert granted["result"] is True


def test_what_a_component_does_becomes_the_answer(host):
    def did(kind, **more):
        answer = host.api("/probe/mischief/", kind=kind, **more)
        assert answer.pop("request_id")
        return answer

    assert did("raise") == {
        "result": False, "code": 1306000, "data": None,
        "message": "Component error, please contact the component developer to handle it."}
    assert "private details" in (host.logs / "esb.log").read_text("utf-8")
    assert did("api error") == {"result": False, "code": 1306000, "data": None, "message": "不行"}
    assert did("failure") == {"result": False, "code": 1306000, "data": None, "message": "no"}
    assert did("nothing") == {"result": False, "code": 1306000, "data": None, "message": ""}
    assert did("other")["data"]["kwargs"] == {"passed": 1}
    assert did("form")["data"] == {"names": ["a", "b", "c"], "flag": True, "more": []}


def test_the_first_wrong_field_is_told(host):
    def told(**fields):
        return host.api("/probe/checked/", **fields)["message"]

    assert told(second="text") == "the first [first] This field is required."
    assert told(first="a", second="text") == \
        "the second [second] Must be the specified parameter data type list"
    assert told(first="a", third="bad") == "The third is bad"
    assert host.api("/probe/checked/", first='["x y"]', third="3")["data"] == {
        "first": ["x y"], "second": [], "third": "3"}


def test_settings_are_read_for_each_request(host):
    def seen():
        return host.api("/probe/echo/")["data"]["conf"]

    def stored(text):
        host.script("from esb.bkcore.models import ESBChannel\n"
                    "ESBChannel.objects.filter(path='/probe/echo/').update(comp_conf=%r)" % text)

    stored('[["conf_a", "1"]]')
    assert seen() == {"conf_a": "1"}
    host.manage("sandbox_channel", given=json.dumps({"/probe/echo/": {"conf_a": None, "conf_b": [2]}}))
    assert seen() == {"conf_b": [2]}
    stored('{"conf_c": true}')
    assert seen() == {"conf_c": True}
    for nothing in ("", "null", "not json"):
        stored(nothing)
        assert seen() == {}


def test_a_row_of_the_exact_method_wins(host):
    host.script("from esb.bkcore.models import ESBChannel\n"
                "ESBChannel.objects.create(path='/probe/checked/', method='GET', component_codename='generic.probe.echo')")
    assert "kwargs" in host.call("/c/compapi/probe/checked/", headers=header()).json["data"]
    assert host.api("/probe/checked/", first="a")["data"]["first"] == ["a"]
    host.script("from esb.bkcore.models import ESBChannel\n"
                "ESBChannel.objects.filter(path='/probe/checked/', method='GET').delete()")


def test_the_white_list_is_remembered(host):
    host.manage("sandbox_app", "--code", "late", "--secret", "late-secret")
    late = {"bk_app_code": "late", "bk_app_secret": "late-secret", "bk_username": "x"}
    assert host.call("/c/compapi/probe/echo/", late).json["result"] is False
    host.manage("sandbox_app", "--code", "late", "--secret", "late-secret", "--whitelist")
    assert host.call("/c/compapi/probe/echo/", late).json["result"] is False
    host.restart()
    assert host.call("/c/compapi/probe/echo/", late).json["result"] is True


def test_every_incoming_parameter_is_logged_after_the_component_has_answered(host):
    host.api("/probe/mischief/", kind="nothing", masked="secret-of-a-caller")
    entry = host.last_request_logged()
    assert json.loads(entry["req_params"]) == dict(APP, kind="nothing", masked="***")
    assert entry["req_app_code"] == APP["bk_app_code"] and entry["req_username"] == "admin"
    assert (entry["req_system_name"], entry["req_component_name"], entry["req_status"]) == ("PROBE", "mischief", 4)


def test_credentials_in_the_header_are_not_logged(host):
    host.call("/c/compapi/probe/echo/", {"colour": "green"}, headers=header())
    assert json.loads(host.last_request_logged()["req_params"]) == {"colour": "green"}


def test_the_outgoing_client_logs_the_beginning_of_the_answer(host, big_server):
    assert host.api("/probe/mischief/", kind="out", to=big_server)["data"] == 10000
    entry = [entry for entry in host.api_log() if entry["type"] == "pyls-comp-api"][-1]
    assert entry["req_response"] == "x" * 4096
    assert entry["req_url"] == big_server + "/big" and entry["req_status"] == 200
    assert entry["req_system_name"] == "PROBE" and entry["req_exception"] is None


def test_a_failed_call_to_another_system_is_told(host):
    answer = host.api("/probe/mischief/", kind="out", to="http://127.0.0.1:1")
    assert answer["code"] == 1306201
    assert answer["message"].startswith("Component request third-party system [PROBE] interface [mischief] error: ")
    assert answer["message"].endswith("please try again later or contact component developer to handle this")


@pytest.fixture
def big_server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "10000")
            self.end_headers()
            self.wfile.write(b"x" * 10000)

        def log_message(self, *_args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield "http://127.0.0.1:%s" % server.server_port
    server.shutdown()
    server.server_close()
    thread.join()


def test_get_msg_type_lists_the_stock_types(host):
    entries = host.call("/c/compapi/v2/cmsi/get_msg_type/", headers=header()).json["data"]
    assert [(entry["type"], entry["label"], entry["is_active"]) for entry in entries] == [
        (name, name, True) for name in ("weixin", "mail", "sms", "voice")]
    for entry in entries:
        icon = base64.b64decode(entry["icon"])
        assert icon[:6] == struct.pack("<HHH", 0, 1, 1)
        size, offset = struct.unpack("<II", icon[14:22])
        assert len(icon) == size + offset


def test_get_msg_type_follows_its_settings_and_the_language(host):
    host.manage("sandbox_channel", given=json.dumps({"/cmsi/get_msg_type/": {"mail": False, "sms": "false"}}))
    answer = host.call("/c/compapi/cmsi/get_msg_type/", headers=dict(header(), **{"Blueking-Language": "zh-cn"}))
    host.manage("sandbox_channel", given=json.dumps({"/cmsi/get_msg_type/": {"mail": True, "sms": True}}))
    assert [(entry["label"], entry["is_active"]) for entry in answer.json["data"]] == [
        ("微信", True), ("邮件", False), ("短信", False), ("语音", True)]


@pytest.mark.parametrize("msg_type, contact", [
    ("weixin", "wx-ann"), ("mail", "ann@example.com"), ("sms", "13800000001"), ("voice", "13800000001")])
def test_send_msg_hands_over_to_the_stock_senders(host, msg_type, contact):
    content = base64.b64encode("你好".encode()).decode() if msg_type != "voice" else "你好"
    answer = host.call("/api/c/compapi/v2/cmsi/send_msg/", dict(
        APP, msg_type=msg_type, receiver__username="ann", title="t", content=content, is_content_base64=True)).json
    assert (answer["result"], answer["code"]) == (True, 0)
    message = host.stock_messages()[-1]
    assert (message["type"], message["receivers"], message["content"]) == (msg_type, {"ann": contact}, "你好")


def test_receivers_that_cannot_be_reached_are_named(host):
    def sent(receivers):
        return host.api("/cmsi/send_msg/", msg_type="mail", receiver__username=receivers, title="t", content="c")

    some = sent("ann,bob,carl")
    assert some["result"] is False and some["code"] == 1306000
    assert some["message"] == (
        "Some users failed to send email. The following users are not blueking users: carl;"
        "The following users contact format are incorrect: bob")
    assert sent("carl")["message"] == (
        "All users message failed to be sent. The following users are not blueking users: carl")


def test_send_msg_refuses_what_it_cannot_send(host):
    answer = host.api("/cmsi/send_msg/", msg_type="smoke", receiver__username="ann", title="t", content="c")
    assert (answer["code"], answer["message"]) == (1306000, "Unsupported type of msg type")
    answer = host.api("/cmsi/send_msg/", msg_type="mail", receiver__username="ann", title="t")
    assert answer["message"] == "content [content] This field is required."


def test_list_users_logs_its_answer(host):
    answer = host.api("/v2/usermanage/list_users/", lookup_field="username", exact_lookups="ann", no_page=True)
    assert answer["data"][0]["username"] == "ann"
    entry = [entry for entry in host.api_log() if entry["type"] == "pyls-comp-api"][-1]
    assert "ann@example.com" in entry["req_response"]


def test_a_request_costs_one_query(host):
    printed = host.script("""
import json
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
body = json.dumps(%r)
for _ in range(2):
    with CaptureQueriesContext(connection) as queries:
        answer = Client().post("/c/compapi/probe/echo/", body, content_type="application/json")
assert answer.status_code == 200, answer.content
print(len(queries))
""" % APP)
    assert printed.splitlines()[-1] == "1"
