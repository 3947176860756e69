"""Fixtures of the cluster's tests: `cluster` (a platform of real hosts, the channel not installed) and `play` (a playbook on it).

DING_TARGET_PYTHON (2.7 or current) chooses the ESB's Python. With 2.7, the modules run on it as well, and the login is root; without, they run
on Debian's own Python, and the login is not root. DING_CLUSTER names the folder of a platform that runs (python -m clusterkit up FOLDER): the
tests then begin by putting it back to its start, and leave it running.
"""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for folder in (HERE, HERE.parent / "playbooks", HERE.parent / "modules", HERE.parent / "contract", HERE.parents[1]):
    sys.path.insert(0, str(folder))

from clusterkit import engine  # noqa: E402
from clusterkit.cluster import Cluster  # noqa: E402
from clusterkit.player import RemotePlayer  # noqa: E402
from tests.run import ansible_envs  # noqa: E402

CORE = "2.16"
TARGET = os.environ.get("DING_TARGET_PYTHON") or "current"
COUNTER = {"runs": 0, "tasks": 0, "seconds": 0.0}
FIGURES = []
# Characters of a failure that are shown while the run goes on.
SHOWN = 6000


def pytest_report_header(config):
    return "cluster: ansible-core %s, the ESB's Python %s" % (CORE, TARGET)


def pytest_terminal_summary(terminalreporter):
    for figure in FIGURES:
        terminalreporter.write_line("figure: " + figure)
    terminalreporter.write_line("ansible-playbook: %(runs)d runs, %(tasks)d tasks, %(seconds).1f s" % COUNTER)


class Teller:
    """Shows a failure at once, because the whole run takes minutes."""

    def __init__(self, config):
        self.reporter = config.pluginmanager.getplugin("terminalreporter")

    def pytest_runtest_logreport(self, report):
        if report.failed and self.reporter:
            self.reporter.write_line("\n%s failed: %s" % (report.nodeid, str(report.longrepr)[-SHOWN:]))


@pytest.hookimpl(trylast=True)
def pytest_configure(config):
    config.pluginmanager.register(Teller(config))


@pytest.fixture(scope="session")
def figure():
    """figure("text"): what a test has measured, shown at the end of the run."""
    return FIGURES.append


@pytest.fixture(scope="session")
def cluster():
    reason = engine.problem()
    if reason:
        pytest.skip(reason)
    if os.environ.get("DING_CLUSTER"):
        yield Cluster.attached(os.environ["DING_CLUSTER"])
        return
    platform = Cluster(TARGET, "root" if TARGET == "2.7" else "ops")
    try:
        platform.start()
        yield platform
    finally:
        platform.end()


@pytest.fixture(scope="session")
def play(cluster):
    """play("install", check=True, …) -> Run: see tests/playbooks/playkit/player.py and run.py."""
    return RemotePlayer(CORE, ansible_envs.core(CORE), cluster.target_python, cluster, COUNTER)


@pytest.fixture
def virgin(cluster):
    cluster.back_to("virgin")
    return cluster


@pytest.fixture(scope="session")
def first_install(cluster, play):
    """The first install of the session, after which the platform is kept as "installed"."""
    cluster.back_to("virgin")
    run = play("install")
    cluster.keep("installed")
    return run


@pytest.fixture
def installed(cluster, first_install):
    assert first_install.rc == 0, first_install
    cluster.back_to("installed")
    return cluster
