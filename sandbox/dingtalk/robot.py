"""Group robots: POST /robot/send."""

import json

from sandbox.dingtalk import signing
from sandbox.dingtalk.calls import oapi_ok, oapi_refusal, throttle_style

MAX_MENTIONS = 50


class Malformed(Exception):
    """errcode and errmsg of a message that cannot be read."""


def _filled(part, *names):
    for name in names:
        value = part.get(name)
        if not isinstance(value, str) or not value.strip():
            raise Malformed(40035, "缺少参数 %s (missing or not a text)" % name)
    return tuple(part[name] for name in names)


def _text(part):
    return ("",) + _filled(part, "content")


def _markdown(part):
    return _filled(part, "title", "text")


def _link(part):
    title, text, url = _filled(part, "title", "text", "messageUrl")
    return title, "%s\n\n[%s](%s)" % (text, title, url)


def _feed_card(part):
    links = part.get("links")
    if not isinstance(links, list) or not links or not all(isinstance(link, dict) for link in links):
        raise Malformed(40035, "缺少参数 links")
    return "", "\n".join("- [%s](%s)" % _filled(link, "title", "messageURL") for link in links)


READERS = {"text": _text, "markdown": _markdown, "link": _link, "actionCard": _markdown, "feedCard": _feed_card}


def read_message(body):
    """(msgtype, title, text, at) of a robot message; raises Malformed."""
    if not isinstance(body, dict):
        raise Malformed(40035, "缺少参数 json (the body is no JSON object)")
    msgtype = body.get("msgtype")
    if msgtype is None:
        raise Malformed(40035, "缺少参数 msgtype")
    reader = READERS.get(msgtype) if isinstance(msgtype, str) else None
    if reader is None:
        raise Malformed(400105, "不支持的消息类型 %s (unsupported msgtype)" % json.dumps(msgtype))
    part = body.get(msgtype)
    if not isinstance(part, dict):
        raise Malformed(40035, "缺少参数 %s" % msgtype)
    title, text = reader(part)
    return msgtype, title, text, _mentions(body.get("at"))


def _mentions(at):
    if at is None:
        return None
    if not isinstance(at, dict):
        raise Malformed(40035, "at is no JSON object")
    count = 0
    for name in ("atMobiles", "atUserIds"):
        values = at.get(name)
        if values is not None and not isinstance(values, list):
            raise Malformed(40035, "at.%s is no list" % name)
        count += len(values or ())
    if count > MAX_MENTIONS:
        raise Malformed(40035, "at names more than %d people" % MAX_MENTIONS)
    return at


def _wire_refusal(state, call):
    """Refusals that need no robot: method, size, content type."""
    if call.method != "POST":
        return oapi_refusal(43002, "需要POST请求 (POST required)")
    if len(call.raw) > state.config["body_limit"]:
        return oapi_refusal(460101, "message too long: %d bytes, at most %d" % (len(call.raw), state.config["body_limit"]))
    if "json" not in call.headers.get("Content-Type", "").lower():
        return oapi_refusal(43004, "无效的HTTP HEADER Content-Type (application/json required)")
    return None


def _robot_refusal(robot):
    if robot is None:
        return oapi_refusal(300005, "token is not exist")
    if robot.get("dissolved"):
        return oapi_refusal(400013, "群已被解散 (the group is dissolved)")
    if robot.get("stopped"):
        return oapi_refusal(400102, "机器人已停用 (the robot is stopped)")
    return None


def _security_refusal(state, call, robot):
    if not robot["secret"]:
        return None
    reason = signing.refusal(robot["secret"], call.query.get("timestamp"), call.query.get("sign"), state.now_ms())
    return oapi_refusal(310000, reason) if reason else None


def _keyword_refusal(robot, title, text):
    keywords = robot.get("keywords")
    if not keywords or any(word in title or word in text for word in keywords):
        return None
    return oapi_refusal(310000, "keywords not in content (关键词不匹配)")


def quota_refusal():
    return oapi_refusal(90030, "webhook over limit: 本月webhook消息条数已超过额度 (monthly quota used up)")


def send(state, call):
    """POST /robot/send?access_token&timestamp&sign."""
    refusal = _wire_refusal(state, call)
    if refusal:
        return refusal
    token = call.query.get("access_token")
    if not token:
        return oapi_refusal(300001, "token is empty")
    robot = state.robots.get(token)
    refusal = _robot_refusal(robot)
    if refusal:
        return refusal
    if state.config["robot_per_minute"] and state.rates.blocked(token, call.now):
        return throttle_style(state.config["throttle_style"])
    refusal = _security_refusal(state, call, robot)
    if refusal:
        return refusal
    try:
        msgtype, title, text, at = read_message(call.body)
    except Malformed as error:
        return oapi_refusal(*error.args)
    return _keyword_refusal(robot, title, text) or _accept(state, call, robot, (msgtype, title, text, at))


def _accept(state, call, robot, message):
    token, config = robot["token"], state.config
    uuid = str(call.body.get("msgUuid") or "") or None
    if uuid and (token, uuid) in state.uuids:
        return oapi_ok()
    if not state.rates.admit_robot(token, config["robot_per_minute"], config["block_seconds"], call.now, config["robot_window_seconds"]):
        return throttle_style(config["throttle_style"])
    if config["quota_webhook"] is not None and state.used_webhook >= config["quota_webhook"]:
        return quota_refusal()
    state.used_webhook += 1
    state.add_message("group", token, robot["name"], *message, uuid, call.id)
    return oapi_ok()
