"""ding.blueking.ding_message against the sandbox, and against servers that answer as ESBs do that are not in order."""

import json

import pytest

from modulekit.tasks import Task
from support import faulty

MODULE = "ding.blueking.ding_message"
ROBOT_TOKEN, ROBOT_SECRET = "0123456789abcdef" * 4, "SEC" + "not0a0real0secret" * 3
MOBILE, USERID = "13800138000", "module-userid-1"
SECRET = "fault-app-secret-not-real"
NOT_FOUND = {"result": False, "data": None, "message": "The content does not exist"}


@pytest.fixture(scope="module")
def channel(sandbox):
    """The channel on all hosts; taken out again for the tests of the other modules."""
    sandbox.install_channel()
    yield sandbox
    sandbox.uninstall_channel()
    sandbox.reset()
    sandbox.restart()


@pytest.fixture
def receivers(channel):
    """A robot and a person; DingTalk and user management know nothing else."""
    channel.reset_usermgr()
    channel.reset_dingtalk()
    channel.dingtalk.post("/_admin/robots", {"token": ROBOT_TOKEN, "secret": ROBOT_SECRET, "name": "mod_robot"})
    channel.dingtalk.post("/_admin/people", {"userid": USERID, "name": "mod_person", "mobile": MOBILE})
    channel.usermgr.put_user(username="mod_robot", qq=ROBOT_TOKEN, wx_userid=ROBOT_SECRET)
    channel.usermgr.put_user(username="mod_person", telephone=MOBILE)
    return channel


def arguments(place, **more):
    url = place if isinstance(place, str) else place.esb_url
    return dict({"esb_url": url, "app_code": "ding_sandbox", "app_secret": getattr(place, "app_secret", SECRET), "title": "Disk alarm",
                 "content": "/data is 91% full", "timeout": 20}, **more)


def outcome(result, receiver):
    return next(entry for entry in result.data["receivers"] if entry["receiver"] == receiver)


def test_a_check_run_predicts_what_the_run_does_and_sends_nothing(ansible, receivers):
    wanted = arguments(receivers, receivers=["mod_robot", "mod_person"])
    check, real = ansible.run_many([Task(MODULE, wanted, check=True), Task(MODULE, wanted)])
    assert not check.failed and not real.failed, (check, real)
    assert check.changed and real.changed
    assert check.diff == real.diff == {"before": {}, "after": {
        "component": "send_ding", "receivers": ["mod_robot", "mod_person"], "title": "Disk alarm", "content_length": 17}}
    assert "Would send" in check.msg
    assert [entry["outcome"] for entry in check.data["receivers"]] == ["not_tried", "not_tried"]


def test_check_mode_writes_nothing_anywhere(ansible, receivers):
    receivers.dingtalk.forget()
    receivers.usermgr.forget()
    result = ansible.run(MODULE, arguments(receivers, receivers=["mod_robot"]), check=True)
    assert not result.failed and result.changed
    assert receivers.dingtalk.calls() == [] and receivers.usermgr.look_ups() == []


@pytest.mark.every_target
def test_a_message_goes_to_a_group_and_a_person(ansible, receivers):
    result = ansible.run(MODULE, arguments(receivers, receivers=["mod_robot", "mod_person"], content="\u78c1\u76d8 91%"))
    assert not result.failed and result.changed, result
    assert outcome(result, "mod_robot") == {"receiver": "mod_robot", "kind": "robot", "sent": True, "outcome": "sent", "uncertain": False,
                                            "reason": "", "queued": None}
    assert outcome(result, "mod_person")["kind"] == "person" and outcome(result, "mod_person")["sent"]
    assert result.data["version"] and result.data["answer"] == "OK" and result.data["api_prefix"] == "/api/c/compapi"
    texts = [message["text"] for message in receivers.dingtalk.messages()]
    assert len(texts) == 2 and all("\u78c1\u76d8 91%" in text for text in texts)


def test_each_component_sends_what_it_is_given(ansible, receivers):
    receivers.dingtalk.forget()
    results = ansible.run_many([
        Task(MODULE, arguments(receivers, component="send_dingbot", receivers=["mod_robot"], msg_key="markdown", at_mobiles=[MOBILE])),
        Task(MODULE, arguments(receivers, component="send_dingtalk", receivers=["mod_person"])),
        Task(MODULE, arguments(receivers, component="send_dingtalk", mobiles=[MOBILE])),
        Task(MODULE, arguments(receivers, component="send_dingtalk", userids=[USERID])),
        Task(MODULE, arguments(receivers, component="send_msg", receivers=["mod_robot"])),
        Task(MODULE, arguments(receivers, esb_url=receivers.esb_url + "/c/compapi/", receivers=["mod_robot"], at_users=["mod_person"])),
        Task(MODULE, arguments(receivers, api_prefix="c/compapi", receivers=["mod_robot"], at_all=True)),
    ])
    assert [result.msg for result in results if result.failed] == []
    assert [[entry["receiver"] for entry in result.data["receivers"]] for result in results] == [
        ["mod_robot"], ["mod_person"], [MOBILE], [USERID], ["mod_robot"], ["mod_robot"], ["mod_robot"]]
    messages = receivers.dingtalk.messages()
    assert [message["kind"] for message in messages] == ["group", "person", "person", "person", "group", "group", "group"]
    assert [message["msgtype"] for message in messages][0] == "markdown" and messages[0]["at"]["atMobiles"] == [MOBILE]
    assert messages[5]["at"]["atMobiles"] == [MOBILE] and messages[6]["at"]["isAtAll"] is True


def test_a_receiver_that_was_not_sent_to_is_a_failure_unless_partial_is_enough(ansible, receivers):
    wanted = arguments(receivers, receivers=["mod_robot", "nobody"])
    strict, partial, nobody = ansible.run_many([
        Task(MODULE, wanted), Task(MODULE, dict(wanted, allow_partial=True)), Task(MODULE, dict(wanted, allow_partial=True, receivers=["nobody"]))])
    assert strict.failed and strict.changed and "sent the message to 1 of 2 receivers. Not sent: nobody (" in strict.msg
    assert outcome(strict, "mod_robot")["sent"] and not outcome(strict, "nobody")["sent"]
    assert not partial.failed and partial.changed and partial.msg.startswith("Sent to: mod_robot. Not sent: nobody (")
    assert any("nobody" in warning for warning in partial.data["warnings"])
    assert nobody.failed and not nobody.changed and "0 of 1" in nobody.msg


def test_credentials_travel_in_the_header_only(ansible):
    good = {"result": True, "code": 0, "message": "OK", "data": {"version": "1.0.0", "warnings": ["a note"], "receivers": [
        {"receiver": "a", "kind": "robot", "sent": True, "outcome": "sent", "uncertain": False, "reason": ""}]}, "request_id": "id-1"}
    with faulty.Faulty(faulty.answer(good), healthy=faulty.message_types()) as server:
        result = ansible.run(MODULE, arguments(server.url, receivers="a"))
    assert not result.failed, result
    assert result.data["version"] == "1.0.0" and result.data["warnings"] == ["a note"] and result.data["request_id"] == "id-1"
    assert server.methods() == ["GET", "POST"]
    for request in server.requests:
        assert json.loads(request.headers["x-bkapi-authorization"]) == {"bk_app_code": "ding_sandbox", "bk_app_secret": SECRET, "bk_username": "admin"}
        assert SECRET not in request.path and SECRET.encode() not in request.body
    assert json.loads(server.requests[1].body) == {"receiver__username": "a", "title": "Disk alarm", "content": "/data is 91% full"}


def test_the_prefix_is_found_where_an_esb_answers(ansible):
    found = faulty.message_types()

    def v6(connection, request, server):
        return request.path.startswith("/c/") and found(connection, request, server)

    with faulty.Faulty(faulty.answer(NOT_FOUND, "404 Not Found"), healthy=v6) as server:
        check = ansible.run(MODULE, arguments(server.url, receivers="a"), check=True)
        assert not check.failed and check.data["api_prefix"] == "/c/compapi", check
        assert [request.path for request in server.requests] == ["/api/c/compapi/cmsi/get_msg_type/", "/c/compapi/cmsi/get_msg_type/"]
    with faulty.Faulty(faulty.text(faulty.HTML, "404 Not Found", "text/html"), healthy=v6) as server:
        assert ansible.run(MODULE, arguments(server.url, receivers="a"), check=True).data["api_prefix"] == "/c/compapi"
    with faulty.Faulty(faulty.answer(NOT_FOUND, "404 Not Found")) as server:
        result = ansible.run(MODULE, arguments(server.url, receivers="a"))
        assert result.failed and "is esb_url the address of an ESB" in result.msg and server.methods() == ["GET", "GET"]


def refusal(message, code=1306000):
    return {"result": False, "code": code, "data": None, "message": message, "request_id": "0" * 32}


CALLER_REFUSALS = [
    (refusal("Invalid APP Code [bk_app_code=ding_sandbox], please confirm if the APP Code has been registered"), "does not know the app ding_sandbox"),
    (refusal("APP Secret verification failed, pelase confirm if the APP Secret and APP Code [bk_app_code=ding_sandbox] match"),
     "is not the secret of the app"),
    (refusal("User authentication failed, please provide a valid user identity, such as bk_token, bk_username"), "white list"),
    (refusal("Signature [bk_signature] and APP Secret [bk_app_secret] cannot be empty at the same time"), "drops the header"),
]
CHANNEL_REFUSALS = [
    (NOT_FOUND, "404 Not Found", "has no channel /cmsi/send_ding/"),
    (refusal("Not found, component class not found, generic.cmsi.send_ding", 1306404), "200 OK", "but not its code"),
    (refusal("Not found, inactive channel", 1306405), "200 OK", "has switched the channel /cmsi/send_ding/ off"),
    (refusal("APP permission is insufficient, APP has no permission to access the component (send_ding) of the system (CMSI)", 1306403), "200 OK",
     "does not let the app ding_sandbox call"),
]


def test_each_refusal_of_the_caller_has_its_own_sentence_in_check_mode_too(ansible):
    servers = [faulty.Faulty(faulty.answer(body)) for body, _ in CALLER_REFUSALS]
    try:
        tasks = [Task(MODULE, arguments(server.__enter__().url, receivers="a"), check=check) for server in servers for check in (True, False)]
        results = ansible.run_many(tasks, verbosity=3)
    finally:
        for server in servers:
            server.__exit__()
    for number, (body, sentence) in enumerate(CALLER_REFUSALS):
        for result in results[2 * number:2 * number + 2]:
            assert result.failed and not result.changed and sentence in result.msg and body["message"] in result.msg, result
        assert servers[number].methods() == ["GET", "GET"]
    assert SECRET not in results[0].stdout and "traceback" not in results[0].stdout


def test_each_refusal_of_the_channel_has_its_own_sentence_and_is_certain(ansible):
    servers = [faulty.Faulty(faulty.answer(body, status), healthy=faulty.message_types()) for body, status, _ in CHANNEL_REFUSALS]
    try:
        results = ansible.run_many([Task(MODULE, arguments(server.__enter__().url, receivers="a")) for server in servers])
    finally:
        for server in servers:
            server.__exit__()
    for result, (_, _, sentence) in zip(results, CHANNEL_REFUSALS):
        assert result.failed and not result.changed and sentence in result.msg, result
        assert outcome(result, "a")["outcome"] == "not_tried" and "uncertain" not in result.msg


def test_the_sandbox_itself_refuses_as_the_module_expects(ansible, receivers):
    results = ansible.run_many([
        Task(MODULE, arguments(receivers, receivers="mod_robot", app_code="nobody_app")),
        Task(MODULE, arguments(receivers, receivers="mod_robot", app_secret="wrong-secret-not-real")),
        Task(MODULE, arguments(receivers, receivers="mod_robot", username="")),
    ])
    for result, sentence in zip(results, ("does not know the app nobody_app", "is not the secret of the app", "white list")):
        assert result.failed and sentence in result.msg, result


def test_check_mode_tells_that_the_message_type_is_absent_or_off(ansible):
    types = {"result": True, "code": 0, "message": "", "data": [{"type": "mail", "is_active": True}]}
    with faulty.Faulty(faulty.answer(types)) as absent, faulty.Faulty(faulty.answer(types), healthy=faulty.message_types(active=False)) as off:
        missing, inactive = ansible.run_many([Task(MODULE, arguments(server.url, receivers="a"), check=True) for server in (absent, off)])
        assert missing.failed and "does not list the message type ding" in missing.msg
        assert not inactive.failed and any("switched off" in warning for warning in inactive.data["warnings"])
        assert absent.methods() == off.methods() == ["GET"]


def test_an_answer_that_does_not_come_leaves_the_message_uncertain_and_is_not_repeated(ansible):
    with faulty.Faulty(faulty.hang_before_headers, healthy=faulty.message_types()) as server:
        result = ansible.run(MODULE, arguments(server.url, receivers=["a", "b"], timeout=2, allow_partial=True))
    assert result.failed and result.changed and "uncertain: it may have arrived" in result.msg, result
    assert [(entry["outcome"], entry["uncertain"], entry["sent"]) for entry in result.data["receivers"]] == [("uncertain", True, False)] * 2
    assert server.methods() == ["GET", "POST"]


def test_a_queued_message_is_not_called_sent(ansible):
    queued = {"receiver": "b", "kind": "robot", "sent": False, "outcome": "queued", "uncertain": False, "reason": "",
              "queued": {"behind": 3, "seconds": 9}}
    sent = {"receiver": "a", "kind": "robot", "sent": True, "outcome": "sent", "uncertain": False, "reason": ""}
    body = {"result": True, "code": 0, "message": "OK", "data": {"version": "1.1.0", "warnings": [], "receivers": [sent, queued]}}
    with faulty.Faulty(faulty.answer(body), healthy=faulty.message_types()) as server:
        result = ansible.run(MODULE, arguments(server.url, receivers=["a", "b"]))
    assert not result.failed and result.msg == "Sent to: a. Queued, not sent yet: b (behind 3, for about 9 seconds).", result
    assert outcome(result, "b")["sent"] is False


def test_options_that_cannot_be_sent_are_refused_before_any_call(ansible):
    wrong = [
        (dict(), "there is nobody to send to"),
        (dict(receivers=["a b"]), "each entry is one name"),
        (dict(receivers=["a"], mobiles=[MOBILE], component="send_dingtalk"), "and has receivers and mobiles"),
        (dict(userids=["x"]), "is for send_dingtalk"),
        (dict(receivers=["a"], at_mobiles=["call me"]), "each entry is one name"),
        (dict(receivers=["a"], at_mobiles=["abc"]), "digits only"),
        (dict(receivers=["a"], component="send_msg", msg_key="markdown"), "does not pass msg_key on"),
        (dict(receivers=["a"], component="send_msg", title=""), "wants both a title and a content"),
        (dict(receivers=["a"], content=" ", title=""), "there is nothing to send"),
        (dict(receivers=["a"], esb_url="paas.service.consul"), "must look like http://host:port"),
        (dict(receivers=["a"], esb_url="http://bk:pass-not-real@127.0.0.1:1"), "must not hold a name or a password"),
        (dict(receivers=["a"], api_prefix="/c/comp api"), "api_prefix is"),
        (dict(receivers=["a"], esb_url="http://127.0.0.1:1"), "cannot be reached"),
    ]
    results = ansible.run_many([Task(MODULE, dict(arguments("http://127.0.0.1:1"), **more)) for more, _ in wrong])
    for result, (more, sentence) in zip(results, wrong):
        assert result.failed and not result.changed and sentence in result.msg, (more, result)
