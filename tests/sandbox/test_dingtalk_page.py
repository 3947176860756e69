"""The chat page: what DingTalk would show, and that no message ever runs as markup."""

import time
from html.parser import HTMLParser

import pytest

from sandbox.dingtalk.client import Client
from sandbox.dingtalk.markdown import render, safe_link

ALLOWED = {
    "a": {"href", "target", "rel"}, "span": {"class", "title", "aria-hidden"}, "div": {"class"}, "br": set(), "hr": set(), "p": set(),
    "strong": set(), "em": set(), "blockquote": set(), "ul": set(), "ol": {"start"}, "li": set(),
    "h1": set(), "h2": set(), "h3": set(), "h4": set(), "h5": set(), "h6": set(),
}


def shown(text, msgtype="markdown", mentions=None):
    return render({"msgtype": msgtype, "title": "", "text": text}, mentions or {})


@pytest.mark.parametrize("text, html", [
    ("# One\n### Three", "<h1>One</h1><h3>Three</h3>"),
    ("#nothing", "<p>#nothing</p>"),
    ("> quoted\n> again", "<blockquote><p>quoted\nagain</p></blockquote>"),
    ("**bold** and *italic*", "<p><strong>bold</strong> and <em>italic</em></p>"),
    ("2 * 3 * 4 and snake_case_name", "<p>2 * 3 * 4 and snake_case_name</p>"),
    ("- a\n- b\n\n1. c\n2. d", '<ul><li>a</li><li>b</li></ul><ol start="1"><li>c</li><li>d</li></ol>'),
    ("one\ntwo", "<p>one\ntwo</p>"),
    ("one  \ntwo", "<p>one<br>two</p>"),
    ("one\n\ntwo", "<p>one</p><p>two</p>"),
    ("`code`", "<p>`code`</p>"),
    ("| a | b |\n|---|---|", "<p>| a | b |\n|---|---|</p>"),
])
def test_markdown_is_shown_as_dingtalk_shows_it(text, html):
    assert shown(text) == html


def test_text_keeps_its_lines_and_links_its_urls():
    html = shown("a\nb **not bold** https://example.com/?a=1&b=2，然后", "text")
    assert "a\nb **not bold** " in html
    assert '<a href="https://example.com/?a=1&amp;b=2" target="_blank" rel="noopener noreferrer nofollow">' in html
    assert html.endswith("</a>，然后</div>")


def test_mentions_are_highlighted_with_the_name():
    assert shown("@138 hi", "text", {"138": "张伟"}) == '<div class="plain"><span class="mention" title="138">@张伟</span> hi</div>'


def test_images_are_placeholders():
    html = shown("![chart](https://example.com/c.png)")
    assert "<img" not in html and "chart" in html and 'href="https://example.com/c.png"' in html


@pytest.mark.parametrize("url", ["javascript:alert(1)", "JaVaScRiPt:alert(1)", "data:text/html,x", "vbscript:x", "//example.com", "file:///x",
                                 "http:", "\x01javascript:alert(1)", "dingtalk://x"])
def test_only_web_links_are_links(url):
    assert safe_link(url) is None
    assert "href" not in shown("[x](%s)" % url)


class Checker(HTMLParser):
    """Collects every tag and attribute that we do not write ourselves."""

    def __init__(self):
        super().__init__()
        self.foreign = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            if name not in ALLOWED.get(tag, ()) or (name == "href" and not value.startswith(("http://", "https://"))):
                self.foreign.append((tag, name, value))
        if tag not in ALLOWED:
            self.foreign.append((tag, None, None))


ATTACKS = [
    "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<svg/onload=alert(1)>", "**<b onclick=x>**", "# <h1 onclick=x>",
    "[<img src=x onerror=alert(1)>](http://example.com)", "[a](http://example.com/\"onmouseover=\"alert(1))",
    "![\"><script>alert(1)</script>](http://example.com/\"><script>)", "[a](http://example.com/'onmouseover='x')", "&lt;script&gt;", "> <iframe>",
    "- <style>*{}</style>", "@<img src=x onerror=alert(1)>", "http://example.com/\"><script>alert(1)</script>", "\\<script>", "[x](javascript:a)",
    "[**[y](http://a.b/<i>)**](http://a.b/\"x)",
]


@pytest.mark.parametrize("msgtype", ["text", "markdown", "link", "actionCard"])
@pytest.mark.parametrize("attack", ATTACKS)
def test_html_in_a_message_stays_text(attack, msgtype):
    checker = Checker()
    checker.feed(render({"msgtype": msgtype, "title": attack, "text": attack}, {"<img src=x onerror=alert(1)>": "<script>x</script>"}))
    assert checker.foreign == []


def test_hostile_input_renders_quickly():
    for piece in ("> ", "*", "[", "![", "**a", "_a_ ", "(", "- ", "`", "\\", "[a](", "http://", "**a\n"):
        text = piece * (20000 // len(piece))
        for msgtype in ("markdown", "text"):
            started = time.process_time()
            shown(text, msgtype)
            assert time.process_time() - started < 1.5, piece


@pytest.fixture
def ding(server):
    client = Client(server.port)
    client.admin("reset", {"all": True})
    client.admin("robots", {"token": "token-of-the-robot", "name": "<b>Alerts</b>"})
    client.admin("people", {"userid": "u1", "name": "张伟", "mobile": "13800000001"})
    yield client
    client.close()


def post(client, content, at=None):
    client.post("/robot/send?access_token=token-of-the-robot", {"msgtype": "text", "text": {"content": content}, "at": at})


def test_the_page_needs_nothing_from_outside(ding):
    for path in ("/", "/_page/chat.css", "/_page/chat.js"):
        reply = ding.get(path)
        assert reply.status == 200
        assert "http://" not in reply.text and "https://" not in reply.text
        assert "default-src 'none'" in reply.headers["Content-Security-Policy"]


def test_the_feed_gives_what_is_new_and_no_token(ding):
    post(ding, "first @13800000001", {"atMobiles": ["13800000001"]})
    reply = ding.get("/_page/feed")
    assert "token-of-the-robot" not in reply.text
    feed = reply.json()
    (message,) = feed["messages"]
    assert (message["kind"], message["name"], message["preview"]) == ("group", "<b>Alerts</b>", "first @13800000001")
    assert "@张伟" in message["html"]
    post(ding, "second")
    newer = ding.get("/_page/feed", epoch=feed["epoch"], after=message["id"]).json()
    assert [each["preview"] for each in newer["messages"]] == ["second"]


def test_looking_at_the_page_is_no_call(ding):
    for path in ("/", "/favicon.ico", "/_page/feed"):
        ding.get(path)
    assert ding.admin("calls")["calls"] == []


def test_after_a_reset_the_feed_starts_over(ding):
    post(ding, "old")
    post(ding, "older")
    feed = ding.get("/_page/feed").json()
    ding.admin("reset", {})
    post(ding, "new")
    again = ding.get("/_page/feed", epoch=feed["epoch"], after=2).json()
    assert again["epoch"] != feed["epoch"] and [each["preview"] for each in again["messages"]] == ["new"]


def test_a_strange_at_does_not_break_the_page(ding):
    post(ding, "@x", {"atMobiles": [None, {"a": 1}, ""], "atUserIds": [[]], "isAtAll": "true"})
    assert ding.get("/_page/feed").json()["messages"][0]["at_all"] is True
