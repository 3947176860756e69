# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""A secret that somebody repeats is taken out however it is written, and a short one takes no harmless word along."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import scrub

ODD = u'a"b\\c<d>&e \u94ed/?='


@pytest.mark.parametrize("written", [
    ODD, json.dumps({"x": ODD}), json.dumps({"x": ODD}, ensure_ascii=False), json.dumps(json.dumps({"x": ODD})),
    ODD.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"),
    ODD.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;"),
    u"a%22b%5Cc%3Cd%3E%26e%20%E9%93%AD%2F%3F%3D",
])
def test_each_way_to_write_a_secret_is_known(written):
    shown = scrub.scrubbed(u"before %s after" % written, [ODD])
    assert "(hidden)" in shown and "b%5C" not in shown and "b\\c" not in shown and "&e" not in shown
    assert shown.startswith("before ") and shown.endswith(" after")


@pytest.mark.parametrize("secret, written", [
    (u"it's one secret", u"it&#x27;s one secret"), (u"it's one secret", u"it&#39;s one secret"), (u"ab/cd+ef=gh", u"ab%2fcd%2bef%3dgh"),
    (u"one secret/two", u"one+secret%2Ftwo"), (u"sécret long", u"s\\xe9cret long"), (u"a'b\"c\\secret", u"a\\'b\"c\\\\secret"),
])
def test_what_html_urls_and_python_make_of_a_secret_is_known(secret, written):
    assert scrub.scrubbed(u"before %s after" % written, [secret]) == u"before (hidden) after"


@pytest.mark.parametrize("secret", [u"ding", u"true", u"paas", u"admin", u"qq", u"1"])
def test_a_short_secret_goes_only_where_it_is_called_one(secret):
    text = u'message type ding is true: paas admin qq 1. {"bk_app_secret": "%s", "other": "%s"}' % (secret, secret)
    shown = scrub.scrubbed(text, [secret])
    assert shown == u'message type ding is true: paas admin qq 1. {"bk_app_secret": "(hidden)", "other": "%s"}' % secret


def test_no_secret_changes_nothing():
    assert scrub.scrubbed(u"text", []) == scrub.scrubbed(u"text", [None, u""]) == u"text"
