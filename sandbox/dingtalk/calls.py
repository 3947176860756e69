"""One call and its answer, as the endpoints see them: plain data, no web framework."""

import json
from dataclasses import dataclass, field
from urllib.parse import parse_qsl


@dataclass
class Call:
    id: int
    method: str
    path: str
    query: dict
    headers: dict
    raw: bytes
    now: float  # seconds of the wall clock, for windows and token life
    fault: dict = field(default_factory=dict)  # the action of the fault that applies, or empty
    body: object = None  # the parsed JSON, None when it is none
    text: str = ""

    def values(self):
        """What faults can match: the caller's values under the names of the admin API."""
        body = self.body if isinstance(self.body, dict) else {}
        return {
            "token": self.query.get("access_token"),
            "mobile": body.get("mobile"),
            "userid": body.get("userIds"),
            "app_key": body.get("appKey") or self.query.get("appkey"),
        }


@dataclass
class Answer:
    """status and JSON body (or raw text), whether DingTalk took the call as done, and the code for the record."""

    body: object
    status: int = 200
    accepted: bool = False
    html: bool = False
    headers: dict = field(default_factory=dict)

    def code(self):
        if isinstance(self.body, dict):
            return self.body.get("errcode", self.body.get("code"))
        return None


def parse_query(raw_path):
    """Decode the query string once; a + that was not encoded becomes a space, as everywhere on the web."""
    return dict(parse_qsl(raw_path.partition("?")[2], keep_blank_values=True))


def parse_body(raw):
    """The JSON body and its text; (None, text) when it is no JSON in UTF-8."""
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None, raw.decode("utf-8", "replace")
    try:
        return json.loads(text), text
    except (ValueError, RecursionError):
        return None, text


def oapi_ok(**values):
    return Answer({"errcode": 0, "errmsg": "ok", **values}, accepted=True)


def oapi_refusal(errcode, errmsg):
    """oapi refuses with HTTP 200 and a non-zero errcode."""
    return Answer({"errcode": errcode, "errmsg": errmsg})


def api_refusal(status, code, message, call):
    return Answer({"code": code, "message": message, "requestid": "SANDBOX-%d" % call.id}, status=status)


def throttle_style(style):
    """The shapes in which DingTalk was seen to say "too fast"."""
    if style == "302":
        return Answer("", status=302, html=True, headers={"Location": "/_punish"})
    if style == "x5":
        return Answer({"status": 1111, "wait": 5, "source": "x5", "punish": "deny", "uuid": "sandbox"})
    if style == "410100":
        return oapi_refusal(410100, "发送速度太快而限流 (send too fast)")
    return oapi_refusal(130101, "send too fast, exceed 20 times per minute")
