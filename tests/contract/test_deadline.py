"""The deadline: an answer by then, with what was sent and what was not, and nothing started after it."""

import pytest

from contractkit.services import BATCH, LOOK_UP, SEND, TOKEN
from contractkit.waiting import stays

DEADLINE = 3


@pytest.fixture(autouse=True)
def short_deadline(settings):
    settings.use({"/cmsi/send_ding/": {"deadline": DEADLINE}})


def assert_in_time(answer):
    assert answer.status == 200 and answer.seconds < DEADLINE + 1, answer


@pytest.mark.servers
def test_a_slow_dingtalk_costs_no_more_than_the_deadline_and_the_answer_tells_who_got_it(esb, dingtalk, world):
    slow, quick, person = world.robot(), world.robot(), world.person()
    assert esb.send_ding([person]).ok
    dingtalk.fault(SEND, {"timeout": "after"}, times=0, token=slow.token)
    answer = esb.send_ding([quick, person, slow])
    assert_in_time(answer)
    assert answer.row(quick)["sent"] and answer.invalid == [slow.name], answer
    assert answer.row(slow)["outcome"] == "uncertain"
    assert len(dingtalk.messages(quick)) == 1


@pytest.mark.servers
def test_an_answer_that_drips_costs_no_more_than_the_deadline(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    assert esb.send_ding([person]).ok
    dingtalk.fault(SEND, {"drip_ms": 400}, times=0, token=bot.token)
    dingtalk.fault(BATCH, {"drip_ms": 400}, times=0, userid=person.userid)
    answer = esb.send_ding([bot, person])
    assert_in_time(answer)
    for receiver in (bot, person):
        assert answer.row(receiver)["outcome"] in ("uncertain", "not_tried"), answer


def test_after_the_answer_no_call_starts(contract, esb, dingtalk, world):
    bots, people = world.robots(12), world.people(45)
    dingtalk.fault(SEND, {"latency_ms": 1300}, times=0)
    dingtalk.fault(BATCH, {"latency_ms": 1300}, times=0)
    answer = esb.send_ding(bots + people)
    assert_in_time(answer)
    stays(lambda: len(dingtalk.calls()), 1.6, "the number of calls after the answer")


def test_running_calls_are_uncertain_and_those_that_never_started_are_not_tried(esb, dingtalk, world):
    bots = world.robots(60)
    dingtalk.fault(SEND, {"latency_ms": 2000}, times=0)
    answer = esb.send_ding(bots)
    assert_in_time(answer)
    called = {call["query"]["access_token"] for call in dingtalk.calls(SEND)}
    for bot in bots:
        row = answer.row(bot)
        if bot.token not in called:
            assert row["outcome"] == "not_tried" and not row["sent"] and row["reason"], row
        else:
            assert row["outcome"] in ("sent", "uncertain"), row
        assert row["sent"] == (bot.name not in answer.invalid)


def test_a_running_call_is_closed_by_the_channel_at_the_deadline(esb, dingtalk, world):
    person = world.person()
    assert esb.send_ding([person]).ok
    dingtalk.fault(BATCH, {"timeout": "after"}, times=0, userid=person.userid)
    answer = esb.send_ding([person])
    assert_in_time(answer)
    stays(lambda: dingtalk.stats()["running"] <= 1, 0.5, "running calls")
    assert answer.row(person)["outcome"] == "uncertain", answer


def test_a_token_call_that_hangs_costs_no_more_than_the_deadline(esb, dingtalk, world):
    app, person, bot = world.app(), world.person(), world.robot()
    dingtalk.fault(TOKEN, {"timeout": "before"}, times=0, app_key=app.key)
    answer = esb.send_ding([person, bot], **app.fields)
    assert_in_time(answer)
    assert answer.invalid == [person.name] and answer.row(person)["outcome"] == "not_tried", answer
    assert len(dingtalk.messages(bot)) == 1


def test_a_look_up_that_hangs_costs_the_others_nothing(esb, dingtalk, world):
    people = world.people(5)
    dingtalk.fault(LOOK_UP, {"timeout": "before"}, times=0, mobile=people[2].mobile)
    answer = esb.send_ding(people)
    assert_in_time(answer)
    assert answer.invalid == [people[2].name], answer
    assert [len(dingtalk.messages(person)) for person in people] == [1, 1, 0, 1, 1]


def test_retries_end_with_the_deadline(esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"errcode": -1, "errmsg": "busy"}, times=0, token=bot.token)
    answer = esb.send_ding([bot])
    assert_in_time(answer)
    assert "-1" in answer.reason(bot) and len(dingtalk.calls(SEND, token=bot.token)) == 2, answer


def test_many_parts_are_not_reported_as_sent_when_the_deadline_cuts_them(esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"latency_ms": 900}, times=0, token=bot.token)
    answer = esb.send_ding([bot], "磁" * 36000)
    assert_in_time(answer)
    assert answer.invalid == [bot.name] and answer.row(bot)["sent"] is False, answer
