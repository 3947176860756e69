"""A PaaS host: the ESB below /data/bkce under uWSGI and systemd, the platform's package of it, Consul's agent."""

import json
import shutil
from pathlib import Path
from string import Template

from clusterkit.engine import wait_for
from sandbox import environments, hosts, paths

INSIDE = Path(__file__).resolve().parent / "inside"
TESTS = Path(__file__).resolve().parents[2]
UNIT, ESB_PORT, CONSUL_PORT = "bk-paas-esb.service", 8002, 8500
SERVICE = "bk-paas-esb-ding.service"
ESB, SRC_ESB, LOGS = "/data/bkce/open_paas/esb", "/data/src/open_paas/esb", "/data/bkce/logs/open_paas"
ENV = "/data/bkce/.envs/open_paas-esb"
APIS = ESB + "/components/generic/apis"
UP_SECONDS = 60
# A component of the site's own, there before the channel: what a client calls while the hosts are restarted.
SITE = '''
SYSTEMS += [{"name": "BENCH", "label": "Bench", "remark": "", "execute_timeout": 60, "query_timeout": 60}]
CHANNELS += [("/bench/wait/", {"comp_codename": "generic.bench.wait"})]
'''
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.py[co]")


def filled(name, **values):
    """A file of `inside` with its $words replaced."""
    return Template((INSIDE / name).read_text("utf-8")).substitute(values)


def stand_in(container, name, what, words, python="/usr/bin/python3"):
    """A unit on a host that runs a program of the tests' own from /opt/ding."""
    container.put("/etc/systemd/system/%s.service" % name, filled("stand-in.service", what=what, python=python, words=" ".join(words)))


def runtime(python, say=print):
    """(mounts that bring the ESB's Python onto a host, that Python's own path): its environment and its interpreter as on this machine."""
    return mounted(environments.esb(python, servers=True, say=say).parent.parent, ENV, python if python != "current" else "3")


def mounted(folder, there, version):
    """([(folder here, folder there)] for one environment of this machine, the path of the interpreter below it)."""
    lines = dict(line.split(" = ", 1) for line in (folder / "pyvenv.cfg").read_text("utf-8").splitlines() if " = " in line)
    prefix = Path(lines["home"]).parent
    # A Python of the system is one of the image, too.
    own = [] if prefix == Path("/usr") else [(prefix, prefix)]
    return [(folder, there), *own], str(prefix / "bin" / ("python" + version))


def lay_out(place, values):
    """What `data` of a PaaS host holds, below a folder here: a release unpacked in src, and a copy of it that runs."""
    release = place / "data" / "src" / "open_paas"
    shutil.copytree(paths.ESB_SOURCE, release / "esb", ignore=_NOT_COPIED)
    shutil.copytree(environments.mysql_path() / "pymysql", release / "esb" / "pymysql", ignore=_NOT_COPIED)
    release.joinpath("VERSION").write_text(hosts.VERSION + "\n", "utf-8")
    release.joinpath("esb", "VERSION").write_text("2.11.20\n", "utf-8")
    # As BlueKing advises, the site keeps its own component in the packages, too: an upgrade brings it again.
    apis = release.joinpath("esb", "components", "generic", "apis")
    apis.joinpath("bench").mkdir()
    apis.joinpath("bench", "__init__.py").touch()
    shutil.copy(paths.ROOT / "sandbox" / "bench_components" / "wait.py", apis / "bench")
    with open(apis / "conf.py", "a", encoding="utf-8") as conf:
        conf.write(SITE)
    home = place / "data" / "bkce"
    shutil.copytree(release, home / "open_paas")
    home.joinpath("open_paas", "esb", "conf", "host.json").write_text(json.dumps(values, indent=1) + "\n", "utf-8")
    home.joinpath("open_paas", "cert").mkdir()
    home.joinpath("open_paas", "cert", "saas_priv.txt").write_text("a cluster of the tests has no private key\n", "utf-8")
    home.joinpath("logs", "open_paas").mkdir(parents=True)
    home.joinpath("etc").mkdir()


class Paas:
    """container: an engine.Container. others: {name: address} of the other PaaS hosts."""

    def __init__(self, name, container, others):
        self.name, self.container, self.others, self.address = name, container, others, container.address

    def prepare(self, laid_out):
        """Everything but the start of the ESB, whose database is filled later."""
        run = self.container
        run.copy(str(laid_out) + "/data/.", "/data")
        run.put("/data/bkce/etc/uwsgi-open_paas-esb.ini", filled("uwsgi-open_paas-esb.ini", address=self.address))
        run.shell("find /data/bkce -name .envs -prune -o -exec chown -h blueking:blueking {} + ; chmod 0640 %s/conf/host.json" % ESB)
        run.copy(INSIDE / "bk-paas-esb.service", "/etc/systemd/system/")
        run.copy(INSIDE / "bk-paas.target", "/etc/systemd/system/")
        run.shell("mkdir -p /opt/ding")
        for path in (INSIDE / "consul_agent.py", INSIDE / "seen.py", TESTS / "playbooks/standins/consul.py", TESTS / "playbooks/playkit/tree.py"):
            run.copy(path, "/opt/ding/")
        words = ["consul_agent.py", self.name, self.address, *("%s=%s" % pair for pair in self.others.items())]
        stand_in(run, "consul", "Consul's agent, a stand-in", words)
        run.enable("consul.service")

    def manage(self, *words, given=None):
        """manage.py with the ESB's own Python, as the service's user; returns what it printed."""
        needed = ("BK_ENV=production", "BK_FILE_PATH=/data/bkce/open_paas/cert/saas_priv.txt", "PAAS_LOGGING_DIR=" + LOGS)
        return self.container("runuser", "-u", "blueking", "--", "env", "--chdir", ESB, *needed, ENV + "/bin/python", "manage.py", *words, given=given)

    # --- the ESB -----------------------------------------------------------------------------------------------------

    @property
    def url(self):
        return "http://%s:%d" % (self.address, ESB_PORT)

    def start(self):
        self.container.enable(UNIT, "bk-paas.target")
        self.wait_serves()

    def stop(self):
        self.container("systemctl", "stop", UNIT)

    def restart(self):
        self.container("systemctl", "restart", UNIT)
        self.wait_serves()

    def serves(self):
        return self.container.works("python3", "-c", "import urllib.request as u; assert u.urlopen('%s/ping/', timeout=5).read() == b'pong'" % self.url)

    def wait_serves(self):
        wait_for(self.serves, UP_SECONDS, lambda: "the ESB of %s does not answer: %s" % (
            self.name, self.container("journalctl", "-n", "30", "--no-pager", "-u", UNIT, check=False)))

    def wait_passing(self):
        """Until Consul's check has seen the ESB."""
        look = "import urllib.request as u; assert u.urlopen('http://127.0.0.1:%d/cluster/itself', timeout=5).read() != b'null'" % CONSUL_PORT
        wait_for(lambda: self.container.works("python3", "-c", look), 30, "Consul does not see the ESB of " + self.name)

    def main_pid(self):
        """The pid of uWSGI's master: it keeps it over a graceful re-load only."""
        return int(self.container("systemctl", "show", "--property=MainPID", "--value", UNIT))

    def starts(self):
        """When the unit was last started, which a graceful re-load does not change."""
        return self.container("systemctl", "show", "--property=ExecMainStartTimestampMonotonic", "--value", UNIT).strip()

    def stops(self):
        """When the unit was stopped in this boot: [(begun, ended)] in seconds since 1970, from systemd's journal. A re-load is no stop."""
        told = [json.loads(line) for line in self.container("journalctl", "--no-pager", "-o", "json", "-u", UNIT, "_PID=1").splitlines()]
        times = {word: [int(each["_SOURCE_REALTIME_TIMESTAMP"]) / 1e6 for each in told if str(each.get("MESSAGE", "")).startswith(word)]
                 for word in ("Stopping ", "Stopped ")}
        return list(zip(times["Stopping "], times["Stopped "]))

    # --- what is on it -----------------------------------------------------------------------------------------------

    def seen(self):
        """{"files": {path: what}, "lease": the lease or None, "backups": [names]}, as inside/seen.py tells."""
        told = json.loads(self.container("python3", "-B", "/opt/ding/seen.py"))
        told["files"] = {path: tuple(what) for path, what in told["files"].items()}
        return told

    def keep(self, name):
        self.container.shell("mkdir -p /var/kept; tar --one-file-system --exclude=data/bkce/logs --exclude=data/bkce/.envs "
                             "-cpf /var/kept/%s.tar -C / data etc/systemd/system" % name)

    def put_back(self, name):
        """Files as they were, and the ESB restarted, because it may have loaded others; so is the channel's service, where there was one."""
        run = self.container
        run.shell("systemctl disable --now %s 2>/dev/null || true; systemctl stop %s; cd /data; rm -rf backup src bkce/.ding_blueking* bkce/open_paas "
                  "bkce/logs/open_paas/ding_blueking /etc/systemd/system/%s; tar -xpf /var/kept/%s.tar -C /; systemctl daemon-reload"
                  % (SERVICE, UNIT, SERVICE, name))
        # A run that failed or was killed may have left the host outside of Consul.
        agent = "import urllib.request as u; u.urlopen(u.Request('http://127.0.0.1:%d/cluster/back', method='PUT'), timeout=5)" % CONSUL_PORT
        run("python3", "-c", agent)
        run.shell("systemctl start ssh.service; systemctl reset-failed %s; systemctl start %s" % (UNIT, UNIT))
        if run.works("test", "-e", "/etc/systemd/system/" + SERVICE):
            run("systemctl", "restart", SERVICE)
        self.wait_serves()

