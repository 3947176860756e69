# -*- coding: utf-8 -*-
"""DingTalk's robots: URLs, signing, tokens and the meaning of its answers. Nothing else knows these.

Sources: DingTalk's documentation of custom robots, of internal apps' robots and of errors.
"""
from __future__ import absolute_import, division, print_function

import base64
import hashlib
import hmac
import json
import re
import threading
import time
from collections import namedtuple

from .limits import hold_robot, robot_wait, wait_for_call
from .names import monotonic, text_type
from .secret import MASK, Secret, redact
from .settings import DINGTALK_PATH
from .store import store
from .transport import CallFailed

# One call takes 1 to 20 user ids.
PEOPLE_PER_CALL = 20
# A token lives for 7,200 s; it is renewed this much earlier.
RENEW_EARLY = 600
# How long one worker's fetch may keep the others waiting.
LEASE_SECONDS = 4
# Hits may be kept for long; a number that is not there may be there soon.
USER_ID_LIFE = 24 * 3600
NO_USER_ID_LIFE = 120
NO_USER_ID = u"-"

# What a call came to. DONE: accepted. BUSY: certainly not accepted, may be tried again. UNCERTAIN: may have been accepted.
# REFUSED: certainly not accepted, for good. HELD: the robot must be left alone for `wait` seconds. TOO_LARGE: split and
# send. LATER: no call was made, there is a place for it in `wait` seconds. LATE: no call was made, there is no time.
DONE, BUSY, UNCERTAIN, REFUSED, HELD, TOO_LARGE, LATER, LATE, POISONED = (
    "done busy uncertain refused held too_large later late poisoned".split()
)

Verdict = namedtuple("Verdict", "kind reason data wait")

_BUSY_ERRCODES = {-1, 90002, 90018}
_TOO_FAST_ERRCODES = {130101, 410100}
_TOO_LARGE_ERRCODES = {460101, 101002}
_TOKEN_ERRCODES = {40014, 40001, 42001}
_NOT_THERE_ERRCODES = {60121, 40104}
# What is wrong with one message and need not be with the next: malformed or unsafe; 310000 when it is about keywords.
_CONTENT_ERRCODES = {40035, 43004, 400105, 43002, 400403, 430101, 430102, 430103, 430104}
_KEYWORDS = (u"keyword", u"\u5173\u952e\u8bcd")
_LISTS = ("invalidStaffIdList", "filteredStaffIdList", "flowControlledStaffIdList")
_INTEGER = re.compile(r"^-?[0-9]{1,9}$")
# What an HTTP header can carry: anything else is no token.
_TOKEN = re.compile(r"^[\x21-\x7e]{1,2000}$")
FLOW_CONTROL = u"DingTalk's flow control answered in its place"
# Shorter values would star harmless words.
_SHORTEST_SECRET = 6
_HINTS = {
    300001: u"the access token belongs to no group robot",
    300005: u"the access token belongs to no group robot",
    400101: u"the access token belongs to no group robot",
    400013: u"the group is gone",
    400102: u"the robot is stopped",
    400106: u"the robot is no longer in the group",
    60011: u"the app lacks the permission to look up members by mobile number",
}
_BUSY_CODES = ("send.too.fast", "send.bytoken.toofast", "too.many.people", "system.error")


def _verdict(kind, reason=u"", data=None, wait=0):
    return Verdict(kind, reason, data or {}, wait)


def sign(secret, timestamp):
    """base64(HMAC-SHA256(key=secret, timestamp newline secret)); the HTTP library URL-encodes it, once."""
    key = secret.reveal().encode("utf-8")
    message = (u"%d\n%s" % (timestamp, secret.reveal())).encode("utf-8")
    return base64.b64encode(hmac.new(key, message, digestmod=hashlib.sha256).digest()).decode("ascii")


def encode(value):
    r"""A JSON body as bytes, in raw UTF-8: `\uXXXX` would double Chinese text, and the limits count bytes."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8")


def group_body(msg_key, part, uuid, at):
    """The body of a group message as bytes. part: {"title", "text"}; at: {"atMobiles": […], "isAtAll": bool} or None."""
    if msg_key == "markdown":
        message = {"msgtype": "markdown", "markdown": {"title": part["title"], "text": part["text"]}}
    else:
        message = {"msgtype": "text", "text": {"content": part["text"]}}
    message["msgUuid"] = uuid
    if at:
        message["at"] = at
    return encode(message)


def person_param(msg_key, part):
    """msgKey and msgParam (a JSON text) of a one-to-one message."""
    if msg_key == "markdown":
        return u"sampleMarkdown", encode({"title": part["title"], "text": part["text"]}).decode("utf-8")
    return u"sampleText", encode({"content": part["text"]}).decode("utf-8")


class DingTalk(object):
    """DingTalk for one request of the ESB: single calls, each with its verdict. Who calls decides what to repeat."""

    _renewing = {}
    _renewing_lock = threading.Lock()

    def __init__(self, settings, transport, deadline):
        """settings: Settings; transport: Transport; deadline: monotonic seconds."""
        self._settings = settings
        self._transport = transport
        self._deadline = deadline
        self._robot_code = settings.robot_code or settings.ding_app_key
        self._secrets = {settings.ding_app_secret.reveal()}
        app = u"\n".join((settings.ding_app_key, settings.ding_app_secret.reveal(), settings.api_url))
        self._app = Secret(app).fingerprint()

    def scrub(self, text):
        """`text` without the secrets that were used: DingTalk's own words may quote them."""
        for value in list(self._secrets):
            if len(value) >= _SHORTEST_SECRET:
                text = text.replace(value, MASK)
        return text

    def is_connected(self, groups):
        """Whether a kept connection waits for the next call: of the old API, which groups' robots use, or the new one."""
        return self._transport.is_connected(self._settings.oapi_url if groups else self._settings.api_url)

    # --- group robots ---------------------------------------------------------------------------------------------

    def send_to_group(self, token, secret, body, until=None):
        """One group message; body from group_body. token, secret: Secret; until: monotonic seconds."""
        wait = robot_wait(token)
        if wait > 0:
            return _verdict(HELD, wait=wait)
        self._secrets.update((token.reveal(), secret.reveal()))
        timestamp = int(time.time() * 1000)
        query = {"access_token": token.reveal(), "timestamp": "%d" % timestamp, "sign": sign(secret, timestamp)}
        answer = self._call("POST", self._settings.oapi_url + "/robot/send", query=query, body=body, until=until)
        if isinstance(answer, Verdict):
            return answer
        data = _json(answer)
        if answer.status == 302 or _is_flow_control(data):
            return _verdict(HELD, wait=hold_robot(token, self._settings.robot_window))
        code = _errcode(data)
        if code is None or (code == 0 and answer.status != 200):
            return _without_meaning(answer)
        if code == 0:
            return _verdict(DONE)
        if code in _TOO_FAST_ERRCODES:
            return _verdict(HELD, wait=hold_robot(token, self._settings.robot_window))
        if code in _TOO_LARGE_ERRCODES:
            return _verdict(TOO_LARGE, _oapi_reason(data))
        if code in _BUSY_ERRCODES:
            return _verdict(BUSY, _oapi_reason(data))
        reason = _oapi_reason(data)
        if code == 310000 and u"timestamp" in reason.lower():
            reason += u"; is this host's clock right? DingTalk allows one hour"
        content = _is_about_content(code, reason)
        return _verdict(REFUSED, reason, data={"content": content, "receiver": not content and (code in _HINTS or code == 310000)})

    # --- one-to-one -----------------------------------------------------------------------------------------------

    def send_to_people(self, user_ids, msg_key, msg_param):
        """One call for 1 to 20 people. DONE's data: {user id: reason} of those refused, and of those to try later."""
        body = encode(
            {"robotCode": self._robot_code, "userIds": user_ids, "msgKey": msg_key, "msgParam": msg_param}
        )
        answer = self._with_token("POST", u"/v1.0/robot/oToMessages/batchSend", body)
        if isinstance(answer, Verdict):
            return answer
        data = _json(answer)
        if data is None:
            return _without_meaning(answer)
        if _is_flow_control(data):
            return _verdict(BUSY, FLOW_CONTROL, data={"slow": True})
        lists = [_listed(data.get(field), user_ids) for field in _LISTS]
        if None in lists:
            # Somebody was refused, and nobody can tell who: no one counts as sent to, and no one is sent to again.
            return _verdict(UNCERTAIN, u"DingTalk refused some receivers without saying clearly whom", data={"final": True})
        invalid, filtered, slow = lists
        refused = dict.fromkeys(invalid, u"DingTalk knows no such user id in this organisation")
        refused.update(dict.fromkeys(filtered, u"DingTalk filtered this receiver out"))
        key = data.get("processQueryKey")
        if len(set(refused) | set(slow)) < len(user_ids) and not (isinstance(key, text_type) and key.strip()):
            return _without_meaning(answer)
        return _verdict(DONE, data={"refused": refused, "slow": slow})

    def find_user_id(self, mobile, until):
        """The user id of a mobile number in DingTalk's form. DONE's data: {"user_id": text or None}.

        until: monotonic seconds by which the call has ended.
        """
        body = encode({"mobile": mobile})
        url = self._settings.oapi_url + "/topapi/v2/user/getbymobile"
        token = None
        for attempt in range(4):
            got = self.token(self._oapi_token_source(), stale=token)
            if got.kind != DONE:
                return got
            token = got.data["token"]
            self._secrets.add(token.reveal())
            answer = self._call("POST", url, query={"access_token": token.reveal()}, body=body, until=until)
            if isinstance(answer, Verdict):
                return answer
            data = _json(answer)
            if answer.status == 302 or _is_flow_control(data):
                return _verdict(BUSY, FLOW_CONTROL)
            code = _errcode(data)
            if code is None or (code == 0 and answer.status != 200):
                return _without_meaning(answer)
            if code in _TOKEN_ERRCODES or (code == 88 and not _lacks_permission(data)):
                if attempt == 1:
                    # A fresh token of the new endpoint is not taken by the old API: ask the old endpoint for one.
                    store.set(u"oapi-token:" + self._app, u"oapi", USER_ID_LIFE)
                    token = None
                continue
            break
        else:
            return _verdict(REFUSED, _oapi_reason(data), data={"app": True})
        if code == 0:
            user_id = _user_id(data.get("result"))
            if user_id is None:
                return _without_meaning(answer)
            self._remember(mobile, user_id)
            return _verdict(DONE, data={"user_id": user_id})
        if code in _NOT_THERE_ERRCODES:
            self._remember(mobile, None)
            return _verdict(DONE, data={"user_id": None})
        if code in _BUSY_ERRCODES:
            return _verdict(BUSY, _oapi_reason(data), data={"rate": code != -1})
        return _verdict(REFUSED, _oapi_reason(data), data={"app": code in (60011, 88)})

    def known_user_ids(self, mobiles):
        """{mobile: user id, or None for a number that DingTalk lately did not know} of the numbers seen before."""
        keys = {self._mobile_key(mobile): mobile for mobile in mobiles}
        found = store.get_many(list(keys))
        return {keys[key]: (None if value == NO_USER_ID else value) for key, value in found.items()}

    def forget_user_id(self, mobile):
        """Look this number up anew next time: DingTalk refused the user id that was remembered."""
        store.forget(self._mobile_key(mobile))

    def _remember(self, mobile, user_id):
        life = USER_ID_LIFE if user_id else NO_USER_ID_LIFE
        store.set(self._mobile_key(mobile), user_id or NO_USER_ID, life)

    def _mobile_key(self, mobile):
        return u"user:" + Secret(u"%s\n%s" % (self._settings.ding_app_key + self._settings.oapi_url, mobile)).fingerprint()

    # --- tokens ---------------------------------------------------------------------------------------------------

    def token(self, source="api", stale=None):
        """A token, from the cache or new. stale: one that DingTalk no longer takes. DONE's data: {"token": Secret}."""
        for name in ("ding_app_key", "ding_app_secret"):
            if not getattr(self._settings, name):
                return _verdict(REFUSED, u"setting %s of channel %s is not set" % (name, DINGTALK_PATH), data={"app": True})
        key = u"token:%s:%s" % (source, self._app)
        value = store.get(key)
        if value and not (stale and stale.reveal() == value):
            return _verdict(DONE, data={"token": Secret(value)})
        with self._renewing_lock:
            lock = self._renewing.setdefault(key, threading.Lock())
            if len(self._renewing) > 1000:
                self._renewing.clear()
                self._renewing[key] = lock
        with lock:
            value = store.get(key)
            if stale and value == stale.reveal():
                # Another worker may have renewed it; this process's memory does not know.
                store.memory.forget(key)
                value = store.get_shared(key)
            if value and not (stale and stale.reveal() == value):
                return _verdict(DONE, data={"token": Secret(value)})
            refused = store.memory.get(u"no-" + key)
            if refused:
                return _verdict(REFUSED, refused, data={"app": True})
            return self._fetch_once(source, key, stale)

    def _fetch_once(self, source, key, stale):
        """Of all workers that share a Redis one fetches; the others wait for its token, or fetch when it takes too long."""
        lease = u"lease:" + key
        give_up = min(self._deadline, monotonic() + LEASE_SECONDS)
        while not store.lease(lease, LEASE_SECONDS):
            value = store.get_shared(key)
            if value and not (stale and stale.reveal() == value):
                return _verdict(DONE, data={"token": Secret(value)})
            if monotonic() >= give_up:
                return self._fetch_token(source, key)
            time.sleep(0.02)
        try:
            # The one before may have finished between our look and our lease.
            value = store.get_shared(key)
            if value and not (stale and stale.reveal() == value):
                return _verdict(DONE, data={"token": Secret(value)})
            return self._fetch_token(source, key)
        finally:
            store.end_lease(lease)

    def _fetch_token(self, source, key):
        app_key, app_secret = self._settings.ding_app_key, self._settings.ding_app_secret.reveal()
        if source == "api":
            url = self._settings.api_url + "/v1.0/oauth2/accessToken"
            answer = self._call("POST", url, body=encode({"appKey": app_key, "appSecret": app_secret}))
        else:
            url, query = self._settings.oapi_url + "/gettoken", {"appkey": app_key, "appsecret": app_secret}
            answer = self._call("GET", url, query=query)
        if isinstance(answer, Verdict):
            return answer
        data = _json(answer) or {}
        if answer.status == 302 or _is_flow_control(data):
            return _verdict(BUSY, FLOW_CONTROL)
        value = data.get("accessToken") or data.get("access_token")
        if answer.status == 200 and isinstance(value, text_type) and _TOKEN.match(value):
            life = _seconds(data.get("expireIn") or data.get("expires_in"))
            store.set(key, value, max(1, life - RENEW_EARLY if life > 2 * RENEW_EARLY else life // 2))
            return _verdict(DONE, data={"token": Secret(value)})
        if answer.status >= 500 or _errcode(data) in _BUSY_ERRCODES:
            return _verdict(BUSY, _reason(answer, data))
        if answer.status == 200 and not _errcode(data):
            return _without_meaning(answer)
        reason = u"DingTalk refused the app: %s; check ding_app_key and ding_app_secret of channel %s" % (
            _reason(answer, data), DINGTALK_PATH)
        if _busy_code(answer, data):
            return _verdict(BUSY, reason)
        # A storm of alarms must not become a storm of token requests.
        store.memory.set(u"no-" + key, reason, 3)
        return _verdict(REFUSED, reason, data={"app": True})

    def _oapi_token_source(self):
        return store.get(u"oapi-token:" + self._app) or "api"

    def _with_token(self, method, path, body):
        """A call of the new API; the token is renewed once when it is refused. An Answer of status 200, or a Verdict."""
        token = None
        for _ in range(2):
            got = self.token("api", stale=token)
            if got.kind != DONE:
                # Whatever became of the token call, the call that needs it was not made.
                return got._replace(kind=BUSY) if got.kind == UNCERTAIN else got
            token = got.data["token"]
            self._secrets.add(token.reveal())
            headers = {"x-acs-dingtalk-access-token": token.reveal()}
            answer = self._call(method, self._settings.api_url + path, body=body, headers=headers)
            if isinstance(answer, Verdict):
                return answer
            if answer.status == 200:
                return answer
            data = _json(answer) or {}
            code = text_type(data.get("code") or u"")
            if answer.status in (400, 401) and (code == u"InvalidAuthentication" or (answer.status == 401 and not code)):
                continue
            return self._refusal(answer, data, code)
        return _verdict(REFUSED, _reason(answer, data))

    def _refusal(self, answer, data, code):
        reason = _reason(answer, data)
        if _busy_code(answer, data) or answer.status == 302:
            return _verdict(BUSY, reason, data={"slow": not code.lower().endswith("system.error")})
        if not data or answer.status < 300:
            return _without_meaning(answer)
        if answer.status >= 500:
            return _verdict(UNCERTAIN, reason)
        if code.lower() == u"staffid.notexisted":
            return _verdict(POISONED, reason)
        if u"robotcode" in code.lower():
            reason += u"; is the app published, and robot_code of channel %s right?" % DINGTALK_PATH
        app = answer.status in (401, 403) or u"robotcode" in code.lower()
        return _verdict(REFUSED, reason, data={"content": code.lower().startswith(u"invalidparameter") and not app, "app": app})

    # --- one call -------------------------------------------------------------------------------------------------

    def turn(self, api, until):
        """Take a place for one call of an API: None for now, else a verdict LATER (the place is kept) or LATE.

        until: monotonic seconds by which the call must have begun.
        """
        left = until - monotonic()
        wait = wait_for_call(self._settings.ding_app_key, api, self._settings.qps, left - 0.1)
        if wait is None:
            return _verdict(LATE, u"the deadline came before DingTalk's limit of calls a second allowed it")
        if wait > 0.005:
            return _verdict(LATER, wait=wait)
        return None

    def _call(self, method, url, query=None, body=None, headers=None, until=None):
        """An Answer with a status that needs a closer look, or a Verdict."""
        headers = dict(headers or {}, **{"Content-Type": "application/json; charset=utf-8"})
        until = until or self._deadline
        failure = None
        try:
            answer = self._transport.call(method, url, until, query=query, body=body, headers=headers)
        except CallFailed as error:
            failure = error
        if failure is not None:
            if failure.final:
                return _verdict(REFUSED, failure.reason, data={"app": True})
            if failure.sent:
                return _verdict(UNCERTAIN, failure.reason)
            return _verdict(LATE if self._deadline - monotonic() <= 0.02 else BUSY, failure.reason)
        if answer.status in (301, 303, 307, 308):
            return _verdict(REFUSED, u"HTTP %d: redirected; check oapi_url and api_url" % answer.status)
        if answer.status == 407:
            return _verdict(REFUSED, u"HTTP 407: the proxy wants a user name and password; check proxy", data={"app": True})
        if answer.status in (429, 502, 503):
            return _verdict(BUSY, _reason(answer, _json(answer) or {}), data={"slow": answer.status == 429})
        if answer.status == 504:
            return _verdict(UNCERTAIN, _reason(answer, _json(answer) or {}))
        return answer


def _json(answer):
    """The JSON object of an answer, or None."""
    try:
        data = json.loads(answer.body.decode("utf-8"))
    except ValueError:
        return None
    return data if isinstance(data, dict) else None


def _errcode(data):
    """errcode as a number, which DingTalk sends as a number or a numeric text; None when there is none."""
    code = (data or {}).get("errcode")
    if isinstance(code, bool) or not _INTEGER.match(text_type(code)):
        return None
    return int(code)


def _is_flow_control(data):
    # In front of DingTalk's own servers: {"status": 1111, "wait": 5, "punish": "deny"}.
    return bool(data) and "errcode" not in data and "status" in data and ("punish" in data or "wait" in data)


def _seconds(value):
    """A token's life as DingTalk tells it, else the one that is documented."""
    return int(value) if not isinstance(value, bool) and _INTEGER.match(text_type(value)) else 7200


def _user_id(value):
    """The user id in a look-up's result as text; None when there is none."""
    value = value.get("userid") if isinstance(value, dict) else None
    if isinstance(value, bool) or not isinstance(value, (text_type, int)):
        return None
    return text_type(value).strip() or None


def _listed(value, user_ids):
    """Those of `user_ids` that a list of DingTalk's names, whatever the case; None when it names anybody else."""
    if value is None:
        return []
    known = {user_id.lower(): user_id for user_id in user_ids}
    entries = [text_type(entry).lower() for entry in value] if isinstance(value, list) else [None]
    return [known[entry] for entry in entries] if all(entry in known for entry in entries) else None


def _is_about_content(code, words):
    return code in _CONTENT_ERRCODES or (code == 310000 and any(word in words.lower() for word in _KEYWORDS))


def _lacks_permission(data):
    sub_code = text_type(data.get("sub_code") or u"")
    words = text_type(data.get("errmsg") or u"") + text_type(data.get("sub_msg") or u"")
    return u"60011" in sub_code or u"60011" in words or u"permission" in words.lower() or u"权限" in words


def _oapi_reason(data):
    code = _errcode(data)
    hint = _HINTS.get(code)
    words = redact(text_type(data.get("errmsg") or u"")).strip()[:300]
    return u"DingTalk refused: errcode %s %s%s" % (code, words, u" (%s)" % hint if hint else u"")


def _reason(answer, data):
    code = redact(text_type(data.get("code") or data.get("errcode") or u""))[:100]
    words = redact(text_type(data.get("message") or data.get("errmsg") or u"")).strip()[:300]
    if code or words:
        return (u"HTTP %d %s %s" % (answer.status, code, words)).rstrip()
    if _json(answer) is not None:
        return u"HTTP %d without the fields that DingTalk answers with" % answer.status
    kind = answer.content_type.split(";")[0] or "no content type"
    return u"HTTP %d with %s in place of JSON; is there a proxy in between?" % (answer.status, kind)


def _busy_code(answer, data):
    code = text_type(data.get("code") or u"").lower()
    if any(code.endswith(busy) for busy in _BUSY_CODES):
        return True
    return answer.status in (403, 429) and (u"qps" in code or u"qpm" in code)


def _without_meaning(answer):
    """An answer that is not DingTalk's: nobody can tell whether DingTalk got the message."""
    return _verdict(UNCERTAIN, _reason(answer, {}))


def held_reason(name, seconds):
    """What a receiver is told whose robot DingTalk has refused for speed."""
    return (
        u"robot %s sent more than DingTalk's 20 messages a minute and is blocked: no message goes to it for %d seconds"
        % (name, int(seconds + 0.999))
    )
