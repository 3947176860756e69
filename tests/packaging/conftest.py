"""Fixtures of the packaging tests: a clone with an operator's own files in it, the artefact, and two installations of it.

DING_ANSIBLE (2.16, 2.19, 2.21) chooses the ansible-core, 2.19 without it. Every command runs with an empty home, without
any setting of the caller's, and with proxies at which nothing listens: what asks a server fails.
"""

import os
import pathlib
import shutil
import sys
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve().parent
for folder in (HERE, HERE.parents[1]):
    sys.path.insert(0, str(folder))

from packagekit import Ansible, Git  # noqa: E402

from tests.run import ansible_envs, static  # noqa: E402

CORE = os.environ.get("DING_ANSIBLE") or "2.19"
# What lies in a clone that somebody works in. None of it belongs into the artefact.
OWN_FILES = (".venv/bin/python", ".sandbox/state.json", ".results/log.txt", ".hypothesis/constants/a", ".vault_pass", ".idea/a.xml",
             "plugins/modules/__pycache__/robot_user.cpython-311.pyc", "plugins/.robot_user.py.swp", "roles/install/tasks/main.yml~",
             "inventory.yml", "inventory/hosts.yml", "inventory.ini", "hosts", "hosts.yml", "install.config", "my.install.config",
             "site.install_config.yml", "group_vars/paas/vault.yml", "group_vars/all.yml", "host_vars/10.0.0.1.yml", "vault.yml", "id.key",
             "install.log", "install.retry", "ding-blueking-0.9.0.tar.gz")


def pytest_report_header(config):
    return "packaging: ansible-core %s" % CORE


@pytest.fixture(scope="session")
def place():
    with tempfile.TemporaryDirectory(prefix="ding-packaging-") as folder:
        yield pathlib.Path(folder)


@pytest.fixture(scope="session")
def ansible(place):
    """ansible(words…): one command of the core's, see packagekit.py."""
    return Ansible(ansible_envs.core(CORE), place)


@pytest.fixture(scope="session")
def clone(place):
    """The tracked files, without git and without an operator's files."""
    static.clone(place / "clone")
    return place / "clone"


@pytest.fixture(scope="session")
def used_clone(clone, place):
    folder = place / "used"
    shutil.copytree(clone, folder, symlinks=True)
    for name in OWN_FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("ding_app_secret: not for others\n", "utf-8")
    return folder


@pytest.fixture(scope="session")
def artefact(ansible, used_clone, place):
    """The path of what `ansible-galaxy collection build` makes in a clone that is in use."""
    ansible("ansible-galaxy", "collection", "build", "--output-path", place / "artefact", cwd=used_clone)
    return next((place / "artefact").glob("*.tar.gz"))


@pytest.fixture(scope="session")
def installed(ansible, artefact, clone, place):
    """The empty home into which requirements.yml has installed the artefact."""
    home = place / "home-of-artefact"
    shutil.copy2(clone / "requirements.yml", artefact.parent)
    ansible("ansible-galaxy", "collection", "install", "-r", "requirements.yml", cwd=artefact.parent, home=home)
    return home


@pytest.fixture(scope="session")
def installed_from_git(ansible, clone, place):
    """The empty home into which a requirements.yml with a git source has installed the collection."""
    home, folder = place / "home-of-git", place / "git"
    shutil.copytree(clone, folder / "repository", symlinks=True)
    Git(folder / "repository").commit_all()
    (folder / "requirements.yml").write_text("collections:\n  - name: file://%s\n    type: git\n" % (folder / "repository"), "utf-8")
    ansible("ansible-galaxy", "collection", "install", "-r", "requirements.yml", cwd=folder, home=home)
    return home
