# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Calls of the ESB's component API, and one sentence for each way in which the ESB itself refuses one.

V6 answers under /c/compapi at its own port; V7, and either behind the platform's nginx, under /api/c/compapi.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re

from ansible.module_utils.common.text.converters import to_text

from ansible_collections.ding.blueking.plugins.module_utils import deadline, our_channels, scrub
from ansible_collections.ding.blueking.plugins.module_utils.web import Http, HttpProblem
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

OPTIONS = dict(
    esb_url=dict(type="str", required=True),
    api_prefix=dict(type="str"),
    app_code=dict(type="str", required=True),
    app_secret=dict(type="str", required=True, no_log=True),
    username=dict(type="str", default="admin"),
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="path"),
    timeout=dict(type="int", default=30),
)

PREFIXES = ("/api/c/compapi", "/c/compapi")
_PREFIX_IN_ADDRESS = re.compile(r"^(https?://[^/]+)((?:/[^/?#]+)*/compapi)$")
_PREFIX = re.compile(r"^(?:/[A-Za-z0-9._~-]+)+$")
# Another prefix may still be the right one; a service that does not answer at all is not asked twice.
_WRONG_PLACE = ("html", "not_json", "redirect", "too_long")
SHOWN_CHARACTERS = 500

NOWHERE, STRANGE, CHANNEL, CALLER, OTHER = "nowhere", "strange", "channel", "caller", "other"


class Refusal(Problem):
    """The ESB did not hand the call to a component, or the component broke down.

    `about`: NOWHERE (no such path), STRANGE (no ESB's answer), CHANNEL (the channel or its code), CALLER (app, secret,
    user) or OTHER. `sent` is False where the component certainly did nothing.
    """

    def __init__(self, about, text, sent=False):
        super(Refusal, self).__init__(text)
        self.about = about
        self.sent = sent


class EsbApi:
    """One ESB, from a module's parameters (OPTIONS). All calls together end within `timeout` seconds."""

    def __init__(self, params, **keywords):
        address, found = split_address(params["esb_url"])
        self.prefix = checked_prefix(params["api_prefix"]) or found
        self._params = params
        # The ESB writes what comes in a body or a query to its log; this header it does not.
        self._http = Http("the ESB", address, {"X-Bkapi-Authorization": authorization(params)}, params["timeout"], params["validate_certs"],
                          params["ca_path"], secrets=[params["app_secret"]], **keywords)
        self._began = deadline.now()

    def message_types(self):
        """{type: is it switched on}, by a GET that changes nothing. Finds the prefix where none is given."""
        if self.prefix:
            return message_types(self.where(our_channels.MESSAGE_TYPES_PATH), self._call("GET", self.prefix, our_channels.MESSAGE_TYPES_PATH))
        problems = []
        for prefix in PREFIXES:
            try:
                payload = self._call("GET", prefix, our_channels.MESSAGE_TYPES_PATH)
            except Refusal as refusal:
                if refusal.about not in (NOWHERE, STRANGE):
                    self.prefix = prefix
                    raise
                if refusal.about == STRANGE:
                    problems.append(refusal)
            except HttpProblem as problem:
                if problem.kind not in _WRONG_PLACE:
                    raise
                problems.append(problem)
            else:
                self.prefix = prefix
                return message_types(self.where(our_channels.MESSAGE_TYPES_PATH), payload)
        if problems:
            raise problems[0]
        raise Refusal(NOWHERE, "%s knows no %s under %s: is esb_url the address of an ESB? If it is, give api_prefix."
                      % (self._http.where(""), our_channels.MESSAGE_TYPES_PATH, " or ".join(PREFIXES)))

    def find(self):
        """Finds the prefix, with a call that changes nothing, unless it is known. What only concerns that call is no problem."""
        try:
            if not self.prefix:
                self.message_types()
        except Refusal as refusal:
            if refusal.about in (NOWHERE, STRANGE, CALLER):
                raise

    def post(self, path, fields):
        """A component's own answer, a dict. Raises HttpProblem and Refusal."""
        return self._call("POST", self.prefix, path, fields)

    def where(self, path):
        return self._http.where((self.prefix or "") + path)

    def _call(self, method, prefix, path, fields=None):
        left = self._http.timeout - (deadline.now() - self._began)
        answer = self._http.ask(method, prefix + path, body=fields, seconds=left)
        return understood(self._http.where(prefix + path), path, answer.status, answer.body, self._params)


def authorization(params):
    """The header's JSON: a name that is missing in it is not looked for anywhere else."""
    return json.dumps({"bk_app_code": params["app_code"], "bk_app_secret": params["app_secret"], "bk_username": params["username"]},
                      sort_keys=True)


def split_address(url):
    """(address, prefix or ""): an address may end with the prefix itself."""
    found = _PREFIX_IN_ADDRESS.match(url.strip().rstrip("/"))
    return found.groups() if found else (url.strip(), "")


def checked_prefix(given):
    if not given or not given.strip("/ "):
        return ""
    prefix = "/" + given.strip("/ ")
    if not _PREFIX.match(prefix):
        raise Problem("api_prefix is %s: it must be a path such as /c/compapi or /api/c/compapi." % given)
    return prefix


def understood(where, path, status, body, params):
    """The component's own answer (a dict with `result`), or Refusal for what the ESB answers in its place."""
    if not isinstance(body, dict) or not isinstance(body.get("result"), bool):
        shape = "nothing" if body is None else "JSON that no ESB component answers (%s)" % _shape(body)
        raise Refusal(STRANGE, "%s answered HTTP %d with %s: a wrong address?" % (where, status, shape), sent=not 400 <= status < 500)
    if body["result"] and status < 400:
        return body
    message = words(body.get("message"), params["app_secret"])
    said = 'It says: "%s"%s' % (message, _code(status, body.get("code")))
    for pattern, about, sentence, sent in _REFUSALS:
        if pattern.search(message):
            raise Refusal(about, "%s %s %s" % (where, sentence % dict(params, path=path), said), sent)
    if status >= 400:
        raise Refusal(OTHER, "%s answered HTTP %d. %s" % (where, status, said), sent=status >= 500)
    return body


def words(message, secret):
    """What an ESB calls `message`, to be shown: one line, without the app's secret."""
    text = to_text(message if isinstance(message, (str, type(u""))) else json.dumps(message))
    text = " ".join(scrub.scrubbed(text, [secret]).split())
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + u"\u2026"


def message_types(where, payload):
    rows = payload.get("data")
    if payload["result"] is not True or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Refusal(OTHER, "%s does not list the message types. It says: %s" % (where, words(payload.get("message"), "")))
    return dict((to_text(row.get("type")), row.get("is_active") is True) for row in rows)


def _shape(body):
    kinds = ((bool, "a truth value"), (dict, "an object without result"), (list, "a list"), (type(u""), "a text"))
    return next((name for kind, name in kinds if isinstance(body, kind)), "a number")


def _code(status, code):
    said = ["HTTP %d" % status] if status != 200 else []
    said += ["code %s" % code] if isinstance(code, (int, type(u""))) else []
    return " (%s)" % ", ".join(said) if said else ""


# (what the ESB says, what it is about, our sentence, whether the component may have done its work)
_REFUSALS = [(re.compile(pattern, re.IGNORECASE), about, sentence, sent) for pattern, about, sentence, sent in (
    (r"^The content does not exist", NOWHERE,
     "has no channel %(path)s: it is not registered, this ESB has not read it yet, or the address is not an ESB's.", False),
    (r"component class not found", CHANNEL,
     "has the channel %(path)s but not its code: the package is not on that host, it cannot be imported, or the ESB was not restarted since.",
     False),
    (r"inactive channel", CHANNEL, "has switched the channel %(path)s off.", False),
    (r"has no permission to access the component", CHANNEL, "does not let the app %(app_code)s call %(path)s.", False),
    (r"Unsupported type of msg type", CHANNEL,
     "does not know the message type ding: the package is not on that host, it cannot be imported, or the ESB was not restarted since.", False),
    (r"Invalid APP Code", CALLER, "does not know the app %(app_code)s: correct app_code or register the app.", False),
    (r"APP Secret verification failed", CALLER, "says that app_secret is not the secret of the app %(app_code)s.", False),
    (r"User authentication failed", CALLER,
     "does not let the app %(app_code)s speak for a user: put it into the white list user_auth::skip_user_auth of esb_function_controller (which the "
     "ESB reads anew every 5 minutes), and see that username is not empty.", False),
    (r"APP Code \[bk_app_code\] cannot be empty|APP Secret \[bk_app_secret\] cannot be empty", CALLER,
     "got no app code or secret: either is empty, or a proxy in between drops the header X-Bkapi-Authorization.", False),
    (r"Component error, please contact|Request is abnormal", OTHER, "broke down in %(path)s: its esb.log has the cause.", True),
)]
