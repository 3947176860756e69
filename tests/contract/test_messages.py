"""What a message looks like when it arrives: title, message form, base64, HTML, markdown, mentions."""

import base64
import re

import pytest

from contractkit.services import BATCH, SEND

TABLE_MAIL = """<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN"
"http://www.w3.org/TR/xhtml1/DTD/xhtml1.dtd">
<html xmlns="http://www.w3.org/1999/xhtml"><head><meta charset="utf-8"><title>告警邮件</title>
<style type="text/css">td { color: #333333; } .hidden-rule { display: none }</style>
<script>var tracking = "script-body";</script></head>
<body style="margin:0"><!-- a comment nobody should see -->
<table width="700" border="0"><tr><td style="padding:4px">告警名称</td><td><strong>CPU 使用率</strong></td></tr>
<tr><td>当前值</td><td>95% &gt; 90% &amp; 持续&nbsp;5&nbsp;分钟</td></tr></table>
<p>第一段<br>换行<br/>再换行</p><p>第二段 &quot;引号&quot; &#39;x&#39; &#x4e2d;&#25991; &hellip;</p>
<ul><li>一<ul><li>一之一</li><li>一之二</li></ul></li><li>二</li></ul>
<ol><li>甲</li><li>乙</li></ol>
<p>详情见 <a href="https://example.com/alarm?id=1&amp;biz=2" target="_blank">告警详情</a>。</p>
</body></html>"""
MARKUP = ["<", "style=", "{ color", "hidden-rule", "script-body", "&nbsp;", "&gt;", "&amp;", "&quot;", "&#", "&hellip;",
          "a comment nobody should see", "DOCTYPE", "告警邮件"]
CONTENT = ["告警名称", "CPU 使用率", "当前值", "第一段", "换行", "再换行", '"引号"', "'x'", "中文", "一之一", "一之二",
           "二", "甲", "乙"]


def sent_text(esb, dingtalk, receiver, content, **fields):
    answer = esb.send_ding([receiver], content, **fields)
    assert answer.ok, answer
    return dingtalk.only_message(receiver)["text"]


def sent_markdown(esb, dingtalk, receiver, content, **fields):
    answer = esb.send_ding([receiver], content, msg_key="markdown", **fields)
    assert answer.ok, answer
    message = dingtalk.only_message(receiver)
    assert message["msgtype"] == "markdown"
    return message


@pytest.fixture(params=["robot", "person"])
def receiver(request, world):
    return getattr(world, request.param)()


@pytest.mark.parametrize("fields", [{}, {"msg_key": ""}, {"msg_key": None}, {"msg_key": "text"}])
def test_without_a_msg_key_it_is_text(fields, receiver, esb, dingtalk):
    assert esb.send_ding([receiver], "x", **fields).ok
    assert dingtalk.only_message(receiver)["msgtype"] == "text"


def test_the_channels_setting_decides_when_msg_key_is_missing_or_empty(receiver, esb, dingtalk, settings):
    settings.use({"/cmsi/send_ding/": {"msg_key": "markdown"}})
    assert esb.send_ding([receiver], "x").ok and esb.send_ding([receiver], "x", msg_key="").ok
    assert esb.send_msg([receiver], "x").ok
    assert [message["msgtype"] for message in dingtalk.messages(receiver)] == ["markdown"] * 3
    assert esb.send_ding([receiver], "x", msg_key="text").ok
    assert dingtalk.messages(receiver)[-1]["msgtype"] == "text"


@pytest.mark.parametrize("msg_key", ["sampleText", "Markdown ", "html", "0", 5, True, ["text"], {"a": 1}])
@pytest.mark.parametrize("component", ["send_ding", "send_dingtalk", "send_dingbot"])
def test_an_unknown_msg_key_names_the_two_values_and_sends_nothing(component, msg_key, esb, dingtalk, world):
    receiver = world.person() if component == "send_dingtalk" else world.robot()
    answer = esb.send(component, [receiver], "x", msg_key=msg_key)
    assert answer.status == 200 and answer.result is False and answer.code != 0, answer
    assert "text" in answer.message and "markdown" in answer.message, answer
    assert dingtalk.calls() == []


def test_a_wrong_msg_key_setting_is_told_with_its_name(esb, dingtalk, world, settings):
    settings.use({"/cmsi/send_ding/": {"msg_key": "sampleText"}})
    answer = esb.send_ding([world.robot()], "x")
    assert answer.result is False and "msg_key" in answer.message and "/cmsi/send_ding/" in answer.message, answer
    assert dingtalk.calls() == []


def test_a_text_has_its_title_as_first_line(receiver, esb, dingtalk):
    assert sent_text(esb, dingtalk, receiver, "body\nmore", title="Disk full") == "Disk full\nbody\nmore"


@pytest.mark.parametrize("content", ["Disk full\nbody", "Disk full: body", "Disk full"])
def test_a_title_the_content_begins_with_is_not_repeated(content, receiver, esb, dingtalk):
    assert sent_text(esb, dingtalk, receiver, content, title="Disk full") == content


def test_a_markdown_title_shows_in_the_conversation_list(receiver, esb, dingtalk):
    assert sent_markdown(esb, dingtalk, receiver, "body", title="Disk full")["title"] == "Disk full"


def test_a_markdown_without_a_title_takes_the_first_line(receiver, esb, dingtalk):
    message = sent_markdown(esb, dingtalk, receiver, "Disk full on db-1\n\nsecond")
    assert message["title"] == "Disk full on db-1"
    assert "second" in message["text"]


def test_the_title_of_a_markdown_heading_has_no_hash_or_is_the_line(receiver, esb, dingtalk):
    message = sent_markdown(esb, dingtalk, receiver, "\n\n### Disk full\ntext")
    assert message["title"].lstrip("# ") == "Disk full"


@pytest.mark.servers
@pytest.mark.parametrize("flag", [True, "true", "True", 1])
def test_base64_content_is_decoded_as_utf8(flag, receiver, esb, dingtalk):
    content = base64.b64encode("磁盘满了 😀\n第二行".encode("utf-8")).decode("ascii")
    assert sent_text(esb, dingtalk, receiver, content, is_content_base64=flag) == "磁盘满了 😀\n第二行"


@pytest.mark.parametrize("flag", [False, "false", "", None])
def test_content_that_looks_like_base64_is_left_alone_without_the_flag(flag, receiver, esb, dingtalk):
    assert sent_text(esb, dingtalk, receiver, "aGVsbG8=", is_content_base64=flag) == "aGVsbG8="


@pytest.mark.parametrize("content", [
    "not base64 at all!", "a", "磁盘", base64.b64encode(b"\xff\xfe\xfa\x80").decode("ascii"), 12345, {"a": 1}, ["YQ=="]])
def test_undecodable_base64_is_a_clear_error_and_sends_nothing(content, esb, dingtalk, world):
    answer = esb.send_ding([world.robot()], content, is_content_base64=True)
    assert answer.status == 200 and answer.result is False, answer
    assert re.search("base64|utf-8|content must be", answer.message.lower()), answer
    assert dingtalk.calls() == []


def test_send_msg_passes_base64_on(receiver, esb, dingtalk):
    content = base64.b64encode("正文".encode("utf-8")).decode("ascii")
    assert esb.send_msg([receiver], content, title="标题", is_content_base64=True).ok
    assert dingtalk.only_message(receiver)["text"] == "标题\n正文"


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
def test_a_mail_template_becomes_readable_and_no_markup_is_visible(msg_key, receiver, esb, dingtalk):
    answer = esb.send_ding([receiver], TABLE_MAIL, msg_key=msg_key)
    assert answer.ok, answer
    text = dingtalk.only_message(receiver)["text"]
    for markup in MARKUP:
        assert markup not in text, (markup, text)
    for word in CONTENT:
        assert word in text, (word, text)
    assert re.search("95% > 90% & 持续[  ]5[  ]分钟", text), text
    assert text.index("告警名称") < text.index("CPU 使用率") < text.index("当前值") < text.index("第二段")


def test_table_rows_are_lines_and_cells_stay_apart(receiver, esb, dingtalk):
    html = "<table><tr><th>name</th><th>value</th></tr><tr><td>cpu</td><td>95</td></tr></table>"
    text = sent_text(esb, dingtalk, receiver, html)
    lines = [re.findall(r"\w+", line) for line in text.splitlines() if line.strip()]
    assert lines == [["name", "value"], ["cpu", "95"]], text


def test_nested_list_items_are_lines_of_their_own(receiver, esb, dingtalk):
    text = sent_text(esb, dingtalk, receiver, "<ul><li>one<ul><li>inner</li></ul></li><li>two</li></ul>")
    lines = [line.strip(" -*•·") for line in text.splitlines() if line.strip()]
    assert lines == ["one", "inner", "two"], text


def test_a_link_in_a_text_keeps_its_words_and_its_address(receiver, esb, dingtalk):
    text = sent_text(esb, dingtalk, receiver, "见 <a href='https://example.com/x?a=1&amp;b=2'>详情</a>。")
    assert "详情" in text and "https://example.com/x?a=1&b=2" in text and "<" not in text, text


def test_a_link_in_a_markdown_is_a_markdown_link(receiver, esb, dingtalk):
    text = sent_markdown(esb, dingtalk, receiver, "见 <a href=\"https://example.com/x?a=1&b=2\">详情</a>。")["text"]
    assert "[详情](https://example.com/x?a=1&b=2)" in text, text


def test_a_link_shown_as_its_own_address_is_not_doubled(receiver, esb, dingtalk):
    text = sent_text(esb, dingtalk, receiver, '<a href="https://example.com/a">https://example.com/a</a>')
    assert text.count("https://example.com/a") == 1, text


def test_br_is_a_line_break(receiver, esb, dingtalk):
    text = sent_text(esb, dingtalk, receiver, "one<br>two<br/>three<BR />four")
    assert [line.strip() for line in text.splitlines()] == ["one", "two", "three", "four"]


def test_a_dangerous_link_is_not_made_clickable(receiver, esb, dingtalk):
    text = sent_markdown(esb, dingtalk, receiver, '<a href="javascript:alert(1)">click</a> me')["text"]
    assert "click" in text and "](javascript:" not in text, text


@pytest.mark.parametrize("plain", [
    "CPU > 90% & memory < 5%", "a < b && c > d", "if x<5: y", "R&D Tom & Jerry", "mail <tom@example.com>",
    "vector<int> v; map<string, int> m", "a <- b -> c <= d >= e", "see http://e.example/?a=1&b=2&copy=3",
    "if a<b and c>d", "<待定>", "List<T>", "<<EOF", "unfinished <a href=", "x<y & y<z"])
def test_plain_text_with_brackets_or_ampersands_is_untouched(plain, receiver, esb, dingtalk):
    assert sent_text(esb, dingtalk, receiver, plain) == plain


def test_single_line_breaks_of_a_markdown_are_shown_as_line_breaks(receiver, esb, dingtalk):
    text = sent_markdown(esb, dingtalk, receiver, "title line\nalpha\nbeta\ngamma", title="t")["text"]
    for one, two in [("alpha", "beta"), ("beta", "gamma")]:
        assert re.search(r"%s( {2,}\n *|\n *\n *)%s" % (one, two), text), repr(text)


def test_carriage_returns_are_line_breaks_too(receiver, esb, dingtalk):
    text = sent_text(esb, dingtalk, receiver, "one\r\ntwo\rthree")
    assert text in ("one\ntwo\nthree", "one\r\ntwo\rthree"), repr(text)


def test_headings_lists_and_quotes_of_a_markdown_keep_their_structure(receiver, esb, dingtalk):
    markdown = ("# Head\n\n## Sub\n- one\n- two\n    - inner\n1. first\n2. second\n\n> quote\n\n"
                "**bold** [l](https://e.example/)")
    text = sent_markdown(esb, dingtalk, receiver, markdown, title="t")["text"]
    for line in ["# Head", "## Sub", "- one", "- two", "1. first", "2. second", "> quote"]:
        assert re.search(r"(?m)^ {0,3}%s *$" % re.escape(line), text), (line, text)
    indent = {word: len(re.search(r"(?m)^( *)- %s" % word, text).group(1)) for word in ("one", "two", "inner")}
    assert indent["inner"] > indent["two"] == indent["one"], text
    assert "**bold** [l](https://e.example/)" in text
    order = ["# Head", "## Sub", "- one", "- inner", "1. first", "> quote", "**bold**"]
    assert [text.index(piece) for piece in order] == sorted(text.index(piece) for piece in order)


def mobiles_of(message):
    return [str(mobile) for mobile in ((message["at"] or {}).get("atMobiles") or [])]


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
def test_at_mobiles_are_mentioned_in_field_and_text(msg_key, esb, dingtalk, world):
    bot, one, two = world.robot(), world.person(), world.person()
    answer = esb.send_ding([bot], "look", msg_key=msg_key, at_mobiles="%s,%s" % (one.mobile, two.mobile))
    assert answer.ok, answer
    message = dingtalk.only_message(bot)
    assert sorted(mobiles_of(message)) == sorted([one.mobile, two.mobile])
    assert "@" + one.mobile in message["text"] and "@" + two.mobile in message["text"]


def test_at_mobiles_may_be_a_list_of_numbers(esb, dingtalk, world):
    bot, one = world.robot(), world.person()
    answer = esb.send_ding([bot], "look", at_mobiles=[int(one.mobile)])
    assert answer.ok and mobiles_of(dingtalk.only_message(bot)) == [one.mobile], answer


def test_a_mention_that_stands_in_the_content_is_not_repeated(esb, dingtalk, world):
    bot, one = world.robot(), world.person()
    text = sent_text(esb, dingtalk, bot, "please look, @%s" % one.mobile, at_mobiles=one.mobile)
    assert text.count(one.mobile) == 1


def test_at_username_mentions_by_the_users_mobile_with_one_look_up(esb, dingtalk, usermgr, world):
    bot, one = world.robot(), world.person()
    answer = esb.send_ding([bot], "look", at__username=one.name)
    assert answer.ok, answer
    message = dingtalk.only_message(bot)
    assert mobiles_of(message) == [one.mobile] or (message["at"] or {}).get("atUserIds") == [one.userid], message
    assert "@" + one.mobile in message["text"] or "@" + one.userid in message["text"]
    assert len(usermgr.look_ups()) == 1
    assert dingtalk.messages(one) == []


def test_an_overseas_user_is_mentioned_in_dingtalks_form(esb, dingtalk, world):
    bot = world.robot()
    one = world.person(mobile="51239876", dingtalk_mobile="+852-51239876", country_code="852")
    assert esb.send_ding([bot], "look", at__username=one.name).ok
    message = dingtalk.only_message(bot)
    assert mobiles_of(message) == ["+852-51239876"] and "@+852-51239876" in message["text"], message


def test_somebody_unknown_in_at_username_does_not_stop_the_message(esb, dingtalk, world):
    bot = world.robot()
    answer = esb.send_ding([bot], "look", at__username="nobody-of-that-name")
    assert answer.row(bot)["sent"] and len(dingtalk.messages(bot)) == 1, answer
    assert any("nobody-of-that-name" in warning for warning in answer.data["warnings"]), answer


@pytest.mark.parametrize("flag", [True, "true", 1])
def test_is_at_all_mentions_everybody(flag, esb, dingtalk, world):
    bot = world.robot()
    assert esb.send_ding([bot], "look", is_at_all=flag).ok
    assert dingtalk.only_message(bot)["at"]["isAtAll"] is True


def test_without_mentions_nobody_is_mentioned(esb, dingtalk, world):
    bot = world.robot()
    assert esb.send_ding([bot], "look", is_at_all=False).ok
    message = dingtalk.only_message(bot)
    assert mobiles_of(message) == [] and not (message["at"] or {}).get("isAtAll") and message["text"] == "look"


def test_mentions_are_ignored_for_people(esb, dingtalk, world):
    person, other = world.person(), world.person()
    answer = esb.send_ding([person], "look", at_mobiles=other.mobile, at__username=other.name, is_at_all=True)
    assert answer.ok, answer
    assert dingtalk.only_message(person)["text"] == "look"
    assert other.mobile not in dingtalk.calls(BATCH)[0]["body"]["msgParam"]


def test_more_than_50_mentions_still_send_with_50_at_most(esb, dingtalk, world):
    bot = world.robot()
    mobiles = ["139%08d" % number for number in range(60)]
    answer = esb.send_ding([bot], "look", at_mobiles=mobiles)
    assert answer.row(bot)["sent"], answer
    assert 0 < len(mobiles_of(dingtalk.messages(bot)[0])) <= 50


def test_send_dingbot_mentions_too(esb, dingtalk, world):
    bot, one = world.robot(), world.person()
    assert esb.send("send_dingbot", [bot], "look", at_mobiles=one.mobile).ok
    assert mobiles_of(dingtalk.only_message(bot)) == [one.mobile]


def test_group_bodies_are_raw_utf8_not_escapes(esb, dingtalk, world):
    """\\uXXXX would double Chinese text: 19,000 bytes of it must go out as one message."""
    bot = world.robot()
    assert esb.send_ding([bot], "磁" * 6000).ok
    assert len(dingtalk.calls(SEND, token=bot.token)) == 1
