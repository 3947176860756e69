"""All modules that talk HTTP, against servers that misbehave: in time, in a sentence of its own, without a traceback or a secret."""

import contextlib
import subprocess

import pytest

from modulekit.tasks import Task
from support import faulty

# What a broken answer comes to is the target's own HTTP library's business.

TIMEOUT = 2
APP_SECRET = "fault-app-secret-not-real"
TOKEN, SIGN = "feedface" * 8, "SEC" + "fault0not0real" * 4
SECRETS = (APP_SECRET, TOKEN, SIGN)
TIMED_OUT = ("did not answer within 2 s", "gave no whole answer within 2 s")
CUT = ("broke off the conversation",)
NOT_ITS_OWN = ("JSON that no ESB component answers", "JSON that is not its own", "data that user management does not send")

# name: (fault, the sentences of which one must be said)
FAULTS = {
    "hangs before headers": (faulty.hang_before_headers, TIMED_OUT),
    "hangs after headers": (faulty.hang_after_headers, TIMED_OUT),
    "hangs in the body": (faulty.hang_in_body, TIMED_OUT),
    "drips its body": (faulty.drip, TIMED_OUT),
    "drips headers without an end": (faulty.drip_headers, TIMED_OUT + CUT),
    "resets at once": (faulty.reset_at_once, CUT),
    "resets after the request": (faulty.reset_after_request, CUT),
    "resets in the body": (faulty.reset_in_body, CUT),
    "cuts the body off": (faulty.cut_body, CUT),
    "answers a 502 page": (
        faulty.text(faulty.HTML, "502 Bad Gateway", "text/html"), ("with a web page instead of JSON: a proxy or a wrong address? It says: 502",)),
    "answers a login page": (faulty.text("<html><title>Login</title></html>", "200 OK", "text/html"), ("with a web page instead of JSON",)),
    "repeats the request in a page": (faulty.echo, ("with a web page instead of JSON",)),
    "answers half a JSON": (faulty.text('{"result": tr'), ("with something that is not JSON (13 characters)",)),
    "answers endless brackets": (faulty.text("[" * 200000), ("with something that is not JSON (200000 characters)",)),
    "answers a list": (faulty.answer(["x"]), NOT_ITS_OWN),
    "answers a text": (faulty.answer("x"), NOT_ITS_OWN),
    "answers null": (faulty.answer(None), ("with nothing",)),
    "answers a number": (faulty.answer(7), NOT_ITS_OWN),
    "answers an object without a result": (faulty.answer({"ok": 1}), NOT_ITS_OWN),
    "answers a result that is a text": (faulty.answer({"result": "true", "data": [], "message": "", "code": 0}), NOT_ITS_OWN),
    "answers nothing": (faulty.text(""), ("with nothing",)),
    "never ends its body": (faulty.endless, TIMED_OUT + ("with more than 64 MiB",)),
}


def tasks(usermgr, message, write_usermgr, write_message):
    """Each module once, its read failing; with addresses for writes, robot_user and a second ding_message fail there."""
    robot = {"name": "fault_robot", "access_token": TOKEN, "secret": SIGN, "app_code": "fault_app", "app_secret": APP_SECRET, "timeout": TIMEOUT,
             "validate_certs": True}
    look = {"app_code": "fault_app", "app_secret": APP_SECRET, "timeout": TIMEOUT}
    words = {"app_code": "fault_app", "app_secret": APP_SECRET, "timeout": TIMEOUT, "receivers": ["a"], "title": "t", "content": "c"}
    return [Task("ding.blueking.robot_user", dict(robot, usermgr_url=write_usermgr or usermgr)),
            Task("ding.blueking.robot_user_info", dict(look, usermgr_url=usermgr)),
            Task("ding.blueking.ding_message", dict(words, esb_url=message), check=True),
            Task("ding.blueking.ding_message", dict(words, esb_url=write_message or message))]


def judge(results, sentences):
    stdout = results[0].stdout
    for secret in SECRETS:
        assert secret not in stdout
    assert "Traceback" not in stdout and "MODULE FAILURE" not in stdout, stdout
    for result in results:
        assert result.failed, result
        assert any(sentence in result.msg for sentence in sentences), result.msg


@pytest.mark.parametrize("name", sorted(FAULTS))
def test_a_fault_ends_in_time_with_its_own_sentence(ansible, sandbox, name):
    fault, sentences = FAULTS[name]
    sandbox.reset_usermgr()
    with contextlib.ExitStack() as stack:
        reading = stack.enter_context(faulty.Faulty(fault))
        # A fault that comes before the request cannot wait for a write.
        writes = not getattr(fault, "without_request", False)
        robots = stack.enter_context(faulty.Faulty(fault, healthy=faulty.reads_of(sandbox.usermgr_url)))
        messages = stack.enter_context(faulty.Faulty(fault, healthy=faulty.message_types()))
        results = ansible.run_many(tasks(reading.url, reading.url, robots.url if writes else "", messages.url), verbosity=3)
        servers = [reading, robots, messages] if writes else [reading]
        for server in servers:
            assert server.longest() < TIMEOUT + 2, server.seconds
    judge(results, sentences)
    if writes:
        # Neither a user nor a message is written twice.
        assert robots.methods().count("POST") == 1 and messages.methods().count("POST") == 1


def test_a_redirect_is_not_followed_with_the_credentials(ansible, sandbox):
    sandbox.reset_usermgr()
    with contextlib.ExitStack() as stack:
        other = stack.enter_context(faulty.Faulty(faulty.answer({"result": True, "data": []})))
        fault = faulty.redirect(other.url + "/elsewhere")
        reading = stack.enter_context(faulty.Faulty(fault))
        robots = stack.enter_context(faulty.Faulty(fault, healthy=faulty.reads_of(sandbox.usermgr_url)))
        messages = stack.enter_context(faulty.Faulty(fault, healthy=faulty.message_types()))
        results = ansible.run_many(tasks(reading.url, reading.url, robots.url, messages.url), verbosity=3)
        assert other.requests == []
    judge(results, ("answers with a redirect (HTTP 302)",))


def test_a_certificate_that_nobody_trusts_is_refused_before_the_credentials_are_sent(ansible, tmp_path):
    with faulty.Faulty(faulty.answer({"result": True, "data": []}), certificate=faulty.certificate(tmp_path)) as server:
        results = ansible.run_many(tasks(server.url, server.url, "", ""), verbosity=3)
        assert server.requests == []
    judge(results, ("cannot be trusted or does not speak TLS",))


def test_a_certificate_of_a_given_ca_is_trusted(ansible, tmp_path):
    files = faulty.certificate(tmp_path)
    read = "import ssl; ssl.create_default_context().load_verify_locations(cadata=bytearray(ssl.PEM_cert_to_DER_cert(open(%r).read())))" % files[0]
    # A Python 2.7 that was built with an OpenSSL too new for it cannot read any certificate as Ansible hands it over.
    can_read = subprocess.run([ansible.python, "-c", read], capture_output=True).returncode == 0
    with faulty.Faulty(faulty.answer({}), healthy=faulty.message_types(), certificate=files) as server:
        message = {"app_code": "fault_app", "app_secret": APP_SECRET, "timeout": 10, "receivers": ["a"], "content": "c", "esb_url": server.url}
        trusted, unchecked = ansible.run_many([Task("ding.blueking.ding_message", dict(message, ca_path=files[0]), check=True),
                                               Task("ding.blueking.ding_message", dict(message, validate_certs=False), check=True)])
    assert not unchecked.failed, unchecked
    if can_read:
        assert not trusted.failed, trusted
    else:
        judge([trusted], ("cannot be trusted or does not speak TLS",))


def test_a_server_without_tls_on_https_is_told(ansible):
    # What TLS says first has no end of headers: the server answers at once instead of waiting for it.
    def plain(connection, request, server):
        connection.recv(1024)
        faulty.send(connection, b"{}", "400 Bad Request")
    plain.without_request = True
    with faulty.Faulty(plain) as server:
        url = server.url.replace("http:", "https:")
        results = ansible.run_many(tasks(url, url, "", ""), verbosity=3)
    judge(results, ("cannot be trusted or does not speak TLS",))


def test_where_nobody_listens_is_told(ansible):
    with faulty.Faulty(faulty.drip) as server:
        url = server.url
    judge(ansible.run_many(tasks(url, url, "", ""), verbosity=3), ("cannot be reached: [Errno 111] Connection refused",))
