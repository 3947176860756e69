# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Whether queued messages are on their way: judges the service's heartbeat, and what /cmsi/ding_status/ answers. Nothing here looks at a host.

A judgement is (whether it holds, why). docs/dev/storms.md has the forms of both.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils.outboxes import FORMAT, FRESH_SECONDS

SHOWN_OUTBOXES = 5
SHOWN_CHARACTERS = 200


def service(beat, age, version, package_time):
    """beat: the heartbeat, or None; age: its seconds, or None; version: the package's; package_time: when it was written, or None."""
    if age is None:
        return False, "the service that sends queued messages gives no sign of life: start it, its own log and the ESB's say why it ended"
    if abs(age) > FRESH_SECONDS:
        return False, "the service that sends queued messages gave its last sign of life %d s ago: start it" % abs(age)
    if beat.get("format") != FORMAT:
        return False, "the service that sends queued messages is of another release (format %s): restart it" % to_text(beat.get("format"))
    said = to_text(beat.get("version"))
    if version and said != version:
        return False, "the service that sends queued messages has version %s, and the channel %s: restart it" % (said, version)
    started = beat.get("started")
    if package_time is not None and isinstance(started, (int, float)) and started < package_time:
        return False, "the service that sends queued messages is older than the channel's files: restart it"
    return True, "version %s runs%s" % (said, ", and its last problem was: %s" % _short(beat["error"]) if beat.get("error") else "")


def outboxes(status):
    """status: data of the answer. Only what DingTalk has refused for good is a fault: what waits is on its way."""
    if not isinstance(status, dict) or not isinstance(status.get("totals"), dict):
        return False, "/cmsi/ding_status/ answers with nothing that can be understood: is the channel another release?"
    totals = status["totals"]
    found = [each for each in status.get("outboxes") or [] if isinstance(each, dict)]
    dead = [each for each in found if each.get("dead")]
    words = [_waiting(totals, found)] + _blocked(found) + _numbers(totals) + _overflow(status)
    if totals.get("dead"):
        why = ", ".join("%s: %s" % (_name(each), _short(each.get("last_error") or each.get("key"))) for each in dead[:SHOWN_OUTBOXES])
        words.insert(0, "DingTalk has refused %d for good (%s): read dead.log in their outboxes and remove it" % (totals["dead"], why))
    return not totals.get("dead"), "; ".join(words)


def _waiting(totals, found):
    number = totals.get("waiting") or 0
    if not number:
        return "none waits"
    oldest = min([each["oldest"] for each in found if each.get("oldest")] or [""])
    return "%d %s%s" % (number, "wait" if number != 1 else "waits", ", the oldest since %s" % oldest if oldest else "")


def _blocked(found):
    held = ["%s is blocked by DingTalk until %s" % (_name(each), each["blocked_until"]) for each in found if each.get("blocked_until")]
    return held[:SHOWN_OUTBOXES]


def _numbers(totals):
    return ["%d %s" % (totals[name], words) for name, words in (("sent", "were sent later"), ("dropped", "were dropped")) if totals.get(name)]


def _overflow(status):
    overflow = status.get("overflow") if isinstance(status.get("overflow"), dict) else {}
    if overflow.get("effect") != "refuse":
        return []
    return ["what is too much is refused, not queued (%s)" % _short(overflow.get("reason") or "no reason given")]


def _name(outbox):
    return ", ".join(to_text(each) for each in (outbox.get("receivers") or [])[:3]) or to_text(outbox.get("key"))


def _short(text):
    text = " ".join(to_text(text).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."
