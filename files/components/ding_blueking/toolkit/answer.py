# -*- coding: utf-8 -*-
"""The answer to the caller, in the form that each of the platform's products reads.

Monitor reads data.username_check.invalid, Job and SOPS code and message, ITSM takes a message that begins with
"Some users failed" for a partial success.
"""
from __future__ import absolute_import, division, print_function

from .delivery import NOT_TRIED, QUEUED, SENT
from .version import __version__

# The ESB's general error code.
FAILED = 1306000
LONGEST_MESSAGE = 4000
NAMES_SHOWN = 20


def of_outcomes(receivers, outcomes, warnings):
    """receivers: Receivers in the order asked for; outcomes: {receiver: Outcome}; warnings: list of texts."""
    entries = [_entry(receiver.receiver, receiver.kind, outcomes[receiver.receiver]) for receiver in receivers]
    failed = [entry for entry in entries if not entry["sent"] and not entry["queued"]]
    queued = _reasons([entry for entry in entries if entry["queued"]])
    if not failed:
        message = queued if queued and not any(entry["sent"] for entry in entries) else u"; ".join([u"OK"] + [queued] * bool(queued))
        twice = [entry["receiver"] for entry in entries if entry["uncertain"]]
        if twice:
            message += u"; perhaps received twice, after a call without an answer: %s" % _names(twice)
    else:
        some = len(failed) < len(entries)
        message = u"%s users failed: %s" % (u"Some" if some else u"All", _reasons(failed))
        message += u"; not sent yet: " + queued if queued else u""
    return _payload(not failed, message, entries, warnings)


def of_error(message, receivers):
    """Nothing was sent. receivers: the names that can be read from the request."""
    entries = [
        {"receiver": name, "kind": "unknown", "sent": False, "outcome": NOT_TRIED, "uncertain": False, "reason": message,
         "queued": None}
        for name in receivers
    ]
    return _payload(False, message, entries, [])


def _entry(name, kind, outcome):
    return {
        "receiver": name,
        "kind": kind,
        "sent": outcome.outcome == SENT,
        "outcome": outcome.outcome,
        "uncertain": outcome.uncertain,
        "reason": outcome.reason,
        "queued": outcome.queued if outcome.outcome == QUEUED else None,
    }


def _payload(result, message, entries, warnings):
    return {
        "result": result,
        "code": 0 if result else FAILED,
        "message": message[:LONGEST_MESSAGE],
        "data": {
            "version": __version__,
            "username_check": {"invalid": [entry["receiver"] for entry in entries if not entry["sent"] and not entry["queued"]]},
            "receivers": entries,
            "warnings": warnings,
        },
    }


def _reasons(failed):
    """Each reason once, with the receivers that it holds for."""
    by_reason, order = {}, []
    for entry in failed:
        reason = entry["reason"]
        if entry["uncertain"]:
            reason = u"uncertain, the message may have arrived: " + reason
        if reason not in by_reason:
            by_reason[reason] = []
            order.append(reason)
        by_reason[reason].append(entry["receiver"])
    return u"; ".join(u"%s: %s" % (_names(by_reason[reason]), reason) for reason in order)


def _names(names):
    more = len(names) - NAMES_SHOWN
    shown = u", ".join(names[:NAMES_SHOWN])
    return shown if more <= 0 else u"%s and %d more" % (shown, more)
