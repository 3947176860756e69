# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""whitelist.py: pieces are added and removed as the ESB reads them, every other character stays."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
import sys
import types

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import whitelist
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

TEXTS = [u"", u"a", u"a,b", u"a;b", u"a, b", u"a,", u";", u",a,,b;", u'["a", "b"]', u"app2,xapp,app.", u"a\nb"]


def as_the_esb_reads(text):
    return re.findall(r"[^,;]+", text or "")


@pytest.mark.parametrize("text", TEXTS + [None])
def test_an_app_is_added_behind_what_is_there_and_taken_out_again(text):
    after = whitelist.with_app(text, u"app")
    assert as_the_esb_reads(after) == as_the_esb_reads(text) + [u"app"]
    assert after.startswith(text or u"")
    assert whitelist.with_app(after, u"app") == after
    assert whitelist.without_app(after, u"app") == (text or u"")


@pytest.mark.parametrize("text,after", [
    (u"app", u""), (u"app,b", u"b"), (u"a,app", u"a"), (u"a;app,b", u"a,b"), (u"app,app;b,app", u"b"), (u"a,b", u"a,b"), (None, None), (u" app,b", u" app,b")])
def test_all_of_an_app_goes_and_nothing_else(text, after):
    assert whitelist.without_app(text, u"app") == after


@pytest.mark.parametrize("text,after", [(u"a;b", u"a;b;app"), (u"a,b;c", u"a,b;c;app"), (u"a", u"a,app")])
def test_the_separator_is_the_one_in_use(text, after):
    assert whitelist.with_app(text, u"app") == after


@pytest.mark.parametrize("app", ["", "a,b", "a;b", " a", "a\n", u"\u9489"])
def test_what_cannot_be_an_apps_code_is_refused(app):
    with pytest.raises(Problem, match="no code of an app"):
        whitelist.check_code(app)


class Rows:
    """As much of a query set as ensure() uses, over one row or none."""

    def __init__(self, row, stored):
        self.row, self.stored, self.narrowed = row, stored, {}

    def filter(self, **narrowed):
        found = Rows(self.row, self.stored)
        found.narrowed = narrowed
        return found

    def first(self):
        return self.row

    def update(self, wlist):
        if self.narrowed.get("wlist") != self.stored["wlist"]:
            return 0
        self.stored["wlist"] = wlist
        return 1


@pytest.fixture
def esb(monkeypatch):
    """A function that gives the ESB a row; what is stored in it is the result."""
    def make(seen, stored=None, enabled=True, exists=True):
        row = types.ModuleType("row")
        row.pk, row.wlist, row.switch_status = 1, seen, enabled
        kept = {"wlist": seen if stored is None else stored}
        models = types.ModuleType("esb.bkcore.models")
        models.FunctionController = types.ModuleType("FunctionController")
        models.FunctionController.objects = Rows(row if exists else None, kept)
        django = types.ModuleType("django")
        django.setup = lambda: None
        for name, module in (("django", django), ("esb", types.ModuleType("esb")), ("esb.bkcore", types.ModuleType("esb.bkcore")),
                             ("esb.bkcore.models", models)):
            monkeypatch.setitem(sys.modules, name, module)
        return kept
    return make


@pytest.mark.parametrize("check,stored", [(True, u"a"), (False, u"a,app")])
def test_only_a_real_run_writes(esb, check, stored):
    kept = esb(u"a")
    assert whitelist.ensure({"apps": [u"app"], "present": True, "check": check}) == {"before": [u"a"], "after": [u"a", u"app"], "enabled": True}
    assert kept["wlist"] == stored


def test_a_change_by_somebody_else_is_not_overwritten(esb):
    kept = esb(u"a", stored=u"a,theirs")
    with pytest.raises(Problem, match="Somebody else changed"):
        whitelist.ensure({"apps": [u"app"], "present": True, "check": False})
    assert kept["wlist"] == u"a,theirs"


def test_a_list_that_is_not_there_holds_nobody_and_cannot_take_anybody(esb):
    esb(u"", exists=False)
    assert whitelist.ensure({"apps": [u"app"], "present": False, "check": False}) == {"before": [], "after": [], "enabled": False}
    with pytest.raises(Problem, match="sync_function_controller"):
        whitelist.ensure({"apps": [u"app"], "present": True, "check": False})
