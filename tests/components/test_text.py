# -*- coding: utf-8 -*-
"""What title and content become: HTML, Markdown, mentions, parts within the limits."""
from __future__ import absolute_import, division, print_function

import json
import re

import pytest

from components.generic.apis.ding_blueking.toolkit import markup, messages

LINE = u"\u7b2c%d\u884c \U0001f600 disk full\n"


@pytest.mark.parametrize(
    "text",
    [
        u"a < b && c > d",
        u"R&D, AT&T",
        u"if <b and c> then",
        u"List<String> and Map<K, V>",
        u"press <b> key",
        u"<host-1> is down & out",
        u"x<y<z",
        u"http://h/?a=1&lt=2&amp",
        u"<error code=\"5\">a &amp; b</error>",
        u"",
    ],
)
def test_text_that_merely_contains_signs_of_markup_is_untouched(text):
    assert markup.plain(text) == text
    assert markup.markdown(text) == text


@pytest.mark.parametrize(
    "html, text",
    [
        (u"x<br>y<br/>z", u"x\ny\nz"),
        (u"<p>a</p><p>b</p>", u"a\n\nb"),
        (u"<b>bold</b> and <i>it</i>", u"bold and it"),
        (u'see <a href="http://h/p?a=1&amp;b=2">here</a>.', u"see here (http://h/p?a=1&b=2)."),
        (u'<a href="http://h/">http://h/</a>', u"http://h/"),
        (u'<a href="javascript:alert(1)">x</a>', u"x"),
        (u"<div>a&nbsp;&gt;&#32;b &#x4e2d;</div>", u"a > b \u4e2d"),
        (u"<style>p {}</style><script>alert(1)</script><p>shown</p>", u"shown"),
        (u"<!-- note --><p>shown</p>", u"shown"),
        (u"<table><tr><td>k</td><td>v</td></tr><tr><td>l</td><td></td></tr></table>", u"k | v\nl |"),
        (u"<ul><li>a</li><li>b<ol><li>c</li></ol></li></ul>", u"- a\n- b\n  1. c"),
        (u"<p>on <host-1> a < b</p>", u"on <host-1> a < b"),
        (u"<pre>a\n  b</pre>", u"a\n  b"),
        (u"<p>a<o:p></o:p></p>", u"a"),
        (u"<p>never closed", u"<p>never closed"),
        (u"CPU &gt; 90%&nbsp;!", u"CPU > 90% !"),
    ],
)
def test_html_becomes_readable_text(html, text):
    assert markup.plain(html).rstrip() == text.rstrip()


def test_html_becomes_the_markdown_that_dingtalk_shows():
    html = u'<h2>T</h2><p><b>a</b> <a href="http://h/x">l</a></p><ul><li>x</li></ul><img src="http://h/i.png" alt="i">'
    assert markup.markdown(html) == u"## T\n\n**a** [l](http://h/x)\n\n- x\n\n![i](http://h/i.png)"


def test_a_large_hostile_document_is_read_in_time():
    import time

    started = time.time()
    for text in (u"<a " * 30000, u"<b>" * 30000, u"<" * 100000, u"&" * 100000 + u";", u"<p " + u"a=" * 30000, u"<i>a" * 20000):
        markup.plain(text)
        markup.break_lines(text)
    assert time.time() - started < 10


@pytest.mark.parametrize(
    "text, shown",
    [
        (u"a\nb", u"a  \n  b"),
        (u"a\n\nb", u"a\n\nb"),
        (u"# h\na", u"# h\na"),
        (u"- x\n- y", u"- x  \n- y"),
        (u"1. x\n2. y", u"1. x  \n2. y"),
        (u"> q\n> r", u"> q  \n> r"),
        (u"a  \n  b", u"a  \n  b"),
    ],
)
def test_single_line_ends_of_markdown_are_breaks_and_structure_stays(text, shown):
    assert markup.break_lines(text) == shown
    assert markup.break_lines(shown) == shown


def test_the_title_is_the_first_line_of_a_text_once():
    assert messages.compose("text", u"T", u"c")["text"] == u"T\nc"
    assert messages.compose("text", u"T", u"T\nc")["text"] == u"T\nc"
    assert messages.compose("text", u"", u"c")["text"] == u"c"


def test_the_first_line_of_a_markdown_content_is_the_title_when_there_is_none():
    assert messages.compose("markdown", u"", u"\n## **Disk** [full](http://h)\nx")["title"] == u"Disk** full"
    assert messages.compose("markdown", u"T", u"x")["title"] == u"T"


def test_what_no_side_can_carry_is_cleaned():
    assert messages.clean(u"a\r\nb\rc\x00\x07d") == u"a\nb\ncd"
    assert messages.clean(u"x" + json.loads(u'"\\ud83d"') + u"y") == u"x\ufffdy"
    assert messages.clean(u"\U0001f600") == u"\U0001f600"


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
@pytest.mark.parametrize(
    "content",
    [
        u"".join(LINE % number for number in range(3000)),
        u"\u4e2d" * 40000,
        u"\U0001f468\u200d\U0001f469\u200d\U0001f467" * 4000,
        u'"\\\n' * 20000,
        u"a" * 100001,
        u" ".join(u"[link %d](http://h/%s)" % (number, u"x" * 90) for number in range(600)),
    ],
)
def test_parts_are_numbered_in_order_whole_and_within_the_limit(msg_key, content):
    message = messages.compose(msg_key, u"T", content)
    bodies = messages.parts_for_group(msg_key, message, None)
    params = messages.parts_for_people(msg_key, message)
    assert len(bodies) > 1 and all(len(body) <= messages.GROUP_LIMIT for body in bodies)
    assert all(len(param.encode("utf-8")) <= messages.PERSON_LIMIT for _, param in params)
    found = []
    for number, body in enumerate(bodies, 1):
        data = json.loads(body.decode("utf-8"))
        text = data["text"]["content"] if msg_key == "text" else data["markdown"]["text"]
        head = u"(%d/%d)\n" % (number, len(bodies))
        assert text.startswith(head)
        assert not re.search(u"^[\u200d\ufe0f]", text[len(head):].lstrip(u"\n"))
        found.append(text[len(head):].strip(u"\n"))
    assert u"".join(found).replace(u"\n", u"") == message["text"].replace(u"\n", u"")
    assert len({json.loads(body.decode("utf-8"))["msgUuid"] for body in bodies}) == len(bodies)


def test_no_part_ends_inside_a_link():
    content = u" ".join(u"[link %d](http://h/%s)" % (number, u"x" * 90) for number in range(600))
    for body in messages.parts_for_group("markdown", messages.compose("markdown", u"T", content), None):
        text = json.loads(body.decode("utf-8"))["markdown"]["text"]
        assert text.count(u"[") == text.count(u"](") == text.count(u")") - (1 if text.startswith(u"(") else 0)


def test_mentions_stand_in_the_text_and_beside_it():
    message = messages.compose("text", u"", u"disk @13800000000")
    said, at = messages.mention(message, "text", [u"13800000000", u"+852-1234"], False)
    assert said["text"] == u"disk @13800000000\n@+852-1234"
    assert at == {"atMobiles": [u"13800000000", u"+852-1234"], "isAtAll": False}
    assert messages.mention(message, "text", [], False) == (message, None)


def test_everybody_is_mentioned_once_in_a_message_of_many_parts():
    message, at = messages.mention(messages.compose("text", u"", u"a\n" * 30000), "text", [u"13800000000"], True)
    ats = [json.loads(body.decode("utf-8")).get("at") for body in messages.parts_for_group("text", message, at)]
    assert [a["isAtAll"] for a in ats if a].count(True) == 1
    assert [a["atMobiles"] for a in ats if a and a["atMobiles"]] == [[u"13800000000"]]
