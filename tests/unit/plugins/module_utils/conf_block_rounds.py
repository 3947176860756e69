# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Random conf.py contents through conf_block."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import random
import re

from ansible_collections.ding.blueking.plugins.module_utils import conf_block

BEGIN, END = b"# BEGIN ding.blueking", b"# END ding.blueking"
# What breaks a careless search: every kind of line break, markers that are none, bytes of no encoding, half lines.
SCRAPS = [b"", b"\n", b"\n", b"\r\n", b"\r", b"\n\n", b" ", b"\t", b"\\", b"A = 1", b"CHANNELS = []", b"#", b"\xe9\xff", b"\x00", b"\x0c",
          b" " + BEGIN, b"#" + END, BEGIN + b".x", END + b" x", b"'" + BEGIN, b"try:", b"pass", b"SITE_SYSTEMS = {}"]
OLD_BODIES = [b"", b"pass\n", b"try:\n    pass\nexcept Exception:\n    pass\n", conf_block.BLOCK.split(b"\n", 1)[1].rsplit(END, 1)[0]]
_MARKER_LINE = re.compile(br"(?m)^# (BEGIN|END) ding\.blueking[ \t\r]*$")


def text(chance):
    """Content without a marker."""
    while True:
        made = b"".join(chance.choice(SCRAPS) for dummy in range(chance.randrange(12)))
        if not _MARKER_LINE.search(made):
            return made


def older_block(chance):
    blank = chance.choice([b"", b" ", b"\t"])
    return BEGIN + blank + b"\n" + chance.choice(OLD_BODIES) + END + blank + b"\n"


def inverse(chance):
    content = chance.choice([None, text(chance)]) if chance.random() < 0.05 else text(chance)
    added = conf_block.add(content)
    assert conf_block.is_current(added), added
    assert conf_block.add(added) == added, added
    assert conf_block.remove(added) == content, (content, added)
    assert conf_block.remove(content) == content, content


def text_around(chance):
    """What others wrote before and after any block stays, whole and in order; at most a line break joins them."""
    before, after = text(chance), text(chance)
    block = chance.choice([conf_block.BLOCK, older_block(chance)])
    content = before + b"\n" + block + after
    kept = conf_block.remove(content)
    assert kept in (before + after, before + b"\n" + after), (content, kept)
    assert b"\n" not in kept[len(before):len(kept) - len(after)] or not before.endswith(b"\n"), (content, kept)
    added = conf_block.add(content)
    assert conf_block.is_current(added) and conf_block.add(added) == added, content
    assert conf_block.remove(added) == kept, (content, added)


def damage(chance):
    """Any arrangement of markers but one BEGIN before one END is refused by all three, with lines of markers only."""
    words = [chance.choice([BEGIN, END]) for dummy in range(chance.randrange(1, 5))]
    if words == [BEGIN, END]:
        return
    content, lines = b"", []
    for word in words:
        content += text(chance).replace(b"\r", b"") + b"\n"
        lines.append(content.count(b"\n") + 1)
        content += word + b"\n"
    content += text(chance)
    for refuses in (conf_block.add, conf_block.remove, conf_block.is_current):
        try:
            refuses(content)
        except conf_block.DamagedBlock as error:
            said = [int(number) for number in re.findall(r"\d+", "; ".join(error.problems))]
            assert said and set(said) <= set(lines), (content, str(error))
        else:
            raise AssertionError((refuses.__name__, content))


def run(seed, count):
    chance = random.Random(seed)
    for dummy in range(count):
        inverse(chance)
        text_around(chance)
        damage(chance)
