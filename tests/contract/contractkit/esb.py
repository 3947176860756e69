"""An ESB, seen by its callers: URLs, application credentials, answers."""

import json
import time

import requests

SERVER_ERROR_TEXT = "please contact the component developer"


class Answer(object):
    """One answer: HTTP status, JSON body, seconds it took."""

    def __init__(self, response, seconds):
        self.status = response.status_code
        self.text = response.content.decode("utf-8", "replace")
        self.seconds = seconds
        self.body = response.json()

    result = property(lambda self: self.body.get("result"))
    code = property(lambda self: self.body.get("code"))
    message = property(lambda self: self.body.get("message"))
    data = property(lambda self: self.body.get("data") or {})

    @property
    def ok(self):
        return self.status == 200 and self.result is True and self.code == 0

    @property
    def invalid(self):
        return (self.data.get("username_check") or {}).get("invalid") or []

    @property
    def receivers(self):
        """Per-receiver rows by receiver name; a name must not come twice."""
        rows = self.data.get("receivers") or []
        by_name = {row["receiver"]: row for row in rows}
        assert len(by_name) == len(rows), "a receiver is listed twice: %r" % rows
        return by_name

    def row(self, receiver):
        return self.receivers[getattr(receiver, "name", receiver)]

    def reason(self, receiver):
        return self.row(receiver)["reason"]

    def __repr__(self):
        return "<Answer %s in %.2f s: %s>" % (self.status, self.seconds, self.text[:2000])


class Esb(object):
    def __init__(self, url, app_code, app_secret, user="contract_tests", before_call=None):
        self.url = url
        self.before_call = before_call
        self.credentials = {"bk_app_code": app_code, "bk_app_secret": app_secret, "bk_username": user}

    def call(self, path, fields=None, method="POST", style="json", prefix="/api/c/compapi", headers=None,
             credentials="body", raw=None, timeout=60):
        """Call a component over a connection of its own, so that any worker may get it.

        style: json or form (POST); a GET always uses the query. raw replaces the body's JSON text.
        """
        if self.before_call:
            self.before_call()
        fields = dict(fields or {})
        headers = dict(headers or {})
        headers["Connection"] = "close"
        if credentials == "body":
            fields.update(self.credentials)
        else:
            headers["X-Bkapi-Authorization"] = json.dumps(self.credentials)
        arguments = {}
        if method == "GET":
            arguments["params"] = fields
        elif style == "form":
            arguments["data"] = fields
        else:
            headers["Content-Type"] = "application/json"
            arguments["data"] = raw if raw is not None else json.dumps(fields).encode("ascii")
        with requests.Session() as session:
            session.trust_env = False
            started = time.monotonic()
            response = session.request(method, self.url + prefix + path, headers=headers, timeout=timeout, **arguments)
            return Answer(response, time.monotonic() - started)

    def send_ding(self, receivers, content="hello", **fields):
        return self.send("send_ding", receivers, content, **fields)

    def send(self, component, receivers=None, content="hello", **fields):
        """Send through one of our components; keys that start with `_` go to call()."""
        options = {key[1:]: fields.pop(key) for key in list(fields) if key.startswith("_")}
        fields["content"] = content
        if receivers is not None:
            fields["receiver__username"] = names(receivers)
        return self.call("/cmsi/%s/" % component, fields, **options)

    def send_msg(self, receivers, content="hello", title="Title", msg_type="ding", **fields):
        fields.update(msg_type=msg_type, title=title)
        return self.send("send_msg", receivers, content, **fields)


def names(receivers):
    """"a,b" of people, robots or names; a string stays as it is."""
    if isinstance(receivers, (list, tuple)):
        return ",".join(getattr(receiver, "name", receiver) for receiver in receivers)
    return getattr(receivers, "name", receivers)
