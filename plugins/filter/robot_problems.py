# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The filter `ding.blueking.robot_problems`: what is wrong with the variable `robots`, before anything is changed and without any value of it.

Ansible's own validation of a role's arguments is not used for it: of an entry that is no mapping, or of a secret in the
wrong option, it prints the value.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.ding.blueking.plugins.module_utils import robot_wanted
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

TEXTS = ("name", "display_name", "webhook", "access_token", "secret", "email", "telephone")
OPTIONS = TEXTS + ("category_id", "adopt", "state")
STATES = ("present", "absent")
# Only such a key is repeated: a longer one may be a secret in the wrong place.
_SHOWN = re.compile(r"^[a-z_]{1,20}\Z")
_LIST = "Write robots as a list, each entry with name, webhook and secret, as inventory.example shows."


def robot_problems(given, token_field="qq", sign_field="wx_userid"):
    """[{what, remedy}, …]; empty when each entry is something that M(ding.blueking.robot_user) takes."""
    if not isinstance(given, list):
        return [_problem("robots is no list.", _LIST)]
    found, names = [], set()
    for number, robot in enumerate(given, 1):
        where = "robots, entry %d" % number
        if not isinstance(robot, dict):
            found.append(_problem("%s: it is no mapping." % where, _LIST))
            continue
        name = robot.get("name")
        if _is_text(name) and robot_wanted.NAME.match("%s" % name):
            where += " (%s)" % name
            if ("%s" % name).lower() in names:
                found.append(_problem("%s: there are two of this name." % where, "Names compare without case: take one entry out."))
            names.add(("%s" % name).lower())
        found += [_problem("%s: %s" % (where, what), "Correct it in the inventory.") for what in _wrong(robot, token_field, sign_field)]
    return found


def _wrong(robot, token_field, sign_field):
    """Sentences about one entry, none of which holds a value but the name and the e-mail address."""
    unknown = [key for key in robot if key not in OPTIONS]
    if unknown:
        return ["%s is unknown; there are %s." % (key if _is_text(key) and _SHOWN.match("%s" % key) else "one of its keys", ", ".join(OPTIONS))
                for key in unknown]
    wrong = ["%s is no text." % key for key in TEXTS if robot.get(key) is not None and not _is_text(robot[key])]
    if robot.get("name") is None:
        wrong.append("it has no name.")
    if robot.get("state", STATES[0]) not in STATES:
        wrong.append("state is neither %s." % " nor ".join(STATES))
    if not _is_boolean(robot.get("adopt", False)):
        wrong.append("adopt is neither true nor false.")
    if robot.get("category_id") is not None and not ("%s" % robot["category_id"]).isdigit():
        wrong.append("category_id is no number.")
    if robot.get("webhook") is not None and robot.get("access_token") is not None:
        wrong.append("it has both webhook and access_token: one of them is enough.")
    return wrong or _of_the_module(robot, token_field, sign_field)


def _of_the_module(robot, token_field, sign_field):
    """What the module itself would say; its sentences hold no secret."""
    params = dict((key, None if robot.get(key) is None else "%s" % robot[key]) for key in TEXTS)
    params.update(category_id=None, adopt=False, token_field=token_field, sign_field=sign_field)
    try:
        robot_wanted.Wanted(params)
    except Problem as problem:
        return ["%s" % problem]
    return []


def _is_text(value):
    """Numbers as well: a telephone number without quotes is one."""
    return isinstance(value, (type(u""), str, int)) and not isinstance(value, bool)


def _is_boolean(value):
    try:
        boolean(value)
    except TypeError:
        return False
    return True


def _problem(what, remedy):
    return {"what": what, "remedy": remedy}


class FilterModule(object):
    def filters(self):
        return {"robot_problems": robot_problems}
