# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""backup_states.py: a restore is the inverse of an install, also when either is killed anywhere, and takes nothing of the site's."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import json
import os
import stat

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import backup, backup_archive, conf_block, restore_files, swap
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils.backup_kit import (
    KILLED, OLD, SECRET, in_child, install, killed_at_call, killed_at_line, part, restart, rows, run, seen, site, write)


@pytest.fixture
def esb(tmpdir):
    return site(tmpdir.join("esb"))


@pytest.fixture
def place(tmpdir):
    return str(tmpdir.join("backups"))


def installed(esb, place):
    """A backup, an install, its record; returns what was there before."""
    before = seen(esb.apis)
    run(esb, place)
    install(esb)
    assert run(esb, place, state="recorded")["changed"]
    return before


def everything(esb, place):
    return seen(esb.home), seen(place) if os.path.isdir(place) else None


def same_in_check(esb, place, **params):
    """The real result, after a check run that predicted it and changed nothing, and before one that sees nothing to do."""
    untouched = everything(esb, place)
    predicted = run(esb, place, check=True, **params)
    assert everything(esb, place) == untouched
    real = run(esb, place, **params)
    assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"])
    again = run(esb, place, check=True, **params)
    parts = again["diff"] if isinstance(again["diff"], list) else [again["diff"]]
    assert not again["changed"] and all(part["before"] == part["after"] for part in parts)
    return real


# --- present ----------------------------------------------------------------------------------------------------------

def test_a_backup_is_made_once(esb, place):
    first = same_in_check(esb, place)
    assert first["changed"] and first["pristine"] and first["platform_version"] == "2.12.25" and first["package_version"] is None
    assert stat.S_IMODE(os.stat(first["path"]).st_mode) == 0o600 and stat.S_IMODE(os.stat(place).st_mode) == 0o700
    again = run(esb, place)
    assert not again["changed"] and again["backup"] == first["backup"]


def test_a_restart_and_a_touch_make_no_new_one(esb, place):
    run(esb, place)
    restart(esb)
    os.utime(esb.apis + "/site/own.py", (1, 1))
    assert not run(esb, place)["changed"]


@pytest.mark.parametrize("change", [
    lambda apis: write(apis + "/site/own.py", "X = 2"), lambda apis: os.chmod(apis + "/conf.py", 0o600), lambda apis: os.rmdir(apis + "/empty"),
    lambda apis: os.mkdir(apis + "/more"), lambda apis: (os.unlink(apis + "/outside"), os.symlink("/elsewhere", apis + "/outside")),
    lambda apis: write(apis + "/site/only.pyc", "another"), lambda apis: os.chmod(apis, 0o700)])
def test_anything_else_makes_one(esb, place, change):
    run(esb, place)
    change(esb.apis)
    assert same_in_check(esb, place)["changed"]


def test_changed_rows_make_one(esb, place):
    run(esb, place)
    esb.rows = rows("/cmsi/send_ding/")
    assert run(esb, place)["changed"] and not run(esb, place)["changed"]
    assert run(esb, place, rows=False)["changed"]


def test_a_damaged_newest_one_does_not_count(esb, place):
    made = run(esb, place)
    with open(made["path"], "r+b") as handle:
        handle.seek(300)
        handle.write(b"\0")
    assert run(esb, place)["changed"]


def test_the_package_makes_it_no_pristine_one(esb, place):
    installed(esb, place)
    made = run(esb, place)
    assert made["changed"] and not made["pristine"] and made["package_version"] == "1.0.0"


def test_a_block_or_damaged_markers_make_it_no_pristine_one(esb, place):
    for content in (conf_block.add(b"A = 1\n"), b"# END ding.blueking\n"):
        write(esb.apis + "/conf.py", content)
        assert not run(esb, place)["pristine"]


def test_too_many_are_pruned_as_predicted(esb, place):
    for number in range(4):
        write(esb.apis + "/number", str(number))
        run(esb, place)
    before = [each["name"] for each in run(esb, place, state="listed")["backups"]]
    write(esb.apis + "/number", "last")
    made = same_in_check(esb, place, keep=3)
    after = [each["name"] for each in run(esb, place, state="listed")["backups"]]
    assert made["pruned"] == before[1:3] and after == [before[0], before[3], made["backup"]]
    assert same_in_check(esb, place, keep=2)["pruned"] == [before[3]]
    with pytest.raises(Problem, match="keep must be 1 or more"):
        run(esb, place, keep=0)


def test_all_hosts_of_a_run_can_give_their_backups_one_name(esb, place):
    assert run(esb, place, name="20261123T232400Z")["backup"] == "20261123T232400Z"
    write(esb.apis + "/more", "later")
    assert run(esb, place, name="20261123T232400Z")["backup"] == "20261123T232400Z-001"
    with pytest.raises(Problem, match="name must be a time in UTC"):
        run(esb, place, name="../x")
    with pytest.raises(Problem, match="not in the future"):
        run(esb, place, name="99999999T999999Z")


def test_a_folder_of_backups_within_what_is_backed_up_is_refused(esb, place):
    with pytest.raises(Problem, match="lies in the folder that is backed up"):
        run(esb, esb.apis + "/backups")


def test_without_rows_the_esbs_python_is_not_asked(esb, place):
    esb.broken = True
    run(esb, place, rows=False)
    install(FakeRows(esb))
    run(esb, place, rows=False, state="recorded")
    assert run(esb, place, rows=False, state="restored")["changed"]
    assert esb.calls == []


class FakeRows:
    """An ESB where nobody may touch the rows."""

    def __init__(self, esb):
        self.apis = esb.apis


def test_no_folder_is_said(tmpdir, esb, place):
    os.rename(esb.apis, esb.apis + ".away")
    with pytest.raises(Problem, match="There is no folder .*/apis to be backed up"):
        run(esb, place)
    os.symlink("apis.away", esb.apis)
    with pytest.raises(Problem, match="apis is a link"):
        run(esb, place)


def test_what_a_run_that_died_left_goes(esb, place):
    run(esb, place)
    write(place + "/.20260101T000000Z.tar.gz.part", "half")
    os.mkdir(esb.generic + "/.ding_blueking.litter")
    run(esb, place)
    assert not [name for name in os.listdir(place) if name.startswith(".")]
    assert os.listdir(esb.generic) == ["apis"]


# --- restored ---------------------------------------------------------------------------------------------------------

def test_a_restore_is_the_inverse_of_an_install(esb, place):
    before = installed(esb, place)
    result = same_in_check(esb, place, state="restored", backup="pristine")
    assert seen(esb.apis) == before and esb.rows == rows()
    assert result["rows_restored"] and result["kept"] == [] and "ding_blueking" in result["removed"] and "cmsi" in result["restored"]
    assert os.listdir(esb.generic) == ["apis"]


def test_it_is_also_after_a_restart(esb, place):
    before = installed(esb, place)
    restart(esb)
    kept = dict((path, value) for path, value in seen(esb.apis).items() if path.startswith(b"site/") or path == b"site")
    run(esb, place, state="restored")
    for top in (b"conf.py", b"conf.pyc", b"cmsi", b"ding_blueking", b"alias.py", b"empty"):
        assert part(seen(esb.apis), top) == part(before, top)
    # The new byte code of what was never touched is right, and stays.
    assert part(seen(esb.apis), b"site") == kept
    assert b"__pycache__/conf.cpython-36.pyc" in seen(esb.apis)
    assert seen(esb.apis)[b"__pycache__/conf.cpython-36.pyc"] == before[b"__pycache__/conf.cpython-36.pyc"]


def test_byte_code_that_was_left_alone_is_there_beside_its_source_again(esb, place):
    before = seen(esb.apis)
    run(esb, place)
    os.unlink(esb.apis + "/conf.py")
    run(esb, place, state="recorded")
    same_in_check(esb, place, state="restored")
    assert seen(esb.apis) == before


def test_a_component_without_a_source_comes_back_although_another_backup_has_the_source(esb, place):
    source, code = [os.path.join(esb.apis, "site", "lone" + end) for end in (".py", ".pyc")]
    write(code, "a component")
    alone = run(esb, place)["backup"]
    write(source, "X = 1")
    write(code, "its byte code")
    beside = run(esb, place)["backup"]
    assert beside != alone
    for name, overwrite in ((alone, True), (beside, False), (alone, False)):
        done = same_in_check(esb, place, state="restored", backup=name, overwrite=overwrite)
        assert done["kept"] == [] and os.path.exists(source) == (name == beside)
        with open(code) as handle:
            assert handle.read() == ("a component" if name == alone else "its byte code")


def test_what_an_esb_compiles_between_check_and_run_is_in_neither_diff(esb, place):
    source, code = [os.path.join(esb.apis, "site", "lone" + end) for end in (".py", ".pyc")]
    write(code, "a component")
    run(esb, place)
    os.unlink(code)
    write(source, "X = 1")
    predicted = run(esb, place, check=True, state="restored", overwrite=True)
    write(code, "its byte code")
    real = run(esb, place, state="restored", overwrite=True)
    assert real == predicted and real["restored"] == ["site/lone.pyc"] and real["removed"] == ["site/lone.py"]


def test_files_and_rows_apart(esb, place):
    before = installed(esb, place)
    files = same_in_check(esb, place, state="restored", scope="files")
    assert seen(esb.apis) == before and esb.rows != rows() and not files["rows_restored"]
    only_rows = same_in_check(esb, place, state="restored", scope="rows")
    assert esb.rows == rows() and only_rows["rows_restored"] and only_rows["restored"] == []


def test_what_the_site_did_since_stays_and_is_listed(esb, place):
    before = installed(esb, place)
    write(esb.apis + "/site/own.py", "X = 'changed by the site'\n", 0o600)
    write(esb.apis + "/site/new.py", "new\n")
    write(esb.apis + "/cmsi/theirs.py", "put where the original was\n")
    os.unlink(esb.apis + "/outside")
    with open(esb.apis + "/conf.py", "ab") as handle:
        handle.write(b"CHANNELS.append(('/site/more/', {}))\n")
    then = seen(esb.apis)
    result = same_in_check(esb, place, state="restored")
    now = seen(esb.apis)
    assert [each["path"] for each in result["kept"]] == ["cmsi/theirs.py", "conf.py", "outside", "site/new.py", "site/own.py"]
    for path in (b"site/own.py", b"site/new.py", b"cmsi/theirs.py"):
        assert now[path] == then[path]
    assert now[b"cmsi/send_ding.py"] == before[b"cmsi/send_ding.py"]
    assert b"outside" not in now and not part(now, b"ding_blueking")
    with open(esb.apis + "/conf.py", "rb") as handle:
        conf = handle.read()
    assert b"ding.blueking" not in conf and conf.endswith(b"CHANNELS.append(('/site/more/', {}))\n")
    # A second restore has nothing to do, and a restore that overwrites makes it what it was.
    assert not run(esb, place, state="restored")["changed"]
    assert same_in_check(esb, place, state="restored", overwrite=True)["kept"] == []
    assert seen(esb.apis) == before


def test_a_second_record_does_not_take_the_sites_doing_for_ours(esb, place):
    installed(esb, place)
    write(esb.apis + "/site/own.py", "changed by the site\n")
    assert not run(esb, place, state="recorded")["changed"]
    result = run(esb, place, state="restored")
    assert [each["path"] for each in result["kept"]] == ["site/own.py"]


def test_recording_predicts_and_needs_a_backup(esb, place):
    with pytest.raises(Problem, match="There is no backup"):
        run(esb, place, state="recorded")
    run(esb, place)
    assert not run(esb, place, state="recorded")["changed"]
    install(esb)
    assert "ding_blueking" in same_in_check(esb, place, state="recorded")["recorded"]


def test_an_install_after_a_restore_is_recorded_again(esb, place):
    before = installed(esb, place)
    run(esb, place, state="restored")
    assert not run(esb, place)["changed"]
    install(esb)
    write(esb.apis + "/ding_blueking/extra.py", "of another version\n")
    write(esb.apis + "/site/tool.py", "put there by the install\n")
    assert run(esb, place, state="recorded")["changed"]
    run(esb, place, state="restored")
    assert seen(esb.apis) == before


def test_each_of_several_installs_can_be_gone_back_to(esb, place):
    before = installed(esb, place)
    first, first_rows = seen(esb.apis), esb.rows
    run(esb, place)
    write(esb.apis + "/ding_blueking/send_ding.py", "ours, second\n")
    write(esb.apis + "/ding_blueking/more.py", "more\n")
    os.unlink(esb.apis + "/ding_blueking/__init__.py")
    esb.rows = rows("/cmsi/send_ding/")
    run(esb, place, state="recorded")
    names = [each["name"] for each in run(esb, place, state="listed")["backups"]]
    for name, files, kept_rows in ((names[1], first, first_rows), (names[0], before, rows()), (names[1], first, first_rows), ("pristine", before, rows())):
        result = same_in_check(esb, place, state="restored", backup=name)
        assert result["kept"] == [] and seen(esb.apis) == files and esb.rows == kept_rows


def test_a_wiped_host_gets_everything_back(esb, place):
    before = installed(esb, place)
    os.rename(esb.apis, esb.home + "/wiped")
    assert same_in_check(esb, place, state="restored")["kept"] == []
    assert seen(esb.apis) == before


def test_the_folders_own_mode_goes_back(esb, place):
    before = seen(esb.apis)
    run(esb, place)
    os.chmod(esb.apis, 0o700)
    run(esb, place, state="recorded")
    same_in_check(esb, place, state="restored")
    assert seen(esb.apis) == before


def test_files_that_stay_are_the_same_files(esb, place):
    installed(esb, place)
    write(esb.apis + "/cmsi/theirs.py", "x")
    os.mkfifo(esb.apis + "/cmsi/pipe")
    os.symlink("theirs.py", esb.apis + "/cmsi/link")
    inodes = [os.lstat(esb.apis + name).st_ino for name in ("/cmsi/theirs.py", "/cmsi/pipe", "/site/own.py")]
    run(esb, place, state="restored")
    assert [os.lstat(esb.apis + name).st_ino for name in ("/cmsi/theirs.py", "/cmsi/pipe", "/site/own.py")] == inodes
    assert os.readlink(esb.apis + "/cmsi/link") == "theirs.py"


def test_without_links_files_that_stay_are_copied_whole(esb, place, monkeypatch):
    def refuse(*dummy):
        raise OSError(1, "no links here")

    installed(esb, place)
    write(esb.apis + "/cmsi/theirs.py", "x", 0o4711)
    then = seen(esb.apis)[b"cmsi/theirs.py"]
    monkeypatch.setattr(os, "link", refuse)
    run(esb, place, state="restored")
    assert seen(esb.apis)[b"cmsi/theirs.py"] == then


def test_a_change_during_the_restore_ends_it_before_anything_changes(esb, place, monkeypatch):
    installed(esb, place)
    real = restore_files._check_unchanged

    def meanwhile(apis, made):
        write(apis + "/ding_blueking/late.py", "late")
        real(apis, made)

    monkeypatch.setattr(restore_files, "_check_unchanged", meanwhile)
    with pytest.raises(Problem, match="late.py was changed by something else.*Nothing was changed"):
        run(esb, place, state="restored", scope="files")
    assert os.path.exists(esb.apis + "/ding_blueking/send_ding.py") and os.listdir(esb.generic) == ["apis"]


def test_a_damaged_backup_changes_nothing(esb, place):
    installed(esb, place)
    then = seen(esb.home)
    made = os.path.join(place, [name for name in os.listdir(place) if name.endswith(".tar.gz")][0])
    with open(made, "r+b") as handle:
        handle.truncate(os.path.getsize(made) - 200)
    for overwrite in (False, True):
        with pytest.raises(Problem, match="The backup .* cannot be used: .*cut off"):
            run(esb, place, state="restored", overwrite=overwrite)
    assert seen(esb.home) == then


def test_a_database_that_is_gone_changes_nothing(esb, place):
    installed(esb, place)
    then, esb.broken = seen(esb.apis), True
    with pytest.raises(Problem, match="database cannot be used"):
        run(esb, place, state="restored")
    assert seen(esb.apis) == then


def test_rows_that_fail_after_the_files_say_what_was_done(esb, place):
    before = installed(esb, place)
    real = esb.call

    def fails(function, argument, modules):
        if function == "esb_rows.restore" and not argument["check"]:
            raise Problem("The ESB's database cannot be used: gone.")
        return real(function, argument, modules)

    esb.call = fails
    with pytest.raises(Problem, match=r"The files are as in the backup .* \(\d+ paths were changed\), but the channel rows were not restored: "
                                      "The ESB's database cannot be used: gone. Run it again with scope: rows."):
        run(esb, place, state="restored")
    assert seen(esb.apis) == before and esb.rows != rows()


def test_a_backup_without_rows_cannot_restore_any(esb, place):
    run(esb, place, rows=False)
    with pytest.raises(Problem, match="holds no channel rows.*scope: files"):
        run(esb, place, state="restored")
    with pytest.raises(Problem, match="contradict"):
        run(esb, place, state="restored", scope="rows", rows=False)


def test_too_little_space_is_refused_before_anything_starts(esb, place, monkeypatch):
    monkeypatch.setattr(backup, "free_bytes", lambda path: 1000)
    for check in (True, False):
        with pytest.raises(Problem, match="too little space for a backup"):
            run(esb, place, check=check)
    assert os.listdir(place) == []
    monkeypatch.undo()
    installed(esb, place)
    then = seen(esb.apis)
    monkeypatch.setattr(backup, "free_bytes", lambda path: 1000)
    with pytest.raises(Problem, match="too little space for a restore.*components/generic"):
        run(esb, place, state="restored")
    assert seen(esb.apis) == then and esb.rows != rows()


def test_no_secret_of_a_row_or_a_file_is_in_any_result(esb, place):
    write(esb.apis + "/conf.py", "CHANNELS = [('/cmsi/send_dingtalk/', {'comp_conf_to_db': [['ding_app_secret', 'written-by-hand'], ['key', u'k-e-y']]})]\n"
                                 "other = %r\nrobot = 'SEC%s'\n" % (SECRET, "0" * 40))
    esb.rows = rows("/cmsi/send_dingtalk/")
    results = [run(esb, place)]
    install(esb)
    esb.rows = rows()
    write(esb.apis + "/conf.py", "")
    results += [run(esb, place, state="recorded"), run(esb, place, state="restored", check=True), run(esb, place, state="restored"),
                run(esb, place, state="listed", verify=True)]
    text = json.dumps(results)
    for secret in (SECRET, "written-by-hand", "k-e-y", "SEC" + "0" * 40, "dingnotreal"):
        assert secret not in text
    assert "CHANNELS = [('/cmsi/send_dingtalk/'" in text


def test_the_diff_shows_lines_of_texts_and_no_more_of_the_rest(esb, place):
    write(esb.apis + "/binary", b"\0\1\2")
    write(esb.apis + "/latin", b"\xe9t\xe9")
    write(esb.apis + "/large", "line\n" * 100000)
    run(esb, place)
    for name in ("binary", "latin", "large"):
        write(esb.apis + "/" + name, "other\n")
    write(esb.apis + "/site/own.py", u"# \u4e2d\u6587\nX = 'other'\n")
    result = run(esb, place, state="restored", overwrite=True)
    shown = dict((each["before_header"], each) for each in result["diff"])
    assert sorted(shown) == ["apis/site/own.py", "files", "rows"]
    assert shown["apis/site/own.py"]["before"] == "(lines that stay: 1)\nX = 'other'\n"
    assert shown["apis/site/own.py"]["after"] == "(lines that stay: 1)\nX = 1\n"
    assert sorted(shown["files"]["after"]) == ["binary", "large", "latin", "site/own.py"]


def test_listing(esb, place):
    assert run(esb, place, state="listed")["backups"] == []
    made = run(esb, place)
    (found,) = run(esb, place, state="listed")["backups"]
    assert (found["name"], found["size"], found["pristine"], found["platform_version"], found["package_version"], found["verified"]) == \
        (made["backup"], made["size"], True, "2.12.25", None, None)
    assert run(esb, place, state="listed", verify=True)["backups"][0]["verified"] is True
    with open(made["path"], "r+b") as handle:
        handle.seek(400)
        handle.write(b"\0\0\0\0")
    (found,) = run(esb, place, state="listed", verify=True)["backups"]
    assert found["verified"] is False and "not those that were written" in found["problem"]


# --- killed -----------------------------------------------------------------------------------------------------------

def rounds(killed, step, least, work_of):
    """Kills the work at its 1st, (1 + step)-th, … line or call, until one comes to its end; work_of(number) prepares (work, check)."""
    number = 1
    while True:
        work, check = work_of(number)
        code = killed(number, work)
        assert code in (0, KILLED)
        check(number)
        if code == 0:
            assert number > least * step, "the test killed hardly anything"
            return
        number += step


@pytest.mark.parametrize("killed, step, least", [(killed_at_line, 151, 10), (killed_at_call, 1, 4)])
def test_a_backup_that_is_killed_leaves_no_half_one(tmpdir, killed, step, least):
    def prepare(number):
        esb, place = site(tmpdir.join("esb%d" % number)), str(tmpdir.join("backups%d" % number))
        before = seen(esb.home)

        def check(number):
            assert all(each["verified"] for each in run(esb, place, state="listed", verify=True)["backups"])
            made = run(esb, place)
            assert not [name for name in os.listdir(place) if not name.startswith("2")]
            assert made["pristine"] and len(os.listdir(place)) == 1 and seen(esb.home) == before
            assert stat.S_IMODE(os.stat(place).st_mode) == 0o700

        return lambda: run(esb, place), check

    rounds(killed, step, least, prepare)


@pytest.mark.parametrize("killed, step, least", [(killed_at_line, 701, 10), (killed_at_call, 1, 40)])
def test_a_restore_that_is_killed_leaves_old_or_new_and_the_next_run_completes_it(tmpdir, killed, step, least):
    def prepare(number):
        esb, place = site(tmpdir.join("esb%d" % number)), str(tmpdir.join("backups%d" % number))
        before = installed(esb, place)
        write(esb.apis + "/site/own.py", "changed by the site\n", mtime=OLD)
        then = seen(esb.apis)

        def check(number):
            now = seen(esb.apis)
            for top in set(path.split(b"/")[0] for path in list(before) + list(then) + list(now)) - set([b".", b"site", b"conf.pyc", b"__pycache__"]):
                assert part(now, top) in (part(before, top), part(then, top), {}), (number, top)
            assert part(now, b"conf.py") != {} and part(now, b"site") == part(then, b"site")
            predicted = run(esb, place, check=True, state="restored")
            real = run(esb, place, state="restored")
            assert (predicted["changed"], predicted["diff"]) == (real["changed"], real["diff"])
            for top in set(path.split(b"/")[0] for path in before) - set([b"site"]):
                assert part(seen(esb.apis), top) == part(before, top), (number, top)
            assert esb.rows == rows() and os.listdir(esb.generic) == ["apis"]
            assert not [name for name in os.listdir(place) if not name.startswith("2")]
            assert [each["path"] for each in real["kept"]] == ["site/own.py"]
            # What the killed run has written down must not turn later changes of the site's into ours.
            write(esb.apis + "/cmsi/send_ding.py", "changed by the site\n")
            assert [each["path"] for each in run(esb, place, state="restored")["kept"]] == ["cmsi/send_ding.py", "site/own.py"]

        return lambda: run(esb, place, state="restored"), check

    rounds(killed, step, least, prepare)


def test_what_the_site_writes_after_a_kill_is_not_overwritten_by_the_end_of_the_killed_restore(tmpdir):
    def prepare(number):
        esb, place = site(tmpdir.join("esb%d" % number)), str(tmpdir.join("backups%d" % number))
        before = installed(esb, place)

        def check(number):
            write(esb.apis + "/cmsi/send_ding.py", "changed by the site\n")
            with open(esb.apis + "/conf.py", "ab") as conf:
                conf.write(b"# a line of the site\n")
            predicted = run(esb, place, check=True, state="restored")
            real = run(esb, place, state="restored")
            assert (predicted["changed"], predicted["diff"], predicted["kept"]) == (real["changed"], real["diff"], real["kept"])
            assert "cmsi/send_ding.py" in [each["path"] for each in real["kept"]]
            now = seen(esb.apis)
            for top in set(path.split(b"/")[0] for path in before) - set([b".", b"cmsi", b"conf.py", b"conf.pyc", b"__pycache__"]):
                assert part(now, top) == part(before, top), (number, top)
            with open(esb.apis + "/cmsi/send_ding.py") as sent, open(esb.apis + "/conf.py", "rb") as conf:
                assert sent.read() == "changed by the site\n"
                content = conf.read()
            assert b"# a line of the site\n" in content and conf_block.remove(content) == content
            assert b"ding_blueking" not in now and os.listdir(esb.generic) == ["apis"]

        return lambda: run(esb, place, state="restored"), check

    rounds(killed_at_call, 1, 40, prepare)


def test_a_run_that_finds_a_decided_one_predicts_what_finishing_it_gives(esb, place):
    before = installed(esb, place)
    real = swap._Run.perform

    def die(run, steps):
        steps[0][0].forward()
        os._exit(KILLED)

    swap._Run.perform = die
    try:
        assert in_child(lambda: run(esb, place, state="restored", scope="files")) == KILLED
    finally:
        swap._Run.perform = real
    assert seen(esb.apis) != before
    result = same_in_check(esb, place, state="present", rows=False)
    assert result["changed"] and result["pristine"]
    assert seen(esb.apis) == before
    assert backup_archive.load(result["path"]).tree["cmsi/send_ding.py"]["type"] == "file"


def test_two_backups_at_once_make_one(esb, place):
    run(esb, place)
    write(esb.apis + "/site/own.py", "X = 3\n")
    children = []
    for dummy in range(4):
        child = os.fork()
        if child == 0:
            try:
                run(esb, place)
                os._exit(0)
            finally:
                os._exit(1)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 4
    assert len(run(esb, place, state="listed")["backups"]) == 2
