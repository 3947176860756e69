# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Rows are planned from the wanted channels and the present rows; what cannot be done is refused with its reason."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import esb_channels
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def channel(path="/cmsi/send_ding/", **given):
    wanted = {"path": path, "method": None, "settings": None, "secret_settings": None, "registered": True, "active": None, "state": "present",
              "force": False}
    wanted.update(given)
    return wanted


def row(path="/cmsi/send_ding/", method="", **given):
    found = {"id": 1, "path": path, "method": method, "active": True, "text": '[["msg_key", "text"]]', "component": "generic.cmsi.send_ding"}
    found.update(given)
    return found


def planned(wanted, rows, is_v7=False):
    return esb_channels.changes(esb_channels.checked(wanted), rows, is_v7)


@pytest.mark.parametrize("second", [channel(), channel(method=""), channel(method="POST")])
def test_a_path_given_twice_is_refused(second):
    with pytest.raises(Problem, match="/cmsi/send_ding/.* given twice"):
        esb_channels.checked([channel(), second])


def test_methods_in_other_letters_are_the_same():
    with pytest.raises(Problem, match="given twice"):
        esb_channels.checked([channel(method="post"), channel(method="POST")])


def test_two_methods_of_one_path_are_two_channels():
    assert [each["method"] for each in esb_channels.checked([channel(method=""), channel(method="post")])] == ["", "POST"]


def test_a_path_without_a_slash_is_refused():
    with pytest.raises(Problem, match="begins with a slash"):
        esb_channels.checked([channel("cmsi/send_ding/")])


def test_a_setting_given_twice_is_refused_without_its_value():
    with pytest.raises(Problem) as caught:
        esb_channels.checked([channel(settings={"a": 1}, secret_settings={"a": "not-a-real-secret"})])
    assert "setting a" in str(caught.value) and "not-a-real" not in str(caught.value)


def test_only_our_own_rows_are_removed_without_force():
    with pytest.raises(Problem, match="set force"):
        esb_channels.checked([channel("/cmsi/send_mail/", state="absent")])
    assert esb_channels.checked([channel("/cmsi/send_mail/", state="absent", force=True)])
    assert esb_channels.checked([channel(state="absent")])


def test_several_rows_of_a_path_need_a_method():
    rows = [row(), row(method="POST", id=2)]
    with pytest.raises(Problem, match='2 rows of the channel /cmsi/send_ding/, with the methods "", POST'):
        planned([channel()], rows)
    assert planned([channel(method="POST", active=False)], rows) == [(rows[1], dict(rows[1], active=False))]


def test_rows_that_no_method_tells_apart_are_refused():
    with pytest.raises(Problem, match="same method"):
        planned([channel()], [row(), row(id=2)])


def test_a_row_without_anything_wanted_stays():
    assert planned([channel()], [row()]) == [(row(), row())]


def test_settings_and_secrets_are_merged_and_active_set():
    ((before, after),) = planned([channel(settings={"msg_key": "markdown"}, secret_settings={"x": "y"}, active=False)], [row()])
    assert before == row()
    assert after == row(text='[["msg_key", "markdown"], ["x", "y"]]', active=False)


@pytest.mark.parametrize("is_v7, text", [(False, '[["a", 1]]'), (True, '{"a": 1}')])
def test_new_settings_have_the_shape_of_the_edition(is_v7, text):
    assert planned([channel(settings={"a": 1})], [row(text="")], is_v7)[0][1]["text"] == text


def test_unreadable_settings_are_refused_only_when_something_is_merged():
    with pytest.raises(Problem, match="stored settings of the channel /cmsi/send_ding/"):
        planned([channel(settings={"a": 1})], [row(text="not json")])
    assert planned([channel(active=False)], [row(text="not json")])[0][1]["active"] is False


def test_absent_plans_the_removal_and_nothing_for_what_is_not_there():
    assert planned([channel(state="absent", settings={"a": 1})], [row()]) == [(row(), None)]
    assert planned([channel(state="absent")], []) == []


def test_a_missing_row_is_to_be_added_unless_registered_is_false():
    wanted = esb_channels.checked([channel(), channel("/cmsi/send_dingbot/", state="absent")])
    assert [each["path"] for each in esb_channels.missing(wanted, [])] == ["/cmsi/send_ding/"]
    with pytest.raises(Problem, match="registered is false"):
        esb_channels.missing(esb_channels.checked([channel(registered=False)]), [])


def test_a_row_with_another_method_is_none_of_the_wanted():
    assert esb_channels.missing(esb_channels.checked([channel(method="GET")]), [row(method="POST")])
    with pytest.raises(Problem, match="it has that path with the method POST"):
        esb_channels.missing(esb_channels.checked([channel(method="GET", registered=False)]), [row(method="POST")])


@pytest.mark.parametrize("before, after, word", [
    (None, row(), "added"), (row(), None, "removed"), (row(), row(), "unchanged"), (row(), row(active=False), "changed"), (None, None, "absent")])
def test_one_word_says_what_was_done(before, after, word):
    assert esb_channels.word(before, after) == word


def test_a_diff_shows_a_row_without_its_secrets():
    before = row(text='[["plain", "1"], ["mine", "not-a-real-secret"], ["app_secret", "nor-this-one"]]')
    after = row(text='[["plain", "2"], ["mine", "another-secret"], ["app_secret", "nor-this-one"]]')
    shown = esb_channels.shown(channel(settings={"plain": "2"}, secret_settings={"mine": "another-secret"}), before, after)
    assert [each["/cmsi/send_ding/"]["settings"] for each in shown] == [
        {"plain": "(hidden)", "mine": "(hidden)"}, {"plain": "2", "mine": "(hidden, new)"}]
    assert esb_channels.shown(channel(secret_settings={}), None, None) == ({}, {})


def test_a_setting_that_another_task_gave_as_a_secret_is_in_no_diff():
    there = row(text='[["msg_key", "text"], ["inner", "not-a-real-secret"]]')
    for wanted, after in ((channel(settings={"proxy": None}), there), (channel(settings={}, active=False), dict(there, active=False)),
                          (channel(settings={}, state="absent"), None)):
        shown = esb_channels.shown(dict(wanted, secret_settings={}), there, after)
        assert "not-a-real-secret" not in repr(shown)
    assert shown[0]["/cmsi/send_ding/"]["settings"] == {"msg_key": "text", "inner": "(hidden)"}
    shown = esb_channels.shown(channel(state="absent", secret_settings={"msg_key": "text"}), there, None)
    assert shown[0]["/cmsi/send_ding/"]["settings"] == {"msg_key": "(hidden)", "inner": "(hidden)"}


@pytest.mark.parametrize("name, value, new, shown_before", [
    ("corp_code", "not-a-real-secret", None, "(hidden)"), ("corp_code", {"k": "not-a-real-secret"}, "plain", "(hidden)"),
    ("corp_code", "the same", "the same", "the same"), ("corp_code", 5, 6, 5), ("corp_code", True, None, True),
    ("proxy", "http://10.0.0.9:3128", None, "http://10.0.0.9:3128"),
])
def test_what_a_task_replaces_may_have_been_a_secret(name, value, new, shown_before):
    there = row(text=json.dumps([[name, value]]))
    ((before, after),) = planned([channel(settings={name: new})], [there])
    shown = esb_channels.shown(esb_channels.checked([channel(settings={name: new})])[0], before, after)
    assert shown[0]["/cmsi/send_ding/"]["settings"] == {name: shown_before}


def test_a_row_with_a_method_is_called_with_it():
    assert list(esb_channels.shown(channel(secret_settings={}), None, row(method="POST"))[1]) == ["/cmsi/send_ding/ POST"]
