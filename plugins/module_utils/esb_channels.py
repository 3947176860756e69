# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What is to become of channels' rows: pure planning from the wanted channels and the rows that are there.

A wanted channel: {"path", "method" (None: whichever the row has), "settings", "secret_settings", "registered", "active"
(None: as it is), "state", "force"}. A row: {"path", "method", "active", "text" (its settings as stored), "component", ...}.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.module_utils import comp_conf, our_channels, shown_settings
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem


def checked(channels):
    """The wanted channels with their methods in capitals. Raises Problem where they contradict each other or the rules."""
    result = []
    for channel in channels:
        channel = dict(channel, settings=channel.get("settings") or {}, secret_settings=channel.get("secret_settings") or {})
        if channel.get("method") is not None:
            channel["method"] = channel["method"].upper()
        path = channel["path"]
        if not path.startswith("/"):
            raise Problem("The path of a channel begins with a slash, as in /cmsi/send_ding/, and %s does not." % path)
        if path + "/" in our_channels.PATHS:
            raise Problem("The path of the channel ends with a slash: %s/, not %s." % (path, path))
        for other in result:
            if other["path"] == path and (other["method"] == channel["method"] or None in (other["method"], channel["method"])):
                raise Problem("The channel %s is given twice: put all that you want of it into one entry." % called(channel))
        twice = sorted(set(channel["settings"]) & set(channel["secret_settings"]))
        if twice:
            raise Problem("The setting %s of the channel %s is given in settings and in secret_settings: keep one of them."
                          % (twice[0], called(channel)))
        if channel["state"] == "absent" and path not in our_channels.PATHS and not channel["force"]:
            raise Problem("The channel %s is not one of this collection's (%s), so its row is not removed: set force if you mean it."
                          % (called(channel), ", ".join(our_channels.PATHS)))
        result.append(channel)
    return result


def called(channel):
    """How a channel or a row is called in diffs and messages: "/cmsi/send_ding/" or "/cmsi/send_ding/ POST"."""
    return ("%s %s" % (channel["path"], channel["method"] or "")).strip()


def row_of(channel, rows):
    """The row of a wanted channel, or None. Raises Problem where it could be more than one."""
    of_path = [row for row in rows if row["path"] == channel["path"]]
    found = [row for row in of_path if channel["method"] in (None, row["method"])]
    if len(found) < 2:
        return found[0] if found else None
    methods = ", ".join(sorted(row["method"] or '""' for row in of_path))
    if len(set(row["method"] for row in found)) < len(found):
        raise Problem("The ESB has %d rows of the channel %s with the same method (%s): remove all but one in the ESB's administration."
                      % (len(found), channel["path"], methods))
    raise Problem("The ESB has %d rows of the channel %s, with the methods %s: say with method which one you mean."
                  % (len(found), channel["path"], methods))


def missing(wanted, rows):
    """The wanted channels that are to be there and have no row. Raises Problem for one that may not be added."""
    result = [channel for channel in wanted if channel["state"] == "present" and row_of(channel, rows) is None]
    for channel in result:
        if not channel["registered"]:
            others = sorted(row["method"] or '""' for row in rows if row["path"] == channel["path"])
            raise Problem("The ESB has no channel %s%s, and registered is false: set registered to true to have it added."
                          % (called(channel), " (it has that path with the method %s)" % ", ".join(others) if others else ""))
    return result


def changes(wanted, rows, is_v7=False):
    """[(row, row as it is to be, or None to remove it)], one for each wanted channel that has a row. Raises Problem."""
    result = []
    for channel in wanted:
        row = row_of(channel, rows)
        if row is not None:
            result.append((row, _goal(channel, row, is_v7)))
    return result


def _goal(channel, row, is_v7):
    if channel["state"] == "absent":
        return None
    wanted = dict(channel["settings"])
    wanted.update(channel["secret_settings"])
    try:
        text = comp_conf.merged(row["text"], wanted, comp_conf.OBJECT if is_v7 else comp_conf.PAIRS)
    except comp_conf.Unreadable:
        raise Problem("The stored settings of the channel %s are neither a list of [name, value] pairs nor an object in JSON, so nothing can be "
                      "merged into them: mend or empty them in the ESB's administration." % called(row))
    return dict(row, text=text, active=row["active"] if channel["active"] is None else channel["active"])


def shown(channel, before, after):
    """({name of the row: what may be seen of it}, the same after), for a diff; before or after is None where there is no row.

    Of a row that stays it has the settings that the task names: another one may have been given as a secret by another task.
    """
    hidden = set(channel["secret_settings"])
    only, replaced = None, ()
    if before is not None and after is None:
        # Nobody says which of a removed row's settings were given as secrets once.
        hidden |= shown_settings.unknown(before["text"], our_channels.FIRST_SETTINGS.get(channel["path"], ()))
    elif before is not None:
        only = set(channel["settings"]) | hidden
        # What is replaced may have been given as a secret once; what the task itself wants plain is shown.
        replaced = shown_settings.replaced(before["text"], channel["settings"], our_channels.HARMLESS)
    settings = shown_settings.compared(before and before["text"], after and after["text"], hidden, only, replaced)
    return tuple({} if row is None else {called(row): {"active": row["active"], "component": row["component"], "settings": each}}
                 for row, each in zip((before, after), settings))


def word(before, after):
    """What was done to a row, in one word."""
    if before is None:
        return "absent" if after is None else "added"
    if after is None:
        return "removed"
    return "unchanged" if before == after else "changed"
