"""ansible-test without containers: a copy of what is built, interpreters on PATH, pip from the interpreter itself."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox import paths
from tests.run import ansible_envs, junit
from tests.run.jobs import Failed

# Not part of the built artefact, and no Ansible code: galaxy.yml's build_ignore leaves it out, too. Of tests/ the
# copy has what ansible-test knows: units and its ignore files.
KEPT_TESTS = ("tests/unit/", "tests/sanity/", "tests/config.yml")
NOT_COPIED = ("tests/", "sandbox/", "bench/", "scripts/", "requirements/", "collections/", ".ci/")
# Where ansible-test looks for get-pip: it would download these, which needs a host that may not be reachable.
PIPS = ("23_1_2", "20_3_4", "21_3_1", "24_2", "25_2")
GET_PIP = '''"""Stands in for get-pip: the interpreter's own pip installs the versions that ansible-test asks for."""
import ensurepip
import subprocess
import sys

subprocess.check_call([sys.executable, "-m", "ensurepip", "--default-pip"])
# These options are get-pip's own.
words = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
if int(ensurepip.version().split(".")[0]) >= 22:
    # It reads all that is installed as well as the one that is asked for, and to fetch that takes seconds for each of a dozen environments.
    words = [word for word in words if not word.startswith("pip==")]
if [word for word in words if not word.startswith("-")]:
    subprocess.check_call([sys.executable, "-m", "pip", "install"] + words)
'''
# ansible-test makes environments for Python 2.7 with that Python's own virtualenv, and cannot read a later one's version.
PYTHON27 = """#!/bin/sh
if [ "$1 $2" = "-m virtualenv" ]; then shift 2; exec '%s' -m virtualenv --no-periodic-update "$@"; fi
exec '%s' "$@"
"""
SKIPPED = re.compile(r'^WARNING: Skipping sanity test "([^"]+)"(?: on Python (\S+))? ?(.*)$', re.M)
# What it has found, but not that it has found something.
ERRORS = re.compile(r"^ERROR: (?!Found \d|The \d)(.+)$", re.M)
SECONDS = 900


class Place:
    """A context: the copy at ansible_collections/ding/blueking in a temporary folder, and commands that run in it."""

    def __init__(self, job, core, old=()):
        # old: Pythons for which the environment with their pytest takes the place of the bare interpreter.
        self.job, self.core, self.old = job, core, old

    def __enter__(self):
        self.bin = ansible_envs.core(self.core, self.job.say)
        self.folder = Path(tempfile.mkdtemp(prefix="ding-ansible-test-"))
        self.collection = self.folder / "ansible_collections" / "ding" / "blueking"
        for name in copied():
            target = self.collection / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(paths.ROOT / name, target)
        # Beside the environments: what it installs for its tests takes minutes and holds no data.
        self.home = paths.environments_dir() / ("ansible-test-" + self.core.replace(".", ""))
        self.path = self._path()
        cache = self.home / ".ansible" / "test" / "cache"
        cache.mkdir(parents=True, exist_ok=True)
        for version in PIPS:
            (cache / ("get_pip_%s.py" % version)).write_text(GET_PIP, "utf-8")
        return self

    def __exit__(self, *error):
        results = self.collection / "tests" / "output"
        if results.is_dir():
            shutil.copytree(results, self.job.folder / "output", dirs_exist_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def command(self, *words):
        """Runs ansible-test in the copy; returns its exit code."""
        return self.job.command([self.bin / "ansible-test", *words], SECONDS, cwd=self.collection, HOME=self.home,
                                PATH=self.path, LANG="C.UTF-8", LC_ALL="", PYTHONDONTWRITEBYTECODE="",
                                **{name: "" for name in os.environ if name.startswith(("PYENV_", "ANSIBLE_"))})

    def _path(self):
        """Interpreters under the names by which ansible-test asks for them; no pyenv shim, which may refuse to run."""
        programs = self.folder / "bin"
        programs.mkdir()
        for python in ansible_envs.TARGETS:
            found = ansible_envs.target(python)
            program = programs / ("python" + python)
            if found and python == "2.7":
                program.write_text(PYTHON27 % (paths.VENV / "bin" / "python", found), "utf-8")
                program.chmod(0o755)
            elif found:
                program.symlink_to(found)
        old = [ansible_envs.units(python, self.job.say) for python in self.old]
        # First those that have a pytest.
        return os.pathsep.join(map(str, [self.bin, *old, programs, "/usr/local/bin", "/usr/bin", "/bin"]))


def copied():
    """Tracked files and new ones that git would track, as far as they belong into the copy."""
    listed = subprocess.run(["git", "ls-files", "-z", "-co", "--exclude-standard"], cwd=paths.ROOT, capture_output=True,
                            text=True)
    if listed.returncode:
        raise Failed("git cannot list the files: %s" % listed.stderr.strip())
    return [name for name in listed.stdout.split("\0") if name and (paths.ROOT / name).is_file()
            and (name.startswith(KEPT_TESTS) or not name.startswith(NOT_COPIED))]


def sanity(core):
    """A job's function: all sanity tests that this core has and this machine can run."""
    def run(job):
        with Place(job, core) as place:
            code = place.command("sanity", "--color", "no")
        said = job.log.read_text("utf-8", "replace")
        if code:
            job.check("ansible-test sanity with ansible-core %s" % core, "ended with %d: %s" % (code, "; ".join(ERRORS.findall(said)[:3])))
        else:
            job.counts += junit.Counts(len(re.findall(r"^Running sanity test", said, re.M)), 0, 0)
        # What other Pythons there are is not asked of this machine.
        left_out = {found for found in SKIPPED.findall(said) if found[1] in ("", *ansible_envs.TARGETS)}
        job.counts += junit.Counts(0, 0, len(left_out))
        job.skipped_tests += ["%s %s: %s" % found for found in sorted(left_out)]
    return run


def units(core, python):
    """A job's function: tests/unit as ansible-test runs them, on one Python."""
    def run(job):
        with Place(job, core, [python] if python in ansible_envs.UNITS else []) as place:
            code = place.command("units", "--color", "no", "--num-workers", "1", "--python", python)
            reports = list((place.collection / "tests" / "output" / "junit").glob("*.xml"))
            for report in reports:
                job.add(junit.read(report) or junit.Report())
            if code or not job.counts.passed:
                raise Failed("ansible-test units with ansible-core %s on Python %s ended with %d" % (core, python, code))
    return run
