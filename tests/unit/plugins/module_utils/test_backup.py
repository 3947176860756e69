# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""backup.py and backup_archive.py: what is written is read again, what was touched since is refused, the right ones are pruned."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import gzip
import hashlib
import io
import json
import os
import re
import resource
import signal
import tarfile

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import backup, backup_archive, manifest
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils.backup_kit import in_child, rows, site, write

ABOUT = {"time": "2026-11-23T23:24:00Z", "home": u"/home", "pristine": True, "platform_version": "2.12.25", "package_version": None}


def archive(path, esb, kept_rows=None):
    tree = manifest.take(esb.apis)
    with open(path, "wb") as handle:
        backup_archive.write(handle, ABOUT, tree, kept_rows, esb.apis)
    return tree


class Files:
    """A sink that keeps every file."""

    def __init__(self):
        self.found = {}

    def __call__(self, path, entry):
        self.found[path] = io.BytesIO()
        return self.found[path]


# --- an archive -------------------------------------------------------------------------------------------------------

def test_everything_comes_back(tmpdir):
    esb, path = site(tmpdir.join("esb")), str(tmpdir.join("x.tar.gz"))
    tree = archive(path, esb, rows("/cmsi/send_ding/"))
    files = Files()
    found = backup_archive.load(path, files)
    assert found.tree == tree and found.rows == rows("/cmsi/send_ding/")
    assert dict((name, found.about[name]) for name in ABOUT) == ABOUT and found.about["has_rows"]
    for name, kept in files.found.items():
        with open(manifest.place(esb.apis, name), "rb") as handle:
            assert kept.getvalue() == handle.read()
    assert set(files.found) == set(name for name, entry in tree.items() if entry["type"] == "file")


def test_a_list_needs_the_head_only(tmpdir):
    path = str(tmpdir.join("x.tar.gz"))
    archive(path, site(tmpdir.join("esb")))
    assert backup_archive.head(path)["pristine"] is True
    assert backup_archive.lists(path).rows is None


def test_an_operator_can_unpack_it_with_tar(tmpdir):
    path = str(tmpdir.join("x.tar.gz"))
    archive(path, site(tmpdir.join("esb")))
    tmpdir.mkdir("out")
    assert os.system("tar xzpf %s -C %s" % (path, tmpdir.join("out"))) == 0
    assert tmpdir.join("out", "apis", "conf.py").read().startswith("# -*-")
    assert os.lstat(str(tmpdir.join("out", "apis", "site", "toolkit", "tool.sh"))).st_mode & 0o7777 == 0o4755


def test_sockets_and_pipes_are_named_and_not_read(tmpdir):
    esb, path = site(tmpdir.join("esb")), str(tmpdir.join("x.tar.gz"))
    os.mkfifo(esb.apis + "/site/pipe")
    archive(path, esb)
    assert backup_archive.load(path).tree["site/pipe"]["type"] == "special"


def test_every_flipped_bit_is_refused(tmpdir):
    apis = tmpdir.mkdir("apis")
    write(str(apis.join("a.py")), "a\n")
    path = str(tmpdir.join("x.tar.gz"))
    with open(path, "wb") as handle:
        backup_archive.write(handle, ABOUT, manifest.take(str(apis)), None, str(apis))
    with open(path, "rb") as handle:
        whole = handle.read()
    assert backup_archive.is_sealed(path)
    for place in range(len(whole)):
        broken = bytearray(whole)
        broken[place] ^= 1 << (place % 8)
        with open(path, "wb") as handle:
            handle.write(bytes(broken))
        assert not backup_archive.is_sealed(path), place
    for length in list(range(0, len(whole), 7)) + [len(whole) - 1]:
        with open(path, "wb") as handle:
            handle.write(whole[:length])
        with pytest.raises(backup_archive.Damaged):
            backup_archive.load(path)
    with open(path, "wb") as handle:
        handle.write(whole + b"\0")
    with pytest.raises(backup_archive.Damaged, match="not those that were written"):
        backup_archive.load(path)


@pytest.mark.parametrize("content", [b"", b"\x1f\x8b", b"no archive at all" * 100, b"\0" * 4096])
def test_what_is_no_archive_is_refused(tmpdir, content):
    path = str(tmpdir.join("x.tar.gz"))
    write(path, content)
    for reader in (backup_archive.head, backup_archive.lists, backup_archive.load):
        with pytest.raises(backup_archive.Damaged):
            reader(path)


def test_a_file_that_changes_meanwhile_ends_the_backup(tmpdir):
    esb = site(tmpdir.join("esb"))
    for content in ("X = 2\n", "", "much longer than it was before, and then some", None):
        tree = manifest.take(esb.apis)
        if content is None:
            os.unlink(esb.apis + "/conf.py")
        else:
            write(esb.apis + "/conf.py", content)
        with pytest.raises(Problem, match="conf.py .*no backup was made"):
            backup_archive.write(io.BytesIO(), ABOUT, tree, None, esb.apis)


def test_the_estimate_is_enough_for_what_cannot_be_compressed(tmpdir):
    esb, path = site(tmpdir.join("esb")), str(tmpdir.join("x.tar.gz"))
    write(esb.apis + "/noise", os.urandom(300000))
    for number in range(200):
        write(esb.apis + "/many/%d-%s" % (number, "n" * 150), os.urandom(10))
    tree = archive(path, esb, rows("/a/"))
    size = os.path.getsize(path)
    assert size <= backup_archive.estimate(tree, rows("/a/")) < size + 2000000


# --- one that somebody made -------------------------------------------------------------------------------------------

def forge(path, tree, members, kept_rows=None, about=None):
    """An archive with a right seal and right sums of its lists, and with whatever members: [(TarInfo, content), …]."""
    texts = [("manifest.json", json.dumps(tree).encode("ascii")), ("rows.json", json.dumps(kept_rows).encode("ascii"))]
    sums = dict((name, hashlib.sha256(text).hexdigest()) for name, text in texts)
    head = json.dumps(dict(ABOUT, format=1, has_rows=False, sums=sums, **(about or {}))).encode("ascii")
    whole = io.BytesIO()
    packed = gzip.GzipFile(filename="", mode="wb", fileobj=whole, mtime=0)
    tar = tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT)
    for name, text in [("about.json", head)] + texts:
        member = tarfile.TarInfo(name)
        member.size = len(text)
        tar.addfile(member, io.BytesIO(text))
    for member, content in members:
        tar.addfile(member, io.BytesIO(content))
    tar.close()
    packed.close()
    with open(path, "wb") as handle:
        handle.write(whole.getvalue())
        handle.write(backup_archive.seal(hashlib.sha256(whole.getvalue()).hexdigest()))


def member(name, content=b"", kind=tarfile.REGTYPE, **more):
    made = tarfile.TarInfo(name)
    made.type, made.size, made.mode, made.mtime = kind, len(content), 0o644, 1
    for each, value in more.items():
        setattr(made, each, value)
    return made, content


def entry(content, **more):
    return dict({"type": "file", "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "mtime": 1, "mode": 0o644, "owner": 0,
                 "group": 0}, **more)


DIR = {"type": "folder", "mode": 0o755, "owner": 0, "group": 0}
LINK = {"type": "link", "target": "/etc", "owner": 0, "group": 0}
TOP = member("apis", kind=tarfile.DIRTYPE, mode=0o755, mtime=0)
A = member("apis/a", b"a")
TREE = {".": DIR, "a": entry(b"a")}


def test_the_forger_can_also_make_a_right_one(tmpdir):
    path = str(tmpdir.join("x"))
    forge(path, TREE, [TOP, A])
    assert sorted(backup_archive.load(path).tree) == [".", "a"]


@pytest.mark.parametrize("tree, members, reason", [
    (TREE, [TOP], "a is missing"),
    (TREE, [TOP, A, A], "comes twice"),
    (TREE, [TOP, A, member("apis/b", b"b")], "does not name"),
    (TREE, [TOP, A, member("/etc/passwd", b"b")], "does not name"),
    (TREE, [TOP, A, member("apis/../x", b"b")], "does not name"),
    (TREE, [TOP, A, member("x", b"b")], "does not name"),
    (TREE, [TOP, member("apis/a", b"b")], "its sum is another"),
    (TREE, [TOP, member("apis/a", b"aa")], "another size"),
    (TREE, [TOP, member("apis/a", b"a", mode=0o4755)], "another mode"),
    (TREE, [TOP, member("apis/a", b"a", uid=5)], "another uid"),
    (TREE, [TOP, member("apis/a", kind=tarfile.CHRTYPE)], "is not the file"),
    (TREE, [TOP, member("apis/a", kind=tarfile.SYMTYPE, linkname="/etc/shadow")], "is not the file"),
    (TREE, [TOP, member("apis/a", kind=tarfile.LNKTYPE, linkname="/etc/shadow")], "is not the file"),
    (TREE, [TOP, member("apis/a", kind=tarfile.FIFOTYPE)], "is not the file"),
    ({".": DIR, "l": LINK}, [TOP, member("apis/l", kind=tarfile.SYMTYPE, linkname="/root", mode=0o777, mtime=0)], "another target"),
    ({".": DIR, "l": LINK, "l/x": entry(b"x")}, [], "folder is no folder"),
    ({".": DIR, "b/x": entry(b"x")}, [], "folder is no folder"),
    ({".": DIR, "..": DIR, "../x": entry(b"x")}, [], "leaves the folder"),
    ({".": DIR, "\\x2e\\x2e": DIR}, [], "leaves the folder"),
    ({".": DIR, "/x": entry(b"x")}, [], "leaves the folder"),
    ({".": DIR, "": DIR}, [], "leaves the folder"),
    ({".": DIR, "a//b": DIR, "a": DIR}, [], "leaves the folder"),
    ({".": DIR, "a\0b": DIR}, [], "leaves the folder"),
    ({"a": entry(b"a")}, [], "folder"),
    ({}, [], "holds no folder"),
    ({".": dict(DIR, mode=0o100000)}, [], "cannot be"),
    ({".": dict(DIR, owner=-1)}, [], "cannot be"),
    ({".": dict(DIR, type="device")}, [], "cannot be"),
    ({".": DIR, "a": entry(b"a", sha256="x")}, [], "cannot be"),
    ({".": DIR, "a": {"type": "file"}}, [], "cannot be read"),
    ([1], [], "cannot be read"),
])
def test_a_forged_archive_is_refused(tmpdir, tree, members, reason):
    path = str(tmpdir.join("x"))
    forge(path, tree, members)
    with pytest.raises(backup_archive.Damaged, match=reason):
        backup_archive.load(path)


def test_an_about_that_cannot_be_is_refused(tmpdir):
    path = str(tmpdir.join("x"))
    forge(path, TREE, [TOP, A], about={"home": 5})
    with pytest.raises(backup_archive.Damaged, match="about.json"):
        backup_archive.load(path)


def test_one_packed_again_by_hand_is_refused(tmpdir):
    path = str(tmpdir.join("x.tar.gz"))
    archive(path, site(tmpdir.join("esb")))
    tmpdir.mkdir("out")
    assert os.system("cd %s && tar xzpf %s && echo X >> apis/conf.py && tar czf %s about.json manifest.json rows.json apis"
                     % (tmpdir.join("out"), path, path)) == 0
    with pytest.raises(backup_archive.Damaged, match="packed again by hand"):
        backup_archive.load(path)


# --- the folder -------------------------------------------------------------------------------------------------------

def kept(tmpdir, home="/nowhere/esb"):
    folder = backup.Folder(str(tmpdir.join("backups")), home)
    folder.make()
    return folder


def add(folder, pristine=False):
    tree = {".": DIR}
    about = dict(ABOUT, home=folder.home, pristine=pristine)
    return folder.write(lambda handle: backup_archive.write(handle, about, tree, None, "/nowhere"))


def test_it_is_made_for_its_owner_alone(tmpdir):
    folder = backup.Folder(str(tmpdir.join("a", "b", "backups")), "/x")
    before = os.umask(0o027)
    try:
        folder.make()
    finally:
        os.umask(before)
    assert [os.stat(str(path)).st_mode & 0o777 for path in (tmpdir.join("a"), tmpdir.join("a", "b"), tmpdir.join("a", "b", "backups"))] == \
        [0o755, 0o755, 0o700]


def test_an_open_folder_is_closed_when_it_holds_nothing_else(tmpdir):
    place = tmpdir.mkdir("backups")
    place.chmod(0o755)
    backup.Folder(str(place), "/x").make()
    assert os.stat(str(place)).st_mode & 0o777 == 0o700
    place.chmod(0o755)
    place.join("something").write("of somebody")
    backup.Folder(str(place), "/x").make()
    assert os.stat(str(place)).st_mode & 0o777 == 0o755


def test_one_in_which_others_may_write_is_refused(tmpdir):
    place = tmpdir.mkdir("backups")
    for mode in (0o777, 0o1777, 0o770):
        place.chmod(mode)
        with pytest.raises(Problem, match="Others than root may write"):
            backup.Folder(str(place), "/x").check()
    with pytest.raises(Problem, match="is no folder"):
        tmpdir.join("file").write("")
        backup.Folder(str(tmpdir.join("file")), "/x").check()


def test_names_are_times_and_grow_within_a_second_and_when_the_clock_goes_back(tmpdir, monkeypatch):
    folder = kept(tmpdir)
    names = [add(folder).name for dummy in range(12)]
    assert names == sorted(set(names)) and all(re.match(r"[0-9]{8}T[0-9]{6}Z(-[0-9]{3})?\Z", name) for name in names)
    monkeypatch.setattr(backup.time, "gmtime", lambda: (2001, 1, 1, 0, 0, 0, 0, 1, 0))
    assert add(folder).name > names[-1]
    assert [each.name for each in folder.backups()] == sorted(each.name for each in folder.backups())


def test_an_archive_is_readable_by_its_owner_alone(tmpdir):
    before = os.umask(0)
    try:
        made = add(kept(tmpdir))
    finally:
        os.umask(before)
    assert os.stat(made.path).st_mode & 0o777 == 0o600


def test_two_esb_folders_share_one_and_see_their_own(tmpdir):
    one, other = kept(tmpdir), kept(tmpdir, "/data/src/open_paas/esb")
    names = [add(one, pristine=True).name, add(other).name, add(one).name]
    one.record(backup.INSTALL, names[0], {})
    assert [each.name for each in one.backups()] == [names[0], names[2]]
    assert [each.name for each in other.backups()] == [names[1]] and other.records() == []
    assert other.choose("latest").name == names[1]
    with pytest.raises(Problem, match="no backup from before the first install"):
        other.choose("pristine")
    with pytest.raises(Problem, match="no backup %s of /data/src/open_paas/esb.*there: %s" % (names[0], names[1])):
        other.choose(names[0])


def test_choosing(tmpdir):
    folder = kept(tmpdir)
    with pytest.raises(Problem, match="There is no backup of .*there: none"):
        folder.choose("latest")
    names = [add(folder, pristine=number in (1, 2)).name for number in range(4)]
    assert folder.choose("latest").name == names[3] and folder.choose("pristine").name == names[1]
    assert folder.choose(names[2]).name == names[2] and folder.choose(names[2] + ".tar.gz").name == names[2]
    for name in ("../../etc/passwd", "/etc/passwd", "20010101T000000Z"):
        with pytest.raises(Problem, match="There is no backup"):
            folder.choose(name)


@pytest.mark.parametrize("pristine, keep, left", [
    ((), 3, (3, 4, 5)), ((0,), 3, (0, 4, 5)), ((1, 2), 3, (1, 4, 5)), ((5,), 2, (4, 5)), ((0,), 1, (0, 5)), ((), 1, (5,)), ((0,), 10, (0, 1, 2, 3, 4, 5))])
def test_the_oldest_go_but_never_the_oldest_pristine_nor_the_newest(tmpdir, pristine, keep, left):
    folder = kept(tmpdir)
    made = [add(folder, pristine=number in pristine) for number in range(6)]
    folder.prune(folder.surplus(made, keep))
    assert [each.name for each in folder.backups()] == [made[number].name for number in left]
    assert folder.surplus(folder.backups(), keep) == []


def test_records_go_with_the_last_backup_before_them(tmpdir):
    folder = kept(tmpdir)
    made, records = [], []
    for dummy in range(3):
        made.append(add(folder))
        records.append(folder.record(backup.INSTALL, made[-1].name, {"a": [None, DIR]}))
    folder.prune([made[1]])
    assert [record["name"] for record in folder.records()] == records
    folder.prune([made[0]])
    assert [record["name"] for record in folder.records()] == records[2:]
    assert folder.records()[0]["changes"] == {"a": [None, DIR]}


def test_a_broken_record_is_named(tmpdir):
    folder = kept(tmpdir)
    name = folder.record(backup.INSTALL, "x", {})
    write(os.path.join(folder.path, name + ".changes.json"), "{}", 0o600)
    with pytest.raises(Problem, match="changes.json cannot be read"):
        folder.records()


def test_what_others_put_there_is_not_seen(tmpdir):
    folder = kept(tmpdir)
    made = add(folder)
    os.chmod(made.path, 0o666)
    assert folder.backups() == []
    os.chmod(made.path, 0o600)
    os.symlink(made.path, os.path.join(folder.path, "20300101T000000Z.tar.gz"))
    os.mkdir(os.path.join(folder.path, "20310101T000000Z.tar.gz"))
    assert [each.name for each in folder.backups()] == [made.name]
    if os.geteuid() == 0:
        os.chown(made.path, 4242, 4242)
        assert folder.backups() == []


def test_a_damaged_one_is_listed_with_the_reason_and_never_used(tmpdir):
    folder = kept(tmpdir)
    write(os.path.join(folder.path, "20260101T000000Z.tar.gz"), "no archive", 0o600)
    found = folder.choose("latest")
    assert "cannot be read" in found.problem and not found.is_pristine
    with pytest.raises(Problem, match="The backup 20260101T000000Z cannot be used: "):
        found.load()


def test_left_overs_of_dead_runs_go_and_nothing_else(tmpdir):
    folder = kept(tmpdir)
    place = tmpdir.join("backups")
    for name in (".20260101T000000Z.tar.gz.part", ".20260101T000000Z-001.changes.json.part", ".mine.part", "20260101T000000Z.txt"):
        place.join(name).write("")
    folder.clean()
    assert sorted(each.basename for each in place.listdir()) == [".mine.part", "20260101T000000Z.txt"]


def test_a_disk_that_is_full_leaves_nothing(tmpdir):
    esb, folder = site(tmpdir.join("esb")), kept(tmpdir)
    write(esb.apis + "/noise", os.urandom(200000))
    tree = manifest.take(esb.apis)

    def work():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        try:
            folder.write(lambda handle: backup_archive.write(handle, dict(ABOUT, home=folder.home), tree, None, esb.apis))
        except Problem as problem:
            os._exit(5 if "cannot be written: File too large" in str(problem) else 6)

    assert in_child(work) == 5
    assert os.listdir(folder.path) == []


def test_too_little_space_is_refused_with_both_numbers(tmpdir):
    with pytest.raises(Problem, match=r"too little space for a backup: it needs up to 9\d+\.\d MiB in .*missing, where \d+\.\d MiB are free"):
        backup.check_space(str(tmpdir.join("missing", "missing")), 10 ** 18, "a backup")


def test_a_second_run_waits_and_then_says_who_is_in_its_way(tmpdir, monkeypatch):
    folder = kept(tmpdir)
    monkeypatch.setattr(backup, "LOCK_SECONDS", 0.2)
    with folder.lock():
        with pytest.raises(Problem, match="Another run"):
            with kept(tmpdir).lock():
                pass
    with folder.lock():
        pass
