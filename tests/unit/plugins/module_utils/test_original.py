# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""original.py: the manual release is told from what a site has, and what goes of it. Contents are made up, sums patched."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import re

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import original
from ansible_collections.ding.blueking.plugins.module_utils import original_sums
from ansible_collections.ding.blueking.plugins.module_utils.apis_tree import Entry
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

RELEASE = dict((path, ("made up: " + path).encode("ascii")) for path in (
    "README.md", ".gitignore", ".assets/a.png", "__init__.py", "conf.py", "cmsi/send_ding.py", "cmsi/send_dingbot.py", "cmsi/send_dingtalk.py",
    "cmsi/send_msg.py", "cmsi/apidocs/en/send_msg.md", "cmsi/toolkit/configs.py", "cmsi/toolkit/tools.py", "cmsi/toolkit/icons/a.ico",
    "dingbot/send_message.py", "dingtalk/get_token.py", "dingtalk/toolkit/tools.py"))
RELEASE.update(("%s/__init__.py" % folder, b"") for folder in ("cmsi", "cmsi/toolkit", "dingbot", "dingtalk", "dingtalk/toolkit"))


@pytest.fixture(autouse=True)
def sums(monkeypatch):
    monkeypatch.setattr(original, "SUMS", dict((path, (hashlib.sha256(content).hexdigest(), "0" * 64)) for path, content in RELEASE.items()))


def tree_of(files):
    tree = {"": Entry("folder", None, 0o755, 0, 0, 0, 2)}
    for path, content in files.items():
        parts = path.split("/")
        for length in range(1, len(parts)):
            tree["/".join(parts[:length])] = tree[""]
        tree[path] = Entry("file", content, 0o644, 0, 0, 0, 1)
    return tree


def site(**changes):
    files = dict(RELEASE, **{"conf.py": b"the site's", "own/get_x.py": b"the site's"})
    files.update(changes)
    return tree_of(dict((path, content) for path, content in files.items() if content is not None))


def test_a_pristine_release_goes_with_its_folders_and_leaves_what_the_platform_has():
    plan = original.plan(site())
    assert plan.gone == [".assets", ".gitignore", "README.md", "cmsi", "dingbot", "dingtalk"]
    assert plan.kept == [] and not plan.configs
    assert plan.files == sorted(set(RELEASE) - set(["__init__.py", "conf.py"]))


def test_the_release_is_recognised_by_what_only_it_has():
    found = original.found_in(site())
    assert found == ["cmsi/send_ding.py", "cmsi/send_dingbot.py", "cmsi/send_dingtalk.py", "cmsi/toolkit/configs.py", "dingbot/send_message.py",
                     "dingtalk/get_token.py", "dingtalk/toolkit/tools.py"]


@pytest.mark.parametrize("files", [
    {}, {"README.md": RELEASE["README.md"]}, {"dingtalk/__init__.py": b""}, {"dingtalk/own.py": b"the site's"},
    # A site's own copy of the platform's CMSI, which the release has unchanged in parts.
    dict((path, RELEASE[path]) for path in ("cmsi/__init__.py", "cmsi/send_msg.py", "cmsi/toolkit/tools.py", "cmsi/apidocs/en/send_msg.md")),
    {"ding_blueking/send_ding.py": b"class SendDing(Component):\n    sys_name = 'CMSI'\n"},
    {"own/send_ding.py": b"class SendDing(Component):\n    sys_name = 'OWN'\n"},
    {"own/toolkit/send_ding.py": b"class SendDing(Component):\n    sys_name = 'CMSI'\n"},
    {"own/_send_ding.py": b"class SendDing(Component):\n    sys_name = 'CMSI'\n"},
    {"own/a.py": b"class SendDing(Component):\n    sys_name = configs.SYSTEM_NAME\n", "own/toolkit/configs.py": b"SYSTEM_NAME = 'OWN'\n"},
    {"own/a.py": b"from x import SendDing\n"},
])
def test_a_site_without_it_is_left_alone(files):
    tree = tree_of(files)
    assert original.found_in(tree) == []
    assert original.plan(tree).files == []


@pytest.mark.parametrize("name", ["cmsi/send_ding.pyc", "cmsi/send_dingbot.pyo", "cmsi/__pycache__/send_ding.cpython-36.pyc"])
def test_byte_code_without_its_source_is_the_release_too(name):
    tree = tree_of({name: b"code"})
    assert original.found_in(tree) == [name]
    assert original.plan(tree).gone == ["cmsi"]


def test_byte_code_of_the_release_goes_with_its_folder():
    plan = original.plan(site(**{"cmsi/send_ding.pyc": b"code", "cmsi/__pycache__/send_msg.cpython-36.pyc": b"code"}))
    assert "cmsi" in plan.gone and plan.kept == []


def test_byte_code_of_the_sites_own_stays():
    plan = original.plan(site(**{"cmsi/send_own.pyc": b"code"}))
    assert plan.kept == ["cmsi/send_own.pyc"]
    assert "cmsi" not in plan.gone and "cmsi/__init__.py" not in plan.gone


def test_a_file_that_the_site_changed_stays_and_the_others_go():
    plan = original.plan(site(**{"cmsi/apidocs/en/send_msg.md": b"changed"}))
    assert plan.kept == ["cmsi/apidocs/en/send_msg.md"]
    assert "cmsi/toolkit" in plan.gone and "cmsi/__init__.py" in plan.gone and "cmsi" not in plan.gone


def test_a_source_that_stays_keeps_its_package():
    plan = original.plan(site(**{"dingtalk/toolkit/tools.py": b"changed"}))
    assert plan.kept == ["dingtalk/toolkit/tools.py"]
    assert [path for path in plan.gone if path.startswith("dingtalk")] == ["dingtalk/get_token.py"]


def test_a_site_that_changed_the_configs_keeps_its_copy_of_cmsi():
    plan = original.plan(site(**{"cmsi/toolkit/configs.py": b"smtp_host = 'x'\n", "cmsi/send_msg.py": b"changed"}))
    assert plan.configs and plan.kept == ["cmsi/send_msg.py", "cmsi/toolkit/configs.py"]
    assert [path for path in plan.gone if path.startswith("cmsi")] == ["cmsi/send_ding.py", "cmsi/send_dingbot.py", "cmsi/send_dingtalk.py"]


@pytest.mark.parametrize("path", ["cmsi/send_ding.py", "cmsi_backup/send_ding.py", "own/anything.py"])
def test_a_file_that_provides_our_component_and_is_not_the_releases_is_refused(path):
    tree = site(**{path: b"class SendDing(Component):\n    pass\n"})
    assert path in original.found_in(tree)
    with pytest.raises(Problem) as caught:
        original.plan(tree)
    assert path in str(caught.value)


def test_a_gitignore_of_a_site_that_uses_git_stays():
    assert ".gitignore" not in original.plan(site(**{".git/HEAD": b"x"})).files


def test_a_readme_of_the_sites_own_stays():
    assert "README.md" not in original.plan(site(**{"README.md": b"own"})).files


def test_no_folder_goes_that_holds_a_link():
    tree = site()
    tree["dingbot/link"] = Entry("link", "/somewhere", 0o777, 0, 0, 0, 1)
    plan = original.plan(tree)
    assert plan.kept == ["dingbot/link"] and "dingbot" not in plan.gone


def test_conf_is_looked_into_only_when_it_names_our_paths():
    assert original.names_channels(b"CHANNELS = [('/cmsi/send_ding/', {})]")
    assert not original.names_channels(b"CHANNELS = [('/cmsi/send_mail/', {})]")
    assert not original.names_channels(None)


def test_the_refusal_names_files_and_remedy():
    sentence = original.refusal(["cmsi/send_ding.py", "conf.py"], "/x/apis")
    assert "cmsi/send_ding.py, conf.py" in sentence and "replace_original: true" in sentence and "/x/apis" in sentence


def test_the_sums_are_sums_of_plain_paths():
    assert len(original_sums.SUMS) > 100
    for path, sums in original_sums.SUMS.items():
        assert not path.startswith("/") and ".." not in path.split("/")
        assert sums and all(re.match("^[0-9a-f]{64}$", each) for each in sums)
    assert all(path in original_sums.SUMS for path in original.COMPONENTS + (original.CONFIGS, "conf.py"))
