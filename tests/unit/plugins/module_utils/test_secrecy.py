# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Options that are secrets are hidden by their name, under every name that they have, and short ones star nothing else."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import secrecy

STARS = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


class Module:
    """What invocation() uses of an AnsibleModule."""

    def __init__(self, spec, params):
        self.argument_spec, self.params = spec, params
        self.no_log_values = set(["ding", "a long secret", "true", "12345678"])


def shown(spec, params):
    return secrecy.invocation(Module(spec, params))["module_args"]


def test_an_option_is_hidden_under_each_of_its_names():
    spec = dict(secret=dict(no_log=True, aliases=["password"]), name=dict())
    assert shown(spec, {"secret": "x", "password": "x", "name": "x"}) == {"secret": STARS, "password": STARS, "name": "x"}
    assert shown(spec, {"secret": None, "name": None}) == {"secret": None, "name": None}


def test_options_of_options_are_hidden():
    inner = dict(secret=dict(no_log=True), name=dict())
    spec = dict(one=dict(type="dict", options=inner), many=dict(type="list", options=inner))
    value = {"secret": "x", "name": "y"}
    assert shown(spec, {"one": value, "many": [value]}) == {"one": {"secret": STARS, "name": "y"}, "many": [{"secret": STARS, "name": "y"}]}
    assert value["secret"] == "x"


@pytest.mark.parametrize("value, wanted", [
    (u"http://me:pass-not-real@host/x", u"http://(hidden)@host/x"), (u"http://pass-not-real@host", u"http://(hidden)@host"),
    (u"https://x/send?access_token=abc&sign=def#g", u"https://x/send?access_token=(hidden)&sign=(hidden)#g"),
    (u"svc:pass-not-real@10.0.0.9:3128", u"(hidden)@10.0.0.9:3128"), (u"http://svc:pass@not@real@host:1", u"http://(hidden)@host:1"),
    (u"http://svc:pass/not-real@host:1", u"http://(hidden)@host:1"), (u"http://h:1/x?user=me", u"http://h:1/x?user=me"),
    ({"proxy": [u"http://a:b@c"]}, {"proxy": [u"http://(hidden)@c"]}), (u"me@example.com", u"me@example.com"), (u"a://b c@d", u"a://b c@d"), (5, 5),
])
def test_an_address_is_shown_without_what_is_secret_in_it(value, wanted):
    assert shown(dict(option=dict()), {"option": value}) == {"option": wanted}


def test_short_secrets_star_nothing_else():
    module = Module({}, {})
    secrecy.invocation(module)
    assert module.no_log_values == set(["a long secret", "12345678"])


@pytest.mark.parametrize("value, wanted", [(u"", u""), (None, u""), (u"short", u"****"), (u"fifteen letters", u"****"), (u"0123456789abcdef", u"****cdef")])
def test_of_a_secret_four_characters_are_shown_at_most(value, wanted):
    assert secrecy.masked(value) == wanted


@pytest.mark.parametrize("before, after, wanted", [
    ("", "", ("", "")), ("a", "a", ("(hidden)", "(hidden)")), ("a", "b", ("(hidden)", "(hidden, new)")),
    ("", "b", ("", "(hidden, new)")), ("a", "", ("(hidden)", "")),
])
def test_a_diff_tells_whether_a_secret_changes_and_nothing_else(before, after, wanted):
    assert secrecy.compared(before, after) == wanted
