"""The command line: up, down, status, restart, inventory, reset, logs, send, fault, install-channel, uninstall-channel."""

import argparse
import os
import sys
import time
from pathlib import Path

from sandbox import environments, hosts, paths, processes, state, trying
from sandbox.control import DEFAULTS, Sandbox
from sandbox.errors import SandboxError

ALL_UP, SOMETHING_DEAD, NOT_UP = 0, 1, 3


def main(arguments=None):
    options = _parser().parse_args(arguments)
    try:
        _inside_venv()
        home = paths.Home.current()
        if options.command in ("status", "inventory", "logs"):
            return options.run(Sandbox(home), options)
        with state.locked(home.lock):
            return options.run(Sandbox(home), options)
    except SandboxError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("interrupted: `python -m sandbox down` stops what was started", file=sys.stderr)
        return 130


def _inside_venv():
    """The sandbox's own services need .venv's packages: any Python may start the command line, .venv's goes on."""
    python = environments.tools()
    if Path(sys.prefix) != paths.VENV:
        os.chdir(paths.ROOT)
        os.execv(str(python), [str(python), "-m", "sandbox", *sys.argv[1:]])


def _parser():
    parser = argparse.ArgumentParser(prog="python -m sandbox", description="A local BlueKing on 127.0.0.1.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(name, run, text):
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    up = command("up", _up, "start the sandbox, or what of it does not run")
    up.add_argument("--hosts", type=_positive, help="how many PaaS hosts (%d)" % DEFAULTS["hosts"])
    up.add_argument("--python", choices=sorted(environments.ESB), help="the ESB's Python (%s)" % DEFAULTS["python"])
    up.add_argument("--server", choices=hosts.SERVERS, help="what serves the ESB (%s)" % DEFAULTS["server"])
    up.add_argument("--workers", type=_positive, help="worker processes per ESB (%d)" % DEFAULTS["workers"])
    up.add_argument("--redis", metavar="URL", help="a Redis for the ESB, redis://[:password@]host:port/number")
    up.add_argument("--without-channel", dest="channel", action="store_false", default=None,
                    help="leave the DingTalk channel out")
    command("down", _down, "stop everything; the data stays")
    command("status", _status, "show what runs (exit code 0: all of it, 1: a part, 3: nothing)")
    command("restart", _restart, "restart services").add_argument("names", nargs="*", metavar="NAME")
    command("inventory", _inventory, "print the Ansible inventory")
    command("reset", _reset, "bring the data back to the start")
    logs = command("logs", _logs, "show the ends of the logs")
    logs.add_argument("name", nargs="?", help="a service; all of them without")
    logs.add_argument("--lines", type=_positive, default=20)
    send = command("send", _send, "send a message to the demo's group and person, as a product of the platform does")
    send.add_argument("content", help="HTML is turned into what DingTalk shows")
    send.add_argument("--to", metavar="NAMES", help="user names, separated by commas")
    send.add_argument("--title", default="A message of my own")
    send.add_argument("--msg-key", choices=("text", "markdown"), default="", help="without it, the channel's setting")
    fault = command("fault", _fault, "make the sandbox's DingTalk answer the robot's next calls with a fault")
    fault.add_argument("kind", choices=(*trying.FAULTS, "off"))
    fault.add_argument("--times", type=_positive, default=1)
    command("install-channel", _install_channel, "put the channel into the hosts, register and switch it on")
    command("uninstall-channel", _uninstall_channel, "take the channel out again, rows included")
    return parser


def _positive(text):
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _up(sandbox, options):
    asked = {name: getattr(options, name) for name in DEFAULTS if getattr(options, name) is not None}
    began = time.monotonic()
    done = sandbox.up(asked)
    if done == "already":
        print("The sandbox is up already.")
    else:
        again = " again (what was dead was started)" if done == "repaired" else ""
        print("The sandbox is up%s, after %.1f s." % (again, time.monotonic() - began))
    _show(sandbox)
    return 0


def _down(sandbox, options):
    print("The sandbox is down." if sandbox.down() else "The sandbox was not up.")
    return 0


def _status(sandbox, options):
    if not any(sandbox.alive(name) for name in sandbox.names()):
        print("The sandbox is not up.")
        return NOT_UP
    return ALL_UP if _show(sandbox) else SOMETHING_DEAD


def _show(sandbox):
    """Prints the table; returns whether all is well."""
    rows, well = [("SERVICE", "STATE", "PID", "ADDRESS", "WHAT IT IS")], True
    chosen = sandbox.state["options"]
    esb = "ESB, Python %s, %s, %s workers" % (chosen.get("python"), chosen.get("server"), chosen.get("workers"))
    what = {"dingtalk": "DingTalk; open it in a browser", "usermgr": "user management"}
    for name in sandbox.names():
        record = sandbox.state["processes"].get(name) or {}
        found = "dead"
        if sandbox.alive(name):
            found = "up" if sandbox.health(name) else "no answer"
        well = well and found == "up"
        rows.append((name, found, str(record.get("pid", "-")), sandbox.state["urls"][name] + "/" if name in sandbox.state["urls"] else "-",
                     what.get(name, "the channel's service of that host" if name.endswith(hosts.KEEPER) else esb)))
    widths = [max(len(row[column]) for row in rows) for column in range(4)]
    for row in rows:
        print("  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=False)] + [row[4]]))
    if not well:
        print("`python -m sandbox logs` shows why, `python -m sandbox up` starts what is dead.")
    return well


def _restart(sandbox, options):
    sandbox.need_up()
    sandbox.restart(options.names or sandbox.host_names())
    _show(sandbox)
    return 0


def _inventory(sandbox, options):
    if not sandbox.home.inventory.exists():
        raise SandboxError("There is no inventory yet: `python -m sandbox up` writes it.")
    print(sandbox.home.inventory.read_text("utf-8"), end="")
    return 0


def _reset(sandbox, options):
    if sandbox.reset():
        print("The sandbox is back at its start, and up.")
        _show(sandbox)
    else:
        print("The sandbox's data is gone; it is not up.")
    return 0


def _logs(sandbox, options):
    found = {name: sandbox.home.logs / (name + ".log") for name in sandbox.names()}
    for name in sandbox.host_names():
        for log in ("esb.log", "esb_api.log"):
            found["%s/%s" % (name, log)] = sandbox.home.host(name).logs / log
    wanted = [name for name in found if options.name in (None, name, name.partition("/")[0])]
    if not wanted:
        raise SandboxError("There is no log %r; there are %s." % (options.name, ", ".join(found) or "none yet"))
    for name in wanted:
        print("%s (%s)\n%s" % (name, found[name], processes.tail(found[name], options.lines)))
    return 0


def _send(sandbox, options):
    answer = trying.send(sandbox, options.to, options.title, options.content, options.msg_key)
    print("\n".join([*trying.told(answer), "See it as a chat: %s/" % sandbox.state["urls"]["dingtalk"]]))
    return 0 if answer.get("result") is True else 1


def _fault(sandbox, options):
    trying.fault(sandbox, options.kind, options.times)
    if options.kind == "off":
        print("The sandbox's DingTalk is well again.")
    else:
        print("The robot's next %s: %s. `python -m sandbox send TEXT` shows what becomes of it."
              % ("call gets" if options.times == 1 else "%d calls get" % options.times, options.kind))
    return 0


def _install_channel(sandbox, options):
    sandbox.install_channel()
    print("The channel is installed, registered and switched on.")
    return 0


def _uninstall_channel(sandbox, options):
    sandbox.uninstall_channel()
    print("The channel is gone.")
    return 0


