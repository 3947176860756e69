"""The stages in order, each a list of jobs."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from sandbox import environments, hosts, paths
from tests.run import ansible_envs, ansible_test, static, storm
from tests.run.jobs import Failed, Job

TOOLS = paths.VENV / "bin" / "python"
PAIRS = (("py27", "2.7"), ("py36", "3.6"), ("py3", "current"))
MATRIX = (("py27", "2.7"), ("py3", "current"))
# (ansible-core, target Python). The whole set of module tests runs on the ends; between them what depends on the pair.
MODULES = (("2.16", "2.7"), ("2.16", "3.6"), ("2.19", "3.11"), ("2.21", "3.9"), ("2.21", "3.11"), ("2.21", "3.13"))
MODULE_SECONDS = 3600
# A leak test runs dozens of tasks on a machine that runs another job as well.
MODULE_TEST_SECONDS = 600
PARITY = re.compile(r"^parity cases: \d+$", re.M)
WHOLE_SET = (("2.16", "2.7"), ("2.21", "3.13"))
# The playbooks: the whole set on the first pair, a short one on the others.
PLAYBOOKS = (("2.16", "2.7"), ("2.16", "3.6"), ("2.19", "3.11"), ("2.21", "3.13"))
PLAYBOOK_RUNS = re.compile(r"^ansible-playbook: \d+ runs", re.M)
UNITS = (("2.16", "2.7"), ("2.16", "3.6"), ("2.19", "3.11"), ("2.21", "3.13"))


def all_jobs():
    jobs = [Job("static tools", "static", static.tools), Job("static compile", "static", static.compile_all),
            Job("static texts", "static", static.texts), Job("static ansible-lint", "static", static.ansible_lint, ("3.11",))]
    jobs += [Job("environment " + name, "environments", _environment(python), _needs(python), alone=True)
             for name, python in PAIRS]
    jobs.append(Job("environment redis", "environments", _redis, alone=True))
    jobs += [Job("environment " + core.kind.name, "environments", _ansible(core), (core.python,), alone=True)
             for core in ansible_envs.CORES.values()]
    jobs.append(Job("sandbox", "sandbox", _sandbox_tests))
    jobs += [Job("components " + name, "components", _components(python), _needs(python)) for name, python in PAIRS]
    jobs += [Job("contract " + name, "contract", _contract(python), _needs(python)) for name, python in PAIRS]
    jobs += [Job("servers %s %s" % (name, server), "servers", _server(python, server), _needs(python))
             for name, python in MATRIX for server in hosts.SERVERS]
    jobs += [Job("sanity " + core.version, "sanity", ansible_test.sanity(core.version), (core.python,))
             for core in ansible_envs.CORES.values()]
    jobs += [Job("units %s %s" % pair, "units", ansible_test.units(*pair), _controller_and(*pair)) for pair in UNITS]
    jobs += [Job("modules %s %s" % pair, "modules", _modules(*pair), _controller_and(*pair)) for pair in MODULES]
    jobs += [Job("packaging " + core.version, "packaging", _packaging(core.version), (core.python,)) for core in ansible_envs.CORES.values()]
    jobs += [Job("playbooks %s %s" % pair, "playbooks", _playbooks(*pair), _controller_and(*pair)) for pair in PLAYBOOKS]
    jobs.append(Job("properties", "properties", _properties))
    jobs.append(Job("storm", "storm", storm.shortened, ("2.7",), alone=True))
    jobs.append(Job("demo", "demo", _demo))
    return jobs


def _needs(python):
    return () if python == "current" else (python,)


def _controller_and(core, python):
    return tuple(sorted({ansible_envs.CORES[core].python, python}))


def _ansible(core):
    def run(job):
        ansible_envs.core(core.version, job.say)
        job.check("the environment for ansible-core %s is complete" % core.version, "")
    return run


def _environment(python):
    def run(job):
        environments.esb(python, servers=True, say=job.say)
        environments.gthread_path(python, say=job.say)
        job.check("the environment for Python %s is complete" % python, "")
    return run


def _redis(job):
    environments.redis_server(job.say)
    job.check("there is a redis-server", "")


def _sandbox_tests(job):
    job.pytest(TOOLS, "tests/sandbox")


def _components(python):
    def run(job):
        executable = environments.esb(python, say=job.say)
        scratch = Path(tempfile.mkdtemp(prefix="ding-components-"))
        try:
            job.pytest(executable, "tests/components", DING_ESB_TREE=paths.ESB_SOURCE,
                       DING_CHANNEL_DIR=paths.CHANNEL_SOURCE, DING_SCRATCH=scratch)
        finally:
            shutil.rmtree(scratch, ignore_errors=True)
    return run


def _contract(python):
    def run(job):
        with job.sandbox("--hosts", "1", "--python", python) as sandbox:
            job.pytest(TOOLS, "tests/contract", **sandbox.environment)
    return run


def _modules(core, python):
    def run(job):
        esb_python = python if python in environments.ESB else "current"
        chosen = [] if (core, python) in WHOLE_SET else ["-m", "every_target"]
        ansible_envs.core(core, job.say)
        with job.sandbox("--hosts", "2", "--python", esb_python, "--without-channel") as sandbox:
            job.pytest(TOOLS, "tests/modules", "--timeout=%d" % MODULE_TEST_SECONDS, *chosen, seconds=MODULE_SECONDS, DING_ANSIBLE=core,
                       DING_TARGET_PYTHON=python, **sandbox.environment)
        job.note(*PARITY.findall(job.log.read_text("utf-8", "replace")))
    return run


def _packaging(core):
    def run(job):
        ansible_envs.core(core, job.say)
        job.pytest(TOOLS, "tests/packaging", DING_ANSIBLE=core)
    return run


def _playbooks(core, python):
    def run(job):
        esb_python = python if python in environments.ESB else "current"
        chosen = [] if (core, python) == PLAYBOOKS[0] else ["-m", "every_target"]
        ansible_envs.core(core, job.say)
        with job.sandbox("--hosts", "2", "--python", esb_python, "--without-channel") as sandbox:
            job.pytest(TOOLS, "tests/playbooks", "--timeout=%d" % MODULE_TEST_SECONDS, *chosen, seconds=MODULE_SECONDS, DING_ANSIBLE=core,
                       DING_TARGET_PYTHON=python, **sandbox.environment)
        job.note(*PLAYBOOK_RUNS.findall(job.log.read_text("utf-8", "replace")))
    return run


def _properties(job):
    job.pytest(TOOLS, "tests/properties")


def _server(python, server):
    def run(job):
        with job.sandbox("--hosts", "1", "--python", python, "--server", server) as sandbox:
            job.pytest(TOOLS, "tests/contract", "-m", "servers", **sandbox.environment)
    return run


def _demo(job):
    """As on a fresh machine: a copy of the tracked files in a path with a blank, an empty home, `make demo` twice and `make demo-down`."""
    place = Path(tempfile.mkdtemp(prefix="ding-demo-"))
    clone, home = place / "a clone", place / "home"
    home.mkdir()
    static.clone(clone)
    python = getattr(sys, "_base_executable", sys.executable)
    # Of the caller's settings only those remain that a machine has anyway.
    plain = {name: "" for name in os.environ if name.startswith(("DING_", "CONTRACT_", "VIRTUAL_ENV", "PYTHON"))}
    make = ["make", "--no-print-directory", "-C", clone, "PYTHON=%s" % python]
    try:
        for number in (1, 2):
            before = len(job.log.read_bytes()) if job.log.exists() else 0
            code = job.command([*make, "demo"], 600, **dict(plain, HOME=home))
            job.check("make demo, run %d" % number, "ended with %d" % code if code else "")
            if code:
                raise Failed("make demo failed in an empty home")
        said = job.log.read_bytes()[before:].decode("utf-8", "replace")
        # Two hosts, install.yml and verify.yml.
        changed = re.findall(r"^ +paas\d: \d+ tasks, (\d+) changed, 0 failed$", said, re.M)
        job.check("the second run changes nothing", "" if changed == ["0"] * 4 else "changed: %s" % changed)
        job.check("nothing of Ansible is left in the home folder", ", ".join(path.name for path in home.glob(".ansible*")))
        code = job.command([*make, "demo-down"], 60, **dict(plain, HOME=home))
        left = _processes_below(clone)
        job.check("make demo-down leaves no process", "left: %s" % left if left or code else "")
    finally:
        if (clone / ".venv" / "bin" / "python").exists():
            job.command([*make, "demo-down"], 60, **dict(plain, HOME=home))
        shutil.rmtree(place, ignore_errors=True)


def _processes_below(folder):
    """Pids of processes whose program or working folder lies below a folder."""
    found = []
    for entry in Path("/proc").iterdir() if Path("/proc/self").exists() else []:
        if entry.name.isdigit():
            try:
                if str(folder) in os.readlink(entry / "cwd") or str(folder) in (entry / "cmdline").read_text("utf-8"):
                    found.append(entry.name)
            except (OSError, UnicodeDecodeError):
                continue
    return found
