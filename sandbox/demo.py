"""`make demo`: the sandbox, one robot, one person, one message to both, and what arrived at DingTalk.

Exit code 0 only when DingTalk really has the message twice: once in the robot's group, once for the person.
"""

import sys
import time

from sandbox import client, environments, paths, receivers, state
from sandbox.control import Sandbox
from sandbox.errors import SandboxError

ARRIVAL_SECONDS = 10


class Steps:
    """Prints one line per step: seconds since the start, and what was done."""

    def __init__(self):
        self.began = time.monotonic()

    def __call__(self, text):
        print("%6.1f s  %s" % (time.monotonic() - self.began, text), flush=True)


def main():
    step = Steps()
    sandbox = Sandbox(paths.Home.current(), say=step)
    try:
        with state.locked(sandbox.home.lock):
            environments.tools(step)
            _start(sandbox, step)
        urls = sandbox.state["urls"]
        _create_robot(urls, step)
        title = "Disk almost full on db-1"
        content = "/data is at 93 %% (checked at %s)" % time.strftime("%H:%M:%S")
        before = _last_message(urls["dingtalk"])
        answer = _send(sandbox, title, content, step)
        arrived = _wait_for(urls["dingtalk"], before, content)
    except SandboxError as error:
        print("\nThe demo failed: %s" % error, file=sys.stderr)
        return 1
    for message in arrived.values():
        text = (message.get("text") or "").replace("\n", "\n               ")
        print("             %s: %s\n               %s" % (message["kind"], message.get("name") or message["to"], text))
    absent = [kind for kind in ("group", "person") if kind not in arrived]
    if absent or answer.get("result") is not True:
        print("\nThe demo failed: %s. The ESB answered: %s"
              % ("nothing arrived for the " + " and the ".join(absent) if absent else "result is not true", answer),
              file=sys.stderr)
        return 1
    step("both messages arrived at the sandbox's DingTalk")
    print("\nSee them as a chat:  %s/\nStop the sandbox:    make demo-down" % urls["dingtalk"])
    return 0


def _start(sandbox, step):
    """Whatever sandbox is up is good enough, as long as it carries the channel."""
    asked = {} if any(map(sandbox.alive, sandbox.host_names())) else {"hosts": 1}
    done = sandbox.up(asked)
    words = {"already": "was up already", "repaired": "was repaired"}.get(done, "is up")
    step("the sandbox %s: ESB, user management and DingTalk on 127.0.0.1" % words)
    if not sandbox.state["options"]["channel"]:
        sandbox.install_channel()
    step("the channel is installed: the ESB lists the message type `ding`")


def _create_robot(urls, step):
    fields = {"display_name": receivers.ROBOT_NAME, "qq": receivers.TOKEN, "wx_userid": receivers.SECRET}
    _put_user(urls["usermgr"], receivers.ROBOT, fields)
    step("users %s (a group's robot) and %s (a person) are in user management" % (receivers.ROBOT, receivers.PERSON))


def _put_user(base, username, fields):
    profile = base + "/api/v2/profiles/"
    _, answer = client.call("PATCH", profile + username + "/", fields)
    if answer and answer.get("result"):
        return
    _, answer = client.call("POST", profile, dict(fields, username=username))
    if not (answer and answer.get("result")):
        raise SandboxError("user management refused the user %s: %s" % (username, (answer or {}).get("message")))


def _send(sandbox, title, content, step):
    fields = {"msg_type": "ding", "receiver__username": "%s,%s" % (receivers.ROBOT, receivers.PERSON), "title": title, "content": content}
    answer = client.esb(sandbox.state["urls"]["esb"], "/api/c/compapi/cmsi/send_msg/", fields,
                        sandbox.state["app_code"], sandbox.state["app_secret"])
    step("send_msg with type `ding` answered: %s" % (answer or {}).get("message"))
    return answer or {}


def _last_message(base):
    messages = client.get(base + "/_admin/messages")["messages"]
    return messages[-1]["id"] if messages else 0


def _wait_for(base, after, content):
    """The new messages with this content, by kind; waits until both are there or the limit is reached."""
    limit = time.monotonic() + ARRIVAL_SECONDS
    while True:
        messages = client.get("%s/_admin/messages?after=%s" % (base, after))["messages"]
        found = {m["kind"]: m for m in messages if content in (m.get("text") or "") and m["to"] in (receivers.TOKEN, receivers.USERID)}
        if len(found) == 2 or time.monotonic() > limit:
            return found
        time.sleep(0.1)


if __name__ == "__main__":
    sys.exit(main())
