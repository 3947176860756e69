# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""Robots as users: who is one, and what has to be written for what a task wants of one. Data in, data out."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible_collections.ding.blueking.plugins.module_utils import secrecy
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.robot_wanted import EXTRAS, LENGTHS, NAME, PLAIN, SEC, extras_of, to_unicode
from ansible_collections.ding.blueking.plugins.module_utils.usermgr import LOCAL, V3_ONLY_READS

# example.com takes no mail (RFC 2606); the number is the operator's own top-up line, which belongs to nobody.
FIRST_EMAIL = "robot@example.com"
FIRST_TELEPHONE = "13800138000"

DOMAIN = re.compile(r"^[0-9a-zA-Z][a-zA-Z0-9.-]*\Z")

NOTHING, CREATE, CHANGE, RESTORE, DELETE = "nothing", "create", "change", "restore", "delete"
PRESENT, ABSENT, DELETED = "present", "absent", "deleted"


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


# --- what is there ----------------------------------------------------------------------------------------------------

def check_columns(fields, profile):
    """Raises Problem when a profile lacks a column that was asked for: V3 has no qq, and leaves it out without a word."""
    missing = [name for name in fields.columns() if name in LENGTHS and name not in profile]
    if missing:
        raise Problem("User management does not tell the field %s, so robots cannot be recognised by it. V3 has no such field. %s"
                      % (" and ".join(missing), V3_ONLY_READS))


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
        if to_unicode(profile.get("username") or "").lower() == to_unicode(name).lower():
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
    target = dict(display_name=to_unicode(wanted.name), email=to_unicode(FIRST_EMAIL), telephone=to_unicode(FIRST_TELEPHONE))
    target.update({fields.token.name: u"", fields.sign.name: u""})
    target.update(wanted.values)
    _check_robot(name, target, fields)
    body = _stored(target, {}, fields)
    expected = dict(body)
    body.update(username=to_unicode(wanted.name), category_id=category.get("id"))
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
    values = dict((name, to_unicode(profile.get(name) or "")) for name in PLAIN)
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
    default = next((to_unicode(each.get("domain") or "").lower() for each in categories if each.get("default")), None)
    wanted = []
    for name in names:
        bare, at, domain = name.strip().partition("@")
        if not NAME.match(bare) or bool(at) != bool(DOMAIN.match(domain)):
            raise Problem("\"%s\" is no user name: a name, or in another than the default directory name@domain." % name)
        wanted.append(bare if domain.lower() == default else name.strip())
    return list(dict((name.lower(), name) for name in reversed(wanted)).values())
