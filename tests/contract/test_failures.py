"""What is told when some or all receivers fail, and how each platform product reads it."""

import pytest

from contractkit.services import BATCH, LOOK_UP, SEND, TOKEN
from contractkit.world import unique


@pytest.fixture
def bad(world):
    """One receiver of each hopeless kind, by kind."""
    return {
        "unknown": unique("nobody"),
        "no phone": world.person(mobile="", in_dingtalk=False),
        "not in DingTalk": world.person(in_dingtalk=False),
        "bad token": world.robot(in_dingtalk=False),
        "bad signature": world.robot(wrong_secret=True),
    }


def name_of(receiver):
    return getattr(receiver, "name", receiver)


@pytest.mark.servers
def test_everyone_else_gets_the_message_when_some_receivers_are_hopeless(bad, esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    hopeless = [name_of(receiver) for receiver in bad.values()]
    answer = esb.send_ding(hopeless[:3] + [bot.name, person.name] + hopeless[3:])
    assert len(dingtalk.messages(bot)) == len(dingtalk.messages(person)) == 1
    assert answer.status == 200 and answer.result is False
    assert isinstance(answer.code, int) and answer.code != 0
    assert answer.message.startswith("Some users failed")
    assert sorted(answer.invalid) == sorted(hopeless)
    for name in hopeless:
        assert answer.row(name)["sent"] is False and answer.row(name)["reason"], name
    assert answer.row(bot)["sent"] and answer.row(person)["sent"]


def test_when_all_fail_every_reason_is_told_once_and_all_are_listed(bad, esb, dingtalk):
    others = [unique("nobody") for _ in range(5)]
    names = [name_of(receiver) for receiver in bad.values()] + others
    answer = esb.send_ding(names)
    assert answer.result is False and isinstance(answer.code, int) and answer.code != 0
    assert answer.message.startswith("All users failed"), answer
    assert sorted(answer.invalid) == sorted(names)
    for reason in {answer.reason(name) for name in names}:
        told = reason.split(": ")[-1] if reason not in answer.message else reason
        assert answer.message.count(told) == 1, (told, answer.message)
    assert dingtalk.messages() == []


def test_a_person_without_a_phone_is_told_so(esb, world):
    person = world.person(mobile="", in_dingtalk=False)
    answer = esb.send_ding([person])
    assert answer.row(person)["kind"] == "person"
    assert "phone" in answer.reason(person).lower() or "mobile" in answer.reason(person).lower(), answer


def test_an_unknown_name_is_told_to_be_no_user(esb):
    name = unique("nobody")
    reason = esb.send_ding([name]).reason(name).lower()
    assert "user" in reason and ("no " in reason or "not " in reason or "unknown" in reason), reason


def test_a_mobile_unknown_to_dingtalk_is_told_so(esb, world):
    person = world.person(in_dingtalk=False)
    answer = esb.send_ding([person])
    assert "60121" in answer.reason(person) or "not in DingTalk" in answer.reason(person), answer


def test_a_bad_robot_token_keeps_dingtalks_own_words(esb, dingtalk, world):
    bot = world.robot(in_dingtalk=False)
    answer = esb.send_ding([bot])
    errcode = dingtalk.calls(SEND, token=bot.token)[0]["errcode"]
    assert str(errcode) in answer.reason(bot), answer


def test_a_bad_signature_keeps_dingtalks_own_words(esb, world):
    bot = world.robot(wrong_secret=True)
    answer = esb.send_ding([bot])
    assert "310000" in answer.reason(bot) and "sign" in answer.reason(bot).lower(), answer


def test_a_timestamp_refusal_hints_at_the_clock(esb, dingtalk, world):
    bot = world.robot()
    dingtalk.configure(clock_skew_ms=2 * 3600 * 1000)
    answer = esb.send_ding([bot])
    assert answer.result is False and "310000" in answer.reason(bot), answer
    assert "clock" in answer.reason(bot).lower(), answer


def test_a_missing_keyword_is_told_with_dingtalks_words_and_not_repeated(esb, dingtalk, world):
    bot = world.robot(keywords=["ALERT"])
    answer = esb.send_ding([bot], "nothing of the kind")
    assert "310000" in answer.reason(bot) and "keyword" in answer.reason(bot).lower(), answer
    assert len(dingtalk.calls(SEND, token=bot.token)) == 1
    assert esb.send_ding([bot], "ALERT: disk").ok


def test_a_stopped_robot_is_permanent_and_called_once(esb, dingtalk, world):
    bot = world.robot(stopped=True)
    assert esb.send_ding([bot]).row(bot)["sent"] is False
    assert len(dingtalk.calls(SEND, token=bot.token)) == 1


@pytest.mark.parametrize("errcode", [300001, 300005, 400101, 400013, 400102, 400106, 40035, 430101, 430104, "310000"])
def test_a_refusal_with_http_200_is_never_reported_as_sent(errcode, esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"errcode": errcode, "errmsg": "made up for the test"}, times=0, token=bot.token)
    answer = esb.send_ding([bot])
    assert answer.result is False and answer.row(bot)["sent"] is False and answer.row(bot)["outcome"] == "refused"
    assert str(errcode) in answer.reason(bot) and "made up for the test" in answer.reason(bot)
    assert len(dingtalk.calls(SEND, token=bot.token)) == 1


def test_a_zero_errcode_written_as_text_is_a_success(esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"answer": {"errcode": "0", "errmsg": "ok"}}, token=bot.token)
    assert esb.send_ding([bot]).ok


@pytest.mark.parametrize("strange", [{}, {"success": False}, {"errcode": None}])
def test_a_group_answer_without_a_zero_errcode_is_not_a_success(strange, esb, dingtalk, world, settings):
    settings.use({"/cmsi/send_ding/": {"deadline": 3}})
    bot = world.robot()
    dingtalk.fault(SEND, {"answer": strange}, times=0, token=bot.token)
    answer = esb.send_ding([bot])
    assert answer.result is False and answer.invalid == [bot.name], answer


def test_an_html_page_with_http_200_is_not_a_success(esb, dingtalk, world, settings):
    settings.use({"/cmsi/send_ding/": {"deadline": 3}})
    bot, person = world.robot(), world.person()
    dingtalk.fault(SEND, {"html": True}, times=0, token=bot.token)
    dingtalk.fault(BATCH, {"html": True}, times=0, userid=person.userid)
    answer = esb.send_ding([bot, person])
    assert answer.result is False and sorted(answer.invalid) == sorted([bot.name, person.name]), answer
    assert "<html" not in answer.text.lower() and dingtalk.messages() == []


def test_people_listed_as_invalid_by_a_batch_are_reported_and_the_rest_are_sent(esb, dingtalk, world):
    people = world.people(5)
    dingtalk.fault(BATCH, {"invalid": [people[1].userid, people[3].userid]}, userid=people[1].userid)
    answer = esb.send_ding(people)
    assert sorted(answer.invalid) == sorted([people[1].name, people[3].name]), answer
    assert [len(dingtalk.messages(person)) for person in people] == [1, 0, 1, 0, 1]


@pytest.mark.servers
def test_one_poisonous_userid_does_not_keep_the_other_19_from_their_message(esb, dingtalk, world):
    people = world.people(20)
    poison = people[7]
    refused = {"status": 400, "body": {"code": "staffId.notExisted", "message": "made up", "requestid": "T"}}
    dingtalk.fault(BATCH, refused, times=0, userid=poison.userid)
    answer = esb.send_ding(people)
    assert answer.invalid == [poison.name], answer
    assert "staffId.notExisted" in answer.reason(poison)
    assert [len(dingtalk.messages(person)) for person in people] == [0 if p is poison else 1 for p in people]


def test_people_under_flow_control_once_are_sent_or_reported_as_dingtalk_did(esb, dingtalk, world):
    people = world.people(4)
    dingtalk.fault(BATCH, {"flow_control": [people[2].userid]}, userid=people[2].userid)
    answer = esb.send_ding(people)
    delivered = {person.name: len(dingtalk.messages(person)) for person in people}
    assert {name: int(row["sent"]) for name, row in answer.receivers.items()} == delivered, answer
    assert [delivered[person.name] for person in people if person is not people[2]] == [1, 1, 1]


def test_people_under_flow_control_for_good_are_not_reported_as_sent(esb, dingtalk, world, settings):
    settings.use({"/cmsi/send_ding/": {"deadline": 3}})
    people = world.people(3)
    dingtalk.fault(BATCH, {"flow_control": [people[0].userid]}, times=0, userid=people[0].userid)
    answer = esb.send_ding(people)
    assert answer.invalid == [people[0].name] and answer.seconds < 4, answer
    assert [len(dingtalk.messages(person)) for person in people] == [0, 1, 1]


@pytest.mark.parametrize("code", [
    "robotCode.notExsit", "chatbotId.notAllow.sendOTO", "invalidParameter.userIds.invalid"])
def test_a_permanent_refusal_of_a_batch_is_told_with_its_code(code, esb, dingtalk, world):
    person = world.person()
    dingtalk.fault(BATCH, {"status": 400, "body": {"code": code, "message": "made up"}}, times=0, userid=person.userid)
    answer = esb.send_ding([person])
    assert answer.invalid == [person.name] and code in answer.reason(person), answer
    assert len(dingtalk.calls(BATCH)) <= 2


def test_an_exhausted_quota_is_told(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    dingtalk.fault(SEND, {"quota": True}, times=0, token=bot.token)
    dingtalk.fault(BATCH, {"quota": True}, times=0, userid=person.userid)
    answer = esb.send_ding([bot, person])
    assert sorted(answer.invalid) == sorted([bot.name, person.name])
    assert "ApiCountLimitForOrg" in answer.reason(person) or "quota" in answer.reason(person).lower(), answer


@pytest.mark.parametrize("failure", [{"status": 502, "html": True}, {"status": 500, "html": True}])
def test_user_management_down_is_a_clear_error_and_nothing_is_sent(failure, esb, dingtalk, usermgr, world):
    bot, person = world.robot(), world.person()
    usermgr.configure(fail=failure)
    answer = esb.send_ding([bot, person])
    assert answer.status == 200 and answer.result is False and answer.code != 0
    assert "user management" in answer.message.lower() and str(failure["status"]) in answer.message, answer
    assert "<html" not in answer.text.lower()
    assert dingtalk.calls(SEND) == dingtalk.calls(BATCH) == []


def test_user_management_that_hangs_costs_no_more_than_the_deadline(esb, dingtalk, usermgr, world, settings):
    settings.use({"/cmsi/send_ding/": {"deadline": 3}})
    bot = world.robot()
    usermgr.configure(fail={"hang": True})
    answer = esb.send_ding([bot])
    assert answer.result is False and "user management" in answer.message.lower(), answer
    assert answer.seconds < 4 and dingtalk.calls(SEND) == []


def test_user_management_that_refuses_the_esb_is_told_with_its_words(esb, dingtalk, usermgr, world):
    bot = world.robot()
    usermgr.configure(auth=True, strict=True, app_code="somebody", app_secret="not-a-real-one", token="not-a-real-token")
    answer = esb.send_ding([bot])
    assert answer.result is False and "authentication failed" in answer.message, answer
    assert dingtalk.calls(SEND) == []


def monitor_counts_as_sent(answer, receivers):
    """Monitor: code 0 is success; else invalid is read, and all fail when it is absent or empty."""
    if answer.code == 0:
        return set(receivers)
    return set(receivers) - set(answer.invalid) if answer.invalid else set()


def itsm_raises(answer):
    """ITSM: a false result raises unless its message begins with these words."""
    return not answer.result and not answer.message.startswith("Some users failed")


def test_monitor_sees_exactly_who_failed(esb, dingtalk, world):
    bot, person, nobody = world.robot(), world.person(), unique("nobody")
    receivers = [bot.name, nobody, person.name]
    answer = esb.call("/v2/cmsi/send_msg/", {
        "msg_type": "ding", "receiver__username": ",".join(receivers), "title": "【告警】CPU",
        "content": "级别: 致命\n对象: 10.0.0.1\nCPU > 90% & 内存 < 5%", "is_content_base64": False,
    }, prefix="/api/c/compapi")
    assert monitor_counts_as_sent(answer, receivers) == {bot.name, person.name}, answer
    assert dingtalk.only_message(bot)["text"] == "【告警】CPU\n级别: 致命\n对象: 10.0.0.1\nCPU > 90% & 内存 < 5%"


def test_monitor_counts_all_as_sent_when_all_were(esb, world):
    bot, person = world.robot(), world.person()
    answer = esb.send_msg([bot, person], is_content_base64=False)
    assert monitor_counts_as_sent(answer, [bot.name, person.name]) == {bot.name, person.name}, answer


def test_monitor_counts_all_as_failed_when_user_management_is_down(esb, usermgr, world):
    bot = world.robot()
    usermgr.configure(fail={"status": 502, "html": True})
    assert monitor_counts_as_sent(esb.send_msg([bot]), [bot.name]) == set()


def test_job_sees_code_zero_only_when_everyone_got_it(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    html = "<p>任务 <b>清理日志</b> 执行成功</p><p><a href=\"http://job.example/1\">查看</a></p>"
    answer = esb.call("/cmsi/send_msg/", {
        "msg_type": "ding", "receiver__username": "%s,%s" % (bot.name, person.name),
        "title": "作业平台", "content": html})
    assert answer.code == 0, answer
    text = dingtalk.only_message(bot)["text"]
    assert "<" not in text and "http://job.example/1" in text
    assert esb.send_msg([bot.name, unique("nobody")]).code not in (0, None)


def test_job_and_monitor_get_a_result_within_15_seconds_whatever_dingtalk_does(esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"timeout": "before"}, times=0, token=bot.token)
    answer = esb.send_msg([bot])
    assert answer.result is False and answer.seconds < 13.5, answer


def test_sops_node_passes_on_success_and_fails_with_a_readable_message(esb, world):
    bot = world.robot()
    assert esb.send_msg([bot], "流程已完成", title="标准运维").result is True
    failed = esb.send_msg([unique("nobody")], "流程已完成", title="标准运维")
    assert failed.result is False and failed.message.startswith("All users failed"), failed


def test_itsm_asks_for_types_then_sends_and_partial_success_does_not_raise(esb, dingtalk, world):
    person, nobody = world.person(), unique("nobody")
    types = esb.call("/cmsi/get_msg_type/", method="GET").data
    assert [t for t in types if t["type"] == "ding" and t["is_active"]], types
    content = "您有一个待办：<a href=\"https://itsm.example/#/ticket/1?a=1&b=2\">点击查看</a>"
    answer = esb.send_msg([person.name, nobody], content, title="待办提醒")
    assert not itsm_raises(answer), answer
    assert "https://itsm.example/#/ticket/1?a=1&b=2" in dingtalk.only_message(person)["text"]
    assert "<a" not in dingtalk.only_message(person)["text"]
    assert itsm_raises(esb.send_msg([nobody], content, title="待办提醒"))


def test_without_any_person_no_token_is_fetched(esb, dingtalk, world):
    app = world.app()
    assert esb.send_ding([world.robot()], **app.fields).ok
    assert dingtalk.calls(TOKEN) == [] and dingtalk.calls(LOOK_UP) == []
