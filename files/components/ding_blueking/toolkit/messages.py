# -*- coding: utf-8 -*-
"""From title and content to the parts that DingTalk shows: cleaned, converted, and split to its limits."""
from __future__ import absolute_import, division, print_function

import hashlib
import re
import uuid

from . import markup
from .dingtalk import group_body, person_param
from .line_breaks import break_lines
from .text import clean

# Bytes of a group message's whole body, and of a one-to-one message's msgParam (the group API's number: none is published).
GROUP_LIMIT = 20000
PERSON_LIMIT = 15000
# Room for what DingTalk may count differently.
MARGIN = 200
SMALLEST_LIMIT = 1000
# Bytes of text that every part has room for: the title gives way.
LEAST_ROOM = 500
# A robot may send 20 messages a minute, and is blocked for ten when it tries more: a longer message could never arrive whole.
MOST_PARTS = 20
LEFT_OUT = u"\u2026 (%d bytes left out)"
TITLE_CHARACTERS = 100
MOST_MENTIONS = 50
# Characters: longer ones are no mobiles or user ids, and might not fit a part.
LONGEST_MENTION = 40
_NUMBER_ROOM = 24

# What must stay in one piece: mentions, links, then characters with what joins them (surrogates, accents, variants, joiners).
# No pattern may read the same characters from many places: each stops at the mark that would begin it anew.
_JOINING = u"\u0300-\u036f\u20d0-\u20ff\ufe00-\ufe0f\u200d"
_JOINED = u"[" + _JOINING + u"]"
_CHARACTER = u"(?:[\ud800-\udbff][\udc00-\udfff]|[^\n])"
_MENTION = u"@\\+?[0-9]{1,40}(?:-[0-9]{1,40})?"
_LINK = (
    u"!?\\[((?:[^\\[\\]\n]*\\[[^\\[\\]\n]*\\])*[^\\[\\]\n]*)\\]"  # words, with brackets one level deep
    u"\\([^()\\s]*(?:\\([^()\\s]*\\)[^()\\s]*)*\\)"
)
_ADDRESS = u"(?:(?:https?|dingtalk)://|mailto:)[^\\s\\]\\)\u3000-\u303f\uff00-\uffef\u4e00-\u9fff]+"
# Characters that can begin nothing of the above, several at once: that is ten times as fast.
_RUN = u"[^\n@!\\[hdm\ud800-\udfff" + _JOINING + u"]{2,16}(?!" + _JOINED + u")"
_ATOM = u"|".join(
    [_MENTION, _LINK, _ADDRESS, _RUN, _CHARACTER + u"(?:" + _JOINED + u"|(?<=\u200d)" + _CHARACTER + u")*", u"\n"]
)
_LINKS = re.compile(_LINK)
_LINE_WITH_END = re.compile(u"[^\n]*\n|[^\n]+")
_LEADING_MARKS = u" \t\xa0\u3000#>*+-_`|"
_CLOSING_MARKS = u" \t\xa0\u3000#*_`|"


def compose(msg_key, title, content):
    """{"title", "text"} of the whole message, still in one piece."""
    title = u" ".join(markup.plain(clean(title)).split())
    content = clean(content)
    if msg_key == "markdown":
        text = markup.markdown(content).strip(u"\n")
        title = title or _first_line(text)
        return {"title": clean(title[:TITLE_CHARACTERS]), "text": break_lines(text or title)}
    text = markup.plain(content).strip(u"\n")
    if title and not text.lstrip().startswith(title):
        text = title + u"\n" + text if text else title
    return {"title": clean(title[:TITLE_CHARACTERS]), "text": text}


def mention(message, msg_key, mobiles, everybody):
    """(message with the mentions in its text, DingTalk's `at` or None): DingTalk wants them in both places."""
    mobiles = [mobile for mobile in mobiles if len(mobile) <= LONGEST_MENTION][:MOST_MENTIONS]
    if not mobiles and not everybody:
        return message, None
    at = {"atMobiles": mobiles, "isAtAll": bool(everybody)}
    return dict(message, text=_with_mentions(message["text"], mobiles, _gap(msg_key))), at


def part_uuid(identity, limit, number):
    """The msgUuid of a part: whoever goes on with a message later, after a restart too, gives its parts the same."""
    return hashlib.sha256((u"%s %d %d" % (identity, limit, number)).encode("utf-8")).hexdigest()[:32]


def parts_for_group(msg_key, message, at, limit=GROUP_LIMIT, uuid_of=lambda number: uuid.uuid4().hex):
    """Bodies (bytes) of a group message, each with its own msgUuid, made once: a repetition sends the same bytes.

    limit: bytes of a body, SMALLEST_LIMIT or more. There are at most MOST_PARTS; see left_out. uuid_of(number): the
    msgUuid of a part, from 0.
    """
    frame = {"atMobiles": [], "isAtAll": False} if at else None
    message, room = _fitted(message, limit, lambda part: group_body(msg_key, part, uuid.uuid4().hex, frame))
    texts = split(message["text"], room, _gap(msg_key), at["atMobiles"] if at else ())
    return [
        group_body(msg_key, dict(message, text=text), uuid_of(number), _at_of(number, text, at))
        for number, text in enumerate(texts)
    ]


def parts_for_people(msg_key, message, limit=PERSON_LIMIT):
    """[(msgKey, msgParam)] of a one-to-one message. limit: bytes of a msgParam, SMALLEST_LIMIT or more."""
    message, room = _fitted(message, limit, lambda part: person_param(msg_key, part)[1].encode("utf-8"))
    return [person_param(msg_key, dict(message, text=text)) for text in split(message["text"], room, _gap(msg_key))]


def left_out(parts):
    """Bytes of text that the parts of parts_for_group or parts_for_people leave out, as their last line says."""
    last = parts[-1].decode("utf-8") if isinstance(parts[-1], bytes) else parts[-1][1]
    found = re.findall(re.escape(LEFT_OUT).replace(re.escape(u"%d"), u"([0-9]+)"), last)
    return int(found[-1]) if found and len(parts) == MOST_PARTS else 0


def _gap(msg_key):
    return u"\n\n" if msg_key == "markdown" else u"\n"


def _fitted(message, limit, body_of):
    """(message, its title shortened where it must be, and bytes for the text of a part). body_of(part) gives bytes."""
    while True:
        room = limit - MARGIN - len(body_of(dict(message, text=u"")))
        if room >= LEAST_ROOM or not message["title"]:
            return message, max(room, LEAST_ROOM)
        message = dict(message, title=clean(message["title"][:-10]))


def split(text, limit, gap=u"\n", mobiles=()):
    """`text` in numbered parts that cost at most `limit` bytes each as JSON: at line ends, else between characters.

    A mobile costs the part that mentions it its entry of `at` too. Of more than MOST_PARTS parts the last says how much
    is missing, and has the mentions that would be missing.
    """
    text = _with_mentions(text, mobiles, gap)
    if json_cost(text, mobiles) <= limit:
        return [text]
    limit -= _NUMBER_ROOM
    pieces = _pieces(text, limit, mobiles)
    if len(pieces) > MOST_PARTS:
        pieces = _shortened(text, pieces, limit, gap, mobiles)
    pieces = [piece.strip(u"\n") for piece in pieces] or [u""]
    if len(pieces) == 1:
        return pieces
    return [u"(%d/%d)%s%s" % (number, len(pieces), gap, piece) for number, piece in enumerate(pieces, 1)]


def _pieces(text, limit, mobiles):
    """The first pieces of a text within `limit`: one more than MOST_PARTS if there are so many. None is blank."""
    pieces = []
    for piece in _fill(_units(text, limit, mobiles), limit):
        if piece.strip():
            pieces.append(piece)
        if len(pieces) > MOST_PARTS:
            break
    return pieces


def _shortened(text, pieces, limit, gap, mobiles):
    """As many first pieces as leave room for the mentions of the others and for how much is left out."""
    size = len(text.encode("utf-8"))
    for places in range(1, MOST_PARTS):
        kept = pieces[:MOST_PARTS - places]
        end = _with_mentions(u"".join(kept), mobiles, gap)[len(u"".join(kept)):].strip(u"\n")
        end = end + gap + LEFT_OUT % size if end else LEFT_OUT % size
        last = _pieces(end, limit, mobiles)
        if len(last) <= places:
            break
    room = limit - json_cost(gap + last[0], mobiles)
    more = next(_fill(_units(pieces[len(kept)], room, mobiles), room)).strip(u"\n") if room >= LEAST_ROOM else u""
    missing = size - sum(len(piece.encode("utf-8")) for piece in kept + [more])
    if more:
        last[0] = more + gap + last[0]
    last[-1] = last[-1].replace(LEFT_OUT % size, LEFT_OUT % missing)
    return kept + last


def _units(text, limit, mobiles):
    """(unit, cost): lines with their ends; a line over the limit in atoms, and an atom over the limit in characters."""
    names = [re.escape(u"@" + mobile) for mobile in sorted(mobiles, key=len, reverse=True)]
    atoms = re.compile(u"|".join(names + [_ATOM]))
    characters = re.compile(u"|".join(names + [_MENTION, _RUN, _CHARACTER, u"\n"]))
    return _broken(text, limit, mobiles, [_LINE_WITH_END, atoms, characters])


def _broken(text, limit, mobiles, patterns):
    for found in patterns[0].finditer(text):
        unit = found.group(0)
        cost = json_cost(unit, mobiles)
        if cost <= limit or len(patterns) == 1:
            yield unit, cost
        else:
            for smaller in _broken(unit, limit, mobiles, patterns[1:]):
                yield smaller


def _fill(units, limit):
    piece, cost = [], 0
    for unit, more in units:
        if piece and cost + more > limit:
            yield u"".join(piece)
            piece, cost = [], 0
        piece.append(unit)
        cost += more
    if piece:
        yield u"".join(piece)


def json_cost(text, mobiles=()):
    """Bytes of a text inside JSON, without the quotation marks, and of its mentions: costs of pieces add up."""
    cost = len(text.encode("utf-8")) + text.count(u'"') + text.count(u"\\") + text.count(u"\n") + text.count(u"\t")
    if mobiles and u"@" in text:
        cost += sum(json_cost(mobile) + len(u'"",') for mobile in mobiles if _mentions(text, mobile))
    return cost


def _mentions(text, mobile):
    """Whether a text has @mobile, and not as the beginning of a longer number."""
    name = u"@" + mobile
    return name in text and re.search(re.escape(name) + u"(?![0-9])", text) is not None


def _with_mentions(text, mobiles, gap):
    absent = [u"@" + mobile for mobile in mobiles if not _mentions(text, mobile)]
    return text + gap + u" ".join(absent) if absent else text


def _at_of(number, text, at):
    """The mentions that stand in the text of a part; everybody is called once, by the first part (number 0)."""
    if not at:
        return None
    mobiles = [mobile for mobile in at["atMobiles"] if _mentions(text, mobile)]
    everybody = at["isAtAll"] and number == 0
    return {"atMobiles": mobiles, "isAtAll": everybody} if mobiles or everybody else None


def _first_line(text):
    """The first line that has words, without the marks of Markdown; without any, the first line that is not blank."""
    for line in text.split(u"\n"):
        line = _LINKS.sub(u"\\1", line).strip().lstrip(_LEADING_MARKS).rstrip(_CLOSING_MARKS)
        if line:
            return line
    return u" ".join(text.split())
