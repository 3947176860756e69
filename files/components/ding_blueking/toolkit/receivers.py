# -*- coding: utf-8 -*-
"""Who is meant: one look-up in user management, then people, robots and the unknown. Nothing else knows its API."""
from __future__ import absolute_import, division, print_function

import json
from collections import namedtuple

from .errors import DirectoryError
from .mobile import mobile_in_dingtalks_form
from .names import monotonic, quote, text_type
from .secret import Secret, redact
from .transport import CallFailed

PERSON, ROBOT, UNKNOWN = "person", "robot", "unknown"
SIGN_PREFIX = u"SEC"
# Look-ups are GET, and user management's server takes 4,094 bytes of request line: about 400 names.
LONGEST_NAMES = 3700
LONGEST_NAME = 255
LOOKUP_SECONDS = 5
# Characters of names that a query takes as they are.
_PLAIN = "@"

# receiver: the name as the caller wrote it. mobile: in DingTalk's form. token, secret: Secret or None.
Receiver = namedtuple("Receiver", "receiver kind mobile user_id token secret reason")


def person(receiver, mobile=u"", user_id=u"", reason=u""):
    return Receiver(receiver, PERSON, mobile, user_id, None, None, reason)


def unknown(receiver, reason):
    return Receiver(receiver, UNKNOWN, u"", u"", None, None, reason)


def look_up(directory, names, settings, deadline):
    """{name in lower case: profile} from user management, whose names ignore case. Unknown names are absent.

    directory: Directory; names: list of texts; deadline: monotonic seconds. Raises DirectoryError.
    """
    wanted, seen = [], set()
    for name in names:
        # No user has so long a name, and it would not fit the look-up of all others.
        if name.lower() not in seen and len(name) <= LONGEST_NAME:
            seen.add(name.lower())
            wanted.append(name)
    fields = [u"username", u"telephone", u"country_code"]
    for field in (settings.token_field, settings.sign_field):
        field = u"extras" if field.startswith(u"extras__") else field
        if field not in fields:
            fields.append(field)
    profiles = {}
    for chunk in _chunks(wanted):
        for profile in directory.profiles(chunk, fields, deadline):
            profiles.setdefault(text_type(profile.get("username") or u"").lower(), profile)
    return profiles


def _chunks(names):
    chunk, length = [], 0
    for name in names:
        more = len(quote(name, _PLAIN)) + 1
        if chunk and length + more > LONGEST_NAMES:
            yield chunk
            chunk, length = [], 0
        chunk.append(name)
        length += more
    if chunk:
        yield chunk


def classify(name, profiles, settings):
    """The Receiver for a name. A robot is a user whose token field is filled and whose sign field starts with SEC."""
    profile = profiles.get(name.lower())
    if profile is None:
        return unknown(name, u"is no BlueKing user")
    token = _field(profile, settings.token_field)
    secret = _field(profile, settings.sign_field)
    if token and secret.startswith(SIGN_PREFIX):
        return Receiver(name, ROBOT, u"", u"", Secret(token), Secret(secret), u"")
    mobile = mobile_in_dingtalks_form(profile.get("telephone"), profile.get("country_code"))
    if not mobile:
        return person(name, reason=u"has no phone number in user management")
    return person(name, mobile=mobile)


def _field(profile, name):
    if name.startswith(u"extras__"):
        extras = profile.get("extras")
        value = extras.get(name[len(u"extras__"):]) if isinstance(extras, dict) else _extra(extras, name)
    else:
        value = profile.get(name)
    return text_type(value if value is not None else u"").strip()


def _extra(extras, name):
    # Older versions hand extended fields out as a list of {"key", "value"}.
    for entry in extras if isinstance(extras, list) else ():
        if isinstance(entry, dict) and entry.get("key") == name[len(u"extras__"):]:
            return entry.get("value")
    return None


class Directory(object):
    """User management's v2 API, called straight: the ESB's own component would log every robot's secret."""

    def __init__(self, addresses, transport, headers):
        """addresses: base URLs or host names, tried in turn; headers: dict of texts for every call."""
        self._addresses = addresses
        self._transport = transport
        self._headers = headers

    def profiles(self, names, fields, deadline):
        """The profiles (dicts) of those names that exist. Raises DirectoryError."""
        # Written by hand: a comma between names that is not encoded saves two of three bytes.
        path = "/api/v2/profiles/?lookup_field=username&no_page=1&best_match=1&fields=%s&exact_lookups=%s" % (
            ",".join(fields),
            ",".join(quote(name, _PLAIN) for name in names),
        )
        deadline = min(deadline, monotonic() + LOOKUP_SECONDS)
        problem = u"its address is not set on this host"
        # A second try at the same address when there is one only: a refused connection is often a restart.
        for address in (self._addresses * 2)[: max(2, len(self._addresses))]:
            base = address if address.startswith("http") else "http://" + address
            try:
                answer = self._transport.call("GET", base.rstrip("/") + path, deadline, headers=self._headers)
            except CallFailed as error:
                problem = error.reason
                if error.timed_out:
                    break
                continue
            found, problem = _profiles_of(answer)
            if found is not None:
                return found
            if answer.status < 500:
                break
        raise DirectoryError(u"user management could not be asked, so nothing was sent: %s" % problem)


def _profiles_of(answer):
    """(list of profiles, "") or (None, what is wrong)."""
    try:
        data = json.loads(answer.body.decode("utf-8"))
    except ValueError:
        kind = answer.content_type.split(";")[0] or "no content type"
        return None, u"HTTP %d with %s in place of JSON" % (answer.status, kind)
    if isinstance(data, list):
        return data, u""
    if not isinstance(data, dict) or not data.get("result", answer.status == 200):
        words = data.get("message") or data.get("detail") or u"" if isinstance(data, dict) else u""
        return None, u"HTTP %d %s" % (answer.status, redact(words)[:200])
    found = data.get("data")
    if isinstance(found, dict):
        found = found.get("results")
    if not isinstance(found, list):
        return None, u"HTTP %d without a list of users" % answer.status
    return [profile for profile in found if isinstance(profile, dict)], u""
