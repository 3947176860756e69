# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""health.py: each judgement by itself, the order of the questions, and the wait, with a stand-in for the host."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import health
from ansible_collections.ding.blueking.plugins.module_utils.web import Page
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

CODENAME = "generic.cmsi.send_ding"
ALL = list(health.CHECKS)


def process(pid, ticks=1, worker=True, started=100.0):
    return dict(pid=pid, ticks=ticks, worker=worker, started=started)


def healthz_page(ok, message="OK", status=200):
    return Page(status, "", json.dumps({"ok": ok, "code": "1306000", "message": message, "data": {}}))


class Host:
    """A well host; a test spoils what it wants. A value that is an exception is raised, a list gives one value after the other."""

    def __init__(self, **answers):
        self.answers = dict(processes=[process(9, worker=False), process(10), process(11)], package_time=50.0, ping=Page(200, "", "pong"),
                            healthz=healthz_page(True), component=Page(200, "", 'component "%s" exists, if the visit …' % CODENAME),
                            imports={"modules": 20, "failures": []}, version="1.0.0", api=Api({"mail": True, "ding": True}),
                            service=({"format": 1, "version": "1.0.0", "started": 60.0}, 1.5, "1.0.0"),
                            storm={"totals": {"waiting": 0, "dead": 0}, "outboxes": []})
        self.answers.update(answers)
        self.asked = []

    def __getattr__(self, name):
        def ask(*arguments):
            self.asked.append(name)
            answer = self.answers[name]
            if isinstance(answer, Turns):
                answer = answer.values.pop(0) if len(answer.values) > 1 else answer.values[0]
            if isinstance(answer, Exception):
                raise answer
            return [answer] * arguments[1] if name == "component" else answer
        return ask


class Api:
    def __init__(self, types):
        self.types = types

    def message_types(self):
        return self.types


class Turns:
    def __init__(self, *values):
        self.values = list(values)


class Clock:
    def __init__(self):
        self.seconds = 0.0

    def now(self):
        return self.seconds

    def sleep(self, seconds):
        self.seconds += seconds


def wanted(**values):
    return health.Wanted(values.pop("checks", ALL), component=CODENAME, **values)


def look(host, **values):
    return health.look(host, wanted(**values))


def test_a_well_host_is_well():
    picture = look(Host(), before=[process(1), process(2)], healthz_before={"ok": True, "code": "0", "message": "OK"}, version="1.0.0")
    assert picture.healthy and picture.complaints() == []
    assert sorted(picture.checks) == sorted(ALL)
    assert (picture.version, picture.stale, picture.healthz["ok"]) == ("1.0.0", False, True)


@pytest.mark.parametrize("spoiled,name,words", [
    (dict(processes=[]), "processes", "no process listens"),
    (dict(processes=Problem("Not as root.")), "processes", "Not as root"),
    (dict(ping=Page(502, "", "Bad Gateway")), "ping", "HTTP 502"),
    (dict(ping=Problem("Refused.")), "ping", "Refused"),
    (dict(healthz=Page(200, "", "<html>")), "healthz", "nothing that can be understood"),
    (dict(healthz=Page(200, "", '{"ok": "yes"}')), "healthz", "nothing that can be understood"),
    (dict(healthz=Page(502, "", '{"ok": true}')), "healthz", "HTTP 502"),
    (dict(healthz=Problem("Timed out.")), "healthz", "Timed out"),
    (dict(api=Api({"mail": True})), "offered", "does not list the message type ding"),
    (dict(api=Api({"ding": False})), "offered", "the message type ding is switched off"),
    (dict(imports={"modules": 3, "failures": [["a.b", "SyntaxError: x"]]}), "imports", r"cannot import a.b \(SyntaxError: x\)"),
    (dict(imports={"modules": 0, "failures": []}), "imports", "not there"),
    (dict(imports=Problem("No Python.")), "imports", "No Python"),
    (dict(component=Page(200, "", 'component "x" does not exist, please …')), "component", "does not find"),
    (dict(component=Page(404, "", "")), "component", "HTTP 404"),
    (dict(version="0.9"), "version", "0.9 answers, and 1.0.0 is wanted"),
    (dict(version=None), "version", "without a version"),
    (dict(service=(None, None, "1.0.0")), "service", "no sign of life"),
    (dict(service=Problem("Not as root.")), "service", "Not as root"),
    (dict(service=({"format": 1, "version": "1.0.0", "started": 40.0}, 1.5, "1.0.0")), "service", "older than the channel's files"),
    (dict(storm={"totals": {"dead": 2}}), "outboxes", "refused 2 for good"),
    (dict(storm=Problem("No such channel.")), "outboxes", "No such channel"),
])
def test_one_fault_is_one_complaint(spoiled, name, words):
    picture = look(Host(**spoiled), version="1.0.0")
    assert not picture.healthy
    assert not picture.checks[name]["ok"]
    assert re.search(words, picture.checks[name]["text"])


def test_the_v7_answer_names_no_component():
    assert health.component([Page(200, "", "component exists, if the visit …")], CODENAME)["ok"]
    assert not health.component([Page(200, "", "component does not exist, please …")], CODENAME)["ok"]


def test_one_worker_of_many_without_the_component_is_enough():
    good, bad = Page(200, "", 'component "%s" exists' % CODENAME), Page(200, "", 'component "%s" does not exist' % CODENAME)
    assert not health.component([good, good, bad, good], CODENAME)["ok"]


def test_of_a_long_list_of_broken_components_ours_are_shown():
    text = "\n".join(['component "x" does not exist', "/apis/other.py", "Exception: theirs", "/apis/ding_blueking/send_ding.py", "Exception: ours"])
    assert health.component([Page(200, "", text)], CODENAME)["text"].endswith("HTTP 200: /apis/ding_blueking/send_ding.py Exception: ours")


@pytest.mark.parametrize("before,now,ok", [
    (None, (True, "OK"), True),
    (None, (False, "Redis is down"), True),
    ((True, "OK"), (True, "Warning: CC"), True),
    ((True, "OK"), (False, "Redis is down"), False),
    ((True, "Warning: CC"), (False, "Warning: CC"), False),
    ((False, "Redis is down"), (True, "OK"), True),
    ((False, "Redis is down"), (False, "Redis is down"), True),
    ((False, "Timeout after 1.52 s, id 0x7f00aa, port 4000"), (False, "Timeout after 2.1 s, id 0x7fee11, port 4001"), True),
    ((False, "Login is down"), (False, "The ssl file is missing"), False),
])
def test_healthz_is_compared_with_before(before, now, ok):
    before = dict(ok=before[0], code="1", message=before[1]) if before else None
    assert health.healthz(dict(ok=now[0], code="1", message=now[1]), before)["ok"] is ok


def test_a_healthz_that_never_answers_is_not_worse_than_one_that_never_did():
    host = Host(healthz=Problem("No answer within 60 s."))
    before = look(host, checks=["healthz"])
    assert not before.healthy and before.healthz == dict(ok=False, code="", message="No answer within 60 s.")
    assert look(host, checks=["healthz"], healthz_before=before.healthz).healthy
    assert look(Host(healthz=healthz_page(True)), checks=["healthz"], healthz_before=before.healthz).healthy
    assert not look(host, checks=["healthz"], healthz_before=dict(ok=False, code="1", message="Redis is down")).healthy
    assert look(Host(healthz=healthz_page(False, "Redis")), checks=["healthz"], healthz_before=before.healthz).healthy


def test_a_before_may_be_incomplete():
    assert not look(Host(healthz=healthz_page(False, "Redis")), checks=["healthz"], healthz_before={"ok": True}).healthy
    assert not look(Host(healthz=healthz_page(False, "Redis")), checks=["healthz"], healthz_before={"ok": False}).healthy


def test_without_ping_nothing_else_is_asked_of_the_service():
    host = Host(ping=Problem("Refused."))
    picture = look(host)
    assert host.asked == ["processes", "package_time", "ping", "imports", "service", "package_time"]
    assert [name for name in ALL if not picture.checks[name]["ok"]] == ["ping", "healthz", "component", "version", "offered", "outboxes"]


@pytest.mark.parametrize("spoiled,before", [(dict(), [process(10)]), (dict(package_time=150.0), [])])
def test_an_old_worker_is_never_asked_for_the_component(spoiled, before):
    host = Host(**spoiled)
    picture = look(host, before=before, checks=["component"])
    assert "component" not in host.asked
    assert sorted(picture.checks) == ["component"] and not picture.healthy


def test_another_hosts_version_does_not_depend_on_the_processes_of_this_one():
    elsewhere = Host(processes=[process(10, started=10.0)], package_time=50.0)
    assert look(elsewhere, checks=["version", "offered"]).healthy
    assert not look(elsewhere, checks=["component"]).healthy and "component" not in elsewhere.asked
    assert not look(elsewhere, checks=["processes", "version"]).healthy


def test_workers_older_than_the_files_are_stale():
    picture = look(Host(package_time=150.0))
    assert picture.stale and "restart the ESB (pid 10, 11)" in picture.checks["processes"]["text"]
    assert not look(Host(package_time=None)).stale


def test_only_what_is_wanted_counts():
    picture = look(Host(healthz=Page(500, "", ""), imports=Problem("No.")), checks=["ping", "processes"])
    assert picture.healthy and sorted(picture.checks) == ["ping", "processes"]


def test_the_wait_ends_when_all_holds():
    clock, host = Clock(), Host(ping=Turns(Problem("Refused."), Problem("Refused."), Page(200, "", "pong")))
    picture = health.watch(host, wanted(), 60, clock.now, clock.sleep)
    assert picture.healthy and clock.seconds == 2.0
    assert host.asked.count("imports") == 1


def test_the_wait_has_a_limit():
    clock = Clock()
    picture = health.watch(Host(ping=Problem("Refused.")), wanted(), 5, clock.now, clock.sleep)
    assert not picture.healthy and clock.seconds == 5.0
    assert health.sentence("http://x", 5, picture).startswith("The ESB at http://x is not well after waiting for 5 s. ping: Refused; ")


def test_what_cannot_be_imported_ends_the_wait():
    clock = Clock()
    picture = health.watch(Host(imports={"modules": 1, "failures": [["a", "b"]]}), wanted(), 60, clock.now, clock.sleep)
    assert picture.hopeless and clock.seconds == 0.0
    assert "waiting" not in health.sentence("http://x", 60, picture)


def test_no_wait_means_one_look():
    clock, host = Clock(), Host(ping=Problem("Refused."))
    health.watch(host, wanted(), 0, clock.now, clock.sleep)
    assert host.asked.count("ping") == 1
