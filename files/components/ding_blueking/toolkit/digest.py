# -*- coding: utf-8 -*-
"""Messages that waited, merged into one: how many, of which titles, when; then each, repeats once. Plain data in and out."""
from __future__ import absolute_import, division, print_function

import hashlib
import json
import time
from collections import namedtuple

from . import messages
from .dingtalk import group_body, person_param
from .line_breaks import break_lines

TITLES_SHOWN = 5
TITLE_CHARACTERS = 40
_TIMES = u"\xd7%d"

# A text that waits: its entry, how often it came, and its first and last time (wall clock seconds).
Item = namedtuple("Item", "entry count first last")

# bodies: what is sent, in parts; used: how many of the given items they hold.
Digest = namedtuple("Digest", "bodies used")


def identity(entry):
    """What two entries have in common that are told once."""
    if entry.get("alone"):
        return entry["id"]
    told = [entry.get(name) for name in ("msg_key", "title", "text", "mobiles", "all")]
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode("utf-8")).hexdigest()[:24]


def build(items, limit, new_uuid, dropped=None, person=False):
    """A Digest of the first of `items` that fit `limit` bytes; one item alone is sent as it would have been at once.

    items: iterator of Items, read no further than needed; new_uuid(): a fresh msgUuid; dropped: {"count", "first", "last"}
    of messages that were given up, or None.
    """
    chosen, shape = [], None
    for item in items:
        if item.entry.get("alone"):
            if not chosen and not dropped:
                return Digest(_alone(item.entry, limit, person), 1)
            break
        grown = _Shape(chosen + [item], shape, dropped, person)
        if chosen and not grown.fits(limit):
            break
        chosen.append(item)
        shape = grown
        if not grown.fits(limit):
            break
    if not chosen and not dropped:
        return None
    if len(chosen) == 1 and not shape.fits(limit):
        # Too long for one message, with or without a head.
        return Digest(_one(chosen[0], limit, new_uuid, dropped, person), 1)
    if len(chosen) == 1 and chosen[0].count == 1 and not dropped:
        return Digest(_one(chosen[0], limit, new_uuid, None, person), 1)
    shape = shape or _Shape([], None, dropped, person)
    return Digest([shape.body(new_uuid())], len(chosen))


class _Shape(object):
    """What a digest of some items looks like, and costs; each one grows out of the one before."""

    def __init__(self, items, before, dropped, person):
        self._person = person
        self._dropped = dropped
        self.items = items
        self.msg_key = before.msg_key if before else items[0].entry["msg_key"] if items else "text"
        self.pieces = list(before.pieces) if before else []
        self.mobiles = list(before.mobiles) if before else []
        self.everybody = bool(before and before.everybody)
        self.cost = before.cost if before else 0
        if items:
            entry = items[-1].entry
            piece = self._piece(items[-1])
            self.pieces.append(piece)
            self.cost += messages.json_cost(piece) + messages.json_cost(self._gap())
            self.mobiles += [mobile for mobile in self._mentioned(entry) if mobile not in self.mobiles]
            self.everybody = self.everybody or bool(entry.get("all"))

    def _gap(self):
        return u"\n\n---\n\n" if self.msg_key == "markdown" else u"\n\n"

    def _piece(self, item):
        entry = item.entry
        text = entry["text"]
        if not self._person:
            at_text, dummy = messages.mention({"text": text}, entry["msg_key"], entry.get("mobiles") or [], entry.get("all"))
            text = at_text["text"]
        if self.msg_key == "markdown" and entry["msg_key"] != "markdown":
            text = break_lines(text)
        when = clock(item.first)
        if item.count > 1:
            when += u" " + _TIMES % item.count
        return (u"**%s**\n\n%s" if self.msg_key == "markdown" else u"%s %s") % (when, text)

    def _mentioned(self, entry):
        """The numbers that a message of its own would mention."""
        if self._person:
            return []
        dummy, at = messages.mention({"text": u""}, entry["msg_key"], entry.get("mobiles") or [], entry.get("all"))
        return (at or {}).get("atMobiles") or []

    def title(self):
        return u"%d messages" % sum(item.count for item in self.items) if self.items else u"Messages dropped"

    def text(self):
        parts = [line for line in (dropped_line(self._dropped), head(self.items)) if line]
        return self._gap().join(parts + self.pieces)

    def body(self, uuid):
        part = {"title": self.title(), "text": self.text()}
        if self._person:
            return list(person_param(self.msg_key, part))
        at = {"atMobiles": self.mobiles, "isAtAll": self.everybody} if self.mobiles or self.everybody else None
        return group_body(self.msg_key, part, uuid, at)

    def fits(self, limit):
        if len(self.mobiles) > messages.MOST_MENTIONS:
            return False
        # The sum of the pieces is enough to tell for most: the whole is only put together near the limit.
        if self.cost + 1500 + 60 * len(self.mobiles) < limit - messages.MARGIN:
            return True
        if self.cost > limit:
            return False
        body = self.body(u"0" * 32)
        size = len(body[1].encode("utf-8")) if self._person else len(body)
        return size <= limit - messages.MARGIN


def head(items):
    """The first line: how many, of which titles, first and last time."""
    if not items:
        return u""
    titles = {}
    for item in items:
        titles[item.entry["title"]] = titles.get(item.entry["title"], 0) + item.count
    titles.pop(u"", None)
    ordered = sorted(titles, key=lambda title: (-titles[title], title))
    shown = [_titled(title, titles[title]) for title in ordered[:TITLES_SHOWN]]
    if len(ordered) > TITLES_SHOWN:
        shown.append(u"%d more titles" % (len(ordered) - TITLES_SHOWN))
    count = sum(item.count for item in items)
    first, last = min(item.first for item in items), max(item.last for item in items)
    line = u"%d %s waited, %s" % (count, u"messages" if count > 1 else u"message", _span(first, last))
    if count > len(items) > 1:
        line += u", %d of them different" % len(items)
    return line + (u": " + u", ".join(shown) if shown else u"")


def dropped_line(dropped):
    if not dropped:
        return u""
    count, first, last = dropped["count"], dropped["first"], dropped["last"]
    return u"%d older %s given up, too many or too old: %s" % (
        count, u"messages were" if count > 1 else u"message was", _span(first, last))


def clock(at):
    return u"%02d:%02d:%02d" % time.localtime(at)[3:6]


def _span(first, last):
    start, end = time.localtime(first), time.localtime(last)
    day = u"%02d-%02d " % start[1:3]
    if int(first) == int(last):
        return day + clock(first)
    return u"%s%s \u2013 %s%s" % (day, clock(first), u"" if start[:3] == end[:3] else u"%02d-%02d " % end[1:3], clock(last))


def _titled(title, count):
    title = title if len(title) <= TITLE_CHARACTERS else title[:TITLE_CHARACTERS - 1] + u"\u2026"
    return title if count == 1 else u"%s %s" % (title, _TIMES % count)


def _one(item, limit, new_uuid, dropped, person):
    """The parts of one message."""
    entry = item.entry
    notes = [line for line in (dropped_line(dropped), head([item]) if item.count > 1 else u"") if line]
    message = {"title": entry["title"], "text": u"\n\n".join(notes + [entry["text"]])}
    return _parts(dict(entry, title=message["title"], text=message["text"]), limit, lambda number: new_uuid(), person)


def _alone(entry, most, person):
    """What is left of a message that a worker has begun to send: the same parts, with the same msgUuids.

    most: bytes that DingTalk took lately; a message of which no part has arrived is cut anew when it is too large.
    """
    limit = entry["limit"] if entry.get("from") else min(entry["limit"], most)
    parts = _parts(entry, limit, lambda number: messages.part_uuid(entry["id"], limit, number), person)
    return parts[entry.get("from") or 0:] or parts[-1:]


def _parts(entry, limit, uuid_of, person):
    message = {"title": entry["title"], "text": entry["text"]}
    if person:
        return [list(part) for part in messages.parts_for_people(entry["msg_key"], message, limit)]
    in_group, at = messages.mention(message, entry["msg_key"], entry.get("mobiles") or [], entry.get("all"))
    return messages.parts_for_group(entry["msg_key"], in_group, at, limit, uuid_of)
