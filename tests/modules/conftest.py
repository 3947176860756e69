"""Fixtures of the module tests: `ansible` (one ansible-core, one target Python) and `sandbox` (a local BlueKing).

DING_ANSIBLE (2.16, 2.19, 2.21) and DING_TARGET_PYTHON (2.7, 3.6, 3.9, 3.11, 3.13) choose the pair; without them it is
2.19 with 3.11. `make test STAGE=modules` runs all tests on the oldest pair, on the newest those marked `every_target` or `newest`,
and on the pairs between them only those marked `every_target`: a test without a mark does not depend on the target's Python or on the core.
"""

import os
import pathlib
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
# contractkit: the clients of the sandbox's DingTalk and user management.
for folder in (HERE, HERE.parent / "contract", HERE.parents[1]):
    sys.path.insert(0, str(folder))

from modulekit.runner import Ansible  # noqa: E402
from modulekit.world import World  # noqa: E402
from tests.run import ansible_envs  # noqa: E402

CORE = os.environ.get("DING_ANSIBLE") or "2.19"
TARGET = os.environ.get("DING_TARGET_PYTHON") or "3.11"
# The sandbox's ESB runs on the target's Python where that is one of these, else on today's.
OLD_ESB_PYTHONS = ("2.7", "3.6")
COUNTER = {"parity": 0, "runs": 0, "tasks": 0, "seconds": 0.0}


def pytest_collection_modifyitems(config, items):
    """Some tests ask for an ESB on today's Python: with an older target they are no tests."""
    if TARGET in OLD_ESB_PYTHONS:
        left_out = [item for item in items if item.get_closest_marker("esb_of_today")]
        items[:] = [item for item in items if item not in left_out]
        config.hook.pytest_deselected(items=left_out)


def pytest_report_header(config):
    return "modules: ansible-core %s, target Python %s" % (CORE, TARGET)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("parity cases: %d" % COUNTER["parity"])
    terminalreporter.write_line("ansible-playbook: %(runs)d runs, %(tasks)d tasks, %(seconds).1f s" % COUNTER)


@pytest.fixture(scope="session")
def ansible():
    """ansible.run, ansible.run_many, ansible.parity: see modulekit/runner.py."""
    python = ansible_envs.target(TARGET)
    if python is None:
        pytest.skip("no Python %s here" % TARGET)
    with tempfile.TemporaryDirectory(prefix="ding-modules-") as place:
        yield Ansible(CORE, ansible_envs.core(CORE), TARGET, python, place, counter=COUNTER)


@pytest.fixture(scope="session")
def sandbox():
    """A local BlueKing of this pytest process: see modulekit/world.py."""
    world = World.started(esb_python=TARGET if TARGET in OLD_ESB_PYTHONS else "current")
    yield world
    world.end()
