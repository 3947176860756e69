# -*- coding: utf-8 -*-
"""Text that every side can carry."""
from __future__ import absolute_import, division, print_function

import re

_CONTROL = re.compile(u"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_HALF_PAIR = re.compile(u"[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]")
_PAIR = re.compile(u"[\ud800-\udbff][\udc00-\udfff]")


def clean(text):
    """One kind of line end, no control characters, and in place of half surrogate pairs, which no encoding knows, a mark."""
    text = text.replace(u"\r\n", u"\n").replace(u"\r", u"\n")
    return _PAIR.sub(_joined, _HALF_PAIR.sub(u"\ufffd", _CONTROL.sub(u"", text)))


def _joined(pair):
    # Python 3 cannot encode two halves side by side. 2.7 lacks "surrogatepass", and never asks for it.
    return pair.group(0).encode("utf-16-le", "surrogatepass").decode("utf-16-le")
