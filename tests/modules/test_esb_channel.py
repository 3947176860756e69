"""ding.blueking.esb_channel against the sandbox's ESB and its database."""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import threading
import time
from pathlib import Path

import pytest

from modulekit.tasks import Task
from plugins.module_utils import conf_block

MODULE = "ding.blueking.esb_channel"
ROOT = Path(__file__).resolve().parents[2]
DING, TALK, BOT = "/cmsi/send_ding/", "/cmsi/send_dingtalk/", "/cmsi/send_dingbot/"
SECRET, OTHER = "obviously-not-a-real-secret-1", "obviously-not-a-real-secret-2"
ALL = [{"path": DING}, {"path": TALK}, {"path": BOT}]


@pytest.fixture
def host(sandbox):
    """paas1 with files and tables as at the start; our package is not on it."""
    sandbox.reset_files("paas1")
    sandbox.reset_database()
    yield sandbox.host("paas1")
    sandbox.reset_files("paas1")
    sandbox.reset_database()


@pytest.fixture
def installed(host):
    install(host)
    return host


def install(host):
    shutil.copytree(ROOT / "files" / "components" / "ding_blueking", host.generic / "apis" / "ding_blueking",
                    ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    edit(host.generic / "apis" / "conf.py", conf_block.add)


def edit(path, change):
    path.write_bytes(change(path.read_bytes()))


def arguments(host, channels=None, **more):
    wanted = {"bk_home": str(host.bk_home), **more}
    if channels is not None:
        wanted["channels"] = channels
    return wanted


def task(host, channels=None, check=False, **more):
    return Task(MODULE, arguments(host, channels, **more), check=check, environment=host.environment)


def run(ansible, host, channels=None, **more):
    return ansible.run_many([task(host, channels, **more)])[0]


def parity(ansible, host, channels=None, before=(), **more):
    return ansible.parity(MODULE, arguments(host, channels, **more), before=before, environment=host.environment)


def rows(sandbox):
    """Every row of the tables that a channel is in, by table and key."""
    with contextlib.closing(sqlite3.connect(sandbox.database, timeout=20)) as database:
        database.row_factory = sqlite3.Row
        return {(table, row["id"]): dict(row) for table in ("esb_channel", "esb_component_system")
                for row in database.execute("SELECT * FROM %s" % table)}


def row(sandbox, path, method=""):
    (found,) = [each for each in rows(sandbox).values() if each.get("path") == path and (each["method"] or "") == method]
    return found


def settings(sandbox, path):
    return json.loads(row(sandbox, path)["comp_conf"])


def sql(sandbox, statement, *values):
    with contextlib.closing(sqlite3.connect(sandbox.database, timeout=20)) as database, database:
        database.execute(statement, values)


def put(sandbox, path, text):
    sql(sandbox, "UPDATE esb_channel SET comp_conf = ? WHERE path = ?", text, path)


# --- every state as predicted -----------------------------------------------------------------------------------------


@pytest.mark.every_target
def test_missing_rows_are_added_and_configured_as_predicted(ansible, sandbox, installed):
    real = parity(ansible, installed, [
        {"path": DING, "settings": {"msg_key": "markdown", "deadline": 9, "list": [1, {"a": None}], "proxy": None}},
        {"path": TALK, "secret_settings": {"ding_app_secret": SECRET}, "active": False},
        {"path": BOT},
        {"path": "/cmsi/get_msg_type/", "registered": False, "settings": {"ding": True}}])
    assert [each["change"] for each in real.data["channels"]] == ["added", "added", "added", "changed"]
    assert settings(sandbox, DING) == [["msg_key", "markdown"], ["ca_bundle", ""], ["deadline", 9], ["list", [1, {"a": None}]]]
    assert settings(sandbox, TALK) == [["ding_app_key", ""], ["ding_app_secret", SECRET], ["robot_code", ""]]
    assert row(sandbox, TALK)["is_active"] == 0 and row(sandbox, BOT)["is_active"] == 1
    assert settings(sandbox, "/cmsi/get_msg_type/")[-1] == ["ding", True]
    assert row(sandbox, DING)["component_codename"] == "generic.cmsi.send_ding"
    assert real.diff["after"][TALK]["settings"]["ding_app_secret"] == "(hidden, new)"


def test_adding_touches_no_other_row(ansible, sandbox, installed):
    sql(sandbox, "UPDATE esb_channel SET name = 'the site calls it so', is_active = 0 WHERE path = '/cmsi/send_mail/'")
    sql(sandbox, "UPDATE esb_component_system SET label = 'the site calls it so' WHERE name = 'CMSI'")
    before = rows(sandbox)
    assert parity(ansible, installed, ALL).changed
    after = rows(sandbox)
    assert {key: after.get(key) for key in before} == before
    assert sorted(each["path"] for key, each in after.items() if key not in before) == [DING, BOT, TALK]


def test_on_a_host_without_the_package_the_check_predicts_what_the_run_after_its_installation_does(ansible, sandbox, host):
    channels = [{"path": DING}, {"path": TALK, "settings": {"ding_app_key": "k"}}, {"path": BOT, "active": False}]
    before = rows(sandbox)
    check = run(ansible, host, channels, check=True)
    assert check.changed and rows(sandbox) == before
    assert "not installed here yet" in json.dumps(check.data["warnings"])
    refused = run(ansible, host, channels)
    assert refused.failed and "install it with ding.blueking.esb_package" in refused.msg and rows(sandbox) == before
    install(host)
    real = run(ansible, host, channels)
    assert (real.changed, real.diff) == (check.changed, check.diff)


def test_a_setting_is_changed_and_the_others_stay(ansible, sandbox, installed):
    added = task(installed, ALL)
    real = parity(ansible, installed, before=[added], path=DING, settings={"proxy": "http://proxy.test:3128"})
    assert real.diff["before"][DING]["settings"]["proxy"] == ""
    assert real.diff["after"][DING]["settings"]["proxy"] == "http://proxy.test:3128"
    assert settings(sandbox, DING) == [["msg_key", "text"], ["proxy", "http://proxy.test:3128"], ["ca_bundle", ""]]


def test_a_changed_row_has_a_new_time_and_nothing_else_new(ansible, sandbox, installed):
    run(ansible, installed, ALL)
    before = row(sandbox, DING)
    run(ansible, installed, path=DING, settings={"msg_key": "markdown"})
    after = row(sandbox, DING)
    assert {name for name in before if before[name] != after[name]} == {"comp_conf", "last_modified_time"}


def test_secrets_are_compared_honestly(ansible, sandbox, installed):
    first = dict(path=TALK, secret_settings={"ding_app_secret": SECRET})
    assert parity(ansible, installed, **first).changed
    again, changed = ansible.run_many([task(installed, **first), task(installed, path=TALK, secret_settings={"ding_app_secret": OTHER})])
    assert not again.changed and again.diff["before"] == again.diff["after"]
    assert changed.changed
    assert [changed.diff[when][TALK]["settings"]["ding_app_secret"] for when in ("before", "after")] == ["(hidden)", "(hidden, new)"]
    removed = parity(ansible, installed, path=TALK, secret_settings={"ding_app_secret": None})
    assert removed.changed and settings(sandbox, TALK) == [["ding_app_key", ""], ["robot_code", ""]]


def test_switching_off_and_on(ansible, sandbox, installed):
    added = task(installed, ALL)
    assert parity(ansible, installed, before=[added], path=BOT, active=False).changed
    assert not parity(ansible, installed, path=BOT).changed and row(sandbox, BOT)["is_active"] == 0
    assert parity(ansible, installed, path=BOT, active=True).changed and row(sandbox, BOT)["is_active"] == 1


def test_our_rows_are_removed(ansible, sandbox, installed):
    before = rows(sandbox)
    real = parity(ansible, installed, [dict(each, state="absent") for each in ALL], before=[task(installed, ALL)])
    assert [each["change"] for each in real.data["channels"]] == ["removed"] * 3 and real.diff["after"] == {}
    assert rows(sandbox) == before
    assert not parity(ansible, installed, [dict(each, state="absent") for each in ALL]).changed


def test_a_foreign_row_is_removed_by_force_only(ansible, sandbox, host):
    foreign = "/cmsi/send_voice_msg/"
    refused = run(ansible, host, path=foreign, state="absent")
    assert refused.failed and "set force" in refused.msg and row(sandbox, foreign)
    assert parity(ansible, host, path=foreign, state="absent", force=True).changed
    assert not [each for each in rows(sandbox).values() if each.get("path") == foreign]


SHAPES = [
    ("/cmsi/send_mail/", "", '[["x", 1]]'), ("/cmsi/send_sms/", None, '[["x", 1]]'), ("/cmsi/send_weixin/", "null", '[["x", 1]]'),
    ("/cmsi/send_voice_msg/", "[]", '[["x", 1]]'), ("/cmsi/send_msg/", "{}", '{"x": 1}'),
    ("/cmsi/get_msg_type/", '{"b": 1, "a": {"d": 1, "c": 2}}', '{"b": 1, "a": {"d": 1, "c": 2}, "x": 1}'),
    (DING, '[["b", 1], ["a", 2]]', '[["b", 1], ["a", 2], ["x", 1]]')]


def test_settings_are_merged_in_the_shape_that_is_stored(ansible, sandbox, installed):
    run(ansible, installed, path=DING)
    for path, stored, _ in SHAPES:
        put(sandbox, path, stored)
    assert parity(ansible, installed, [{"path": path, "settings": {"x": 1}} for path, _, _ in SHAPES]).changed
    assert [row(sandbox, path)["comp_conf"] for path, _, _ in SHAPES] == [merged for _, _, merged in SHAPES]


def test_settings_that_nobody_can_read_are_left_alone(ansible, sandbox, host):
    put(sandbox, "/cmsi/send_mail/", "password=" + SECRET)
    refused, other = ansible.run_many([task(host, path="/cmsi/send_mail/", settings={"x": 1}), task(host, path="/cmsi/send_mail/", active=False)])
    assert refused.failed and "nothing can be merged" in refused.msg
    assert other.changed and row(sandbox, "/cmsi/send_mail/")["comp_conf"] == "password=" + SECRET
    assert SECRET not in refused.stdout


def test_where_the_conf_client_is_another_the_whole_sync_runs_and_is_predicted(ansible, sandbox, installed):
    for name in ("utils/conf_tools.py", "commands/sync_system_and_channel_data.py"):
        edit(installed.esb_home / "esb" / "management" / name, lambda text: text.replace(b"ConfClient", b"OtherClient"))
    of_the_site = b'CHANNELS = [("/cmsi/site_mail/", {"comp_codename": "generic.cmsi.send_mail", "comp_conf_to_db": [("license", "%s")]})]' % SECRET.encode()
    edit(installed.generic / "apis" / "conf.py", lambda text: text.replace(b"CHANNELS = []", of_the_site))
    sql(sandbox, "UPDATE esb_channel SET name = 'the site calls it so' WHERE path = '/cmsi/send_mail/'")
    sql(sandbox, "UPDATE esb_component_system SET label = 'the site calls it so' WHERE name = 'CMSI'")
    before = rows(sandbox)
    check = run(ansible, installed, path=DING, check=True)
    assert rows(sandbox) == before
    real = parity(ansible, installed, path=DING)
    assert real.diff == check.diff
    assert real.diff["before"]["/cmsi/send_mail/"] == {"name": "the site calls it so"}
    assert real.diff["before"]["system CMSI"] == {"label": "the site calls it so"}
    assert TALK in real.diff["after"]
    # Its row holds what the site declares; what that is stays the site's.
    assert SECRET in row(sandbox, "/cmsi/site_mail/")["comp_conf"]
    assert list(real.diff["after"]["/cmsi/site_mail/"]["settings"]) == ["license"] and SECRET not in check.stdout + real.stdout
    assert "its own parts cannot be kept" in json.dumps(real.data["warnings"])


# --- refusals ---------------------------------------------------------------------------------------------------------


def test_what_cannot_be_is_refused_in_one_sentence_and_nothing_is_written(ansible, sandbox, installed):
    run(ansible, installed, ALL)
    columns = ", ".join(name for name in row(sandbox, DING) if name not in ("id", "method"))
    sql(sandbox, "INSERT INTO esb_channel (method, %s) SELECT 'POST', %s FROM esb_channel WHERE path = ?" % (columns, columns), DING)
    before = rows(sandbox)
    cases = [
        (task(installed, path=DING, active=False), 'with the methods "", POST: say with method'),
        (task(installed, [{"path": BOT}, {"path": BOT, "active": False}]), "is given twice"),
        (task(installed, [{"path": BOT, "active": False}, {"path": "/cmsi/nowhere/"}]), "neither components/generic/apis/conf.py nor the ESB"),
        (task(installed, path="/cmsi/nowhere/", registered=False), "registered is false"),
        (task(installed, path="/cmsi/nowhere/", check=True), "neither components/generic/apis/conf.py nor the ESB"),
        (task(installed, path=BOT, method="GET"), "does not declare it with this method"),
        (task(installed, path="cmsi/send_ding/"), "begins with a slash"),
        (task(installed, path=DING, channels=ALL), "mutually exclusive"),
        (task(installed), "one of the following is required"),
        (task(installed, path=BOT, settings={"a": 1}, secret_settings={"a": SECRET}), "keep one of them"),
    ]
    for (_, words), result in zip(cases, ansible.run_many([each for each, _ in cases])):
        assert result.failed and words in result.msg and "\n" not in result.msg.strip(), (words, result)
    assert rows(sandbox) == before


@pytest.mark.parametrize("where, text, words", [
    ("conf.py", b"\nraise RuntimeError('the site broke it')\n", "because it raises RuntimeError: the site broke it"),
    ("ding_blueking/send_ding.py", b"\nimport no_such_module\n", "no_such_module"),
    ("ding_blueking/_channels.py", b"\nimport no_such_module\n", "the package cannot be imported"),
])
def test_a_row_that_the_esb_does_not_add_comes_with_the_reason(ansible, sandbox, installed, where, text, words):
    edit(installed.generic / "apis" / where, lambda content: content + text)
    before = rows(sandbox)
    for result in ansible.run_many([task(installed, path=DING), task(installed, path=DING, check=True)]):
        assert result.failed and "did not add the channel /cmsi/send_ding/" in result.msg and words in result.msg
    assert rows(sandbox) == before


def test_a_row_that_the_database_refuses_comes_with_what_the_esb_logged(ansible, sandbox, installed):
    sql(sandbox, "CREATE TRIGGER full BEFORE INSERT ON esb_channel BEGIN SELECT RAISE(ABORT, 'the table is full'); END")
    result = run(ansible, installed, path=DING)
    assert result.failed and "could not add the channels" in result.msg and "the table is full" in result.msg


def test_without_the_block_the_reason_names_it(ansible, installed):
    edit(installed.generic / "apis" / "conf.py", conf_block.remove)
    result = run(ansible, installed, path=DING)
    assert result.failed and "does not have the package's block" in result.msg


def test_an_esb_that_is_out_of_order_is_reported_in_one_sentence(ansible, installed, tmp_path):
    broken = installed.environment
    cases = [
        (arguments(installed, path=DING, esb_python=["/nonexistent/python"]), broken, "cannot be started (/nonexistent/python)"),
        (arguments(installed, path=DING, esb_home="/nonexistent/esb"), broken, "There is no ESB folder /nonexistent/esb"),
        (arguments(installed, path=DING, esb_user="no-such-user"), broken, "There is no user no-such-user"),
        (arguments(installed, path=DING), dict(broken, SANDBOX_DB=str(tmp_path / "no" / "file")), "database cannot be used"),
        (arguments(installed, path=DING), dict(broken, SANDBOX_DB=str(tmp_path / "empty")), "no such table"),
        (arguments(installed, path=DING), dict(broken, DJANGO_SETTINGS_MODULE="no_such_settings"), "does not start"),
    ]
    results = ansible.run_many([Task(MODULE, dict(args, secret_settings={"a": SECRET}), environment=environment) for args, environment, _ in cases])
    for (_, _, words), result in zip(cases, results):
        assert result.failed and words in result.msg and "\n" not in result.msg.strip(), (words, result)
        assert SECRET not in result.stdout


# --- secrets, other users, other writers ------------------------------------------------------------------------------


def test_no_secret_is_in_any_output_and_no_harmless_word_is_starred(ansible, sandbox, installed):
    run(ansible, installed, ALL)
    put(sandbox, TALK, json.dumps([["ding_app_secret", "stored-" + SECRET], ["proxy", "http://u:stored-pw-not-real@h"], ["robot_code", "text"]]))
    wanted = dict(path=TALK, settings={"robot_code": "markdown"}, secret_settings={"ding_app_secret": OTHER, "short": "text"})
    for verbose in (0, 3):
        real, failed = ansible.run_many([task(installed, **wanted), task(installed, **dict(wanted, path="/cmsi/nowhere/"))], verbosity=verbose)
        assert not real.failed and failed.failed and "Traceback" not in real.stdout
        for secret in (SECRET, OTHER, "stored-pw-not-real"):
            assert secret not in real.stdout
        assert "markdown" in real.stdout and "****" not in json.dumps([real.data, failed.data])


def test_a_secret_among_the_plain_settings_is_not_shown_either(ansible, installed):
    wanted = {"settings": {"ding_app_secret": SECRET, "proxy": "http://u:%s@h.test" % SECRET, "msg_key": "markdown"}}
    results = ansible.run_many([task(installed, path=TALK, **wanted), task(installed, [dict(wanted, path=BOT)], check=True)], verbosity=3)
    assert [result.changed for result in results] == [True, True], results
    assert SECRET not in results[0].stdout and "markdown" in results[0].stdout


def waiting_python(host, folder):
    """An ESB Python that says that it has started and waits for `go`."""
    script = folder / "python"
    script.write_text("#!/bin/sh\ntouch %s/started\nwhile [ ! -e %s/go ]; do sleep 0.1; done\nexec %s \"$@\"\n" % (folder, folder, host.python))
    script.chmod(0o755)
    return str(script)


def until(condition, seconds=30):
    limit = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < limit, "it did not happen in time"
        time.sleep(0.05)


def test_no_secret_is_in_arguments_or_environments_while_it_runs(ansible, installed, tmp_path):
    found = []
    thread = threading.Thread(target=lambda: found.append(
        run(ansible, installed, path=TALK, secret_settings={"ding_app_secret": SECRET}, esb_python=[waiting_python(installed, tmp_path)])))
    thread.start()
    try:
        until((tmp_path / "started").exists)
        seen = b""
        for place in Path("/proc").glob("[0-9]*"):
            for name in ("cmdline", "environ"):
                with contextlib.suppress(OSError):
                    seen += (place / name).read_bytes()
    finally:
        (tmp_path / "go").touch()
        thread.join()
    assert str(tmp_path).encode() in seen and SECRET.encode() not in seen
    assert found[0].changed, found


def test_two_hosts_that_add_the_same_rows_at_once_both_succeed(ansible, sandbox, installed):
    results = []
    channels = [dict(each, settings={"x": 1}) for each in ALL]
    threads = [threading.Thread(target=lambda: results.append(run(ansible, installed, channels))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.failed for result in results] == [False, False], results
    assert sorted(result.changed for result in results) == [False, True]
    assert len([each for each in rows(sandbox).values() if each.get("path") in (DING, TALK, BOT)]) == 3


def test_a_locked_database_is_waited_for(ansible, sandbox, installed):
    with contextlib.closing(sqlite3.connect(sandbox.database, timeout=20, isolation_level=None, check_same_thread=False)) as other:
        other.execute("BEGIN IMMEDIATE")
        timer = threading.Timer(4, other.execute, ["ROLLBACK"])
        timer.start()
        result = run(ansible, installed, path=DING)
        timer.join()
    assert result.changed, result


SYSTEM_PYTHON = "/usr/bin/python3"
NEEDED = ("django", "asgiref", "sqlparse", "requests", "urllib3", "idna", "certifi", "charset_normalizer", "jwt", "redis")
NOBODY = 65534


@pytest.mark.newest
@pytest.mark.esb_of_today
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can work as another user")
def test_work_and_logs_are_the_service_users(ansible, sandbox, installed):
    """The sandbox's own Python lies in a folder that another user may not enter: the host's Python, with Django beside the ESB."""
    place = Path("/var/tmp") / ("ding-channel-%d" % os.getpid())
    found = subprocess.run([installed.python, "-c", "import django, os; print(os.path.dirname(os.path.dirname(django.__file__)))"],
                           stdout=subprocess.PIPE, check=True, text=True).stdout.strip()
    if subprocess.run([SYSTEM_PYTHON, "-c", "import django, sqlite3"], env={"PYTHONPATH": found}, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("%s cannot run the Django of this sandbox" % SYSTEM_PYTHON)
    try:
        shutil.copytree(installed.esb_home, place / "esb", symlinks=True)
        for package in Path(found).iterdir():
            if package.name.split(".")[0] in NEEDED:
                shutil.copytree(package, place / "esb" / package.name) if package.is_dir() else shutil.copy(package, place / "esb")
        (place / "logs").mkdir()
        sandbox_tables(sandbox, place / "database")
        for path in [place, *place.rglob("*")]:
            os.chown(path, NOBODY, NOBODY, follow_symlinks=False)
        environment = dict(installed.environment, SANDBOX_DB=str(place / "database"), PAAS_LOGGING_DIR=str(place / "logs"))
        result = ansible.run(MODULE, arguments(installed, path=DING, esb_home=str(place / "esb"), esb_logs=str(place / "logs"),
                                               esb_python=[SYSTEM_PYTHON]), environment=environment)
        assert result.changed, result
        assert {path.lstat().st_uid for path in place.rglob("*")} == {NOBODY}
        assert list((place / "logs").iterdir())
    finally:
        shutil.rmtree(place, ignore_errors=True)


def sandbox_tables(sandbox, path):
    with contextlib.closing(sqlite3.connect(sandbox.database, timeout=20)) as live, contextlib.closing(sqlite3.connect(path)) as copy:
        live.backup(copy)
