# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The settings of a channel as the ESB stores them: read, merge, write back in the shape that they had.

V6 stores the text of a JSON list of [key, value] pairs, older or edited rows that of an object, "" or null; V7 that of an object.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
from collections import OrderedDict

PAIRS = "pairs"
OBJECT = "object"
EMPTY = "empty"
UNREADABLE = "unreadable"


class Unreadable(ValueError):
    """The stored text is no settings that the ESB could read, so nothing can be merged into it."""


def read(text):
    """(shape, [[key, value], …]) of a stored text, which may be None. A key that is there twice counts by its last value."""
    if text is None or not text.strip():
        return EMPTY, []
    try:
        stored = json.loads(text, object_pairs_hook=OrderedDict)
    except (ValueError, RuntimeError):  # RuntimeError: nested too deep
        return UNREADABLE, []
    if stored is None:
        return EMPTY, []
    if isinstance(stored, dict):
        return OBJECT, [[key, value] for key, value in stored.items()]
    if isinstance(stored, list) and all(isinstance(each, list) and len(each) == 2 and not isinstance(each[0], (list, dict)) for each in stored):
        return PAIRS, stored
    return UNREADABLE, []


def values(text):
    """The settings as an OrderedDict; empty for what cannot be read."""
    return OrderedDict((key, value) for key, value in read(text)[1])


def same(one, other):
    """Equal as JSON: true is not 1, and the order of an object's keys does not count."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def merged(text, changes, empty=PAIRS):
    """The text after `changes` ({key: value}, None removes): other keys and their order stay, new ones follow by name.

    `empty` is the shape that settings get where there were none. Returns `text` itself when nothing changes.
    Raises Unreadable when there is something to change in what cannot be read.
    """
    if not changes:
        return text
    shape, pairs = read(text)
    if shape == UNREADABLE:
        raise Unreadable("it is not JSON of settings")
    result = []
    last = dict((key, place) for place, (key, dummy) in enumerate(pairs))
    for place, (key, value) in enumerate(pairs):
        if key not in changes or place != last[key] and changes[key] is not None:
            result.append([key, value])
        elif changes[key] is not None:
            result.append([key, value if same(value, changes[key]) else changes[key]])
    result.extend([key, changes[key]] for key in sorted(changes) if key not in last and changes[key] is not None)
    if same(result, pairs):
        return text
    return written(result, empty if shape == EMPTY else shape)


def written(pairs, shape):
    """The text of settings in a shape."""
    return json.dumps(OrderedDict((key, value) for key, value in pairs) if shape == OBJECT else pairs)
