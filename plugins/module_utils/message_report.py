# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What becomes of a message for each receiver: from what is asked for, and from a component's answer, to words.

Sent, queued, refused, uncertain and not tried are different words: only `sent` means that DingTalk has accepted it.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils import esb_api, our_channels
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.result_words import QUEUED, REFUSED, SENT, UNCERTAIN

NAMES_SHOWN = 20
CHECK_MODE = "not sent in check mode"
DOUBT = "Whether the message was sent is uncertain: it may have arrived, so look before you send it again."

# Per component: the options that name receivers, and the options that it passes on beside title and content.
COMPONENTS = {
    "send_ding": (("receivers",), ("msg_key", "at_mobiles", "at_users", "at_all")),
    "send_dingbot": (("receivers",), ("msg_key", "at_mobiles", "at_users", "at_all")),
    "send_dingtalk": (("receivers", "userids", "mobiles"), ("msg_key",)),
    # The platform's own form forwards no more than title and content.
    "send_msg": (("receivers",), ()),
}
FIELDS = {"receivers": "receiver__username", "userids": "userid", "mobiles": "mobile", "at_users": "at__username", "at_all": "is_at_all"}
RECEIVER_OPTIONS = ("receivers", "userids", "mobiles")
OTHER_OPTIONS = ("msg_key", "at_mobiles", "at_users", "at_all")
_MOBILE = re.compile(r"^\+?[0-9][0-9-]{3,24}$")
_TEXTS = (str, type(u""))
# Where the channel would cut one name into several.
_SEPARATOR = re.compile(r"[\s,;]", re.UNICODE)


class Order:
    """A message to send. path: the channel's; fields: the call's body; receivers: names in order; shown: what a diff tells of it."""

    def __init__(self, params):
        component = params["component"]
        addressed_by, passed_on = COMPONENTS[component]
        self.path = "/cmsi/%s/" % component
        option = _addressed_by(component, addressed_by, params)
        self.receivers = _names(option, params[option])
        for name in OTHER_OPTIONS:
            if params[name] and name not in passed_on:
                raise Problem("%s does not pass %s on: leave it away, or use another component." % (component, name))
        if not params["content"].strip() and not params["title"].strip():
            raise Problem("content is empty: there is nothing to send.")
        if component == "send_msg" and not (params["content"].strip() and params["title"].strip()):
            raise Problem("send_msg, the platform's own component, wants both a title and a content.")
        self.fields = {FIELDS[option]: ",".join(self.receivers), "title": params["title"], "content": params["content"]}
        if component == "send_msg":
            self.fields["msg_type"] = our_channels.MESSAGE_TYPE
        self.fields.update(_passed_on(params))
        self.shown = {"component": component, option: self.receivers, "title": params["title"], "content_length": len(to_text(params["content"]))}

    def all(self, outcome, reason):
        """The same outcome for everybody."""
        return [_entry(name, "unknown", outcome, reason) for name in self.receivers]


def _addressed_by(component, options, params):
    given = [name for name in RECEIVER_OPTIONS if params[name]]
    if len(given) != 1:
        raise Problem("%s needs %s%s%s." % (component, "one of " if len(options) > 1 else "", ", ".join(options),
                                            ", and has %s" % " and ".join(given) if given else ": there is nobody to send to"))
    if given[0] not in options:
        raise Problem("%s sends to receivers: %s is for send_dingtalk." % (component, given[0]))
    return given[0]


def _passed_on(params):
    fields = dict((FIELDS.get(name, name), params[name]) for name in OTHER_OPTIONS if params[name])
    for name in ("at_mobiles", "at_users"):
        if params[name]:
            fields[FIELDS.get(name, name)] = _names(name, params[name])
    return fields


def _names(option, given):
    """The names without repetition. Raises Problem for one that the channel would not read as one name."""
    found, seen = [], set()
    for name in given:
        name = name.strip()
        if not name or _SEPARATOR.search(name) or name.startswith("["):
            raise Problem("%s has the entry \"%s\": each entry is one name, without spaces, commas or semicolons." % (option, name))
        if option.endswith("mobiles") and not _MOBILE.match(name):
            raise Problem("%s has the entry \"%s\": a mobile number has digits only; outside mainland China write +852-12345678." % (option, name))
        # As the channel compares: user management's names ignore case, DingTalk's user ids do not.
        same = name if option == "userids" else name.lower()
        if same not in seen:
            seen.add(same)
            found.append(name)
    return found


class Report:
    """A component's answer. receivers: one entry each, in order; failed: the sentence that a failure says, None for none."""

    def __init__(self, where, order, payload, secret):
        data = payload.get("data") if isinstance(payload.get("data"), dict) else {}
        self.message = esb_api.words(payload.get("message"), secret)
        self.version = data.get("version") if isinstance(data.get("version"), type(u"")) else None
        self.warnings = [esb_api.words(each, secret) for each in data.get("warnings") or [] if isinstance(each, type(u""))] \
            if isinstance(data.get("warnings"), list) else []
        if isinstance(data.get("receivers"), list):
            self.receivers = _told(order, data["receivers"], secret)
        else:
            self.receivers = _guessed(order, payload["result"], self.message, data.get("username_check"))
            self.warnings.append("The answer does not tell receivers apart: the component on that ESB is not this collection's.")
        self.sent = [entry for entry in self.receivers if entry["sent"]]
        self.not_sent = [entry for entry in self.receivers if not entry["sent"] and entry["outcome"] != QUEUED]
        self.queued = [entry for entry in self.receivers if entry["outcome"] == QUEUED]
        twice = [entry for entry in self.sent if entry["uncertain"]]
        if twice:
            self.warnings.append("Perhaps received twice, after a call without an answer: %s." % _list(twice))
        self.failed = None
        if self.not_sent or not payload["result"]:
            queued = " and queued it for %d" % len(self.queued) if self.queued else ""
            self.failed = "%s sent the message to %d of %d receivers%s. %s" % (where, len(self.sent), len(self.receivers), queued, self._reasons())

    def success(self):
        """What a run without a failure says, one word for each outcome."""
        said = ["Sent to: %s." % _list(self.sent)] if self.sent else []
        said += ["Queued, not sent yet: %s." % _list(self.queued, _with_wait)] if self.queued else []
        return " ".join(said)

    def partial(self):
        """What allow_partial lets pass."""
        return " ".join(part for part in (self.success(), self._reasons()) if part)

    def _reasons(self):
        by_words = []
        for entry in self.not_sent:
            said = ("Uncertain, it may have arrived" if entry["outcome"] == UNCERTAIN or entry["uncertain"] else "Not sent", entry["reason"])
            same = [names for words, names in by_words if words == said]
            if same:
                same[0].append(entry)
            else:
                by_words.append((said, [entry]))
        if not by_words:
            return "It says: %s" % self.message
        return " ".join("%s: %s (%s)." % (words[0], _list(names), words[1] or "no reason given") for words, names in by_words)


def _told(order, given, secret):
    """The answer's own entries in the order asked for. Whom it leaves out may have been sent to: that is uncertain."""
    entries = [_entry(to_text(entry.get("receiver")), entry.get("kind"), entry.get("outcome"), esb_api.words(entry.get("reason") or u"", secret),
                      entry.get("uncertain") is True, entry.get("sent"), _waits(entry.get("queued"))) for entry in given if isinstance(entry, dict)]
    named = set(entry["receiver"].lower() for entry in entries)
    return entries + [_entry(name, "unknown", UNCERTAIN, "the answer does not mention this receiver") for name in order.receivers
                      if to_text(name).lower() not in named]


def _waits(queued):
    """{"behind": messages, "seconds": about how long} of an answer's own words, None when it does not tell."""
    numbers = [queued.get(name) if isinstance(queued, dict) else None for name in ("behind", "seconds")]
    if any(isinstance(number, bool) or not isinstance(number, (int, float)) for number in numbers):
        return None
    return {"behind": int(numbers[0]), "seconds": int(numbers[1])}


def _guessed(order, result, message, check):
    """For a component that answers as the platform's own do: username_check.invalid, and a message that begins with "Some users failed"."""
    invalid = check.get("invalid") if isinstance(check, dict) else None
    invalid = set(each.lower() for each in invalid if isinstance(each, type(u""))) if isinstance(invalid, list) else set()
    some = bool(invalid) and message.lower().startswith("some users failed")
    return [_entry(name, "unknown", SENT, "") if (result or some) and to_text(name).lower() not in invalid else
            _entry(name, "unknown", REFUSED, message) for name in order.receivers]


def _entry(receiver, kind, outcome, reason, uncertain=False, sent=None, queued=None):
    outcome = outcome if isinstance(outcome, _TEXTS) and outcome else UNCERTAIN
    if outcome == SENT and sent not in (None, True):
        # It contradicts itself: nothing is called sent that perhaps was not.
        outcome = UNCERTAIN
    return {"receiver": receiver, "kind": kind if isinstance(kind, _TEXTS) else "unknown", "sent": outcome == SENT, "outcome": outcome,
            "uncertain": uncertain or outcome == UNCERTAIN, "reason": reason, "queued": queued if outcome == QUEUED else None}


def _with_wait(entry):
    waits = entry["queued"]
    return "%s (behind %d, for about %d seconds)" % (entry["receiver"], waits["behind"], waits["seconds"]) if waits else entry["receiver"]


def _list(entries, shown=lambda entry: entry["receiver"]):
    names = [shown(entry) for entry in entries]
    more = len(names) - NAMES_SHOWN
    return ", ".join(names[:NAMES_SHOWN]) + (" and %d more" % more if more > 0 else "")
