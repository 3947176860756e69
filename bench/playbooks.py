"""What the playbooks cost: a run that changes nothing, and how preflight and backup grow with the number of hosts."""

import contextlib
import copy
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass

import yaml

from bench.measures import Result
from sandbox import environments, inventory, paths, playbooks
from sandbox.control import Sandbox
from sandbox.errors import SandboxError

PLUGINS = paths.ROOT / "bench" / "ansible_plugins"
PING = paths.ROOT / "bench" / "ping.yml"
INSTALL = paths.ROOT / "playbooks" / "install.yml"
BEFORE_INSTALL = ("--tags", "preflight,backup")
ROUNDS, RECORDINGS = 5, 2
FEW, MANY = 2, 20
PING_BOUND, TASKS_BOUND, MANY_BOUND = 8, 25, 2.5


@dataclass
class Run:
    """One run of a playbook: its seconds by the clock, and what bench_report noted."""

    seconds: float
    report: dict

    def tasks(self, host):
        sums = self.report["hosts"][host]
        # `ok` counts what changed as well.
        return sums["ok"] + sums["skipped"] + sums["rescued"]


class Player:
    """Runs playbooks against one sandbox."""

    def __init__(self, sandbox, scratch, say):
        self.sandbox, self.scratch, self.say = sandbox, scratch, say
        self.binaries = environments.ansible(say)

    def play(self, playbook, *arguments, inventory=None, forks=MANY, **variables):
        report = self.scratch / "report.json"
        report.unlink(missing_ok=True)
        words = playbooks.command(self.binaries, self.sandbox.home, playbook, "--forks", str(forks), *arguments)
        if inventory:
            words[words.index(str(self.sandbox.home.inventory))] = str(inventory)
        environment = playbooks.environment(
            self.sandbox.home, ANSIBLE_STDOUT_CALLBACK="bench_report", ANSIBLE_CALLBACK_PLUGINS=PLUGINS / "callback",
            ANSIBLE_CONNECTION_PLUGINS=PLUGINS / "connection", BENCH_REPORT=report, **variables)
        began = time.monotonic()
        done = subprocess.run(words, cwd=paths.ROOT, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True)
        seconds = time.monotonic() - began
        if done.returncode:
            raise SandboxError("%s ended with %d:\n%s" % (" ".join(words), done.returncode, (done.stdout + done.stderr)[-4000:]))
        return Run(seconds, json.loads(report.read_text("utf-8")))


@contextlib.contextmanager
def _player(hosts, say):
    """A sandbox without the channel, gone afterwards."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="ding-bench-"))
    sandbox = Sandbox(paths.Home(folder / "home"), say)
    try:
        sandbox.up({"hosts": hosts, "channel": False, "workers": 1})
        yield Player(sandbox, folder, say)
    finally:
        sandbox.down()
        shutil.rmtree(folder, ignore_errors=True)


def measure(say, raw=True, tasks=False):
    """(results, lines to print before them). `raw` adds many hosts on this machine, `tasks` how long each task takes."""
    with _player(FEW, say) as player:
        player.play(PING)
        say("preflight and backup on %d hosts" % FEW)
        alone = player.play(INSTALL, *BEFORE_INSTALL)
        few, many, own = _elsewhere(player)
        say("a no-op install on %d hosts, and a ping" % FEW)
        ping, install = _no_op(player)
    growth = Result("preflight and backup, %d hosts to %d" % (MANY, FEW), many.seconds / few.seconds, MANY_BOUND, "times",
                    "%.1f s to %.1f s; a host's own work, %.1f s, elsewhere" % (many.seconds, few.seconds, own))
    lines = ["\"elsewhere\": what a host does itself is waited for as long as it took alone, because %d machines are stood in for by one with %d cores"
             % (MANY, os.cpu_count())]
    if raw:
        say("preflight and backup on %d hosts, all of them on this machine" % MANY)
        with _player(MANY, say) as player:
            together = player.play(INSTALL, *BEFORE_INSTALL)
            _all_have_backups(player.sandbox)
        lines.append("all of it on these %d cores, %d hosts to %d: %.1f times (%.1f s to %.1f s)"
                     % (os.cpu_count(), MANY, FEW, together.seconds / alone.seconds, together.seconds, alone.seconds))
    if tasks:
        for title, run in (("no-op install, %d hosts" % FEW, install), ("preflight and backup, %d hosts" % FEW, alone),
                           ("preflight and backup, %d hosts elsewhere" % MANY, many)):
            lines += [title + ":", *_times(run)]
    return [*_no_op_results(ping, install), growth], lines


def _no_op(player):
    player.play(INSTALL)
    pings, installs = [], []
    for _ in range(ROUNDS):
        pings.append(player.play(PING))
        installs.append(player.play(INSTALL))
    changed = [host for run in installs for host, sums in run.report["hosts"].items() if sums["changed"]]
    if changed:
        raise SandboxError("A second install changed something on %s." % ", ".join(sorted(set(changed))))
    # Each install beside the ping just before it: what else the machine does then slows both.
    ratios = [install.seconds / ping.seconds for ping, install in zip(pings, installs, strict=True)]
    return sorted(zip(ratios, pings, installs, strict=True), key=lambda trio: trio[0])[len(ratios) // 2][1:]


def _no_op_results(ping, install):
    tasks = {host: install.tasks(host) for host in install.report["hosts"] if host != "localhost"}
    return [
        Result("a no-op install on %d hosts" % len(tasks), install.seconds / ping.seconds, PING_BOUND, "times a ping",
               "%.1f s to %.1f s" % (install.seconds, ping.seconds)),
        Result("the most tasks of a host in it", max(tasks.values()), TASKS_BOUND, "tasks",
               ", ".join("%s %d" % pair for pair in tasks.items())),
    ]


def _quickest(runs):
    """What else the machine does can only make a run slower."""
    return min(runs, key=lambda run: run.seconds)


def _times(run):
    shown = [("before the first task", run.report["before"])] + [(task["name"], task["seconds"]) for task in run.report["tasks"]]
    return ["  %6.2f s  %s" % (seconds, name) for name, seconds in shown]


def _elsewhere(player):
    """The quickest runs of preflight and backup on few and on many hosts, each host's own work taken elsewhere; and its seconds."""
    few, many = (_inventory(player, number) for number in (FEW, MANY))
    recorded = []
    for number in range(RECORDINGS):
        recorded.append(player.scratch / ("notes-%d" % number))
        recorded[-1].mkdir()
        # One after the other, so that each host is timed alone.
        player.play(INSTALL, *BEFORE_INSTALL, inventory=few, forks=1, BENCH_RECORD=recorded[-1])
    notes = player.scratch / "notes"
    alone = _merge(recorded, notes)
    times = {few: [], many: []}
    for number in range(ROUNDS):
        for hosts, runs in times.items():
            counts = player.scratch / ("counts-%d-%s" % (number, hosts.stem))
            counts.mkdir()
            runs.append(player.play(INSTALL, *BEFORE_INSTALL, inventory=hosts, BENCH_REPLAY=notes, BENCH_COUNTS=counts))
    return _quickest(times[few]), _quickest(times[many]), alone


def _merge(recorded, notes):
    """Of each command the quickest recording, so that a busy machine does not make hosts slower than they are. Returns a host's longest sum."""
    notes.mkdir()
    sums = []
    for path in sorted(recorded[0].iterdir()):
        rounds = [[json.loads(line) for line in (folder / path.name).read_text("ascii").splitlines()] for folder in recorded]
        if len({tuple(entry["kind"] for entry in entries) for entries in rounds}) != 1:
            raise SandboxError("Two runs of preflight and backup did different things on %s." % path.name)
        chosen = [min(entries, key=lambda entry: entry["seconds"]) for entries in zip(*rounds, strict=True)]
        (notes / path.name).write_text("".join(json.dumps(entry) + "\n" for entry in chosen), "ascii")
        sums.append(sum(entry["seconds"] for entry in chosen))
    return max(sums)


def _inventory(player, number):
    """The sandbox's inventory with this many hosts, all of them elsewhere; returns its path."""
    sandbox = player.sandbox
    content = inventory.content(sandbox.home, sandbox.host_names(), sandbox.state)
    paas = content["all"]["children"]["paas"]
    paas["vars"] = {"ansible_connection": "bench_elsewhere"}
    pattern = paas["hosts"][sandbox.host_names()[-1]]
    for name in ("paas%d" % (position + 1) for position in range(number)):
        paas["hosts"].setdefault(name, copy.deepcopy(pattern))
    path = player.scratch / ("elsewhere%d.yml" % number)
    paths.write_private(path, yaml.safe_dump(content))
    return path


def _all_have_backups(sandbox):
    without = [name for name in sandbox.host_names() if not any(sandbox.home.host(name).backups.glob("*"))]
    if without:
        raise SandboxError("There is no backup of %s." % ", ".join(without))
