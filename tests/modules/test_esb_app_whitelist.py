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
