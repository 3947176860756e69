"""One-to-one messages and look-ups: batchSend of an app's robot, and mobile number to userid."""

import json
import re

from sandbox.dingtalk import tokens
from sandbox.dingtalk.calls import Answer, api_refusal, oapi_ok, oapi_refusal

MAX_USERID_LENGTH = 64
MOBILE = re.compile(r"\+?\d[\d-]{4,19}")
BATCH_SEND = "/v1.0/robot/oToMessages/batchSend"
GET_BY_MOBILE = "/topapi/v2/user/getbymobile"


class Invalid(Exception):
    """The parameter that batchSend refuses, and why."""


def _template(msg_key, param):
    """(msgtype, title, text) of a message template."""
    if msg_key == "sampleText":
        wanted = ("content",)
    elif msg_key in ("sampleMarkdown", "sampleLink") or re.fullmatch(r"sampleActionCard[2-6]?", msg_key):
        wanted = ("title", "text")
    elif msg_key == "sampleImageMsg":
        wanted = ("photoURL",)
    else:
        raise Invalid("msgKey", "unknown template %s" % msg_key)
    for name in wanted:
        if not isinstance(param.get(name), str) or not param[name].strip():
            raise Invalid("msgParam", "%s needs %s" % (msg_key, name))
    msgtype = msg_key[6:7].lower() + msg_key[7:]
    title = param["title"] if "title" in wanted else ""
    text = param[wanted[-1]]
    if msg_key == "sampleLink" and isinstance(param.get("messageUrl"), str):
        text = "%s\n\n[%s](%s)" % (text, title, param["messageUrl"])
    return msgtype, title, text


def read_batch(body, config):
    """(robotCode, userIds, (msgtype, title, text)); raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid("body", "no JSON object")
    for name in ("robotCode", "msgKey", "msgParam"):
        if not isinstance(body.get(name), str) or not body[name]:
            raise Invalid(name, "missing or not a text")
    user_ids = body.get("userIds")
    if not isinstance(user_ids, list) or not 1 <= len(user_ids) <= config["max_users"]:
        raise Invalid("userIds", "a list of 1 to %d ids is needed" % config["max_users"])
    if not all(isinstance(each, str) and each.strip() and len(each) <= MAX_USERID_LENGTH for each in user_ids):
        raise Invalid("userIds", "an id is no text, empty or longer than %d" % MAX_USERID_LENGTH)
    if len(body["msgParam"].encode("utf-8", "surrogatepass")) > config["param_limit"]:
        raise Invalid("msgParam", "longer than %d bytes" % config["param_limit"])
    try:
        param = json.loads(body["msgParam"])
    except ValueError:
        param = None
    if not isinstance(param, dict):
        raise Invalid("msgParam", "not a JSON object in a string")
    return body["robotCode"], user_ids, _template(body["msgKey"], param)


def _token_refusal(state, call):
    """(app_key, None) or (None, refusal) for a call of api."""
    value = call.headers.get("x-acs-dingtalk-access-token")
    if not value:
        return None, api_refusal(401, "InvalidAuthentication", "缺少access_token (header x-acs-dingtalk-access-token)", call)
    app_key, problem = tokens.owner(state, value, "api", call.now)
    if problem:
        return None, api_refusal(state.config["token_status"], "InvalidAuthentication", "不合法的access_token (%s)" % problem, call)
    if not state.rates.admit((app_key, call.path), state.config["qps"], 1, call.now):
        return None, api_refusal(403, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi",
                                 "应用调用该接口的QPS超过限制 (QPS limit of this app and API)", call)
    if not tokens.allowed(state, app_key, "batchSend"):
        return None, api_refusal(403, "Forbidden.AccessDenied.AccessTokenPermissionDenied", "应用尚未开通所需的权限", call)
    return app_key, None


def quota_refusal(call):
    return api_refusal(403, "Forbidden.AccessDenied.ApiCountLimitForOrg", "您的企业本月api调用量已超过限制", call)


def batch_send(state, call):
    """POST /v1.0/robot/oToMessages/batchSend."""
    if call.method != "POST":
        return api_refusal(405, "InvalidAction.MethodNotAllowed", "POST required", call)
    app_key, refusal = _token_refusal(state, call)
    if refusal:
        return refusal
    try:
        robot_code, user_ids, message = read_batch(call.body, state.config)
    except Invalid as error:
        return api_refusal(400, "invalidParameter.%s.invalid" % error.args[0], "%s: %s" % error.args, call)
    if robot_code != (state.apps[app_key].get("robot_code") or app_key):
        return api_refusal(400, "robotCode.notExsit", "robot 不存在 (robotCode %s)" % robot_code, call)
    if state.config["quota_api"] is not None and state.used_api >= state.config["quota_api"]:
        return quota_refusal(call)
    state.used_api += 1
    return _deliver(state, call, user_ids, message)


def _deliver(state, call, user_ids, message):
    """One message for each known person of the batch, and the lists of those who get none."""
    held, refused = call.fault.get("flow_control", ()), call.fault.get("invalid", ())
    invalid, flow_controlled = [], []
    for user_id in dict.fromkeys(user_ids):
        person = state.people.get(user_id)
        if person is None or user_id in refused:
            invalid.append(user_id)
        elif user_id in held:
            flow_controlled.append(user_id)
        else:
            state.add_message("person", user_id, person["name"], *message, None, None, call.id)
    return Answer({
        "processQueryKey": "sandbox-process-%d" % call.id,
        "invalidStaffIdList": invalid,
        "flowControlledStaffIdList": flow_controlled,
    }, accepted=True)


def oapi_owner(state, call):
    """(app_key, None) or (None, refusal) for a call of oapi that carries an app's token."""
    value = call.query.get("access_token")
    app_key, problem = tokens.owner(state, value, "oapi", call.now)
    if problem == "expired":
        return None, oapi_refusal(42001, "access_token超时 (expired)")
    if problem:
        return None, oapi_refusal(state.config["token_errcode"], "不合法的access_token")
    if not state.rates.admit((app_key, call.path), state.config["qps"], 1, call.now):
        return None, oapi_refusal(90018, "您的应用调用该接口的频率过高，被限流 (QPS limit of this app and API)")
    return app_key, None


def _normal(mobile):
    """Mainland numbers are stored without their country code."""
    return mobile[4:] if mobile.startswith("+86-") else mobile


def get_by_mobile(state, call):
    """POST /topapi/v2/user/getbymobile?access_token {mobile}."""
    if call.method != "POST":
        return oapi_refusal(43002, "需要POST请求 (POST required)")
    app_key, refusal = oapi_owner(state, call)
    if refusal:
        return refusal
    if not tokens.allowed(state, app_key, "getbymobile"):
        return oapi_refusal(60011, "没有调用该接口的权限 (permission getbymobile)")
    mobile = call.body.get("mobile") if isinstance(call.body, dict) else None
    if not isinstance(mobile, str) or not MOBILE.fullmatch(mobile):
        return oapi_refusal(40104, "无效的手机号码 (invalid mobile)")
    user_id = state.by_mobile.get(_normal(mobile))
    if user_id is None:
        return oapi_refusal(60121, "找不到该用户 (no such user)")
    return oapi_ok(result={"userid": user_id, "exclusive_account_userid_list": []}, request_id="sandbox-%d" % call.id)
