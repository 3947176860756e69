"""The job of molecule's scenario `default`, on a sandbox, and of the module tests that pytest-ansible runs on an inventory."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from sandbox import environments, paths
from tests.run import ansible_envs
from tests.run.jobs import Failed

SCENARIO = paths.ROOT / "molecule" / "default" / "molecule.yml"
PROGRAMS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
ENDED = re.compile(r"^INFO +\[default > ([a-z_]+)\] Executed: Successful", re.M)
# Two minutes by itself; a machine may have more to do.
SECONDS, DOWN_SECONDS = 1800, 120


def default(python):
    """A job's function: molecule's whole sequence, the ESB on one Python. Each step of it counts as one check."""
    def run(job):
        programs = ansible_envs.molecule(job.say)
        place = Path(tempfile.mkdtemp(prefix="ding-molecule-"))
        home = place / "sandbox"
        (place / "home").mkdir()
        settings = {"HOME": place / "home", "PATH": "%s:%s" % (programs, PROGRAMS), "DING_MOLECULE_HOME": home, "DING_MOLECULE_PYTHON": python,
                    "MOLECULE_EPHEMERAL_DIRECTORY": place / "molecule", "NO_COLOR": "1", "VIRTUAL_ENV": "",
                    environments.variable(python): environments.interpreter(python)}
        try:
            code = job.command([programs / "molecule", "test", "--scenario-name", "default"], SECONDS, **settings)
        finally:
            # Not job.command, which does nothing any more when the run was interrupted.
            subprocess.run([paths.VENV / "bin" / "python", "-m", "sandbox", "down"], cwd=paths.ROOT, timeout=DOWN_SECONDS, capture_output=True,
                           env=dict(os.environ, DING_SANDBOX_HOME=str(home)))
            shutil.rmtree(place, ignore_errors=True)
        _count(job, code)
    return run


def _count(job, code):
    # Not at the top: tests.run.needs reads the jobs with nothing but the standard library.
    import yaml
    steps = yaml.safe_load(SCENARIO.read_text("utf-8"))["scenario"]["test_sequence"]
    ended = ENDED.findall(job.log.read_text("utf-8", "replace"))
    for number, step in enumerate(steps):
        if ended[number:number + 1] != step.split()[:1]:
            job.check("step %d, %s" % (number + 1, step), "did not end well")
            raise Failed("molecule test ended with %d in step %d, %s" % (code, number + 1, step))
        job.check("step %d, %s" % (number + 1, step), "")
    if code:
        raise Failed("molecule test ended with %d behind its last step" % code)


def inventory(python):
    """A job's function: modules on the hosts of an install.config, by pytest-ansible."""
    def run(job):
        programs = ansible_envs.molecule(job.say)
        with job.sandbox("--hosts", "2", "--python", python, "--without-channel") as sandbox:
            # Nothing of the clone's pytest: pytest-ansible is here for these tests only.
            job.pytest(programs / "python", "--ansible-unit-inject-only", "tests/inventory", DING_TARGET_EXECUTABLE=ansible_envs.target(python),
                       PATH="%s:%s" % (programs, PROGRAMS), ANSIBLE_CONFIG=paths.ROOT / "ansible.cfg", ANSIBLE_HOME=sandbox.home / "ansible",
                       ANSIBLE_COLLECTIONS_PATH=paths.ROOT / "collections", **sandbox.environment)
    return run
