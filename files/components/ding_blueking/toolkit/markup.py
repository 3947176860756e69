# -*- coding: utf-8 -*-
"""HTML, as mail templates have it, into text or into the Markdown that DingTalk shows."""
from __future__ import absolute_import, division, print_function

import re
from collections import namedtuple

from .names import unescape
from .text import clean

# --- the vocabulary -----------------------------------------------------------------------------------------------

# Opened and closed again, these show that a text is HTML.
_TELLING = frozenset(
    "a abbr article aside b big blockquote body caption center cite code colgroup dd del details div dl dt em fieldset "
    "figcaption figure font footer form h1 h2 h3 h4 h5 h6 header html i iframe ins kbd label legend li main mark nav noscript "
    "ol optgroup p pre s samp section small span strike strong sub summary sup table tbody td textarea tfoot th thead tr tt u "
    "ul".split()
)
# These are markup in HTML only: by themselves they may be XML, a placeholder, or what an alarm is about.
_SILENT = frozenset(
    "acronym audio bdi bdo button canvas data datalist dfn dialog dir frameset head hgroup map menu meter nobr noframes object "
    "option output picture progress q rp rt ruby script select style svg template time title var video".split()
)
_VOID = frozenset("area base br col embed frame hr img input link meta param source track wbr".split())
_NAMES = _TELLING | _SILENT | _VOID
_OFFICE = ("o:", "w:", "v:", "m:", "st1:")

# Words that people also write between < and >: without attributes, each needs its other tag to be one.
_WORDS = frozenset(
    "address area article aside audio base button canvas caption cite code data details dialog embed figure footer form frame "
    "header img input label legend link main map mark menu meta meter nav object option output param picture progress script "
    "section select source style summary svg template time title track var video".split()
)
_ONE_LETTER = frozenset("abipqsu")
_BARE_ATTRIBUTES = frozenset(
    "allowfullscreen async autofocus autoplay border checked compact controls default defer disabled download formnovalidate "
    "hidden ismap itemscope loop multiple muted nohref noresize noshade novalidate nowrap open playsinline readonly required "
    "reversed selected".split()
)

# What is never shown, if it is closed, by the end to look for. A title goes with it only in a whole document.
_CLOSERS = {name: re.compile(r"(?i)</%s\s*>" % name) for name in ("script", "style", "svg")}
_CLOSERS["!--"] = re.compile(r"-->")
_REST_OF_TITLE = re.compile(r"(?i)[^<]*</title\s*>")

_PARAGRAPHS = frozenset(
    "p h1 h2 h3 h4 h5 h6 table ul ol dl blockquote pre article section header footer figure form fieldset".split()
)
_LINES = frozenset("div tr li dt dd caption center address nav main aside summary legend option title body".split())
_EMPHASIS = {"b": u"**", "strong": u"**", "i": u"*", "em": u"*"}
_LINK_SCHEMES = ("http://", "https://", "mailto:", "tel:", "dingtalk://")
_DEEPEST_INDENT = 8

# --- the grammar --------------------------------------------------------------------------------------------------

# No < inside of a tag: so no character is read more than a few times, however hostile the text.
_WORD = r"[^\s<>\"'=/]+"
_VALUE = r"\"[^\"<]*\"|'[^'<]*'|[^\s<>\"']+"
_ATTRIBUTE = re.compile(r"(%s)(?:\s*=\s*(%s))?" % (_WORD, _VALUE))
_MARK = re.compile(
    r"(?i)<(?P<hides>!--)|<!\[(?:if\b[^\[\]<>]*|endif)\]>|<\?xml\b[^<>]*>|<!(?P<doctype>doctype)\s+html\b[^<>]*>"
    r"|<(?P<closes>/?)(?P<name>[a-z][a-z0-9]*(?::[a-z]\w*)?)"
    r"(?P<attributes>(?:(?:\s+|(?<=[\"']))%s(?:\s*=\s*(?:%s))?)*)\s*(?P<empty>/\s*)?>" % (_WORD, _VALUE)
)
_REFERENCE = re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6});")
_BARE = re.compile(r"[<>]|&(?!%s)" % _REFERENCE.pattern[1:])

# name is empty for what is never shown. attributes: {name: value or None}; empty: `<p/>`.
_Tag = namedtuple("_Tag", "start end name closes empty attributes")


def plain(text):
    """HTML or escaped text as readable text; other text as it is. Clean as of text.clean."""
    return _shown(text, markdown=False)


def markdown(text):
    """HTML or escaped text as DingTalk's Markdown; other text as it is. Clean as of text.clean."""
    return _shown(text, markdown=True)


def _shown(text, markdown):
    tags = _html(text)
    if tags is not None:
        text = _convert(text, tags, markdown)
    elif is_escaped(text):
        text = _decode(text).replace(u"\xa0", u" ")
    # Once more: a reference may name any character.
    return clean(text)


def is_escaped(text):
    """Whether a text without tags was escaped for HTML: entities, and nothing that escaping would not have left."""
    return _REFERENCE.search(text) is not None and _BARE.search(text) is None


def is_html(text):
    """Whether a text was written as HTML, and does not merely contain `<` or `&`.

    HTML has a line break, rule or image tag, or an element that is opened and closed again.
    """
    return _html(text) is not None


def _decode(text):
    """References that end in a semicolon as what they name; others, which addresses are full of, as they are."""
    return _REFERENCE.sub(_character, text)


def _character(reference):
    reference = reference.group(0)
    if reference[1] != u"#":
        named = unescape(reference)
        # Python 3 takes `&notit;` for `&not` and `it;`.
        return reference if named.endswith(u";") and named != u";" else named
    hexadecimal = reference[2] in u"xX"
    code = int(reference[3:-1], 16) if hexadecimal else int(reference[2:-1])
    if code == 0 or 0xD800 <= code <= 0xDFFF or code > 0x10FFFF:
        return u"\ufffd"
    if 0x80 <= code <= 0x9F:
        return bytes(bytearray([code])).decode("cp1252", "replace")
    # unichr and chr are two names, and 2.7 may be built without the characters above U+FFFF.
    return (u"\\U%08x" % code).encode("ascii").decode("unicode-escape")


# --- finding the markup -------------------------------------------------------------------------------------------


def _html(text):
    """[(_Tag, whether its element is opened and closed)] of an HTML text in order; None for any other text."""
    if u"<" not in text:
        return None
    tags = _tags(text)
    matched = _matched(tags)
    pairs = [(tag, number in matched) for number, tag in enumerate(tags)]
    if not any(_tells(tag, is_matched) for tag, is_matched in pairs):
        return None
    return [(tag, is_matched) for tag, is_matched in pairs if is_matched or not _needs_partner(tag)]


def _tags(text):
    """All _Tags that can be markup. What is hidden is one tag, from its start to its end; without an end it is not hidden."""
    tags, place, unclosed, in_document = [], 0, set(), False
    while True:
        mark = _MARK.search(text, place)
        if mark is None:
            return tags
        place = mark.end()
        tag = _tag(mark)
        if tag is None:
            continue
        in_document = in_document or tag.name in ("html", "head")
        end = _end_of_hidden(text, tag, in_document, unclosed)
        if end is not None:
            place = end
            tags.append(tag._replace(end=end, name="", empty=True))
        elif tag.name != "!--":
            tags.append(tag)


def _end_of_hidden(text, tag, in_document, unclosed):
    """Where what `tag` hides ends; None if it hides nothing. unclosed: names never to be sought again, as that costs time."""
    if tag.closes or tag.empty or tag.name in unclosed:
        return None
    if tag.name in _CLOSERS:
        # From within the tag: `<!-->` is a whole comment.
        found = _CLOSERS[tag.name].search(text, tag.start + 2)
        if found is None:
            unclosed.add(tag.name)
    elif tag.name == "title" and in_document:
        found = _REST_OF_TITLE.match(text, tag.end)
    else:
        return None
    return found.end() if found else None


def _tag(mark):
    """A match of _MARK as a _Tag; None for what merely looks like one."""
    name = (mark.group("name") or mark.group("hides") or mark.group("doctype") or u"").lower()
    if mark.group("name") and name not in _NAMES and not name.startswith(_OFFICE):
        return None
    attributes = {}
    for word, value in _ATTRIBUTE.findall(mark.group("attributes") or u""):
        value = value[1:-1] if value[:1] in (u'"', u"'") else value or None
        attributes.setdefault(word.lower(), value if value is None else _decode(value))
    tag = _Tag(mark.start(), mark.end(), name, bool(mark.group("closes")), bool(mark.group("empty")), attributes)
    # `if <b and c> then`
    return None if _is_odd(tag) and (name in _WORDS or name in _ONE_LETTER) else tag


def _is_odd(tag):
    """Whether a tag has words that HTML does not know, and nothing else."""
    if any(value is not None for value in tag.attributes.values()):
        return False
    return any(name not in _BARE_ATTRIBUTES and u"-" not in name for name in tag.attributes)


def _needs_partner(tag):
    """Whether a tag is one only if its element is opened and closed, lest a placeholder such as `<title>` vanish."""
    return _is_odd(tag) or tag.name in _WORDS and not tag.attributes and not tag.empty


def _matched(tags):
    """Positions of the tags whose element is opened and closed again."""
    opened, matched = {}, set()
    for number, tag in enumerate(tags):
        if tag.closes:
            if opened.get(tag.name):
                matched.update((opened[tag.name].pop(), number))
        elif not tag.empty:
            opened.setdefault(tag.name, []).append(number)
    return matched


def _tells(tag, is_matched):
    """Whether nobody who does not write HTML would write this tag."""
    if tag.name in ("br", "hr"):
        return not _is_odd(tag)
    if tag.name in ("img", "meta", "link", "col"):
        return any(value is not None for value in tag.attributes.values())
    return tag.name == "doctype" or is_matched and tag.name in _TELLING


# --- converting ---------------------------------------------------------------------------------------------------


def _convert(text, tags, markdown):
    writer = _Writer(markdown)
    place = 0
    for tag, is_matched in tags:
        writer.data(_decode(text[place:tag.start]))
        place = tag.end
        if tag.name in _EMPHASIS and not is_matched:
            continue
        if not tag.closes or tag.name == "br":
            writer.open(tag.name, tag.attributes)
        if tag.closes or tag.empty and tag.name not in _VOID:
            writer.close(tag.name)
    writer.data(_decode(text[place:]))
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
