"""Anything a caller may put into a field: right, or a clear error; never an HTTP 500."""

import json

import pytest

from contractkit.services import BATCH, SEND

CRASH = "component developer"


@pytest.fixture(params=["robot", "person"])
def receiver(request, world):
    return getattr(world, request.param)()


def calm(answer):
    """The answer of a component that did not crash."""
    assert answer.status == 200 and isinstance(answer.body, dict), answer
    assert answer.result in (True, False) and isinstance(answer.code, int) and answer.message, answer
    assert CRASH not in answer.message and "Traceback" not in answer.text, answer
    assert (answer.code == 0) == answer.result, answer
    return answer


@pytest.mark.servers
@pytest.mark.parametrize("content", [
    "中文告警", "emoji 😀👩‍👩‍👧 𠮷野家", "one\ntwo\n\n\nfive", "tab\there", "quotes \"double\" 'single' \\back\\slash",
    "%s %d {} {0} %(name)s", "percent 100%", "\u2028line\u2029paragraph", "right \u202eto left"])
def test_every_kind_of_text_arrives_as_it_was_written(content, receiver, esb, dingtalk):
    assert calm(esb.send_ding([receiver], content)).ok
    assert dingtalk.only_message(receiver)["text"] == content


@pytest.mark.parametrize("content,shown", [(12345, "12345"), (0, "0"), (3.5, "3.5"), (-1, "-1")])
def test_a_number_as_content_is_shown_as_text(content, shown, receiver, esb, dingtalk):
    assert calm(esb.send_ding([receiver], content)).ok
    assert dingtalk.only_message(receiver)["text"] == shown


@pytest.mark.parametrize("content", [True, False, ["a", "b"], [], {"a": "b"}, {}, [["x"]], 10 ** 400, 1e308])
def test_other_json_types_as_content_are_shown_or_clearly_refused(content, receiver, esb, dingtalk):
    answer = calm(esb.send_ding([receiver], content))
    if answer.ok:
        assert dingtalk.only_message(receiver)["text"].strip()
    else:
        assert "content" in answer.message and dingtalk.messages() == [], answer


@pytest.mark.parametrize("content", ["", None, " ", "\n\n", "\u3000", "<p></p>", "<br>"])
@pytest.mark.parametrize("msg_key", ["text", "markdown"])
def test_empty_content_without_a_title_is_a_clear_error_and_nothing_is_sent(content, msg_key, receiver, esb, dingtalk):
    answer = calm(esb.send_ding([receiver], content, msg_key=msg_key))
    assert answer.result is False and "content" in answer.message.lower(), answer
    assert dingtalk.calls(SEND) == dingtalk.calls(BATCH) == []


def test_a_missing_content_field_is_a_clear_error(receiver, esb, dingtalk):
    answer = calm(esb.call("/cmsi/send_ding/", {"receiver__username": receiver.name}))
    assert answer.result is False and "content" in answer.message.lower() and dingtalk.calls() == []


@pytest.mark.parametrize("field", ["title", "msg_key", "at_mobiles", "at__username", "is_at_all", "is_content_base64",
                                   "userid", "mobile", "ding_app_key", "ding_app_secret"])
@pytest.mark.parametrize("value", [None, "", 0, 7, True, [], {}, ["x"], {"a": 1}, "\u0000", "😀", "x" * 5000])
def test_odd_values_of_the_other_fields_never_crash(field, value, esb, world):
    calm(esb.send_ding([world.robot()], "aGVsbG8=", **{field: value}))


@pytest.mark.parametrize("title", [12345, True, "\r\n", "two\nlines", "😀" * 300])
@pytest.mark.parametrize("msg_key", ["text", "markdown"])
def test_odd_titles_arrive_or_are_refused(title, msg_key, receiver, esb, dingtalk):
    answer = calm(esb.send_ding([receiver], "body", title=title, msg_key=msg_key))
    if answer.ok:
        assert "body" in dingtalk.only_message(receiver)["text"]
    else:
        assert dingtalk.messages() == []


@pytest.mark.parametrize("escapes", [
    "a\\u0000b", "a\\ud83db", "\\udc00", "\\ud83d\\ud83d", "\\ude00\\ud83d end", "\\u0007\\u001b[0m"])
def test_nul_and_lone_surrogates_in_json_never_crash(escapes, receiver, esb, dingtalk):
    fields = {"receiver__username": receiver.name, "content": "MARK"}
    fields.update(esb.credentials)
    raw = json.dumps(fields).replace("MARK", escapes).encode("ascii")
    answer = calm(esb.call("/cmsi/send_ding/", raw=raw))
    assert answer.ok == (len(dingtalk.messages(receiver)) == 1), answer


@pytest.mark.parametrize("escapes", ["a\\u0000b", "a\\ud83db", "\\udc00"])
def test_nul_and_lone_surrogates_in_names_never_crash(escapes, esb, dingtalk, world):
    bot = world.robot()
    fields = {"receiver__username": bot.name + ",MARK", "content": "x"}
    fields.update(esb.credentials)
    raw = json.dumps(fields).replace("MARK", escapes).encode("ascii")
    answer = calm(esb.call("/cmsi/send_ding/", raw=raw))
    assert answer.result is False and len(dingtalk.messages(bot)) == 1, answer


@pytest.mark.parametrize("name", [
    "a" * 300, "名字", "😀", "a/b", "a?b=c", "a&fields=password", "..", "%00", "'--", "a\\b"])
def test_odd_receiver_names_are_reported_and_do_no_harm(name, esb, dingtalk, world):
    bot = world.robot()
    answer = calm(esb.call("/cmsi/send_ding/", {"receiver__username": [name, bot.name], "content": "x"}))
    assert answer.result is False and name.strip() in answer.invalid, answer
    assert len(dingtalk.messages(bot)) == 1


def test_a_request_without_a_json_object_never_crashes_our_component(esb):
    for raw in (b"[]", b"{}", b"null", b"not json"):
        answer = esb.call("/cmsi/send_ding/", raw=raw)
        assert answer.status == 200 and answer.result is False


def test_a_get_request_sends(esb, dingtalk, world):
    bot = world.robot()
    answer = esb.send_ding([bot], "by GET 中文 & more", _method="GET")
    assert calm(answer).ok and dingtalk.only_message(bot)["text"] == "by GET 中文 & more"


@pytest.mark.servers
def test_a_form_body_sends(esb, dingtalk, world):
    bot, person = world.robot(), world.person()
    content = "by form 中文 & more\nsecond"
    answer = esb.send_ding([bot, person], content, title="标题", _style="form", is_at_all="false")
    assert calm(answer).ok
    wanted = ["标题\n" + content]
    assert dingtalk.texts(bot) == dingtalk.texts(person) == wanted


@pytest.mark.parametrize("prefix,path", [
    ("/c/compapi", "/cmsi/send_ding/"), ("/api/c/compapi", "/cmsi/send_ding/"), ("/api/c/compapi", "/cmsi/send_msg/"),
    ("/c/compapi", "/v2/cmsi/send_msg/"), ("/api/c/compapi", "/v2/cmsi/send_msg/")])
def test_every_address_of_the_platform_reaches_the_channel(prefix, path, esb, dingtalk, world):
    bot = world.robot()
    fields = {"receiver__username": bot.name, "content": "x", "title": "t", "msg_type": "ding"}
    assert calm(esb.call(path, fields, prefix=prefix)).ok
    assert len(dingtalk.messages(bot)) == 1


def test_credentials_in_the_header_are_enough(esb, dingtalk, world):
    bot = world.robot()
    assert calm(esb.send_ding([bot], "x", _credentials="header")).ok
    assert len(dingtalk.messages(bot)) == 1
