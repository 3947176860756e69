"""What is tried again, when, and what is told about a call whose fate is unknown."""

import re
import threading
import time

import pytest

from contractkit.servers import Front, free_port
from contractkit.services import BATCH, LOOK_UP, SEND, TOKEN

DING = "/cmsi/send_ding/"
BUSY = {
    "-1": {"errcode": -1, "errmsg": "system busy"},
    "500 system.error": {"status": 500, "body": {"code": "system.error", "message": "system error"}},
    "502": {"status": 502, "html": True},
    "503": {"status": 503, "html": True},
    "send.too.fast": {"status": 400, "body": {"code": "send.too.fast", "message": "too fast"}},
    "send.byToken.tooFast": {"status": 400, "body": {"code": "send.byToken.tooFast", "message": "too fast"}},
    "too.many.people": {"status": 400, "body": {"code": "too.many.people", "message": "too many"}},
    "QpsLimit": {"status": 403, "body": {"code": "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi", "message": "slow"}},
    "Qpm": {"status": 403, "body": {"code": "Forbidden.AccessDenied.QpmLimit", "message": "slow"}},
    "90018": {"errcode": 90018, "errmsg": "too many calls"},
    "90002": {"errcode": 90002, "errmsg": "too many calls"},
}


def gaps(calls):
    """Seconds between the end of each call and the start of the next."""
    ends = [(call["time"] + call["ms"]) / 1000.0 for call in calls]
    starts = [call["time"] / 1000.0 for call in calls]
    return [start - end for start, end in zip(starts[1:], ends)]


def assert_waits(calls, waits):
    found = gaps(calls)
    assert len(found) == len(waits), found
    for gap, wait in zip(found, waits):
        assert wait - 0.15 <= gap <= wait + 0.7, found


@pytest.mark.parametrize("trouble", ["-1", "500 system.error", "502", "503"])
def test_a_group_message_is_tried_again_after_a_second(trouble, esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, BUSY[trouble], token=bot.token)
    answer = esb.send_ding([bot])
    assert answer.ok, answer
    calls = dingtalk.calls(SEND, token=bot.token)
    assert_waits(calls, [1])
    assert calls[0]["body"]["msgUuid"] == calls[1]["body"]["msgUuid"]
    assert len(dingtalk.messages(bot)) == 1


@pytest.mark.parametrize("trouble", ["500 system.error", "502", "503", "send.too.fast", "send.byToken.tooFast",
                                     "too.many.people", "QpsLimit", "Qpm"])
def test_a_batch_is_tried_again_after_a_second(trouble, esb, dingtalk, world):
    people = world.people(2)
    dingtalk.fault(BATCH, BUSY[trouble], userid=people[0].userid)
    answer = esb.send_ding(people)
    assert answer.ok, answer
    assert_waits(dingtalk.calls(BATCH, userid=people[0].userid), [1])
    assert [len(dingtalk.messages(person)) for person in people] == [1, 1]
    assert not answer.row(people[0])["uncertain"]


@pytest.mark.parametrize("trouble", ["-1", "90018", "90002", "502"])
def test_a_look_up_is_tried_again_after_a_second(trouble, esb, dingtalk, world):
    person = world.person()
    dingtalk.fault(LOOK_UP, BUSY[trouble], mobile=person.mobile)
    assert esb.send_ding([person]).ok
    assert_waits(dingtalk.calls(LOOK_UP, mobile=person.mobile), [1])


def test_a_token_call_is_tried_again(esb, dingtalk, world):
    app, person = world.app(), world.person()
    dingtalk.fault(TOKEN, BUSY["503"], app_key=app.key)
    assert esb.send_ding([person], **app.fields).ok
    assert len(dingtalk.messages(person)) == 1


@pytest.mark.parametrize("kind", ["robot", "person"])
def test_the_waits_are_1_2_and_4_seconds_and_then_it_gives_up(kind, esb, dingtalk, world):
    receiver = getattr(world, kind)()
    if kind == "robot":
        dingtalk.fault(SEND, BUSY["-1"], times=0, token=receiver.token)
    else:
        dingtalk.fault(BATCH, BUSY["500 system.error"], times=0, userid=receiver.userid)
    answer = esb.send_ding([receiver])
    calls = dingtalk.calls(SEND if kind == "robot" else BATCH)
    assert_waits(calls, [1, 2, 4])
    assert answer.result is False and answer.invalid == [receiver.name] and answer.seconds < 12, answer
    assert ("-1" if kind == "robot" else "system.error") in answer.reason(receiver)
    assert dingtalk.messages() == []


def test_a_refused_connection_is_tried_again_until_somebody_listens(contract, esb, dingtalk, world, settings):
    port = free_port()
    front = Front(contract.dingtalk_url, port=port)
    address = "http://127.0.0.1:%d" % port
    bot, person = world.robot(), world.person()
    assert esb.send_ding([person], "so that token and user id are known").ok
    settings.use({DING: {"oapi_url": address, "api_url": address}})
    settings.apply()
    opener = threading.Timer(1.5, front.__enter__)
    opener.start()
    try:
        answer = esb.send_ding([bot, person], "late")
    finally:
        opener.join()
        front.__exit__()
    assert answer.ok and answer.seconds >= 2, answer
    assert dingtalk.texts(bot) == ["late"] and dingtalk.texts(person).count("late") == 1


def test_a_connection_refused_for_good_is_a_clear_error_by_the_deadline(esb, dingtalk, world, settings):
    address = "http://127.0.0.1:%d" % free_port()
    settings.use({DING: {"oapi_url": address, "api_url": address, "deadline": 3}})
    bot, person = world.robot(), world.person()
    answer = esb.send_ding([bot, person])
    assert answer.result is False and answer.seconds < 4, answer
    assert sorted(answer.invalid) == sorted([bot.name, person.name])
    assert re.search("connect|refused", answer.reason(bot), re.I), answer
    assert answer.row(bot)["outcome"] != "uncertain" and answer.row(person)["outcome"] != "uncertain"
    assert bot.token not in answer.text and "sign=" not in answer.text


UNANSWERED = {
    "time-out": {"timeout": "after"}, "reset": {"reset": "after"}, "504": {"status": 504, "html": True},
    "reset before": {"reset": "before"}, "time-out before": {"timeout": "before"},
}


@pytest.mark.parametrize("trouble", sorted(UNANSWERED))
def test_an_unanswered_group_message_is_repeated_with_the_same_body(trouble, esb, dingtalk, world, settings):
    settings.use({DING: {"read_timeout": 1}})
    bot = world.robot()
    dingtalk.fault(SEND, UNANSWERED[trouble], token=bot.token)
    answer = esb.send_ding([bot], "once")
    assert answer.ok and answer.row(bot)["uncertain"] is False, answer
    calls = dingtalk.calls(SEND, token=bot.token)
    assert len(calls) == 2 and calls[0]["body"]["msgUuid"] and calls[0]["body"] == calls[1]["body"]
    assert dingtalk.texts(bot) == ["once"]


@pytest.mark.servers
@pytest.mark.parametrize("trouble", ["504", "reset", "time-out"])
def test_an_unanswered_batch_is_repeated_once_and_marked_uncertain(trouble, esb, dingtalk, world, settings):
    settings.use({DING: {"read_timeout": 1}})
    person = world.person()
    dingtalk.fault(BATCH, UNANSWERED[trouble], userid=person.userid)
    answer = esb.send_ding([person], "once or twice")
    assert answer.ok and answer.row(person)["uncertain"] is True, answer
    assert len(dingtalk.calls(BATCH, userid=person.userid)) == 2
    assert 1 <= len(dingtalk.messages(person)) <= 2


def test_an_unanswered_batch_is_repeated_only_once(esb, dingtalk, world, settings):
    settings.use({DING: {"read_timeout": 1}})
    person = world.person()
    dingtalk.fault(BATCH, UNANSWERED["reset"], times=0, userid=person.userid)
    answer = esb.send_ding([person])
    assert len(dingtalk.calls(BATCH, userid=person.userid)) == 2
    assert {"sent": False, "outcome": "uncertain", "uncertain": True}.items() <= answer.row(person).items(), answer
    assert answer.invalid == [person.name]


@pytest.mark.parametrize("trouble", ["504", "reset", "time-out"])
def test_on_uncertain_report_never_repeats_a_batch_whose_fate_is_unknown(trouble, esb, dingtalk, world, settings):
    settings.use({DING: {"read_timeout": 1, "on_uncertain": "report"}})
    person = world.person()
    dingtalk.fault(BATCH, UNANSWERED[trouble], userid=person.userid)
    answer = esb.send_ding([person])
    assert len(dingtalk.calls(BATCH, userid=person.userid)) == 1
    assert {"sent": False, "outcome": "uncertain", "uncertain": True}.items() <= answer.row(person).items(), answer
    assert answer.invalid == [person.name]


def test_on_uncertain_report_still_repeats_what_was_certainly_not_accepted(esb, dingtalk, world, settings):
    settings.use({DING: {"on_uncertain": "report"}})
    person = world.person()
    dingtalk.fault(BATCH, BUSY["send.too.fast"], userid=person.userid)
    answer = esb.send_ding([person])
    assert answer.ok and not answer.row(person)["uncertain"], answer
    assert len(dingtalk.messages(person)) == 1


def test_a_connection_that_dingtalk_closed_while_idle_costs_no_message(esb, dingtalk, world):
    """A kept connection may be dead when it is used next; that must not count as uncertain for ever."""
    bot = world.robot()
    for number in range(6):
        assert esb.send_ding([bot], "message %d" % number).ok
    assert len(dingtalk.messages(bot)) == 6


THROTTLES = ["130101", "410100", "302", "x5"]


def assert_held(answer, bot):
    assert answer.result is False and answer.invalid == [bot.name], answer
    assert bot.name in answer.message, answer
    seconds = [int(number) for number in re.findall(r"\b(\d+) seconds?\b", answer.reason(bot))]
    assert seconds and 0 < seconds[0] <= 600, answer.reason(bot)
    return seconds[0]


@pytest.mark.servers
def test_above_20_a_minute_the_robot_is_left_alone_by_every_worker(contract, esb, dingtalk, world):
    bot = world.robot()
    for number in range(20):
        assert esb.send_ding([bot], "message %d" % number).ok
    assert 0 < assert_held(esb.send_ding([bot], "one too many"), bot) <= 60
    # The channel counts for itself: DingTalk never sees the one too many, and blocks nobody.
    calls = len(dingtalk.calls(SEND, token=bot.token))
    assert calls == 20
    for _ in range(4 * contract.workers):
        assert_held(esb.send_ding([bot], "held"), bot)
    assert len(dingtalk.calls(SEND, token=bot.token)) == calls
    assert len(dingtalk.messages(bot)) == 20


@pytest.mark.parametrize("style", THROTTLES)
def test_every_way_of_saying_too_fast_holds_the_robot(style, contract, esb, dingtalk, world):
    bot, other = world.robot(), world.robot()
    dingtalk.configure(throttle_style=style, robot_per_minute=1)
    assert esb.send_ding([bot]).ok
    assert_held(esb.send_ding([bot]), bot)
    calls = len(dingtalk.calls(SEND, token=bot.token))
    for _ in range(2 * contract.workers):
        assert_held(esb.send_ding([bot]), bot)
    assert len(dingtalk.calls(SEND, token=bot.token)) == calls == 2
    assert esb.send_ding([other]).ok


def test_a_held_robot_does_not_keep_others_of_the_request_from_their_message(esb, dingtalk, world):
    bot, other, person = world.robot(), world.robot(), world.person()
    dingtalk.fault(SEND, {"x5": True}, token=bot.token)
    for _ in range(2):
        answer = esb.send_ding([bot, other, person])
        assert answer.invalid == [bot.name] and answer.message.startswith("Some users failed"), answer
    assert len(dingtalk.messages(other)) == len(dingtalk.messages(person)) == 2
    assert len(dingtalk.calls(SEND, token=bot.token)) == 1


def test_the_named_seconds_count_down(esb, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    first = assert_held(esb.send_ding([bot]), bot)
    started = time.monotonic()
    while assert_held(esb.send_ding([bot]), bot) >= first:
        assert time.monotonic() - started < 5, "the seconds to wait stay at %d" % first
        time.sleep(0.2)
