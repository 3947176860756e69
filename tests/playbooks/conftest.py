"""Fixtures of the playbook tests: `site` (a platform of two hosts, the channel not installed) and `play` (a playbook on it).

DING_ANSIBLE (2.16, 2.19, 2.21) and DING_TARGET_PYTHON (2.7, 3.6, 3.11, 3.13) choose the pair; without them it is 2.16 with 2.7,
on which `make test STAGE=playbooks` runs all tests. On the other pairs it runs only those marked `every_target`.
"""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
# modulekit: the sandbox of the module tests; contractkit: the clients of its DingTalk and user management.
for folder in (HERE, HERE.parent / "modules", HERE.parent / "contract", HERE.parents[1]):
    sys.path.insert(0, str(folder))

from playkit.player import Player  # noqa: E402
from playkit.site import Site  # noqa: E402
from playkit.story import Story  # noqa: E402
from tests.run import ansible_envs  # noqa: E402
from tests.run.needs import WHOLE  # noqa: E402

CORE = os.environ.get("DING_ANSIBLE") or "2.16"
TARGET = os.environ.get("DING_TARGET_PYTHON") or "2.7"
# The sandbox's ESB runs on the target's Python where that is one of these, else on today's.
OLD_ESB_PYTHONS = ("2.7", "3.6")
COUNTER = {"left": 0, "runs": 0, "tasks": 0, "seconds": 0.0}


def pytest_collection_modifyitems(config, items):
    """Without DING_WHOLE=1 no further story of a kind that others tell."""
    if not WHOLE:
        left = [item for item in items if item.get_closest_marker("whole")]
        items[:] = [item for item in items if item not in left]
        config.hook.pytest_deselected(items=left)
        COUNTER["left"] = len(left)


def pytest_report_header(config):
    return "playbooks: ansible-core %s, target Python %s" % (CORE, TARGET)


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("ansible-playbook: %(runs)d runs, %(tasks)d tasks, %(seconds).1f s" % COUNTER)
    if COUNTER["left"]:
        terminalreporter.write_line("rarer stories, told with DING_WHOLE=1: %(left)d" % COUNTER)


@pytest.fixture(scope="session")
def site():
    """See playkit/site.py. A module of tests that begins on an untouched platform calls site.virgin() first."""
    platform = Site.started(TARGET if TARGET in OLD_ESB_PYTHONS else "current")
    yield platform
    platform.end()


@pytest.fixture(scope="session")
def play(site):
    """play("install", check=True, …) -> Run: see playkit/player.py and playkit/run.py."""
    python = ansible_envs.target(TARGET)
    if python is None:
        pytest.skip("no Python %s here" % TARGET)
    return Player(CORE, ansible_envs.core(CORE), python, site, COUNTER)


@pytest.fixture
def virgin(site):
    site.virgin()
    return site


@pytest.fixture(scope="session")
def story(site, play):
    """The first install, told once: see playkit/story.py."""
    told = Story(site, play)
    yield told
    told.moment.end()


@pytest.fixture
def installed(site, story):
    """The site behind the first install."""
    site.back_to(story.moment)
    return site
