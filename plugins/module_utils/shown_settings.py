# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What of a channel's settings may be shown: nothing whose name or form says that it is a secret."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re
from numbers import Number

from ansible_collections.ding.blueking.plugins.module_utils import comp_conf, secrecy

# Parts of names, as the stock channels (smtp_pwd, qcloud_app_key, wx_token, wx_qy_corpsecret) and ours have them.
SECRET = re.compile(r"secret|token|passw|passphrase|passcode|pwd|credential|private|auth|cookie|session|webhook|signature|key|ticket"
                    r"|(?:pass|(?<!de)(?<!as)(?<!re)sign)(?![a-z])|(?<![a-z])(?:ak|sk|pw|pin|access_?code|verify_?code)(?![a-z])")
# They name a field of a user or a message format.
HARMLESS = ("token_field", "sign_field", "msg_key")
# What signs a webhook's address.
IN_QUERY = re.compile(r"(?<=[?&;])((?:[\w-]*(?:token|secret|key|passw(?:or)?d|pwd|sign(?:ature)?))=)[^&#\s]+", re.I)
WRITTEN_SECRET = re.compile(r"\bSEC[0-9a-zA-Z]{16,}")
NOT_SETTINGS = "(not JSON)"
# A PIN or a code that was given as a secret, not quoted.
SHORTEST_NUMBER = 6


def is_secret(name):
    text = (u"%s" % (name,)).lower()
    return text not in HARMLESS and bool(SECRET.search(text))


def plain(value, hide):
    """The value with each secret in it replaced by hide(secret)."""
    if isinstance(value, dict):
        return dict((key, _hidden(each, hide) if is_secret(key) else plain(each, hide)) for key, each in value.items())
    if isinstance(value, (list, tuple)):
        # A list of [name, value] pairs, as settings themselves are.
        if len(value) == 2 and isinstance(value[0], type(u"")) and is_secret(value[0]):
            return [value[0], _hidden(value[1], hide)]
        return [plain(each, hide) for each in value]
    if isinstance(value, (type(u""), type(""))):
        # Nothing of it is shown, not even its end: a name is before the password, so it may be longer than that.
        value = secrecy.LOGIN.sub(hide(u"?"), value)
        value = IN_QUERY.sub(lambda found: found.group(1) + hide(found.group(0)[len(found.group(1)):]), value)
        return WRITTEN_SECRET.sub(lambda found: hide(found.group(0)), value)
    return value


def masked(text, harmless=None):
    """{name: value} of a stored text for information: the last characters of a secret at most.

    Where `harmless` names are given, every other text counts as a secret: a task may have given it as one.
    """
    if comp_conf.read(text)[0] == comp_conf.UNREADABLE:
        return NOT_SETTINGS
    return dict((_named(name), _hidden(value, secrecy.masked) if is_secret(name) or _is_unknown(name, value, harmless) else plain(value, secrecy.masked))
                for name, value in comp_conf.values(text).items())


def _named(name):
    """A name as text: a list of pairs may have a number for one."""
    return name if isinstance(name, (type(u""), type(""))) else u"%s" % (name,)


def _is_unknown(name, value, harmless):
    return harmless is not None and name not in harmless and _may_be_secret(value)


def _may_be_secret(value):
    """A number of few digits is a limit or a time."""
    if isinstance(value, Number) and not isinstance(value, bool):
        return len("%s" % value) >= SHORTEST_NUMBER
    return value is not None and not isinstance(value, bool)


def given(settings):
    """A task's plain settings as they may be shown: what its writer put there by mistake is hidden too."""
    return plain(settings, lambda dummy: secrecy.HIDDEN)


def unknown(text, declared):
    """The names of a stored text that are not among the declared ([name, value] pairs)."""
    return set(comp_conf.values(text)) - set(pair[0] for pair in declared)


def replaced(text, settings, harmless):
    """The names of stored values that a task's settings replace, unless the name is known as harmless or the value is too short for a secret."""
    stored = comp_conf.values(text)
    return set(name for name in settings if name in stored and name not in harmless
               and _may_be_secret(stored[name]) and not comp_conf.same(stored[name], settings[name]))


def compared(before, after, secrets=(), only=None, hidden_before=()):
    """({name: shown}, {name: shown}) of the stored texts before and after; `secrets` are names to hide in any case.

    None stands for a row that is not there, and gives {}. Where `only` is given, other names are left out unless they change.
    Of `hidden_before`, names too, the value before is hidden.
    """
    one, other = comp_conf.values(before), comp_conf.values(after)
    shown = {}, {}
    for name in list(one) + [each for each in other if each not in one]:
        if only is not None and name not in only and name in one and name in other and comp_conf.same(one[name], other[name]):
            continue
        pair = _compared(one.get(name), other.get(name), name in secrets or is_secret(name))
        if name in hidden_before:
            pair = [_hidden(one[name], lambda dummy: secrecy.HIDDEN), pair[1]]
        for stored, place, value in zip((one, other), shown, pair):
            if name in stored:
                place[_named(name)] = value
    shapes = [comp_conf.read(text)[0] == comp_conf.UNREADABLE for text in (before, after)]
    return tuple(NOT_SETTINGS if unreadable else each for unreadable, each in zip(shapes, shown))


def _compared(before, after, secret):
    if secret:
        shown = ["" if value in (None, "", u"") else secrecy.HIDDEN for value in (before, after)]
        if shown[1] and not comp_conf.same(before, after):
            shown[1] = secrecy.HIDDEN_NEW
        return shown
    pair = [plain(each, lambda dummy: secrecy.HIDDEN) for each in (before, after)]
    if comp_conf.same(*pair) and not comp_conf.same(before, after):
        pair[1] = secrecy.HIDDEN_NEW
    return pair


def _hidden(value, hide):
    """A secret's replacement. One that is empty has nothing to hide, and says so."""
    if value in (None, "", u"", [], {}) or isinstance(value, bool):
        return value
    return hide(value) if isinstance(value, (type(u""), type(""))) else secrecy.HIDDEN
