"""Who gets a message: robots, people, both, none; how receivers are written; batches and look-ups."""

import pytest

from contractkit.services import BATCH, LOOK_UP, SEND
from contractkit.world import unique


@pytest.mark.servers
def test_a_robot_and_two_people_each_get_one_message_from_one_user_look_up(esb, dingtalk, usermgr, world):
    bot, one, two = world.robot(), world.person(), world.person()
    answer = esb.send_ding([bot, one, two], "disk full")
    assert answer.ok and answer.message == "OK", answer
    assert dingtalk.only_message(bot)["kind"] == "group"
    assert dingtalk.only_message(one)["kind"] == "person"
    assert dingtalk.only_message(two)["kind"] == "person"
    assert [dingtalk.texts(receiver) for receiver in (bot, one, two)] == [["disk full"]] * 3
    assert len(usermgr.look_ups()) == 1


def test_the_answer_lists_every_receiver_with_kind_and_outcome(esb, world):
    bot, person, nobody = world.robot(), world.person(), unique("nobody")
    answer = esb.send_ding([bot, person, nobody])
    assert set(answer.receivers) == {bot.name, person.name, nobody}
    assert {"kind": "robot", "sent": True, "outcome": "sent", "uncertain": False}.items() <= answer.row(bot).items()
    assert {"kind": "person", "sent": True, "outcome": "sent", "uncertain": False}.items() <= answer.row(person).items()
    assert {"kind": "unknown", "sent": False, "uncertain": False}.items() <= answer.row(nobody).items()
    assert answer.reason(nobody)
    assert answer.data["version"]


@pytest.mark.servers
def test_45_people_take_three_batches_of_20_20_5(esb, dingtalk, usermgr, world):
    people = world.people(45)
    answer = esb.send_ding(people, "to all of you")
    assert answer.ok, answer
    assert sorted(len(call["body"]["userIds"]) for call in dingtalk.calls(BATCH)) == [5, 20, 20]
    assert [len(dingtalk.messages(person)) for person in people] == [1] * 45
    assert len(usermgr.look_ups()) == 1


@pytest.mark.servers
def test_batches_run_side_by_side_where_threads_can_run(contract, esb, dingtalk, world):
    people = world.people(45)
    assert esb.send_ding(people, "warm").ok
    dingtalk.fault(BATCH, {"latency_ms": 600}, times=3)
    answer = esb.send_ding(people, "three batches of 600 ms")
    assert answer.ok, answer
    if contract.parallel:
        assert answer.seconds < 1.5, "three calls of 0.6 s took %.2f s" % answer.seconds
    else:
        assert 1.8 <= answer.seconds < 4


def test_a_person_named_twice_gets_one_message(esb, dingtalk, world):
    person = world.person()
    answer = esb.send_ding([person, person])
    assert answer.ok, answer
    assert len(dingtalk.messages(person)) == 1


def test_a_robot_named_twice_gets_one_message(esb, dingtalk, world):
    bot = world.robot()
    assert esb.send_ding([bot, bot]).ok
    assert len(dingtalk.messages(bot)) == 1


def test_two_users_with_the_same_mobile_get_one_message_and_both_count_as_sent(esb, dingtalk, world):
    first = world.person()
    second = world.person(mobile=first.mobile, in_dingtalk=False)
    answer = esb.send_ding([first, second])
    assert answer.ok, answer
    assert len(dingtalk.messages(first)) == 1
    assert answer.row(first)["sent"] and answer.row(second)["sent"]


def test_names_match_whatever_their_case(esb, dingtalk, world):
    name = unique("Mixed")
    person = world.person(name=name)
    answer = esb.send_ding(name.upper())
    assert answer.ok, answer
    assert len(dingtalk.messages(person)) == 1


def test_one_user_in_two_spellings_gets_one_message(esb, dingtalk, world):
    person = world.person()
    answer = esb.send_ding("%s,%s" % (person.name, person.name.upper()))
    assert answer.ok, answer
    assert len(dingtalk.messages(person)) == 1


def test_a_robot_name_in_another_case_reaches_the_group(esb, dingtalk, world):
    bot = world.robot(name=unique("OpsBot"))
    assert esb.send_ding(bot.name.lower()).ok
    assert len(dingtalk.messages(bot)) == 1


@pytest.fixture
def other_domain(usermgr):
    """The domain of a directory that is not the default one."""
    categories = usermgr.get("/api/v2/categories/")["data"]["results"]
    return next(category["domain"] for category in categories if not category["default"])


def test_a_user_of_another_directory_is_found_as_name_at_domain(other_domain, esb, dingtalk, world):
    person = world.person(name="%s@%s" % (unique("p"), other_domain))
    answer = esb.send_ding([person])
    assert answer.ok, answer
    assert len(dingtalk.messages(person)) == 1
    assert list(answer.receivers) == [person.name]


def test_the_same_name_in_two_directories_means_two_people(other_domain, esb, dingtalk, world):
    here = world.person()
    there = world.person(name="%s@%s" % (here.name, other_domain))
    assert esb.send_ding([here, there]).ok
    assert len(dingtalk.messages(here)) == len(dingtalk.messages(there)) == 1


@pytest.mark.parametrize("separator", [",", ";", ", ", "\n", " , "])
def test_receivers_may_be_separated_as_cmsi_allows(separator, esb, dingtalk, world):
    one, two = world.person(), world.person()
    answer = esb.send_ding(one.name + separator + two.name)
    assert answer.ok, answer
    assert len(dingtalk.messages(one)) == len(dingtalk.messages(two)) == 1


def test_receivers_may_be_a_json_list(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    answer = esb.call("/cmsi/send_ding/", {"receiver__username": [bot.name, person.name], "content": "x"})
    assert answer.ok, answer
    assert len(dingtalk.messages(bot)) == len(dingtalk.messages(person)) == 1


@pytest.mark.parametrize("receivers", ["", ",", " , ;", [], None, [""], [" "]])
def test_no_receiver_at_all_is_a_clear_error_and_sends_nothing(receivers, esb, dingtalk):
    answer = esb.call("/cmsi/send_ding/", {"receiver__username": receivers, "content": "x"})
    assert answer.status == 200 and answer.result is False and answer.code != 0, answer
    assert "receiver" in answer.message.lower(), answer
    assert dingtalk.calls() == []


@pytest.mark.parametrize("receivers", [[1, 2], [None], [["a"]], [{"a": 1}], {"a": "b"}, 17, True])
def test_receivers_of_an_odd_type_are_a_clear_error_never_a_crash(receivers, esb, dingtalk):
    answer = esb.call("/cmsi/send_ding/", {"receiver__username": receivers, "content": "x"})
    assert answer.status == 200 and answer.result is False and answer.code != 0, answer
    assert "contact the component developer" not in answer.message
    assert dingtalk.messages() == []


def test_a_missing_receiver_field_is_a_clear_error(esb, dingtalk):
    answer = esb.send("send_ding", content="x")
    assert answer.status == 200 and answer.result is False and "receiver" in answer.message.lower(), answer
    assert dingtalk.calls() == []


def test_400_receivers_need_one_user_look_up_and_nobody_is_forgotten(esb, dingtalk, usermgr, world):
    known = world.people(3)
    nobodies = ["n%05d" % number for number in range(397)]
    answer = esb.send_ding(nobodies[:200] + [person.name for person in known] + nobodies[200:])
    assert len(usermgr.look_ups()) == 1
    assert answer.invalid and set(answer.invalid) == set(nobodies)
    assert [len(dingtalk.messages(person)) for person in known] == [1, 1, 1]


def test_more_names_than_one_url_carries_are_still_all_looked_up(esb, dingtalk, world):
    known = world.people(2)
    nobodies = [unique("a-name-of-32-characters") for _ in range(1200)]
    answer = esb.send_ding([known[0].name] + nobodies + [known[1].name])
    assert set(answer.invalid) == set(nobodies), answer.message[:300]
    assert [len(dingtalk.messages(person)) for person in known] == [1, 1]


def test_a_user_whose_sign_field_is_no_sec_secret_is_a_person(esb, dingtalk, world):
    person = world.person(qq="12345678", wx_userid="wx-of-a-person")
    answer = esb.send_ding([person])
    assert answer.ok and answer.row(person)["kind"] == "person", answer
    assert len(dingtalk.messages(person)) == 1


def test_a_user_with_a_secret_but_no_token_is_no_robot(esb, dingtalk, world):
    person = world.person(qq="", wx_userid="SEC0000000000")
    answer = esb.send_ding([person])
    assert answer.row(person)["kind"] == "person", answer
    assert dingtalk.calls(SEND) == []


def test_robot_fields_can_be_moved_to_extended_fields_by_setting(esb, dingtalk, world, settings):
    settings.use({"/cmsi/send_dingbot/": {"token_field": "extras__ding_token", "sign_field": "extras__ding_sign"}})
    bot = world.robot()
    world.usermgr.put_user(
        username=bot.name, qq="", wx_userid="", extras={"ding_token": bot.token, "ding_sign": bot.secret})
    answer = esb.send_ding([bot])
    assert answer.ok and answer.row(bot)["kind"] == "robot", answer
    assert len(dingtalk.messages(bot)) == 1


def test_send_dingbot_reaches_groups(esb, dingtalk, world):
    one, two = world.robots(2)
    answer = esb.send("send_dingbot", [one, two])
    assert answer.ok, answer
    assert len(dingtalk.messages(one)) == len(dingtalk.messages(two)) == 1


def test_send_dingbot_refuses_a_person_and_still_reaches_the_group(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    answer = esb.send("send_dingbot", [bot, person])
    assert answer.result is False and answer.invalid == [person.name] and answer.reason(person), answer
    assert len(dingtalk.messages(bot)) == 1 and dingtalk.messages(person) == []


def test_send_dingtalk_reaches_people_by_receiver_name(esb, dingtalk, world):
    one, two = world.people(2)
    assert esb.send("send_dingtalk", [one, two]).ok
    assert len(dingtalk.messages(one)) == len(dingtalk.messages(two)) == 1


def test_send_dingtalk_with_a_userid_needs_no_look_up_at_all(esb, dingtalk, usermgr, world):
    one, two = world.people(2)
    answer = esb.send("send_dingtalk", userid="%s,%s" % (one.userid, two.userid))
    assert answer.ok, answer
    assert len(dingtalk.messages(one)) == len(dingtalk.messages(two)) == 1
    assert usermgr.look_ups() == [] and dingtalk.calls(LOOK_UP) == []
    assert set(answer.receivers) == {one.userid, two.userid}


def test_send_dingtalk_with_a_mobile_needs_no_user_management(esb, dingtalk, usermgr, world):
    one, two = world.people(2)
    answer = esb.send("send_dingtalk", mobile="%s,%s" % (one.mobile, two.mobile))
    assert answer.ok, answer
    assert len(dingtalk.messages(one)) == len(dingtalk.messages(two)) == 1
    assert usermgr.look_ups() == []


def test_send_dingtalk_prefers_userid_to_mobile_to_receiver_name(esb, dingtalk, world):
    by_id, by_mobile, by_name = world.people(3)
    assert esb.send("send_dingtalk", [by_name], userid=by_id.userid, mobile=by_mobile.mobile).ok
    assert esb.send("send_dingtalk", [by_name], mobile=by_mobile.mobile).ok
    assert [len(dingtalk.messages(person)) for person in (by_id, by_mobile, by_name)] == [1, 1, 0]


def test_send_dingtalk_with_a_robots_name_says_it_has_no_person(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    answer = esb.send("send_dingtalk", [bot, person])
    assert answer.invalid == [bot.name] and answer.reason(bot), answer
    assert len(dingtalk.messages(person)) == 1


def test_a_numeric_userid_or_mobile_in_json_is_understood(esb, dingtalk, world):
    person = world.person()
    answer = esb.send("send_dingtalk", mobile=int(person.mobile))
    assert answer.ok, answer
    assert len(dingtalk.messages(person)) == 1


def test_an_overseas_mobile_is_looked_up_in_dingtalks_form(esb, dingtalk, world):
    person = world.person(mobile="51234987", dingtalk_mobile="+852-51234987", country_code="852")
    answer = esb.send_ding([person])
    assert answer.ok, answer
    assert [str(call["body"]["mobile"]) for call in dingtalk.calls(LOOK_UP)] == ["+852-51234987"]
    assert len(dingtalk.messages(person)) == 1


@pytest.mark.parametrize("country_code", ["86", "+86", "", None])
def test_a_mainland_mobile_is_looked_up_bare(country_code, esb, dingtalk, world):
    person = world.person(country_code=country_code)
    answer = esb.send_ding([person])
    assert answer.ok, answer
    assert [str(call["body"]["mobile"]) for call in dingtalk.calls(LOOK_UP)] == [person.mobile]


def test_a_person_found_once_is_not_looked_up_in_dingtalk_again_by_the_same_worker(contract, esb, dingtalk, world):
    person = world.person()
    for _ in range(4 * contract.workers):
        assert esb.send_ding([person]).ok
    assert len(dingtalk.calls(LOOK_UP, mobile=person.mobile)) <= contract.workers
    assert len(dingtalk.messages(person)) == 4 * contract.workers


def test_a_changed_robot_token_is_used_at_once(esb, dingtalk, world):
    bot = world.robot()
    assert esb.send_ding([bot]).ok
    changed = world.robot(name=bot.name)
    assert esb.send_ding([changed]).ok
    assert len(dingtalk.messages(bot)) == 1 and len(dingtalk.messages(changed)) == 1
