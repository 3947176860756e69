# -*- coding: utf-8 -*-
"""HTML, as mail templates have it, into text or into the Markdown that DingTalk shows."""
from __future__ import absolute_import, division, print_function

import re

from .tags import VOID, decode, is_escaped, tags_of
from .text import clean

_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 table ul ol dl blockquote pre article section header footer figure form fieldset".split()
)
_LINES = frozenset("div tr li dt dd caption center address nav main aside summary legend option title body".split())
_EMPHASIS = {"b": u"**", "strong": u"**", "i": u"*", "em": u"*"}
_LINK_SCHEMES = ("http://", "https://", "mailto:", "tel:", "dingtalk://")
_DEEPEST_INDENT = 8


def plain(text):
    """HTML or escaped text as readable text; other text as it is. Clean as of text.clean."""
    return _shown(text, markdown=False)


def markdown(text):
    """HTML or escaped text as DingTalk's Markdown; other text as it is. Clean as of text.clean."""
    return _shown(text, markdown=True)


def _shown(text, markdown):
    tags = tags_of(text)
    if tags is not None:
        text = _convert(text, tags, markdown)
    elif is_escaped(text):
        text = decode(text).replace(u"\xa0", u" ")
    # Once more: a reference may name any character.
    return clean(text)


def _convert(text, tags, markdown):
    writer = _Writer(markdown)
    place = 0
    for tag, is_matched in tags:
        writer.data(decode(text[place:tag.start]))
        place = tag.end
        if tag.name in _EMPHASIS and not is_matched:
            continue
        if not tag.closes or tag.name == "br":
            writer.open(tag.name, tag.attributes)
        if tag.closes or tag.empty and tag.name not in VOID:
            writer.close(tag.name)
    writer.data(decode(text[place:]))
    return writer.result()


class _Writer(object):
    """Collects the shown text of an HTML document."""

    def __init__(self, markdown):
        self._markdown = markdown
        self._out = []
        self._preformatted = 0
        self._link = None  # (address, length of _out before it)
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

    # --- what a document has --------------------------------------------------------------------------------------

    def open(self, tag, attributes):
        if tag == "br":
            self._out.append(u"\n")
            self._breaks += 1
            self._space = False
        elif tag == "hr":
            self._end_line()
            self._write(u"---")
            self._end_line()
        elif tag == "img":
            self._image(attributes)
        elif tag == "a":
            # Links do not nest: one that was never closed ends where the next begins.
            self._close_link()
            self._link = (attributes.get("href") or u"", len(self._out))
        elif tag in ("td", "th"):
            self._cell()
        elif tag in _PARAGRAPHS or tag in _LINES:
            self._block(tag)
        elif tag in _EMPHASIS and self._markdown:
            self._open_emphasis(_EMPHASIS[tag])

    def close(self, tag):
        if tag == "a":
            self._close_link()
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

    def data(self, data):
        data = data.replace(u"\xa0", u" ")
        if self._preformatted:
            self._write_preformatted(data)
            return
        words = data.split()
        if data[:1].isspace():
            self._space = True
        if words:
            self._write(u" ".join(words))
            self._space = data[-1:].isspace()

    # --- elements -------------------------------------------------------------------------------------------------

    def _write_preformatted(self, data):
        for number, line in enumerate(data.split(u"\n")):
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
            indent = u"  " * min(_DEEPEST_INDENT, max(0, len(self._lists) - 1))
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
        else:
            self._out.append(mark)

    def _image(self, attributes):
        source, words = _address(attributes.get("src")), u" ".join((attributes.get("alt") or u"").split())
        if not source.lower().startswith(("http://", "https://")):
            self._write(words)
        elif self._markdown:
            self._write(u"![%s](%s)" % (_without_brackets(words), _for_markdown(source)))
        else:
            self._write((u"%s (%s)" % (words, source)) if words else source)

    def _close_link(self):
        if self._link is None:
            return
        address, start = _address(self._link[0]), self._link[1]
        self._link = None
        if not address.lower().startswith(_LINK_SCHEMES):
            return
        lead = u"".join(self._out[start:])
        words = lead.strip()
        if self._markdown:
            if u"\n" in words or u"](" in words:
                self._write(u" [%s](%s)" % (_without_brackets(address), _for_markdown(address)))
                return
            lead = lead[: len(lead) - len(lead.lstrip())]
            del self._out[start:]
            link = u"[%s](%s)" % (_without_brackets(words or address), _for_markdown(address))
            if words:
                self._out.append(lead + link)
                self._breaks = 0
            else:
                self._write(link)
        elif not words:
            self._write(address)
        elif address not in (words, u"mailto:" + words, u"tel:" + words):
            self._out.append(u" (%s)" % address)
            self._breaks = 0


def _address(value):
    """An attribute's address, without the line ends that browsers leave out too."""
    return re.sub(r"[\t\r\n]+", u"", value or u"").strip()


def _for_markdown(address):
    return address.replace(u" ", u"%20").replace(u"(", u"%28").replace(u")", u"%29")


def _without_brackets(words):
    # A bracket would end the words; whether DingTalk knows a backslash before it is not documented.
    return words.replace(u"[", u"\uff3b").replace(u"]", u"\uff3d")
