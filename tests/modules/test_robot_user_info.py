"""ding.blueking.robot_user_info against the sandbox's user management, or against a real one (support/users.py)."""

import pytest

from modulekit.tasks import Task
from support import faulty
from support.users import SECRET, SECRET2, TOKEN, TOKEN2, Users

MODULE = "ding.blueking.robot_user_info"


@pytest.fixture
def users(request):
    found = Users.chosen(request)
    found.reset()
    found.create("Robot1", display_name="Robot \u4e00", qq=TOKEN, wx_userid=SECRET, email="r@example.org", telephone="4711")
    found.create("robot2", category_id=3, qq=TOKEN2, wx_userid=SECRET2)
    found.create("person", qq="10009", wx_userid="WxPerson")
    found.create("half", wx_userid=SECRET)
    found.create("gone", qq=TOKEN, wx_userid=SECRET)
    found.delete("gone")
    return found


def names(result):
    return [robot["name"] for robot in result.data["robots"]]


@pytest.mark.every_target
def test_robots_are_listed_among_all_users_with_masked_secrets(ansible, users):
    users.forget()
    check, real = ansible.run_many([Task(MODULE, users.args(), check=check) for check in (True, False)], verbosity=3)
    assert not real.failed and not real.changed and check.data["robots"] == real.data["robots"], real
    assert names(real) == ["Robot1", "robot2@partner.local"]
    assert real.data["robots"][0] == {
        "name": "Robot1", "display_name": "Robot \u4e00", "email": "r@example.org", "telephone": "4711", "domain": "default.local",
        "category_id": 1, "status": "NORMAL", "access_token": "****" + TOKEN[-4:], "secret": "****" + SECRET[-4:]}
    assert real.data["not_robots"] == real.data["not_found"] == []
    for secret in (TOKEN, TOKEN2, SECRET, SECRET2):
        assert secret[-16:] not in real.stdout
    assert not users.writes()


@pytest.mark.every_target
def test_given_names_are_told_apart(ansible, users):
    wanted = ["ROBOT1", "robot1", "robot1@default.local", "robot2@Partner.local", "person", "half", "gone", "nobody", "robot2"]
    result = ansible.run(MODULE, users.args(names=wanted))
    assert names(result) == ["Robot1", "robot2@partner.local"], result
    assert result.data["not_robots"] == ["half", "person"]
    assert result.data["not_found"] == ["gone", "nobody", "robot2"]


def test_a_thousand_names_are_looked_up(ansible, users):
    wanted = ["someone-with-a-long-name%06d" % number for number in range(1000)] + ["robot1"]
    users.forget()
    result = ansible.run(MODULE, users.args(names=wanted))
    assert names(result) == ["Robot1"] and len(result.data["not_found"]) == 1000, result


def test_no_names_are_no_robots(ansible, users):
    result = ansible.run(MODULE, users.args(names=[]))
    assert not result.failed and result.data["robots"] == result.data["not_found"] == []


def test_all_users_are_found_over_several_pages(ansible, users):
    if users.real:
        pytest.skip("too many users for a real one")
    users.sandbox.usermgr.post("/_admin/users", [{"username": "u%04d" % number} for number in range(1500)])
    users.create("zz.robot", qq=TOKEN, wx_userid=SECRET)
    users.forget()
    result = ansible.run(MODULE, users.args())
    assert names(result) == ["Robot1", "robot2@partner.local", "zz.robot"]
    assert [call["query"]["page"] for call in users.sandbox.usermgr.look_ups()] == ["1", "2"]


def test_secrets_in_other_fields_are_found(ansible, users):
    users.create("robot3", wx_openid=TOKEN, extras={"sign": SECRET, "city": "B"})
    users.create("robot4", extras={"token": TOKEN, "sign": SECRET})
    tasks = [Task(MODULE, users.args(sign_field="extras__sign", token_field=field)) for field in ("wx_openid", "extras__token")]
    both, extended = ansible.run_many(tasks)
    assert names(both) == ["robot3"] and names(extended) == ["robot4"]
    assert both.data["robots"][0]["access_token"] == "****" + TOKEN[-4:]


def test_what_is_wrong_is_refused(ansible, users):
    bad = [{"names": ["a,b"]}, {"names": ["a b"]}, {"names": ["a@"]}, {"token_field": "wx_userid"}, {"sign_field": "email"}]
    for result in ansible.run_many([Task(MODULE, users.args(**each)) for each in bad]):
        assert result.failed and not any(secret in result.msg for secret in (TOKEN, SECRET)), result


def test_a_user_management_without_the_field_is_named(ansible):
    rows = {"count": 1, "results": [{"username": "zhang", "wx_userid": "", "extras": {}}]}
    with faulty.Faulty(faulty.answer({"result": True, "code": 0, "message": "", "data": rows})) as server:
        result = ansible.run(MODULE, {"usermgr_url": server.url})
    assert result.failed and "does not tell the field qq" in result.msg and "V3" in result.msg
