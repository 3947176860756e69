"""What a robot's window has no room for: queued where the service runs, sent later and told apart; else refused clearly."""

import re
import time

import pytest

from contractkit.services import BATCH, SEND

DING = "/cmsi/send_ding/"
STATUS = "/cmsi/ding_status/"
QUEUE = {DING: {"overflow": "queue", "robot_window": 4}}


@pytest.fixture
def queueing(settings, dingtalk, esb):
    """Overflow is `queue`, and a robot's minute takes four seconds."""
    settings.use(QUEUE)
    dingtalk.configure(robot_window_seconds=4)
    wait(lambda: status(esb)["service"]["running"], 30, "the service gives signs of life")
    # It reads its settings every two seconds.
    before = status(esb)["service"]["heartbeat"]
    wait(lambda: status(esb)["service"]["heartbeat"] > before, 20, "the service has read the settings")
    yield esb
    # What still waited would be sent during another test.
    wait(lambda: status(esb)["totals"]["waiting"] == 0, 60, "nothing waits any more")


def status(esb):
    answer = esb.call(STATUS)
    assert answer.ok, answer
    return answer.data


def outboxes(esb, name):
    return [box for box in status(esb)["outboxes"] if name in box["receivers"]]


def wait(condition, seconds, what):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "not within %d s: %s" % (seconds, what)
        time.sleep(0.1)


def send_many(esb, bot, count, **more):
    return [esb.send_ding([bot], "<%03d>" % number, **more) for number in range(count)]


def numbers(dingtalk, bot):
    return [int(number) for text in dingtalk.texts(bot) for number in re.findall(r"<(\d{3})>", text)]


@pytest.mark.servers
def test_what_does_not_fit_is_queued_and_arrives_once_in_order(queueing, dingtalk, world):
    bot = world.robot()
    answers = send_many(queueing, bot, 50)
    assert all(answer.ok and answer.invalid == [] for answer in answers), [answer for answer in answers if not answer.ok][:1]
    queued = [answer for answer in answers if answer.row(bot)["outcome"] == "queued"]
    assert queued and all(answer.row(bot)["outcome"] == "sent" for answer in answers[:16])
    for answer in queued:
        row = answer.row(bot)
        assert row["sent"] is False and sorted(row["queued"]) == ["behind", "seconds"], answer
        assert re.search(r"queued behind %(behind)d for about %(seconds)d seconds" % row["queued"], answer.message), answer
    assert all(answer.row(bot)["queued"] is None for answer in answers if answer not in queued)
    wait(lambda: len(numbers(dingtalk, bot)) >= 50, 40, "all 50 are there")
    assert numbers(dingtalk, bot) == list(range(50))
    assert all(call["accepted"] for call in dingtalk.calls(SEND, token=bot.token))
    wait(lambda: [(box["waiting"], box["dead"]) for box in outboxes(queueing, bot.name)] == [(0, 0)], 10, "the status says so")


def test_the_status_tells_who_waits_and_since_when(queueing, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    answers = send_many(queueing, bot, 3)
    assert [answer.row(bot)["outcome"] for answer in answers] == ["queued"] * 3, answers
    wait(lambda: outboxes(queueing, bot.name), 10, "the outbox is listed")
    found = status(queueing)
    box, = [each for each in found["outboxes"] if bot.name in each["receivers"]]
    assert box["waiting"] == 3 and box["kind"] == "robot" and box["blocked_until"] > box["oldest"], box
    assert found["overflow"] == {"setting": "queue", "effect": "queue", "reason": ""} and found["totals"]["waiting"] >= 3
    assert found["service"]["version"] == found["version"] == answers[0].data["version"]
    wait(lambda: len(numbers(dingtalk, bot)) == 3, 30, "the block is over")
    assert len(dingtalk.messages(bot)) == 1 and dingtalk.texts(bot)[0].startswith("3 messages waited")


def test_mentions_and_markdown_survive_the_wait(queueing, dingtalk, world):
    bot = world.robot()
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    for number in range(2):
        answer = queueing.send_ding([bot], "**bold** %d" % number, msg_key="markdown", at_mobiles=["1380000000%d" % number])
        assert answer.row(bot)["outcome"] == "queued", answer
    wait(lambda: dingtalk.messages(bot), 30, "it is sent later")
    message = dingtalk.only_message(bot)
    assert message["msgtype"] == "markdown" and sorted(message["at"]["atMobiles"]) == ["13800000000", "13800000001"]
    assert all("@1380000000%d" % number in message["text"] and "**bold** %d" % number in message["text"] for number in range(2))


def test_a_message_that_dingtalk_refuses_is_found_among_those_that_waited(queueing, dingtalk, world):
    bot = world.robot(keywords=["good"])
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    for content in ("<000> good", "<001> goo", "<002> good"):
        assert queueing.send_ding([bot], content).row(bot)["outcome"] == "queued"
    # A digest of all three has the keyword: DingTalk refuses none of it. Alone, the second has not.
    wait(lambda: sorted(numbers(dingtalk, bot)) == [0, 1, 2], 30, "they are sent")
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    first = queueing.send_ding([bot], "<003> bad")
    assert first.row(bot)["outcome"] == "queued", first
    wait(lambda: [box["dead"] for box in outboxes(queueing, bot.name)] == [1], 60, "it is a dead letter")
    wait(lambda: "310000" in outboxes(queueing, bot.name)[0]["last_error"], 10, "the status names the error")
    assert 3 not in numbers(dingtalk, bot)


def test_a_person_under_flow_control_is_sent_to_later_once(queueing, dingtalk, world):
    person = world.person()
    assert queueing.send_ding([person], "known now").ok
    dingtalk.fault(BATCH, {"flow_control": [person.userid]}, times=5, userid=person.userid)
    answer = queueing.send_ding([person], "later")
    assert answer.ok and answer.row(person)["outcome"] == "queued", answer
    wait(lambda: "later" in dingtalk.texts(person), 60, "it is sent later")
    wait(lambda: [box["waiting"] for box in outboxes(queueing, person.name)] == [0], 10, "nothing waits")
    assert dingtalk.texts(person).count("later") == 1


def test_a_callers_own_app_is_never_kept(queueing, dingtalk, world):
    app, person = world.app(), world.person()
    dingtalk.fault(BATCH, {"flow_control": [person.userid]}, times=0, userid=person.userid)
    answer = queueing.send_ding([person], "no later", **app.fields)
    assert answer.result is False and answer.row(person)["outcome"] != "queued", answer


def test_a_second_robot_is_not_delayed(queueing, dingtalk, world):
    bot, other = world.robot(), world.robot()
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    answer = queueing.send_ding([bot, other], "both")
    assert answer.ok and answer.row(other)["outcome"] == "sent" and answer.row(bot)["outcome"] == "queued", answer
    assert "OK" in answer.message and bot.name in answer.message


def test_with_refuse_nothing_is_queued_and_the_error_says_when_there_is_room(esb, dingtalk, world):
    bot = world.robot()
    answers = send_many(esb, bot, 21)
    assert all(answer.ok for answer in answers[:20]) and not answers[20].ok
    row = answers[20].row(bot)
    assert row["outcome"] in ("refused", "not_tried") and row["queued"] is None and re.search(r"\d+ seconds", row["reason"]), row
    assert len(dingtalk.calls(SEND, token=bot.token)) == 20
    assert status(esb)["overflow"] == {"setting": "refuse", "effect": "refuse", "reason": "setting overflow"}


@pytest.mark.without_service
def test_where_no_service_runs_queue_is_refuse_and_says_so(settings, esb, dingtalk, world):
    settings.use(QUEUE)
    answers = send_many(esb, world.robot(), 21)
    assert not answers[-1].ok and "does not run on this host" in answers[-1].message
    assert status(esb)["overflow"]["effect"] == "refuse"


def test_no_secret_is_in_the_status_or_beside_the_logs(queueing, contract, dingtalk, world, known_secrets):
    bot = world.robot()
    dingtalk.fault(SEND, {"errcode": 130101, "errmsg": "send too fast"}, token=bot.token)
    send_many(queueing, bot, 2)
    wait(lambda: outboxes(queueing, bot.name), 10, "the outbox is listed")
    text = queueing.call(STATUS).text
    kept = [path for folder in contract.log_dirs for path in (folder / "ding_blueking").rglob("*") if path.is_file()]
    assert kept
    for secret in known_secrets:
        assert secret not in text
    for path in kept:
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            continue
        for secret in (bot.token, bot.secret):
            assert secret.encode("ascii") not in content and secret not in path.name
