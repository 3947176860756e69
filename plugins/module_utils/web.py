# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""One JSON conversation with one service over HTTP: Ansible's open_url behind a small interface.

Whatever goes wrong on the way is an HttpProblem with a kind; what the service itself says, also with a status of 400
or above, is an Answer. No text made here holds a header, a query or a body that was sent, nor a secret that the other
side repeats.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import re
import socket
import ssl

from ansible.module_utils.common.text.converters import to_native, to_text
from ansible.module_utils.urls import Request, SSLValidationError, open_url

from ansible_collections.ding.blueking.plugins.module_utils import deadline, scrub
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

try:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError
    from urllib.parse import urlencode, urlsplit
    from urllib.request import getproxies
except ImportError:  # Python 2.7
    from httplib import HTTPException
    from urllib import getproxies, urlencode
    from urllib2 import HTTPError, URLError  # pylint: disable=ansible-bad-import-from
    from urlparse import urlsplit

# No answer of these services comes near it; a body without an end must not fill the memory.
LARGEST_ANSWER = 64 * 1024 * 1024
SHOWN_CHARACTERS = 200
LONGEST_SECONDS = 86400
# The whole exchange ends so much later than the socket's own time-out, which tells connecting from waiting.
GRACE_SECONDS = 0.25

# Newer cores can be given the TLS context of a request.
_TAKES_CONTEXT = "context" in Request.open.__code__.co_varnames[:Request.open.__code__.co_argcount]
_NOT_IN_ADDRESS = re.compile(u"[\\x00-\\x20\\x7f?#]")
_HEADER = re.compile(u"[\\x20-\\x7e\\t]*\\Z")
_TLS = re.compile(r"certificate|ssl|tls", re.IGNORECASE)
_TAG = re.compile(r"<(?:script|style).*?</(?:script|style)>|<[^>]*>", re.DOTALL | re.IGNORECASE)


class HttpProblem(Problem):
    """No usable answer. `kind` is one of address, connect, reset, timeout, tls, redirect, html, not_json, too_long, header.

    `status` is the HTTP status where there was one, else None. `sent` is False where the request certainly did not
    reach the service as a whole: repeating it does nothing twice.
    """

    def __init__(self, kind, text, status=None, sent=True):
        super(HttpProblem, self).__init__(text)
        self.kind = kind
        self.status = status
        self.sent = sent


class Answer:
    """status: int; body: what the JSON says, None for an empty body."""

    def __init__(self, status, body):
        self.status = status
        self.body = body


class Page:
    """Any answer at all. status: int; date: the Date header, "" without one; text: the body."""

    def __init__(self, status, date, text):
        self.status = status
        self.date = date
        self.text = text


def open_lightly(url, method=None, **options):
    """Ansible's open_url, which makes a TLS context for every request, http:// as well, and for it reads all the host's certificate authorities.

    That takes longer than the request. Where no TLS is spoken, it is given a context that would trust nobody.
    """
    if not _TAKES_CONTEXT or _speaks_tls(url):
        return open_url(url, method=method, **options)
    return Request().open(method, url, context=ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), **options)


class Http:
    """A service at `base_url`, `service` being its name in messages; `headers` go with every request.

    Each call ends within `timeout` seconds, whatever the other side does. Redirects are not followed: they would
    carry the credentials somewhere else. `secrets` are texts that no message shows, should the other side repeat them.
    """

    def __init__(self, service, base_url, headers=None, timeout=30, validate_certs=True, ca_path=None, open_with=open_lightly, secrets=()):
        self.service = service
        self.base_url = base_url.rstrip("/")
        self.headers = dict(headers or {})
        self.timeout = timeout
        self.ca_path = ca_path
        self.secrets = list(secrets)
        self._open = open_with
        _check_address(service, self.base_url)
        # Cores that cannot be given a context read the authorities once more to look at certificates.
        self.validate_certs = validate_certs and _speaks_tls(self.base_url)
        if not 0 < timeout <= LONGEST_SECONDS:
            raise HttpProblem("address", "timeout must be more than 0 and at most %d seconds: it is %g." % (LONGEST_SECONDS, timeout), sent=False)

    def where(self, path):
        """What a message calls this place: the service's name and the address without anything secret."""
        return "%s at %s%s" % (self.service, _shown(self.base_url), path)

    def ask(self, method, path, query=None, body=None, headers=None, seconds=None):
        """Sends one request (query: pairs or dict; body: anything JSON) and returns the Answer. Raises HttpProblem.

        `seconds`: what is left of `timeout`, when several calls share it.
        """
        where = self.where(path)
        status, received, raw = self._limited(where, method, self._url(path, query), body, headers, seconds)
        return self._answer(where, status, received.get("Content-Type") or "", raw)

    def look(self, path="", query=None, seconds=None):
        """Gets anything, not only JSON: the Page. Each status is an answer, a redirect's as well. Raises HttpProblem."""
        status, received, raw = self._limited(self.where(path), "GET", self._url(path, query), None, None, seconds)
        return Page(status, received.get("Date") or "", to_text(raw, errors="replace"))

    def _limited(self, where, method, url, body, headers, seconds):
        """Returns (status, headers, body) within the limit. Raises HttpProblem."""
        seconds = self.timeout if seconds is None else max(seconds, 0.1)
        try:
            with deadline.within(seconds + GRACE_SECONDS):
                return self._exchange(method, url, body, headers, seconds)
        except deadline.TimeIsUp:
            raise HttpProblem("timeout", "%s gave no whole answer within %g s." % (where, self.timeout))
        except HttpProblem:
            raise
        except Exception as error:
            raise self._failure(where, error)

    def _url(self, path, query):
        return self.base_url + path + ("?" + urlencode(query) if query else "")

    def _exchange(self, method, url, body, headers, seconds):
        sent = dict(self.headers, Accept="application/json")
        data = None
        if body is not None:
            data = json.dumps(body).encode("ascii")
            sent["Content-Type"] = "application/json"
        sent.update(headers or {})
        _check_headers(self.service, sent)
        try:
            # A native str everywhere: Python 2.7 mixes text and bytes in one message otherwise, and stumbles over the body.
            response = self._open(to_native(url), data=data, headers=dict((to_native(k), to_native(v)) for k, v in sent.items()),
                                  method=to_native(method), timeout=seconds, validate_certs=self.validate_certs, ca_path=self.ca_path,
                                  follow_redirects="none", use_netrc=False, force=True, decompress=False)
        except HTTPError as error:
            response = error
        try:
            raw = response.read(LARGEST_ANSWER + 1)
            # 204 is an answer without a body, whatever length is promised: bk-user 2.3 promises one with each DELETE.
            promised = response.headers.get("Content-Length") or "" if response.getcode() != 204 else ""
            if promised.isdigit() and len(raw) < min(int(promised), LARGEST_ANSWER):
                # Read with a limit, a body that is cut off counts as a whole one.
                raise HTTPException("%d of %s bytes came" % (len(raw), promised))
            return response.getcode(), response.headers, raw
        finally:
            response.close()

    def _answer(self, where, status, kind, raw):
        if 300 <= status < 400:
            raise HttpProblem("redirect", "%s answers with a redirect (HTTP %d): give the address that it leads to." % (where, status),
                              status, sent=False)
        if len(raw) > LARGEST_ANSWER:
            raise HttpProblem("too_long", "%s answered HTTP %d with more than %d MiB, which no service of ours does: a wrong address?"
                              % (where, status, LARGEST_ANSWER // 1024 // 1024), status)
        text = to_text(raw, errors="replace").lstrip(u"\ufeff").strip()
        if not text:
            return Answer(status, None)
        try:
            return Answer(status, json.loads(text))
        except (ValueError, RuntimeError):  # RuntimeError: nested too deep
            pass
        if text.startswith("<") or "html" in kind:
            shown = self._shortened(_TAG.sub(" ", scrub.scrubbed(text, self.secrets)))
            raise HttpProblem("html", "%s answered HTTP %d with a web page instead of JSON: a proxy or a wrong address? It says: %s"
                              % (where, status, shown), status)
        raise HttpProblem("not_json", "%s answered HTTP %d with something that is not JSON (%d characters)." % (where, status, len(text)), status)

    def _failure(self, where, error):
        """open_url, urllib, http.client and ssl each have their own exceptions: one kind and one sentence for each case.

        urllib wraps in URLError what happens until the request has left, and nothing of what happens afterwards.
        """
        reason = error.reason if isinstance(error, URLError) and isinstance(error.reason, Exception) else error
        sent = not isinstance(error, (URLError, SSLValidationError, UnicodeError))
        text = self._shortened(to_text(reason, errors="replace")) or type(reason).__name__
        if isinstance(reason, socket.timeout) or "timed out" in text:
            return HttpProblem("timeout", "%s %s within %g s." % (where, "did not answer" if sent else "accepted no connection", self.timeout),
                               sent=sent)
        if isinstance(error, SSLValidationError) or _TLS.search(text):
            return HttpProblem("tls", "%s cannot be trusted or does not speak TLS: %s" % (where, text), sent=sent)
        if sent or getattr(reason, "errno", None) in _CUT:
            return HttpProblem("reset", "%s broke off the conversation: %s" % (where, text), sent=sent)
        return HttpProblem("connect", "%s cannot be reached: %s" % (where, text), sent=sent)

    def _shortened(self, text):
        text = "".join(letter if letter.isalnum() or 32 <= ord(letter) < 127 else " " for letter in scrub.scrubbed(text, self.secrets))
        text = " ".join(text.split())
        return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + u"\u2026"


# EPIPE, ECONNABORTED, ECONNRESET
_CUT = (32, 103, 104)


def _check_headers(service, headers):
    """http.client would quote a value that it refuses, secret or not."""
    for name, value in headers.items():
        if not _HEADER.match(to_text(value)):
            raise HttpProblem("header", "%s was not asked: what goes into the header %s has a line break, a control character or a letter in it that no "
                              "header can carry. Correct the app code, secret or token." % (service, name), sent=False)


def _check_address(service, url):
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0 and not _NOT_IN_ADDRESS.search(url)
    except ValueError:
        valid = False
    if not valid:
        raise HttpProblem("address", "The address of %s must look like http://host:port; it is %s." % (service, _shown(url) or "empty"), sent=False)
    if parts.username is not None or parts.password is not None:
        raise HttpProblem("address", "The address of %s must not hold a name or a password." % service, sent=False)


def _speaks_tls(url):
    """Whether a certificate is looked at on the way: the service's own, or that of a proxy reached by https."""
    return not url.lower().startswith("http:") or any(proxy.lower().startswith("https:") for proxy in getproxies().values())


def _shown(url):
    """Without what may be secret: a user's name and password, query and fragment."""
    return re.sub(r"//[^/@]*@", "//", re.split(r"[?#]", url, maxsplit=1)[0])
