# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Robots as users: who is one, what a task wants of one, and what has to be written for it. Data in, data out."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible.module_utils.common.text.converters import to_native

from ansible_collections.ding.blueking.plugins.module_utils import secrecy
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.usermgr import LOCAL, V3_ONLY_READS

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
# example.com takes no mail (RFC 2606); the number is the operator's own top-up line, which belongs to nobody.
FIRST_EMAIL = "robot@example.com"
FIRST_TELEPHONE = "13800138000"

SEC = "SEC"
NAME = re.compile(r"^[0-9a-zA-Z][a-zA-Z0-9._-]{0,31}\Z")
# For lower case: with IGNORECASE such a set costs Python 2.7 a quarter of a second, each time a module starts.
EMAIL = re.compile(
    u"^[-a-z0-9!#$%&'*+/=?^_`{}|~]+(\\.[-a-z0-9!#$%&'*+/=?^_`{}|~]+)*@"
    u"(localhost|(?:[a-z0-9\u00a1-\uffff](?:[a-z0-9\u00a1-\uffff-]{0,61}[a-z0-9\u00a1-\uffff])?\\.)+"
    u"[a-z\u00a1-\uffff-][a-z0-9\u00a1-\uffff-]{0,61}[a-z0-9\u00a1-\uffff])\\Z")
DOMAIN = re.compile(r"^[0-9a-zA-Z][a-zA-Z0-9.-]*\Z")
_BLANK = re.compile(u"[\\s\\x00-\\x1f\\x7f]", re.UNICODE)

NOTHING, CREATE, CHANGE, RESTORE, DELETE = "nothing", "create", "change", "restore", "delete"
PRESENT, ABSENT, DELETED = "present", "absent", "deleted"


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

    def check(self, profile):
        """Raises Problem when a profile lacks a column that was asked for: V3 has no qq, and leaves it out without a word."""
        missing = [name for name in self.columns() if name in LENGTHS and name not in profile]
        if missing:
            raise Problem("User management does not tell the field %s, so robots cannot be recognised by it. V3 has no such field. %s"
                          % (" and ".join(missing), V3_ONLY_READS))


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


class Plan:
    """action: one of NOTHING … DELETE; name: the user's look-up name; body: the fields to send; before, after: the diff.

    `expected` are the columns and values that a fresh look-up must show afterwards.
    """

    def __init__(self, action, name, before, after, body=None, expected=None):
        self.action, self.name, self.before, self.after = action, name, before, after
        self.body, self.expected = body or {}, expected or {}

    @property
    def changed(self):
        return self.action != NOTHING


# --- what is given ----------------------------------------------------------------------------------------------------

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
    return _checked_token("webhook", _unicode(tokens.pop().strip()))


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
    if name == "email" and value and not EMAIL.match(value.lower()):
        raise Problem("email is %s, which is no e-mail address that user management takes." % value)


# --- what is there ----------------------------------------------------------------------------------------------------

def is_robot(profile, fields):
    """The channel's own rule: a token, and a secret that starts with SEC."""
    return bool(fields.token.of(profile)) and fields.sign.of(profile).startswith(SEC)


def departments_matter(profile, fields):
    """Whether only its departments tell if this is a person."""
    return not (fields.token.of(profile) or fields.sign.of(profile))


def is_person(profile, departments, fields):
    """Not to be turned into a robot: no secret that starts with SEC, and a value in either field, or departments."""
    if fields.sign.of(profile).startswith(SEC):
        return False
    return bool(fields.token.of(profile) or fields.sign.of(profile) or departments)


def state_of(profile):
    if profile is None:
        return ABSENT
    return PRESENT if profile.get("enabled", True) and profile.get("status") != "DELETED" else DELETED


def extras_of(profile):
    """The extended fields as a dict; in old databases they are pairs of key and value."""
    extras = profile.get("extras") or {}
    if isinstance(extras, list) and all(isinstance(each, dict) and "key" in each for each in extras):
        extras = dict((each["key"], each.get("value")) for each in extras)
    if not isinstance(extras, dict):
        raise Problem("The extended fields of %s are no object in user management: correct them there first." % profile.get("username"))
    return extras


def directory(categories, category_id):
    """The directory of this id, or the default one. Raises Problem."""
    for each in categories:
        if each.get("id") == category_id if category_id is not None else each.get("default"):
            return each
    known = ", ".join("%s (%s)" % (each.get("id"), each.get("domain")) for each in categories) or "none"
    if category_id is None:
        raise Problem("User management has no default directory: give category_id. There are: %s." % known)
    raise Problem("User management has no directory with category_id %d, or it is switched off. There are: %s." % (category_id, known))


def look_up_name(name, category):
    """How look-ups and paths call a user: with its domain, except in the default directory."""
    return name if category.get("default") else "%s@%s" % (name, category.get("domain"))


def found(profiles, name):
    """The profile of this look-up name, or None; names compare without case."""
    for profile in profiles:
        if _unicode(profile.get("username") or "").lower() == _unicode(name).lower():
            return profile
    return None


# --- what to do -------------------------------------------------------------------------------------------------------

def plan(state, wanted, category, profile, departments):
    """The Plan for state `present` or `absent`. Raises Problem for what must not be done."""
    made = _present(wanted, category, profile, departments) if state == PRESENT else _absent(wanted, category, profile)
    if made.changed:
        _check_writable(category)
    return made


def _present(wanted, category, profile, departments):
    name = look_up_name(wanted.name, category)
    if profile is None:
        return _creation(wanted, category, name)
    fields, name = wanted.fields, profile["username"]
    if not wanted.adopt and is_person(profile, departments, fields):
        raise Problem("%s is a person and no robot: %s. Choose another name; or, if this user is really to become a robot, set adopt: true."
                      % (name, _why_person(profile, departments, fields)))
    current = _values(profile, fields)
    target = dict(current)
    target.update(wanted.values)
    _check_robot(name, target, fields)
    changes = dict((key, target[key]) for key in target if target[key] != current[key])
    before, after = _shown(profile, state_of(profile), current, target, fields)
    if not changes and state_of(profile) == PRESENT:
        return Plan(NOTHING, name, before, after)
    body = _stored(changes, profile, fields)
    action = CHANGE
    if state_of(profile) == DELETED:
        # Without its status it would be enabled, and DELETED at the same time.
        body.update(enabled=True, status="NORMAL")
        action = RESTORE
    expected = dict(body)
    # A write without these would make it 86 and CN.
    country = country_of(profile)
    expected.update(country)
    return Plan(action, name, before, after, dict(body, **country), expected)


def _creation(wanted, category, name):
    fields = wanted.fields
    target = dict(display_name=_unicode(wanted.name), email=_unicode(FIRST_EMAIL), telephone=_unicode(FIRST_TELEPHONE))
    target.update({fields.token.name: u"", fields.sign.name: u""})
    target.update(wanted.values)
    _check_robot(name, target, fields)
    body = _stored(target, {}, fields)
    expected = dict(body)
    body.update(username=_unicode(wanted.name), category_id=category.get("id"))
    blank = dict((key, u"") for key in target)
    after = _shown({}, PRESENT, blank, target, fields)[1]
    after["name"] = name
    return Plan(CREATE, name, {"name": name, "state": ABSENT}, after, body, dict(expected, enabled=True))


def _absent(wanted, category, profile):
    name = profile["username"] if profile else look_up_name(wanted.name, category)
    after = {"name": name, "state": ABSENT}
    if profile is None or not profile.get("enabled", True):
        return Plan(NOTHING, name, dict(after), after)
    fields = wanted.fields
    if not wanted.adopt and not fields.sign.of(profile).startswith(SEC):
        raise Problem("%s is no robot, so it is not deleted: its field %s holds no secret that starts with SEC. If this user is really to go, set "
                      "adopt: true." % (name, fields.sign.name))
    current = _values(profile, fields)
    before = _shown(profile, state_of(profile), current, current, fields)[0]
    return Plan(DELETE, name, before, after)


def _check_writable(category):
    kind, domain = category.get("type"), category.get("domain")
    if not kind:
        raise Problem("User management does not tell the type of its directory %s. %s" % (domain, V3_ONLY_READS))
    if kind != LOCAL:
        raise Problem("The directory %s (category_id %s, type %s) is read-only: only its synchronisation writes there. Choose a local directory with "
                      "category_id, or change the user at the source." % (domain, category.get("id"), kind))


def _check_robot(name, target, fields):
    missing = []
    if not target[fields.token.name]:
        missing.append("webhook or access_token")
    if not target[fields.sign.name].startswith(SEC):
        missing.append("secret")
    if missing:
        raise Problem("%s is no robot yet: give %s." % (name, " and ".join(missing)))


def _why_person(profile, departments, fields):
    filled = [field.name for field in (fields.token, fields.sign) if field.of(profile)]
    reasons = ["there is a value in %s" % " and ".join(filled)] if filled else []
    reasons += ["it is in a department"] if departments else []
    return "its %s does not start with SEC, and %s" % (fields.sign.name, " and ".join(reasons))


def _values(profile, fields):
    """{field: value} of all that the module manages."""
    values = dict((name, _unicode(profile.get(name) or "")) for name in PLAIN)
    values.update((field.name, field.of(profile)) for field in (fields.token, fields.sign))
    return values


def _stored(values, profile, fields):
    """{column: value}; the extended fields whole, with the others that are there, because a write replaces them."""
    columns = dict((name, value) for name, value in values.items() if not name.startswith(EXTRAS))
    extras = dict((field.extra, values[field.name]) for field in (fields.token, fields.sign) if field.extra and field.name in values)
    if extras:
        columns["extras"] = dict(extras_of(profile))
        columns["extras"].update(extras)
    return columns


def country_of(profile):
    """country_code and iso_code as a write has to send them so that they stay as they are."""
    code, iso = profile.get("country_code") or "", profile.get("iso_code") or ""
    if code and not code.isdigit():
        # Such as +86: alone it is kept, and with an iso_code it is taken for a contradiction.
        return {"country_code": code}
    return dict((name, value) for name, value in (("country_code", code), ("iso_code", iso)) if value)


def _shown(profile, state, current, target, fields):
    """(before, after) for the diff, without a part of a secret."""
    before, after = {"name": profile.get("username"), "state": state}, {"name": profile.get("username"), "state": PRESENT}
    for name in target:
        if name in PLAIN:
            before[name], after[name] = current[name], target[name]
        else:
            before[name], after[name] = secrecy.compared(current[name], target[name])
    return before, after


def unproved(made, profile):
    """The columns of a Plan that a fresh look-up does not show as they were written; "the user itself" when it is not, or still, there."""
    if made.action == DELETE:
        return ["the user itself"] if profile and profile.get("enabled", True) else []
    if profile is None:
        return ["the user itself"]
    return sorted(name for name, value in made.expected.items() if _comparable(profile, name) != value)


def _comparable(profile, name):
    if name == "extras":
        return extras_of(profile)
    if name == "enabled":
        return profile.get("enabled", True)
    return profile.get(name)


# --- what to tell -----------------------------------------------------------------------------------------------------

def public(made, category):
    """The user after a Plan, without its secrets."""
    told = dict((name, made.after.get(name)) for name in ("name", "state") + PLAIN)
    return dict(told, domain=category.get("domain"), category_id=category.get("id"))


def listed(profile, fields):
    """A robot for a list: its secrets by their last four characters."""
    told = dict((name, profile.get(name)) for name in PLAIN + ("domain", "category_id", "status"))
    return dict(told, name=profile.get("username"), access_token=secrecy.masked(fields.token.of(profile)),
                secret=secrecy.masked(fields.sign.of(profile)))


def look_up_names(names, categories):
    """The look-up names of a list in which a name may have its directory behind an @; each once, without regard to case."""
    default = next((_unicode(each.get("domain") or "").lower() for each in categories if each.get("default")), None)
    wanted = []
    for name in names:
        bare, at, domain = name.strip().partition("@")
        if not NAME.match(bare) or bool(at) != bool(DOMAIN.match(domain)):
            raise Problem("\"%s\" is no user name: a name, or in another than the default directory name@domain." % name)
        wanted.append(bare if domain.lower() == default else name.strip())
    return list(dict((name.lower(), name) for name in reversed(wanted)).values())


def _unicode(text):
    return text.decode("utf-8") if isinstance(text, bytes) else text
