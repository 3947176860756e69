"""ding.blueking.esb_backup against the sandbox's ESB: the inverse of an install, predicted by check mode, without a secret."""

import hashlib
import json
import os
import sqlite3
import stat
import subprocess
import threading
from pathlib import Path

import pytest

from modulekit.byte_code import is_byte_code
from modulekit.tasks import Task

MODULE, PACKAGE, CHANNEL = "ding.blueking.esb_backup", "ding.blueking.esb_package", "ding.blueking.esb_channel"
# No path, name or word of the output has them by chance.
APP_SECRET, ROBOT_SECRET, HAND_SECRET = "zq7-app-secret-not-real-zq7", "SECzq7robotnotrealzq7zq7zq7", "zq7-by-hand-not-real-zq7"
CONF = "# -*- coding: utf-8 -*-\nCHANNELS = [('/site/own/', {'comp_codename': 'generic.site.own', 'comp_conf_to_db': [('pwd', '%s')]})]\n" % HAND_SECRET


class Site:
    """One host of the sandbox, its files and rows as a site has them, and a folder for its backups."""

    def __init__(self, world, host, place):
        self.world, self.host, self.place = world, host, place
        self.apis = host.generic / "apis"
        self.dir = place / "backups"
        (self.apis / "conf.py").write_text(CONF)
        (self.apis / "site").mkdir()
        (self.apis / "site" / "own.py").write_text("# 中文\nX = 1\n", "utf-8")
        (self.apis / "site" / "only.pyc").write_bytes(b"a component without its source")
        (self.apis / "site" / "run.sh").write_text("#!/bin/sh\n")
        (self.apis / "alias").symlink_to("site/own.py")
        (self.apis / "outside").symlink_to(place / "outside")
        (place / "outside").mkdir()
        (place / "outside" / "secret").write_text(HAND_SECRET)
        (self.apis / "empty").mkdir(mode=0o700)
        os.chmod(self.apis / "site" / "run.sh", 0o4750)
        if os.geteuid() == 0:
            os.chown(self.apis / "site", 4242, 4243)
            os.lchown(self.apis / "alias", 4242, 4243)

    def host_args(self):
        return {"bk_home": str(self.host.bk_home)}

    def args(self, **more):
        return {**self.host_args(), "dir": str(self.dir), **more}

    def task(self, check=False, **more):
        return Task(MODULE, self.args(**more), check=check)

    def install(self):
        """The tasks of an install, in the order of the role."""
        return [self.task(), Task(PACKAGE, self.host_args()), self.task(state="recorded"),
                Task(CHANNEL, {**self.host_args(), "channels": [
                    {"path": "/cmsi/send_ding/"},
                    {"path": "/cmsi/send_dingtalk/", "settings": {"ding_app_key": "dingnotreal"}, "secret_settings": {"ding_app_secret": APP_SECRET}},
                    {"path": "/cmsi/send_dingbot/", "secret_settings": {"default_secret": ROBOT_SECRET}},
                    {"path": "/cmsi/get_msg_type/", "registered": False, "settings": {"ding": True}}]})]

    def seen(self):
        return seen(self.apis)

    def rows(self):
        with sqlite3.connect(str(self.world.database), timeout=20) as database:
            found = {}
            for table in ("esb_channel", "esb_component_system"):
                names = [row[1] for row in database.execute("PRAGMA table_info(%s)" % table)]
                # Django sets it at each save; the row of the message types is the platform's.
                names = [name for name in names if name not in ("last_modified_time",)]
                found[table] = sorted(map(repr, database.execute("SELECT %s FROM %s" % (", ".join(names), table)))) if names else []
            return found


def seen(folder):
    """{path: mode, owner, group and content} of everything below; the mode says what it is.

    The byte code of our package is left out: the channel's service writes it whenever it starts, which is as soon as there is a package.
    """
    found = {}
    for path in [folder, *sorted(folder.rglob("*"))]:
        if path.is_relative_to(folder / "ding_blueking") and is_byte_code(path):
            continue
        about = path.lstat()
        content = None
        if path.is_symlink():
            content = os.readlink(path)
        elif path.is_file():
            content = hashlib.sha256(path.read_bytes()).hexdigest(), int(about.st_mtime)
        found[str(path.relative_to(folder))] = (about.st_mode, about.st_uid, about.st_gid, content)
    return found


@pytest.fixture
def site(sandbox, tmp_path):
    sandbox.reset_files("paas1")
    sandbox.reset_database()
    yield Site(sandbox, sandbox.host("paas1"), tmp_path)
    sandbox.reset_files("paas1")
    sandbox.reset_database()


def succeeded(results):
    for result in results:
        assert not result.failed, result.msg
    return results


@pytest.mark.every_target
def test_a_restore_is_the_inverse_of_an_install(ansible, site):
    files, rows = site.seen(), site.rows()
    made = ansible.parity(MODULE, site.args())
    assert made.changed and made.data["pristine"] and made.data["package_version"] is None and made.data["platform_version"]
    assert stat.S_IMODE(os.stat(made.data["path"]).st_mode) == 0o600 and stat.S_IMODE(site.dir.stat().st_mode) == 0o700
    installed = succeeded(ansible.run_many(site.install()))
    assert [result.changed for result in installed] == [False, True, True, True]
    assert site.seen() != files and site.rows() != rows
    back = ansible.parity(MODULE, site.args(state="restored", backup="pristine"))
    assert back.changed and back.data["kept"] == [] and back.data["rows_restored"] and "ding_blueking" in back.data["removed"]
    assert site.seen() == files and site.rows() == rows
    assert not [path for path in site.host.generic.iterdir() if path.name.startswith(".")]


@pytest.mark.every_target
def test_listing_changes_nothing(ansible, site):
    assert ansible.parity(MODULE, site.args(state="listed")).data["backups"] == []
    assert not site.dir.exists()
    made = ansible.run(MODULE, site.args())
    (found,) = ansible.parity(MODULE, site.args(state="listed", verify=True)).data["backups"]
    assert (found["name"], found["size"], found["pristine"], found["has_rows"], found["verified"], found["problem"]) == \
        (made.data["backup"], made.data["size"], True, True, True, None)
    assert found["platform_version"] == made.data["platform_version"] and found["time"][:10].replace("-", "") == found["name"][:8]


def test_a_backup_is_predicted_made_once_and_not_again_after_a_restart(ansible, site):
    ansible.run(MODULE, site.args())
    for path in list(site.apis.rglob("*.py")):
        path.with_suffix(".pyc").write_bytes(b"what Python leaves")
        (path.parent / "__pycache__").mkdir(exist_ok=True)
        (path.parent / "__pycache__" / (path.stem + ".cpython-36.pyc")).write_bytes(b"what Python leaves")
    assert not ansible.parity(MODULE, site.args()).changed
    (site.apis / "site" / "own.py").chmod(0o600)
    assert ansible.parity(MODULE, site.args()).changed
    assert len(list(site.dir.glob("*.tar.gz"))) == 2


def test_a_later_name_makes_a_backup_although_the_newest_equals_so_that_all_hosts_can_go_back_to_it(ansible, site):
    ansible.run(MODULE, site.args(name="20260101T000000Z"))
    assert not ansible.parity(MODULE, site.args(name="20260101T000000Z")).changed
    assert ansible.parity(MODULE, site.args(name="20260102T000000Z")).data["backup"] == "20260102T000000Z"
    assert not ansible.parity(MODULE, site.args(name="20260101T000000Z")).changed
    assert len(list(site.dir.glob("*.tar.gz"))) == 2


def test_pruning_is_predicted_and_spares_the_pristine_one(ansible, site):
    first = ansible.run(MODULE, site.args()).data["backup"]
    succeeded(ansible.run_many(site.install()[1:]))
    for number in range(3):
        (site.apis / "site" / "own.py").write_text(str(number))
        ansible.run(MODULE, site.args(rows=False))
    (site.apis / "site" / "own.py").write_text("last")
    made = ansible.parity(MODULE, site.args(keep=2))
    left = sorted(path.name.split(".")[0] for path in site.dir.glob("*.tar.gz"))
    assert left == [first, made.data["backup"]] and len(made.data["pruned"]) == 3


def test_recording_is_predicted_and_done_once(ansible, site):
    succeeded(ansible.run_many([site.task(), Task(PACKAGE, site.host_args())]))
    done = ansible.parity(MODULE, site.args(state="recorded"))
    assert done.changed and "ding_blueking/send_ding.py" in done.data["recorded"] and "conf.py" in done.data["recorded"]
    (site.apis / "site" / "own.py").write_text("the site's own doing")
    assert not ansible.parity(MODULE, site.args(state="recorded")).changed


def test_what_the_site_did_since_stays_and_is_listed(ansible, site):
    files, rows = site.seen(), site.rows()
    succeeded(ansible.run_many(site.install()))
    (site.apis / "site" / "own.py").write_text("changed\n")
    (site.apis / "site" / "new.py").write_text("new\n")
    (site.apis / "empty").rmdir()
    with (site.apis / "conf.py").open("a") as conf:
        conf.write("CHANNELS.append(('/site/more/', {}))\n")
    back = ansible.parity(MODULE, site.args(state="restored"))
    assert {each["path"]: each["reason"] for each in back.data["kept"]} == {
        "conf.py": "the site has changed it since; only our block was taken out", "empty": "the site has removed it since",
        "site/new.py": "the site has added it since", "site/own.py": "the site has changed it since"}
    assert (site.apis / "conf.py").read_text() == CONF + "CHANNELS.append(('/site/more/', {}))\n"
    assert (site.apis / "site" / "own.py").read_text() == "changed\n" and (site.apis / "site" / "new.py").exists()
    assert not (site.apis / "ding_blueking").exists() and site.rows() == rows
    whole = ansible.parity(MODULE, site.args(state="restored", overwrite=True))
    assert whole.changed and whole.data["kept"] == [] and site.seen() == files


def test_byte_code_that_an_esb_writes_meanwhile_makes_no_prediction_wrong(ansible, site):
    files = site.seen()
    succeeded(ansible.run_many(site.install()))
    writes = Task("ansible.builtin.copy", {"content": "what Python leaves", "dest": str(site.apis / "ding_blueking" / "send_ding.pyc")})
    check, dummy, real = succeeded(ansible.run_many([site.task(check=True, state="restored"), writes, site.task(state="restored")]))
    assert check.diff == real.diff and check.data["removed"] == real.data["removed"] and "ding_blueking/send_ding.py" in real.data["removed"]
    assert site.seen() == files


def test_files_and_rows_are_restored_apart(ansible, site):
    files, rows = site.seen(), site.rows()
    succeeded(ansible.run_many(site.install()))
    installed = site.seen()
    only = ansible.parity(MODULE, site.args(state="restored", scope="rows"))
    assert only.changed and site.rows() == rows and site.seen() == installed and only.data["restored"] == []
    only = ansible.parity(MODULE, site.args(state="restored", scope="files"))
    assert only.changed and site.seen() == files and not only.data["rows_restored"]


def test_each_row_of_the_message_types_goes_back_by_itself(ansible, site):
    """There may be two of one method, since null is not "" to a database."""
    def written(*texts):
        with sqlite3.connect(str(site.world.database), timeout=20) as database:
            for number, text in zip(numbers, texts):
                database.execute("UPDATE esb_channel SET comp_conf = ? WHERE id = ?", (text, number))

    with sqlite3.connect(str(site.world.database), timeout=20) as database:
        (first,) = database.execute("SELECT id FROM esb_channel WHERE path = '/cmsi/get_msg_type/'").fetchone()
        database.execute("CREATE TEMPORARY TABLE another AS SELECT * FROM esb_channel WHERE id = %d" % first)
        database.execute("UPDATE another SET id = 9999, method = NULL")
        database.execute("INSERT INTO esb_channel SELECT * FROM another")
        numbers = (first, 9999)
    written('[["mail", true], ["site_a", 1]]', '[["sms", false], ["site_b", 2]]')
    rows = site.rows()
    succeeded([ansible.run(MODULE, site.args())])
    written('[["mail", true], ["ding", true], ["site_a", 1]]', '[["sms", false], ["ding", true], ["site_b", 2]]')
    assert ansible.parity(MODULE, site.args(state="restored", scope="rows")).changed and site.rows() == rows


def test_a_restore_keeps_what_the_site_wrote_as_true_and_not_as_1(ansible, site):
    with sqlite3.connect(str(site.world.database), timeout=20) as database:
        database.execute("UPDATE esb_channel SET comp_conf = '[[\"mail\", 1]]' WHERE path = '/cmsi/get_msg_type/'")
    succeeded([ansible.run(MODULE, site.args())])
    with sqlite3.connect(str(site.world.database), timeout=20) as database:
        database.execute("UPDATE esb_channel SET comp_conf = '[[\"mail\", true]]' WHERE path = '/cmsi/get_msg_type/'")
    rows = site.rows()
    assert not ansible.parity(MODULE, site.args(state="restored", scope="rows")).changed and site.rows() == rows


def test_only_our_rows_and_the_key_ding_go_back(ansible, site):
    succeeded(ansible.run_many(site.install()))
    script = ("import django; django.setup(); from esb.bkcore.models import ESBChannel; import json; "
              "row = ESBChannel.objects.get(path='/cmsi/get_msg_type/'); row.comp_conf = json.dumps([['sms', False]] + json.loads(row.comp_conf)); row.save()")
    site.world.manage(script, python=True)
    ansible.parity(MODULE, site.args(state="restored"))
    with sqlite3.connect(str(site.world.database)) as database:
        ((text,),) = database.execute("SELECT comp_conf FROM esb_channel WHERE path = '/cmsi/get_msg_type/'")
    assert ["sms", False] in json.loads(text) and "ding" not in text


def test_a_folder_without_an_esb_needs_no_python_of_it(ansible, site):
    home = site.host.esb_home
    args = {"esb_home": str(home), "esb_python": ["/nonexistent/python"], "dir": str(site.dir), "rows": False}
    files = site.seen()
    assert ansible.parity(MODULE, args).changed
    assert not ansible.parity(MODULE, args).changed
    (site.apis / "ding_blueking").mkdir()
    (site.apis / "ding_blueking" / "half.py").write_text("what a failed install left")
    assert ansible.parity(MODULE, {**args, "state": "restored"}).changed
    assert site.seen() == files


def test_a_wiped_host_gets_everything_back(ansible, site):
    files = site.seen()
    ansible.run(MODULE, site.args())
    site.apis.rename(site.place / "wiped")
    assert ansible.parity(MODULE, site.args(state="restored")).data["kept"] == []
    assert site.seen() == files


def test_damaged_forged_and_missing_backups_are_refused_and_nothing_changes(ansible, site):
    made = Path(succeeded(ansible.run_many(site.install()[:1]))[0].data["path"])
    whole, files = made.read_bytes(), site.seen()
    (site.apis / "site" / "own.py").write_text("later")
    files = site.seen()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    for content in (whole[:-1], whole[:500], bytes(flipped), whole + b"\0", b"", whole[:-100]):
        made.write_bytes(content)
        for check in (True, False):
            result = ansible.run(MODULE, site.args(state="restored", overwrite=True), check=check)
            assert result.failed and "cannot be used" in result.msg and made.name.split(".")[0] in result.msg
    missing, odd = ansible.run_many([site.task(state="restored", backup="20010101T000000Z"), site.task(state="restored", backup="../../etc")])
    assert missing.failed and "There is no backup 20010101T000000Z" in missing.msg and odd.failed
    assert site.seen() == files


def test_a_folder_that_others_can_write_is_refused(ansible, site):
    site.dir.mkdir(mode=0o777)
    site.dir.chmod(0o777)
    for result in ansible.run_many([site.task(), site.task(state="restored"), site.task(state="listed")]):
        assert result.failed and "Others than root may write" in result.msg


def test_an_esb_that_does_not_start_is_said_and_nothing_is_written(ansible, site):
    result = ansible.run(MODULE, site.args(esb_python=["/nonexistent/python"]))
    assert result.failed and "cannot be started" in result.msg and not list(site.dir.glob("*"))
    (result,) = ansible.run_many([Task(MODULE, {"bk_home": "/nonexistent", "dir": str(site.dir)})])
    assert result.failed and "There is no ESB folder" in result.msg


def test_two_backups_at_once_make_one(ansible, site):
    found = []
    runs = [threading.Thread(target=lambda: found.append(ansible.run(MODULE, site.args()))) for dummy in range(2)]
    for each in runs:
        each.start()
    for each in runs:
        each.join()
    assert sorted(result.changed for result in succeeded(found)) == [False, True]
    assert len(list(site.dir.iterdir())) == 1


def test_no_output_holds_a_secret(ansible, site):
    tasks = site.install()
    # The channels are set by a task whose own output is not what is tested here.
    succeeded(ansible.run_many(tasks[:-1]))
    succeeded(ansible.run_many(tasks[-1:]))
    (site.apis / "conf.py").write_text((site.apis / "conf.py").read_text() + "TOKEN = '%s'\n# %s\n" % (HAND_SECRET, ROBOT_SECRET))
    with sqlite3.connect(str(site.world.database)) as database:
        database.execute("UPDATE esb_channel SET timeout_time = 77 WHERE path = '/cmsi/send_dingtalk/'")
    results = ansible.run_many([
        site.task(check=True), site.task(), site.task(state="recorded"), site.task(state="listed", verify=True),
        site.task(check=True, state="restored", backup="pristine", overwrite=True), site.task(state="restored", backup="pristine", overwrite=True),
        site.task(state="restored"), site.task(state="restored", esb_python=["/nonexistent/python"])], verbosity=3)
    assert [result.failed for result in results] == [False] * 7 + [True]
    for secret in (APP_SECRET, ROBOT_SECRET, HAND_SECRET, "dingnotreal"):
        assert secret not in results[0].stdout
    # Nor is a harmless word starred.
    assert "********" not in json.dumps([result.data for result in results]) and "ding_app_secret" in json.dumps(results[5].data)


@pytest.mark.parametrize("pipelining", [True, False])
def test_it_works_for_a_login_with_sudo_and_an_umask(ansible, site, pipelining):
    files = site.seen()
    def parity(**more):
        return ansible.as_login(pipelining=pipelining, umask=0o077).parity(MODULE, site.args(rows=False, **more))

    made = parity()
    assert stat.S_IMODE(os.stat(made.data["path"]).st_mode) == 0o600
    (site.apis / "ding_blueking").mkdir()
    (site.apis / "conf.py").unlink()
    parity(state="recorded")
    parity(state="restored")
    assert site.seen() == files


def test_a_login_without_root_is_told_so(ansible, site):
    site.dir.mkdir(mode=0o700)
    for path in site.apis.parents:
        path.chmod(path.stat().st_mode | 0o055)
    results = ansible.as_login(become=False).run_many([site.task(rows=False), site.task(state="restored", scope="files"), site.task(state="listed")])
    for result in results:
        assert result.failed and "become: true" in result.msg


class SmallDisk:
    """In place of a login: ansible-playbook sees a small file system on a folder."""

    def __init__(self, folder, size):
        self._words = ["unshare", "-m", "sh", "-c", "mount -t tmpfs -o mode=0700,size=%s tmpfs %s && exec \"$@\"" % (size, folder), "sh"]

    def own(self, folder):
        pass

    def prefix(self):
        return self._words


def small_disk(ansible, folder, size):
    if subprocess.run(["unshare", "-m", "mount", "-t", "tmpfs", "tmpfs", str(folder)], capture_output=True).returncode:
        pytest.skip("no mount namespace here")
    return ansible._variant(login=SmallDisk(folder, size))


def test_a_small_disk_is_refused_before_anything_starts(ansible, site):
    site.dir.mkdir(mode=0o700)
    (site.apis / "site" / "noise").write_bytes(os.urandom(400000))
    results = small_disk(ansible, site.dir, "300k").run_many([site.task(check=True), site.task(), site.task(state="listed")])
    for result in results[:2]:
        assert result.failed and "too little space for a backup" in result.msg and "MiB are free" in result.msg
    assert results[2].data["backups"] == []


def test_a_small_disk_refuses_a_restore_before_anything_starts(ansible, site):
    home = site.place / "esb"
    (home / "components" / "generic" / "apis").mkdir(parents=True)
    args = {"esb_home": str(home), "dir": str(site.dir), "rows": False}
    apis = home / "components" / "generic" / "apis"
    results = small_disk(ansible, home, "600k").run_many([
        Task("ansible.builtin.file", {"path": str(apis), "state": "directory"}),
        Task("ansible.builtin.command", {"cmd": "dd if=/dev/urandom of=%s/noise bs=1k count=300" % apis}),
        Task(MODULE, args),
        Task("ansible.builtin.copy", {"dest": "%s/noise" % apis, "content": "small\n"}),
        Task("ansible.builtin.command", {"cmd": "dd if=/dev/zero of=%s/filler bs=1k count=400" % home}),
        Task(MODULE, {**args, "state": "restored", "overwrite": True}, check=True),
        Task(MODULE, {**args, "state": "restored", "overwrite": True}),
        Task("ansible.builtin.command", {"cmd": "cat %s/noise" % apis}),
        Task("ansible.builtin.command", {"cmd": "ls -A %s" % apis.parent}),
        Task("ansible.builtin.file", {"path": "%s/filler" % home, "state": "absent"}),
        Task(MODULE, {**args, "state": "restored", "overwrite": True}),
    ])
    succeeded(results[:5])
    for result in results[5:7]:
        assert result.failed and "too little space for a restore" in result.msg
    assert results[7].data["stdout"] == "small" and results[8].data["stdout"] == "apis"
    assert results[10].changed
