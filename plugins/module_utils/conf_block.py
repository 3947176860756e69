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

_FOUND = re.compile(br"(?P<lead>\r?\n)?^# BEGIN ding\.blueking[ \t]*\r?\n.*?^# END ding\.blueking[ \t]*(?:\r?\n|\Z)",
                    re.DOTALL | re.MULTILINE)


def is_current(content):
    """Whether the file holds exactly this block, once."""
    found = [] if content is None else list(_FOUND.finditer(content))
    return len(found) == 1 and found[0].group(0).lstrip(b"\r\n") == BLOCK


def add(content):
    """The file with the block: at its end, or in place of an older block."""
    if is_current(content):
        return content
    rest = remove(content)
    if rest is None:
        return BLOCK
    # One line break always goes before the block, and remove() takes exactly that one away again.
    return rest + b"\n" + BLOCK


def remove(content):
    """The file as it was before add(); None when nothing but the block was in it and add() had made the file."""
    while content is not None:
        found = _FOUND.search(content)
        if not found:
            return content
        before, after = content[:found.start()], content[found.end():]
        if not before and not after and not found.group("lead"):
            return None
        # What a site wrote below the block must not slide up into an unfinished last line.
        glue = b"\n" if after and before and not before.endswith(b"\n") else b""
        content = before + glue + after
    return content
