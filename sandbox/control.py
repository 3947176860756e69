"""Bringing the sandbox up, down and back to its start; the command line only words what happens here."""

import shutil
import sys
import time

from sandbox import channel, environments, hosts, inventory, paths, processes, receivers, state
from sandbox.errors import SandboxError

DEFAULTS = {"hosts": 1, "python": "current", "server": "gthread", "workers": 2, "redis": None, "channel": True}
FAKES = ("dingtalk", "usermgr")
TRIES = 3
SERVICE_SECONDS = 60
# Counted up when hosts are laid out in another way.
LAYOUT = "3:"


class Sandbox:
    """One sandbox: its home, its stored state, and a function that tells the user what is going on."""

    def __init__(self, home=None, say=print):
        self.home = home or paths.Home.current()
        self.say = say
        self.state = state.load(self.home)

    def host_names(self):
        return ["paas%d" % (number + 1) for number in range(self.state["options"].get("hosts", 0))]

    def keeper_names(self):
        return [name + hosts.KEEPER for name in self.host_names()]

    def names(self):
        return [*FAKES, *self.host_names(), *self.keeper_names()]

    def alive(self, name):
        return processes.alive(self.state["processes"].get(name))

    def health(self, name):
        if name.endswith(hosts.KEEPER):
            return hosts.service_lives(self.home.host(name.removesuffix(hosts.KEEPER)))
        return processes.answers(self.state["urls"][name] + ("/_admin/health" if name in FAKES else "/ping/"))

    def save(self):
        state.save(self.home, self.state)

    # --- up -------------------------------------------------------------------------------------------------------

    def up(self, asked):
        """Starts what does not run. Returns "started", "repaired" or "already"."""
        running = [name for name in self.names() if self.alive(name)]
        if running:
            self._same_options(asked)
        else:
            self.state["options"] = dict(DEFAULTS, **asked)
        self._stop_unrecorded()
        dead = [name for name in self.names() if not self.alive(name)]
        if not dead and self.state.get("prepared"):
            return "already"
        self._prepare_and_start()
        return "repaired" if running else "started"

    def _same_options(self, asked):
        now = self.state["options"]
        other = ["--%s is %s" % (name, now[name]) for name, value in sorted(asked.items()) if now[name] != value]
        if other:
            raise SandboxError("The sandbox is up with other options (%s): take it down first." % ", ".join(other))

    def _stop_unrecorded(self):
        """A command line killed between starting a process and noting it down leaves one that nobody knows."""
        known = {record["pid"] for record in self.state["processes"].values() if processes.alive(record)}
        unknown = [pid for pid in processes.ours(self.home) if pid not in known and processes.session(pid) not in known]
        if unknown:
            self.say("stopping %d processes that an earlier, interrupted run left" % len(unknown))
            processes.stop_pids(self.home, unknown)

    def _prepare_and_start(self):
        options = self.state["options"]
        if options["channel"] and not channel.available():
            raise SandboxError("The channel is not there (%s): use --without-channel." % paths.CHANNEL_SOURCE)
        servers = options["server"] in ("gevent", "uwsgi", "uwsgi-threads")
        python = environments.esb(options["python"], servers, self.say)
        self.home.path.mkdir(parents=True, exist_ok=True)
        self._forget_old_data()
        for name in FAKES:
            self._start(name)
        self._lay_out(python.parent.parent)
        self.state.update(app_code=state.APP_CODE, app_secret=state.APP_SECRET)
        self.state["log_dirs"] = {name: str(self.home.host(name).logs) for name in self.host_names()}
        self._fill_database()
        first = self.host_names()[0]
        self.state["settings_command"] = [
            hosts.write_settings_command(self.home, first, options, self.state["urls"])]
        channel.register_app(self.state["urls"]["dingtalk"])
        receivers.create(self.state["urls"])
        if options["channel"]:
            self.put_channel()
        for name in [*self.host_names(), *self.keeper_names()]:
            self._start(name)
        self.state["urls"]["esb"] = self.state["urls"][first]
        self.write_inventory()
        self.state["prepared"] = True
        self.save()
        if options["channel"]:
            self.check_channel()
            self.wait_for_services()

    def write_inventory(self):
        inventory.write(self.home, self.host_names(), self.state)

    def _forget_old_data(self):
        """A changed ESB tree may come with other tables: a sandbox starts over rather than guess."""
        wanted = LAYOUT + hosts.tree_hash(paths.ESB_SOURCE) + self.state["options"]["python"]
        if self.state.get("tree") == wanted or any(self.alive(name) for name in self.host_names()):
            return
        for path in self.home.path.glob(self.home.database.name + "*"):
            path.unlink()
        for folder in (self.home.hosts, self.home.control.root):
            shutil.rmtree(folder, ignore_errors=True)
        self.state.update(tree=wanted, prepared=False)
        self.save()

    def _lay_out(self, env_folder):
        if not (self.home.control.root / "complete").exists():
            hosts.lay_out_control(self.home.control)
            (self.home.control.root / "complete").touch()
        for name in self.host_names():
            host = self.home.host(name)
            if not (host.root / "complete").exists():
                hosts.lay_out(host, env_folder)
                (host.root / "complete").touch()
            elif not self.alive(name):
                hosts.link_environment(host, env_folder)
            hosts.write_host_values(self.home, host, self.state["options"], self.state["urls"])

    def _fill_database(self):
        if self.state.get("prepared") and self.home.database.exists():
            return
        first = self.host_names()[0]
        for words in (("migrate", "--noinput"), ("sync_data_at_deploy",),
                      ("sandbox_app", "--code", state.APP_CODE, "--secret", state.APP_SECRET, "--whitelist")):
            self.manage(first, *words)

    def manage(self, name, *words, **more):
        return hosts.manage(self.home, name, self.state["options"], self.state["urls"], *words, **more)

    def _start(self, name):
        """Starts one service if it does not run, noting it down at once. A port taken meanwhile means another port."""
        if self.alive(name):
            return
        if name.endswith(hosts.KEEPER):
            self._start_keeper(name)
            return
        for attempt in range(TRIES):
            taken = [record["port"] for record in self.state["processes"].values()]
            remembered = self.state["ports"].get(name) if attempt == 0 else None
            port = processes.free_port([p for p in taken if p != remembered], remembered)
            service = self._service(name, port)
            process, record = processes.launch(self.home, service)
            self.state["processes"][name] = dict(record, port=port)
            self.state["ports"][name] = port
            self.state["urls"][name] = "http://127.0.0.1:%d" % port
            self.save()
            if processes.wait_healthy(process, service):
                return
            del self.state["processes"][name]
            self.save()
            if not processes.port_taken(port):
                break
        raise SandboxError("%s ended at once. The end of its log:\n%s" % (name, processes.tail(service.log)))

    def _start_keeper(self, name):
        service = hosts.channel_service(self.home, name.removesuffix(hosts.KEEPER), self.state["options"], self.state["urls"])
        _, record = processes.launch(self.home, service)
        self.state["processes"][name] = dict(record, port=None)
        self.save()

    def wait_for_services(self):
        """Until every host's service of the channel gives signs of life."""
        limit = time.monotonic() + SERVICE_SECONDS
        for name in self.keeper_names():
            while not self.health(name):
                if time.monotonic() > limit:
                    raise SandboxError("The channel's service of %s does not come up. The end of its log:\n%s"
                                       % (name, processes.tail(self.home.logs / (name + ".log"))))
                time.sleep(0.1)

    def _service(self, name, port):
        if name not in FAKES:
            return hosts.service(self.home, name, port, self.state["options"], self.state["urls"], self.say)
        self.home.data.mkdir(exist_ok=True)
        command = [sys.executable, "-m", "sandbox." + name, "--port", str(port),
                   "--data", str(self.home.data / (name + ".json"))]
        return processes.Service(name, command, str(paths.ROOT), processes.clean_environment(),
                                 str(self.home.logs / (name + ".log")),
                                 "http://127.0.0.1:%d/_admin/health" % port)

    # --- the channel ----------------------------------------------------------------------------------------------

    def put_channel(self):
        for name in self.host_names():
            channel.put_files(self.home.host(name).generic)
        channel.register(self.home, self.host_names()[0], self.state["options"], self.state["urls"])

    def check_channel(self):
        for name in self.host_names():
            channel.check(self.state["urls"][name], self.state["app_code"], self.state["app_secret"])

    def install_channel(self):
        self.need_up()
        channel.register_app(self.state["urls"]["dingtalk"])
        self.put_channel()
        self.state["options"]["channel"] = True
        self.restart([*self.host_names(), *self.keeper_names()])
        self.check_channel()
        self.wait_for_services()

    def uninstall_channel(self):
        self.need_up()
        channel.unregister(self.home, self.host_names()[0], self.state["options"], self.state["urls"])
        for name in self.host_names():
            channel.take_files(self.home.host(name).generic)
        self.state["options"]["channel"] = False
        self.restart(self.host_names())

    def need_up(self):
        dead = [name for name in self.names() if not self.alive(name)]
        if dead or not self.host_names():
            raise SandboxError("The sandbox is not up%s." % (": %s does not run" % ", ".join(dead) if dead else ""))

    # --- restart, down, reset -------------------------------------------------------------------------------------

    def restart(self, names):
        for name in names:
            if name not in self.names():
                raise SandboxError("There is no service %s; there are %s." % (name, ", ".join(self.names())))
            record = self.state["processes"].pop(name, None)
            if record:
                processes.stop_one(self.home, name, record)
            self._start(name)
        self.save()
        # A service whose port was taken meanwhile answers at another address.
        self.write_inventory()

    def down(self):
        """Stops everything of this sandbox. Returns how many services were running."""
        running = [name for name in self.state["processes"] if self.alive(name)]
        strays = processes.ours(self.home)
        processes.stop(self.home, list(self.state["processes"].values()))
        if self.state["processes"]:
            self.state["processes"] = {}
            self.save()
        return len(running) or bool(strays)

    def reset(self):
        """Data back to the start; what ran before runs again."""
        options = self.state["options"]
        ran = bool(self.down())
        hosts.remove(self.home)
        self.state.update(prepared=False, tree=None)
        self.save()
        if ran and options:
            self.up(options)
        return ran
