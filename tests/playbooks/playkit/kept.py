"""The sandbox's platform, on which units of the stand-in for systemctl have the channel's services run."""

import contextlib
import json
import os
import signal
import subprocess
import time
from pathlib import Path

import requests
import yaml

from playkit import tree
from playkit.site import APP
from sandbox import processes

HOSTS = ("paas1", "paas2")
SECONDS = 40


def unit(host):
    return "bk-paas-esb-ding-%s.service" % host


class Kept:
    """One Site with a Machine of the stand-ins. hosts: {name: further variables}."""

    def __init__(self, site, play, machine, hosts=None):
        self.site, self.play, self.machine = site, play, machine
        self.inventory = machine.folder / "units.yml"
        variables = {name: {"ding_service_unit": unit(name), **(hosts or {}).get(name, {})} for name in HOSTS}
        self.inventory.write_text(yaml.safe_dump({"paas": {"hosts": variables}}), "utf-8")

    def run(self, name, extra=None, seconds=600, **more):
        path = self.machine.path(os.pathsep.join([str(self.play.bin), "/usr/sbin", "/usr/bin", "/sbin", "/bin"]))
        variables = {"ding_service_mode": "systemd", "ding_service_folder": str(self.machine.units), "ding_verify_send": False, **(extra or {})}
        return self.play(name, inventory=[self.inventory], environment={"PATH": path}, extra=variables, seconds=seconds, **more)

    def systemctl(self, *words):
        subprocess.run([self.machine.bin / "systemctl", *words], check=True, capture_output=True, env={"PATH": self.machine.path("/usr/bin:/bin")})

    def put_units(self, texts):
        """Units as they were: {host: text}; where there is none, it is gone with its process."""
        for host in HOSTS:
            path = self.machine.units / unit(host)
            if host in texts and not (self.runs(host) and path.is_file() and path.read_text("utf-8") == texts[host]):
                path.write_text(texts[host], "utf-8")
                for words in (["daemon-reload"], ["enable", unit(host)], ["restart", unit(host)]):
                    self.systemctl(*words)
            elif host not in texts and self.machine.unit(unit(host)):
                for words in (["stop", unit(host)], ["disable", unit(host)]):
                    self.systemctl(*words)
                path.unlink()
                self.systemctl("daemon-reload")

    def configure(self, **settings):
        """Settings of the whole channel, without a playbook; None removes one."""
        self.site.world.manage("sandbox_channel", given=json.dumps({"/cmsi/send_ding/": settings}))
        # The service reads them every two seconds.
        began = time.time()
        for host in HOSTS:
            until(lambda host=host: self.beat(host).get("time", 0) > began + 0.5)

    def units(self):
        """What is in the folder of unit files."""
        return tree.seen(self.machine.units)

    def folder(self, host):
        return self.site.world.host(host).logs / "ding_blueking"

    def beat(self, host):
        """The service's heartbeat, while the process that wrote it runs; else {}."""
        with contextlib.suppress(OSError, ValueError):
            beat = json.loads((self.folder(host) / "service.beat").read_text("utf-8"))
            return beat if processes.start_time(beat["pid"]) else {}
        return {}

    def services(self, host):
        """Pids of processes that run the host's _service.py, be it by the path of a container."""
        homes = [self.site.world.host(host).bk_home, self.machine.folder / ("inside-" + host)]
        scripts = {str(home / "open_paas/esb/components/generic/apis/ding_blueking/_service.py").encode() for home in homes}
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if scripts & set((folder / "cmdline").read_bytes().split(b"\0")[1:3]):
                    found.append(int(folder.name))
        return found

    def runs(self, host):
        return bool(self.machine.unit(unit(host)) and self.machine.unit(unit(host)).runs)

    def send(self, host, text):
        """What becomes of a message to the first robot, by this host's ESB."""
        session = requests.Session()
        session.trust_env = False
        caller = {"bk_app_code": APP, "bk_app_secret": self.site.secrets["esb_secret"], "bk_username": "admin"}
        answer = session.post(self.site.world.host(host).esb_url + "/api/c/compapi/cmsi/send_ding/", timeout=20,
                              json={"receiver__username": "play_robot_ops", "content": text}, headers={"X-Bkapi-Authorization": json.dumps(caller)})
        return answer.json()["data"]["receivers"][0]["outcome"]

    def texts(self):
        return [message["text"] for message in self.site.world.dingtalk.messages()]


def until(true):
    end = time.monotonic() + SECONDS
    while not true():
        assert time.monotonic() < end
        time.sleep(0.1)


@contextlib.contextmanager
def keepers_aside(site):
    """The sandbox's keepers wait, alive, and what they keep is ended."""
    names = site.world.control.keeper_names()
    pids = [site.world.control.state["processes"][name]["pid"] for name in names]
    try:
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
            for child in [child for child in processes.ours(site.world.control.home) if child != pid and processes.session(child) == pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)
        for host in site.world.hosts:
            (host.logs / "ding_blueking" / "service.beat").unlink(missing_ok=True)
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
