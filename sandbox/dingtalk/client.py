"""A plain HTTP client for tests: http.client with JSON bodies, no redirects followed, one connection kept alive."""

import http.client
import json
import time
from urllib.parse import quote, urlencode

from sandbox.dingtalk.signing import sign


class Reply:
    def __init__(self, status, headers, text):
        self.status, self.headers, self.text = status, headers, text

    def json(self):
        return json.loads(self.text)


class Client:
    """Talks to one server on 127.0.0.1; `timeout` in seconds."""

    def __init__(self, port, timeout=10):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)

    def call(self, method, path, body=None, headers=None, **query):
        """A Reply. body: bytes as they are, anything else as JSON in raw UTF-8; query: values to encode onto the path."""
        headers = dict(headers or {})
        if body is not None and not isinstance(body, bytes):
            body = json.dumps(body, ensure_ascii=False).encode("utf-8")
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
        if query:
            path += "?" + urlencode(query)
        self.connection.request(method, path, body, headers)
        response = self.connection.getresponse()
        return Reply(response.status, dict(response.getheaders()), response.read().decode("utf-8"))

    def get(self, path, **query):
        return self.call("GET", path, **query)

    def post(self, path, body=None, headers=None, **query):
        return self.call("POST", path, {} if body is None else body, headers, **query)

    def admin(self, path, body=None):
        """The JSON of an admin call: GET without a body, else POST."""
        reply = self.get("/_admin/" + path) if body is None else self.post("/_admin/" + path, body)
        if reply.status != 200:
            raise ValueError(reply.text)
        return reply.json()

    def close(self):
        self.connection.close()


def robot_path(token, secret=None, timestamp=None, encode=True):
    """The path of a robot's webhook, signed when there is a secret; encode=False leaves the sign as it is."""
    path = "/robot/send?access_token=" + token
    if secret is None:
        return path
    timestamp = str(int(time.time() * 1000)) if timestamp is None else str(timestamp)
    signature = sign(timestamp, secret)
    return "%s&timestamp=%s&sign=%s" % (path, timestamp, quote(signature, safe="") if encode else signature)
