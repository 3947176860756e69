# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""package.py: how the folder travels, what a host's folder lacks of it, and which byte code may stay."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import json
import struct
import zlib

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import package
from ansible_collections.ding.blueking.plugins.module_utils.apis_tree import Entry
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

OWNER = package.Owner(7, 8)
FILES = {"__init__.py": b"", "_channels.py": b"CHANNELS = []\n", "send.py": b"x = 1\n", "toolkit/__init__.py": b"",
         "toolkit/version.py": b'__version__ = "1.2.3"\n'}
MTIME = 1600000000


def packed(listed):
    return base64.b64encode(zlib.compress(json.dumps(listed).encode("ascii"))).decode("ascii")


def entry(kind="file", content=b"", mode=0o644, uid=7, gid=8, mtime=MTIME):
    return Entry(kind, content, mode, uid, gid, mtime, 1)


def folder(mode=0o755, uid=7, gid=8):
    return entry("folder", None, mode, uid, gid)


def installed(files=None):
    tree = {"": folder(), "toolkit": folder()}
    for path, content in (FILES if files is None else files).items():
        tree[path] = entry(content=content)
    return tree


def python27(mtime=MTIME):
    return entry(content=struct.pack("<HHI", 62211, 0x0A0D, mtime) + b"code " * 4)


def python36(size, mtime=MTIME, number=3379):
    return entry(content=struct.pack("<HHII", number, 0x0A0D, mtime, size) + b"code " * 4)


def python311(size, mtime=MTIME, flags=0):
    return entry(content=struct.pack("<HHIII", 3495, 0x0A0D, flags, mtime, size) + b"code " * 4)


def test_a_package_travels_and_the_same_files_give_the_same_text():
    text = package.pack(FILES)
    assert package.unpack(text) == FILES
    assert package.pack(dict(reversed(sorted(FILES.items())))) == text


@pytest.mark.parametrize("name", ["/etc/passwd", "../x.py", "a/../../x.py", "a//b.py", "./a.py", ".hidden", "", "a/", "a\\b.py", "a\0.py", "x.pyc",
                                  "__pycache__/x.py", u"\u94ed.py", "a b.py", "-x.py", "a.py\n"])
def test_a_name_that_leads_anywhere_else_is_refused(name):
    with pytest.raises(Problem) as caught:
        package.unpack(packed([[path, ""] for path in package.NEEDED] + [[name, ""]]))
    assert json.dumps(name) in str(caught.value)


@pytest.mark.parametrize("text", ["", "x", "AAAA", packed({"a": 1}), packed([["a"]]), packed([["__init__.py", "="]])])
def test_a_damaged_package_is_refused(text):
    with pytest.raises(Problem):
        package.unpack(text)


def test_a_file_that_is_named_twice_or_is_a_folder_too_is_refused():
    whole = [[path, ""] for path in package.NEEDED]
    for more in ([["a.py", ""], ["a.py", ""]], [["a", ""], ["a/b.py", ""]]):
        with pytest.raises(Problem):
            package.unpack(packed(whole + more))


@pytest.mark.parametrize("missing", package.NEEDED)
def test_a_folder_that_is_not_the_channels_is_refused(missing):
    with pytest.raises(Problem) as caught:
        package.check(dict((path, content) for path, content in FILES.items() if path != missing))
    assert missing in str(caught.value)


def test_the_version_is_read_without_running_anything():
    assert package.version(FILES) == "1.2.3"
    assert package.version({}) is None
    assert package.version_of(installed()) == "1.2.3"
    assert package.version_of({}) is None


def test_nothing_differs_where_all_is_as_wanted():
    assert package.differences(installed(), package.wanted(FILES, OWNER)) == []
    assert package.differences({}, package.wanted(None, OWNER)) == []


def changed(tree):
    return [change.path for change in package.differences(tree, package.wanted(FILES, OWNER))]


@pytest.mark.parametrize("path, other", [
    ("send.py", entry(content=b"x = 2\n")), ("send.py", entry(content=b"x = 1\n", mode=0o600)), ("send.py", entry(content=b"x = 1\n", uid=0)),
    ("send.py", entry(content=b"x = 1\n", gid=0)), ("send.py", entry("link", "/etc/passwd", 0o777)), ("send.py", folder()),
    ("toolkit", folder(mode=0o700)), ("", folder(uid=0)), ("extra.py", entry()), ("toolkit/old.md", entry()), ("empty", folder()),
    ("pipe", entry("other")),
])
def test_everything_that_is_not_as_wanted_differs(path, other):
    tree = installed()
    tree[path] = other
    assert changed(tree) == [path]


def test_a_missing_file_differs():
    tree = installed()
    del tree["send.py"]
    assert changed(tree) == ["send.py"]


@pytest.mark.parametrize("path, code", [
    ("send.pyc", python27()), ("send.pyo", python27()), ("toolkit/version.pyc", python27()), ("__pycache__/send.cpython-36.pyc", python36(6)),
    ("__pycache__/send.cpython-311.pyc", python311(6)), ("__pycache__/send.cpython-36.opt-1.pyc", python36(6)),
    ("toolkit/__pycache__/__init__.cpython-36.pyc", python36(0)), ("__pycache__/send.cpython-36.pyc.140234", entry(content=b"half")),
])
def test_byte_code_that_the_esb_wrote_for_our_source_may_stay(path, code):
    tree = installed()
    for parent in ("__pycache__", "toolkit/__pycache__"):
        tree[parent] = folder(uid=99)
    tree[path] = code._replace(uid=99, mode=0o600)
    assert changed(tree) == []


@pytest.mark.parametrize("path, code", [
    ("gone.pyc", python27()), ("__pycache__/gone.cpython-36.pyc", python36(6)), ("send.pyc", python27(mtime=MTIME - 1)),
    ("send.pyc", entry(content=b"")),
    ("send.pyc", entry("link", "/x")), ("__pycache__/send.cpython-36.pyc", python36(7)), ("__pycache__/send.cpython-311.pyc", python311(6, mtime=1)),
    ("__pycache__/send.cpython-311.pyc", python311(6, flags=1)), ("__pycache__/notes.txt", entry()), ("toolkit/x/y.pyc", python27()),
])
def test_byte_code_without_its_source_or_of_another_goes(path, code):
    tree = installed()
    tree["__pycache__"] = folder()
    tree[path] = code
    assert changed(tree) == [path]


def test_byte_code_of_a_source_that_changes_goes():
    tree = installed()
    tree["send.py"] = entry(content=b"x = 9\n")
    tree["send.pyc"] = python27()
    assert changed(tree) == ["send.py", "send.pyc"]


def test_a_folder_goes_with_everything_in_it():
    tree = dict(installed(), **{"send.pyc": python27()})
    assert [change.path for change in package.differences(tree, package.wanted(None, OWNER))] == sorted(tree)


def test_byte_code_belongs_to_a_source():
    sources = {"a.pyc": "a.py", "a/b.pyo": "a/b.py", "__pycache__/a.cpython-36.pyc": "a.py", "a/__pycache__/b.pypy.opt-2.pyc": "a/b.py",
               "a.py": None, "a": None}
    assert dict((path, package.source_of(path)) for path in sources) == sources


def test_the_diff_shows_text_and_hides_bytes():
    tree = installed()
    tree["send.py"] = entry(content=b"x = 2\n", mode=0o600)
    tree["old.bin"] = entry(content=b"\xff\0")
    del tree["toolkit"], tree["toolkit/version.py"]
    parts = package.diff(package.differences(tree, package.wanted(FILES, OWNER)), "/apis/d", lambda uid, gid: "u%d:g%d" % (uid, gid))
    shown = dict((part["before_header"], (part["before"], part["after"])) for part in parts)
    assert sorted(shown) == ["/apis/d (gone)", "/apis/d (new)", "/apis/d/send.py", "/apis/d/send.py (owner and mode)"]
    assert shown["/apis/d/send.py"] == ("x = 2\n", "x = 1\n")
    assert shown["/apis/d/send.py (owner and mode)"] == ("u7:g8 0600\n", "u7:g8 0644\n")
    gone, new = shown["/apis/d (gone)"], shown["/apis/d (new)"]
    assert gone[0].startswith("old.bin (2 bytes, sha256 ") and gone[1] == ""
    assert new[0] == "" and new[1].startswith("toolkit/version.py (")


def test_the_summary_names_files():
    tree = installed()
    tree["send.py"] = entry(content=b"x = 2\n")
    tree["extra"] = folder()
    tree["extra/x.py"] = entry()
    tree["toolkit"] = folder(mode=0o700)
    del tree["_channels.py"]
    assert package.summary(package.differences(tree, package.wanted(FILES, OWNER))) == {
        "added": ["_channels.py"], "changed": ["send.py", "toolkit"], "removed": ["extra/x.py"]}
