# -*- coding: utf-8 -*-
"""Line ends of Markdown, which DingTalk shows as breaks only with spaces around them."""
from __future__ import absolute_import, division, print_function

import re

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
