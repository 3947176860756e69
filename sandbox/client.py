"""A small JSON client for the sandbox's own services."""

import json
import urllib.error
import urllib.request

from sandbox.errors import SandboxError

_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def call(method, url, body=None, headers=None, seconds=30):
    """One request; returns (status, parsed body). Raises SandboxError when there is no JSON answer."""
    data = None if body is None else json.dumps(body).encode("utf-8")
    headers = dict(headers or {}, **{"Content-Type": "application/json"})
    request = urllib.request.Request(url, data, headers, method=method)
    try:
        with _OPENER.open(request, timeout=seconds) as answer:
            status, text = answer.status, answer.read()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read()
    except OSError as error:
        raise SandboxError("%s %s: no answer (%s)." % (method, url, error)) from error
    if not text:
        return status, None
    try:
        return status, json.loads(text)
    except ValueError as error:
        raise SandboxError("%s %s answered %d without JSON: %.300r" % (method, url, status, text)) from error


def post(url, body, headers=None):
    """A POST that has to succeed; returns the parsed answer."""
    status, answer = call("POST", url, body, headers)
    if status >= 300:
        raise SandboxError("POST %s answered %d: %s" % (url, status, json.dumps(answer, ensure_ascii=False)))
    return answer


def get(url):
    """A GET that has to succeed; returns the parsed answer."""
    status, answer = call("GET", url)
    if status >= 300:
        raise SandboxError("GET %s answered %d: %s" % (url, status, json.dumps(answer, ensure_ascii=False)))
    return answer


def esb(base, path, fields, app_code, app_secret, username="admin", method="POST"):
    """A call of an ESB component. The credentials go into the header that the ESB does not log."""
    authorization = {"bk_app_code": app_code, "bk_app_secret": app_secret, "bk_username": username}
    _, answer = call(method, base + path, fields, {"X-Bkapi-Authorization": json.dumps(authorization)}, seconds=60)
    return answer
