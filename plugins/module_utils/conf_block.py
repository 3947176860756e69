# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The marked block at the end of components/generic/apis/conf.py: its text, how it is added and removed.

Bytes in, bytes out; None stands for a file that is not there. Any exception in conf.py makes the ESB drop every
custom channel of a site: therefore the block guards itself and imports plain data only.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

BLOCK = b"""\
# BEGIN ding.blueking
# The DingTalk channels. The collection ding.blueking wrote these lines and removes them again; please do not edit them.
try:
    from components.generic.apis.ding_blueking._channels import CHANNELS as _DING_BLUEKING_CHANNELS
    _ding_blueking_before = list(globals().get("CHANNELS", ()))
    CHANNELS = _ding_blueking_before + [c for c in _DING_BLUEKING_CHANNELS if c not in _ding_blueking_before]
except Exception as _ding_blueking_error:
    __import__("logging").getLogger("root").warning(
        "ding.blueking: its channels were not added to conf.py: %s", _ding_blueking_error)
# END ding.blueking
"""

# A line ends with \n. A \r counts with the blanks behind a marker, so that a line break added after it makes no new marker.
_MARKER = re.compile(br"^# (?P<word>BEGIN|END) ding\.blueking[ \t\r]*$", re.MULTILINE)


class DamagedBlock(ValueError):
    """The markers are not one BEGIN followed by one END, so nobody can say which lines between them are the site's.

    `problems` has a phrase for each fault, with line numbers that count from 1.
    """

    def __init__(self, problems):
        super(DamagedBlock, self).__init__(
            "The ding.blueking markers are damaged: %s. Take out by hand the lines that the collection wrote, and leave the site's own."
            % "; ".join(problems))
        self.problems = problems


def is_current(content):
    """Whether the file holds exactly this block. Raises DamagedBlock."""
    found = _find(content)
    return found is not None and content[found.begin:found.end] == BLOCK


def add(content):
    """The file with the block: as it is when it holds this block, else at its end, an older block gone. Raises DamagedBlock."""
    if is_current(content):
        return content
    rest = remove(content)
    if rest is None:
        return BLOCK
    # One line break always goes before the block, and remove() takes exactly that one away again.
    return rest + b"\n" + BLOCK


def remove(content):
    """The file as it was before add(); None when add() had made the file. Raises DamagedBlock."""
    found = _find(content)
    if found is None:
        return content
    before, after = content[:found.lead], content[found.end:]
    if not before and not after and found.lead == found.begin:
        return None
    # What a site wrote below the block must not slide up into an unfinished last line.
    glue = b"\n" if after and before and not before.endswith(b"\n") else b""
    return before + glue + after


class _Found:
    """Offsets: of the line break before the block (`lead`), of the block, and of what follows it (`end`)."""

    def __init__(self, content, first, last):
        self.begin = first.start()
        self.end = last.end() + len(content[last.end():last.end() + 1])
        before = content[:self.begin]
        # An editor may have turned every \n into \r\n, ours as well; else a \r before our \n is the site's own.
        line_break = b"\r\n" if first.group(0).endswith(b"\r") and before.endswith(b"\r\n") else b"\n"
        self.lead = self.begin - len(line_break) if before.endswith(line_break) else self.begin


def _find(content):
    """The block's place, None without a marker."""
    markers = [] if content is None else list(_MARKER.finditer(content))
    problems = _problems([(content.count(b"\n", 0, each.start()) + 1, each.group("word") == b"BEGIN") for each in markers])
    if problems:
        raise DamagedBlock(problems)
    return _Found(content, *markers) if markers else None


def _problems(markers):
    """What is wrong with markers given as (line, whether it is a BEGIN)."""
    problems, blocks, opened = [], [], None
    for line, is_begin in markers:
        if is_begin:
            if opened is not None:
                problems.append("the BEGIN in line %d has no END before the next BEGIN in line %d" % (opened, line))
            opened = line
        elif opened is None:
            problems.append("the END in line %d has no BEGIN" % line)
        else:
            blocks.append("%d to %d" % (opened, line))
            opened = None
    if opened is not None:
        problems.append("the BEGIN in line %d has no END" % opened)
    if len(blocks) > 1:
        problems.append("there is more than one block, in lines " + " and ".join(blocks))
    return problems
