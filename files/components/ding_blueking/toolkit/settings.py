# -*- coding: utf-8 -*-
"""The channel's settings: what operators store in comp_conf, read leniently, refused clearly."""
from __future__ import absolute_import, division, print_function

import os
import re
from collections import namedtuple

from .errors import SettingsError
from .names import text_type, urlsplit
from .secret import Secret

DING_PATH = "/cmsi/send_ding/"
DINGTALK_PATH = "/cmsi/send_dingtalk/"
DINGBOT_PATH = "/cmsi/send_dingbot/"
STATUS_PATH = "/cmsi/ding_status/"

MSG_KEYS = ("text", "markdown")
ON_UNCERTAIN = ("repeat", "report")
OVERFLOW = ("queue", "refuse")

_HOST = re.compile(r"^[0-9A-Za-z_.:-]+$")

Settings = namedtuple(
    "Settings",
    "msg_key proxy oapi_url api_url ca_bundle connect_timeout read_timeout deadline on_uncertain qps "
    "overflow outbox_max outbox_hours reserve robot_per_minute robot_window paas_hosts "
    "ding_app_key ding_app_secret robot_code token_field sign_field",
)


def _text(value):
    if not isinstance(value, (text_type, str, int, float)) or isinstance(value, bool):
        raise ValueError("must be a text")
    return (value.decode("utf-8") if isinstance(value, bytes) else text_type(value)).strip()


def _choice(*allowed):
    def parse(value):
        value = _text(value)
        if value not in allowed:
            raise ValueError("must be %s" % " or ".join(allowed))
        return value

    return parse


def _url(value):
    value = _text(value).rstrip("/")
    parts = _address(value)
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be a plain address, without a user name, a query or a fragment")
    return value


def _proxy(value):
    value = _text(value)
    value = (value if "://" in value else "http://" + value).rstrip("/")
    if _address(value).path or "?" in value or "#" in value:
        # Also what becomes of a password that holds these characters as they are.
        raise ValueError("must be http://[user:password@]host:port; in a password / is written %2F, # %23, ? %3F, @ %40")
    return value


def _address(value):
    """The parts of a URL with a host and, if any, a port from 1 to 65535. The value, which may hold a password, is not shown."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and (parts.port is None or 0 < parts.port < 65536)
    except ValueError:
        good = False
    if not good or not _HOST.match(parts.hostname):
        raise ValueError("must be a URL that begins with http:// or https://, with a host name and no or a right port")
    return parts


def _file(value):
    value = _text(value)
    if not os.path.isfile(value):
        raise ValueError("names a file that this host does not have")
    return value


def _number(low, high):
    def parse(value):
        try:
            number = float(_text(value))
        except ValueError:
            number = None
        if number is None or not low <= number <= high:
            raise ValueError("must be a number from %g to %g" % (low, high))
        return number

    return parse


def _whole(low, high):
    number = _number(low, high)

    def parse(value):
        found = number(value)
        if found != int(found):
            raise ValueError("must be a whole number")
        return int(found)

    return parse


# name: (channel to set it in, parser, default). 20 calls a second per app and API is DingTalk's standard edition.
FIELDS = {
    "msg_key": (DING_PATH, _choice(*MSG_KEYS), u"text"),
    "proxy": (DING_PATH, _proxy, u""),
    "oapi_url": (DING_PATH, _url, u"https://oapi.dingtalk.com"),
    "api_url": (DING_PATH, _url, u"https://api.dingtalk.com"),
    "ca_bundle": (DING_PATH, _file, u""),
    "connect_timeout": (DING_PATH, _number(0.1, 60), 3.0),
    "read_timeout": (DING_PATH, _number(0.1, 60), 8.0),
    "deadline": (DING_PATH, _number(1, 300), 12.0),
    "on_uncertain": (DING_PATH, _choice(*ON_UNCERTAIN), u"repeat"),
    "qps": (DING_PATH, _number(0, 1000), 20.0),
    "overflow": (DING_PATH, _choice(*OVERFLOW), u"queue"),
    "outbox_max": (DING_PATH, _whole(1, 1000000), 10000),
    "outbox_hours": (DING_PATH, _number(0.001, 720), 24.0),
    "reserve": (DING_PATH, _whole(0, 1000), 4),
    # DingTalk's limit for a robot; 0 switches window and queue off.
    "robot_per_minute": (DING_PATH, _whole(0, 100000), 20),
    "robot_window": (DING_PATH, _number(1, 3600), 60.0),
    "paas_hosts": (DING_PATH, _whole(1, 1000), 1),
    "ding_app_key": (DINGTALK_PATH, _text, u""),
    "ding_app_secret": (DINGTALK_PATH, lambda value: Secret(_text(value)), Secret(u"")),
    "robot_code": (DINGTALK_PATH, _text, u""),
    "token_field": (DINGBOT_PATH, _text, u"qq"),
    "sign_field": (DINGBOT_PATH, _text, u"wx_userid"),
}


def read(stored):
    """Settings from stored ones: `stored` is {path: {name: value}} as the ESB hands it out.

    A value that is missing, None or blank means the default. Raises SettingsError that names setting and path.
    """
    values = {}
    for name, (path, parse, default) in FIELDS.items():
        value = (stored.get(path) or {}).get(name)
        if value is None or (isinstance(value, (text_type, str)) and not value.strip()):
            values[name] = default
            continue
        problem = None
        try:
            values[name] = parse(value)
        except ValueError as error:
            problem = text_type(error)
        if problem:
            raise SettingsError(u"setting %s of channel %s %s" % (name, path, problem))
    return Settings(**values)


def override(settings, app_key, app_secret):
    """Settings with a caller's own app in place of the stored one; a robot code belongs to the stored app."""
    if not app_key and not app_secret:
        return settings
    own = {"ding_app_key": app_key or settings.ding_app_key, "ding_app_secret": app_secret or settings.ding_app_secret}
    if own["ding_app_key"] != settings.ding_app_key:
        own["robot_code"] = u""
    return settings._replace(**own)
