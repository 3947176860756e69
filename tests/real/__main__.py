"""python -m tests.real --esb-home DIR --esb-python PATH [--server gunicorn|uwsgi] [-- pytest's arguments]

Copies the tree, adds the channel, starts it beside the sandbox's DingTalk and user management, runs tests/contract
against it, and stops and removes everything. The given tree is only read.
"""

import argparse
import contextlib
import os
import shlex
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sandbox import channel, control, hosts, paths, processes, state
from sandbox.errors import SandboxError
from tests.real import trees
from tests.run import junit

HERE = Path(__file__).resolve().parent
KEEPER = "esb" + hosts.KEEPER
RESULTS = paths.ROOT / ".results"
# V7's workers read the channels anew once a second; two periods and the query.
V7_SETTINGS_DELAY = "2.5"
# uWSGI sleeps for up to 2 s before it replaces workers again; a call that came in meanwhile would wait for that.
REPLACE_WORKERS = """\
children=/proc/%d/task/%d/children
set -- $(cat $children)
kill -KILL "$@"
for attempt in $(seq 100); do
    now=$(cat $children)
    there=$(echo $now | wc -w)
    for gone in "$@"; do case " $now " in *" $gone "*) there=0 ;; esac; done
    if [ $there -ge $# ]; then exit 0; fi
    sleep 0.1
done
echo "uWSGI has not replaced its workers within 10 s" >&2
exit 1"""


class RealEsb(control.Sandbox):
    """The sandbox's DingTalk and user management, and a real tree in place of the sandbox's own hosts."""

    def __init__(self, home, tree, server):
        super().__init__(home)
        self.tree, self.server = tree, server

    def names(self):
        return [*control.FAKES, "esb", *self.keeper_names()]

    def keeper_names(self):
        """V7 has no service: what a window has no room for is refused there."""
        return [KEEPER] if self.tree.kind == "V6" else []

    def _start_keeper(self, name):
        package = self.tree.folder.joinpath(*hosts.GENERIC, "apis", channel.NAME)
        log = self.home.logs / (name + ".log")
        command = [sys.executable, "-m", "sandbox.keeper", self.tree.python, str(package), str(log)]
        _, record = processes.launch(self.home, processes.Service(name, command, str(paths.ROOT), self.environment(), str(log), ""))
        self.state["processes"][name] = dict(record, port=None)

    def _service(self, name, port):
        if name != "esb":
            return super()._service(name, port)
        return processes.Service(name, self.tree.server_command(self.server, port), str(self.tree.folder), self.environment(),
                                 str(self.home.logs / "esb.log"), "http://127.0.0.1:%d/ping/" % port, 60)

    def environment(self):
        return dict(self.tree.environment(self.state["urls"]["usermgr"]), **{processes.MARK: str(self.home.path)})

    def python(self, *words, given=""):
        done = subprocess.run([self.tree.python, *words], cwd=self.tree.folder, env=self.environment(), input=given,
                              capture_output=True, text=True, encoding="utf-8", errors="replace")
        if done.returncode:
            said = "\n".join("    " + line for line in (done.stdout + done.stderr).splitlines()[-25:])
            raise SandboxError("In the ESB, %s ended with %d:\n%s" % (" ".join(words), done.returncode, said))

    def bring_up(self):
        for name in control.FAKES:
            self._start(name)
        for words in self.tree.prepare_commands():
            self.python(*words)
        with contextlib.closing(sqlite3.connect(self.tree.database)) as database:
            # A thread that uWSGI has stopped in the middle of a query must not lock the settings' writer out.
            database.execute("PRAGMA journal_mode=WAL")
        self.python(str(HERE / "in_esb.py"), "app", state.APP_CODE, state.APP_SECRET)
        dingtalk = self.state["urls"]["dingtalk"]
        channel.register_app(dingtalk)
        self.python(str(HERE / "in_esb.py"), "settings", given=channel.settings_text(dingtalk))
        for name in ["esb", *self.keeper_names()]:
            self._start(name)
        channel.check(self.state["urls"]["esb"], state.APP_CODE, state.APP_SECRET)

    def settings_command(self):
        """Stores settings. V7 under uWSGI never reads channels again (a thread would): its workers are replaced."""
        words = ["%s=%s" % item for item in sorted(self.environment().items()) if item[0] != processes.MARK]
        script = self.home.path / "settings-command"
        lines = ["#!/bin/sh", "set -e", "cd " + shlex.quote(str(self.tree.folder)), "env -i %s %s %s settings" % (
            " ".join(map(shlex.quote, words)), shlex.quote(self.tree.python), shlex.quote(str(HERE / "in_esb.py")))]
        if self.tree.kind == "V7" and self.server == "uwsgi":
            master = self.state["processes"]["esb"]["pid"]
            lines.append(REPLACE_WORKERS % (master, master))
        script.write_text("\n".join(lines) + "\n", "utf-8")
        script.chmod(0o755)
        return str(script)

    def contract_environment(self):
        urls = self.state["urls"]
        return {
            "CONTRACT_ESB_URL": urls["esb"], "CONTRACT_DINGTALK_URL": urls["dingtalk"], "CONTRACT_USERMGR_URL": urls["usermgr"],
            "CONTRACT_APP_CODE": state.APP_CODE, "CONTRACT_APP_SECRET": state.APP_SECRET, "CONTRACT_LOG_DIR": str(self.tree.logs),
            "CONTRACT_SETTINGS_COMMAND": shlex.quote(self.settings_command()), "CONTRACT_WORKERS": "2",
            "CONTRACT_SERVER": "%s on a real %s tree" % (self.server, self.tree.kind),
            "CONTRACT_SERVICE": "1" if self.keeper_names() else "0",
            "CONTRACT_PARALLEL": "1" if self.tree.parallel(self.server) else "0",
            "CONTRACT_SETTINGS_DELAY": V7_SETTINGS_DELAY if self.tree.kind == "V7" and self.server == "gunicorn" else "",
        }


def main(arguments):
    options, rest = _parse(arguments)
    try:
        folder, kind = trees.find(options.esb_home, options.esb_python)
        return _run(folder, kind, options, rest)
    except SandboxError as error:
        print("error: %s" % error, file=sys.stderr)
        return 1


def _parse(arguments):
    cut = arguments.index("--") if "--" in arguments else len(arguments)
    parser = argparse.ArgumentParser(prog="python -m tests.real")
    parser.add_argument("--esb-home", default="")
    parser.add_argument("--esb-python", default="")
    parser.add_argument("--server", choices=("gunicorn", "uwsgi"), default="gunicorn")
    return parser.parse_args(arguments[:cut]), arguments[cut + 1:]


def _run(folder, kind, options, rest):
    began = time.monotonic()
    home = paths.Home(Path(tempfile.mkdtemp(prefix="ding-real-esb-")))
    tree = trees.Tree(home.path / "open_paas" / "esb", os.path.abspath(options.esb_python), kind, home.path)
    esb = RealEsb(home, tree, options.server)
    try:
        shutil.copytree(folder, tree.folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", "*.py[co]", ".git"))
        shutil.copy2(HERE / "ding_contract_wsgi.py", tree.folder)
        tree.logs.mkdir(parents=True)
        (home.path / "cert").mkdir()
        channel.put_files(tree.folder / "components" / "generic")
        esb.bring_up()
        print("%6.1f s  a real %s tree is up with the channel, served by %s" % (time.monotonic() - began, kind, options.server), flush=True)
        return _contract(esb, rest)
    finally:
        esb.down()
        kept = RESULTS / ("test-esb-%s-%s" % (kind.lower(), options.server))
        shutil.rmtree(kept, ignore_errors=True)
        for logs in (home.logs, tree.logs):
            if logs.is_dir():
                shutil.copytree(logs, kept / ("services" if logs == home.logs else "esb"), dirs_exist_ok=True)
        shutil.rmtree(home.path, ignore_errors=True)
        print("%6.1f s  everything is stopped; logs are in %s" % (time.monotonic() - began, kept.relative_to(paths.ROOT)))


def _contract(esb, rest):
    report = esb.home.path / "junit.xml"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CONTRACT_")}
    environment.update((name, value) for name, value in esb.contract_environment().items() if value)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--junitxml=%s" % report, "tests/contract",
                           *rest], cwd=paths.ROOT, env=environment)
    tested = junit.read(report)
    if tested is None:
        raise SandboxError("pytest ended with %d before it ran a test." % done.returncode)
    print("%d passed, %d failed, %d skipped" % (tested.counts.passed, tested.counts.failed, tested.counts.skipped))
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
