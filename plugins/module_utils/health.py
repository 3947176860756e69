# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Whether one host's ESB does what it shall: judges what is seen now, and compares it with what was seen before a change.

A check is a dict {ok, text}. Nothing here looks at a host by itself: `host` is a HostHealth, or a test's stand-in.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils import processes, storm_status
from ansible_collections.ding.blueking.plugins.module_utils.our_channels import MESSAGE_TYPE
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.result_words import CHECKS

# What needs no caller's credentials.
USUAL = CHECKS[:5]
# Each question may reach another worker.
QUESTIONS = 5
SHOWN_CHARACTERS = 300
POLL_SECONDS = 1.0

_CHANGING = re.compile(r"0x[0-9a-f]+|[0-9a-f]{16,}|\d+", re.IGNORECASE)
_EXISTS = re.compile(r'^component (?:"[^"]*" )?exists\b')


class Wanted:
    """What shall hold. checks: of CHECKS; before: processes; healthz_before: a dict or None; the rest: text."""

    def __init__(self, checks, before=(), healthz_before=None, component="", version=""):
        self.checks = [name for name in CHECKS if name in checks]
        self.before = list(before or ())
        self.healthz_before = _complete(healthz_before) if healthz_before else None
        self.component = component
        self.version = version


class Picture:
    """One look at the host: processes, healthz (dict, or None when it was not asked), stale, version (text or None), checks.

    storm: what /cmsi/ding_status/ answers, or None when it was not asked.
    """

    def __init__(self):
        self.processes = []
        self.healthz = None
        self.stale = False
        self.version = None
        self.storm = None
        self.checks = {}
        # Set when no waiting can help.
        self.hopeless = False

    @property
    def healthy(self):
        return all(check["ok"] for check in self.checks.values())

    def complaints(self):
        """A phrase for each check that does not hold."""
        return ["%s: %s" % (name, self.checks[name]["text"]) for name in CHECKS if name in self.checks and not self.checks[name]["ok"]]


def look(host, wanted, imported=None):
    """One Picture. imported: the result of an earlier look's imports, which no waiting changes."""
    picture = Picture()
    seen = _asked(lambda: _processes(host, wanted, picture))
    answers = _asked(lambda: ping(host.ping()))
    picture.checks.update(processes=seen, ping=answers)
    if "healthz" in wanted.checks:
        not_asked = _check(False, "not asked, since /ping/ fails")
        picture.checks["healthz"] = _asked(lambda: _healthz(host, wanted, picture)) if answers["ok"] else not_asked
    if "imports" in wanted.checks:
        picture.checks["imports"] = imported or _asked(lambda: imports(host.imports()))
        picture.hopeless = not picture.checks["imports"]["ok"]
    for name, ask in (("component", lambda: component(host.component(wanted.component, QUESTIONS), wanted.component)),
                      ("version", lambda: _version(host, wanted, picture)),
                      ("offered", lambda: offered(host.api().message_types())),
                      ("outboxes", lambda: _outboxes(host, picture))):
        if name in wanted.checks:
            # An old worker that is asked for the component imports the new code into itself. The others may be asked of another host's ESB.
            ready = answers["ok"] and (seen["ok"] or name != "component" and "processes" not in wanted.checks)
            picture.checks[name] = _asked(ask) if ready else _check(False, "not asked before /ping/ answers and all workers are new")
    if "service" in wanted.checks:
        picture.checks["service"] = _asked(lambda: _service(host, wanted))
    picture.checks = dict((name, check) for name, check in picture.checks.items() if name in wanted.checks)
    return picture


def watch(host, wanted, seconds, now, sleep):
    """Looks until all holds, or nothing can help, or the seconds are over; the last Picture."""
    end = now() + seconds
    picture = look(host, wanted)
    while not (picture.healthy or picture.hopeless) and now() < end:
        sleep(min(POLL_SECONDS, max(end - now(), 0)))
        picture = look(host, wanted, picture.checks.get("imports"))
    return picture


def sentence(url, seconds, picture):
    """What a failed task says."""
    return "The ESB at %s is not well%s. %s." % (url, " after waiting for %d s" % seconds if seconds and not picture.hopeless else "",
                                                 "; ".join(picture.complaints()))


# --- the judgements ---------------------------------------------------------------------------------------------------

def running(found, before, package_time):
    """processes: there are workers, none of before, none older than the package's files (seconds since 1970, or None)."""
    if not found:
        return _check(False, "no process listens on the ESB's port: start the ESB")
    left = processes.left_over(before, found)
    if left:
        return _check(False, "%s still running from before: %s" % (_are("worker", len(left)), _pids(left)))
    old = processes.older_than(package_time, found)
    if old:
        return _check(False, "%s older than the channel's files, or than a change of their owner or mode: restart the ESB (%s)" % (
            _are("worker", len(old)), _pids(old)))
    return _check(True, "%d workers" % len(processes.workers(found)))


def ping(page):
    if page.status == 200 and page.text.strip() == "pong":
        return _check(True, "pong")
    return _check(False, "/ping/ answers HTTP %d and not pong: is this the ESB's own address?" % page.status)


def asked_healthz(host):
    """{ok, code, message}; without an answer that can be understood the code is "" and the message says why."""
    try:
        page = host.healthz()
    except Problem as problem:
        return dict(ok=False, code="", message=to_text(problem))
    try:
        body = json.loads(page.text)
    except ValueError:
        body = None
    if page.status != 200 or not isinstance(body, dict) or not isinstance(body.get("ok"), bool):
        return dict(ok=False, code="", message="/healthz/ answers HTTP %d and nothing that can be understood" % page.status)
    return dict(ok=body["ok"], code=to_text(body.get("code")), message=to_text(body.get("message") or ""))


def healthz(now, before):
    """Not worse than before: many working platforms are not ok. Without a before, any answer will do."""
    if now["ok"]:
        return _check(True, "ok")
    complaint = _shortened(now["message"])
    if not now["code"] and (not before or before["code"]):
        return _check(False, complaint)
    if not before:
        return _check(True, "it complains, and nobody knows whether it did before: %s" % complaint)
    if not before["code"]:
        return _check(True, "without an answer before, and now: %s" % complaint)
    if before["ok"]:
        return _check(False, "it was ok before and now complains: %s" % complaint)
    if _lasting(before["message"]) == _lasting(now["message"]):
        return _check(True, "it complains as before: %s" % complaint)
    return _check(False, "it complains about something else than before: %s" % complaint)


def imports(report):
    """report: {modules: number, failures: [[module, text], …]} from inside the ESB."""
    if report["failures"]:
        named = ["%s (%s)" % (name, _shortened(text)) for name, text in report["failures"]]
        return _check(False, "the ESB's Python cannot import %s" % ", ".join(named))
    if not report["modules"]:
        return _check(False, "the channel's package is not there: install it")
    return _check(True, "%d modules" % report["modules"])


def component(pages, codename):
    """pages: one for each question."""
    for page in pages:
        if page.status != 200 or not _EXISTS.match(page.text.strip()):
            return _check(False, "a worker does not find %s: %s" % (codename, _reason(page)))
    return _check(bool(pages), "%s is there, asked %d times" % (codename, len(pages)))


def version(found, wanted):
    if found is None:
        return _check(False, "/cmsi/send_ding/ answers without a version: is it another release?")
    if wanted and found != wanted:
        return _check(False, "version %s answers, and %s is wanted" % (found, wanted))
    return _check(True, "version %s" % found)


def offered(types):
    """types: {message type: whether it is switched on}."""
    if MESSAGE_TYPE not in types:
        return _check(False, "the ESB does not list the message type %s: a worker has not loaded the channel" % MESSAGE_TYPE)
    if not types[MESSAGE_TYPE]:
        return _check(False, "the message type %s is switched off, so the platform's products do not offer it: run configure.yml" % MESSAGE_TYPE)
    return _check(True, "get_msg_type lists %s as active" % MESSAGE_TYPE)


# --- small things -----------------------------------------------------------------------------------------------------

def _complete(before):
    """A playbook may give less than asked_healthz() does."""
    return dict(ok=before.get("ok") is True, code=to_text(before.get("code", "?")), message=to_text(before.get("message") or ""))


def _processes(host, wanted, picture):
    picture.processes = host.processes()
    package_time = host.package_time()
    picture.stale = bool(processes.older_than(package_time, picture.processes))
    return running(picture.processes, wanted.before, package_time)


def _healthz(host, wanted, picture):
    picture.healthz = asked_healthz(host)
    return healthz(picture.healthz, wanted.healthz_before)


def _version(host, wanted, picture):
    picture.version = host.version()
    return version(picture.version, wanted.version)


def _service(host, wanted):
    beat, age, version = host.service()
    return _check(*storm_status.service(beat, age, wanted.version or version, host.package_time()))


def _outboxes(host, picture):
    picture.storm = host.storm()
    return _check(*storm_status.outboxes(picture.storm))


def _asked(ask):
    try:
        return ask()
    except Problem as problem:
        return _check(False, to_text(problem))


def _check(ok, text):
    return dict(ok=ok, text=text.rstrip("."))


def _are(what, number):
    return "%d %s%s" % (number, what, " is" if number == 1 else "s are")


def _pids(found):
    return "pid " + ", ".join("%d" % each["pid"] for each in found)


def _lasting(message):
    """A complaint without numbers that differ each time: ports, times, ids, addresses in memory."""
    return _CHANGING.sub("#", " ".join(message.split()))


def _reason(page):
    """The lines that concern us: the ESB lists every component of the host that it cannot load."""
    lines = [line.strip() for line in page.text.splitlines()]
    ours = ["%s %s" % pair for pair in zip(lines, lines[1:]) if "ding_blueking" in pair[0]]
    return _shortened("HTTP %d: %s" % (page.status, "; ".join(ours) or " ".join(lines)))


def _shortened(text):
    text = " ".join(to_text(text).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
