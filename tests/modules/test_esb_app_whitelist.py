"""ding.blueking.esb_app_whitelist against the sandbox's database, through the ESB's own Python."""

import sqlite3
from contextlib import closing

import pytest

from modulekit.tasks import Task

MODULE = "ding.blueking.esb_app_whitelist"
FUNCTION = "user_auth::skip_user_auth"


@pytest.fixture(autouse=True)
def fresh(sandbox):
    sandbox.reset_database()
    yield
    sandbox.reset_database()


def arguments(sandbox, app="site_app", **more):
    return dict({"bk_home": str(sandbox.host("paas1").bk_home), "app": app}, **more)


def stored(sandbox):
    with closing(sqlite3.connect(sandbox.database, timeout=20)) as database:
        return database.execute("select wlist, switch_status from esb_function_controller where func_code = ?", (FUNCTION,)).fetchone()


def store(sandbox, **columns):
    with closing(sqlite3.connect(sandbox.database, timeout=20)) as database, database:
        for name, value in columns.items():
            database.execute("update esb_function_controller set %s = ? where func_code = ?" % name, (value, FUNCTION))


def everything_else(sandbox):
    with closing(sqlite3.connect(sandbox.database, timeout=20)) as database:
        tables = [row[0] for row in database.execute("select name from sqlite_master where type = 'table'")]
        rows = {name: database.execute("select * from %s" % name).fetchall() for name in tables if name != "esb_function_controller"}
        rows["others"] = database.execute("select * from esb_function_controller where func_code != ?", (FUNCTION,)).fetchall()
        return rows


@pytest.mark.every_target
def test_an_app_comes_and_goes_as_predicted_and_nothing_else_changes(ansible, sandbox):
    wlist, rows = stored(sandbox)[0], everything_else(sandbox)
    added = ansible.parity(MODULE, arguments(sandbox))
    assert added.changed and stored(sandbox)[0] == wlist + ",site_app" and added.data["enabled"]
    assert added.data["apps"] == wlist.split(",") + ["site_app"] == added.diff["after"]["apps"]
    assert ansible.parity(MODULE, arguments(sandbox, state="absent")).changed
    assert stored(sandbox)[0] == wlist and everything_else(sandbox) == rows


@pytest.mark.parametrize("wlist,after", [("", "site_app"), (None, "site_app"), ("a;b", "a;b;site_app"), ('["a", "b"]', '["a", "b"],site_app')])
def test_each_form_of_the_list_is_kept(ansible, sandbox, wlist, after):
    store(sandbox, wlist=wlist)
    assert ansible.parity(MODULE, arguments(sandbox)).changed
    assert stored(sandbox)[0] == after
    assert ansible.parity(MODULE, arguments(sandbox, state="absent")).changed
    assert stored(sandbox)[0] == (wlist or "")


def test_what_is_so_already_is_no_change(ansible, sandbox):
    store(sandbox, wlist="a,site_app")
    present, absent = ansible.run_many([Task(MODULE, arguments(sandbox)), Task(MODULE, arguments(sandbox, "other", state="absent"))])
    assert not present.changed and not absent.changed and not present.diffs and not absent.diffs
    assert stored(sandbox)[0] == "a,site_app"


def test_a_list_that_is_switched_off_is_said(ansible, sandbox):
    store(sandbox, switch_status=0)
    result = ansible.run(MODULE, arguments(sandbox))
    assert result.changed and not result.data["enabled"] and "switched off" in str(result.data["warnings"])


def test_mistakes_are_sentences(ansible, sandbox, tmp_path):
    tasks = [Task(MODULE, arguments(sandbox, "a,b")), Task(MODULE, dict(arguments(sandbox), bk_home=str(tmp_path)))]
    bad_code, no_esb = ansible.run_many(tasks)
    assert "is no code of an app" in bad_code.msg
    assert "There is no ESB folder" in no_esb.msg


def test_only_an_app_that_we_have_put_in_is_taken_out(ansible, sandbox, tmp_path):
    note = tmp_path / "backups" / "white_list.json"
    ours, theirs = arguments(sandbox, record=str(note)), arguments(sandbox, app=sandbox.app_code, record=str(note))
    wlist = stored(sandbox)[0]
    assert not ansible.parity(MODULE, theirs).changed and not note.exists()
    assert not ansible.parity(MODULE, dict(theirs, state="absent")).changed and stored(sandbox)[0] == wlist
    assert ansible.parity(MODULE, ours).changed and note.stat().st_mode & 0o777 == 0o600 and note.parent.stat().st_mode & 0o777 == 0o700
    # A second run keeps the note, another app's removal does not use it, and neither does going back to a later time.
    assert not ansible.run(MODULE, ours).changed and note.exists()
    assert not ansible.run(MODULE, dict(theirs, state="absent")).changed
    assert not ansible.run(MODULE, dict(ours, state="absent", record_since="20990101T000000Z")).changed
    assert stored(sandbox)[0] == wlist + ",site_app"
    assert ansible.parity(MODULE, dict(ours, state="absent", record_since="20200101T000000Z")).changed
    assert stored(sandbox)[0] == wlist and not note.exists()


def test_all_apps_of_the_note_go_whatever_the_app_is_called_by_then(ansible, sandbox, tmp_path):
    record = str(tmp_path / "white_list.json")
    wlist = stored(sandbox)[0]
    first, second = ansible.run_many([Task(MODULE, arguments(sandbox, app, record=record)) for app in ("first_app", "second_app")])
    assert first.changed and second.changed and stored(sandbox)[0] == wlist + ",first_app,second_app"
    gone = {key: value for key, value in arguments(sandbox, state="absent", record=record).items() if key != "app"}
    assert ansible.parity(MODULE, gone).changed
    assert stored(sandbox)[0] == wlist and not (tmp_path / "white_list.json").exists()
    assert ansible.run(MODULE, dict(gone, record=None)).failed


def test_a_note_that_is_none_is_not_believed(ansible, sandbox, tmp_path):
    note = tmp_path / "white_list.json"
    note.write_text("[]", "utf-8")
    refused = ansible.run(MODULE, arguments(sandbox, state="absent", record=str(note)))
    assert refused.failed and "is no record of the white list" in refused.msg
