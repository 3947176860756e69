# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""swap.py: killed after any file-system operation, a run leaves old or new, the next one completes it, nothing is left over."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os
import stat
import time

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import swap
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils.killing import KILLED, counted, in_child, killed_after


def write(path, content):
    with open(str(path), "w") as handle:
        handle.write(content)


def tree(folder):
    """{relative path: content, mode and link target} of everything in it."""
    found = {}
    for path, folders, files in os.walk(str(folder)):
        for name in folders + files:
            whole = os.path.join(path, name)
            seen = os.lstat(whole)
            content = os.readlink(whole) if os.path.islink(whole) else None
            if stat.S_ISREG(seen.st_mode):
                with open(whole) as handle:
                    content = handle.read()
            found[os.path.relpath(whole, str(folder))] = (stat.S_IFMT(seen.st_mode), stat.S_IMODE(seen.st_mode), content)
    return found


def part(found, name):
    return dict((path, value) for path, value in found.items() if path == name or path.startswith(name + "/"))


def site(folder):
    """A small `generic` with one target of each kind."""
    generic = folder.mkdir("generic")
    apis = generic.mkdir("apis")
    write(apis.join("conf.py"), "old conf")
    write(apis.join("conf.pyc"), "byte code of old conf")
    apis.mkdir("__pycache__")
    write(apis.join("__pycache__", "conf.cpython-36.pyc"), "byte code of old conf")
    package = apis.mkdir("ding_blueking")
    write(package.join("a.py"), "old a")
    write(package.join("gone.py"), "old")
    write(apis.join("extra.py"), "old extra")
    write(apis.join("extra.pyc"), "byte code of extra")
    apis.mkdir("old_folder")
    write(apis.join("old_folder", "x.py"), "x")
    os.symlink("nowhere", str(apis.join("link")))
    write(apis.join("own.py"), "the site's own")
    return str(generic)


def change(generic):
    """The run that the tests interrupt."""
    with swap.stage(generic) as stage:
        package = stage.put("apis/ding_blueking")
        os.mkdir(package)
        write(os.path.join(package, "a.py"), "new a")
        write(stage.put("apis/conf.py"), "new conf")
        write(stage.put("apis/fresh.py"), "fresh")
        os.symlink("somewhere", stage.put("apis/link"))
        stage.delete("apis/extra.py")
        stage.delete("apis/old_folder")
        stage.delete("apis/never_there.py")
        stage.commit()


TARGETS = ["apis/ding_blueking", "apis/conf.py", "apis/fresh.py", "apis/link", "apis/extra.py", "apis/old_folder", "apis/never_there.py"]


def rounds(tmpdir):
    """(generic, limit) of runs that were killed after 0, 1, 2, … operations, until one came to its end."""
    limit = 0
    while True:
        generic = site(tmpdir.mkdir("round%d" % limit))
        code = killed_after(limit, lambda: change(generic))
        assert code in (0, KILLED)
        if code == 0:
            assert limit > 40, "the test killed hardly anything"
            return
        yield generic, limit
        limit += 1


@pytest.fixture
def before_after(tmpdir):
    generic = site(tmpdir.mkdir("reference"))
    before = tree(generic)
    change(generic)
    return before, tree(generic)


def test_a_run_replaces_adds_and_removes_and_takes_byte_code_along(before_after):
    after = before_after[1]
    contents = dict((name, value[2]) for name, value in after.items() if value[2] is not None)
    assert contents == {"apis/ding_blueking/a.py": "new a", "apis/conf.py": "new conf", "apis/fresh.py": "fresh",
                        "apis/link": "somewhere", "apis/own.py": "the site's own"}
    assert "apis/__pycache__" not in after


def test_killed_anywhere_each_target_is_old_or_new_or_between_two_renames(tmpdir, before_after):
    before, after = before_after
    for generic, limit in rounds(tmpdir):
        found = tree(generic)
        for target in TARGETS:
            now = part(found, target)
            states = [part(before, target), part(after, target)]
            # Folders and links need two renames; a file is replaced in one, so that there is no moment without it.
            if target in ("apis/ding_blueking", "apis/link"):
                states.append({})
            assert now in states, "after %d operations %s is %r" % (limit, target, now)
        assert found["apis/own.py"] == before["apis/own.py"]


def test_killed_anywhere_the_next_run_completes_or_cleans(tmpdir, before_after):
    before, after = before_after
    seen = set()
    for generic, limit in rounds(tmpdir):
        expected = dict(before)
        decided = swap.pending(generic)
        if decided:
            assert list(sorted(decided)) == sorted(TARGETS)
            expected = after
        finished = swap.recover(generic)
        assert sorted(finished) == sorted(decided)
        # Killed when all is done but the stage, nothing is pending and all is new.
        found = tree(generic)
        assert found == expected or (not decided and found == after), "after %d operations" % limit
        seen.add((bool(decided), found == after))
        assert swap.pending(generic) == {}
        assert swap.recover(generic) == []
    assert seen == set([(False, False), (True, True), (False, True)])


def test_a_recovery_killed_anywhere_is_completed_by_the_next(tmpdir, before_after):
    after = before_after[1]
    for generic, limit in rounds(tmpdir):
        if not swap.pending(generic) or limit % 3:
            continue
        again = 0
        while killed_after(again, lambda: swap.recover(generic)) == KILLED:
            again += 2
        assert tree(generic) == after


def the_site(generic, in_place):
    """Somebody's changes of each target, whatever it is by now. Returns what they have made of each."""
    apis = os.path.join(generic, "apis")

    def put(name, text):
        path = os.path.join(apis, name)
        if not in_place and os.path.lexists(path):
            os.unlink(path)
        write(path, text)

    for name in ("conf.py", "fresh.py", "extra.py", "never_there.py"):
        put(name, "of the site, in " + name)
    for name in ("ding_blueking", "old_folder"):
        if not os.path.isdir(os.path.join(apis, name)):
            os.mkdir(os.path.join(apis, name))
        put(name + "/deep.py", "of the site")
    if os.path.lexists(os.path.join(apis, "link")):
        os.unlink(os.path.join(apis, "link"))
    os.symlink("elsewhere", os.path.join(apis, "link"))
    found = tree(generic)
    return dict((target, part(found, target)) for target in TARGETS)


def take_away(problem, generic):
    """Does what the problem says; the former content is where it says."""
    words = str(problem).split(" away to ")
    target, aside = words[0].split(" had moved ")[1], words[1].split(",")[0]
    assert target.startswith(generic) and (os.listdir(aside) if os.path.isdir(aside) else os.path.islink(aside))
    os.rename(target, target + ".of_the_site")
    return os.path.relpath(target, generic)


@pytest.mark.parametrize("in_place", [True, False])
def test_killed_anywhere_what_somebody_changes_before_the_next_run_stays(tmpdir, in_place):
    decided_rounds, all_torn = 0, set()
    for generic, limit in rounds(tmpdir):
        torn = set()
        decided_rounds += bool(swap.pending(generic))
        wanted = the_site(generic, in_place)
        while True:
            try:
                decided = swap.pending(generic)
                break
            except Problem as problem:
                # Its place was free for a moment.
                with pytest.raises(Problem) as caught:
                    swap.recover(generic)
                assert str(caught.value) == str(problem)
                torn.add(take_away(problem, generic))
        if torn:
            wanted = dict((target, found) for target, found in wanted.items() if part(tree(generic), target) == found)
        assert sorted(swap.recover(generic)) == sorted(decided)
        found = tree(generic)
        assert dict((target, part(found, target)) for target in wanted) == wanted, "after %d operations" % limit
        all_torn |= torn
        assert [name for name in os.listdir(generic) if name.startswith(swap.PREFIX)] == [] and swap.pending(generic) == {}
    assert decided_rounds > 10 and all_torn == set(["apis/ding_blueking", "apis/link"])


def overtaken(tmpdir, target, after):
    """(generic, what somebody has made of it) of killed runs that were still to change the target, which somebody has replaced since."""
    for generic, limit in rounds(tmpdir):
        path = os.path.join(generic, target)
        if target not in swap.pending(generic) or not os.path.lexists(path) or part(tree(generic), target) == part(after, target):
            continue
        aside = str(tmpdir.join("aside%d" % limit))
        os.rename(path, aside)
        if os.path.isdir(aside) and not os.path.islink(aside):
            os.mkdir(path)
        else:
            os.symlink("of the site", path)
        yield generic, part(tree(generic), target)


def sources(found, but):
    return dict((name, value) for name, value in found.items() if "pyc" not in name and not (name + "/").startswith(but + "/"))


@pytest.mark.parametrize("target", ["apis/conf.py", "apis/extra.py", "apis/old_folder", "apis/ding_blueking", "apis/link"])
def test_when_somebody_changed_a_target_that_was_still_to_change_the_run_is_taken_back(tmpdir, before_after, target):
    before, after = before_after
    seen = 0
    for generic, wanted in overtaken(tmpdir, target, after):
        decided = swap.pending(generic)
        assert target not in decided
        for name, place in decided.items():
            assert bool(place) == bool(part(before, name))
        if seen % 2:
            again = 0
            while killed_after(again, lambda: swap.recover(generic)) == KILLED:
                again += 1
        else:
            assert sorted(swap.recover(generic)) == sorted(decided)
        found = tree(generic)
        assert part(found, target) == wanted and sources(found, target) == sources(before, target)
        assert swap.pending(generic) == {} and sorted(os.listdir(generic)) == ["apis"]
        seen += 1
    assert seen > 1


def test_a_folder_that_a_python_makes_for_its_byte_code_where_one_was_moved_away_is_in_nobodys_way(tmpdir, before_after):
    after, seen = before_after[1], 0
    for generic, limit in rounds(tmpdir):
        package = os.path.join(generic, "apis", "ding_blueking")
        if swap.pending(generic) and not os.path.lexists(package):
            os.makedirs(os.path.join(package, "__pycache__"))
            write(os.path.join(package, "__pycache__", "a.cpython-36.pyc"), "of an ESB that had it loaded")
            swap.recover(generic)
            assert tree(generic) == after
            seen += 1
    assert seen


def test_a_component_without_its_source_is_a_change_and_byte_code_is_none(tmpdir):
    real, leave = os.rename, os._exit

    def rename(old, new):
        if not new.endswith("json"):
            leave(KILLED)
        real(old, new)

    for name, counts in (("only.pyc", True), ("x.pyc", False)):
        generic = site(tmpdir.mkdir(name))

        def work():
            with swap.stage(generic) as stage:
                os.mkdir(stage.put("apis/old_folder"))
                swap.os.rename = rename
                stage.commit()

        assert in_child(work) == KILLED
        write(os.path.join(generic, "apis", "old_folder", name), "a component")
        assert swap.pending(generic).keys() == ({} if counts else {"apis/old_folder": None}).keys()
        swap.recover(generic)
        assert ("apis/old_folder/only.pyc" in tree(generic)) == counts


@pytest.mark.parametrize("gone", ["apis/sub", "apis"])
def test_a_folder_that_somebody_removed_with_the_targets_in_it_keeps_no_run_from_its_end(tmpdir, gone):
    limit, code = 0, KILLED
    while code == KILLED:
        generic = site(tmpdir.mkdir("round%d" % limit))
        os.mkdir(os.path.join(generic, "apis", "sub"))
        for name in ("gone.py", "changed.py"):
            write(os.path.join(generic, "apis", "sub", name), "old")

        def work():
            with swap.stage(generic) as stage:
                stage.delete("apis/sub/gone.py")
                write(stage.put("apis/sub/changed.py"), "new")
                write(stage.put("apis/sub/fresh.py"), "new")
                stage.delete("apis/own.py")
                stage.commit()

        code = killed_after(limit, work)
        os.rename(os.path.join(generic, gone), str(tmpdir.join("aside%d" % limit)))
        assert sorted(swap.recover(generic)) == sorted(swap.pending(generic)) or code == KILLED
        assert swap.pending(generic) == {} and sorted(os.listdir(generic)) == [] + ["apis"] * (gone != "apis")
        limit += 1
    assert limit > 20


def test_what_cannot_be_looked_at_is_a_problem(tmpdir, monkeypatch):
    for generic, limit in rounds(tmpdir):
        if swap.pending(generic):
            break

    def broken(path):
        raise OSError(5, "Input/output error", path)

    monkeypatch.setattr(swap.fingerprint, "_look", broken)
    for look in (swap.pending, swap.recover):
        with pytest.raises(Problem) as caught:
            look(generic)
        assert "What an interrupted run had begun in %s" % generic in str(caught.value) and "Input/output error" in str(caught.value)


def test_byte_code_that_an_esb_writes_after_the_kill_keeps_nothing_from_being_finished(tmpdir, before_after):
    after, written = before_after[1], 0
    for generic, limit in rounds(tmpdir):
        decided = swap.pending(generic)
        for folder, source in (("ding_blueking", "gone"), ("old_folder", "x")):
            place = os.path.join(generic, "apis", folder)
            if decided and os.path.exists(os.path.join(place, source + ".py")):
                os.mkdir(os.path.join(place, "__pycache__"))
                write(os.path.join(place, "__pycache__", source + ".cpython-36.pyc"), "written by the ESB")
                write(os.path.join(place, source + ".pyc"), "written by the ESB")
                written += 1
        if decided:
            swap.recover(generic)
            assert tree(generic) == after, "after %d operations" % limit
    assert written > 2


def test_pending_names_what_will_be_there(tmpdir, before_after):
    after = before_after[1]
    for generic, limit in rounds(tmpdir):
        for target, path in swap.pending(generic).items():
            wanted = part(after, target)
            if path is None:
                assert wanted == {}
            elif os.path.isdir(path):
                assert tree(path) == dict((name[len(target) + 1:], value) for name, value in wanted.items() if name != target)
            else:
                assert os.path.islink(path) or open(path).read() == wanted[target][2]


def test_an_operation_that_is_refused_changes_nothing(tmpdir, before_after):
    before, after = before_after
    limit, refused = 0, 0
    while True:
        generic = site(tmpdir.mkdir("refused%d" % limit))
        first = [True]

        def refuse(real, arguments, keywords):
            if first:
                del first[:]
                raise OSError(28, "No space left on device")
            return real(*arguments, **keywords)

        undo = counted(refuse, limit)
        try:
            change(generic)
        except Problem as problem:
            refused += 1
            assert "No space left on device" in str(problem)
        finally:
            undo()
        if first:
            break
        swap.recover(generic)
        found = tree(generic)
        # Byte code is the one thing that a refused run may have taken away.
        assert found == after or dict((name, value) for name, value in found.items() if "pyc" not in name) == \
            dict((name, value) for name, value in before.items() if "pyc" not in name), "after %d operations" % limit
        limit += 1
    assert refused > 30


def test_leaving_the_stage_without_commit_leaves_nothing(tmpdir):
    generic = site(tmpdir)
    before = tree(generic)
    with swap.stage(generic) as stage:
        write(stage.put("apis/conf.py"), "new conf")
    assert tree(generic) == before


def test_names_of_any_bytes_come_back_from_the_journal(tmpdir):
    generic = site(tmpdir)
    raw = b"apis/\xff\xe4\xb8\xad.py"
    name = raw if str is bytes else os.fsdecode(raw)
    real, leave = os.rename, os._exit

    def rename(old, new):
        if not new.endswith("json"):
            leave(KILLED)
        real(old, new)

    def work():
        with swap.stage(generic) as stage:
            write(stage.put(name), "x")
            swap.os.rename = rename
            stage.commit()

    assert in_child(work) == KILLED
    assert swap.recover(generic) == [name]
    assert os.path.isfile(os.path.join(generic, name))


def test_a_journal_of_somebody_else_is_not_performed(tmpdir):
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    generic = site(tmpdir)
    folder = os.path.join(generic, swap.PREFIX + "0")
    os.mkdir(folder)
    write(os.path.join(folder, swap.JOURNAL), '{"steps": [["apis/own.py", false]]}')
    os.chown(folder, 65534, 65534)
    with pytest.raises(Problem) as caught:
        swap.recover(generic)
    assert folder in str(caught.value)
    assert os.path.exists(os.path.join(generic, "apis", "own.py"))


@pytest.mark.parametrize("journal", ['{"steps": [["../own.py", false]]}', '{"steps": [["/etc/x", false]]}', "{", "[]", '{"steps": [1]}'])
def test_a_journal_that_makes_no_sense_is_refused(tmpdir, journal):
    generic = site(tmpdir)
    folder = os.path.join(generic, swap.PREFIX + "0")
    os.mkdir(folder)
    write(os.path.join(folder, swap.JOURNAL), journal)
    with pytest.raises(Problem) as caught:
        swap.pending(generic)
    assert folder in str(caught.value)


@pytest.mark.parametrize("name", ["", "/etc/passwd", "../x", "apis/../x", "apis/", "./apis", "."])
def test_a_target_must_be_a_plain_relative_path(tmpdir, name):
    generic = site(tmpdir)
    with swap.stage(generic) as stage:
        with pytest.raises(ValueError):
            stage.put(name)


def test_targets_may_not_contain_each_other(tmpdir):
    generic = site(tmpdir)
    with swap.stage(generic) as stage:
        stage.delete("apis/ding_blueking")
        with pytest.raises(ValueError):
            stage.put("apis/ding_blueking/a.py")
        with pytest.raises(ValueError):
            stage.put("apis")


def test_a_second_run_waits_for_the_first(tmpdir):
    generic = site(tmpdir)
    (ready, done), (seen, tried) = os.pipe(), os.pipe()

    def hold():
        with swap.lock(generic):
            os.write(done, b"x")
            os.read(seen, 1)
            # Long enough for the other to find the lock taken, or it would not have to wait.
            time.sleep(0.3)
            write(os.path.join(generic, "apis", "own.py"), "first")

    child = os.fork()
    if child == 0:
        try:
            hold()
        finally:
            os._exit(0)
    os.read(ready, 1)
    with pytest.raises(Problem) as caught:
        with swap.lock(generic, seconds=0):
            pass
    assert generic in str(caught.value)
    os.write(tried, b"x")
    with swap.lock(generic, seconds=20):
        with open(os.path.join(generic, "apis", "own.py")) as handle:
            assert handle.read() == "first"
    os.waitpid(child, 0)
    assert sorted(os.listdir(generic)) == ["apis"]


def test_a_killed_holder_lets_go(tmpdir):
    generic = site(tmpdir)

    leave = os._exit

    def hold():
        with swap.lock(generic):
            leave(KILLED)

    assert in_child(hold) == KILLED
    with swap.lock(generic, seconds=0):
        pass


def test_byte_code_is_found_by_its_source(tmpdir):
    generic = site(tmpdir)
    apis = os.path.join(generic, "apis")
    write(os.path.join(apis, "conf.pyo"), "")
    write(os.path.join(apis, "__pycache__", "conf_other.cpython-36.pyc"), "")
    assert [os.path.relpath(path, apis) for path in swap.byte_code(os.path.join(apis, "conf.py"))] == [
        "conf.pyc", "conf.pyo", "__pycache__/conf.cpython-36.pyc"]
    assert swap.byte_code(os.path.join(apis, "ding_blueking")) == []


def test_byte_code_that_is_put_itself_stays(tmpdir):
    generic = site(tmpdir)
    with swap.stage(generic) as stage:
        write(stage.put("apis/conf.pyc"), "restored byte code")
        write(stage.put("apis/conf.py"), "restored")
        stage.commit()
    assert tree(generic)["apis/conf.pyc"][2] == "restored byte code"
    assert "apis/__pycache__" not in tree(generic)
