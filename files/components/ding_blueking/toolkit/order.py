# -*- coding: utf-8 -*-
"""What a caller asks for: the request's fields, checked, decoded and named as we use them."""
from __future__ import absolute_import, division, print_function

import base64
import binascii
import json
import re
from collections import namedtuple

from .errors import OrderError
from .names import text_type
from .secret import Secret
from .settings import MSG_KEYS
from .text import clean

_SEPARATORS = re.compile(r"[\s,;]+")
# Python 2.7 has a second integer type.
_LONG = type(2 ** 64)
_BASE64 = re.compile(r"^[A-Za-z0-9+/]*={0,2}$")

Order = namedtuple(
    "Order",
    "receivers user_ids mobiles msg_key title content app_key app_secret at_mobiles at_names at_everybody",
)

FIELDS = (
    "receiver__username",
    "msg_key",
    "title",
    "content",
    "is_content_base64",
    "at_mobiles",
    "at__username",
    "is_at_all",
    "userid",
    "mobile",
    "ding_app_key",
    "ding_app_secret",
)
SECRET_FIELDS = ("ding_app_secret", "bk_app_secret", "app_secret")


def read(fields, addressed_by):
    """An Order from raw fields ({name: JSON value or text}). addressed_by: names of the fields that can name receivers.

    Raises OrderError.
    """
    receivers = {name: _names(fields, name) for name in addressed_by}
    if not any(receivers.values()):
        raise OrderError(u"%s is empty: nobody to send to" % u", ".join(addressed_by))
    title = _text(fields, "title")
    content = _text(fields, "content")
    if _flag(fields, "is_content_base64"):
        content = _decoded(content)
    if not content.strip() and not title.strip():
        raise OrderError(u"content is empty")
    return Order(
        receivers=receivers.get("receiver__username", []),
        user_ids=receivers.get("userid", []),
        mobiles=receivers.get("mobile", []),
        msg_key=_msg_key(fields),
        title=title,
        content=content,
        app_key=_text(fields, "ding_app_key").strip(),
        app_secret=Secret(_text(fields, "ding_app_secret").strip()),
        at_mobiles=_names(fields, "at_mobiles"),
        at_names=_names(fields, "at__username"),
        at_everybody=_flag(fields, "is_at_all"),
    )


def receivers_of(fields, addressed_by):
    """The receivers that can be read from fields which are otherwise wrong: each was not served."""
    found = []
    for name in addressed_by:
        try:
            found.extend(entry for entry in _names(fields, name) if entry not in found)
        except OrderError:
            continue
    return found


def _msg_key(fields):
    value = fields.get("msg_key")
    if value is None or value == u"":
        return u""
    if value not in MSG_KEYS:
        raise OrderError(u"msg_key is %s: it must be text or markdown" % json.dumps(value)[:60])
    return text_type(value)


def _text(fields, name):
    value = fields.get(name)
    if value is None:
        return u""
    if isinstance(value, bool) or not isinstance(value, (text_type, bytes, int, float, _LONG)):
        raise OrderError(u"%s must be a text" % name)
    if isinstance(value, bytes):
        return clean(value.decode("utf-8", "replace"))
    return clean(text_type(value))


def _flag(fields, name):
    value = fields.get(name)
    if isinstance(value, (text_type, bytes, str)):
        return value.strip().lower() not in (u"", u"0", u"false", u"no", u"off", u"null", u"none")
    return bool(value)


def _names(fields, name):
    """A list of texts without repetition, from a list, a JSON list in a text, or a text separated by , ; or space."""
    value = fields.get(name)
    if value is None:
        return []
    if isinstance(value, (text_type, bytes, str)) and value.strip()[:1] == u"[":
        try:
            value = json.loads(value)
        except (ValueError, RuntimeError):  # RuntimeError: nested too deep
            pass
    if not isinstance(value, (list, tuple)):
        value = [value]
    found, seen = [], set()
    for entry in value:
        for part in _SEPARATORS.split(_text({name: entry}, name)):
            # User management's names ignore case; DingTalk's user ids do not.
            same = part if name == "userid" else part.lower()
            if part and same not in seen:
                seen.add(same)
                found.append(part)
    return found


def _decoded(content):
    packed = u"".join(content.split()).replace(u"-", u"+").replace(u"_", u"/")
    decoded = None
    if _BASE64.match(packed):
        try:
            decoded = base64.b64decode((packed.rstrip(u"=") + u"=" * (-len(packed.rstrip(u"=")) % 4)).encode("ascii"))
            decoded = decoded.decode("utf-8")
        except (ValueError, TypeError, binascii.Error):
            decoded = None
    if decoded is None:
        raise OrderError(u"content cannot be decoded: is_content_base64 is set, and it is no base64 of UTF-8 text")
    return decoded
