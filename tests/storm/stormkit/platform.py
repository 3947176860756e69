"""The sandbox under storm: its settings, its processes, and what DingTalk has got."""

import json
import os
import random
import re
import secrets
import signal
import subprocess
import time

from sandbox import client, paths, processes, state

SEND = "/robot/send"
DING = "/cmsi/send_ding/"
LIMIT = 20
# Every text that is sent carries its number in such marks; a digest puts the time and, for repeats, ×n before a text.
MARK = re.compile(r"(?:^|\n)(?:\*\*)?(?:\d\d:\d\d:\d\d(?: ×(\d+))? )?(?:\*\*\n\n)?<(\d{6})>")


class Robot:
    def __init__(self, name, token):
        self.name, self.token = name, token


class Platform:
    def __init__(self, home, redis):
        self.home, self.redis = home, redis
        self.state = state.load(home)
        self.urls = self.state["urls"]
        self.hosts = list(self.state["log_dirs"])
        self.window = 60.0

    # --- setting up -----------------------------------------------------------------------------------------------

    def settings(self, **values):
        done = subprocess.run(self.state["settings_command"], input=json.dumps({DING: values}), capture_output=True, text=True)
        assert done.returncode == 0, done.stderr

    def clock(self, seconds, **values):
        """From now on a minute of robots takes so many seconds, for DingTalk and for the channel."""
        self.window = float(seconds)
        client.post(self.urls["dingtalk"] + "/_admin/config", {"robot_window_seconds": self.window, "block_seconds": 10 * self.window, "qps": 0})
        self.settings(robot_window=self.window, **values)
        # The services read their settings every two seconds; workers at each request.
        self.wait(lambda: all(self.status(host)["window"]["seconds"] == self.window for host in self.hosts), 10, "the settings hold")
        beat = time.time()
        self.wait(lambda: all(self.beat(host) > beat for host in self.hosts), 15, "the services have read the settings")

    def beat(self, host):
        try:
            return json.loads(self.home.host(host).heartbeat.read_text("utf-8"))["time"]
        except (OSError, ValueError):
            return 0

    def robot(self):
        name, token, secret = "bot" + secrets.token_hex(5), secrets.token_hex(32), "SEC" + secrets.token_hex(32)
        client.post(self.urls["dingtalk"] + "/_admin/robots", {"token": token, "secret": secret, "name": name})
        client.post(self.urls["usermgr"] + "/_admin/users", {"username": name, "qq": token, "wx_userid": secret, "display_name": name})
        return Robot(name, token)

    def person(self):
        name, userid, mobile = "p" + secrets.token_hex(5), "u" + secrets.token_hex(5), "13%09d" % random.randrange(10 ** 9)
        client.post(self.urls["dingtalk"] + "/_admin/people", {"userid": userid, "name": name, "mobile": mobile})
        client.post(self.urls["usermgr"] + "/_admin/users", {"username": name, "telephone": mobile, "display_name": name})
        return Robot(name, userid)

    def refuse(self, robot):
        """DingTalk has blocked a robot for speed: from now on each of its calls is refused."""
        client.post(self.urls["dingtalk"] + "/_admin/faults", {
            "path": SEND, "action": {"errcode": 130101, "errmsg": "send too fast"}, "times": 10 ** 6, "skip": 0, "match": {"token": robot.token}})

    # --- processes ------------------------------------------------------------------------------------------------

    def workers(self):
        """Pids of all ESB workers."""
        return [pid for host in self.hosts for pid in _children(self._record(host)["pid"])]

    def services(self):
        """Pids of the channel's services."""
        return [pid for host in self.hosts for pid in _children(self._record(host + "-ding")["pid"])]

    def _record(self, name):
        return state.load(self.home)["processes"][name]

    def kill_one(self):
        """kill -9 of a worker or, one time of three, of a service."""
        candidates = self.services() if random.random() < 0.34 else self.workers()
        if candidates:
            try:
                os.kill(random.choice(candidates), signal.SIGKILL)
            except ProcessLookupError:
                return False
        return bool(candidates)

    def restart(self, host):
        variables = dict(os.environ, DING_SANDBOX_HOME=str(self.home.path))
        done = subprocess.run([str(paths.VENV / "bin" / "python"), "-m", "sandbox", "restart", host], env=variables, capture_output=True,
                              text=True, cwd=paths.ROOT)
        assert done.returncode == 0, done.stdout + done.stderr

    # --- what is there --------------------------------------------------------------------------------------------

    def call(self, host, path, fields):
        return client.esb(self.urls[host], "/api/c/compapi" + path, fields, self.state["app_code"], self.state["app_secret"])

    def status(self, host):
        return self.call(host, "/cmsi/ding_status/", {})["data"]

    def waiting(self, robot):
        """Messages that wait for a robot, over all hosts."""
        boxes = [box for host in self.hosts for box in self.status(host)["outboxes"] if robot.name in box["receivers"] or box["waiting"]]
        return sum(box["waiting"] for box in boxes)

    def totals(self):
        found = [self.status(host)["totals"] for host in self.hosts]
        return {name: sum(each[name] for each in found) for name in found[0]}

    def messages(self, robot):
        """Messages of a group or person, in the order in which they came."""
        return [each for each in client.get(self.urls["dingtalk"] + "/_admin/messages")["messages"] if each["to"] == robot.token]

    def calls(self, robot):
        """Wall clock seconds at which requests of a robot came, refused ones as well; and how many were refused."""
        found = [call for call in client.get(self.urls["dingtalk"] + "/_admin/calls")["calls"]
                 if call["path"] == SEND and (call["query"] or {}).get("access_token") == robot.token]
        return [call["time"] / 1000.0 for call in found], sum(1 for call in found if not call["accepted"])

    def wait(self, condition, seconds, what):
        limit = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < limit, "not within %.0f s: %s" % (seconds, what)
            time.sleep(0.1)


def most_in_a_window(times, seconds):
    """The most requests in any sliding window of so many seconds."""
    times, most, first = sorted(times), 0, 0
    for number, at in enumerate(times):
        while at - times[first] >= seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def arrived(messages):
    """[(number, times that it is told)] in the order of the group: messages one after the other, and texts within them."""
    return [(int(number), int(count or 1)) for message in messages for count, number in MARK.findall(message["text"])]


def _children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as listed:
            return [int(each) for each in listed.read().split() if processes.start_time(int(each))]
    except OSError:
        return []
