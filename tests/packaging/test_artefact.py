"""What is in the built artefact, and what is not."""

import re
import tarfile

import pytest
from conftest import OWN_FILES
from packagekit import NOT_BUILT

from tests.run import static

# Written in two parts, or this file would find itself in no tracked file.
SECRET = re.compile(r"\bSEC[0-9a-f]{40}|access_token=[0-9a-f]{40}|\$ANSIBLE_" + r"VAULT;|BEGIN [A-Z ]*PRIVATE " + "KEY|not for others")


@pytest.fixture(scope="module")
def members(artefact):
    with tarfile.open(artefact) as archive:
        return {member.name: (member, archive.extractfile(member).read() if member.isfile() else None) for member in archive}


def test_it_holds_exactly_the_tracked_files_of_the_collection(members):
    built = {name for name, (member, _) in members.items() if not member.isdir()} - {"MANIFEST.json", "FILES.json"}
    assert built == {name for name in static.tracked() if not name.startswith(NOT_BUILT)}


def test_it_holds_no_empty_folder(members):
    files = [name for name, (member, _) in members.items() if not member.isdir()]
    assert [name for name, (member, _) in members.items()
            if member.isdir() and not any(other.startswith(name + "/") for other in files)] == []


@pytest.mark.parametrize("name", ["collections/ansible_collections/ding/blueking", "tests", "sandbox", ".venv", ".git", *OWN_FILES])
def test_it_does_not_hold(members, name):
    assert not [each for each in members if each == name or each.startswith(name + "/")]


def test_roles_playbooks_plugins_and_the_channel_are_in_it(members):
    for name in ("roles/install/tasks/main.yml", "playbooks/install.yml", "plugins/modules/robot_user.py", "meta/runtime.yml",
                 "files/components/ding_blueking/_channels.py", "inventory.example", "requirements.yml", "README.md", "LICENSE"):
        assert name in members


def test_everything_is_readable_by_all_and_belongs_to_nobody_in_particular(members):
    wrong = [(name, oct(member.mode), member.uid, member.uname) for name, (member, _) in members.items()
             if member.mode != (0o755 if member.isdir() else 0o644) or member.uid or member.gid or member.uname not in ("", "root")]
    assert wrong == []


def test_it_holds_no_link(members):
    assert [name for name, (member, _) in members.items() if not member.isfile() and not member.isdir()] == []


def test_no_file_of_it_holds_a_secret_or_a_machines_path(members):
    # A word in a picture's bytes is chance; secrets are looked for in all files.
    patterns = [(what, pattern, False) for what, pattern in static.forbidden_texts()] + [("a secret", SECRET, True)]
    found = [(name, what) for name, (_, content) in members.items() for what, pattern, everywhere in patterns
             if content and (everywhere or not name.endswith(".png")) and pattern.search(content.decode("utf-8", "replace"))]
    assert found == []
