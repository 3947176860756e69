"""Starting, recognising and stopping the sandbox's processes.

A process is ours when its environment carries MARK with this sandbox's home. That holds for everything a server forks,
survives a killed command line and a lost state.json, and can never name a stranger. A pid alone is trusted only
together with the time at which the process started.
"""

import contextlib
import os
import random
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass

from sandbox.errors import SandboxError

MARK = "DING_SANDBOX_PROCESS_OF"
STOP_SECONDS = 8.0
# Below Linux's ephemeral range, from which clients' own ends of connections are taken.
PORTS = range(18000, 32000)


@dataclass(frozen=True)
class Service:
    """What is needed to start one service and to see that it answers. health: an address, "" for one that only has to run."""

    name: str
    command: list
    cwd: str
    environment: dict
    log: str
    health: str
    seconds: float = 40.0


def start_time(pid):
    """A text that tells this process from every other that has or had its pid; None when there is no such process."""
    try:
        with open("/proc/%d/stat" % pid, "rb") as handle:
            fields = handle.read().rpartition(b")")[2].split()
    except FileNotFoundError:
        return _start_time_by_ps(pid) if not os.path.isdir("/proc/self") else None
    except OSError:
        return None
    if fields[0] == b"Z":
        return None
    with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as handle:
        return "%s@%s" % (fields[19].decode("ascii"), handle.read().strip()[:8])


def _start_time_by_ps(pid):
    shown = subprocess.run(["ps", "-o", "stat=,lstart=", "-p", str(pid)], capture_output=True, text=True)
    line = shown.stdout.strip()
    return None if not line or line.startswith("Z") else line.partition(" ")[2].strip()


def alive(record):
    """Whether the recorded process still runs, and is the same one."""
    return bool(record) and record.get("started") is not None and start_time(record["pid"]) == record["started"]


def ours(home):
    """Pids of all running processes of this sandbox, workers included."""
    wanted = ("%s=%s" % (MARK, home.path)).encode()
    found = []
    for entry in os.listdir("/proc") if os.path.isdir("/proc/self") else []:
        if not entry.isdigit() or int(entry) == os.getpid():
            continue
        try:
            with open("/proc/%s/environ" % entry, "rb") as handle:
                if wanted in handle.read().split(b"\0") and start_time(int(entry)):
                    found.append(int(entry))
        except OSError:
            continue
    return found


def stop(home, records, seconds=STOP_SECONDS):
    """Stops the recorded process groups, and whatever else of this sandbox still runs: TERM, then KILL at the limit.

    Returns how many had to be killed. Raises SandboxError when something outlives even that.
    """
    def remaining():
        left = {pid: start_time(pid) for pid in ours(home)}
        left.update((record["pid"], record["started"]) for record in records if alive(record))
        return left

    return _stop_all(remaining, seconds)


def stop_pids(home, pids):
    """Stops some of this sandbox's processes."""
    _stop_all(lambda: {pid: start_time(pid) for pid in ours(home) if pid in pids}, STOP_SECONDS)


def _stop_all(remaining, seconds):
    # The leaders get it first: a server that ends its workers itself must not find them gone and start new ones.
    leaders = {pid: started for pid, started in remaining().items() if session(pid) == pid}
    _signal(leaders, signal.SIGTERM)
    _gone(lambda: any(start_time(pid) == started for pid, started in leaders.items()), seconds)
    _signal(remaining(), signal.SIGTERM)
    if _gone(remaining, 2):
        return 0
    killed = remaining()
    _signal(killed, signal.SIGKILL)
    if not _gone(lambda: remaining() and (_signal(remaining(), signal.SIGKILL) or remaining()), 5):
        raise SandboxError("These processes could not be stopped: %s." % ", ".join(map(str, sorted(remaining()))))
    return len(killed)


def stop_one(home, name, record):
    """Stops one service: its leader, then what is left of its session."""
    def members():
        left = {pid: start_time(pid) for pid in ours(home) if session(pid) == record["pid"]}
        if alive(record):
            left[record["pid"]] = record["started"]
        return left

    _signal({record["pid"]: record["started"]}, signal.SIGTERM)
    if _gone(lambda: alive(record), STOP_SECONDS):
        _signal(members(), signal.SIGTERM)
        if _gone(members, 2):
            return
    _signal(members(), signal.SIGKILL)
    if not _gone(members, 5):
        raise SandboxError("%s (pid %d) could not be stopped." % (name, record["pid"]))


def session(pid):
    """The pid of the session's leader; None when the process is gone."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def _signal(processes, number):
    for pid, started in processes.items():
        if start_time(pid) == started:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def _gone(remaining, seconds):
    limit = time.monotonic() + seconds
    while remaining():
        if time.monotonic() > limit:
            return False
        time.sleep(0.05)
    return True


def free_port(taken=(), preferred=None):
    """A port on 127.0.0.1 that nobody listens on: the preferred one when it is free."""
    rest = random.sample(PORTS, 200)
    for port in ([preferred] if preferred else []) + rest:
        if port in taken:
            continue
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise SandboxError("No free port was found on 127.0.0.1 in 200 tries.")


def port_taken(port):
    """Whether somebody listens there now."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def launch(home, service):
    """Starts a service in a session of its own; returns (Popen, {"pid", "started"})."""
    os.makedirs(os.path.dirname(service.log), exist_ok=True)
    environment = dict(service.environment, **{MARK: str(home.path)})
    with open(service.log, "ab") as log:
        try:
            process = subprocess.Popen(service.command, cwd=service.cwd, env=environment, stdin=subprocess.DEVNULL,
                                       stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            raise SandboxError("%s does not start: %s" % (service.name, error)) from error
    return process, {"pid": process.pid, "started": start_time(process.pid)}


def wait_healthy(process, service):
    """Waits until the service answers its health address with 200. Returns False when the process ended before."""
    limit = time.monotonic() + service.seconds
    while True:
        if process.poll() is not None:
            return False
        if not service.health:
            return True
        if answers(service.health) and _listens(process.pid, urllib.parse.urlsplit(service.health).port):
            return True
        if time.monotonic() > limit:
            raise SandboxError("%s did not answer %s within %d s. The end of its log:\n%s"
                               % (service.name, service.health, service.seconds, tail(service.log)))
        time.sleep(0.05)


def _listens(pid, port):
    """Whether it is this process that listens: another sandbox may have been quicker to take the same port."""
    try:
        with open("/proc/net/tcp", encoding="ascii") as table:
            rows = [line.split() for line in table]
        sockets = {"socket:[%s]" % row[9] for row in rows if row[1] == "0100007F:%04X" % port and row[3] == "0A"}
        return any(_link("/proc/%d/fd/%s" % (pid, name)) in sockets for name in os.listdir("/proc/%d/fd" % pid))
    except OSError:
        return not os.path.isdir("/proc/self")


def _link(path):
    try:
        return os.readlink(path)
    except OSError:
        return None


def answers(url, seconds=2.0):
    """Whether the address answers 200, proxies of the environment left aside."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=seconds) as answer:
            return answer.status == 200
    except (OSError, urllib.error.URLError, ValueError):
        return False


def tail(path, lines=20):
    """The last lines of a text file, indented; says so when there is nothing."""
    try:
        with open(path, "rb") as handle:
            handle.seek(0, os.SEEK_END)
            handle.seek(max(0, handle.tell() - 64 * 1024))
            text = handle.read().decode("utf-8", "replace")
    except OSError:
        text = ""
    return "\n".join("    " + line for line in text.splitlines()[-lines:]) or "    (it wrote nothing)"


def clean_environment(**more):
    """What a service inherits: no proxies, no Python or Django settings of whoever started it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "USER", "TMPDIR", "TZ") if name in os.environ}
    kept.update(LANG="C.UTF-8", LC_ALL="C.UTF-8", PYTHONUNBUFFERED="1")
    kept.update((name, str(value)) for name, value in more.items())
    return kept
