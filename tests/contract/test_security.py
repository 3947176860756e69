"""TLS, proxies, and secrets: none in any log or answer; a redacted trace of what was called."""

import json
import ssl

import pytest
import trustme

from contractkit.servers import Front, Proxy
from contractkit.services import BATCH, LOOK_UP, SEND, TOKEN
from contractkit.waiting import eventually

DING = "/cmsi/send_ding/"


@pytest.fixture(scope="module")
def authority():
    return trustme.CA()


@pytest.fixture
def tls_front(authority, contract):
    """DingTalk behind TLS, with a certificate that no system trusts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    with Front(contract.dingtalk_url, context) as front:
        yield front


@pytest.fixture
def bundle(authority, tmp_path):
    path = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    tmp_path.chmod(0o755)
    return str(path)


def test_an_unknown_certificate_is_refused_and_nothing_is_sent(esb, dingtalk, world, settings, tls_front):
    settings.use({DING: {"oapi_url": tls_front.url, "api_url": tls_front.url, "deadline": 3}})
    bot, person = world.robot(), world.person()
    answer = esb.send_ding([bot, person], **world.app().fields)
    assert sorted(answer.invalid) == sorted([bot.name, person.name]), answer
    for receiver in (bot, person):
        assert "certificate" in answer.reason(receiver).lower(), answer
    assert dingtalk.calls() == [] and tls_front.connections >= 1


def test_with_the_right_ca_bundle_it_is_accepted(esb, dingtalk, world, settings, tls_front, bundle):
    settings.use({DING: {"oapi_url": tls_front.url, "api_url": tls_front.url, "ca_bundle": bundle}})
    bot, person = world.robot(), world.person()
    answer = esb.send_ding([bot, person])
    assert answer.ok, answer
    assert len(dingtalk.messages(bot)) == len(dingtalk.messages(person)) == 1


def test_a_bundle_of_another_authority_does_not_help(esb, dingtalk, world, settings, tls_front, tmp_path):
    path = tmp_path / "other.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    settings.use({DING: {"oapi_url": tls_front.url, "api_url": tls_front.url, "ca_bundle": str(path), "deadline": 3}})
    bot = world.robot()
    assert esb.send_ding([bot]).invalid == [bot.name]
    assert dingtalk.calls() == []


def test_a_certificate_for_another_host_is_refused(authority, contract, esb, dingtalk, world, settings, bundle):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("dingtalk.example").configure_cert(context)
    with Front(contract.dingtalk_url, context) as front:
        settings.use({DING: {"oapi_url": front.url, "api_url": front.url, "ca_bundle": bundle, "deadline": 3}})
        bot = world.robot()
        assert esb.send_ding([bot]).invalid == [bot.name]
    assert dingtalk.calls() == []


def test_a_missing_ca_bundle_is_a_clear_error_that_names_the_setting(esb, dingtalk, world, settings, tmp_path):
    settings.use({DING: {"ca_bundle": str(tmp_path / "absent.pem")}})
    answer = esb.send_ding([world.robot()])
    assert answer.status == 200 and answer.result is False and "ca_bundle" in answer.message, answer
    assert dingtalk.calls() == []


def hosts_asked(proxy):
    return {target.split("//")[-1].split("/")[0] for _, target, _ in proxy.asked}


def test_dingtalk_is_called_through_the_proxy_and_user_management_is_not(contract, esb, dingtalk, world, settings):
    with Proxy() as proxy:
        settings.use({DING: {"proxy": proxy.url}})
        bot, person = world.robot(), world.person()
        answer = esb.send_ding([bot, person], **world.app().fields)
    assert answer.ok, answer
    assert len(dingtalk.messages(bot)) == len(dingtalk.messages(person)) == 1
    assert hosts_asked(proxy) == {contract.dingtalk_url.split("//")[1]}
    assert len(proxy.asked) == len(dingtalk.calls()) == 4


def test_https_goes_through_the_proxy_as_a_closed_tunnel(esb, dingtalk, world, settings, tls_front, bundle):
    with Proxy() as proxy:
        settings.use({DING: {
            "proxy": proxy.url, "oapi_url": tls_front.url, "api_url": tls_front.url, "ca_bundle": bundle}})
        bot = world.robot()
        answer = esb.send_ding([bot])
    assert answer.ok, answer
    assert {(method, target) for method, target, _ in proxy.asked} == {("CONNECT", tls_front.url.split("//")[1])}
    assert bot.token not in json.dumps(proxy.asked)


def test_a_proxys_password_is_used_and_shown_nowhere(esb, dingtalk, world, settings, known_secrets, logs):
    password = "not-a-real-proxy-password"
    known_secrets.add(password)
    with Proxy() as proxy:
        settings.use({DING: {"proxy": proxy.url.replace("//", "//operator:%s@" % password)}})
        assert esb.send_ding([world.robot()]).ok
        assert "Proxy-Authorization: Basic" in proxy.asked[0][2]
    settings.use({DING: {"proxy": proxy.url.replace("//", "//operator:%s@" % password), "deadline": 3}})
    answer = esb.send_ding([world.robot()])
    assert answer.result is False and password not in answer.text, answer
    assert password not in logs.new_text()


def secrets_of(dingtalk, *receivers):
    """Tokens, secrets and signatures that DingTalk saw, and those of the robots."""
    found = set()
    for receiver in receivers:
        found.update([getattr(receiver, "token", None), getattr(receiver, "secret", None)])
    for call in dingtalk.calls():
        query = call["query"] or {}
        found.update([query.get("access_token"), query.get("sign"), query.get("appsecret")])
    return {secret for secret in found if secret}


@pytest.mark.servers
def test_neither_answer_nor_logs_hold_a_secret_when_all_goes_well(esb, dingtalk, world, logs, known_secrets):
    bot, person, app = world.robot(), world.person(), world.app()
    answer = esb.send_ding([bot, person], _credentials="header", **app.fields)
    assert answer.ok, answer
    eventually(lambda: logs.api_lines(), what="a line in esb_api.log")
    secrets = secrets_of(dingtalk, bot) | {app.secret}
    known_secrets.update(secrets)
    text = logs.new_text()
    assert [secret for secret in secrets if secret in answer.text or secret in text] == []


@pytest.mark.parametrize("trouble", [
    {"status": 500, "html": True}, {"html": True}, {"reset": "before"}, {"timeout": "before"}, {"redirect": True},
    {"errcode": 310000, "errmsg": "sign not match"}, {"answer": ["not an object"]}])
def test_neither_answer_nor_logs_hold_a_secret_when_calls_fail(
        trouble, esb, dingtalk, world, logs, settings, known_secrets):
    settings.use({DING: {"deadline": 2, "read_timeout": 1}})
    bot, person, app = world.robot(), world.person(), world.app()
    for path in (SEND, BATCH, LOOK_UP):
        dingtalk.fault(path, trouble, times=0)
    answer = esb.send_ding([bot, person], _credentials="header", **app.fields)
    assert answer.status == 200 and answer.result is False, answer
    secrets = secrets_of(dingtalk, bot) | {app.secret}
    known_secrets.update(secrets)
    text = logs.new_text()
    assert [secret for secret in secrets if secret in answer.text or secret in text] == []


def test_a_callers_app_secret_is_masked_in_the_request_log(esb, world, logs):
    person, app = world.person(), world.app()
    for component in ("send_ding", "send_dingtalk"):
        assert esb.send(component, [person], "find-me-%s" % component, **app.fields).ok
    requests = eventually(
        lambda: [line for line in logs.api_lines() if "find-me-send_dingtalk" in json.dumps(line)],
        what="the request's line in esb_api.log")
    assert requests
    text = logs.new_text()
    assert app.key in text and app.secret not in text


def test_a_callers_app_secret_is_masked_when_the_call_is_refused_too(esb, world, logs):
    person, app = world.person(), world.app()
    calls = [
        {"content": "refused-1", "msg_key": "nonsense"}, {"content": "refused-2", "is_content_base64": True},
        {"content": ""}, {"content": "refused-3", "receiver__username": ""},
    ]
    for fields in calls:
        fields = dict({"receiver__username": person.name}, **dict(app.fields, **fields))
        assert esb.call("/cmsi/send_ding/", fields).result is False
    for method, style in (("GET", "json"), ("POST", "form")):
        fields = dict(app.fields, receiver__username=person.name, content="by-other-means")
        assert esb.call("/cmsi/send_ding/", fields, method=method, style=style).ok
    eventually(lambda: "by-other-means" in logs.new_text("esb_api.log"), what="the requests' lines")
    assert app.secret not in logs.new_text()


def test_a_robots_secret_in_an_error_from_dingtalk_is_not_passed_on(esb, dingtalk, world, logs):
    bot = world.robot()
    errmsg = "no robot for access_token=%s and secret %s" % (bot.token, bot.secret)
    dingtalk.fault(SEND, {"errcode": 300001, "errmsg": errmsg}, token=bot.token)
    answer = esb.send_ding([bot])
    assert "300001" in answer.reason(bot), answer
    assert bot.token not in answer.text and bot.secret not in answer.text
    assert bot.token not in logs.new_text() and bot.secret not in logs.new_text()


def test_outgoing_calls_leave_a_redacted_trace_in_the_api_log(esb, dingtalk, world, logs):
    bot, person = world.robot(), world.person()
    assert esb.send_ding([bot, person], **world.app().fields).ok

    def traced():
        found = {}
        for line in logs.api_lines():
            text = json.dumps(line)
            for path in (SEND, BATCH, LOOK_UP, TOKEN):
                if path in text and "/cmsi/" not in line.get("req_path", ""):
                    found[path] = line
        return found if len(found) == 4 else None

    lines = eventually(traced, what="a line for each of the four outgoing calls")
    for path, line in lines.items():
        text = json.dumps(line)
        assert "POST" in text and "?" not in text.replace("\\u003f", "?").split(path, 1)[1][:1], text
        assert 200 in line.values(), text
        assert [key for key, value in line.items() if "msec" in key and isinstance(value, (int, float))], text
        assert "access_token=" not in text and "sign=" not in text


def test_the_trace_of_a_failed_call_tells_its_status(esb, dingtalk, world, logs):
    bot = world.robot()
    dingtalk.fault(SEND, {"status": 503, "html": True}, token=bot.token)
    assert esb.send_ding([bot]).ok
    statuses = eventually(
        lambda: [s for line in logs.api_lines() if SEND in json.dumps(line) for s in (200, 503) if s in line.values()],
        what="the traced calls")
    assert sorted(set(statuses)) == [200, 503]


def test_robots_secrets_from_user_management_are_not_in_the_trace(esb, world, logs, contract):
    bot = world.robot()
    assert esb.send_ding([bot]).ok
    eventually(lambda: SEND in logs.new_text("esb_api.log"), what="the trace")
    assert bot.secret not in logs.new_text() and bot.token not in logs.new_text()


@pytest.mark.last
def test_after_the_whole_run_no_log_holds_any_secret(contract, known_secrets, session_dingtalk):
    from contractkit.logs import Logs

    for call in session_dingtalk.get("/_admin/calls")["calls"]:
        query = call["query"] or {}
        for name in ("access_token", "sign"):
            value = query.get(name)
            if value and len(value) >= 16:
                known_secrets.add(value)
    assert known_secrets
    assert Logs(contract.log_dirs).holding(sorted(known_secrets)) == []
