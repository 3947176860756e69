# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The ESB's list of apps that may speak for any user: user_auth::skip_user_auth of esb_function_controller.

The ESB splits its text at commas and semicolons and takes each piece as it is, blanks included; whatever else stands in
it, JSON for example, is no exception. So pieces are added and removed, and every other character stays.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

FUNCTION = "user_auth::skip_user_auth"
_SEPARATOR = re.compile(u"[,;]")
_CODE = re.compile(u"^[A-Za-z0-9_.-]+\\Z")


def listed(text):
    """The apps, as the ESB reads them."""
    return [piece for piece in _SEPARATOR.split(text or u"") if piece]


def with_app(text, app):
    """The text with this app at its end, unless it is there."""
    if app in listed(text):
        return text
    if not text:
        return app
    separators = _SEPARATOR.findall(text)
    return text + (separators[-1] if separators else u",") + app


def without_app(text, app):
    """The text without this app; a separator goes with each of its pieces."""
    kept = text
    while app in listed(kept):
        found = re.search(u"(^|[,;])%s($|[,;])" % re.escape(app), kept)
        # Of the two separators the first one goes, at the beginning of the text the second.
        kept = kept[:found.start()] + (found.group(2) if found.group(1) else u"") + kept[found.end():]
    return kept


def check_code(app):
    if not _CODE.match(app):
        raise Problem("%s is no code of an app: it may have letters, digits, _, - and dots only." % (app or "An empty text"))


def ensure(argument):
    """Runs inside the ESB. argument: {apps, present, check}. Returns {before, after: apps, enabled: is the function on}.

    It changes the one column of the one row, and only if nobody else has changed it meanwhile.
    """
    import django

    django.setup()
    from esb.bkcore.models import FunctionController

    rows = FunctionController.objects.filter(func_code=FUNCTION)
    row = rows.first()
    if row is None:
        if argument["present"]:
            raise Problem("The ESB has no list %s yet: run its management command sync_function_controller once." % FUNCTION)
        return {"before": [], "after": [], "enabled": False}
    change = with_app if argument["present"] else without_app
    text = row.wlist
    for app in argument["apps"]:
        text = change(text, app)
    if text != row.wlist and not argument["check"]:
        if not rows.filter(pk=row.pk, wlist=row.wlist).update(wlist=text):
            raise Problem("Somebody else changed the list %s at the same moment: start again." % FUNCTION)
    return {"before": listed(row.wlist), "after": listed(text), "enabled": bool(row.switch_status)}
