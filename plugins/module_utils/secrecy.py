# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What a module shows in place of a secret, and how Ansible's own starring is kept from harmless words."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import re

HIDDEN = "(hidden)"
HIDDEN_NEW = "(hidden, new)"
SHOWN_CHARACTERS = 4
# With fewer characters, four of them would say too much.
SHORTEST_SHOWN = 16
# Ansible replaces every occurrence of a no_log value in the output: a short one stars harmless words as well.
SHORTEST_STARRED = 8
# http://user:password@host, as a proxy also without its scheme: all before the last @, for a password may hold that, and by mistake a slash.
LOGIN = re.compile(r"(?<=://)(?:[^:/@\s]+:\S+|[^/\s]+)(?=@)|\A(?!\w+://)[^:/@\s]+:\S+(?=@[^@\s]+\Z)")
# That, and a webhook's address: also in options that are no secrets, given by mistake or as a proxy.
IN_ADDRESS = re.compile(LOGIN.pattern + r"|(?<=[?&]access_token=)[^&#\s]+|(?<=[?&]sign=)[^&#\s]+")


def masked(value):
    """The last four characters of a secret after four stars; "" for none, and only stars for a short one."""
    if not value:
        return ""
    return "****" + (value[-SHOWN_CHARACTERS:] if len(value) >= SHORTEST_SHOWN else "")


def compared(before, after):
    """What a diff shows of a secret before and after: ("", "(hidden, new)"), never a part of it."""
    return (HIDDEN if before else ""), (HIDDEN if before == after else HIDDEN_NEW) if after else ""


def invocation(module):
    """The module's parameters for its result, each no_log option hidden by its name and not by its value; and what is secret in addresses.

    Call it once, right after the AnsibleModule was made, and hand the result to exit_json and fail_json as `invocation`.
    It also takes short values out of module.no_log_values.
    """
    module.no_log_values = set(value for value in module.no_log_values if len(value) >= SHORTEST_STARRED)
    return {"module_args": _hidden(module.params, module.argument_spec)}


def _hidden(params, spec):
    shown = {}
    by_name = dict((alias, option) for option in spec.values() for alias in option.get("aliases") or [])
    by_name.update(spec)
    for name, value in params.items():
        option = by_name.get(name) or {}
        if option.get("no_log") and value is not None:
            shown[name] = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"
        elif option.get("options") and isinstance(value, dict):
            shown[name] = _hidden(value, option["options"])
        elif option.get("options") and isinstance(value, list):
            shown[name] = [_hidden(each, option["options"]) for each in value]
        else:
            shown[name] = _without_addresses_secrets(value)
    return shown


def _without_addresses_secrets(value):
    if isinstance(value, dict):
        return dict((name, _without_addresses_secrets(each)) for name, each in value.items())
    if isinstance(value, list):
        return [_without_addresses_secrets(each) for each in value]
    return IN_ADDRESS.sub(HIDDEN, value) if isinstance(value, (str, type(u""))) else value
