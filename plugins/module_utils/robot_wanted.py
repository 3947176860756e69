# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What is wanted of a robot, and where a user keeps it: the options of a task, or an entry of the variable `robots`, checked.

It speaks to nobody and imports little: the filter ding.blueking.robot_problems needs it on the controller, once per task and host.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

try:
    from urllib.parse import parse_qsl, urlsplit
except ImportError:  # Python 2.7
    from urlparse import parse_qsl, urlsplit

FIELD_OPTIONS = dict(
    token_field=dict(type="str", default="qq", no_log=False),
    sign_field=dict(type="str", default="wx_userid"),
)

# Columns that can hold a secret without anything else being made of it, and their length in characters.
LENGTHS = {"qq": 64, "wx_userid": 255, "wx_openid": 255, "code": 64}
EXTRAS = "extras__"
# What else a robot has; all at most 255 characters.
PLAIN = ("display_name", "email", "telephone")
PLAIN_LENGTH = 255
SEC = "SEC"
NAME = re.compile(r"^[0-9a-zA-Z][a-zA-Z0-9._-]{0,31}\Z")
# For lower case, and compiled where there is an address: such a set costs Python 2.7 a quarter of a second with IGNORECASE, and every Python
# some hundredths without.
_EMAIL = (
    u"^[-a-z0-9!#$%&'*+/=?^_`{}|~]+(\\.[-a-z0-9!#$%&'*+/=?^_`{}|~]+)*@"
    u"(localhost|(?:[a-z0-9\u00a1-\uffff](?:[a-z0-9\u00a1-\uffff-]{0,61}[a-z0-9\u00a1-\uffff])?\\.)+"
    u"[a-z\u00a1-\uffff-][a-z0-9\u00a1-\uffff-]{0,61}[a-z0-9\u00a1-\uffff])\\Z")
_BLANK = re.compile(u"[\\s\\x00-\\x1f\\x7f]", re.UNICODE)


class Field:
    """Where a robot's secret is kept: a column of a profile, or one of its extended fields (extras__name)."""

    def __init__(self, option, name):
        self.name = name
        self.extra = name[len(EXTRAS):] if name.startswith(EXTRAS) else None
        if not self.extra and name not in LENGTHS:
            raise Problem("%s is %s: it must be one of %s, or extras__ and the name of an extended field."
                          % (option, name, ", ".join(sorted(LENGTHS))))
        self.column = "extras" if self.extra else name
        self.length = None if self.extra else LENGTHS[name]

    def of(self, profile):
        value = extras_of(profile).get(self.extra) if self.extra else profile.get(self.name)
        return value if isinstance(value, type(u"")) else (u"" if value is None else u"%s" % (value,))


class Fields:
    """token and sign: the two fields, from a module's parameters (FIELD_OPTIONS)."""

    def __init__(self, params):
        self.token, self.sign = Field("token_field", params["token_field"]), Field("sign_field", params["sign_field"])
        if self.token.name == self.sign.name:
            raise Problem("token_field and sign_field are both %s: they must be two fields." % self.token.name)

    def columns(self):
        """What to ask user management for."""
        columns = ["username", "domain", "category_id", "status", "enabled", "country_code", "iso_code", "extras"]
        return columns + list(PLAIN) + [each.column for each in (self.token, self.sign) if not each.extra]


class Wanted:
    """What a task wants, checked. `values`: {field: value} of what was given, the token and the secret among them."""

    def __init__(self, params):
        self.name, self.category_id, self.adopt = params["name"].strip(), params["category_id"], params["adopt"]
        self.fields = Fields(params)
        self.values = dict((name, params[name].strip()) for name in PLAIN if params[name] is not None)
        _check_name(self.name)
        for name, value in sorted(self.values.items()):
            _check_plain(name, value)
        token = token_of(params["webhook"], params["access_token"])
        if token is not None:
            _check_length(self.fields.token, "The access token", token)
            self.values[self.fields.token.name] = token
        if params["secret"] is not None:
            self.values[self.fields.sign.name] = secret_of(self.fields.sign, params["secret"])

    def secrets(self):
        return [self.values[field.name] for field in (self.fields.token, self.fields.sign) if field.name in self.values]


def token_of(webhook, access_token):
    """The access token of a webhook's address, or the one that is given; None for neither."""
    if webhook is not None:
        return _token_in(webhook.strip())
    if access_token is None:
        return None
    token = access_token.strip()
    if "://" in token or "access_token=" in token:
        raise Problem("access_token holds a whole address: give that one as webhook.")
    return _checked_token("access_token", token)


def _token_in(webhook):
    try:
        parts = urlsplit(webhook)
        whole = parts.scheme in ("http", "https") and parts.hostname
    except ValueError:
        whole = False
    if not whole:
        raise Problem("webhook is no address such as https://oapi.dingtalk.com/robot/send?access_token=...: copy it whole from the robot's settings.")
    tokens = set(value for name, value in parse_qsl(to_native(parts.query), keep_blank_values=True) if name == "access_token")
    if len(tokens) > 1:
        raise Problem("webhook has two different values of access_token: copy it anew from the robot's settings.")
    if not tokens or not list(tokens)[0].strip():
        raise Problem("webhook has no access_token: copy the whole address from the robot's settings.")
    return _checked_token("webhook", to_unicode(tokens.pop().strip()))


def _checked_token(option, token):
    if not token:
        raise Problem("%s is empty." % option)
    if _BLANK.search(token):
        raise Problem("The access token in %s has blanks or control characters in it: copy it anew from the robot's settings." % option)
    return token


def secret_of(field, given):
    secret = given.strip()
    if not secret.startswith(SEC):
        raise Problem("secret does not start with SEC: take the one that the robot's settings in DingTalk show for the security setting "
                      "\"Additional Signature\".")
    if _BLANK.search(secret):
        raise Problem("secret has blanks or control characters in it: copy it anew from the robot's settings.")
    _check_length(field, "The secret", secret)
    return secret


def _check_length(field, what, value):
    if field.length and len(value) > field.length:
        raise Problem("%s has %d characters, and the field %s takes %d: set %s to a field that takes more, for example extras__ and the name of an "
                      "extended field." % (what, len(value), field.name, field.length, "sign_field" if what == "The secret" else "token_field"))


def _check_name(name):
    if "@" in name:
        raise Problem("The name %s has an @: give the name without its directory, and the directory as category_id." % name)
    if not NAME.match(name):
        raise Problem("User management takes no user named \"%s\": 1 to 32 letters, digits, '.', '_' and '-', the first a letter or a digit." % name)


def _check_plain(name, value):
    if len(value) > PLAIN_LENGTH:
        raise Problem("%s has %d characters, and user management takes %d." % (name, len(value), PLAIN_LENGTH))
    if u"\x00" in value:
        raise Problem("%s has a NUL character in it." % name)
    if name == "email" and value and not re.match(_EMAIL, value.lower()):
        raise Problem("email is %s, which is no e-mail address that user management takes." % value)


def extras_of(profile):
    """The extended fields as a dict; in old databases they are pairs of key and value."""
    extras = profile.get("extras") or {}
    if isinstance(extras, list) and all(isinstance(each, dict) and "key" in each for each in extras):
        extras = dict((each["key"], each.get("value")) for each in extras)
    if not isinstance(extras, dict):
        raise Problem("The extended fields of %s are no object in user management: correct them there first." % profile.get("username"))
    return extras


def to_unicode(text):
    return text.decode("utf-8") if isinstance(text, bytes) else text
