"""No secret in anything that a run prints, logs or shows to `ps`; and no harmless word starred because some secret equals it."""

import json
import re
import secrets as random_texts

import pytest

from modulekit.tasks import Result, Task
from support import faulty, watching

ROBOT, INFO, MESSAGE = "ding.blueking.robot_user", "ding.blueking.robot_user_info", "ding.blueking.ding_message"
CHANNEL, CHANNEL_INFO = "ding.blueking.esb_channel", "ding.blueking.esb_channel_info"
PACKAGE, BACKUP = "ding.blueking.esb_package", "ding.blueking.esb_backup"
HEALTH, PREFLIGHT, WHITELIST, LEASE = ("ding.blueking." + name for name in ("esb_health", "esb_preflight", "esb_app_whitelist", "host_lease"))
APP = "leak_app"
RUN = random_texts.token_hex(4)


def planted(name, length=40):
    """Unlike anything else on this machine, and long enough for any rule."""
    return (name.replace("_", "") + "leak" + RUN + random_texts.token_hex(length))[:length]


GIVEN = {
    "app_secret": planted("appsecret"), "wrong_secret": planted("wrongsecret"), "internal_token": planted("internaltoken"),
    "access_token": planted("accesstoken", 64), "other_token": planted("othertoken", 64), "long_token": planted("longtoken", 90),
    "sign": "SEC" + planted("sign", 60), "other_sign": "SEC" + planted("othersign", 60), "bad_sign": planted("badsign", 60),
    "ding_secret": planted("dingsecret"), "other_ding_secret": planted("otherdingsecret"), "odd_secret": 'q"\\u00e4' + planted("oddsecret"),
    "proxy_password": planted("proxypassword"),
}
STORED = {
    "stored_token": planted("storedtoken", 64), "stored_sign": "SEC" + planted("storedsign", 60), "stored_ding_secret": planted("storeddingsecret"),
    "stored_wx_secret": planted("storedwxsecret"), "stored_proxy_password": planted("storedproxypassword"),
}
SECRETS = dict(GIVEN, **STORED)
# Words that are secrets here and harmless everywhere else.
WORDS = ["ding", "true", "paas", "admin", "qq", "1", "text", "SEC"]


@pytest.fixture(scope="module")
def world(sandbox):
    """The channel installed, an app of ours, and secrets that lie in rows and profiles already."""
    sandbox.install_channel()
    sandbox.manage("sandbox_app", "--code", APP, "--secret", GIVEN["app_secret"], "--whitelist")
    sandbox.manage("sandbox_channel", given=json.dumps({
        "/cmsi/send_dingtalk/": {"ding_app_key": "key", "ding_app_secret": STORED["stored_ding_secret"]},
        "/cmsi/send_weixin/": {"wx_secret": STORED["stored_wx_secret"], "proxy": "http://me:%s@127.0.0.1:3128" % STORED["stored_proxy_password"]}}))
    sandbox.reset_usermgr()
    sandbox.reset_dingtalk()
    yield sandbox
    sandbox.uninstall_channel()
    sandbox.reset()
    sandbox.restart()


@pytest.fixture(autouse=True)
def receivers(world):
    world.reset_usermgr()
    world.dingtalk.post("/_admin/robots", {"token": STORED["stored_token"], "secret": STORED["stored_sign"], "name": "leak_robot"})
    world.usermgr.put_user(username="leak_robot", qq=STORED["stored_token"], wx_userid=STORED["stored_sign"])
    world.usermgr.put_user(username="leak_person", qq="12345", telephone="13800138000")


def var(name):
    return "{{ %s }}" % name


WEBHOOK = "https://oapi.dingtalk.com/robot/send?access_token=%s"


def robot_tasks(world, echo, write_echo, closed):
    robot = {"usermgr_url": world.usermgr_url, "name": "new_robot", "secret": var("sign"), "app_code": APP, "app_secret": var("app_secret")}
    told = dict(robot, access_token=var("access_token"))
    look = {"usermgr_url": world.usermgr_url, "token": var("internal_token")}
    return [
        Task(ROBOT, dict(robot, webhook=WEBHOOK % var("access_token")), check=True), Task(ROBOT, dict(robot, webhook=WEBHOOK % var("access_token"))),
        Task(ROBOT, dict(told, secret=var("other_sign"), access_token=var("other_token"))),
        Task(ROBOT, dict(told, name="leak_robot"), check=True), Task(ROBOT, dict(told, name="leak_robot")),
        Task(ROBOT, dict(told, name="leak_person")), Task(ROBOT, dict(told, name="leak_person", adopt=True)),
        Task(ROBOT, dict(told, secret=var("bad_sign"))), Task(ROBOT, dict(told, access_token=var("long_token"))),
        Task(ROBOT, dict(robot, webhook=var("access_token"))), Task(ROBOT, dict(robot, webhook="https://example.com/" + var("access_token"))),
        Task(ROBOT, dict(told, name="not a name, " + "x" * 300)), Task(ROBOT, dict(told, category_id=2)), Task(ROBOT, dict(told, token_field="nothing")),
        Task(ROBOT, dict(told, usermgr_url=echo)), Task(ROBOT, dict(told, usermgr_url=write_echo)), Task(ROBOT, dict(told, usermgr_url=closed)),
        Task(ROBOT, {"usermgr_url": echo, "name": "new_robot", "secret": var("sign"), "access_token": var("access_token"), "token": var("internal_token")}),
        Task(ROBOT, dict(told, no_such_option="x")), Task(ROBOT, dict(told, state="absent")),
        Task(INFO, look), Task(INFO, dict(look, names=["new_robot", "leak_robot", "leak_person", "nobody"])), Task(INFO, dict(look, usermgr_url=echo)),
    ]


def message_tasks(world, echo, write_echo, closed):
    sent = {"esb_url": world.esb_url, "app_code": APP, "app_secret": var("app_secret"), "receivers": ["leak_robot"], "title": "t", "content": "c"}
    return [
        Task(MESSAGE, sent, check=True), Task(MESSAGE, sent), Task(MESSAGE, dict(sent, receivers=["leak_robot", "nobody"], allow_partial=True)),
        Task(MESSAGE, dict(sent, receivers=["nobody"])), Task(MESSAGE, dict(sent, app_secret=var("wrong_secret"))),
        Task(MESSAGE, dict(sent, app_secret=var("odd_secret"), esb_url=echo)), Task(MESSAGE, dict(sent, esb_url=write_echo)),
        Task(MESSAGE, dict(sent, esb_url=closed)), Task(MESSAGE, dict(sent, esb_url="http://me:%s@127.0.0.1:1" % var("proxy_password"))),
        Task(MESSAGE, dict(sent, no_such_option="x")),
    ]


def esb_tasks(world, place):
    host = world.host("paas1")
    home = {"bk_home": str(host.bk_home)}
    loud = ["/bin/sh", "-c", "cat >&2; exit 3", "loud"]
    secret = {"ding_app_secret": var("ding_secret"), "inner": {"app_secret": [var("odd_secret"), 5]}}

    def task(module, args=(), check=False, no_log=False):
        return Task(module, dict(home, **dict(args)), check=check, no_log=no_log, environment=host.environment)

    return [
        task(CHANNEL, {"path": "/cmsi/send_dingtalk/", "secret_settings": secret}, check=True),
        task(CHANNEL, {"path": "/cmsi/send_dingtalk/", "secret_settings": secret}),
        task(CHANNEL, {"path": "/cmsi/send_dingtalk/", "secret_settings": {"ding_app_secret": var("other_ding_secret")}}),
        task(CHANNEL, {"channels": [{"path": "/cmsi/send_ding/", "settings": {"msg_key": "text"}, "secret_settings": {
            "proxy": "http://me:%s@127.0.0.1:3128" % var("proxy_password")}}]}),
        task(CHANNEL, {"channels": [{"path": "/cmsi/send_ding/", "secret_settings": {"proxy": ""}}]}),
        task(CHANNEL, {"path": "/cmsi/send_weixin/", "settings": {"timeout": "5"}, "registered": False}),
        task(CHANNEL, {"path": "/cmsi/no_such_path/", "secret_settings": secret}), task(CHANNEL, {"path": "no path", "secret_settings": secret}),
        task(CHANNEL, {"path": "/cmsi/send_ding/", "secret_settings": secret, "esb_python": loud}),
        task(CHANNEL, {"path": "/cmsi/send_ding/", "secret_settings": secret, "esb_python": ["/nonexistent/python"]}),
        task(CHANNEL, {"path": "/cmsi/send_ding/", "secret_settings": secret, "state": "gone"}),
        task(CHANNEL_INFO), task(CHANNEL_INFO, {"paths": ["/cmsi/send_dingtalk/", "/cmsi/send_weixin/", "/cmsi/send_ding/"]}),
        task(CHANNEL_INFO, {"reveal": True}), task(CHANNEL_INFO, {"reveal": True, "paths": ["/cmsi/send_dingtalk/"]}, no_log=True),
        task(BACKUP, {"dir": str(place)}, check=True), task(BACKUP, {"dir": str(place)}), task(BACKUP, {"dir": str(place), "state": "listed"}),
        task(CHANNEL, {"path": "/cmsi/send_dingtalk/", "secret_settings": {"ding_app_secret": var("ding_secret")}}),
        task(BACKUP, {"dir": str(place), "state": "restored"}, check=True), task(BACKUP, {"dir": str(place), "state": "restored"}),
        task(BACKUP, {"dir": str(place), "esb_python": loud}),
        task(PACKAGE, check=True), task(PACKAGE), task(PACKAGE, {"esb_python": loud}),
        task(HEALTH, {"url": host.esb_url, "app_code": APP, "app_secret": var("app_secret"), "checks": ["ping", "component", "version"], "fail": False}),
        task(HEALTH, {"url": host.esb_url, "app_code": APP, "app_secret": var("wrong_secret"), "checks": ["version"]}),
        task(PREFLIGHT, {"url": host.esb_url, "app_code": APP, "app_secret": var("app_secret"), "proxy": "http://me:%s@127.0.0.1:1" % var("proxy_password"),
                         "usermgr_url": world.usermgr_url, "usermgr_token": var("internal_token"), "dingtalk_urls": [world.dingtalk_url]}),
        task(WHITELIST, {"app": APP}), Task(LEASE, dict(home, run_id="leak", path=str(place / "lease"))),
    ]


def play(world, tasks, variables):
    given = []
    for number, task in enumerate(tasks):
        given.append(task.as_play_task("%d %s" % (number, task.module)))
    return {"name": "Leaks", "hosts": "target", "gather_facts": False, "vars_files": [str(variables)], "tasks": given}


def logs(world):
    """All that the sandbox's ESBs and services have logged."""
    folders = [world.home / "logs"] + [host.logs for host in world.hosts]
    return "\n".join(path.read_text("utf-8", "replace") for folder in folders for path in folder.rglob("*") if path.is_file())


def found_in(text):
    """Names of the secrets in a text, whole or a part that nobody could take for chance, as they are or as JSON writes them."""
    return sorted(name for name, value in SECRETS.items()
                  if any(part in text for part in (value, json.dumps(value)[1:-1], value[-24:], value[:24])))


# Each core words its results in its own way.
@pytest.mark.newest
@pytest.mark.parametrize("pipelining", [True, False])
def test_no_secret_is_printed_logged_or_seen_in_ps(ansible, world, tmp_path, pipelining):
    """Every module's successes and failures with pipelining; without, when files carry the arguments, one in five of them."""
    variables, log = tmp_path / "secrets.yml", tmp_path / "ansible.log"
    variables.write_text(json.dumps(GIVEN))
    variables.chmod(0o600)
    logging = watching.Logging.like(ansible, log)
    with faulty.Faulty(faulty.echo) as echo, faulty.Faulty(faulty.echo, healthy=_reads(world)) as write_echo, \
            watching.SystemLog() as system_log, watching.Processes(SECRETS) as seen:
        places = echo.url, write_echo.url, "http://127.0.0.1:1"
        tasks = robot_tasks(world, *places) + message_tasks(world, *places) + esb_tasks(world, tmp_path / "backups")
        tasks = tasks if pipelining else tasks[1::5]
        lines, stdout, _ = logging.play([play(world, tasks, variables)], verbosity=3, pipelining=pipelining, seconds=500)
        results = [Result(line["outcome"], line["data"]) for line in lines]
    assert len(results) == len(tasks), stdout[-3000:]
    if pipelining:
        # A run in which everything failed, or nothing, would prove little.
        for module in sorted({task.module for task in tasks}):
            outcomes = {result.failed for task, result in zip(tasks, results) if task.module == module}
            assert False in outcomes, (module, [result.msg for task, result in zip(tasks, results) if task.module == module])
        assert sum(result.failed for result in results) >= 25
        assert len([method for method in write_echo.methods() if method != "GET"]) == 2 and len(echo.requests) >= 4
    assert any(b"ansible" in command for command in seen.looked_at)
    assert sorted(seen.leaks) == []
    places = {"stdout": stdout, "Ansible's log": log.read_text("utf-8"), "the system's log": system_log.text, "the services' logs": logs(world)}
    assert {name: found_in(text) for name, text in places.items() if found_in(text)} == {}, _excerpts(places)
    if system_log.there:
        assert "ansible-ding.blueking" in system_log.text or "Invoked with" in system_log.text
    assert "Traceback" not in stdout, stdout[max(stdout.find("Traceback") - 2000, 0):][:4000]


def _reads(world):
    """Both user management's and the ESB's reads go well."""
    of_usermgr, of_esb = faulty.reads_of(world.usermgr_url), faulty.message_types()
    return lambda connection, request, server: of_esb(connection, request, server) or of_usermgr(connection, request, server)


def _excerpts(places):
    """Where a secret stands, for the one who has to find out."""
    said = []
    for place, text in places.items():
        for name in found_in(text):
            at = max(text.find(part) for part in (SECRETS[name], SECRETS[name][:24], SECRETS[name][-24:]))
            said.append("%s in %s: ...%s..." % (name, place, text[max(at - 700, 0):at + 120]))
    return "\n\n".join(said)


def test_a_harmless_word_stays_readable_when_a_secret_equals_it(ansible, world, tmp_path):
    host = world.host("paas1")
    tasks = []
    for word in WORDS:
        robot = {"usermgr_url": world.usermgr_url, "name": "word_robot", "access_token": word, "secret": "SEC" + word, "app_code": APP, "app_secret": word}
        tasks += [Task(ROBOT, robot, check=True), Task(INFO, {"usermgr_url": world.usermgr_url, "token": word, "names": ["admin", "leak_robot"]}),
                  Task(MESSAGE, {"esb_url": world.esb_url, "app_code": APP, "app_secret": word, "receivers": ["admin"], "content": "ding true paas admin qq"}),
                  Task(CHANNEL, {"bk_home": str(host.bk_home), "path": "/cmsi/send_dingtalk/", "settings": {"robot_code": "paas"},
                                 "secret_settings": {"ding_app_secret": word, "ding_app_key": "ding"}}, check=True, environment=host.environment)]
    results = ansible.run_many(tasks, verbosity=3)
    stdout = results[0].stdout
    starred = [stdout[max(found.start() - 300, 0):found.end() + 100] for found in re.finditer(r"(?<!\*)\*{8}(?!\*)", stdout)]
    assert starred == []
    # Since 2.20 ansible-core shows a module's parameters only on demand.
    told = [result.data["invocation"]["module_args"] for task, result in zip(tasks, results) if "invocation" in result.data]
    assert len(told) == len(tasks) or ansible.core not in ("2.16", "2.19")
    for args in told:
        assert [name for name in ("app_secret", "token", "secret", "access_token", "secret_settings")
                if args.get(name) not in (None, "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER")] == []
        assert args.get("content") in (None, "ding true paas admin qq")
    for task, result in zip(tasks, results):
        if task.module == CHANNEL:
            assert not result.failed and re.search(r"robot_code.*paas", json.dumps(result.diff)), result
