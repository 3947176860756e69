# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The filter `ding.blueking.verify_rows`: what verify shows and judges by."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.module_utils.result_words import CHECKS, QUEUED


def verify_rows(checks, messages=()):
    """One {what, ok, text} per check of esb_health and per receiver in the results of ding_message; what was skipped has none."""
    rows = [{"what": name, "ok": bool(check["ok"]), "text": check["text"]} for name, check in _ordered(checks or {})]
    for result in messages or ():
        if result.get("skipped"):
            continue
        if result.get("receivers"):
            rows += [_row(outcome) for outcome in result["receivers"]]
        else:
            rows.append({"what": "messages", "ok": False, "text": "not tried: %s" % result.get("msg", "")})
    return rows


def _ordered(checks):
    """As they are looked at, whatever order a host's Python has given them."""
    return sorted(checks.items(), key=lambda item: CHECKS.index(item[0]) if item[0] in CHECKS else len(CHECKS))


def _row(outcome):
    queued = outcome["outcome"] == QUEUED
    words = ["queued, not sent yet" if queued else outcome["outcome"].replace("_", " ")]
    if outcome["reason"]:
        words.append(outcome["reason"])
    return {"what": "message to %s" % outcome["receiver"], "ok": bool(outcome["sent"]) or queued, "text": ": ".join(words)}


class FilterModule(object):
    def filters(self):
        return {"verify_rows": verify_rows}
