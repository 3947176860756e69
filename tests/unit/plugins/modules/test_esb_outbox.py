# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What esb_outbox does when messages cannot be sent: the unit runs again unless they are given up, and nothing goes without a word."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import esb_python
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.modules import esb_outbox


class Unit:
    """A unit that runs; while it is stopped, `meanwhile` happens."""

    def __init__(self, meanwhile):
        self.told = []
        self._meanwhile = meanwhile

    def state(self):
        return dict(active=True)

    def start(self):
        self.told.append("start")

    def stop(self):
        self.told.append("stop")
        self._meanwhile()


class Module:
    check_mode = False

    def __init__(self, params):
        self.params = params


def here(tmpdir, waiting, meanwhile):
    params = dict((name, option.get("default")) for name, option in esb_python.OPTIONS.items())
    tmpdir.ensure("open_paas", "esb", "components", "generic", "apis", "ding_blueking", "_service.py")
    found = esb_outbox.Here(dict(params, bk_home=str(tmpdir), seconds=1, waiting=waiting, stop=True, unit="x.service", folder=str(tmpdir), owner=None))
    found.unit = Unit(meanwhile)
    return found


@pytest.fixture
def outbox(tmpdir):
    return tmpdir.ensure("logs", "open_paas", "ding_blueking", "outbox", "robot-0a", dir=True)


@pytest.mark.parametrize("waiting,told", [("refuse", ["stop", "start"]), ("drop", ["stop"])])
def test_a_program_that_hangs_leaves_no_unit_stopped_that_still_has_to_send(tmpdir, monkeypatch, outbox, waiting, told):
    def hangs(esb, words):
        raise Problem("it did not end within 61 s.")

    monkeypatch.setattr(esb_python.Esb, "run", hangs)
    host, result = here(tmpdir, waiting, lambda: outbox.join("in.log").write("1 1 {}\n")), dict(changed=False, found=0, dead=0)
    if waiting == "refuse":
        with pytest.raises(Problem) as problem:
            esb_outbox.drained(Module(host.params), host, result)
        assert "1 message still waits on this host to be sent (it did not end within 61 s)" in str(problem.value)
    else:
        esb_outbox.drained(Module(host.params), host, result)
    assert host.unit.told == told and result["waiting"] == 1


def test_what_dingtalk_refuses_meanwhile_is_told_before_it_is_removed(tmpdir, outbox):
    host = here(tmpdir, "refuse", lambda: outbox.join("dead.log").write("{}\n"))
    with pytest.raises(Problem) as problem:
        esb_outbox.drained(Module(host.params), host, dict(changed=False, found=0, dead=0))
    assert "refused 1 message for good" in str(problem.value) and host.unit.told == ["stop", "start"]
