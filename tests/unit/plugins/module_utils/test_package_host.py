# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""package_host.py: a run killed anywhere is finished by the next one, whose check mode says beforehand what it will do."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import apis_tree
from ansible_collections.ding.blueking.plugins.module_utils import conf_block
from ansible_collections.ding.blueking.plugins.module_utils import package
from ansible_collections.ding.blueking.plugins.module_utils import package_host
from ansible_collections.ding.blueking.plugins.module_utils import swap
from ansible_collections.ding.blueking.plugins.module_utils.esb_python import Esb
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils.killing import KILLED, killed_after

NEW = {"__init__.py": b"", "_channels.py": b"CHANNELS = []\n", "send.py": b"new\n", "toolkit/version.py": b'__version__ = "2"\n'}
OLD = {"__init__.py": b"", "_channels.py": b"CHANNELS = [1]\n", "send.py": b"old\n", "toolkit/gone.py": b"x\n"}
CONF = b"CHANNELS = [('/own/', {})]\n"


def params(home):
    return dict(bk_home=str(home), esb_home=str(home), esb_python=["/nonexistent"], esb_inner_home=None, esb_user=None, esb_logs=None,
                esb_timeout=5, owner=None, group=None, replace_original=False, compile_check=False, only_byte_code=False)


def work(home, files, check=False):
    return package_host.work(Esb(params(home)), params(home), files, check)


def site(folder, files=None):
    apis = folder.mkdir("esb").mkdir("components").mkdir("generic").mkdir("apis")
    apis.join("conf.py").write_binary(CONF)
    apis.join("__init__.py").write_binary(b"")
    apis.mkdir("own").join("get_x.py").write_binary(b"x\n")
    home = str(folder.join("esb"))
    if files is not None:
        work(home, files)
    return home


def tree(home):
    found = {}
    for path, folders, files in os.walk(home):
        for name in folders + files:
            whole = os.path.join(path, name)
            content = None
            if os.path.isfile(whole):
                with open(whole, "rb") as handle:
                    content = handle.read()
            found[os.path.relpath(whole, home)] = (stat.S_IMODE(os.lstat(whole).st_mode), content)
    return found


@pytest.mark.parametrize("before, wanted", [(None, NEW), (OLD, NEW), (NEW, None)])
def test_killed_anywhere_the_next_run_does_what_its_check_mode_said(tmpdir, before, wanted):
    reference = site(tmpdir.mkdir("reference"), before)
    first = work(reference, wanted)
    assert first["changed"]
    goal = tree(reference)
    limit, finished = 0, 0
    while True:
        home = site(tmpdir.mkdir("round%d" % limit), before)
        code = killed_after(limit, lambda: work(home, wanted))
        if code == 0:
            break
        assert code == KILLED
        left = tree(home)
        said = work(home, wanted, check=True)
        assert tree(home) == left, "check mode wrote something"
        done = work(home, wanted)
        # The interrupted run may have come to its end but for its stage.
        assert done == said
        assert tree(home) == goal
        finished += bool(done["recovered"])
        assert not work(home, wanted)["changed"]
        # test_swap.py tries every single one.
        limit += 3
    assert limit > 30 and finished > 1


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("before, wanted", [(None, NEW), (NEW, None)])
def test_a_line_that_somebody_adds_to_conf_after_a_kill_stays(tmpdir, before, wanted, in_place):
    limit, line = 0, b"# of the site\n"
    while True:
        home = site(tmpdir.mkdir("round%d" % limit), before)
        code = killed_after(limit, lambda: work(home, wanted))
        conf = os.path.join(home, "components", "generic", "apis", "conf.py")
        with open(conf, "rb") as handle:
            content = handle.read().replace(CONF, CONF + line)
        if not in_place:
            os.rename(conf, conf + ".orig")
        with open(conf, "wb") as handle:
            handle.write(content)
        said = work(home, wanted, check=True)
        assert work(home, wanted) == said
        with open(conf, "rb") as handle:
            content = handle.read()
        assert line in content and (conf_block.BLOCK in content) == bool(wanted), "after %d operations" % limit
        assert not work(home, wanted)["changed"] and not [name for name in os.listdir(os.path.join(home, "components", "generic")) if name != "apis"]
        if code == 0:
            break
        limit += 1
    assert limit > 30


def test_an_interrupted_change_of_something_else_is_finished_as_well(tmpdir):
    home = site(tmpdir)
    stage = tmpdir.join("esb", "components", "generic", ".ding_blueking.0").ensure(dir=True)
    stage.join("new.0").write_binary(b"CHANNELS = []\n")
    stage.join("journal.json").write('{"steps": [["apis/conf.py", true], ["apis/own", false]]}')
    said = work(home, NEW, check=True)
    assert work(home, NEW) == said
    assert said["recovered"] == ["apis/conf.py", "apis/own"] and said["files"]["changed"] == ["conf.py"]
    found = tree(home)
    assert found["components/generic/apis/conf.py"][1] == b"CHANNELS = []\n\n" + conf_block.BLOCK
    assert not [name for name in found if "own" in name or "/." in name]


def test_present_then_absent_leaves_everything_as_it_was(tmpdir):
    home = site(tmpdir)
    before = tree(home)
    work(home, NEW)
    assert work(home, None)["files"]["removed"] == sorted("ding_blueking/" + path for path in NEW)
    assert tree(home) == before


def late(home, *names):
    """What an import writes that has read a source before it went; the folders it makes anew."""
    for name in names:
        path = os.path.join(home, "components/generic/apis/ding_blueking", name)
        if not os.path.isdir(os.path.dirname(path)):
            os.makedirs(os.path.dirname(path))
        with open(path, "wb") as handle:
            handle.write(b"late\n")


def sweep(home, **more):
    return package_host.work(Esb(params(home)), dict(params(home), only_byte_code=True), None, **more)


def test_byte_code_that_comes_behind_the_files_is_taken_away(tmpdir):
    home = site(tmpdir)
    before = tree(home)
    assert not sweep(home, check=False)["changed"]
    work(home, NEW)
    work(home, None)
    late(home, "toolkit/__pycache__/version.cpython-36.pyc", "__pycache__/send.cpython-36.pyc.140234")
    planned, done = sweep(home, check=True), sweep(home, check=False)
    assert planned == done and done["changed"] and not done["restart_needed"]
    assert done["files"]["removed"] == ["ding_blueking/__pycache__/send.cpython-36.pyc.140234", "ding_blueking/toolkit/__pycache__/version.cpython-36.pyc"]
    assert tree(home) == before and not sweep(home, check=False)["changed"]
    # A whole removal is no other.
    late(home, "toolkit/__pycache__/version.cpython-36.pyc")
    again = work(home, None)
    assert again["changed"] and not again["restart_needed"] and tree(home) == before


@pytest.mark.parametrize("name", ["theirs.py", "theirs.pyc", "toolkit/__pycache__/notes.txt"])
def test_what_is_more_than_byte_code_is_left_with_it(tmpdir, name):
    home = site(tmpdir)
    late(home, "__pycache__/send.cpython-36.pyc", name)
    before = tree(home)
    assert not sweep(home, check=False)["changed"] and tree(home) == before
    with pytest.raises(Problem) as caught:
        package_host.work(Esb(params(home)), dict(params(home), only_byte_code=True), NEW, False)
    assert "state: absent" in str(caught.value) and tree(home) == before


def test_no_file_that_replaces_another_has_its_time(tmpdir):
    home = site(tmpdir, OLD)
    folder = os.path.join(home, "components", "generic", "apis")
    times = {}
    for name in ("ding_blueking/send.py", "conf.py"):
        times[name] = int(os.stat(os.path.join(folder, name)).st_mtime)
    work(home, NEW)
    assert int(os.stat(os.path.join(folder, "ding_blueking/send.py")).st_mtime) != times["ding_blueking/send.py"]
    work(home, None)
    assert int(os.stat(os.path.join(folder, "conf.py")).st_mtime) != times["conf.py"]


def test_documentation_alone_needs_no_restart(tmpdir):
    documented = dict(NEW, **{"apidocs/en/send.md": b"old\n"})
    home = site(tmpdir, documented)
    documented["apidocs/en/send.md"] = b"new\n"
    result = work(home, documented)
    assert result["changed"] and not result["restart_needed"]


@pytest.mark.parametrize("path", ["conf.py", "ding_blueking/send.py", "ding_blueking/new.py"])
def test_what_the_site_writes_while_a_run_is_prepared_is_not_overwritten(tmpdir, monkeypatch, path):
    home = site(tmpdir, OLD)
    theirs = os.path.join(home, "components", "generic", "apis", path)
    conf = os.path.join(home, "components", "generic", "apis", "conf.py")
    with open(conf, "wb") as handle:
        handle.write(CONF)
    asked = package_host.refuse_what_does_not_compile

    def write(*arguments):
        asked(*arguments)
        with open(theirs, "ab") as handle:
            handle.write(b"# the site's\n")

    monkeypatch.setattr(package_host, "refuse_what_does_not_compile", write)
    with pytest.raises(Problem, match="changed by something else.*Nothing was changed"):
        work(home, NEW)
    with open(theirs, "rb") as handle:
        assert handle.read().endswith(b"# the site's\n")
    with open(os.path.join(os.path.dirname(conf), "ding_blueking", "_channels.py"), "rb") as handle:
        assert handle.read() == OLD["_channels.py"]


def test_byte_code_that_an_esb_writes_meanwhile_is_no_reason_to_refuse(tmpdir, monkeypatch):
    home = site(tmpdir, OLD)
    ours = os.path.join(home, "components", "generic", "apis", "ding_blueking")
    asked = package_host.refuse_what_does_not_compile

    def compile_one(*arguments):
        asked(*arguments)
        os.mkdir(os.path.join(ours, "__pycache__"))
        for name in ("send.pyc", os.path.join("__pycache__", "send.cpython-36.pyc")):
            with open(os.path.join(ours, name), "wb") as handle:
                handle.write(b"byte code")

    monkeypatch.setattr(package_host, "refuse_what_does_not_compile", compile_one)
    assert work(home, NEW)["changed"]
    assert not os.path.exists(os.path.join(ours, "send.pyc"))


@pytest.mark.parametrize("before, wanted", [(OLD, OLD), (None, None)])
def test_an_empty_folder_in_ours_is_a_change_and_goes(tmpdir, before, wanted):
    home = site(tmpdir, before)
    os.makedirs(os.path.join(home, "components", "generic", "apis", "ding_blueking", "empty"))
    assert work(home, wanted, check=True)["changed"] and work(home, wanted)["changed"]
    assert not work(home, wanted)["changed"]
    assert not os.path.exists(os.path.join(home, "components", "generic", "apis", "ding_blueking", "empty"))


def test_names_of_any_bytes_beside_ours_are_no_error(tmpdir):
    home = site(tmpdir, OLD)
    ours = os.path.join(home, "components", "generic", "apis", "ding_blueking")
    for number in range(8):
        with open(os.path.join(ours.encode("ascii"), u"\u8bf4%d.txt".encode("utf-8").replace(b"%d", str(number).encode("ascii"))), "wb"):
            pass
    packed = dict(NEW, **dict(("more/file%d.py" % number, b"x\n") for number in range(8)))
    assert work(home, package.unpack(package.pack(packed)))["changed"]
    assert sorted(os.listdir(ours)) == ["__init__.py", "_channels.py", "more", "send.py", "toolkit"]


def test_what_cannot_be_thrown_away_stops_no_run(tmpdir, monkeypatch):
    home = site(tmpdir, OLD)
    removed = swap.shutil.rmtree

    def refuse(path, ignore_errors=False):
        if not ignore_errors:
            raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(swap.shutil, "rmtree", refuse)
    assert work(home, NEW)["changed"] and not work(home, NEW)["changed"]
    monkeypatch.setattr(swap.shutil, "rmtree", removed)
    assert not work(home, NEW)["changed"]
    assert not [name for name in os.listdir(os.path.join(home, "components", "generic")) if name.startswith(".")]


def test_a_lone_byte_code_of_conf_py_is_in_the_way_of_an_install_only(tmpdir):
    home = site(tmpdir)
    conf = os.path.join(home, "components", "generic", "apis", "conf.py")
    os.rename(conf, conf + "c")
    assert not work(home, None)["changed"]
    with pytest.raises(Problem, match="without its conf.py"):
        work(home, NEW)


def test_cmsis_configs_that_are_a_link_are_named(tmpdir):
    home = site(tmpdir)
    folder = os.path.join(home, "components", "generic", "apis", "cmsi", "toolkit")
    os.makedirs(folder)
    os.symlink("elsewhere.py", os.path.join(folder, "configs.py"))
    with pytest.raises(Problem, match="configs.py is no file"):
        package_host.read_configs(Esb(params(home)), apis_tree.View(os.path.join(home, "components", "generic")))


def test_byte_code_that_is_renamed_while_it_is_looked_at_is_none():
    conf = apis_tree.Entry("file", CONF, 0o644, 0, 0, 1, 1)

    class View:
        def entry(self, name):
            return conf if name == "apis/conf.py" else None

        def names(self, folder):
            return ["conf.cpython-36.pyc.140"] if folder.endswith("__pycache__") else []

    assert package_host.stale_beside(View(), NEW, None) == []
