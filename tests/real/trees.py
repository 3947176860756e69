"""The two kinds of real ESB trees: how each is recognised, configured, filled and served."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from sandbox import processes
from sandbox.errors import SandboxError

NOWHERE = "http://127.0.0.1:1"
PLATFORM_URLS = ("BK_PAAS_URL", "BK_PAAS_LOGIN_URL", "BK_CMDB_URL", "BK_CMDB_V3_URL", "BK_JOB_URL", "BK_GSE_URL", "BK_GSE_PMS_URL")
NEEDED = ("manage.py", "wsgi.py", "components/generic/apis", "components/generic/templates/cmsi", "esb/bkcore/models.py")


@dataclass(frozen=True)
class Tree:
    """A copied tree. `kind` is "V6" (PaaS 2.12: comp_conf, own SQL app table) or "V7" (config, cached channels)."""

    folder: Path
    python: str
    kind: str
    home: Path

    @property
    def logs(self):
        return self.home / "logs" / "open_paas"

    @property
    def database(self):
        return self.home / "esb.sqlite3"

    @property
    def prefix(self):
        return "/c" if self.kind == "V6" else "/api/c"

    def environment(self, usermgr_url):
        return (_v6 if self.kind == "V6" else _v7)(self, usermgr_url)

    def prepare_commands(self):
        migrate = ["manage.py", "migrate", "--noinput"] + (["--run-syncdb"] if self.kind == "V7" else [])
        return [migrate, ["manage.py", "sync_function_controller"], ["manage.py", "sync_system_and_channel_data"]]

    def server_command(self, server, port):
        address = "127.0.0.1:%d" % port
        module = "ding_contract_wsgi:application"
        if server == "uwsgi":
            program = Path(self.python).parent / "uwsgi"
            if not program.exists():
                raise SandboxError("SERVER=uwsgi needs uWSGI in the ESB's environment: there is no %s." % program)
            return [str(program), "--master", "--http-socket", address, "--post-buffering", "65536", "--processes", "2", "--module", module,
                    "--virtualenv", str(program.parent.parent), "--need-app", "--die-on-term", "--no-orphans"]
        workers = "gevent" if self.imports("gevent") else "sync"
        return [self.python, "-m", "gunicorn.app.wsgiapp", module, "--bind", address, "--workers", "2", "--worker-class", workers,
                "--timeout", "60", "--graceful-timeout", "3"]

    def parallel(self, server):
        """Whether calls can run side by side: V6's wsgi.py patches threading with gevent under every server."""
        return server == "gunicorn" or self.kind == "V6"

    def imports(self, *names):
        return subprocess.run([self.python, "-c", "import " + ", ".join(names)], capture_output=True, cwd="/").returncode == 0


def find(esb_home, python):
    """(folder with manage.py, kind) of a given tree; says in one sentence what is missing."""
    if not esb_home or not python:
        raise SandboxError("Say which tree and which Python: make test-esb ESB_HOME=DIR ESB_PYTHON=PATH")
    given = Path(esb_home).absolute()
    folder = next((each for each in (given, given / "esb") if (each / "manage.py").is_file()), None)
    if folder is None:
        raise SandboxError("ESB_HOME=%s is no ESB tree: neither it nor its folder esb has a manage.py." % given)
    missing = [name for name in NEEDED if not (folder / name).exists()]
    if missing:
        raise SandboxError("The ESB tree %s lacks %s." % (folder, ", ".join(missing)))
    if not os.access(python, os.X_OK) or not Path(python).is_file():
        raise SandboxError("ESB_PYTHON=%s is not a program that can be run." % python)
    shown = subprocess.run([python, "-c", "import django, requests"], capture_output=True, text=True, cwd="/")
    if shown.returncode:
        raise SandboxError("ESB_PYTHON=%s cannot import Django and requests: %s" % (python, (shown.stderr.splitlines() or ["?"])[-1]))
    kind = "V6" if (folder / "components" / "confapis").is_dir() else "V7"
    if kind == "V6" and not (folder / "conf" / "settings_env.py").is_file():
        raise SandboxError("The ESB tree %s lacks conf/settings_env.py, which takes the settings from the environment." % folder)
    return folder, kind


def _v6(tree, usermgr_url):
    cert = tree.home / "cert"
    return processes.clean_environment(
        DJANGO_SETTINGS_MODULE="settings", BK_ENV="env", PAAS_LOGGING_DIR=tree.logs, BK_FILE_PATH=cert / "saas_priv.txt",
        BK_PAAS_ESB_DATABASE_ENGINE="django.db.backends.sqlite3", BK_PAAS_ESB_DATABASE_NAME=tree.database,
        BK_PAAS_ESB_DATABASE_USER="", BK_PAAS_ESB_DATABASE_PASSWORD="", BK_PAAS_ESB_DATABASE_HOST="", BK_PAAS_ESB_DATABASE_PORT="0",
        BK_PAAS_ESB_SECRET_KEY="not-a-secret", BK_PAAS_ESB_TOKEN="not-a-token", BK_PAAS_ESB_CERT_PATH=cert,
        BK_PAAS_ESB_REDIS_HOST="127.0.0.1", BK_PAAS_ESB_REDIS_PORT="1", BK_PAAS_ESB_REDIS_PASSWORD="not-a-password",
        BK_USERMGR_URL=usermgr_url, DING_CONTRACT_PREFIX=tree.prefix, **dict.fromkeys(PLATFORM_URLS, NOWHERE))


def _v7(tree, usermgr_url):
    metrics = tree.home / "metrics"
    metrics.mkdir(exist_ok=True)
    return processes.clean_environment(
        DJANGO_SETTINGS_MODULE="settings", BKPAAS_ENVIRONMENT="prod", BK_APP_CODE="bk_apigateway", BK_APP_SECRET="not-a-secret",
        # 32 bytes in base64, as a Fernet key has to be; it encrypts nothing here.
        ENCRYPT_KEY="bm90LWEtcmVhbC1rZXktbm90LWEtcmVhbC1rZXktISE=", ESB_TOKEN="not-a-token",
        BK_ESB_DATABASE_ENGINE="django.db.backends.sqlite3", BK_ESB_DATABASE_NAME=tree.database,
        BK_ESB_MYSQL_POOL_ENABLED="false", BK_AUTH_ENABLED="false", DB_CHANNEL_REFRESH_INTERVAL="1",
        BK_ESB_LOG_PATH=tree.logs, BK_ESB_LOG_TO_FILE="true", BK_ESB_CERT_PATH=tree.home / "cert",
        prometheus_multiproc_dir=metrics, BK_USERMGR_URL=usermgr_url, DING_CONTRACT_PREFIX=tree.prefix,
        **dict.fromkeys(PLATFORM_URLS, NOWHERE))
