"""`make demo`: the sandbox with two PaaS hosts, install.yml, verify.yml, one message to a group and a person, and what arrived.

Exit code 0 only when both playbooks did, and DingTalk really has the message twice: in the robot's group, and for the person.
"""

import os
import shlex
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from sandbox import client, environments, paths, playbooks, receivers, state
from sandbox.control import Sandbox
from sandbox.errors import SandboxError

PLAYBOOKS = (
    ("install", "looks at both hosts and backs them up; then, one host after the other, puts the files in place, restarts the ESB and waits until it is\n"
                "          healthy; then, once for both, stores rows, settings and the robot's user, and sends a test message"),
    ("verify", "asks each host for its health, and sends a real message to the robot's group and to a person"))
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
            # On a fresh machine two environments are made: side by side.
            with ThreadPoolExecutor(1) as pool:
                making = pool.submit(environments.ansible, step)
                _start(sandbox, step)
                making.result()
        # Without the lock: the playbooks restart the hosts' services by the sandbox's own command, which takes it.
        for name, what in PLAYBOOKS:
            _play(sandbox, name, what, step)
        urls = sandbox.state["urls"]
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
    print("\nSee them as a chat: %s/\n\nWhat to try next, in this folder:" % urls["dingtalk"])
    for what, command in hints(sandbox.home):
        print("  %s\n      %s" % (what, command))
    return 0


def hints(home):
    """[(what for, a command to copy)], each of which works in the clone after the demo."""
    rollback = playbooks.command(environments.ansible(lambda text: None), home, "playbooks/rollback.yml", "-e", "ding_backup=pristine")
    return [
        ("Send a message of your own; HTML is turned into what DingTalk shows:", '.venv/bin/python -m sandbox send "<b>db-1</b>: disk almost full"'),
        ("Break something: DingTalk refuses the robot's next message. Send again, and see how it is told:", ".venv/bin/python -m sandbox fault refused"),
        ("See that nothing is left to do, and what a run would change:",
         _shown(playbooks.command(environments.ansible(lambda text: None), home, "playbooks/install.yml", "--check", "--diff"))),
        ("Take everything back to before the install (it asks: type yes), and `make demo` installs it again:", _shown(rollback)),
        ("Stop the sandbox:", "make demo-down"),
    ]


def _start(sandbox, step):
    """Whatever sandbox is up is good enough."""
    asked = {} if any(map(sandbox.alive, sandbox.host_names())) else {"hosts": 2, "channel": False}
    done = sandbox.up(asked)
    words = {"already": "was up already", "repaired": "was repaired"}.get(done, "is up")
    step("the sandbox %s: %s with an ESB each, user management and DingTalk on 127.0.0.1"
         % (words, ", ".join(sandbox.host_names())))


def _play(sandbox, name, what, step):
    step("%s.yml %s" % (name, what))
    code = playbooks.account(sandbox.home, name, step.began, step)
    if code:
        words = playbooks.command(environments.ansible(step), sandbox.home, "playbooks/%s.yml" % name)
        raise SandboxError("playbooks/%s.yml ended with %d; above stands at which step, on which host and why. "
                           "To see all of it:\n    %s" % (name, code, _shown(words)))


def _shown(words):
    """A command to copy, run in the clone."""
    return " ".join(shlex.quote(os.path.relpath(word, paths.ROOT) if os.path.isabs(word) else word) for word in words)


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
