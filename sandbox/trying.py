"""What a newcomer tries after the demo: a message of one's own, and a DingTalk that refuses."""

from sandbox import client, receivers
from sandbox.errors import SandboxError

# What the next calls of the robot get, by the word on the command line. The number 0 holds until it is taken back.
FAULTS = {
    "refused": {"errcode": 310000, "errmsg": "keywords not in content"},
    "too-fast": {"errcode": 130101, "errmsg": "send too fast, exceed 20 times per minute"},
    "no-answer": {"reset": "after"},
}
ROBOTS = "/robot/send"


def send(sandbox, names, title, content, msg_key=""):
    """Sends by the platform's send_msg, or, when a form is asked for, which send_msg cannot pass on, by send_ding; returns the answer."""
    sandbox.need_up()
    fields = {"receiver__username": names or "%s,%s" % (receivers.ROBOT, receivers.PERSON), "title": title, "content": content}
    if msg_key:
        path, fields["msg_key"] = "/api/c/compapi/cmsi/send_ding/", msg_key
    else:
        path, fields["msg_type"] = "/api/c/compapi/cmsi/send_msg/", "ding"
    answer = client.esb(sandbox.state["urls"]["esb"], path, fields, sandbox.state["app_code"], sandbox.state["app_secret"])
    if not isinstance(answer, dict):
        raise SandboxError("The ESB answered with nothing that can be read.")
    return answer


def told(answer):
    """Lines for a person: the message, and the outcome of each receiver."""
    data = answer.get("data") if isinstance(answer.get("data"), dict) else {}
    lines = ["The ESB answered: %s" % answer.get("message")]
    return lines + ["  %s: %s%s" % (each["receiver"], each["outcome"], ", " + each["reason"] if each["reason"] else "")
                    for each in data.get("receivers") or []] + ["  note: %s" % each for each in data.get("warnings") or []]


def fault(sandbox, kind, times):
    """Makes the sandbox's DingTalk answer the robot's next calls with a fault, or with none any more (`off`)."""
    sandbox.need_up()
    base = sandbox.state["urls"]["dingtalk"]
    if kind == "off":
        client.call("DELETE", base + "/_admin/faults")
    else:
        client.post(base + "/_admin/faults", {"path": ROBOTS, "action": FAULTS[kind], "times": times})
