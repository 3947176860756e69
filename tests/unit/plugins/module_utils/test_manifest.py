# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""manifest.py: what a folder holds, whatever is in it, and what counts as a difference."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import hashlib
import os
import shutil
import socket
import tempfile

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import manifest
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils.backup_kit import OLD, write


def file_entry(**changed):
    return dict({"type": "file", "mode": 0o644, "owner": 0, "group": 0, "size": 1, "sha256": "a" * 64, "mtime": 1}, **changed)


FOLDER = {"type": "folder", "mode": 0o755, "owner": 0, "group": 0}


@pytest.mark.parametrize("name", [b"conf.py", b"\xe4\xb8\xad\xe6\x96\x87", b"\xb2\xe2", b"a\\b", b"\\xb2", b"\\\\x\xff", b"line\nbreak", b"tail\xe4\xb8"])
def test_any_name_comes_back_from_its_text(name):
    text = manifest.shown(name)
    assert isinstance(text, type(u"")) and manifest.raw(text) == name


def test_different_names_have_different_texts():
    assert manifest.shown(b"\xb2") != manifest.shown(b"\\xb2")


def test_it_knows_bytes_modes_owners_links_and_odd_things(tmpdir):
    root = str(tmpdir)
    write(root + "/a/b.py", "content", 0o4750)
    os.symlink("/etc", root + "/a/link")
    os.mkfifo(root + "/pipe")
    listener = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)
    try:
        listener.bind("socket")
    finally:
        os.chdir(here)
        listener.close()
    found = manifest.take(root)
    assert sorted(found) == [".", "a", "a/b.py", "a/link", "pipe", "socket"]
    assert found["a/b.py"] == {"type": "file", "size": 7, "sha256": hashlib.sha256(b"content").hexdigest(), "mtime": OLD, "mode": 0o4750,
                               "owner": os.geteuid(), "group": os.lstat(root + "/a/b.py").st_gid}
    assert found["a/link"]["target"] == "/etc" and found["a"]["type"] == "folder"
    assert [found[name]["type"] for name in ("pipe", "socket")] == ["special", "special"]


def test_nothing_is_an_empty_manifest(tmpdir):
    assert manifest.take(str(tmpdir.join("missing"))) == {}


def test_it_sees_what_an_interrupted_run_had_decided(tmpdir):
    root, other = str(tmpdir.mkdir("apis")), str(tmpdir.mkdir("stage"))
    write(root + "/conf.py", "old")
    write(root + "/package/a.py", "old")
    write(root + "/gone.py", "old")
    write(other + "/new.0", "new")
    write(other + "/new.1/b.py", "new")
    write(other + "/new.2", "new")
    instead = {u"conf.py": (other + "/new.0").encode("utf-8"), u"package": (other + "/new.1").encode("utf-8"), u"gone.py": None,
               u"fresh.py": (other + "/new.2").encode("utf-8")}
    found = manifest.take(root, instead)
    assert sorted(found) == [".", "conf.py", "fresh.py", "package", "package/b.py"]
    assert found["conf.py"]["sha256"] == hashlib.sha256(b"new").hexdigest()
    assert manifest.take(root, {u".": None}) == {}


def test_only_some_entries(tmpdir):
    root = str(tmpdir)
    write(root + "/a/x.py", "")
    write(root + "/b/x.py", "")
    assert sorted(manifest.take(root, tops=["b"])) == [".", "b", "b/x.py"]


def test_a_link_that_took_a_files_place_is_not_read(tmpdir):
    os.symlink("/etc/passwd", str(tmpdir.join("x")))
    with pytest.raises((OSError, IOError)):
        manifest.opened(str(tmpdir.join("x")))


def test_what_cannot_be_read_is_named():
    # Root can read everything, and nobody cannot enter root's own temporary folders.
    folder = tempfile.mkdtemp()
    user = os.geteuid()
    try:
        os.chmod(folder, 0o755)
        write(folder + "/x.py", "", 0o000)
        if user == 0:
            os.seteuid(65534)
        with pytest.raises(Problem, match="x.py cannot be read"):
            manifest.take(folder)
    finally:
        os.seteuid(user)
        shutil.rmtree(folder)


@pytest.mark.parametrize("changed", [{"sha256": "b" * 64}, {"mode": 0o600}, {"owner": 1}, {"group": 1}, {"type": "special"}])
def test_each_of_these_is_a_difference(changed):
    before, after = {u".": FOLDER, u"a": file_entry()}, {u".": FOLDER, u"a": file_entry(**changed)}
    assert sorted(manifest.changes(before, after)) == ["a"]


def test_a_time_is_no_difference():
    assert manifest.changes({u"a": file_entry()}, {u"a": file_entry(mtime=5)}) == {}


def test_a_change_names_what_was_and_what_is():
    link = {"type": "link", "target": u"b", "owner": 0, "group": 0}
    assert manifest.changes({u"a": file_entry()}, {u"l": link}) == {
        "a": [{"type": "file", "mode": 0o644, "owner": 0, "group": 0, "sha256": "a" * 64}, None], "l": [None, link]}


@pytest.mark.parametrize("path, source", [
    ("a/x.pyc", "a/x.py"), ("x.pyo", "x.py"), ("__pycache__/x.cpython-36.pyc", "x.py"), ("a/__pycache__/x.cpython-36.opt-1.pyc", "a/x.py"),
    ("a/x.py", None), ("__pycache__/x.txt", None), ("a/x.pycx", None)])
def test_byte_code_and_its_source(path, source):
    assert manifest.source_of(path) == source


def test_only_byte_code_beside_its_source_is_pythons_own():
    tree = dict((path, file_entry()) for path in ("x.py", "x.pyc", "only.pyc", "__pycache__/x.cpython-36.pyc", "b/__pycache__/gone.cpython-36.pyc"))
    tree.update((path, FOLDER) for path in (".", "__pycache__", "b", "b/__pycache__", "c", "c/__pycache__"))
    assert manifest.byte_code(tree) == set(["x.pyc", "__pycache__", "__pycache__/x.cpython-36.pyc", "c/__pycache__"])
    assert "only.pyc" in manifest.content(tree)
