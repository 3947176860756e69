# -*- coding: utf-8 -*-
"""Names that differ between Python 2.7 and 3, imported in one place."""
from __future__ import absolute_import, division, print_function

import os
import time

try:
    from html import unescape
    from http.client import HTTPException, HTTPResponse
    from urllib.parse import quote, urlencode, urlsplit
except ImportError:
    from HTMLParser import HTMLParser
    from httplib import HTTPException, HTTPResponse
    from urllib import quote as _quote, urlencode
    from urlparse import urlsplit

    unescape = HTMLParser().unescape

    def quote(value, safe="/"):
        return _quote(value.encode("utf-8"), safe)


text_type = type(u"")


def native(value):
    """A header, URL or method as the `str` of this Python: 2.7 cannot send text of another kind before a body of bytes."""
    if isinstance(value, str):
        return value
    return value.encode("utf-8") if isinstance(value, text_type) else value.decode("utf-8")


def _since_boot():
    return os.times()[4]


# Deadlines must not move with the wall clock: in 2.7 this is times(2), in hundredths.
monotonic = getattr(time, "monotonic", _since_boot)

__all__ = ["HTTPException", "HTTPResponse", "monotonic", "native", "quote", "text_type", "unescape", "urlencode", "urlsplit"]
