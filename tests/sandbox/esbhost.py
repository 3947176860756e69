"""A host with the local ESB, for its tests: a copy of the tree in a folder of its own, served by gunicorn."""
import contextlib
import json
import os
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TREE = ROOT / "sandbox" / "esb"
PYTHONS = ("py27", "py36", "py3")
APP = {"bk_app_code": "ding_sandbox", "bk_app_secret": "sandbox-app-secret-not-real", "bk_username": "admin"}
CUSTOM = "components/generic/apis/"
USERS = {
    "ann": {"username": "ann", "email": "ann@example.com", "telephone": "13800000001", "wx_userid": "wx-ann"},
    "bob": {"username": "bob", "email": "", "telephone": "", "wx_userid": ""},
}

MIGRATED = {}


def environment_of(name):
    """The folder of a virtual environment; without it the test is skipped, or fails under DING_REQUIRE_ALL=1."""
    envs = os.environ.get("DING_SANDBOX_ENVS") or ROOT / ".sandbox" / "envs"
    folder = Path(os.environ.get("SANDBOX_ENV_" + name.upper()) or Path(envs) / name)
    if (folder / "bin" / "gunicorn").exists():
        return folder
    reason = "no environment %s: set SANDBOX_ENV_%s or make .sandbox/envs/%s" % (name, name.upper(), name)
    if os.environ.get("DING_REQUIRE_ALL") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


class Answer:
    def __init__(self, status, headers, body):
        self.status = status
        self.headers = headers
        self.text = body.decode("utf-8")

    @property
    def json(self):
        return json.loads(self.text)


class Host:
    def __init__(self, env, folder, database=None, usermgr="", **environment):
        self.env = env
        self.folder = folder
        self.home = folder / "esb"
        self.logs = folder / "logs"
        self.process = None
        self.url = None
        self.environment = dict(
            {key: value for key, value in os.environ.items() if key in ("PATH", "HOME", "LANG")},
            BK_ENV="production",
            PAAS_LOGGING_DIR=str(self.logs),
            SANDBOX_DB=str(database or folder / "open_paas.sqlite3"),
            SANDBOX_USERMGR_URL=usermgr,
            DJANGO_SETTINGS_MODULE="settings",
            **environment,
        )
        shutil.copytree(TREE, self.home, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))

    def write(self, path, text):
        """A file of the tree, with whatever package files Python 2 wants on the way to it."""
        target = self.home / path
        target.parent.mkdir(parents=True, exist_ok=True)
        for folder in target.relative_to(self.home).parents:
            init = self.home / folder / "__init__.py"
            if folder != Path(".") and not init.exists():
                init.write_text("")
        target.write_text("# -*- coding: utf-8 -*-\n" + text, encoding="utf-8")
        # Python 2 compares whole seconds: of a file that is written twice in one, it would keep the first byte code.
        target.with_suffix(".pyc").unlink(missing_ok=True)

    def component(self, path, class_name="Probe", system="PROBE", body="pass", head=""):
        self.write(path, COMPONENT.format(head=head, name=class_name, system=system, body=body))

    def run(self, *words, given=None, expect=0):
        done = subprocess.run(
            [str(self.env / "bin" / "python"), *words], cwd=self.home, env=self.environment,
            input=given, capture_output=True, text=True, timeout=120,
        )
        assert done.returncode == expect, done.stderr
        return done

    def manage(self, *words, **options):
        return self.run("manage.py", *words, **options)

    def script(self, text):
        """Python that runs inside the ESB's Django; its standard output."""
        return self.run("-c", "import django; django.setup()\n" + text).stdout

    def migrate(self):
        """The tables; made once for each environment and then copied, as it takes seconds."""
        database = Path(self.environment["SANDBOX_DB"])
        if self.env in MIGRATED:
            database.write_bytes(MIGRATED[self.env])
            return
        self.manage("migrate", "--noinput")
        with contextlib.closing(sqlite3.connect(database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        MIGRATED[self.env] = database.read_bytes()

    def prepare(self):
        self.migrate()
        self.manage("sync_data_at_deploy")
        self.manage("sandbox_app", "--code", APP["bk_app_code"], "--secret", APP["bk_app_secret"], "--whitelist")

    def start(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = "http://127.0.0.1:%s" % port
        with open(self.folder / "server.log", "ab") as log:
            self.process = subprocess.Popen(
                [str(self.env / "bin" / "gunicorn"), "wsgi", "--bind", "127.0.0.1:%s" % port, "--workers", "1"],
                cwd=self.home, env=self.environment, stdout=log, stderr=log,
            )
        until(self.answers, "the ESB did not start: %s" % self.folder)

    def answers(self):
        assert self.process.poll() is None, (self.folder / "server.log").read_text()
        with contextlib.suppress(OSError):
            return self.call("/ping/").text == "pong"

    def stop(self):
        if self.process:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def restart(self):
        self.stop()
        self.start()

    def call(self, path, body=None, method=None, headers=None):
        """One HTTP request; a dict goes as JSON, a text as it is."""
        data = json.dumps(body) if isinstance(body, (dict, list)) else body
        request = urllib.request.Request(self.url + path, data and data.encode("utf-8"), headers or {}, method=method)
        if data and not request.has_header("Content-type"):
            request.add_header("Content-Type", "application/json")
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=60) as response:
                return Answer(response.status, response.headers, response.read())
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, error.headers, error.read())

    def api(self, path, **fields):
        """POST to a component as our app; the answer's JSON."""
        return self.call("/c/compapi" + path, dict(APP, **fields)).json

    def api_log(self):
        return [json.loads(line) for line in (self.logs / "esb_api.log").read_text("utf-8").splitlines()]

    def last_request_logged(self):
        return [entry for entry in self.api_log() if entry["type"] == "pyls-comp-request"][-1]

    def stock_messages(self):
        return [json.loads(line) for line in (self.logs / "stock_messages.log").read_text("utf-8").splitlines()]


COMPONENT = """
from components.component import Component, SetupConfMixin
{head}

class {name}(Component, SetupConfMixin):
    sys_name = "{system}"
    label = u"探针"

    def handle(self):
        {body}
"""


def conf(*channels):
    """The text of a conf.py with the system PROBE and these channels."""
    systems = [{"name": "PROBE", "label": "Probe", "remark": "", "interface_admin": "admin"}]
    return "SYSTEMS = %r\nCHANNELS = %r\n" % (systems, list(channels))


def probe(path, name=None, **more):
    """A channel of the system PROBE."""
    return "/probe/%s/" % path, dict({"comp_codename": "generic.probe.%s" % (name or path)}, **more)


def until(condition, message, seconds=30):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, message
        time.sleep(0.05)


@contextlib.contextmanager
def user_management():
    """As much of user management as the stock senders need: its URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            query = urllib.parse.parse_qs(urllib.parse.urlsplit(self.path).query)
            names = query.get("exact_lookups", [""])[0].split(",")
            found = [USERS[name] for name in names if name in USERS]
            body = json.dumps({"result": True, "code": 0, "message": "", "data": found}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield "http://127.0.0.1:%s" % server.server_port
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def running(host):
    try:
        host.start()
        yield host
    finally:
        host.stop()
