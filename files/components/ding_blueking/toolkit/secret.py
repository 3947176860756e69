# -*- coding: utf-8 -*-
"""Values that must not be printed, and the removal of such values from texts of others."""
from __future__ import absolute_import, division, print_function

import hashlib
import logging
import re

from .names import text_type

MASK = u"******"

_IN_QUERY = re.compile(
    r"(?i)\b(access_token|accesstoken|appsecret|app_secret|bk_app_secret|ding_app_secret|appkey|sign|signature|secret)"
    r"(=|%3D|[\"']?\s*:\s*[\"']?)[^&\s\"'<>,;)}\]]+"
)
_SIGN_SECRET = re.compile(r"\bSEC[0-9A-Za-z_-]{16,}")


class Secret(object):
    """A text that shows itself only to who asks by `reveal()`."""

    __slots__ = ("_value",)

    def __init__(self, value):
        self._value = text_type(value or u"")

    def reveal(self):
        return self._value

    def fingerprint(self):
        """A name for this secret in caches and file names, from which it cannot be read back."""
        return hashlib.sha256(self._value.encode("utf-8")).hexdigest()[:24]

    def __bool__(self):
        return bool(self._value)

    __nonzero__ = __bool__

    def __eq__(self, other):
        return isinstance(other, Secret) and other._value == self._value

    def __ne__(self, other):
        return not self == other

    def __hash__(self):
        return hash(self._value)

    def __repr__(self):
        return "Secret(%s)" % ("set" if self._value else "empty")

    __str__ = __repr__


def redact(text):
    """`text` without tokens, signatures and secrets in query strings, JSON and plain sight."""
    return _SIGN_SECRET.sub(MASK, _IN_QUERY.sub(lambda m: m.group(1) + m.group(2) + MASK, text_type(text)))


class _RedactingFilter(logging.Filter):
    """urllib3 writes whole request targets at DEBUG; a site may well have DEBUG switched on."""

    def filter(self, record):
        message = record.getMessage()
        clean = redact(message)
        if clean != message:
            record.msg, record.args = clean, ()
        return True


def guard_library_logs():
    """Let no HTTP library write a token: filters stay on its loggers for the life of the process."""
    for name in ("urllib3.connectionpool", "requests.packages.urllib3.connectionpool", "urllib3.connection"):
        library_logger = logging.getLogger(name)
        if not any(isinstance(f, _RedactingFilter) for f in library_logger.filters):
            library_logger.addFilter(_RedactingFilter())
