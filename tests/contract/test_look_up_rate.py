"""20 calls a second per app and API: kept, over all workers, and nothing lost."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from contractkit.services import LOOK_UP

DING = "/cmsi/send_ding/"
RATE = 20


@pytest.fixture(autouse=True)
def limit_on(dingtalk, settings):
    dingtalk.configure(qps=RATE)
    settings.use({DING: {"qps": RATE}})


def most_in_a_second(calls):
    times = sorted(call["time"] for call in calls)
    return max([sum(1 for other in times[index:index + 200] if other < start + 1000)
                for index, start in enumerate(times)] or [0])


def test_100_people_never_seen_take_5_seconds_and_nobody_is_lost(esb, dingtalk, world):
    app, people = world.app(), world.people(100)
    answer = esb.send_ding(people, **app.fields)
    assert answer.ok, answer.message[:500]
    assert answer.seconds >= 100 / RATE - 1
    assert [len(dingtalk.messages(person)) for person in people] == [1] * 100
    looked_up = dingtalk.calls(LOOK_UP)
    assert len(looked_up) == 100 and most_in_a_second(looked_up) <= RATE


@pytest.mark.servers
def test_requests_at_once_share_the_limit_over_all_workers(esb, dingtalk, world):
    app, groups = world.app(), [world.people(15) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda people: esb.send_ding(people, **app.fields), groups))
    assert all(answer.ok for answer in answers), [answer.message[:300] for answer in answers if not answer.ok]
    assert max(answer.seconds for answer in answers) >= 60 / RATE - 1
    looked_up = dingtalk.calls(LOOK_UP)
    assert len(looked_up) == 60 and most_in_a_second(looked_up) <= RATE
    assert all(len(dingtalk.messages(person)) == 1 for people in groups for person in people)


def test_more_people_than_the_deadline_allows_are_found_by_the_next_requests(esb, dingtalk, world, settings):
    settings.use({DING: {"qps": RATE, "deadline": 3}})
    app, people = world.app(), world.people(120)
    waiting, rounds = list(people), 0
    while waiting:
        rounds += 1
        answer = esb.send_ding(waiting, **app.fields)
        assert answer.seconds < 4, answer
        late = set(answer.invalid)
        for name in late:
            row = answer.row(name)
            assert "not looked up yet" in row["reason"] and row["outcome"] == "not_tried", row
        assert len(late) < len(waiting) and rounds <= 5, "round %d: still %d of %d" % (rounds, len(late), len(waiting))
        waiting = [person for person in waiting if person.name in late]
    assert rounds >= 2
    assert [len(dingtalk.messages(person)) for person in people] == [1] * 120
    assert most_in_a_second(dingtalk.calls(LOOK_UP)) <= RATE


def test_apps_do_not_share_a_limit(esb, world):
    apps, people = [world.app(), world.app()], world.people(36)
    with ThreadPoolExecutor(2) as pool:
        halves = [(apps[0], people[:18]), (apps[1], people[18:])]
        answers = list(pool.map(lambda half: esb.send_ding(half[1], **half[0].fields), halves))
    assert all(answer.ok for answer in answers)
    assert max(answer.seconds for answer in answers) < 1.5
