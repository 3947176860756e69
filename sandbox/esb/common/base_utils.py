"""Small helpers for components and for the ESB itself."""
from __future__ import absolute_import, division, print_function

import datetime
import hashlib
import json
import re
import time

from common.compat import force_text, string_types
from common.errors import error_codes
from common.log import logger

EMPTY_VALUES = (None, "", [], (), {})


class FancyDict(dict):
    """A dict whose keys are attributes as well."""

    def __getattr__(self, key):
        try:
            return self[key]
        except KeyError:
            raise AttributeError(key)

    def __setattr__(self, key, value):
        self[key] = value

    def __delattr__(self, key):
        try:
            del self[key]
        except KeyError:
            raise AttributeError(key)


def smart_lower(value):
    """RequestFriend -> request_friend: every capital after the first character starts a new word."""
    return value[:1].lower() + re.sub("[A-Z]", lambda found: "_" + found.group().lower(), value[1:])


def smart_upper(value):
    """send_mail -> sendMail."""
    words = value.split("_")
    return words[0] + "".join(word.capitalize() for word in words[1:])


def str_bool(value):
    """Truth of a value in which the texts "0" and "false" are false."""
    if isinstance(value, string_types) and value.strip().lower() in ("0", "false"):
        return False
    return bool(value.strip() if isinstance(value, string_types) else value)


def smart_unicode(value, encoding="utf-8"):
    return value if isinstance(value, type(u"")) else force_text(value, encoding, errors="ignore")


def smart_str(value, encoding="utf-8"):
    """The native `str`: encoded on Python 2, text on Python 3."""
    text = smart_unicode(value, encoding)
    return text if str is type(u"") else text.encode(encoding)


def get_md5(value):
    return hashlib.md5(force_text(value).encode("utf-8")).hexdigest()


def unique(values):
    return [value for index, value in enumerate(values) if value not in values[:index]]


def get_not_empty_value(kwargs):
    return {key: value for key, value in kwargs.items() if value not in (None, "", [], {})}


def get_first_not_empty_value(data, keys, default=None):
    return next((data[key] for key in keys if data.get(key) not in EMPTY_VALUES), default)


def datetime_format(moment):
    """A datetime, or seconds since 1970, as the ESB's logs write it; seconds become UTC."""
    if isinstance(moment, (int, float)):
        return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment))
    if isinstance(moment, datetime.datetime):
        return moment.strftime("%Y-%m-%d %H:%M:%S")
    return moment.strftime("%Y-%m-%d") if isinstance(moment, datetime.date) else None


def get_client_ip(request):
    address = request.META.get("HTTP_X_FORWARDED_FOR") or request.META.get("REMOTE_ADDR", "")
    return ";".join(re.findall(r"[\d.]{7,15}", address))


def get_request_params(request):
    """A request's parameters: the query of a GET, else the JSON object in the body, else the form in it.

    Whether a body is JSON is told by its first character; the content type plays no part.
    """
    if request.method == "GET":
        return dict(request.GET.items())
    if request.body and request.body.strip().startswith(b"{"):
        try:
            return json.loads(request.body.decode("utf-8"))
        except ValueError:
            logger.exception("request.body should be a json: %s", request.body)
            raise error_codes.COMMON_ERROR.format_prompt(
                "Request JSON string is wrong in format, which cannot be analyzed.", replace=True
            )
    return dict(request.POST.items())
