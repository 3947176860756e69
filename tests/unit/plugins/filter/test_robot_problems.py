# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What is wrong with the variable robots, said without a secret."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.filter.robot_problems import OPTIONS, robot_problems
from ansible_collections.ding.blueking.plugins.modules import robot_user

SECRET = "SEC" + "5f" * 20
WEBHOOK = "https://oapi.dingtalk.com/robot/send?access_token=" + "7a" * 20
GOOD = {"name": "ops-robot", "display_name": "Operations", "webhook": WEBHOOK, "secret": SECRET}


def test_the_options_are_those_of_the_module():
    assert sorted(OPTIONS) == sorted(robot_user.OPTIONS)


@pytest.mark.parametrize("robots", [
    [],
    [GOOD],
    [{"name": "ops", "access_token": "7a" * 20, "secret": SECRET, "adopt": "no", "category_id": 2, "telephone": 13800138000}],
    [{"name": "ops", "state": "absent"}, {"name": "other", "display_name": None, "category_id": "3", "adopt": True}],
])
def test_what_the_module_takes_is_no_problem(robots):
    assert robot_problems(robots) == []


@pytest.mark.parametrize("robots, problem", [
    ("ops " + SECRET, "robots is no list."),
    (GOOD, "robots is no list."),
    (None, "robots is no list."),
    ([SECRET], "robots, entry 1: it is no mapping."),
    ([GOOD, [GOOD]], "robots, entry 2: it is no mapping."),
    ([dict(GOOD, webhok=WEBHOOK)], "robots, entry 1 (ops-robot): webhok is unknown; there are name, display_name, webhook, access_token, "
                                   "secret, email, telephone, category_id, adopt, state."),
    ([{SECRET: None, "name": "ops"}], "robots, entry 1 (ops): one of its keys is unknown; there are"),
    ([{"webhook": WEBHOOK}], "robots, entry 1: it has no name."),
    ([dict(GOOD, secret={"value": SECRET})], "robots, entry 1 (ops-robot): secret is no text."),
    ([dict(GOOD, adopt=SECRET)], "robots, entry 1 (ops-robot): adopt is neither true nor false."),
    ([dict(GOOD, state=SECRET)], "robots, entry 1 (ops-robot): state is neither present nor absent."),
    ([dict(GOOD, category_id=SECRET)], "robots, entry 1 (ops-robot): category_id is no number."),
    ([dict(GOOD, access_token=SECRET)], "robots, entry 1 (ops-robot): it has both webhook and access_token: one of them is enough."),
    ([dict(GOOD, webhook=SECRET)], "robots, entry 1 (ops-robot): webhook is no address such as"),
    ([dict(GOOD, secret=WEBHOOK)], "robots, entry 1 (ops-robot): secret does not start with SEC:"),
    ([dict(GOOD, name="ops@default.local")], "robots, entry 1: The name ops@default.local has an @:"),
    ([GOOD, dict(GOOD, name="OPS-Robot")], "robots, entry 2 (OPS-Robot): there are two of this name."),
])
def test_what_it_does_not_take_is_said_without_a_secret(robots, problem):
    found = robot_problems(robots)
    assert [each["what"][:len(problem)] for each in found] == [problem]
    assert found[0]["remedy"]
    assert "5f5f" not in str(found) and "7a7a" not in str(found)


def test_a_field_that_is_too_short_for_a_token_is_named():
    long_token = dict(GOOD, webhook=WEBHOOK + "a" * 64)
    assert "the field qq takes 64" in robot_problems([long_token])[0]["what"]
    assert robot_problems([long_token], "extras__token", "extras__secret") == []
