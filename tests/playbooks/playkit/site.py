"""A platform of two PaaS hosts as an operator finds it: what is on it, compared before and after, and put back to the start.

It stands on the module tests' sandbox (modulekit.world). Files below a host's or the control host's root, the database,
user management and DingTalk are what a playbook can change.
"""

import json
import secrets
import shutil
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

import requests

from contractkit.services import DingTalk, UserManagement
from modulekit.world import World
from playkit import tree
from playkit.moment import Moment
from sandbox import processes, state

RUN = secrets.token_hex(4)
# Set by the database or Django whenever a row is touched, which no playbook can prevent.
TOUCHED = ("last_modified_time", "updated_time", "last_accessed_time")
OUR_PATHS = ("/cmsi/send_ding/", "/cmsi/send_dingtalk/", "/cmsi/send_dingbot/", "/cmsi/ding_status/")
PERSON, MOBILE, USERID = "play_person", "13900000001", "play-userid-1"
APP, APP_KEY = "play_app", "dingplaykeynotreal"
ROBOTS = ("play_robot_ops", "play_robot_dba", "play_robot_net")
PROFILE = "username,display_name,qq,wx_userid,email,telephone,status,enabled,extras"


def planted(name, length=36):
    """A secret that is unlike anything else on this machine, so that finding it is no chance."""
    return (name + "leak" + RUN + secrets.token_hex(length))[:length]


class Site:
    """Use the session fixture `site`; site.world is the modules tests' World with its hosts paas1 and paas2."""

    def __init__(self, world):
        self.world = world
        self.place = Path(tempfile.mkdtemp(prefix="ding-play-"))
        self.control_host = world.control.home.control
        self.backups = {host.name: host.src_home.parent / "backup" / "ding_blueking" for host in world.hosts}
        self.secrets = {"app_secret": planted("app/+%secret"), "esb_secret": planted("esbsecret"), "usermgr_secret": planted("usermgrsecret")}
        for name in ROBOTS:
            short = name.rpartition("_")[2]
            self.secrets["token_" + short] = planted("token" + short, 64)
            self.secrets["sign_" + short] = "SEC" + planted("sign" + short, 61)
        # Hosts on which something else was planted: they are restarted on the way back to the start.
        self.loaded = set()
        self._prepare()
        self._start = Moment(self)
        self.start = self.state()

    @classmethod
    def started(cls, esb_python):
        return cls(World.started(esb_python=esb_python))

    def end(self):
        self._start.end()
        shutil.rmtree(self.place, ignore_errors=True)
        self.world.end()

    def _prepare(self):
        """What an operator has before the first install: an app that calls the ESB, a person, groups with robots at DingTalk."""
        world = self.world
        world.manage("sandbox_app", "--code", APP, "--secret", self.secrets["esb_secret"], "--whitelist")
        world.dingtalk.post("/_admin/apps", {"app_key": APP_KEY, "app_secret": self.secrets["app_secret"]})
        world.dingtalk.post("/_admin/people", {"userid": USERID, "name": PERSON, "mobile": MOBILE})
        for robot in self.robots():
            world.dingtalk.post("/_admin/robots", {"token": robot["webhook"].partition("=")[2], "secret": robot["secret"], "name": robot["name"]})
        self.fresh_services([dict(username=PERSON, display_name=PERSON, telephone=MOBILE)])

    # --- what the playbooks get ------------------------------------------------------------------------------------

    @property
    def inventory(self):
        return self.world.control.home.inventory

    def robots(self, *names):
        return [{"name": name, "display_name": "Group " + name, "secret": self.secrets["sign_" + name.rpartition("_")[2]],
                 "webhook": "%s/robot/send?access_token=%s" % (self.world.dingtalk_url, self.secrets["token_" + name.rpartition("_")[2]])}
                for name in names or ROBOTS]

    def variables(self, python, place):
        """What the inventory of the sandbox has differently: the target's Python, and secrets that a test can look for."""
        return {
            "ansible_python_interpreter": python, "ansible_remote_tmp": str(place / "remote-tmp"),
            "ding_esb_app_code": APP, "ding_esb_app_secret": self.secrets["esb_secret"],
            "ding_usermgr_app_code": APP, "ding_usermgr_app_secret": self.secrets["usermgr_secret"],
            "ding_app_key": APP_KEY, "ding_app_secret": self.secrets["app_secret"],
            "robots": self.robots(), "ding_verify_receivers": [PERSON], "ding_health_timeout": 60,
        }

    # --- what is on it ---------------------------------------------------------------------------------------------

    def state(self):
        """{"files": {host or "control": {path: what}}, "rows": {table: [row]}, "users": {name: fields}, "backups": {host: [names]}, "leases": [hosts]}."""
        return {"files": {name: self.files(name) for name in [*self.names(), "control"]}, "rows": self.rows(), "users": self.users(),
                "backups": {name: self.backup_names(name) for name in self.names()}, "leases": sorted(self.leases())}

    def names(self):
        return [host.name for host in self.world.hosts]

    def files(self, name):
        """{path: (mode, owner, group, content's hash or link)} of the ESB's components and of the packages; byte code left out."""
        if name == "control":
            return tree.seen(self.control_host.src_home)
        host = self.world.host(name)
        return {**tree.seen(host.esb_home / "components"), **tree.seen(host.src_home), **tree.seen(host.bk_home, deep=False, without=self.lease_file(name))}

    def rows(self, all_columns=False):
        """Every table but Django's own, each row as {column: value}; of rows that are not the channel's without the times of a touch,
        unless all_columns are wanted."""
        found = {}
        with closing(sqlite3.connect(str(self.world.database), timeout=20)) as database:
            database.row_factory = sqlite3.Row
            tables = [row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            for table in tables:
                if not table.startswith(("django_", "sqlite_", "auth_")):
                    rows = [dict(row) for row in database.execute("SELECT * FROM %s" % table)]
                    found[table] = sorted(rows if all_columns else map(_settled, rows), key=repr)
        return found

    def users(self):
        """{name: fields} of the users who are not deleted."""
        return {user["username"]: user for user in self.profiles() if user["status"] != "DELETED"}

    def profiles(self):
        session = requests.Session()
        session.trust_env = False
        answer = session.get(self.world.usermgr_url + "/api/v2/profiles/", timeout=20,
                             params={"fields": PROFILE, "no_page": "1", "include_disabled": "1"}).json()
        return [{name: user[name] for name in PROFILE.split(",")} for user in answer["data"]]

    def backup_names(self, name):
        folder = self.backups[name]
        return sorted(path.name for path in folder.iterdir() if path.name.endswith(".tar.gz")) if folder.is_dir() else []

    def lease_file(self, name):
        return self.world.host(name).bk_home / ".ding_blueking.lease"

    def leases(self):
        """{host: the lease} of those that are held."""
        return {name: json.loads(self.lease_file(name).read_text("utf-8")) for name in self.names() if self.lease_file(name).exists()}

    def hold(self, name, operator="another-operator", expires_in=600, run_id="another-run"):
        """Another operator's lease, held since half an hour."""
        lease = {"run_id": run_id, "operator": operator, "since": time.time() - 1800, "expires": time.time() + expires_in}
        self.lease_file(name).write_text(json.dumps(lease), "utf-8")
        return lease

    def pids(self, name):
        """{pid: when it was started} of the host's ESB, its workers included: equal only when nothing was restarted."""
        self._reload()
        record = self.world.control.state["processes"].get(name)
        if not processes.alive(record):
            return {}
        found = {pid: processes.start_time(pid) for pid in processes.ours(self.world.control.home) if processes.session(pid) == record["pid"]}
        return {pid: started for pid, started in found.items() if started}

    def every_pid(self):
        return {name: self.pids(name) for name in self.names()}

    def serves(self, name):
        """Whether the host's ESB answers."""
        return processes.answers(self.world.host(name).esb_url + "/ping/")

    def lists_ding(self, name):
        """None where the host's ESB does not know the message type, else whether it is offered."""
        session = requests.Session()
        session.trust_env = False
        # In the header: the ESB logs what is in the body.
        caller = {"bk_app_code": APP, "bk_app_secret": self.secrets["esb_secret"], "bk_username": "admin"}
        answer = session.post(self.world.host(name).esb_url + "/api/c/compapi/cmsi/get_msg_type/", timeout=20, json={},
                              headers={"X-Bkapi-Authorization": json.dumps(caller)}).json()
        found = [row["is_active"] for row in answer.get("data") or [] if row["type"] == "ding"]
        return bool(found[0]) if found else None

    def settings(self, path):
        """What is stored for a channel, as a dict; None without such a row."""
        row = next((row for row in self.rows()["esb_channel"] if row["path"] == path), None)
        return None if row is None else dict(json.loads(row["comp_conf"] or "[]"))

    def logs(self):
        """Everything that the services of the sandbox have logged so far."""
        folders = [self.world.home / "logs"] + [host.logs for host in self.world.hosts]
        return "\n".join(path.read_text("utf-8", "replace") for folder in folders for path in folder.rglob("*") if path.is_file())

    # --- putting it back -------------------------------------------------------------------------------------------

    def virgin(self):
        """Back to the start. An ESB is restarted where it does not serve, or knows the message type."""
        self._reload()
        loaded = [name for name in self.names() if name in self.loaded or not self.serves(name) or self.lists_ding(name) is not None]
        self._start.put(self)
        self.restart(*loaded)
        self.loaded.clear()

    def moment(self):
        """The platform as it is now, to come back to with back_to()."""
        self._reload()
        return Moment(self)

    def back_to(self, moment):
        """An ESB is restarted where it was restarted since the moment."""
        moment.put(self)
        self.restart(*[name for name, pids in self.every_pid().items() if pids != moment.pids[name]])
        moment.pids = self.every_pid()

    def restart(self, *names):
        if names:
            self._reload()
            self.world.restart(*names)

    def fresh_services(self, users):
        """User management with these profiles, DingTalk without faults, limits and old messages."""
        # A reset counts calls and messages from one again.
        self.world.usermgr, self.world.dingtalk = UserManagement(self.world.usermgr_url), DingTalk(self.world.dingtalk_url)
        self.world.reset_usermgr()
        self.world.reset_dingtalk()
        self.world.dingtalk.configure(robot_per_minute=100000, qps=10000)
        self.world.usermgr.post("/_admin/users", users)
        self.world.usermgr.forget()

    def _reload(self):
        """A playbook restarts services behind our back."""
        self.world.control.state = state.load(self.world.control.home)


def _settled(row):
    ours = row.get("path") in OUR_PATHS
    return {name: value for name, value in row.items() if ours and name == "last_modified_time" or name not in TOUCHED}


def difference(before, after):
    """What differs between two states, a sentence for each thing; [] for nothing. A whole folder that came or went is one thing."""
    found = []
    for name in sorted(set(before) | set(after)):
        one, two = before.get(name), after.get(name)
        if one == two:
            continue
        if isinstance(one, dict) and isinstance(two, dict):
            found += ["%s: %s" % (name, each) for each in difference(one, two)]
        elif isinstance(one, list) and isinstance(two, list):
            found += ["%s: gone %r" % (name, each) for each in one if each not in two] + ["%s: new %r" % (name, each) for each in two if each not in one]
        elif not any(name.startswith(other + "/") and (before.get(other) is None) == (one is None) for other in _parents(name, before, after)):
            found.append("%s: %r became %r" % (name, one, two))
    return found


def _parents(name, before, after):
    """Folders above that only one of two trees has."""
    parts = name.split("/")
    return [other for other in ("/".join(parts[:length]) for length in range(2, len(parts)))
            if (other in before) != (other in after)]
