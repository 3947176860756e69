# -*- coding: utf-8 -*-
"""HTML, as mail templates have it, into text or into the Markdown that DingTalk shows."""
from __future__ import absolute_import, division, print_function

import re

from .names import HTMLParser, unescape

_PAIRED = (
    "a abbr article aside b big blockquote body caption center cite code dd del details div dl dt em fieldset figcaption "
    "figure font footer form h1 h2 h3 h4 h5 h6 head header html i ins kbd label legend li main mark nav ol p pre s samp "
    "section small span strike strong style script sub summary sup table tbody td tfoot th thead title tr tt u ul"
).split()
_VOID = "br hr img input link meta col wbr".split()
_OFFICE = r"(?:o|w|v|m|st1):\w+"

_ATTRIBUTE = r"(?:\s+[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s\"'<>]+))"
_OPENED = re.compile(r"(?i)<(%s)%s*\s*>" % ("|".join(_PAIRED), _ATTRIBUTE))
_VOID_SEEN = re.compile(r"(?i)<(?:(?:br|hr)\s*/?|(?:img|meta|link|col)%s+\s*/?)>|<!DOCTYPE\s+html" % _ATTRIBUTE)
_NOT_A_TAG = re.compile(r"(?i)<(?!/?(?:%s|%s)\b[^<]*>|!--|!DOCTYPE)" % ("|".join(_PAIRED + _VOID), _OFFICE))
_CONDITION = re.compile(r"<!\[[^\]>]*\]>")
_ENTITY = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_BARE = re.compile(r"[<>]|&(?!(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});)")

_HIDDEN = frozenset(("script", "style", "head", "title"))
_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 table ul ol dl blockquote pre article section header footer figure form fieldset".split()
)
_LINES = frozenset("div tr li dt dd caption center address nav main aside summary legend".split())
_EMPHASIS = {"b": u"**", "strong": u"**", "i": u"*", "em": u"*"}
_LINK_SCHEMES = ("http://", "https://", "mailto:", "tel:", "dingtalk://")


def is_html(text):
    """Whether a text was written as HTML, and does not merely contain `<` or `&`.

    HTML has a line break, rule or image tag, or an element that is opened and closed again.
    """
    if u"<" not in text:
        return False
    if _VOID_SEEN.search(text):
        return True
    lowered = text.lower()
    last_closed = {}
    for opened in _OPENED.finditer(text):
        name = opened.group(1).lower()
        if name not in last_closed:
            last_closed[name] = lowered.rfind(u"</%s>" % name)
        if last_closed[name] >= opened.end():
            return True
    return False


def is_escaped(text):
    """Whether a text without tags was escaped for HTML: entities, and nothing that escaping would not have left."""
    return _ENTITY.search(text) is not None and _BARE.search(text) is None


def plain(text):
    """HTML or escaped text as readable text; other text as it is."""
    if is_html(text):
        return _convert(text, markdown=False)
    return unescape(text).replace(u"\xa0", u" ") if is_escaped(text) else text


def markdown(text):
    """HTML or escaped text as DingTalk's Markdown; other text as it is."""
    if is_html(text):
        return _convert(text, markdown=True)
    return unescape(text).replace(u"\xa0", u" ") if is_escaped(text) else text


def _convert(text, markdown):
    text = _NOT_A_TAG.sub(u"&lt;", _CONDITION.sub(u"", text))
    reader = _Reader(markdown)
    reader.feed(text)
    reader.close()
    return reader.result()


class _Reader(HTMLParser, object):
    """Collects the shown text of an HTML document."""

    def __init__(self, markdown):
        HTMLParser.__init__(self)
        self._markdown = markdown
        self._out = []
        self._hidden = 0
        self._preformatted = 0
        self._links = []
        self._lists = []
        self._cells = 0
        self._breaks = 2  # line ends already written; a document begins on a new paragraph
        self._space = False

    # --- writing --------------------------------------------------------------------------------------------------

    def _write(self, text):
        if not text:
            return
        if self._space and not self._breaks:
            self._out.append(u" ")
        self._out.append(text)
        self._space = False
        self._breaks = 0

    def _end_line(self, blank_lines=0):
        while self._breaks < 1 + blank_lines:
            self._out.append(u"\n")
            self._breaks += 1
        self._space = False

    def result(self):
        lines = [line.rstrip() for line in u"".join(self._out).split(u"\n")]
        return re.sub(u"\n{3,}", u"\n\n", u"\n".join(lines)).strip(u"\n")

    # --- the parser's events --------------------------------------------------------------------------------------

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag in _HIDDEN:
            self._hidden += 1
        if self._hidden:
            return
        if tag == "br":
            self._out.append(u"\n")
            self._breaks += 1
            self._space = False
        elif tag == "hr":
            self._end_line()
            self._write(u"---")
            self._end_line()
        elif tag == "img":
            self._image(attrs)
        elif tag == "a":
            self._links.append((attrs.get("href") or u"", len(self._out)))
        elif tag in ("td", "th"):
            self._cell()
        elif tag in _PARAGRAPHS or tag in _LINES:
            self._block(tag)
        elif tag in _EMPHASIS and self._markdown:
            self._open_emphasis(_EMPHASIS[tag])

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        if tag in _HIDDEN:
            self._hidden = max(0, self._hidden - 1)
            return
        if self._hidden:
            return
        if tag == "a" and self._links:
            self._close_link(*self._links.pop())
        elif tag in ("ul", "ol"):
            if self._lists:
                self._lists.pop()
            self._end_line(blank_lines=0 if self._lists else 1)
        elif tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
            self._end_line(blank_lines=1)
        elif tag in _PARAGRAPHS:
            self._end_line(blank_lines=1)
        elif tag in _LINES:
            self._end_line()
        elif tag in _EMPHASIS and self._markdown:
            self._close_emphasis(_EMPHASIS[tag])

    def handle_data(self, data):
        if self._hidden:
            return
        if self._preformatted:
            self._write_preformatted(data)
            return
        words = data.replace(u"\xa0", u" ").split()
        if data[:1].isspace() or data[:1] == u"\xa0":
            self._space = True
        if words:
            self._write(u" ".join(words))
            self._space = data[-1:].isspace() or data[-1:] == u"\xa0"

    # Python 2.7 hands references over one at a time.

    def handle_entityref(self, name):
        self._reference(u"&%s;" % name)

    def handle_charref(self, name):
        self._reference(u"&#%s;" % name)

    # --- elements -------------------------------------------------------------------------------------------------

    def _reference(self, reference):
        if self._hidden:
            return
        text = unescape(reference)
        if text.replace(u"\xa0", u" ").isspace():
            self._space = True
        else:
            self._write(text)

    def _write_preformatted(self, data):
        for number, line in enumerate(data.replace(u"\xa0", u" ").split(u"\n")):
            if number:
                self._out.append(u"\n")
                self._breaks += 1
            if line:
                self._write(line)

    def _block(self, tag):
        if tag == "li":
            self._end_line()
            kind, count = self._lists[-1] if self._lists else ("ul", 0)
            if self._lists:
                self._lists[-1] = (kind, count + 1)
            indent = u"  " * max(0, len(self._lists) - 1)
            self._write(indent + (u"%d." % (count + 1) if kind == "ol" else u"-"))
            self._space = True
            return
        nested_list = tag in ("ul", "ol") and self._lists
        self._end_line(blank_lines=1 if tag in _PARAGRAPHS and not nested_list else 0)
        if tag in ("ul", "ol"):
            self._lists.append((tag, 0))
        elif tag == "tr":
            self._cells = 0
        elif tag == "pre":
            self._preformatted += 1
        elif self._markdown and len(tag) == 2 and tag[0] == "h":
            self._write(u"#" * int(tag[1]))
            self._space = True
        elif self._markdown and tag == "blockquote":
            self._write(u">")
            self._space = True

    def _cell(self):
        # Cells of a row stand in one line; a cell that begins a line, because its neighbour was empty, needs no bar.
        if self._cells and not self._breaks:
            self._space = False
            self._write(u" |")
        self._cells += 1
        self._space = True

    def _open_emphasis(self, mark):
        if self._space and not self._breaks:
            self._out.append(u" ")
        self._space = False
        self._out.append(mark)

    def _close_emphasis(self, mark):
        # Nothing between the marks: take the opening one back.
        if self._out and self._out[-1] == mark:
            self._out.pop()
        elif mark in self._out:
            self._out.append(mark)

    def _image(self, attrs):
        source, words = attrs.get("src") or u"", (attrs.get("alt") or u"").strip()
        if not source.startswith(("http://", "https://")):
            self._write(words)
        elif self._markdown:
            self._write(u"![%s](%s)" % (words, _address(source)))
        else:
            self._write((u"%s (%s)" % (words, source)) if words else source)

    def _close_link(self, address, start):
        address = address.strip()
        words = u"".join(self._out[start:]).strip()
        if not address.lower().startswith(_LINK_SCHEMES):
            return
        if self._markdown:
            if u"\n" in words or u"](" in words:
                self._write(u" [%s](%s)" % (address, _address(address)))
                return
            lead = u"".join(self._out[start:])
            lead = lead[: len(lead) - len(lead.lstrip())]
            del self._out[start:]
            self._out.append(u"%s[%s](%s)" % (lead, words or address, _address(address)))
            self._breaks = 0
        elif not words:
            self._write(address)
        elif address not in (words, u"mailto:" + words, u"tel:" + words):
            self._out.append(u" (%s)" % address)
            self._breaks = 0


def _address(address):
    return address.replace(u" ", u"%20").replace(u"(", u"%28").replace(u")", u"%29")


# --- line breaks of Markdown --------------------------------------------------------------------------------------

_STARTS_BLOCK = re.compile(r"\s{0,3}(?:#{1,6}\s|>|[-*+]\s|\d{1,9}[.)]\s|(?:[-*_]\s*){3,}$|\||```|!\[)")
_STANDS_ALONE = re.compile(r"\s{0,3}(?:#{1,6}\s|(?:[-*_]\s*){3,}$)")


def break_lines(text):
    """Markdown whose single line ends DingTalk shows as line breaks: it wants two spaces on both sides of them.

    No spaces are put before a line that begins a heading, a list entry or a quote: there the structure makes the break,
    and leading spaces would change it.
    """
    lines = text.split(u"\n")
    out = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else u""
        bare = line.rstrip(u" \t")
        if not bare or not following.strip() or _STANDS_ALONE.match(bare):
            out.append(bare)
        else:
            out.append(bare + u"  ")
        if number and bare and out[number - 1].endswith(u"  ") and not _STARTS_BLOCK.match(line):
            out[number] = u"  " + out[number].lstrip(u" ")
    return u"\n".join(out)
