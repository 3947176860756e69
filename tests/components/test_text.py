# -*- coding: utf-8 -*-
"""What title and content become: HTML, Markdown, mentions, parts within the limits."""
from __future__ import absolute_import, division, print_function

import json
import os
import random
import re
import time

import pytest

from components.generic.apis.ding_blueking.toolkit import line_breaks, markup, messages

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
    started = time.time()
    for text in (u"<a " * 30000, u"<b>" * 30000, u"<" * 100000, u"&" * 100000 + u";", u"<p " + u"a=" * 30000, u"<i>a" * 20000):
        markup.plain(text)
        line_breaks.break_lines(text)
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
    assert line_breaks.break_lines(text) == shown
    assert line_breaks.break_lines(shown) == shown


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

# --- nothing is lost, nothing of the markup is left ---------------------------------------------------------------


@pytest.mark.parametrize(
    "html, text",
    [
        (u"Service <title> failed<br>please check", u"Service <title> failed\nplease check"),
        (u'<html><head><meta charset="utf-8"><body><p>ALARM</p></body></html>', u"ALARM"),
        (u"<html><head><meta charset='utf-8'><p>ALARM</p></html>", u"ALARM"),
        (u"<html><head><title>T</title><body>ALARM<br></html>", u"ALARM"),
        (u"<html><head><title>T</head><body>ALARM<br></html>", u"<title>T\nALARM"),
        (u"<style>p {} <p>ALARM</p>", u"<style>p {}\n\nALARM"),
        (u"<p>a</p><script src='x'>ALARM", u"a\n\nALARM"),
        (u"<p>a</p><!-- ALARM", u"a\n\n<!-- ALARM"),
        (u"<style><!-- p {}</style><p>ALARM</p><!-- x -->", u"ALARM"),
        (u"<title>Disk</title><p>full</p>", u"Disk\n\nfull"),
        (u"on <time> see <time datetime='x'>12:00</time><br>", u"on <time> see 12:00"),
        (u"see <link> and <input><br>", u"see <link> and <input>"),
    ],
)
def test_only_what_is_closed_is_hidden(html, text):
    assert markup.plain(html).strip() == text


@pytest.mark.parametrize(
    "text",
    [
        u"attack: <script>alert(1)</script> from 10.0.0.1",
        u"<alarm><title>disk</title><time>12:00</time></alarm>",
        u"if <b and c> then </b>",
        u"<!-- note -->",
        u"cmd <option> file <time>",
    ],
)
def test_text_about_markup_is_no_html(text):
    assert markup.plain(text) == markup.markdown(text) == text


@pytest.mark.parametrize(
    "html, text",
    [
        (u'<a href="http://x/1" download>open</a>', u"open (http://x/1)"),
        (u"<a download href='http://x/1'>open</a>", u"open (http://x/1)"),
        (u'l1<br clear="all">l2', u"l1\nl2"),
        (u"l1<br clear=all />l2", u"l1\nl2"),
        (u"a</br>b", u"a\nb"),
        (u"<td nowrap>x</td>", u"x"),
        (u"<p>if <b and c> then</p>", u"if <b and c> then"),
        (u"<p>at <time>12:00</time> <button disabled>OK</button></p>", u"at 12:00 OK"),
        (u"<p><select><option selected>x</option><option>y</option></select></p>", u"x\ny"),
        (u"<p>a <textarea rows=3>b</textarea><video controls src='x'>c</video><iframe src='y'></iframe></p>", u"a bc"),
        (u"<p><audio></audio>a<object data='x'>b</object><canvas></canvas><progress value=1></progress></p>", u"ab"),
        (u"<p>a<![if !mso]>b<![endif]><?xml version='1.0'?></p>", u"ab"),
        (u"<!DOCTYPE html>\na", u"a"),
        (u"<p title='a>b'>c</p>", u"c"),
        (u'<a href="http://h/?a=1&copy=3&lt=2&amp;b=4">x</a>', u"x (http://h/?a=1&copy=3&lt=2&b=4)"),
        (u"<p>?a=1&copy=3 &copy; &notit; &amp;lt;</p>", u"?a=1&copy=3 \xa9 &notit; &lt;"),
        (u"<a href='http://a/'>x<a href='http://b/'>y</a>", u"x (http://a/)y (http://b/)"),
    ],
)
def test_no_markup_of_real_html_is_left(html, text):
    assert markup.plain(html).strip() == text


@pytest.mark.parametrize(
    "text, shown",
    [
        (u"a &lt;b&gt; &amp; c", u"a <b> & c"),
        (u"a &lt;b&gt; & c", u"a &lt;b&gt; & c"),
        (u"a &lt;b> c", u"a &lt;b> c"),
        (u"&lt;b &gt", u"&lt;b &gt"),
        (u"R&D; AT&T;", u"R&D; AT&T;"),
    ],
)
def test_text_without_tags_is_decoded_only_when_it_is_escaped_throughout(text, shown):
    assert markup.plain(text) == markup.markdown(text) == shown


@pytest.mark.parametrize(
    "reference, shown",
    [
        (u"&#99999999999999999999999;", u"&#99999999999999999999999;"),
        (u"&#9999999;", u"\ufffd"),
        (u"&#xD800;", u"\ufffd"),
        (u"&#xD83D;&#xDE00;", u"\ufffd\ufffd"),
        (u"&#0;", u"\ufffd"),
        (u"&#x1F600;", u"\U0001f600"),
        (u"&#150;", u"\u2013"),
        (u"&#7;", u""),
        (u"&nosuch;", u"&nosuch;"),
    ],
)
def test_references_to_no_character_stay_or_become_a_mark(reference, shown):
    assert markup.plain(u"disk full<br>x" + reference) == u"disk full\nx" + shown
    assert markup.markdown(u"disk full<br>x" + reference) == u"disk full\nx" + shown


def test_halves_of_a_pair_that_cleaning_brings_together_are_a_character():
    assert messages.clean(json.loads(u'"\\ud83d\\u0000\\ude00"')) == u"\U0001f600"


FRAGMENTS = (
    u"<b> </b> <br> <br <title> </title> <head> <html> <body> <style> </style> <script> </script> <!-- --> <![ ]]> <![if <a <a_href=' "
    u"http://h/ ' \" > < /> & &amp; &#xD83D; &#xde00; &#1114112; &#13; &#0; &copy &notit; <pre> <li> <ul> <ol> </ul> <td> <tr> "
    u"<img_src='http://h/x'> [ ] ]( ( ) ! @13800000000 @+852-1234 @ # * ** - | > 1. (2/3) \u2026 \u4e2d \U0001f600 \u200d \ufe0f \u0301 "
    u"\x00 \r \ud83d \ude00 \u3000 \xa0 \\ word %s {}"
).split(u" ") + [u" ", u"  ", u"\n", u"\n\n", u"\t", u"x" * 700, u"\u4e2d" * 300]


def test_no_text_makes_anything_raise_or_exceed_a_limit():
    chance = random.Random(20240501)
    for _ in range(400):
        text = u"".join(chance.choice(FRAGMENTS) for _ in range(chance.randint(1, 60))).replace(u"_", u" ")
        title = u"".join(chance.choice(FRAGMENTS[:-2]) for _ in range(chance.randint(0, 5)))
        for converted in (markup.plain(text), markup.markdown(text)):
            assert messages.clean(converted) == converted
        for msg_key in ("text", "markdown"):
            message = messages.compose(msg_key, title, text)
            mobiles = [u"13800000000", u"+852-1234", u"\u5f20\u4e09"][: chance.randint(0, 3)]
            said, at = messages.mention(message, msg_key, mobiles, chance.random() < 0.5)
            for limit in (1000, 1250, 20000):
                bodies = messages.parts_for_group(msg_key, said, at, limit)
                assert all(len(body) <= limit for body in bodies) and len(bodies) <= messages.MOST_PARTS
                ats = [json.loads(body.decode("utf-8")).get("at") or {} for body in bodies]
                assert set(mobiles) == {mobile for a in ats for mobile in a.get("atMobiles", ())}
                params = messages.parts_for_people(msg_key, message, limit)
                assert all(len(param.encode("utf-8")) <= limit for _, param in params)


def _filled(unit, before=u"", after=u""):
    return before + (unit * (100000 // len(unit) + 1))[:100000] + after


@pytest.mark.parametrize(
    "content",
    [
        _filled(u"["),
        _filled(u"[]("),
        _filled(u"[a]", u"["),
        _filled(u"![x](y"),
        _filled(u" ", u"a", u"b"),
        _filled(u"#", u"", u"b"),
        _filled(u"#", u"a", u"b"),
        _filled(u"@1"),
        _filled(u"a\n"),
        _filled(u"<!--", u"<br>"),
        _filled(u"<![", u"<br>"),
        _filled(u"<script>", u"<br>"),
        _filled(u"<title>", u"<html><br>"),
        _filled(u"x</b>", u"<br>"),
        _filled(u"<b>x", u"<br>"),
        _filled(u"<ul><li>x", u"<br>"),
        _filled(u"<a href='http://h/'>x", u"<br>"),
        _filled(u"<a '\"", u"<br>"),
        _filled(u" b=/c", u"<br><a"),
        _filled(u" ", u"<br><a"),
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_hostile_content_takes_no_more_time_than_another(content):
    # Seconds of this process: what else the machine does is not the content's.
    started = sum(os.times()[:2])
    for msg_key in ("text", "markdown"):
        message = messages.compose(msg_key, u"", content)
        messages.parts_for_group(msg_key, message, None)
        messages.parts_for_people(msg_key, message)
    # Some tenths on an idle machine; quadratic ways took 14 s and more.
    assert sum(os.times()[:2]) - started < 6


# --- parts --------------------------------------------------------------------------------------------------------


def _texts(bodies):
    data = [json.loads(body.decode("utf-8")) for body in bodies]
    return [part["text"]["content"] if part["msgtype"] == "text" else part["markdown"]["text"] for part in data]


def _ats(bodies):
    return [json.loads(body.decode("utf-8")).get("at") for body in bodies]


@pytest.mark.parametrize("size", [10, 30000])
def test_everybody_is_mentioned_also_by_a_content_that_begins_like_a_part(size):
    content = u"(2/3)\n" + u"a\n" * size
    message, at = messages.mention(messages.compose("text", u"", content), "text", [], True)
    ats = _ats(messages.parts_for_group("text", message, at))
    assert ats[0]["isAtAll"] and not any(ats[1:])


@pytest.mark.parametrize("mobile", [u"13800000000", u"+852-12345678", u"\u5f20\u4e09", u"zhang.san"])
def test_a_mention_inside_a_long_line_is_in_one_piece(mobile):
    for length in range(19600, 19660):
        content = u"x" * length + u" @" + mobile + u" " + u"y" * 300
        message, at = messages.mention(messages.compose("text", u"", content), "text", [mobile], False)
        bodies = messages.parts_for_group("text", message, at)
        assert all(len(body) <= messages.GROUP_LIMIT for body in bodies)
        carrying = [at["atMobiles"] for at in _ats(bodies) if at]
        assert carrying == [[mobile]]
        assert sum(u"@" + mobile in text for text in _texts(bodies)) == 1


def test_a_mobile_is_not_mentioned_by_a_longer_number():
    message = messages.compose("text", u"", u"@+852-12345")
    assert messages.mention(message, "text", [u"+852-1234"], False)[0]["text"] == u"@+852-12345\n@+852-1234"


def test_a_mention_that_the_text_lacks_is_in_the_last_part():
    message = messages.compose("text", u"", u"a\n" * 30000)
    bodies = messages.parts_for_group("text", message, {"atMobiles": [u"13800000000"], "isAtAll": False})
    assert _ats(bodies)[-1]["atMobiles"] == [u"13800000000"]


@pytest.mark.parametrize(
    "html, text",
    [
        (u'<a href="http://a.b/c">[CPU] high</a>', u"[\uff3bCPU\uff3d high](http://a.b/c)"),
        (u'<a href="http://a.b/c?x=(1)">a]b</a>', u"[a\uff3db](http://a.b/c?x=%281%29)"),
        (u'<img src="http://a.b/c" alt="[x]">', u"![\uff3bx\uff3d](http://a.b/c)"),
        (u'x <a href="http://a.b/[1]"></a>', u"x [http://a.b/\uff3b1\uff3d](http://a.b/[1])"),
    ],
)
def test_brackets_in_the_words_of_a_link_do_not_end_it(html, text):
    assert markup.markdown(html) == text


@pytest.mark.parametrize("link", [u"[[CPU] high](http://a.b/c)", u"[x [1] y [2]](http://a.b/c_(d)_e)", u"![i](http://a.b/c)"])
def test_a_link_with_brackets_is_in_one_piece(link):
    for length in range(19600, 19700):
        message = messages.compose("markdown", u"T", u"x" * length + u" " + link + u" " + u"y" * 300)
        assert sum(link in text for text in _texts(messages.parts_for_group("markdown", message, None))) == 1


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
@pytest.mark.parametrize("limit", [messages.SMALLEST_LIMIT, 1250, 2500])
def test_small_parts_have_room_beside_a_long_title_and_many_mentions(msg_key, limit):
    mobiles = [u"+852-%08d" % number for number in range(50)]
    message = messages.compose(msg_key, u"\u4e2d" * 100, u"disk full\n" * 200)
    message, at = messages.mention(message, msg_key, mobiles, True)
    bodies = messages.parts_for_group(msg_key, message, at, limit)
    assert len(bodies) <= messages.MOST_PARTS and all(len(body) <= limit for body in bodies)
    assert [mobile for at in _ats(bodies) if at for mobile in at["atMobiles"]] == mobiles
    assert all(len(param.encode("utf-8")) <= limit for _, param in messages.parts_for_people(msg_key, message, limit))


@pytest.mark.parametrize("msg_key", ["text", "markdown"])
@pytest.mark.parametrize("unit", [u"disk full \u4e2d\n", u"x", u"\U0001f600", u"[a](http://h/b) "])
def test_more_parts_than_a_robot_may_send_are_cut_and_the_last_line_tells(msg_key, unit):
    content = unit * (1000000 // len(unit.encode("utf-8")))
    message = messages.compose(msg_key, u"T", content)
    said, at = messages.mention(message, msg_key, [u"13800000000"], False)
    bodies = messages.parts_for_group(msg_key, said, at)
    params = messages.parts_for_people(msg_key, said)
    assert len(bodies) == len(params) == messages.MOST_PARTS
    assert all(len(body) <= messages.GROUP_LIMIT for body in bodies)
    assert _ats(bodies)[-1]["atMobiles"] == [u"13800000000"]
    last = _texts(bodies)[-1].split(u"\n")[-1]
    assert last == u"\u2026 (%d bytes left out)" % messages.left_out(bodies)
    shown = sum(len(body) for body in bodies)
    assert abs(shown + messages.left_out(bodies) - len(said["text"].encode("utf-8"))) < 0.2 * shown
    assert 0 < messages.left_out(bodies) < messages.left_out(params) < 1100000


def test_nothing_is_left_out_of_a_message_of_few_parts():
    message = messages.compose("text", u"", u"a\n" * 30000 + messages.LEFT_OUT % 5)
    assert messages.left_out(messages.parts_for_group("text", message, None)) == 0
    assert messages.left_out(messages.parts_for_people("text", message)) == 0


def test_a_title_is_shown_without_markup_and_a_markdown_message_has_one():
    assert messages.compose("markdown", u"<b>Disk</b> &amp; CPU", u"x")["title"] == u"Disk & CPU"
    assert messages.compose("markdown", u"", u"---")["title"] == u"---"
