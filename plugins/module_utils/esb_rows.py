# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What runs inside the ESB's Python: channels looked at, changed, kept in a snapshot and restored from one.

esb_python.Esb(...).call("esb_rows.<function>", argument, esb_rows.MODULES). Arguments and results are plain JSON data.
Only `snapshot` and a look that reveals return secrets; every other result may be shown.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import copy
import sys

from ansible_collections.ding.blueking.plugins.module_utils import comp_conf, esb_tables, our_channels, problem, secrecy, shown_settings
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

# In the order of their imports.
MODULES = [problem, secrecy, our_channels, comp_conf, shown_settings, esb_tables, sys.modules[__name__]]


def snapshot(argument):
    """{"paths": [...]} -> {"edition", "paths", "rows", "message_types", "message_types_text"}; it holds secrets.

    rows: [{"columns": {every column}, "system": name or None, "extend": V7's ESBChannelExtend or None}];
    message_types: {row: value of the key `ding`} of the rows of /cmsi/get_msg_type/ that have the key;
    message_types_text: {row: stored text} of all these rows, each called by its method, and more where that is not enough.
    """
    tables = esb_tables.started()
    return _snapshot(tables, argument["paths"])


def restore(argument):
    """{"snapshot", "check": bool} -> {"changed", "before", "after"}: rows of the snapshot's paths as they were, and the key `ding`.

    Rows that the snapshot does not have are removed; other keys of /cmsi/get_msg_type/ and their order stay.
    """
    kept, check = argument["snapshot"], argument["check"]
    tables = esb_tables.started()
    if kept["edition"] != _edition(tables):
        raise Problem("The backup's channel rows are those of a %s ESB and this one is %s: restore the files only."
                      % (kept["edition"], _edition(tables)))
    from django.db import transaction
    with transaction.atomic(using=tables.channels.alias):
        now = _snapshot(tables, kept["paths"], lock=not check)
        goal = dict(now, rows=_goal_rows(tables, kept["rows"], now["rows"]), message_types_text=_goal_texts(kept, now))
        if not check:
            done = copy.deepcopy(goal)
            _write_rows(tables, now["rows"], done["rows"])
            _write_texts(tables, now["message_types_text"], done["message_types_text"])
            if _comparable(_snapshot(tables, kept["paths"]), done) != _comparable(done, done):
                raise Problem("The channel rows are not as they were in the backup after they were written: does something else write them now? "
                              "Nothing was changed.")
    before, after = _shown_snapshots(tables, now, goal)
    return {"changed": not comp_conf.same(before, after), "before": before, "after": after}


def _edition(tables):
    return "V7" if tables.is_v7 else "V6"


def _snapshot(tables, paths, lock=False):
    systems = tables.system_names()
    rows = []
    for columns in tables.of_paths(paths, lock=lock):
        extends = tables.extends.rows(component_id=columns["id"]) if tables.extends else []
        rows.append({"columns": columns, "system": systems.get(columns[tables.system_key]), "extend": extends[0] if extends else None})
    texts = dict((name, row[tables.conf]) for name, row in _message_types(tables, lock).items())
    found = dict((method, comp_conf.values(text)) for method, text in texts.items())
    return {"edition": _edition(tables), "paths": sorted(paths), "rows": sorted(rows, key=_row_key), "message_types_text": texts,
            "message_types": dict((method, values[our_channels.MESSAGE_TYPE]) for method, values in found.items()
                                  if our_channels.MESSAGE_TYPE in values)}


def _message_types(tables, lock=False):
    """{what it is called in a snapshot: row} of /cmsi/get_msg_type/: there may be several of one method, of V7's boards or since null is not ""."""
    found = {}
    for row in tables.of_paths([our_channels.MESSAGE_TYPES_PATH], lock=lock):
        name = esb_tables.method(row)
        found["%s #%s" % (name, row["id"]) if name in found else name] = row
    return found


def _row_key(row):
    """Rows are the same by this; V7 has boards."""
    columns = row["columns"]
    return columns["path"], esb_tables.method(columns), columns.get("board") or ""


def _goal_rows(tables, kept, now):
    """The rows of the snapshot as they can be here: the system's key of this database, and the own key where that is free."""
    present = dict((_row_key(row), row) for row in now)
    ours = set(row["columns"]["id"] for row in now)
    systems = tables.system_names()
    # Those that keep their key come first: no other row gets it.
    claimed = set(row["columns"]["id"] for row in kept if row["columns"]["id"] in ours)
    result = []
    for row in kept:
        columns = dict((name, value) for name, value in row["columns"].items() if name in tables.channels.columns)
        known = present.get(_row_key(row))
        if row["system"] is not None and row["system"] not in systems.values():
            raise Problem("The ESB has no system %s, to which the channel %s of the backup belongs: run its command sync_system_and_channel_data "
                          "first." % (row["system"], esb_tables.name(columns)))
        columns[tables.system_key] = _system(systems, row["system"], [each["columns"].get(tables.system_key) for each in (row, known) if each])
        if columns["id"] not in ours and tables.channels.all().filter(pk=columns["id"]).exists():
            # Another channel has taken its key: the row gets the one that it has now, or a new one.
            columns["id"] = known["columns"]["id"] if known and known["columns"]["id"] not in claimed else None
        extend = row["extend"] if tables.extends else None
        if known:
            # A column that the platform has added since keeps what it holds.
            columns = dict(known["columns"], **columns)
            extend = extend and dict(_content(known["extend"]) or {}, **extend)
        result.append({"columns": columns, "system": row["system"], "extend": extend})
    return sorted(result, key=_row_key)


def _system(systems, name, likely):
    """The key of the system of this name; where there are several, the first of the likely ones."""
    return next((key for key in likely + sorted(systems) if key in systems and systems[key] == name), None)


def _goal_texts(kept, now):
    empty = comp_conf.OBJECT if now["edition"] == "V7" else comp_conf.PAIRS
    result = {}
    for method, text in now["message_types_text"].items():
        value = kept["message_types"].get(method)
        was = kept.get("message_types_text", {}).get(method)
        try:
            result[method] = comp_conf.merged(text, {our_channels.MESSAGE_TYPE: value}, empty)
        except comp_conf.Unreadable:
            if value is not None:
                raise Problem("The settings of %s are not JSON, so the backup's message type cannot be restored there: mend them in the ESB's "
                              "administration." % our_channels.MESSAGE_TYPES_PATH)
            result[method] = text
        else:
            read = comp_conf.read(was)
            if was is not None and read[0] != comp_conf.UNREADABLE and comp_conf.same(read[1], comp_conf.read(result[method])[1]):
                # Nothing else was changed since: the very same text.
                result[method] = was
    return result


def _write_rows(tables, now, goal):
    """Makes the table's rows those of `goal`; new keys are written into it."""
    present = dict((row["columns"]["id"], row) for row in now)
    stay = set(row["columns"]["id"] for row in goal
               if row["columns"]["id"] in present and _row_key(present[row["columns"]["id"]]) == _row_key(row))
    for key in set(present) - stay:
        # It would be in the way of a row of its path and method under another key.
        tables.channels.delete(key)
    for row in goal:
        key = row["columns"]["id"]
        if key not in stay:
            key = row["columns"]["id"] = tables.channels.insert(row["columns"])
        elif row["columns"] != present[key]["columns"]:
            tables.channels.update(key, row["columns"])
        if tables.extends:
            _write_extend(tables.extends, key, present[key]["extend"] if key in stay else None, row["extend"])


def _write_extend(table, key, present, wanted):
    if wanted is None:
        if present is not None:
            table.delete(present["id"])
    elif present is None:
        table.insert(dict(wanted, component_id=key))
    elif _content(present) != _content(wanted):
        table.update(present["id"], dict(_content(wanted)))


def _content(extend):
    """What of an extension counts: its own key does not."""
    return extend and dict((name, value) for name, value in extend.items() if name not in ("id", "component_id"))


def _write_texts(tables, now, goal):
    for name, row in _message_types(tables).items():
        if goal[name] != now[name]:
            tables.channels.update(row["id"], {tables.conf: goal[name]})


def _comparable(kept, wanted):
    """What must be as it was wanted, column by column; one that a wanted row does not have may hold anything."""
    named = dict((_row_key(row), [set(row["columns"]), set(_content(row["extend"]) or {})]) for row in wanted["rows"])
    rows = []
    for row in kept["rows"]:
        columns, extended = named.get(_row_key(row), [set(row["columns"]), set()])
        extend = row["extend"] and dict((name, value) for name, value in row["extend"].items() if name in extended)
        rows.append(dict(row, columns=dict((name, value) for name, value in row["columns"].items() if name in columns), extend=extend))
    return [rows, kept["message_types_text"]]


def _shown_snapshots(tables, before, after):
    """(before, after) for a diff: every column of a row, its settings without secrets, and of the message types the key `ding` alone."""
    rows = [dict((_shown_name(row), row) for row in each["rows"]) for each in (before, after)]
    texts = [dict((name, row["columns"][tables.conf]) for name, row in each.items()) for each in rows]
    result = {}, {}
    for name in sorted(set(rows[0]) | set(rows[1])):
        # Nobody says which of them were given as secrets once.
        secrets = set(setting for each in texts for setting in comp_conf.values(each.get(name))) - our_channels.HARMLESS
        settings = shown_settings.compared(texts[0].get(name), texts[1].get(name), secrets)
        for place, each, shown in zip(result, rows, settings):
            if name in each:
                columns = dict((column, value) for column, value in each[name]["columns"].items() if column not in (tables.conf, tables.system_key))
                place[name] = dict(columns, settings=shown, system=each[name]["system"], extend=_content(each[name]["extend"]))
                place[name]["id"] = columns["id"] or "(new)"
        if name in texts[0] and name in texts[1] and texts[0][name] != texts[1][name] and comp_conf.same(*settings):
            result[1][name]["settings"] = "(the same in another order or form)"
    for method in sorted(after["message_types_text"]):
        name = ("%s %s" % (our_channels.MESSAGE_TYPES_PATH, method)).strip()
        for place, each in zip(result, (before, after)):
            values = comp_conf.values(each["message_types_text"][method])
            place[name] = {"settings": shown_settings.given(dict((key, value) for key, value in values.items() if key == our_channels.MESSAGE_TYPE))}
        if before["message_types_text"][method] != after["message_types_text"][method] and result[0][name] == result[1][name]:
            result[1][name]["settings"] = "(the same in another order or form)"
    return result


def _shown_name(row):
    board = row["columns"].get("board")
    return esb_tables.name(row["columns"]) + (" (%s)" % board if board not in (None, "", "default") else "")
