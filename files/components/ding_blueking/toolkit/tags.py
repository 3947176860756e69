# -*- coding: utf-8 -*-
"""The tags of a text that was written as HTML, told from text that merely contains `<` or `&`."""
from __future__ import absolute_import, division, print_function

import re
from collections import namedtuple

from .names import unescape

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
VOID = frozenset("area base br col embed frame hr img input link meta param source track wbr".split())
_NAMES = _TELLING | _SILENT | VOID
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
Tag = namedtuple("Tag", "start end name closes empty attributes")


def is_escaped(text):
    """Whether a text without tags was escaped for HTML: entities, and nothing that escaping would not have left."""
    return _REFERENCE.search(text) is not None and _BARE.search(text) is None


def decode(text):
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


def tags_of(text):
    """[(Tag, whether its element is opened and closed)] of an HTML text in order; None for any other text.

    HTML has a line break, rule or image tag, or an element that is opened and closed again.
    """
    if u"<" not in text:
        return None
    tags = _tags(text)
    matched = _matched(tags)
    pairs = [(tag, number in matched) for number, tag in enumerate(tags)]
    if not any(_tells(tag, is_matched) for tag, is_matched in pairs):
        return None
    return [(tag, is_matched) for tag, is_matched in pairs if is_matched or not _needs_partner(tag)]


def _tags(text):
    """All Tags that can be markup. What is hidden is one tag, from its start to its end; without an end it is not hidden."""
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
    """A match of _MARK as a Tag; None for what merely looks like one."""
    name = (mark.group("name") or mark.group("hides") or mark.group("doctype") or u"").lower()
    if mark.group("name") and name not in _NAMES and not name.startswith(_OFFICE):
        return None
    attributes = {}
    for word, value in _ATTRIBUTE.findall(mark.group("attributes") or u""):
        value = value[1:-1] if value[:1] in (u'"', u"'") else value or None
        attributes.setdefault(word.lower(), value if value is None else decode(value))
    tag = Tag(mark.start(), mark.end(), name, bool(mark.group("closes")), bool(mark.group("empty")), attributes)
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
