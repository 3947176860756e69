"""ding.blueking.esb_package on ESB trees of our own, and in place of a made-up manual release in the sandbox's ESB."""

import hashlib
import json
import os
import shutil
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from modulekit.byte_code import is_byte_code
from modulekit.tasks import Task
from plugins.module_utils import conf_block

MODULE = "ding.blueking.esb_package"
ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "files" / "components" / "ding_blueking"
# A site's conf.py, with a secret that no output may show.
SECRET = "site-secret-not-real"
CONF = ("# -*- coding: utf-8 -*-\nCHANNELS = [\n    ('/own/get_x/', {'comp_codename': 'generic.own.get_x', 'comp_conf_to_db': [('pwd', '%s')]}),\n]\n"
        % SECRET)


class Tree:
    """A folder like an ESB's, with what the module needs of it."""

    def __init__(self, home, python):
        self.home, self.generic = home, home / "components" / "generic"
        self.apis = self.generic / "apis"
        self.folder, self.conf = self.apis / "ding_blueking", self.apis / "conf.py"
        self.python = python
        (self.apis / "own").mkdir(parents=True)
        self.conf.write_text(CONF)
        for path, text in (("__init__.py", ""), ("own/__init__.py", ""), ("own/get_x.py", "x = 1\n")):
            (self.apis / path).write_text(text)
        for each in [self.home, *self.home.rglob("*")]:
            os.utime(each, (1500000000, 1500000000))

    def args(self, **more):
        return {"esb_home": str(self.home), "esb_python": [self.python], **more}

    def seen(self, times=False):
        return seen(self.generic, times)


def seen(folder, times=False):
    """{path: what it is, its mode, owner and content (and time)} of everything below."""
    found = {}
    for path in sorted(folder.rglob("*")):
        try:
            about = path.lstat()
            content = os.readlink(path) if path.is_symlink() else path.read_bytes() if path.is_file() else None
        except FileNotFoundError:
            # A worker of the ESB writes byte code under another name first.
            assert "__pycache__" in path.parts, path
            continue
        found[str(path.relative_to(folder))] = (stat.S_IFMT(about.st_mode), stat.S_IMODE(about.st_mode), about.st_uid, about.st_gid, content,
                                               *([about.st_mtime] if times and not path.is_dir() else []))
    return found


def wanted():
    return {str(path.relative_to(SOURCE)): path.read_bytes() for path in SOURCE.rglob("*")
            if path.is_file() and "__pycache__" not in path.parts and path.suffix not in (".pyc", ".pyo")}


def check_installed(tree, mode=0o644):
    """Our folder is exactly the collection's, its byte code belongs to its sources, conf.py has the block, and there is no litter."""
    found = {str(path.relative_to(tree.folder)): path for path in tree.folder.rglob("*")}
    files = {name: path.read_bytes() for name, path in found.items() if path.is_file() and not is_byte_code(name)}
    assert files == wanted()
    for name, path in found.items():
        assert not path.is_symlink()
        if not is_byte_code(name):
            assert stat.S_IMODE(path.stat().st_mode) == (0o755 if path.is_dir() else mode), name
    assert foreign_byte_code(tree.folder) == []
    assert conf_block.is_current(tree.conf.read_bytes())
    assert [name for name in os.listdir(tree.generic) if name.startswith(".")] == []


def foreign_byte_code(folder):
    """Every .pyc without its source, and every one that records another time than its source's."""
    found = []
    for path in folder.rglob("*.py[co]"):
        beside = path.parent.name != "__pycache__"
        source = path.with_suffix(".py") if beside else path.parent.parent / (path.name.split(".")[0] + ".py")
        head = path.read_bytes()[:16]
        number = int.from_bytes(head[:2], "little")
        place = 8 if 3390 <= number < 20000 else 4
        if not source.is_file() or int.from_bytes(head[place:place + 4], "little") != int(source.stat().st_mtime):
            found.append(str(path.relative_to(folder)))
    return found


def older(tmp_path):
    """The component folder as an earlier version might have been."""
    place = tmp_path / "older"
    shutil.copytree(SOURCE, place, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (place / "toolkit" / "version.py").write_text('__version__ = "0.9.0"\n')
    (place / "gone_since.py").write_text("x = 1\n")
    (place / "send_ding.py").write_text("# older\n")
    (place / "toolkit" / "tags.py").unlink()
    return place


@pytest.fixture
def tree(ansible, tmp_path):
    return Tree(tmp_path / "esb", ansible.python)


@pytest.fixture
def installed(ansible, tree):
    result = ansible.run(MODULE, tree.args())
    assert result.changed, result
    return tree


@pytest.mark.every_target
def test_present_on_a_virgin_host_repeated_and_absent_is_the_inverse(ansible, tree):
    before = tree.seen(times=True)
    real = ansible.parity(MODULE, tree.args())
    assert real.changed and real.data["restart_needed"]
    assert real.data["files"] == {"added": sorted("ding_blueking/" + name for name in wanted()), "changed": ["conf.py"], "removed": []}
    assert real.data["previous_version"] is None and real.data["version"] == version()
    check_installed(tree)
    after = tree.seen(times=True)
    assert {name: value for name, value in after.items() if name in before and name != "apis/conf.py"} == \
        {name: value for name, value in before.items() if name != "apis/conf.py"}
    again = ansible.run(MODULE, tree.args())
    assert not again.changed and again.diff == [] and not again.data["restart_needed"] and again.data["version"] == version()
    assert tree.seen(times=True) == after
    gone = ansible.parity(MODULE, tree.args(state="absent"))
    assert gone.changed and gone.data["version"] is None and gone.data["previous_version"] == version()
    left = tree.seen(times=True)
    assert {name: value[:5] for name, value in left.items()} == {name: value[:5] for name, value in before.items()}
    assert all(left[name] == before[name] for name in before if name != "apis/conf.py")
    assert not ansible.run(MODULE, tree.args(state="absent")).changed


def test_byte_code_that_comes_behind_the_files_is_taken_away_and_nothing_else(ansible, installed):
    assert not ansible.run(MODULE, installed.args(state="absent", only_byte_code=True)).changed
    check_installed(installed)
    ansible.run(MODULE, installed.args(state="absent"))
    before = installed.seen()
    cache = installed.folder / "toolkit" / "__pycache__"
    cache.mkdir(parents=True)
    (cache / "tags.cpython-36.pyc").write_bytes(b"late")
    gone = ansible.parity(MODULE, installed.args(state="absent", only_byte_code=True))
    assert gone.changed and gone.data["files"]["removed"] == ["ding_blueking/toolkit/__pycache__/tags.cpython-36.pyc"] and not gone.data["restart_needed"]
    assert installed.seen() == before
    refused = ansible.run(MODULE, installed.args(only_byte_code=True))
    assert refused.failed and "state: absent" in refused.msg and installed.seen() == before


def version():
    return (SOURCE / "toolkit" / "version.py").read_text().split('"')[-2]


@pytest.mark.every_target
def test_an_upgrade_changes_what_differs_and_takes_stale_files_along(ansible, tree, tmp_path):
    first = Task(MODULE, tree.args(src=str(older(tmp_path))))
    real = ansible.parity(MODULE, tree.args(), before=[first])
    assert real.data["files"] == {"added": ["ding_blueking/toolkit/tags.py"], "removed": ["ding_blueking/gone_since.py"],
                                  "changed": ["ding_blueking/send_ding.py", "ding_blueking/toolkit/version.py"]}
    assert (real.data["previous_version"], real.data["version"]) == ("0.9.0", version())
    check_installed(tree)
    shown = {part["before_header"]: part for part in real.diffs}
    assert shown[str(tree.folder / "send_ding.py")]["before"] == "# older\n"
    assert shown[str(tree.folder / "send_ding.py")]["after"] == (SOURCE / "send_ding.py").read_text("utf-8")


def test_a_conf_that_was_not_there_is_made_and_goes_again(ansible, tree):
    tree.conf.unlink()
    before = tree.seen()
    assert "conf.py" in ansible.parity(MODULE, tree.args()).data["files"]["added"]
    assert tree.conf.read_bytes() == conf_block.BLOCK and stat.S_IMODE(tree.conf.stat().st_mode) == 0o644
    assert "conf.py" in ansible.parity(MODULE, tree.args(state="absent")).data["files"]["removed"]
    assert tree.seen() == before


def test_an_older_block_is_renewed_and_conf_keeps_its_mode_and_owner(ansible, tree):
    tree.conf.write_bytes(CONF.encode() + b"\n# BEGIN ding.blueking\npass\n# END ding.blueking\n# own, below\n")
    tree.conf.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(tree.conf, 12, 34)
    ansible.parity(MODULE, tree.args())
    about = tree.conf.stat()
    assert stat.S_IMODE(about.st_mode) == 0o640 and (os.geteuid() != 0 or (about.st_uid, about.st_gid) == (12, 34))
    assert conf_block.is_current(tree.conf.read_bytes()) and b"# own, below\n" in tree.conf.read_bytes()


def damage_content(tree):
    (tree.folder / "send_ding.py").write_text("broken")
    return ["send_ding.py"], []


def damage_missing(tree):
    (tree.folder / "toolkit" / "tags.py").unlink()
    return [], []


def damage_mode(tree):
    (tree.folder / "send_ding.py").chmod(0o600)
    (tree.folder / "toolkit").chmod(0o700)
    return ["send_ding.py", "toolkit"], []


def damage_extra(tree):
    (tree.folder / "x.py").write_text("x = 1\n")
    (tree.folder / "empty").mkdir()
    return [], ["x.py"]


def damage_link(tree):
    (tree.folder / "send_ding.py").unlink()
    (tree.folder / "send_ding.py").symlink_to(tree.apis / "own" / "get_x.py")
    return ["send_ding.py"], []


def damage_orphan(tree):
    (tree.folder / "x.pyc").write_bytes(b"\x03\xf3\r\n" + b"0" * 20)
    cache = tree.folder / "toolkit" / "__pycache__"
    cache.mkdir()
    (cache / "y.cpython-36.pyc").write_bytes(b"3\r\r\n" + b"0" * 20)
    return [], ["toolkit/__pycache__/y.cpython-36.pyc", "x.pyc"]


def damage_stale(tree):
    (tree.folder / "send_ding.pyc").write_bytes(b"\x03\xf3\r\n" + (1400000000).to_bytes(4, "little") + b"0" * 20)
    return [], ["send_ding.pyc"]


@pytest.mark.parametrize("damage", [damage_content, damage_missing, damage_mode, damage_extra, damage_link, damage_orphan, damage_stale])
def test_a_damaged_folder_is_mended(ansible, installed, damage):
    changed, removed = damage(installed)
    outside = (installed.apis / "own" / "get_x.py").read_bytes()
    real = ansible.parity(MODULE, installed.args())
    assert real.changed and real.data["restart_needed"]
    assert real.data["files"]["changed"] == ["ding_blueking/" + name for name in changed]
    assert real.data["files"]["removed"] == sorted("ding_blueking/" + name for name in removed)
    check_installed(installed)
    assert (installed.apis / "own" / "get_x.py").read_bytes() == outside


def test_the_platforms_own_copy_is_kept_in_one_go(ansible, tree, tmp_path):
    copy = Tree(tmp_path / "src" / "esb", ansible.python)
    (copy.apis / "conf.py").write_text("this is no Python 2 or 3: 'print\n")
    before = copy.seen(times=True)
    options = dict(also=[str(copy.home)])
    real = ansible.parity(MODULE, tree.args(**options))
    check_installed(tree)
    assert real.changed and real.data["differs"]
    assert [(each["esb_home"], each["differs"], each["version"], each["previous_version"]) for each in real.data["also"]] == [
        (str(copy.home), True, version(), None)]
    assert real.data["also"][0]["files"] == real.data["files"]
    # No ESB runs there, so nothing was compiled, and our block stands behind whatever is there.
    assert copy.conf.read_text().startswith("this is no Python") and conf_block.is_current(copy.conf.read_bytes())
    assert not ansible.parity(MODULE, tree.args(**options)).changed
    shutil.rmtree(copy.folder)
    again = ansible.parity(MODULE, tree.args(**options))
    assert again.changed and again.data["files"] == {"added": [], "changed": [], "removed": []} and not again.data["restart_needed"]
    assert ansible.parity(MODULE, tree.args(state="absent", **options)).changed
    assert copy.seen(times=True).keys() == before.keys() and copy.conf.read_text() == before["apis/conf.py"][4].decode()
    assert not tree.folder.exists()


def test_a_copy_that_cannot_be_kept_is_named(ansible, tree, tmp_path):
    result = ansible.run(MODULE, tree.args(also=[str(tmp_path / "elsewhere")]))
    assert result.failed and str(tmp_path / "elsewhere") in result.msg


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_owner_and_group_are_kept_as_asked(ansible, installed):
    real = ansible.parity(MODULE, installed.args(owner="12", group="34"))
    assert real.changed
    assert {(path.stat().st_uid, path.stat().st_gid) for path in [installed.folder, *installed.folder.rglob("*")]} == {(12, 34)}
    assert any("0644" in part["before"] and part["before"] != part["after"] for part in real.diffs)
    # What belongs to somebody else by default goes back to the service's user.
    assert ansible.parity(MODULE, installed.args()).changed
    assert {path.stat().st_uid for path in installed.folder.rglob("*")} == {0}


@pytest.mark.every_target
def test_byte_code_that_the_esb_writes_itself_is_no_change(ansible, installed):
    for path in (installed.folder / "send_ding.py", installed.folder / "toolkit" / "base.py", installed.conf):
        subprocess.run([ansible.python, "-c", "import py_compile, sys; py_compile.compile(sys.argv[1], doraise=True)", str(path)], check=True)
    assert list(installed.folder.rglob("*.pyc"))
    before = installed.seen(times=True)
    result = ansible.run(MODULE, installed.args())
    assert not result.changed and installed.seen(times=True) == before


@pytest.mark.every_target
def test_byte_code_goes_with_its_source(ansible, installed):
    python = ansible.python
    for path in (installed.folder / "send_ding.py", installed.conf):
        subprocess.run([python, "-c", "import py_compile, sys; py_compile.compile(sys.argv[1], doraise=True)", str(path)], check=True)
    ansible.parity(MODULE, installed.args(state="absent"))
    assert list(installed.apis.rglob("*.pyc")) == [] and not (installed.apis / "__pycache__").exists()


def test_byte_code_of_another_conf_goes(ansible, installed):
    stale = installed.apis / "conf.pyc"
    stale.write_bytes(b"\x03\xf3\r\n" + (1400000000).to_bytes(4, "little") + b"0" * 20)
    real = ansible.parity(MODULE, installed.args())
    assert real.data["files"]["removed"] == ["conf.pyc"] and not stale.exists()


def test_a_link_in_place_of_the_folder_is_replaced_and_not_followed(ansible, tree, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious.py").write_text("x\n")
    tree.folder.symlink_to(elsewhere)
    ansible.parity(MODULE, tree.args())
    check_installed(tree)
    assert (elsewhere / "precious.py").read_text() == "x\n"


def test_a_hard_linked_conf_leaves_its_other_name_alone(ansible, tree, tmp_path):
    os.link(tree.conf, tmp_path / "backup.py")
    assert "2 names" in json.dumps(ansible.parity(MODULE, tree.args()).data["warnings"])
    assert (tmp_path / "backup.py").read_text() == CONF and conf_block.is_current(tree.conf.read_bytes())


# --- refused ----------------------------------------------------------------------------------------------------------

def refuse_damaged(tree, tmp_path):
    tree.conf.write_text(CONF + "# BEGIN ding.blueking\n")
    return {}, "BEGIN in line 5 has no END"


def refuse_broken_conf(tree, tmp_path):
    tree.conf.write_text(CONF + "if broken(:\n")
    return {}, "line 5"


def refuse_open_line(tree, tmp_path):
    # It compiles by itself, and would not with anything below it.
    tree.conf.write_text(CONF + "x = 1 \\")
    return {}, None


def refuse_no_apis(tree, tmp_path):
    shutil.rmtree(tree.apis)
    return {}, "There is no folder %s" % tree.apis


def refuse_no_generic(tree, tmp_path):
    shutil.rmtree(tree.generic)
    return {}, "There is no folder %s" % tree.generic


def refuse_apis_link(tree, tmp_path):
    tree.apis.rename(tmp_path / "real")
    tree.apis.symlink_to(tmp_path / "real")
    return {}, "is a link"


def refuse_conf_link(tree, tmp_path):
    tree.conf.rename(tmp_path / "real.py")
    tree.conf.symlink_to(tmp_path / "real.py")
    return {}, "a link to %s" % (tmp_path / "real.py")


def refuse_orphan_conf(tree, tmp_path):
    tree.conf.unlink()
    (tree.apis / "conf.pyc").write_bytes(b"\x03\xf3\r\n" + b"0" * 20)
    return {}, "conf.pyc without its conf.py"


def refuse_no_python(tree, tmp_path):
    return {"esb_python": [str(tmp_path / "no-python")]}, "no-python"


def refuse_owner(tree, tmp_path):
    return {"owner": "nobody-of-that-name"}, "nobody-of-that-name"


def refuse_package(tree, tmp_path):
    place = older(tmp_path)
    (place / "send_ding.py").write_text("def (:\n")
    return {"src": str(place)}, "send_ding.py, line 1"


def refuse_no_source(tree, tmp_path):
    return {"src": str(tmp_path / "nothing")}, "is not there"


def refuse_other_source(tree, tmp_path):
    (tmp_path / "other").mkdir()
    return {"src": str(tmp_path / "other")}, "__init__.py"


def refuse_linked_source(tree, tmp_path):
    place = older(tmp_path)
    (place / "a.py").symlink_to("/etc/passwd")
    return {"src": str(place)}, "a.py is a link"


def refuse_packed(tree, tmp_path):
    return {"packed": "x"}, "packed"


REFUSALS = [refuse_damaged, refuse_broken_conf, refuse_open_line, refuse_no_apis, refuse_no_generic, refuse_apis_link, refuse_conf_link,
            refuse_orphan_conf, refuse_no_python, refuse_owner, refuse_package, refuse_no_source, refuse_other_source, refuse_linked_source,
            refuse_packed]


@pytest.mark.parametrize("refuse", REFUSALS)
def test_what_cannot_be_done_is_refused_and_changes_nothing(ansible, tree, tmp_path, refuse):
    more, words = refuse(tree, tmp_path)
    before = seen(tmp_path / "esb", times=True)
    check, real = ansible.run_many([Task(MODULE, tree.args(**more), check=True), Task(MODULE, tree.args(**more))])
    if words is None:
        assert check.failed == real.failed
        assert not real.failed or check.msg == real.msg
    else:
        assert real.failed and check.failed and words in real.msg and check.msg == real.msg
    if real.failed:
        assert seen(tmp_path / "esb", times=True) == before
    assert SECRET not in json.dumps(real.data) + json.dumps(check.data)


def test_a_linked_conf_that_has_the_block_already_is_no_problem(ansible, tree, tmp_path):
    real = tmp_path / "real.py"
    tree.conf.rename(real)
    real.write_bytes(conf_block.add(real.read_bytes()))
    tree.conf.symlink_to(real)
    assert "conf.py" not in ansible.parity(MODULE, tree.args()).data["files"]["changed"]
    assert tree.conf.is_symlink()


def test_an_apis_without_init_is_refused_where_python_needs_it(ansible, tree):
    (tree.apis / "__init__.py").unlink()
    result = ansible.run(MODULE, tree.args())
    assert result.failed == (ansible.target == "2.7")
    assert not result.failed or "__init__.py" in result.msg


def test_without_the_esbs_python_the_check_can_be_left_out(ansible, tree, tmp_path):
    ansible.parity(MODULE, tree.args(esb_python=[str(tmp_path / "no-python")], compile_check=False))
    check_installed(tree)


# --- interrupted, at once, without space ------------------------------------------------------------------------------

def interrupted(tree):
    """What a run leaves that was killed between its two renames: an older folder is decided."""
    stage = tree.generic / ".ding_blueking.0123456789ab"
    stage.mkdir()
    shutil.copytree(SOURCE, stage / "new.0", ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    (stage / "new.0" / "send_ding.py").write_text("# older\n")
    for path in [stage / "new.0", *(stage / "new.0").rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
    (stage / "new.1").write_bytes(conf_block.add(tree.conf.read_bytes()))
    (stage / "journal.json").write_text(json.dumps({"steps": [["apis/ding_blueking", True], ["apis/conf.py", True]]}))


@pytest.mark.every_target
def test_an_interrupted_run_is_finished_and_its_end_predicted(ansible, tree):
    interrupted(tree)
    real = ansible.parity(MODULE, tree.args())
    assert real.changed and real.data["restart_needed"] and real.data["recovered"] == ["apis/conf.py", "apis/ding_blueking"]
    assert real.data["files"] == {"added": [], "changed": ["ding_blueking/send_ding.py"], "removed": []}
    check_installed(tree)


def test_an_interrupted_run_is_finished_before_all_is_taken_out(ansible, tree):
    before = tree.seen()
    interrupted(tree)
    assert ansible.parity(MODULE, tree.args(state="absent")).data["recovered"] == ["apis/conf.py", "apis/ding_blueking"]
    assert tree.seen() == before


def test_a_run_that_was_killed_before_it_decided_leaves_litter_that_goes(ansible, tree):
    stage = tree.generic / ".ding_blueking.0123456789ab"
    stage.mkdir()
    (stage / "new.0").write_text("half")
    ansible.parity(MODULE, tree.args())
    check_installed(tree)


def test_of_two_runs_at_once_one_waits_and_sees_the_others_result(ansible, tree):
    results = []
    runs = [threading.Thread(target=lambda: results.append(ansible.run(MODULE, tree.args()))) for _ in range(2)]
    for run in runs:
        run.start()
    for run in runs:
        run.join()
    assert sorted(result.changed for result in results) == [False, True] and not any(result.failed for result in results)
    check_installed(tree)


class Inside:
    """In place of a login: ansible-playbook runs inside another command."""

    def __init__(self, *words):
        self._words = list(words)

    def own(self, folder):
        pass

    def prefix(self):
        return self._words


def can_mount():
    return subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True).returncode == 0


@pytest.mark.skipif(not can_mount(), reason="no mount namespace here")
@pytest.mark.parametrize("kilobytes", [60, 200])
def test_a_full_disk_changes_nothing_and_leaves_no_litter(ansible, tree, tmp_path, kilobytes):
    place, before, after = tmp_path / "small", tmp_path / "before", tmp_path / "after"
    place.mkdir()
    look = '(cd "$where" && find . -type f -exec sha256sum {} + | sort && find . | sort)'
    script = ('set -e; mount -t tmpfs -o size=%dk tmpfs "$1"; where="$1"; out="$4"; cp -a "$2"/. "$1"; %s > "$3"; shift 4; set +e; "$@"; rc=$?; '
              '%s > "$out"; exit $rc' % (kilobytes, look, look))
    inside = Inside("unshare", "-m", "sh", "-c", script, "sh", str(place), str(tree.home), str(before), str(after))
    small = ansible._variant(login=inside)
    result = small.run(MODULE, tree.args(esb_home=str(place)))
    assert result.failed and "No space left on device" in result.msg and "Nothing was changed" in result.msg
    assert after.read_text() == before.read_text() != ""


@pytest.mark.parametrize("pipelining", [True, False])
def test_modes_do_not_depend_on_the_umask_of_a_login_with_sudo(ansible, tree, pipelining):
    ansible.as_login(pipelining=pipelining, umask=0o077).parity(MODULE, tree.args())
    check_installed(tree)
    assert stat.S_IMODE(tree.folder.stat().st_mode) == 0o755


def test_a_login_without_root_is_refused_with_the_reason(ansible, tree):
    for path in tree.home.parents:
        if path.stat().st_uid == os.geteuid() and path != Path("/tmp"):
            path.chmod(0o755)
        if path == Path("/tmp"):
            break
    before = tree.seen()
    result = ansible.as_login(become=False).run(MODULE, tree.args())
    assert result.failed and "become: true" in result.msg and tree.seen() == before


@pytest.mark.every_target
def test_the_loudest_output_shows_neither_the_package_nor_a_secret_of_the_site(ansible, tree):
    result = ansible.run(MODULE, tree.args(), verbosity=4)
    assert result.changed and SECRET not in result.stdout
    # 2.21 shows no options of a task that went well.
    assert '"packed": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"' in result.stdout or '"packed"' not in result.stdout and ansible.core == "2.21"
    # zlib's first bytes in base64; and what Ansible puts in place of a secret that it finds in other words.
    assert "eNr" not in result.stdout and "********" not in json.dumps(result.data)


# --- in place of the manual release -----------------------------------------------------------------------------------

COMPONENT = ("from components.component import Component\nfrom .toolkit import configs, tools\n\n\nclass %s(Component):\n"
             "    sys_name = configs.SYSTEM_NAME\n\n    def handle(self):\n        tools.help(self)\n")
CONFIGS = ('from .tools import icon\n\nSYSTEM_NAME = "CMSI"\nsmtp_pwd = ""\nmsg_type = [\n'
           '    {"type": "mail", "label": "mail", "active_icon": icon("a")},\n'
           '    {"type": "ding", "label": "ding", "active_icon": icon("a")},\n]\nmsg_type_map = {"mail": "send_mail", "ding": "send_ding"}\n')
ENTRIES = "".join('    (\n        "/cmsi/%s/",\n        {\n            "comp_codename": "generic.cmsi.%s",\n        }\n    ),\n' % (name, name)
                  for name in ("send_dingtalk", "send_dingbot", "send_ding"))
TEMPLATE = "# a template\nCHANNELS = [\n    # TEST\n]\n"
# Made up, with the places and the dependencies of the real one.
RELEASE = {
    "cmsi/__init__.py": "", "cmsi/toolkit/__init__.py": "", "cmsi/toolkit/configs.py": CONFIGS, "cmsi/toolkit/icons/a.ico": "icon",
    "cmsi/toolkit/tools.py": "import os\n\n\ndef icon(name):\n    here = os.path.dirname(os.path.abspath(__file__))\n"
                             "    with open(os.path.join(here, 'icons', name + '.ico')) as f:\n"
                             "        return f.read()\n\n\ndef help(x):\n    return x\n",
    "cmsi/send_ding.py": COMPONENT % "SendDing", "cmsi/send_dingbot.py": COMPONENT % "SendDingbot",
    "cmsi/send_dingtalk.py": COMPONENT % "SendDingtalk",
    "cmsi/send_mail.py": COMPONENT % "SendMail", "cmsi/apidocs/en/send_msg.md": "made up\n",
    "dingbot/__init__.py": "", "dingbot/send_message.py": "# made up bot\n", "dingtalk/__init__.py": "", "dingtalk/get_token.py": "# made up talk\n",
    "README.md": "made up readme\n", ".assets/a.png": "made up picture",
    "conf.py": TEMPLATE.replace("    # TEST\n", "    # TEST\n" + ENTRIES),
}


@pytest.fixture(scope="module")
def patched(ansible, tmp_path_factory):
    """Ansible with a copy of the collection whose table has the made-up release's sums."""
    place = tmp_path_factory.mktemp("patched")
    collection = place / "ansible_collections" / "ding" / "blueking"
    collection.mkdir(parents=True)
    for name in ("files", "meta", "galaxy.yml", "README.md"):
        (collection / name).symlink_to(ROOT / name)
    shutil.copytree(ROOT / "plugins", collection / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    sums = {path: (hashlib.sha256(text.encode()).hexdigest(),) for path, text in RELEASE.items()}
    (collection / "plugins" / "module_utils" / "original_sums.py").write_text("SUMS = %r\n" % sums)
    return ansible.with_collections(place)


@pytest.fixture
def host(sandbox):
    sandbox.reset_files()
    yield sandbox.host("paas1")
    sandbox.reset_files()


def unpack(host, **changes):
    """The made-up release over the host's apis, as tar would, with a site's changes."""
    apis = host.generic / "apis"
    for path, text in {**RELEASE, **changes}.items():
        (apis / path).parent.mkdir(parents=True, exist_ok=True)
        (apis / path).write_text(text)
    return apis


def with_host(host, **more):
    return {"bk_home": str(host.bk_home), "esb_home": str(host.esb_home), "esb_python": [str(host.python)], "esb_logs": str(host.logs), **more}


def registered(sandbox):
    """Which module provides which of our components, by the ESB's own finding, as {code name: module}."""
    text = ("import django, json\ndjango.setup()\nfrom esb.component import get_components_manager\n"
            "found = get_components_manager().get_registed_components()\n"
            "print('FOUND' + json.dumps(dict((n, c.__module__) for n, c in found.items() if n.startswith('generic.cmsi.send_'))))")
    return json.loads(sandbox.manage(text, python=True).split("FOUND")[1])


@pytest.mark.every_target
def test_the_manual_release_is_refused_and_nothing_changes(ansible, patched, host):
    apis = unpack(host)
    before = seen(apis, times=True)
    check, real = patched.run_many([Task(MODULE, with_host(host), check=check, environment=host.environment) for check in (True, False)])
    assert check.failed and real.failed and check.msg == real.msg
    for words in ("cmsi/send_ding.py", "dingtalk/get_token.py", "conf.py", "replace_original: true"):
        assert words in real.msg
    assert seen(apis, times=True) == before


@pytest.mark.every_target
def test_the_manual_release_is_replaced_in_one_go(ansible, patched, host):
    apis = host.generic / "apis"
    kept = {name: value for name, value in seen(apis).items() if name != "conf.py" and not is_byte_code(name)}
    unpack(host)
    for path in apis.rglob("*.py"):
        if "cmsi" in path.parts:
            subprocess.run([str(host.python), "-c", "import py_compile, sys; py_compile.compile(sys.argv[1], doraise=True)", str(path)], check=True)
    real = patched.parity(MODULE, with_host(host, replace_original=True), environment=host.environment)
    assert real.data["kept"] == [] and real.data["restart_needed"]
    assert set(real.data["files"]["removed"]) == set(RELEASE) - {"conf.py"}
    after = seen(apis)
    assert {name for name in after if name.split("/")[0] in ("cmsi", "dingbot", "dingtalk", ".assets", "README.md")} == set()
    assert (apis / "conf.py").read_bytes() == conf_block.add(TEMPLATE.encode())
    patched.parity(MODULE, with_host(host, state="absent"), environment=host.environment)
    left = seen(apis)
    assert (apis / "conf.py").read_text() == TEMPLATE
    assert {name: value for name, value in left.items() if name in kept} == kept
    assert not [name for name in left if name.startswith(("ding_blueking", "cmsi", "conf.pyc"))]


def test_a_site_that_changed_the_configs_keeps_its_cmsi_without_ding(ansible, patched, host, sandbox):
    apis = unpack(host, **{"cmsi/toolkit/configs.py": CONFIGS.replace('smtp_pwd = ""', 'smtp_pwd = "%s"' % SECRET)})
    real = patched.parity(MODULE, with_host(host, replace_original=True), environment=host.environment)
    assert real.data["kept"] == ["cmsi/toolkit/configs.py"] and "cmsi/toolkit/configs.py" in real.data["files"]["changed"]
    assert not list((apis / "cmsi").rglob("send_ding*"))
    text = (apis / "cmsi" / "toolkit" / "configs.py").read_text()
    assert SECRET in text and '"ding"' not in text and '"mail"' in text
    assert SECRET not in json.dumps(real.data)
    found = registered(sandbox)
    assert found["generic.cmsi.send_ding"].startswith("components.generic.apis.ding_blueking")
    assert found["generic.cmsi.send_mail"] == "components.generic.apis.cmsi.send_mail"


def test_files_that_the_site_changed_or_added_stay_and_are_shown(ansible, patched, host):
    changes = {"cmsi/apidocs/en/send_msg.md": "the site's\n", "cmsi/send_own.py": "x = 1\n", "dingtalk/notes.txt": "the site's\n"}
    apis = unpack(host, **changes)
    real = patched.parity(MODULE, with_host(host, replace_original=True), environment=host.environment)
    assert real.data["kept"] == sorted(changes)
    for path, text in changes.items():
        assert (apis / path).read_text() == text
        assert any(path in part["after"] for part in real.diffs)
    assert not (apis / "cmsi" / "toolkit").exists() and (apis / "cmsi" / "__init__.py").exists()


@pytest.mark.parametrize("path, text", [
    ("cmsi/send_msg.py", "from .toolkit import tools\n"), ("own/get_x.py", "import components.generic.apis.cmsi.toolkit.tools\n"),
    ("dingtalk/send_own.py", "from .get_token import nothing\nfrom components.generic.apis.dingbot import send_message\n"),
])
def test_a_remainder_that_would_not_import_is_refused_before_any_change(ansible, patched, host, path, text):
    apis = unpack(host, **{path: text, "own/__init__.py": "", "dingtalk/get_token.py": RELEASE["dingtalk/get_token.py"]})
    before = seen(apis, times=True)
    check, real = patched.run_many([Task(MODULE, with_host(host, replace_original=True), check=check, environment=host.environment)
                                    for check in (True, False)])
    if path == "dingtalk/send_own.py":
        # It could not be imported before either: that is no reason to keep the release.
        assert not real.failed, real.msg
        return
    assert check.failed and real.failed and path in real.msg and check.msg == real.msg
    assert seen(apis, times=True) == before


def test_a_changed_component_of_the_release_is_refused(ansible, patched, host):
    apis = unpack(host, **{"cmsi/send_ding.py": COMPONENT % "SendDing" + "# the site's\n"})
    before = seen(apis, times=True)
    result = patched.run(MODULE, with_host(host, replace_original=True), environment=host.environment)
    assert result.failed and "cmsi/send_ding.py" in result.msg and seen(apis, times=True) == before


def test_replace_original_where_there_is_none_changes_nothing_more(ansible, patched, host):
    real = patched.parity(MODULE, with_host(host, replace_original=True), environment=host.environment)
    assert real.data["files"]["removed"] == [] and real.data["kept"] == []


def test_our_components_are_found_by_the_esb(ansible, host, sandbox):
    ansible.parity(MODULE, with_host(host), environment=host.environment)
    found = registered(sandbox)
    for name in ("send_ding", "send_dingbot", "send_dingtalk"):
        assert found["generic.cmsi." + name] == "components.generic.apis.ding_blueking." + name
