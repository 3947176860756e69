# -*- coding: utf-8 -*-
"""From title and content to the parts that DingTalk shows: cleaned, converted, and split to its limits."""
from __future__ import absolute_import, division, print_function

import re
import uuid

from . import markup
from .dingtalk import group_body, person_param
from .text import clean

# Bytes of a group message's whole body, and of a one-to-one message's msgParam (the group API's number: none is published).
GROUP_LIMIT = 20000
PERSON_LIMIT = 15000
# Room for what DingTalk may count differently.
MARGIN = 200
SMALLEST_LIMIT = 1000
TITLE_CHARACTERS = 100
MOST_MENTIONS = 50

# What must stay in one piece: links, then characters with what joins them (surrogates, accents, variants, joiners).
_JOINED = u"[\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\u200d]"
_ATOM = re.compile(
    u"!?\\[[^\\]\n]*\\]\\([^)\\s]*\\)"
    u"|(?:https?|dingtalk|mailto)://?[^\\s\\]\\)\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+"
    u"|(?:[\ud800-\udbff][\udc00-\udfff]|[^\n])(?:" + _JOINED + u"|(?<=\u200d)(?:[\ud800-\udbff][\udc00-\udfff]|[^\n]))*"
    u"|\n"
)
_LEADING_MARKS = re.compile(r"^[\s#>*+\-_`|]+|[\s#*_`|]+$")
_LINK = re.compile(r"!?\[([^\]]*)\]\([^)]*\)")


def compose(msg_key, title, content):
    """{"title", "text"} of the whole message, still in one piece."""
    title = u" ".join(clean(title).split())
    content = clean(content)
    if msg_key == "markdown":
        text = markup.markdown(content).strip(u"\n")
        title = title or _first_line(text)
        return {"title": title[:TITLE_CHARACTERS], "text": markup.break_lines(text or title)}
    title = u" ".join(markup.plain(title).split())
    text = markup.plain(content).strip(u"\n")
    if title and not text.lstrip().startswith(title):
        text = title + u"\n" + text if text else title
    return {"title": title[:TITLE_CHARACTERS], "text": text}


def mention(message, msg_key, mobiles, everybody):
    """(message with the mentions in its text, DingTalk's `at` or None): DingTalk wants them in both places."""
    mobiles = mobiles[:MOST_MENTIONS]
    if not mobiles and not everybody:
        return message, None
    at = {"atMobiles": mobiles, "isAtAll": bool(everybody)}
    absent = [u"@" + mobile for mobile in mobiles if u"@" + mobile not in message["text"]]
    if not absent:
        return message, at
    newline = u"\n\n" if msg_key == "markdown" else u"\n"
    return dict(message, text=message["text"] + newline + u" ".join(absent)), at


def parts_for_group(msg_key, message, at, limit=GROUP_LIMIT):
    """Bodies (bytes) of a group message, each with its own msgUuid, made once: a repetition sends the same bytes."""
    empty = group_body(msg_key, dict(message, text=u""), uuid.uuid4().hex, at)
    texts = split(message["text"], limit - MARGIN - len(empty), _gap(msg_key))
    return [group_body(msg_key, dict(message, text=text), uuid.uuid4().hex, _at_of(text, at)) for text in texts]


def parts_for_people(msg_key, message, limit=PERSON_LIMIT):
    """[(msgKey, msgParam)] of a one-to-one message."""
    empty = person_param(msg_key, dict(message, text=u""))[1]
    texts = split(message["text"], limit - MARGIN - len(empty.encode("utf-8")), _gap(msg_key))
    return [person_param(msg_key, dict(message, text=text)) for text in texts]


def _gap(msg_key):
    return u"\n\n" if msg_key == "markdown" else u"\n"


def split(text, limit, gap=u"\n"):
    """`text` in numbered parts that cost at most `limit` bytes each as JSON: at line ends, else between characters."""
    if _cost(text) <= limit:
        return [text]
    number_room = 24
    pieces = [piece.strip(u"\n") for piece in _fill(_units(text, limit - number_room), limit - number_room)]
    pieces = [piece for piece in pieces if piece.strip()] or [u""]
    if len(pieces) == 1:
        return pieces
    return [u"(%d/%d)%s%s" % (number, len(pieces), gap, piece) for number, piece in enumerate(pieces, 1)]


def _units(text, limit):
    """Lines with their ends; a line over the limit in atoms, and an atom over the limit in characters."""
    for line in re.findall(u"[^\n]*\n|[^\n]+$", text):
        if _cost(line) <= limit:
            yield line
            continue
        for atom in _ATOM.findall(line):
            if _cost(atom) <= limit:
                yield atom
            else:
                for character in re.findall(u"[\ud800-\udbff][\udc00-\udfff]|[\\s\\S]", atom):
                    yield character


def _fill(units, limit):
    piece, cost = [], 0
    for unit in units:
        more = _cost(unit)
        if piece and cost + more > limit:
            yield u"".join(piece)
            piece, cost = [], 0
        piece.append(unit)
        cost += more
    if piece:
        yield u"".join(piece)


def _cost(text):
    """Bytes of a text inside JSON, without the quotation marks: costs of pieces add up."""
    escaped = text.count(u'"') + text.count(u"\\") + text.count(u"\n") + text.count(u"\t")
    return len(text.encode("utf-8")) + escaped


def _at_of(text, at):
    """The mentions that stand in this part; isAtAll with the part that has the last mention is enough for none twice."""
    if not at:
        return None
    mobiles = [mobile for mobile in at["atMobiles"] if u"@" + mobile in text]
    first_or_only = not re.match(r"\((?!1/)\d+/\d+\)\n", text)
    everybody = at["isAtAll"] and first_or_only
    return {"atMobiles": mobiles, "isAtAll": everybody} if mobiles or everybody else None


def _first_line(text):
    for line in text.split(u"\n"):
        line = _LEADING_MARKS.sub(u"", _LINK.sub(r"\1", line)).strip()
        if line:
            return line
    return u""
