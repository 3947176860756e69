# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""BlueKing's user management, API v2: look-ups, writes, and one sentence for each way in which it refuses.

Its answers are {"result", "code", "message", "data"}, and most errors have the status 200. Seen with bk-user 2.3.4; 2.5
and V3 were read.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible.module_utils.common.text.converters import to_native, to_text

from ansible_collections.ding.blueking.plugins.module_utils import scrub
from ansible_collections.ding.blueking.plugins.module_utils.web import Http, HttpProblem
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

try:
    from urllib.parse import quote, urlencode
except ImportError:  # Python 2.7
    from urllib import quote, urlencode

OPTIONS = dict(
    usermgr_url=dict(type="str", default="http://usermgr.service.consul:8009"),
    app_code=dict(type="str"),
    app_secret=dict(type="str", no_log=True),
    token=dict(type="str", no_log=True),
    validate_certs=dict(type="bool", default=True),
    ca_path=dict(type="path"),
    timeout=dict(type="int", default=30),
)
TOGETHER = [["app_code", "app_secret"]]
EXCLUSIVE = [["app_code", "token"], ["app_secret", "token"]]

PROFILES = "/api/v2/profiles/"
CATEGORIES = "/api/v2/categories/"
# gunicorn's limit_request_line, which bk-user leaves at its default: method, path, query and version in bytes.
REQUEST_LINE_BYTES = 4094
# bk-user's largest page is 2000.
PAGE_SIZE = 1000
# These are in the flat list (no_page) and in single answers only; in a paged list they are left out without a word.
FLAT_ONLY = ("wx_openid", "code")
LOCAL = "local"
SHOWN_CHARACTERS = 600

NOT_FOUND, DENIED, READ_ONLY, V3, EXISTS, BROKEN, OTHER = "not_found", "denied", "read_only", "v3", "exists", "broken", "other"

V3_ONLY_READS = ("The v2 API of user management V3 only reads, so robot users cannot be created, changed or deleted through it: create them in its "
                 "web pages instead.")


class Refusal(Problem):
    """User management answered, and said no. `about` is one of the words above."""

    def __init__(self, about, text):
        super(Refusal, self).__init__(text)
        self.about = about


class UserManagement:
    """One user management, from a module's parameters (OPTIONS).

    With `check`, a write raises Problem before anything is sent. `secrets` are texts that no message shows.
    """

    def __init__(self, params, check=False, secrets=(), **keywords):
        self.check = check
        self.secrets = [each for each in (params["app_secret"], params["token"]) if each]
        self.secrets += [each for each in secrets if each]
        self.has_credentials = bool(params["app_secret"] or params["token"])
        self._http = Http("User management", params["usermgr_url"], headers(params), params["timeout"], params["validate_certs"],
                          params["ca_path"], secrets=self.secrets, **keywords)

    def hide(self, *secrets):
        """From now on no message shows these either."""
        self.secrets.extend(each for each in secrets if each)
        self._http.secrets = list(self.secrets)

    def categories(self):
        """The enabled directories: [{id, domain, default, type}]."""
        return self._rows(self._read(CATEGORIES, [("fields", "id,domain,default,type"), ("no_page", "1")]), CATEGORIES)

    def look_up(self, names, fields, deleted=False):
        """The profiles of these look-up names, with these columns, in as many requests as the line's length demands.

        Unknown names are absent. `deleted` also finds the soft-deleted ones.
        """
        query = [("lookup_field", "username"), ("fields", ",".join(fields)), ("no_page", "1")]
        query += [("include_disabled", "1")] if deleted else []
        room = REQUEST_LINE_BYTES - len("GET  HTTP/1.1") - len(self._http.base_url + PROFILES + "?") - len(urlencode(query + [("exact_lookups", "")]))
        found = []
        for batch in batches(names, room):
            found.extend(self._rows(self._read(PROFILES, query + [("exact_lookups", to_native(",".join(batch)))]), PROFILES))
        return found

    def every(self, fields):
        """All profiles that are not deleted, with these columns, page by page where pages show them."""
        query = [("fields", ",".join(fields))]
        if set(fields) & set(FLAT_ONLY):
            return self._rows(self._read(PROFILES, query + [("no_page", "1")]), PROFILES)
        found, page, count = [], 1, 1
        while len(found) < count:
            answer = self._read(PROFILES, query + [("page_size", str(PAGE_SIZE)), ("page", str(page))])
            if not isinstance(answer, dict) or not isinstance(answer.get("count"), int):
                raise self._strange(PROFILES)
            rows = self._rows(answer.get("results"), PROFILES)
            if not rows:
                break
            found, page, count = found + rows, page + 1, answer["count"]
        return found

    def departments(self, name):
        """The departments of one user, deleted or not: a list, empty for none."""
        answer = self._read(self._one(name), [("fields", "username,departments"), ("include_disabled", "1")])
        if not isinstance(answer, dict):
            raise self._strange(self._one(name))
        return answer.get("departments") or []

    def create(self, fields):
        self._write("POST", PROFILES, fields)

    def change(self, name, fields):
        """Also a deleted user; what is not given stays, except the country (86 and CN, unless it is given) and `extras`, which are replaced whole."""
        try:
            self._write("PATCH", self._one(name), fields, [("include_disabled", "1")])
        except Refusal as problem:
            if problem.about != BROKEN or "iso_code" not in fields:
                raise
            raise Refusal(BROKEN, "%s Perhaps the country_code %s and the iso_code %s of %s contradict each other: correct them in user management."
                          % (to_text(problem.args[0]), fields.get("country_code"), fields["iso_code"], name))

    def delete(self, name):
        self._write("DELETE", self._one(name))

    def where(self, path=""):
        return self._http.where(path)

    def _one(self, name):
        return PROFILES + quote(to_native(name), safe="@") + "/"

    def _read(self, path, query):
        return self._understood("GET", path, self._http.ask("GET", path, query))

    def _write(self, method, path, body=None, query=None):
        if self.check:
            raise Problem("A %s to %s was held back, because this is check mode: please report this error of the module."
                          % (method, self.where(path)))
        try:
            return self._understood(method, path, self._http.ask(method, path, query, body))
        except HttpProblem as problem:
            if problem.status == 500:
                # The web framework's own page: an exception that bk-user does not expect.
                raise Refusal(BROKEN, "%s An extended field that must be unique may have this value for another user already; the api log of user "
                              "management has the cause." % to_text(problem.args[0]))
            if problem.sent and problem.kind in ("timeout", "reset"):
                raise Problem("%s The %s may have been carried out nevertheless: run the task again, which looks first."
                              % (to_text(problem.args[0]), method))
            raise

    def _understood(self, method, path, answer):
        where, status, body = self.where(path), answer.status, answer.body
        if isinstance(body, dict) and body.get("result") is True and status < 400:
            return body.get("data")
        if body is None and method == "DELETE" and status < 300:
            return None
        message = to_text(body.get("message") or "") if isinstance(body, dict) else u""
        said = 'It says: "%s"%s' % (self._words(message), " (HTTP %d)" % status if status != 200 else "")
        raise refusal(where, method, status, body, message, said, self.has_credentials)

    def _words(self, message):
        text = " ".join(scrub.scrubbed(message, self.secrets).split())
        # Since 2.5 a Python traceback follows the sentence.
        text = text.split(" Traceback (most", 1)[0]
        return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + u"\u2026"

    def _rows(self, data, path):
        rows = data.get("results") if isinstance(data, dict) else data
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise self._strange(path)
        return rows

    def _strange(self, path):
        return Refusal(OTHER, "%s answered with data that user management does not send: a wrong address?" % self.where(path))


def headers(params):
    """The credentials, where there are any, and the language of the messages that are passed on."""
    sent = {"Accept-Language": "en"}
    if params["app_code"] and params["app_secret"]:
        sent.update({"X-Bk-App-Code": params["app_code"], "X-Bk-App-Secret": params["app_secret"]})
    elif params["token"]:
        sent["Authorization"] = "iBearer %s" % params["token"]
    return sent


def batches(names, room):
    """`names` in lists of which each fits `room` bytes, joined by commas, as a query writes them."""
    batch, used = [], 0
    for name in names:
        needed = len(quote(to_native(name), safe="")) + len("%2C")
        if batch and used + needed > room:
            yield batch
            batch, used = [], 0
        batch, used = batch + [name], used + needed
    if batch:
        yield batch


def refusal(where, method, status, body, message, said, has_credentials):
    """The Refusal for an answer that is no success."""
    if not isinstance(body, dict) or not isinstance(body.get("result"), bool):
        shape = "nothing" if body is None else "JSON that is not its own"
        if status in (401, 403):
            return Refusal(DENIED, "%s answered HTTP %d with %s. %s" % (where, status, shape, _credentials(has_credentials)))
        if status == 405:
            return Refusal(V3, "%s does not take a %s (HTTP 405). %s" % (where, method, V3_ONLY_READS))
        return Refusal(OTHER, "%s answered HTTP %d with %s: is usermgr_url the address of a user management?" % (where, status, shape))
    if status == 401:
        # 2.x says 403, and with the status 200. V3 takes nothing but the ESB's own signature.
        return Refusal(DENIED, "%s refuses the credentials. %s %s If it is V3: it takes calls through the ESB only. %s"
                       % (where, said, _credentials(has_credentials), V3_ONLY_READS))
    if status == 403 or message.startswith("403, authentication failed"):
        return Refusal(DENIED, "%s refuses the credentials. %s %s" % (where, said, _credentials(has_credentials)))
    if method != "GET" and (status == 405 or _METHOD.search(message)):
        return Refusal(V3, "%s does not take a %s. %s %s" % (where, method, said, V3_ONLY_READS))
    for pattern, about, sentence in _REFUSALS:
        if pattern.search(message):
            return Refusal(about, "%s %s %s" % (where, sentence, said))
    return Refusal(OTHER, "%s refuses the %s. %s" % (where, method, said))


def _credentials(given):
    return "Correct app_code and app_secret, or token." if given else "Give app_code and app_secret, or token."


# V3 answers 400, with the web framework's sentence in its language.
_METHOD = re.compile(u"not allowed|\u4e0d\u88ab\u5141\u8bb8", re.IGNORECASE)

# The messages are Chinese or English, as Accept-Language asks and as far as they are translated.
_REFUSALS = [(re.compile(pattern, re.IGNORECASE), about, sentence) for pattern, about, sentence in (
    (u"^404, could not be found", NOT_FOUND, "has no such user."),
    (u"\u4e0d\u80fd\u591f\u624b\u52a8\u5199\u5165|not support to manage manually", READ_ONLY,
     "says that nobody but its synchronisation may write to this directory: choose another one with category_id."),
    (u"\u7528\u6237\u76ee\u5f55\u672a\u542f\u7528|category.*not enabled", READ_ONLY, "says that this directory is switched off."),
    (u"\u5df2\u5b58\u5728|already exist", EXISTS, "has this user already, although the look-up did not show it: run the task again."),
    (u"^request failed, please check api log", BROKEN, "broke down: its api log has the cause."),
    (u"^validation error", OTHER, "does not accept a value."),
)]


def texts(value):
    """Unicode throughout: Python 2.7 cannot join the parameters' bytes with the texts of an answer."""
    if isinstance(value, list):
        return [texts(each) for each in value]
    return to_text(value) if isinstance(value, bytes) else value


def params_of(module):
    """A module's parameters, as unicode."""
    return dict((name, texts(value)) for name, value in module.params.items())
