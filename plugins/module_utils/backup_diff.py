# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What a restore shows of itself: which paths change, the lines of small texts, and of rows no more than names."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import difflib
import io
import re

from ansible_collections.ding.blueking.plugins.module_utils import comp_conf, manifest, scrub, secrecy, shown_settings

LARGEST_TEXT = 64 * 1024
ALL_TEXTS = 2 * 1024 * 1024

# "ding_app_secret", "..." and password = '...' as a site may have them in its conf.py.
_QUOTED = re.compile(r"""(?P<name>["']?(?P<word>\w+)["']?\s*[,:=]\s*[ub]?)(?P<quote>["'])(?P<value>[^"'\n]+)(?P=quote)""", re.IGNORECASE)


class Texts:
    """Collects the backup's side of the files that change; its `sink` is for backup.Backup.load."""

    def __init__(self, made):
        self._told = made.told
        self._paths, room = set(), ALL_TEXTS
        for path in sorted(self._told):
            sizes = [each[path].get("size", 0) for each in (made.wanted, made.current) if path in each]
            if max(sizes) <= LARGEST_TEXT and room >= sum(sizes):
                self._paths.add(path)
                room -= sum(sizes)
        self._made = made
        self._found = {}

    def sink(self, path, dummy):
        if path in self._paths and self._made.result.get(path) == "backup":
            self._found[path] = io.BytesIO()
            return self._found[path]
        return None

    def parts(self, apis, instead, secrets):
        """One part of a diff for each file whose lines may be shown; `secrets` are texts to hide in them."""
        parts = []
        for path in sorted(self._paths):
            one, other = self._told[path]
            before, after = self._current(apis, instead, path) if one else b"", self._after(path) if other else b""
            texts = [_text(each, secrets) for each in (before, after)]
            if None not in texts and before != after:
                header = u"apis/%s" % path
                lines = _differing(*texts)
                parts.append({"before_header": header, "after_header": header, "before": lines[0], "after": lines[1]})
        return parts

    def _after(self, path):
        if self._made.result.get(path) == "edited":
            return self._made.conf
        return self._found[path].getvalue() if path in self._found else b""

    def _current(self, apis, instead, path):
        if self._made.current[path]["type"] != "file":
            return b""
        with manifest.opened(instead(apis, path)) as handle:
            return handle.read(LARGEST_TEXT)


def files_part(made):
    """{path: what is there} before and after, of all paths that change."""
    before, after = [dict((path, manifest.described(change[side])) for path, change in made.told.items()) for side in (0, 1)]
    return {"before_header": "files", "after_header": "files", "before": before, "after": after}


def rows_part(before, after):
    """The rows that change: their columns and settings by name, without a value of theirs."""
    result = {}, {}
    for name in sorted(set(before) | set(after)):
        pair = before.get(name), after.get(name)
        if pair[0] != pair[1]:
            for place, shown in zip(result, _row(*pair)):
                place[name] = shown
    return {"before_header": "rows", "after_header": "rows", "before": result[0], "after": result[1]}


def _row(before, after):
    if before is None or after is None:
        return ["absent" if row is None else _names(row) for row in (before, after)]
    shown = {}, {}
    for column in sorted(set(before) | set(after)):
        one, other = before.get(column), after.get(column)
        if isinstance(one, dict) and isinstance(other, dict):
            one, other = _row(one, other)
            if one != other:
                shown[0][column], shown[1][column] = one, other
        elif one != other:
            shown[0][column], shown[1][column] = _value(one, other)
    return shown


def _value(before, after):
    if all(value is None or isinstance(value, bool) for value in (before, after)):
        return before, after
    return secrecy.compared(before, after)


def _names(row):
    return {"columns": sorted(row), "settings": sorted(row.get("settings") or {})} if isinstance(row, dict) else secrecy.HIDDEN


def _text(content, secrets):
    """Its lines for people; None when it is no text."""
    if b"\0" in content:
        return None
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return None
    return shown_settings.WRITTEN_SECRET.sub(secrecy.HIDDEN, _QUOTED.sub(_hidden, scrub.scrubbed(text, secrets)))


def _hidden(found):
    if not shown_settings.is_secret(found.group("word")):
        return found.group(0)
    return found.group("name") + found.group("quote") + secrecy.HIDDEN + found.group("quote")


def _differing(before, after):
    """Both texts with only the lines that differ: what stays is nobody's business, and a site may keep secrets there."""
    lines = [text.splitlines(True) for text in (before, after)]
    shown = [], []
    for kind, low, high, other_low, other_high in difflib.SequenceMatcher(None, lines[0], lines[1], autojunk=False).get_opcodes():
        if kind == "equal":
            for place in shown:
                place.append(u"(lines that stay: %d)\n" % (high - low))
        else:
            shown[0].extend(lines[0][low:high])
            shown[1].extend(lines[1][other_low:other_high])
    return [u"".join(place) for place in shown]


def secrets_in(rows):
    """The texts of a snapshot's settings whose names say that they are secrets."""
    found = set()
    for row in (rows or {}).get("rows", []):
        for column in ("comp_conf", "config"):
            for name, value in comp_conf.values(row["columns"].get(column)).items():
                if isinstance(value, type(u"")) and shown_settings.is_secret(name):
                    found.add(value)
    return found
