"""The jobs of the cluster: molecule's scenario with real hosts, whose tests measure what an install costs its callers."""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox import environments, paths
from tests.run import ansible_envs, junit, needs
from tests.run.jobs import Failed

sys.path.insert(0, str(paths.ROOT / "tests" / "cluster"))

from clusterkit import images  # noqa: E402
from clusterkit.engine import problem  # noqa: E402

__all__ = ["USUAL", "image", "problem", "scenario"]

SECONDS, DOWN_SECONDS = 3600, 120
USUAL = () if needs.WHOLE else ("-m", "usual")
FIGURE = re.compile(r"^figure: .*$", re.M)


def image(job):
    """The hosts' image, and what their ESBs need beside it."""
    images.image(job.say)
    environments.mysql_path(job.say)
    job.check("there is an image for the cluster's hosts", "")


def scenario(python, *chosen):
    """molecule's whole sequence on hosts whose ESB runs on one Python; `chosen` are pytest's arguments for its step `verify`."""
    def run(job):
        binaries, report = ansible_envs.molecule(job.say), job.folder
        place = Path(tempfile.mkdtemp(prefix="ding-cluster-"))
        words = {"PATH": "%s:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin" % binaries, "DING_CLUSTER": place / "platform",
                 "DING_TARGET_PYTHON": python, "DING_CLUSTER_REPORT": report, "DING_CLUSTER_PYTEST": " ".join(["--timeout=600", *chosen]),
                 "ANSIBLE_HOME": place / "ansible", "MOLECULE_EPHEMERAL_DIRECTORY": place / "molecule", "NO_COLOR": 1, "PY_COLORS": 0, "COLUMNS": 160}
        # Nothing of the caller's PATH: the interpreters are named instead, or others than those of the environments might be found.
        words.update((environments.variable(each), ansible_envs.target(each)) for each in ("2.7", "3.11") if ansible_envs.target(each))
        try:
            code = job.command([binaries / "molecule", "test", "--scenario-name", "cluster"], SECONDS, **words)
        finally:
            # Not job.command, which does nothing any more when the run was interrupted.
            subprocess.run([paths.VENV / "bin" / "python", paths.ROOT / "tests" / "cluster" / "clusterkit", "down", place / "platform"], timeout=DOWN_SECONDS)
            shutil.rmtree(place, ignore_errors=True)
        _count(job, report, code)
    return run


def _count(job, report, code):
    """molecule's own steps count as one check; what its step `verify` has tested counts by itself."""
    tested = junit.read(report / "junit.xml")
    told = report / "pytest.txt"
    if told.exists():
        text = told.read_text("utf-8", "replace")
        job.say(text)
        # Each on a line of its own.
        job.note(*("\n        " + figure for figure in FIGURE.findall(text)))
    if tested is None:
        raise Failed("molecule ended with %d before the cluster was tested" % code)
    job.add(tested)
    # A test that failed has made molecule fail; that is not counted twice.
    job.check("molecule test, scenario cluster", "ended with %d" % code if code and not tested.counts.failed else "")
