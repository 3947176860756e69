"""ding.blueking.esb_preflight: a good host has no problems, a bad one has all of them at once, and nothing is changed."""

import base64
import http.server
import os
import select
import socket
import stat
import threading
from contextlib import contextmanager

import pytest

from modulekit.tasks import Task
from sandbox import processes
from support import faulty

MODULE = "ding.blueking.esb_preflight"
SECRETS = {"app_secret": "preflight-esb-secret-not-real", "usermgr_app_secret": "preflight-usermgr-secret-not-real"}
PASSWORD = "preflight-proxy-password-not-real"


def arguments(sandbox, **more):
    host = sandbox.host("paas1")
    return dict({"bk_home": str(host.bk_home), "src_home": str(host.src_home), "runtime": "command", "restart_command": ["true"],
                 "service_mode": "external",
                 "backup_dir": str(sandbox.home / "backup"), "space_mb": 1, "dingtalk_urls": [sandbox.dingtalk_url], "usermgr_url": sandbox.usermgr_url,
                 "url": host.esb_url, "app_code": sandbox.app_code, "app_secret": sandbox.app_secret}, **more)


def texts(found):
    return " | ".join(each["what"] + " " + each["remedy"] for each in found)


@pytest.fixture(autouse=True)
def fresh(sandbox):
    sandbox.reset_usermgr()
    yield
    sandbox.reset_files("paas1")


def tree(folder):
    return {path: (path.lstat().st_mode, path.lstat().st_mtime_ns, path.lstat().st_size)
            for path in folder.rglob("*") if "logs" not in path.parts and path.suffix != ".log"}


@pytest.mark.every_target
def test_a_good_host_has_no_problems_and_is_not_changed(ansible, sandbox):
    host = sandbox.host("paas1")
    before = tree(host.bk_home.parent)
    result = ansible.run(MODULE, arguments(sandbox))
    assert not result.failed and not result.changed and result.data["problems"] == [], result
    assert result.data["warnings_found"] == []
    facts = result.data["facts"]
    assert (facts["paas_version"], facts["generation"], facts["runtime"], facts["package_version"]) == ("2.12.25", "v6", "command", None)
    assert facts["esb_python_version"] and facts["django_version"] and facts["user"] and facts["group"] and facts["host_python"]
    assert len([each for each in facts["processes"] if each["worker"]]) == 2 and facts["healthz"]["ok"]
    assert abs(facts["clock_offset"]) < 60 and facts["original_release"] == [] and not facts["stale"]
    assert facts["message_types"]["mail"] is True and all(free > 1 for free in facts["free_mb"].values())
    assert tree(host.bk_home.parent) == before and not (sandbox.home / "backup").exists()


def test_a_host_without_a_platform_has_all_its_problems_at_once(ansible, tmp_path):
    nowhere = "http://127.0.0.1:%d" % processes.free_port()
    result = ansible.run(MODULE, dict({"bk_home": str(tmp_path), "src_home": str(tmp_path), "dingtalk_urls": [nowhere], "usermgr_url": nowhere,
                                       "url": nowhere, "app_code": "x", "space_mb": 10 ** 9, "unit": "ding-none.service", "engine": "ding-no-engine"},
                                      **SECRETS), verbosity=3)
    found = texts(result.data["problems"])
    for part in ("version of the PaaS platform is not known", "no ESB in", "neither a unit ding-none.service", "MB are free", "DingTalk at",
                 "User management at", "The ESB does not answer"):
        assert part in found, found
    assert not result.failed
    assert not any(secret in result.stdout for secret in SECRETS.values())


def test_versions(ansible, sandbox, tmp_path):
    quick = {"dingtalk_urls": [], "usermgr_url": None, "url": None}
    os.makedirs(tmp_path / "open_paas")
    (tmp_path / "open_paas" / "VERSION").write_text("2.11.3\n", "utf-8")
    results = ansible.run_many([Task(MODULE, arguments(sandbox, **dict(quick, **more))) for more in (
        {"src_home": str(tmp_path)}, {"src_home": str(tmp_path), "force_version": True}, {"src_home": str(tmp_path), "paas_version": "2.13.1"},
        {"bk_home": "/nonexistent", "src_home": "/nonexistent", "controller_version": "2.14.7"})])
    assert "2.11.3" in texts(results[0].data["problems"]) and "ding_force_version" in texts(results[0].data["problems"])
    assert results[1].data["problems"] == [] and "2.11.3" in texts(results[1].data["warnings_found"])
    assert results[2].data["problems"] == [] and results[2].data["facts"]["paas_version"] == "2.13.1"
    assert results[3].data["facts"]["paas_version"] == "2.14.7"


def test_a_v7_tree_points_to_the_guide(ansible, sandbox, tmp_path):
    esb = tmp_path / "open_paas" / "esb"
    (esb / "esb" / "bkcore").mkdir(parents=True)
    (esb / "manage.py").write_text("", "utf-8")
    (esb / "esb" / "bkcore" / "models.py").write_text("class ESBChannel:\n    config = JSONField()\n", "utf-8")
    result = ansible.run(MODULE, arguments(sandbox, bk_home=str(tmp_path), url=None, dingtalk_urls=[], usermgr_url=None, force_version=True))
    assert result.data["facts"]["generation"] == "v7"
    assert "guide for V7" in texts(result.data["problems"])


def test_what_lies_in_the_apis_folder(ansible, sandbox):
    apis = sandbox.host("paas1").generic / "apis"
    quick = {"dingtalk_urls": [], "usermgr_url": None, "url": None}
    (apis / "cmsi").mkdir(exist_ok=True)
    (apis / "cmsi" / "send_ding.py").write_text("# the site's own\n", "utf-8")
    with open(apis / "conf.py", "a", encoding="utf-8") as conf:
        conf.write("\n# BEGIN ding.blueking\n")
    first = ansible.run(MODULE, arguments(sandbox, **quick))
    assert "cmsi/send_ding.py" in texts(first.data["problems"]) and "ding_replace_original=true" in texts(first.data["problems"])
    assert "has no END" in texts(first.data["problems"])
    assert first.data["facts"]["original_release"] == ["cmsi/send_ding.py"]


def test_a_broken_esb_and_a_broken_conf(ansible, sandbox):
    quick = {"dingtalk_urls": [], "usermgr_url": None, "url": None}
    conf = sandbox.host("paas1").generic / "apis" / "conf.py"
    conf.write_text("CHANNELS = [\n", "utf-8")
    broken, no_python = ansible.run_many([Task(MODULE, arguments(sandbox, **quick)),
                                          Task(MODULE, arguments(sandbox, esb_python=["/nonexistent/python"], **quick))])
    assert broken.data["problems"] == [] and "conf.py cannot be imported (SyntaxError" in texts(broken.data["warnings_found"])
    assert "cannot be started (/nonexistent/python)" in texts(no_python.data["problems"])


def test_the_apps_credentials(ansible, sandbox):
    quick = {"dingtalk_urls": [], "usermgr_url": None, "health": False}
    sandbox.manage("import django; django.setup()\nfrom esb.bkcore.models import AppAccount\n"
                   "AppAccount.objects.update_or_create(app_code='unlisted', defaults={'app_token': 'unlisted-secret-not-real'})", python=True)
    unlisted = dict(quick, app_code="unlisted", app_secret="unlisted-secret-not-real")
    try:
        wrong, refused, listed_later, none = ansible.run_many([Task(MODULE, arguments(sandbox, **more)) for more in (
            dict(quick, app_secret=SECRETS["app_secret"]), unlisted, dict(unlisted, whitelist_app=True), dict(quick, app_code=None))])
    finally:
        sandbox.reset_database()
    assert "not the secret of the app" in texts(wrong.data["problems"]) and "ding_esb_app_secret" in texts(wrong.data["problems"])
    assert "ding_whitelist_app=true" in texts(refused.data["problems"])
    assert listed_later.data["problems"] == [] and "white list" in texts(listed_later.data["warnings_found"])
    assert none.data["problems"] == [] and "no credentials" in texts(none.data["warnings_found"])
    assert wrong.data["facts"]["processes"] is None


def test_user_management_with_credentials(ansible, sandbox):
    quick = {"dingtalk_urls": [], "url": None}
    sandbox.usermgr.configure(auth=True)
    code, secret, token = "bk_user_manage", "usermgr-secret-not-real", "usermgr-token-not-real"
    results = ansible.run_many([Task(MODULE, arguments(sandbox, **dict(quick, **more))) for more in (
        {}, {"usermgr_app_code": code, "usermgr_app_secret": secret}, {"usermgr_token": token},
        {"usermgr_token": SECRETS["usermgr_app_secret"]})], verbosity=3)
    assert [bool(each.data["problems"]) for each in results] == [True, False, False, True], results
    assert "ding_usermgr_app_secret" in texts(results[0].data["problems"])
    assert not any(each in results[0].stdout for each in (secret, token, SECRETS["usermgr_app_secret"]))


class Proxy(http.server.BaseHTTPRequestHandler):
    """Answers CONNECT and absolute addresses itself; `seen` keeps what was asked."""

    seen, status = [], 200

    def do_GET(self):
        self.seen.append((self.command, self.path, self.headers.get("Proxy-Authorization")))
        self.send_response(self.status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_CONNECT = do_GET

    def log_message(self, *arguments):
        pass


@contextmanager
def proxy(status, kind=Proxy):
    handler = type("OneProxy", (kind,), {"seen": [], "status": status})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield "http://operator:%s@127.0.0.1:%d" % (PASSWORD, server.server_port), handler.seen
    finally:
        server.shutdown()
        server.server_close()


def test_the_way_to_dingtalk_goes_through_the_proxy_and_its_password_is_not_shown(ansible, sandbox):
    quick = {"usermgr_url": None, "url": None}
    with proxy(200) as (good, seen), proxy(407) as (bad, _):
        through, tls, refused, offline = ansible.run_many([Task(MODULE, arguments(sandbox, **dict(quick, **more))) for more in (
            {"proxy": good, "dingtalk_urls": ["http://dingtalk.invalid"]}, {"proxy": good, "dingtalk_urls": ["https://dingtalk.invalid"]},
            {"proxy": bad, "dingtalk_urls": ["https://dingtalk.invalid"]},
            {"proxy": bad, "dingtalk_urls": ["https://dingtalk.invalid"], "offline": True})], verbosity=3)
    assert through.data["problems"] == [] and abs(through.data["facts"]["clock_offset"]) < 60
    credentials = "Basic " + base64.b64encode(("operator:" + PASSWORD).encode()).decode()
    assert seen[0] == ("GET", "http://dingtalk.invalid/", credentials) and seen[1][:2] == ("CONNECT", "dingtalk.invalid:443")
    assert len(tls.data["problems"]) == 1, "a tunnel in which nobody speaks TLS is no way to DingTalk"
    assert "407" in texts(refused.data["problems"]) and "ding_proxy" in texts(refused.data["problems"])
    assert offline.data["problems"] == [] and "407" in texts(offline.data["warnings_found"])
    assert PASSWORD not in through.stdout


class Tunnel(Proxy):
    """Connects to where it is asked to, and carries bytes both ways."""

    def do_CONNECT(self):
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=20) as there:
            self.seen.append(("CONNECT", self.path, self.headers.get("Proxy-Authorization")))
            self.send_response(200)
            self.end_headers()
            pairs = {self.connection: there, there: self.connection}
            while True:
                for ready in select.select(list(pairs), [], [], 20)[0] or [None]:
                    data = ready.recv(65536) if ready else b""
                    if not data:
                        self.close_connection = True
                        return
                    pairs[ready].sendall(data)


@pytest.mark.every_target
def test_through_a_proxy_tls_is_spoken_with_dingtalk_itself_and_its_certificate_is_verified(ansible, sandbox, tmp_path):
    """A certificate of a CA that the host trusts (OpenSSL takes it from SSL_CERT_FILE) is good, any other is not; HTTP 404 is an answer."""
    certificate = faulty.certificate(tmp_path)
    with faulty.Faulty(faulty.answer({}, "404 Not Found"), certificate=certificate) as server, proxy(200, Tunnel) as (url, seen):
        args = arguments(sandbox, usermgr_url=None, url=None, proxy=url, dingtalk_urls=[server.url])
        trusted, untrusted = ansible.run_many([Task(MODULE, args, environment={"SSL_CERT_FILE": certificate[0]}), Task(MODULE, args)])
    assert trusted.data["problems"] == [], trusted
    assert len(untrusted.data["problems"]) == 1 and "cannot be trusted" in texts(untrusted.data["problems"])
    assert [each[:2] for each in seen] == [("CONNECT", server.url[len("https://"):])] * 2
    assert len(server.requests) == 1


def test_a_clock_that_is_wrong(ansible, sandbox):
    class Late(Proxy):
        def date_time_string(self, timestamp=None):
            return "Mon, 01 Jan 2024 00:00:00 GMT"

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Late)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        result = ansible.run(MODULE, arguments(sandbox, dingtalk_urls=["http://127.0.0.1:%d" % server.server_port], usermgr_url=None, url=None))
    finally:
        server.shutdown()
        server.server_close()
    assert "This host's clock is fast by" in texts(result.data["problems"])


def test_a_unit_of_the_service_needs_systemd_its_folder_and_its_name(ansible, sandbox, tmp_path):
    """Stand-ins for systemctl: one of a host that runs systemd, one of a host that does not."""
    units = tmp_path / "units"
    units.mkdir()
    for name, line in (("there", "echo Version=252"), ("away", "exit 1")):
        program = tmp_path / name / "systemctl"
        program.parent.mkdir()
        program.write_text("#!/bin/sh\n%s\n" % line, "utf-8")
        program.chmod(0o755)
    (tmp_path / "units" / "taken.service").write_text("[Unit]\n", "utf-8")
    quick = {"dingtalk_urls": [], "usermgr_url": None, "url": None, "service_mode": "systemd"}
    places = ((units, "ding.service", "there"), (tmp_path / "none", "ding.service", "there"), (units, "taken.service", "there"),
              (units, "ding.service", "away"))
    good, nowhere, taken, away = ansible.run_many([
        Task(MODULE, arguments(sandbox, **dict(quick, service_folder=str(folder), service_unit=unit)),
             environment={"PATH": "%s:/usr/bin:/bin" % (tmp_path / path)}) for folder, unit, path in places])
    assert good.data["problems"] == [] and good.data["facts"]["ding_service"]["systemd"] == 252, good
    for result, words in ((nowhere, "it is not there"), (taken, "taken.service is there already, and not ours"), (away, "ystemd does not run on this host")):
        assert len(result.data["problems"]) == 1 and words in texts(result.data["problems"]), result


def test_a_container_is_found_and_its_python_is_used(ansible, sandbox, tmp_path):
    """A stand-in engine: `exec -i NAME words…` runs the words, for one name only."""
    engine = tmp_path / "engine"
    engine.write_text('#!/bin/sh\nif [ "$3" != esb1 ]; then echo "No such container: $3" >&2; exit 1; fi\nshift 3\n'
                      '[ "$1" = python ] && { shift; exec "%s" "$@"; }\nexec "$@"\n' % sandbox.host("paas1").python, "utf-8")
    engine.chmod(engine.stat().st_mode | stat.S_IXUSR)
    quick = {"dingtalk_urls": [], "usermgr_url": None, "url": None, "engine": str(engine), "unit": "ding-none.service"}
    found, missing, auto = ansible.run_many([Task(MODULE, arguments(sandbox, **dict(quick, **more))) for more in (
        {"runtime": "docker", "container": "esb1"}, {"runtime": "docker", "container": "esb2"}, {"runtime": "auto", "container": "esb1"})])
    assert found.data["problems"] == [] and found.data["facts"]["runtime"] == "docker"
    assert found.data["facts"]["esb_python"] == [str(engine), "exec", "-i", "esb1", "python"] and found.data["facts"]["django_version"]
    assert "No such container: esb2" in texts(missing.data["problems"])
    assert auto.data["facts"]["runtime"] == "docker"
