"""The stages in order, each a list of jobs."""

import os
import re
import shutil
import sys
import tempfile
from pathlib import Path

from sandbox import environments, hosts, paths
from tests.run import ansible_envs, ansible_test, cluster, docs, scenario, static, storm
from tests.run.jobs import Failed, Job

TOOLS = paths.VENV / "bin" / "python"
PAIRS = (("py27", "2.7"), ("py36", "3.6"), ("py3", "current"))
# All servers with the Python of V6; with today's those whose threads work otherwise there. The contract itself runs on gunicorn's threads.
MATRIX = [(*pair, server) for pair, servers in ((PAIRS[0], hosts.SERVERS), (PAIRS[2], ("uwsgi", "uwsgi-threads"))) for server in servers]
MODULE_SECONDS = 3600
# A leak test runs dozens of tasks on a machine that runs another job as well.
MODULE_TEST_SECONDS = 600
PARITY = re.compile(r"^parity cases: \d+$", re.M)
PLAYBOOK_RUNS = re.compile(r"^ansible-playbook: \d+ runs", re.M)
RARER = re.compile(r"^rarer stories, told with DING_WHOLE=1: \d+$", re.M)
# (ansible-core, target Python). All tests run on the oldest pair, in two jobs with a sandbox each; on the newest those that a new core or
# Python alone could break, on the others those that depend on the pair.
WHOLE_SET = ("2.16", "2.7")
NEWEST = ("2.21", "3.13")
# Between the oldest and the newest core: one way through each.
BETWEEN = ("2.19", "3.11")
FEW = {"modules": ("test_runner.py", "test_robot_user.py", "test_esb_channel.py", "test_esb_health.py"), "playbooks": ("test_install.py", "test_undo.py")}
MODULES = (("2.16", "3.6"), BETWEEN, NEWEST)
PLAYBOOKS = (("2.16", "3.6"), BETWEEN, NEWEST)
# What each of the two jobs runs: the first these files, the second all others. `both` looks back at a job's whole run.
HALVES = {
    "modules": {"names": ("users", "hosts"), "both": (), "first": (
        "test_robot_user.py", "test_robot_user_info.py", "test_ding_message.py", "test_faults.py", "test_leaks.py", "test_esb_channel.py",
        "test_esb_channel_info.py")},
    "playbooks": {"names": ("faults", "rest"), "both": ("test_zz_secrets.py",), "first": (
        "test_faults.py", "test_kills.py", "test_restart.py", "test_restart_install.py", "test_original.py")},
}
# The load of jobs whose tests wait about half of their time: for retries, time limits, and a robot's window.
WAITING = 0.5
# That of the cluster, whose hosts stop, start and drain.
HOSTS = 0.75
UNITS = (("2.16", "2.7"), ("2.16", "3.6"), ("2.19", "3.11"), ("2.21", "3.13"))


def all_jobs():
    jobs = [Job("static tools", "static", static.tools), Job("static texts", "static", static.texts),
            Job("static ansible-lint", "static", static.ansible_lint, ("3.11",), seconds=60),
            Job("static documentation", "static", static.documentation, ("3.11",), seconds=60)]
    jobs += [Job("static compile " + name, "static", static.compile_all(python), _needs(python)) for name, python in PAIRS]
    # The artefact: built, installed into an empty path, and used from there, by the oldest and the newest core.
    jobs += [Job("packaging " + core.version, "static", _packaging(core.version), (core.python,), after=(_made_core(core.version),))
             for core in (ansible_envs.CORES[WHOLE_SET[0]], ansible_envs.CORES[NEWEST[0]])]
    jobs += [Job("environment " + name, "environments", _environment(python), _needs(python), seconds=60) for name, python in PAIRS]
    jobs.append(Job("environment redis", "environments", _redis))
    jobs += [Job("environment " + core.kind.name, "environments", _ansible(core), (core.python,)) for core in ansible_envs.CORES.values()]
    jobs.append(Job("sandbox", "sandbox", _sandbox_tests, after=(*(_made(python) for _, python in PAIRS), REDIS), seconds=250))
    jobs += [Job("components " + name, "components", _components(python), _needs(python), after=(_made(python), REDIS), load=WAITING, seconds=90)
             for name, python in PAIRS]
    jobs += [Job("contract " + name, "contract", _contract(python), _needs(python), after=(_made(python),), load=WAITING, seconds=290)
             for name, python in PAIRS]
    jobs += [Job("servers %s %s" % (name, server), "servers", _server(python, server), _needs(python), after=(_made(python),), load=WAITING)
             for name, python, server in MATRIX]
    jobs += [Job("sanity " + core.version, "sanity", ansible_test.sanity(core.version), ansible_envs.TARGETS, after=(_made_core(core.version),), seconds=150)
             for core in ansible_envs.CORES.values()]
    jobs += [Job("units %s %s" % pair, "units", ansible_test.units(*pair), _controller_and(*pair), after=(_made_core(pair[0]),), seconds=55)
             for pair in UNITS]
    jobs += _on_sandboxes("modules", MODULES, whole=550, short=250) + _on_sandboxes("playbooks", PLAYBOOKS, whole=1300, short=300)
    jobs += [Job("environment molecule", "environments", _molecule, ("3.11",)),
             Job("molecule default", "molecule", scenario.default("3.6"), ("3.11", "3.6"), after=("environment molecule", _made("3.6")), seconds=200),
             Job("molecule inventory", "molecule", scenario.inventory("3.6"), ("3.11", "3.6"), after=("environment molecule", _made("3.6")))]
    jobs.append(Job("cluster image", "cluster", cluster.image, lacks=cluster.problem, seconds=120))
    # On today's Python the usual set, or all; on the seed's own runtime what depends on it.
    needed = ("cluster image", "environment molecule")
    jobs += [Job("cluster py3", "cluster", cluster.scenario("current", *cluster.USUAL), ("3.11",), after=(*needed, _made("current")),
                 lacks=cluster.problem, load=HOSTS, seconds=850),
             Job("cluster py27", "cluster", cluster.scenario("2.7", "-m", "every_target"), ("2.7", "3.11"), after=(*needed, _made("2.7")),
                 lacks=cluster.problem, load=HOSTS, seconds=360)]
    jobs.append(Job("properties", "properties", _properties))
    jobs.append(Job("docs", "docs", docs.run, ("3.11",), seconds=400))
    jobs.append(Job("demo", "demo", _demo, seconds=200))
    jobs.append(Job("storm", "storm", storm.shortened, ("2.7",), alone=True, seconds=60))
    return jobs


REDIS = "environment redis"


def _made(python):
    """The job that makes the environment of an ESB on this Python, or in which it runs for a target like that."""
    return "environment " + environments.ESB[_esb_python(python)].name


def _made_core(version):
    return "environment " + ansible_envs.CORES[version].kind.name


def _esb_python(target):
    return target if target in environments.ESB else "current"


def _on_sandboxes(stage, pairs, whole, short):
    """tests/modules or tests/playbooks: all of it on the oldest pair, in two jobs, and a chosen set on each of the others."""
    halves = HALVES[stage]
    runs = [(WHOLE_SET, half, _files(stage, halves, half), whole) for half in halves["names"]]
    for pair in pairs:
        files = ["tests/%s/%s" % (stage, name) for name in FEW[stage]] if pair == BETWEEN else ["tests/" + stage]
        runs.append((pair, "", [*files, "-m", "every_target or newest" if pair == NEWEST else "every_target"], short))
    return [Job(" ".join(filter(None, [stage, *pair, half])), stage, _sandboxed(stage, pair, arguments), _controller_and(*pair),
                after=(_made(pair[1]), _made_core(pair[0])), seconds=seconds) for pair, half, arguments, seconds in runs]


def _files(stage, halves, half):
    """pytest's arguments for one half: a file that nobody has named belongs to the second."""
    folder = "tests/%s/" % stage
    if half == halves["names"][0]:
        return [folder + name for name in halves["first"] + halves["both"]]
    return [folder, *("--ignore=" + folder + name for name in halves["first"])]


def _needs(python):
    return () if python == "current" else (python,)


def _controller_and(core, python):
    return tuple(sorted({ansible_envs.CORES[core].python, python}))


def _ansible(core):
    def run(job):
        ansible_envs.core(core.version, job.say)
        job.check("the environment for ansible-core %s is complete" % core.version, "")
    return run


def _molecule(job):
    ansible_envs.molecule(job.say)
    job.check("the environment of molecule is complete", "")


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


def _sandboxed(stage, pair, arguments):
    core, python = pair

    def run(job):
        ansible_envs.core(core, job.say)
        with job.sandbox("--hosts", "2", "--python", _esb_python(python), "--without-channel") as sandbox:
            job.pytest(TOOLS, *arguments, "--timeout=%d" % MODULE_TEST_SECONDS, seconds=MODULE_SECONDS, DING_ANSIBLE=core,
                       DING_TARGET_PYTHON=python, **sandbox.environment)
        log = job.log.read_text("utf-8", "replace")
        job.note(*PARITY.findall(log), *PLAYBOOK_RUNS.findall(log), *RARER.findall(log))
    return run


def _packaging(core):
    def run(job):
        ansible_envs.core(core, job.say)
        job.pytest(TOOLS, "tests/packaging", DING_ANSIBLE=core)
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
