"""A PaaS host on disk and its ESB: laying it out, its environment, its server's command, its management commands."""

import hashlib
import json
import os
import shlex
import shutil
import subprocess
import sys
import time
import urllib.parse

from sandbox import environments, paths, processes, state
from sandbox.errors import SandboxError

VERSION = "2.12.25"
SERVERS = ("gthread", "sync", "gevent", "uwsgi", "uwsgi-threads")
THREADS = 8
# A host's name and this: the process that keeps the channel's service running.
KEEPER = "-ding"
TIMEOUT_SECONDS = 60
GENERIC = ("components", "generic")
ENV_FILES = {
    "paas.env": {"BK_PAAS_APP_CODE": state.APP_CODE, "BK_PAAS_APP_SECRET": state.APP_SECRET},
    "usermgr.env": {"BK_USERMGR_APP_CODE": "bk_user_manage", "BK_USERMGR_APP_SECRET": "usermgr-secret-not-real"},
}
_NOT_COPIED = shutil.ignore_patterns("__pycache__", "*.pyc", "*.pyo")


def tree_hash(folder):
    """A hash over the names and contents of a source tree."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".pyc", ".pyo"):
            digest.update(path.relative_to(folder).as_posix().encode("utf-8") + b"\0")
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


def lay_out(host, env_folder):
    """Puts a fresh ESB tree and everything around it where a PaaS host has them; write_host_values() follows."""
    shutil.rmtree(host.esb, ignore_errors=True)
    shutil.copytree(paths.ESB_SOURCE, host.esb, ignore=_NOT_COPIED)
    host.logs.mkdir(parents=True, exist_ok=True)
    (host.bk_home / "open_paas" / "VERSION").write_text(VERSION + "\n", "utf-8")
    shutil.rmtree(host.src_home, ignore_errors=True)
    lay_out_packages(host.src_home)
    host.key_file.parent.mkdir(parents=True, exist_ok=True)
    host.key_file.write_text("a sandbox has no private key\n", "utf-8")
    link_environment(host, env_folder)


def lay_out_packages(src_home):
    """The platform's own packages, as far as the playbooks look: the version, and where a site's components outlive an upgrade."""
    package = src_home / "open_paas"
    apis = package.joinpath("esb", *GENERIC, "apis")
    apis.parent.mkdir(parents=True, exist_ok=True)
    (package / "VERSION").write_text(VERSION + "\n", "utf-8")
    shutil.copytree(paths.ESB_SOURCE.joinpath(*GENERIC, "apis"), apis, ignore=_NOT_COPIED)


def lay_out_control(control):
    """The control host: its packages, and the files with the platform's own apps."""
    shutil.rmtree(control.root, ignore_errors=True)
    lay_out_packages(control.src_home)
    for name, values in ENV_FILES.items():
        paths.write_private(control.env_files / name, "".join("%s='%s'\n" % pair for pair in values.items()))


def link_environment(host, env_folder):
    host.env.parent.mkdir(parents=True, exist_ok=True)
    if host.env.is_symlink():
        host.env.unlink()
    host.env.symlink_to(env_folder)


def environment(home, host, options, urls):
    """The environment of an ESB process and of its manage.py."""
    return processes.clean_environment(**{
        "BK_ENV": "production",
        "BK_FILE_PATH": host.key_file,
        "PAAS_LOGGING_DIR": host.logs,
        "DJANGO_SETTINGS_MODULE": "settings",
        processes.MARK: home.path,
        **_values(home, options, urls),
    })


def write_host_values(home, host, options, urls):
    """conf/host.json, where a real host has its settings file: management commands need no more than the platform's variables."""
    values = {name: str(value) for name, value in _values(home, options, urls).items()}
    (host.esb / "conf" / "host.json").write_text(json.dumps(values, indent=2, sort_keys=True) + "\n", "utf-8")


def _values(home, options, urls):
    values = {"SANDBOX_DB": home.database, "SANDBOX_USERMGR_URL": urls["usermgr"]}
    if options.get("redis"):
        values.update(_redis(options["redis"]))
    return values


def _redis(url):
    parts = urllib.parse.urlsplit(url)
    if parts.scheme != "redis" or not parts.hostname:
        raise SandboxError("--redis takes redis://[:password@]host:port/number, not %r." % url)
    return {"REDIS_HOST": parts.hostname, "REDIS_PORT": parts.port or 6379,
            "REDIS_DB": parts.path.strip("/") or "0", "REDIS_PASSWORD": parts.password or ""}


def service(home, name, port, options, urls, say):
    """The ESB of one host, as a service."""
    host = home.host(name)
    variables = environment(home, host, options, urls)
    server, workers = options["server"], str(options["workers"])
    address = "127.0.0.1:%d" % port
    if server.startswith("uwsgi"):
        command = [str(host.env / "bin" / "uwsgi"), "--http-socket", address, "--chdir", str(host.esb),
                   "--module", "wsgi:application", "--home", str(host.env), "--master", "--processes", workers,
                   "--need-app", "--die-on-term", "--no-orphans", "--lazy-apps", "--buffer-size", "32768",
                   # Or an answer given before the body was read would reach the caller as a reset connection.
                   "--post-buffering", "65536", "--disable-logging"]
        if server == "uwsgi-threads":
            command += ["--enable-threads", "--threads", str(THREADS)]
    else:
        command = [str(host.env / "bin" / "python"), "-m", "gunicorn.app.wsgiapp", "wsgi:application",
                   "--bind", address, "--worker-class", server, "--workers", workers,
                   "--timeout", str(TIMEOUT_SECONDS), "--graceful-timeout", "5"]
        if options["python"] == "current":
            # Newer gunicorns would share one control socket in the home folder between all sandboxes.
            command.append("--no-control-socket")
        if server == "gthread":
            command += ["--threads", str(THREADS)]
            futures = environments.gthread_path(options["python"], say)
            if futures:
                variables["PYTHONPATH"] = futures
    return processes.Service(name, command, str(host.esb), variables, str(home.logs / (name + ".log")),
                             "http://%s/ping/" % address)


def channel_service(home, name, options, urls):
    """What keeps the channel's service of one host running; it waits while the channel is not installed."""
    host = home.host(name)
    log = home.logs / (name + KEEPER + ".log")
    command = [sys.executable, "-m", "sandbox.keeper", str(host.env / "bin" / "python"), str(host.package), str(log)]
    return processes.Service(name + KEEPER, command, str(paths.ROOT), environment(home, host, options, urls), str(log), "")


def service_lives(host):
    """Whether the channel's service of a host gives signs of life, or has no package to run."""
    if not (host.package / "_service.py").exists():
        return True
    try:
        beat = json.loads(host.heartbeat.read_text("utf-8"))
        # One that a killed service has left is no sign.
        return abs(time.time() - beat["time"]) < 15 and processes.start_time(beat["pid"]) is not None
    except (OSError, ValueError, KeyError):
        return False


def manage(home, name, options, urls, *words, given=None, python=False):
    """Runs manage.py (or, with python, a Python text) on a host with the ESB's own Python; returns what it printed."""
    host = home.host(name)
    start = [str(host.env / "bin" / "python")] + (["-c"] if python else ["manage.py"])
    done = subprocess.run(start + list(words), cwd=str(host.esb), env=environment(home, host, options, urls),
                          input=given or "", capture_output=True, text=True, encoding="utf-8", errors="replace")
    if done.returncode:
        said = "\n".join("    " + line for line in (done.stdout + done.stderr).splitlines()[-20:])
        raise SandboxError("On %s, %s ended with %d:\n%s"
                           % (name, "Python" if python else "manage.py " + words[0], done.returncode, said))
    return done.stdout


def write_settings_command(home, name, options, urls):
    """A script that reads {path: {setting: value or null}} and stores it; returns its path."""
    host = home.host(name)
    words = ["%s=%s" % item for item in sorted(environment(home, host, options, urls).items())
             if item[0] != processes.MARK]
    script = home.path / "settings-command"
    script.write_text("#!/bin/sh\ncd %s && exec env -i %s %s manage.py sandbox_channel\n" % (
        shlex.quote(str(host.esb)), " ".join(map(shlex.quote, words)), shlex.quote(str(host.env / "bin" / "python"))),
        "utf-8")
    script.chmod(0o755)
    return str(script)


def remove(home):
    """Everything but logs: the data goes back to the start."""
    for folder in (home.hosts, home.data, home.control.root):
        shutil.rmtree(folder, ignore_errors=True)
    for path in home.path.glob(home.database.name + "*"):
        os.unlink(path)
