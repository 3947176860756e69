"""The whole platform: two PaaS hosts, one with MariaDB, Redis and nginx, one with user management and DingTalk; and this machine as control host."""

import contextlib
import json
import os
import secrets
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import requests
import yaml

from clusterkit import engine, images, paas, rows
from contractkit.services import DingTalk, UserManagement
from playkit.site import APP, APP_KEY, MOBILE, PERSON, PROFILE, USERID, planted
from sandbox import hosts, paths, processes

PAAS = ("paas1", "paas2")
NUMBERS = {"paas1": 11, "paas2": 12, "data": 13, "services": 14}
PORTS = {"paas1": (22, paas.ESB_PORT), "paas2": (22, paas.ESB_PORT), "data": (80,), "services": (8009, 8010)}
USERMGR, DINGTALK = 8009, 8010
ROBOT = "cluster_robot"
WAIT = "/api/c/compapi/bench/wait/"
MARK = "ding-cluster"
FORGET = "for _, n in ipairs(redis.call('HKEYS', KEYS[1])) do if n ~= 'id' and n ~= 'born' then redis.call('HDEL', KEYS[1], n) end end"
# Where the host `services` has this clone's own environment, in which the sandbox's servers run.
TOOLS = "/opt/ding-tools"


def together(function, each):
    """Calls it for each at once; returns the results. The first error is raised when all have ended."""
    with ThreadPoolExecutor(len(each) or 1) as pool:
        return list(pool.map(function, each))


def sweep():
    """Removes containers and networks whose test run has ended without doing so; 0 stands for one that is meant to stay."""
    for kind, name in (("container", "{{.Names}}"), ("network", "{{.Name}}")):
        words = ["ps", "--all"] if kind == "container" else ["network", "ls"]
        for line in engine.podman(*words, "--filter", "name=%s-" % MARK, "--format", name).split():
            owner = line.split("-")[2]
            if owner.isdigit() and owner != "0" and not processes.start_time(int(owner)):
                engine.podman(*(["rm", "--force", "--time", "1"] if kind == "container" else ["network", "rm", "--force"]), line, check=False)


class Cluster:
    """Call start(), then end() in any case. python: the ESB's, "2.7" or "current". login: who Ansible is on the PaaS hosts, ops (with sudo) or root."""

    def __init__(self, python, login, place=None, say=print):
        """place: a folder for a platform that outlives this process, for attached(); without it, it ends with it."""
        self.python, self.login, self.say = python, login, say
        self.run = "%s-%d-%s" % (MARK, 0 if place else os.getpid(), secrets.token_hex(3))
        self.place = Path(place or tempfile.mkdtemp(prefix="ding-cluster-"))
        self.control = paths.ControlPaths(self.place / "control")
        self.secrets = {"app_secret": planted("app/+%secret"), "esb_secret": planted("esbsecret"), "usermgr_secret": planted("usermgrsecret"),
                        "token": planted("token", 64), "sign": "SEC" + planted("sign", 61), "db_secret": planted("dbsecret"),
                        "redis_secret": planted("redissecret")}
        self.addresses, self.containers, self.paas = {}, {}, {}
        self.kept_users, self.kept_states = {}, {}

    # --- up and down -------------------------------------------------------------------------------------------------

    def start(self):
        image = images.image(self.say)
        sweep()
        address = engine.make_network(self.run)
        self.addresses = {name: address(number) for name, number in NUMBERS.items()}
        mounts, own = paas.runtime(self.python, self.say)
        self.target_python = own if self.python == "2.7" else "/usr/bin/python3"
        tools, _ = paas.mounted(paths.VENV, TOOLS, "3")
        mounts = {"paas1": mounts, "paas2": mounts, "services": tools, "data": []}
        names = [(each + ".cluster", address) for each, address in self.addresses.items()]

        def make(name):
            self.containers[name] = engine.Container.started(self.run + "-" + name, image, self.run, self.addresses[name], PORTS[name], mounts[name], names)
            self.containers[name].wait_up()
        together(make, list(NUMBERS))
        together(lambda work: work(), [self._prepare_data, self._prepare_services, self._prepare_paas])
        self._fill()
        self._login()
        hosts.lay_out_control(self.control)
        shutil.rmtree(self.control.src_home)
        shutil.copytree(self.laid_out / "data" / "src", self.control.src_home)
        self._write_inventory()
        together(lambda host: host.wait_passing(), list(self.paas.values()))
        self.keep("virgin")

    def save(self):
        """All that attached() needs, for another process."""
        kept = {name: value for name, value in vars(self).items() if name not in ("containers", "paas", "say", "usermgr", "dingtalk", "kept_states")}
        paths.write_private(self.place / "cluster.json", json.dumps(kept, default=str))

    @classmethod
    def attached(cls, place):
        """A platform that start() and save() have left there, back at its start."""
        found = cls.told(place)
        found.back_to("virgin")
        found.kept_states["virgin"] = found.state()
        return found

    @classmethod
    def told(cls, place):
        """A platform that start() and save() have left there, as it is."""
        kept = json.loads((Path(place) / "cluster.json").read_text("utf-8"))
        found = cls(kept["python"], kept["login"], place)
        vars(found).update({name: value for name, value in kept.items() if name not in ("place", "control", "laid_out")})
        found.laid_out = Path(kept["laid_out"])
        found.containers = {name: engine.Container(found.run + "-" + name, address) for name, address in found.addresses.items()}
        found.paas = {name: found._paas(name) for name in PAAS}
        found.usermgr, found.dingtalk = UserManagement(found.usermgr_url), DingTalk(found.dingtalk_url)
        return found

    def end(self):
        # All of them: a start that failed may have made more than it knows.
        together(lambda name: engine.Container(self.run + "-" + name, "").remove(), list(NUMBERS))
        engine.remove_network(self.run)
        shutil.rmtree(self.place, ignore_errors=True)

    def _prepare_data(self):
        run = self.containers["data"]
        run.put("/etc/mysql/mariadb.conf.d/90-cluster.cnf", paas.filled("mariadb.cnf"))
        run.put("/etc/redis/redis.conf", paas.filled("redis.conf", redis_password=self.secrets["redis_secret"]), "0640", "root:redis")
        run.enable("mariadb.service", "redis-server.service")
        self.sql("CREATE DATABASE open_paas CHARACTER SET utf8; CREATE USER open_paas@'%%' IDENTIFIED BY '%s'; GRANT ALL ON open_paas.* TO open_paas@'%%';"
                 % self.secrets["db_secret"])
        run.shell("mkdir -p /opt/ding")
        for path in (paas.INSIDE / "esb_hosts.py", paas.INSIDE / "consul_agent.py", paas.TESTS / "playbooks/standins/consul.py"):
            run.copy(path, "/opt/ding/")
        run.put("/etc/nginx/nginx.conf", paas.filled("nginx.conf"))
        run.put("/etc/nginx/esb-hosts.conf", "server 127.0.0.1:65535;\n")
        paas.stand_in(run, "esb-hosts", "nginx's list of ESB hosts, from Consul", ["esb_hosts.py", *(self.addresses[name] for name in PAAS)])
        run.enable("nginx.service", "esb-hosts.service")

    def _prepare_services(self):
        run = self.containers["services"]
        run.shell("mkdir -p /opt/ding")
        run.copy(paths.ROOT / "sandbox", "/opt/ding/sandbox")
        for name, port in (("usermgr", USERMGR), ("dingtalk", DINGTALK)):
            words = "-m sandbox.%s --address 0.0.0.0 --port %d --data /opt/ding/%s.json" % (name, port, name)
            paas.stand_in(run, name, "The sandbox's " + name, [words], TOOLS + "/bin/python")
        run.enable("usermgr.service", "dingtalk.service")
        self.usermgr_url, self.dingtalk_url = ["http://127.0.0.1:%d" % run.port(port) for port in (USERMGR, DINGTALK)]
        self.fresh_services([dict(username=PERSON, display_name=PERSON, telephone=MOBILE)])

    def _prepare_paas(self):
        self.laid_out = self.place / "laid-out"
        data = self.addresses["data"]
        paas.lay_out(self.laid_out, {
            "SANDBOX_DB": "mysql://open_paas:%s@%s:3306/open_paas" % (self.secrets["db_secret"], data), "SANDBOX_USERMGR_URL": self.inner(USERMGR),
            "REDIS_HOST": data, "REDIS_PASSWORD": self.secrets["redis_secret"]})
        self.paas = {name: self._paas(name) for name in PAAS}
        together(lambda host: host.prepare(self.laid_out), list(self.paas.values()))

    def _paas(self, name):
        return paas.Paas(name, self.containers[name], {other: self.addresses[other] for other in PAAS if other != name})

    def inner(self, port):
        """Where a server of the host `services` answers for the other hosts."""
        return "http://%s:%d" % (self.addresses["services"], port)

    def _fill(self):
        first = self.paas["paas1"]
        first.manage("migrate", "--noinput")
        first.manage("sync_data_at_deploy")
        first.manage("sandbox_app", "--code", APP, "--secret", self.secrets["esb_secret"], "--whitelist")
        together(lambda host: host.start(), list(self.paas.values()))

    # --- what the playbooks get --------------------------------------------------------------------------------------

    def _login(self):
        """A key of this run, and the hosts' keys as known ones."""
        key = self.place / "key"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        home = "/root" if self.login == "root" else "/home/" + self.login
        known = []
        for name in PAAS:
            run = self.containers[name]
            run.put(home + "/.ssh/authorized_keys", key.with_suffix(".pub").read_text("utf-8"), "0600", "%s:%s" % (self.login, self.login))
            run.shell("chmod 0700 %s/.ssh; chown %s:%s %s/.ssh" % (home, self.login, self.login, home))
            known.append("[127.0.0.1]:%d %s" % (run.port(22), run("cat", "/etc/ssh/ssh_host_ed25519_key.pub")))
        (self.place / "known_hosts").write_text("".join(known), "utf-8")

    @property
    def inventory(self):
        return self.place / "inventory.yml"

    def _write_inventory(self):
        members = {name: {"ansible_host": "127.0.0.1", "ansible_port": self.containers[name].port(22), "ding_esb_host": self.addresses[name]} for name in PAAS}
        here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": os.path.realpath(paths.VENV / "bin" / "python")}
        shared = {"ansible_user": self.login, "ansible_python_interpreter": self.target_python, "ansible_ssh_private_key_file": str(self.place / "key"),
                  "ansible_ssh_common_args": "-o UserKnownHostsFile=%s -o StrictHostKeyChecking=yes -o ConnectTimeout=10" % (self.place / "known_hosts")}
        everywhere = self.variables(None, None)
        paths.write_private(self.inventory, yaml.safe_dump(
            {"all": {"hosts": {"localhost": here}, "vars": everywhere, "children": {"paas": {"hosts": members, "vars": shared}}}}))

    def robots(self):
        return [{"name": ROBOT, "display_name": "The cluster's group", "secret": self.secrets["sign"],
                 "webhook": "%s/robot/send?access_token=%s" % (self.inner(DINGTALK), self.secrets["token"])}]

    def variables(self, python, place):
        """What an operator would set in group_vars; the same for every run, so the arguments of the player are not looked at."""
        return {
            "ding_control_src_home": str(self.control.src_home), "ding_control_env": str(self.control.env_files),
            "ding_control_backup_dir": str(self.control.backups),
            "ding_esb_app_code": APP, "ding_esb_app_secret": self.secrets["esb_secret"], "ding_usermgr_url": self.inner(USERMGR),
            "ding_usermgr_app_code": APP, "ding_usermgr_app_secret": self.secrets["usermgr_secret"], "ding_app_key": APP_KEY,
            "ding_app_secret": self.secrets["app_secret"], "ding_oapi_url": self.inner(DINGTALK), "ding_api_url": self.inner(DINGTALK),
            "robots": self.robots(), "ding_verify_receivers": [PERSON],
            # Only a test that counts callers' faults has nginx to wait for.
            "ding_restart_pause": 1,
        }

    # --- what is on it -----------------------------------------------------------------------------------------------

    def sql(self, text):
        return self.containers["data"]("mariadb", "--batch", given=text)

    def state(self):
        """{"files": {host: {path: what}}, "rows": {table: [row]}, "users": {name: fields}, "backups": {host: [names]}, "leases": {host: lease}}."""
        seen = dict(zip(PAAS, together(lambda name: self.paas[name].seen(), PAAS)))
        return {"files": {name: seen[name]["files"] for name in PAAS}, "rows": rows.rows(self.containers["data"]), "users": self.users(),
                "backups": {name: seen[name]["backups"] for name in PAAS},
                "leases": {name: seen[name]["lease"] for name in PAAS if seen[name]["lease"]}}

    def users(self):
        """{name: fields} of the users who are not deleted."""
        return {user["username"]: user for user in self.profiles() if user["status"] != "DELETED"}

    def profiles(self):
        with session() as client:
            answer = client.get(self.usermgr_url + "/api/v2/profiles/", timeout=20,
                                params={"fields": PROFILE, "no_page": "1", "include_disabled": "1"}).json()
        return [{name: user[name] for name in PROFILE.split(",")} for user in answer["data"]]

    def caller(self):
        """The header with which the ESB is called: what is in the body, it would log."""
        return {"X-Bkapi-Authorization": json.dumps({"bk_app_code": APP, "bk_app_secret": self.secrets["esb_secret"], "bk_username": "admin"})}

    def esb_url(self, name):
        """The ESB of one host, past nginx."""
        return "http://127.0.0.1:%d" % self.containers[name].port(paas.ESB_PORT)

    @property
    def nginx_url(self):
        return "http://127.0.0.1:%d" % self.containers["data"].port(80)

    def call(self, base, path, **body):
        with session() as client:
            answer = client.post(base + path, json=body, headers=self.caller(), timeout=30)
        answer.raise_for_status()
        return answer.json()

    def lists_ding(self, name):
        """None where the host's ESB does not know the message type, else whether it is offered."""
        answer = self.call(self.esb_url(name), "/api/c/compapi/cmsi/get_msg_type/")
        found = [row["is_active"] for row in answer["data"] if row["type"] == "ding"]
        return bool(found[0]) if found else None

    def sends(self, name, text):
        """Sends to the robot through one host's ESB; the answer, and what arrived at DingTalk."""
        self.dingtalk.forget()
        answer = self.call(self.esb_url(name), "/api/c/compapi/cmsi/send_msg/", msg_type="ding", receiver__username=ROBOT, title="cluster", content=text)
        return answer, [message for message in self.dingtalk.messages() if text in message["text"]]

    # --- putting it back ---------------------------------------------------------------------------------------------

    def keep(self, name):
        """The platform as it is now, to come back to with back_to()."""
        together(lambda host: host.keep(name), list(self.paas.values()))
        self.containers["data"].shell("mkdir -p /var/kept; %s --databases open_paas > /var/kept/%s.sql" % (" ".join(rows.DUMP), name))
        shutil.rmtree(self.place / ("kept-" + name), ignore_errors=True)
        shutil.copytree(self.control.root, self.place / ("kept-" + name), symlinks=True)
        self.kept_users[name], self.kept_states[name] = self.profiles(), self.state()

    def back_to(self, name):
        for unit in ("usermgr", "dingtalk"):
            self.containers["services"]("systemctl", "start", unit)
        self.containers["data"].shell("systemctl start mariadb redis-server nginx; mariadb < /var/kept/%s.sql" % name)
        together(lambda host: host.put_back(name), list(self.paas.values()))
        self._forget_windows()
        shutil.rmtree(self.control.root)
        shutil.copytree(self.place / ("kept-" + name), self.control.root, symlinks=True)
        together(lambda host: host.wait_passing(), list(self.paas.values()))
        self.fresh_services(self.kept_users[name])

    def _forget_windows(self):
        """Redis without what an earlier test has sent in this minute, as the hosts are; what it knows of itself stays."""
        self.containers["data"].shell("REDISCLI_AUTH='%s' redis-cli -e EVAL \"%s\" 1 ding_blueking:windows" % (self.secrets["redis_secret"], FORGET))

    def upgrade(self, name):
        """The platform's own upgrade of a host's ESB: a new release in place of the old one, and rsync --delete over what runs.

        host.json is what the platform writes when it installs.
        """
        host, place = self.paas[name], "/data/new"
        host.container.shell("rm -rf %s; mkdir %s" % (place, place))
        host.container.copy(str(self.laid_out / "data" / "src" / "open_paas"), place)
        host.container.shell("rm -rf /data/src/open_paas; mv %s/open_paas /data/src/open_paas; rmdir %s; rsync -a --delete --exclude conf/host.json "
                             "--chown=blueking:blueking %s/ %s/" % (place, place, paas.SRC_ESB, paas.ESB))
        host.restart()

    def fresh_services(self, users):
        """User management with these profiles; DingTalk with a person, a group's robot and our app, and no old messages."""
        for url in (self.usermgr_url, self.dingtalk_url):
            engine.wait_for(lambda url=url: processes.answers(url + "/_admin/health"), 60, lambda url=url: "%s does not answer: %s" % (
                url, self.containers["services"]("journalctl", "-n", "30", "--no-pager", "-u", "usermgr", "-u", "dingtalk", check=False)))
        self.usermgr, self.dingtalk = UserManagement(self.usermgr_url), DingTalk(self.dingtalk_url)
        self.usermgr.post("/_admin/reset")
        self.usermgr.post("/_admin/users", users)
        self.dingtalk.post("/_admin/reset")
        self.dingtalk.configure(robot_per_minute=100000, qps=10000)
        self.dingtalk.post("/_admin/apps", {"app_key": APP_KEY, "app_secret": self.secrets["app_secret"]})
        self.dingtalk.post("/_admin/people", {"userid": USERID, "name": PERSON, "mobile": MOBILE})
        self.dingtalk.post("/_admin/robots", {"token": self.secrets["token"], "secret": self.secrets["sign"], "name": ROBOT})
        self.dingtalk.forget()


def session():
    """Nothing of the environment's proxies."""
    client = requests.Session()
    client.trust_env = False
    return contextlib.closing(client)
