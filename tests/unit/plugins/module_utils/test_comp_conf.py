# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Settings are read in every shape that an ESB stores, and written back in the same."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import comp_conf

STORED = [
    ('[["a", 1], ["b", true]]', comp_conf.PAIRS, [["a", 1], ["b", True]]),
    ('{"b": true, "a": 1}', comp_conf.OBJECT, [["b", True], ["a", 1]]),
    ("", comp_conf.EMPTY, []), (None, comp_conf.EMPTY, []), ("null", comp_conf.EMPTY, []), (" \n", comp_conf.EMPTY, []),
    ("[]", comp_conf.PAIRS, []), ("{}", comp_conf.OBJECT, []),
    ("not json", comp_conf.UNREADABLE, []), ('["a"]', comp_conf.UNREADABLE, []), ('[["a"]]', comp_conf.UNREADABLE, []),
    ('[[["a"], 1]]', comp_conf.UNREADABLE, []),
    ('"text"', comp_conf.UNREADABLE, []), ("7", comp_conf.UNREADABLE, []), ("{", comp_conf.UNREADABLE, []),
]


@pytest.mark.parametrize("text, shape, pairs", STORED)
def test_every_stored_shape_is_read(text, shape, pairs):
    assert comp_conf.read(text) == (shape, pairs)


@pytest.mark.parametrize("text", [text for text, dummy, pairs in STORED])
def test_without_changes_the_text_stays_whatever_it_is(text):
    assert comp_conf.merged(text, {}) is text


@pytest.mark.parametrize("text", [text for text, shape, pairs in STORED if shape == comp_conf.UNREADABLE])
def test_nothing_is_merged_into_what_cannot_be_read(text):
    with pytest.raises(comp_conf.Unreadable):
        comp_conf.merged(text, {"a": 1})


@pytest.mark.parametrize("text, empty, expected", [
    ('[["a", 1], ["b", 2]]', comp_conf.PAIRS, '[["a", 3], ["b", 2], ["c", 4]]'),
    ('{"a": 1, "b": 2}', comp_conf.PAIRS, '{"a": 3, "b": 2, "c": 4}'),
    ("", comp_conf.PAIRS, '[["a", 3], ["c", 4]]'),
    (None, comp_conf.OBJECT, '{"a": 3, "c": 4}'),
    ("{}", comp_conf.PAIRS, '{"a": 3, "c": 4}'),
    ("[]", comp_conf.OBJECT, '[["a", 3], ["c", 4]]'),
])
def test_merging_keeps_the_shape_and_the_order(text, empty, expected):
    assert comp_conf.merged(text, {"c": 4, "a": 3}, empty) == expected


def test_null_removes_a_setting_and_no_other():
    assert comp_conf.merged('[["a", 1], ["b", 2]]', {"a": None}) == '[["b", 2]]'


def test_null_for_what_is_not_there_leaves_the_text():
    text = '[["b" ,2]]'
    assert comp_conf.merged(text, {"a": None}) is text


def test_an_equal_value_leaves_the_text_as_it_was_written():
    text = u'[["name",  "\u94c3"]]'
    assert comp_conf.merged(text, {"name": u"\u94c3"}) is text


@pytest.mark.parametrize("stored, wanted", [(1, True), (0, False), ("1", 1), ("", None), ([1], [True])])
def test_values_of_another_type_differ(stored, wanted):
    assert not comp_conf.same(stored, wanted)


def test_true_replaces_one():
    assert comp_conf.merged('[["on", 1]]', {"on": True}) == '[["on", true]]'


def test_a_key_that_is_there_twice_counts_by_its_last_value():
    text = '[["a", 1], ["b", 2], ["a", 3]]'
    assert comp_conf.values(text)["a"] == 3
    assert comp_conf.merged(text, {"a": 3}) is text
    assert comp_conf.merged(text, {"a": 4}) == '[["a", 1], ["b", 2], ["a", 4]]'
    assert comp_conf.merged(text, {"a": None}) == '[["b", 2]]'


def test_nested_values_keep_the_order_of_their_keys():
    text = '{"a": {"z": 1, "y": [1, {"q": 1, "p": 2}]}}'
    assert comp_conf.merged(text, {"b": 1}) == '{"a": {"z": 1, "y": [1, {"q": 1, "p": 2}]}, "b": 1}'
    assert json.loads(comp_conf.merged(text, {"a": {"y": [1, {"p": 2, "q": 1}], "z": 1}})) == json.loads(text)


def test_what_is_nested_too_deep_is_unreadable():
    assert comp_conf.read("[" * 100000)[0] == comp_conf.UNREADABLE
