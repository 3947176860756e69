"""The local ESB's management commands, its health page, and the database that hosts share."""
import json
import subprocess

import pytest
from esbhost import APP, CUSTOM, PYTHONS, Host, conf, environment_of, probe, running

OK = 'self.response.payload = {"result": True}'


@pytest.fixture(params=PYTHONS)
def host(request, tmp_path):
    host = Host(environment_of(request.param), tmp_path)
    host.component(CUSTOM + "probe/one.py", "One", body=OK)
    host.component(CUSTOM + "probe/two.py", "Two", body=OK)
    host.write(CUSTOM + "conf.py", conf(probe("one", comp_conf_to_db=[["key", ""]])))
    host.migrate()
    return host


def sync(host, *words):
    return host.manage("sync_system_and_channel_data", *words).stderr.splitlines()


def rows(host):
    columns = "path", "name", "comp_conf", "type", "is_hidden"
    return {row[0]: row for row in json.loads(host.script(
        "import json\nfrom esb.bkcore.models import ESBChannel\n"
        "print(json.dumps(list(map(list, ESBChannel.objects.filter(path__startswith='/probe/')"
        ".values_list(*%r)))))" % (columns,)))}


def test_sync_adds_what_is_missing_and_says_so(host):
    printed = sync(host)
    assert "[INFO] add system: PROBE" in printed
    assert printed.count("[INFO] add channel: /probe/one/") == 1
    assert rows(host) == {"/probe/one/": ["/probe/one/", "探针", '[["key", ""]]', 1, False]}
    host.write(CUSTOM + "conf.py", conf(probe("one"), probe("two", is_deprecated=False)))
    assert [line for line in sync(host) if "add channel" in line] == ["[INFO] add channel: /probe/two/"]
    assert rows(host)["/probe/two/"][2] == ""


def test_sync_keeps_settings_and_resets_names(host):
    sync(host)
    host.manage("sandbox_channel", given=json.dumps({"/probe/one/": {"key": "kept", "more": "值"}}))
    host.script("from esb.bkcore.models import ESBChannel\n"
                "ESBChannel.objects.filter(path='/probe/one/').update(name='ours', is_hidden=True)")
    sync(host)
    path, name, conf_text, _type, is_hidden = rows(host)["/probe/one/"]
    assert (name, json.loads(conf_text), is_hidden) == ("探针", [["key", "kept"], ["more", "值"]], True)
    sync(host, "--force")
    assert rows(host)["/probe/one/"][4] is False


def test_sync_leaves_out_what_it_cannot_serve(host):
    host.write(CUSTOM + "conf.py", conf(
        probe("one", is_hidden=True), probe("two", is_deprecated=True), probe("three"),
        ("/elsewhere/one/", {"comp_codename": "generic.probe.one"}),
    ))
    printed = sync(host)
    assert rows(host) == {}
    assert any("Can't find component class of generic.probe.three" in line for line in printed)
    assert any("path is not standard" in line and "/elsewhere/one/" in line for line in printed)


def test_any_exception_in_conf_py_leaves_all_custom_channels_out(host):
    with open(host.home / CUSTOM / "conf.py", "a") as handle:
        handle.write("\nraise RuntimeError('no')\n")
    printed = sync(host)
    assert rows(host) == {}
    assert "[INFO] add channel: /cmsi/send_msg/" in printed and printed[-1] == "[INFO] Sync system/channels done"


def test_sync_at_deploy_syncs_channels_the_white_list_and_documentation(host):
    host.write(CUSTOM + "probe/apidocs/zh_hans/one.md", "### 探针\n")
    host.manage("sync_data_at_deploy")
    assert "/probe/one/" in rows(host)
    printed = host.script("""
import json
from esb.bkcore.models import ComponentAPIDoc, ESBChannel, FunctionController
doc = ComponentAPIDoc.objects.get(component_id=ESBChannel.objects.get(path="/probe/one/").id)
print(json.dumps([json.loads(doc.doc_md), FunctionController.objects.get(func_code="user_auth::skip_user_auth").wlist]))
""")
    doc, white_list = json.loads(printed)
    assert "### 探针" in doc["zh-hans"]
    assert "bk_monitor" in white_list.split(",")


def test_settings_of_an_unknown_channel_change_nothing(host):
    sync(host)
    given = json.dumps({"/probe/one/": {"key": "x"}, "/probe/none/": {"key": "x"}})
    assert "There is no channel /probe/none/" in host.manage("sandbox_channel", given=given, expect=1).stderr
    assert rows(host)["/probe/one/"][2] == '[["key", ""]]'


def test_the_migrations_are_complete(host):
    assert "No changes detected" in host.manage("makemigrations", "--dry-run").stdout


def test_without_its_environment_the_esb_says_what_is_missing(host):
    del host.environment["SANDBOX_DB"]
    assert "Set the SANDBOX_DB environment variable" in host.manage("migrate", expect=1).stderr
    (host.home / "conf" / "host.json").write_text(json.dumps({"SANDBOX_DB": str(host.folder / "open_paas.sqlite3")}))
    sync(host)
    del host.environment["BK_ENV"]
    assert "settings_development" in host.manage("migrate", expect=1).stderr


def test_health_is_told_in_the_body_only(host):
    with running(host):
        before = host.call("/healthz/")
        sync(host)
        after = host.call("/healthz/")
        host.environment["SANDBOX_HEALTHZ_FAULT"] = "GSE is down"
        host.restart()
        faulty = host.call("/healthz/")
    assert [answer.status for answer in (before, after, faulty)] == [200, 200, 200]
    assert before.json["ok"] is False and "sync_system_and_channel_data" in before.json["message"]
    assert after.json == {"ok": True, "code": "1306000", "message": "OK", "data": {}}
    assert (faulty.json["ok"], faulty.json["message"]) == (False, "GSE is down")


def test_a_redis_that_does_not_answer_is_told(host):
    host.environment.update(REDIS_HOST="127.0.0.1", REDIS_PORT="1")
    sync(host)
    with running(host):
        assert host.call("/healthz/").json["message"].startswith("Exceptions occurred in Redis connection")


def test_hosts_share_one_database_while_all_of_them_write(host, tmp_path):
    host.manage("sync_data_at_deploy")
    host.manage("sandbox_app", "--code", APP["bk_app_code"], "--secret", APP["bk_app_secret"], "--whitelist")
    other = Host(host.env, tmp_path / "other", database=host.environment["SANDBOX_DB"])
    write = ("import django; django.setup()\n"
             "from esb.bkcore.models import AppAccount\n"
             "for n in range(100): AppAccount.objects.update_or_create(app_code='%s-%%s' %% n, defaults={'app_token': 't'})")
    writers = [
        subprocess.Popen([str(one.env / "bin" / "python"), "-c", write % index], cwd=one.home, env=one.environment,
                         stderr=subprocess.PIPE, text=True)
        for index, one in enumerate((host, other, host, other))
    ]
    with running(host):
        while any(writer.poll() is None for writer in writers):
            assert host.api("/probe/one/")["result"] is True
    for writer in writers:
        assert writer.communicate()[1] == ""
    assert host.script("from esb.bkcore.models import AppAccount; print(AppAccount.objects.count())").strip() == "400"
