# -*- coding: utf-8 -*-
"""Text that every side can carry."""
from __future__ import absolute_import, division, print_function

import re

_CONTROL = re.compile(u"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HALF_PAIR = re.compile(u"[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")


def clean(text):
    """One kind of line end, no control characters, and in place of half surrogate pairs, which no encoding knows, a mark."""
    text = text.replace(u"\r\n", u"\n").replace(u"\r", u"\n")
    return _HALF_PAIR.sub(u"\ufffd", _CONTROL.sub(u"", text))
