"""Faults on demand: which call they hit, and what the caller then sees."""

from sandbox.dingtalk import person, robot
from sandbox.dingtalk.calls import Answer, oapi_refusal, throttle_style

HTML_PAGE = "<!DOCTYPE html><html><head><title>Error</title></head><body><h1>Service unavailable</h1></body></html>"
# What replaces the answer of a call that DingTalk does not carry out.
REPLACING = ("status", "html", "x5", "errcode", "quota", "redirect", "reset", "timeout")
MODIFYING = ("latency_ms", "drip_ms", "answer", "flow_control", "invalid", "body", "errmsg", "accepted")


def checked(fault):
    """A fault as stored, from the admin's JSON; raises ValueError."""
    action = fault.get("action")
    if not isinstance(action, dict) or not action:
        raise ValueError("action is missing")
    unknown = set(action) - set(REPLACING) - set(MODIFYING)
    if unknown:
        raise ValueError("unknown action: %s" % ", ".join(sorted(unknown)))
    for name in ("reset", "timeout"):
        if name in action and action[name] not in ("before", "after"):
            raise ValueError('%s is "before" or "after"' % name)
    match = fault.get("match") or {}
    unknown = set(match) - {"token", "mobile", "userid", "app_key"}
    if unknown:
        raise ValueError("unknown match: %s" % ", ".join(sorted(unknown)))
    times = int(fault.get("times", 1))
    return {"path": fault.get("path") or None, "action": action, "times": times, "left": times,
            "skip": int(fault.get("skip") or 0), "match": match}


def _matches(fault, call, app_key):
    if fault["path"] and fault["path"] != call.path:
        return False
    if not fault["match"]:
        return True
    values = call.values()
    values["app_key"] = values["app_key"] or app_key
    for name, wanted in fault["match"].items():
        value = values[name]
        if value != wanted and not (isinstance(value, list) and wanted in value):
            return False
    return True


def take(faults, call, app_key):
    """The action for this call, or {}; counts the fault down and drops it when used up."""
    for fault in faults:
        if not _matches(fault, call, app_key):
            continue
        if fault["skip"] > 0:
            fault["skip"] -= 1
            continue
        if fault["times"]:
            fault["left"] -= 1
            if fault["left"] <= 0:
                faults.remove(fault)
        return fault["action"]
    return {}


def label(action):
    """The fault's name in the record of calls, e.g. "reset:after"."""
    name = next((key for key in REPLACING + MODIFYING if key in action), None)
    if name is None:
        return None
    value = action[name]
    return "%s:%s" % (name, value) if isinstance(value, (str, int)) and not isinstance(value, bool) else name


def carried_out(action):
    """Whether DingTalk does what the call asks although the answer is spoilt."""
    if "accepted" in action:
        return bool(action["accepted"])
    if "after" in (action.get("reset"), action.get("timeout")):
        return True
    return not any(name in action for name in REPLACING)


def replaced(action, call, answer):
    """The answer the caller gets instead of `answer` (which is None when the call was not carried out)."""
    accepted = answer is not None and answer.accepted
    if action.get("redirect"):
        return Answer("", status=302, html=True, accepted=accepted, headers={"Location": "/_punish"})
    if "status" in action and not action.get("html"):
        body = action.get("body", {"code": "system.error", "message": "system error", "requestid": "SANDBOX-%d" % call.id})
        return Answer(body, status=action["status"], accepted=accepted)
    if action.get("html"):
        return Answer(HTML_PAGE, status=action.get("status", 200), html=True, accepted=accepted)
    if action.get("x5"):
        style = throttle_style("x5")
        style.accepted = accepted
        return style
    if "errcode" in action:
        return oapi_refusal(action["errcode"], action.get("errmsg", "sandbox fault"))
    if action.get("quota"):
        return _quota(call)
    if "answer" in action and answer is not None:
        return Answer(action["answer"], accepted=True)
    return answer if answer is not None else Answer({})


def _quota(call):
    if call.path == person.BATCH_SEND:
        return person.quota_refusal(call)
    if call.path == "/robot/send":
        return robot.quota_refusal()
    return oapi_refusal(90020, "您的企业本月api调用量已超过限制")
