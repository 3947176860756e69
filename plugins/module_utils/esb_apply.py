# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""What runs inside the ESB's Python for the channel modules: a look at rows, and their change in one transaction.

esb_python.Esb(...).call("esb_apply.<function>", argument, esb_apply.MODULES). Secrets leave it only in a look that reveals.
"""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import sys

from ansible_collections.ding.blueking.plugins.module_utils import (
    comp_conf, conf_block, esb_adding, esb_channels, esb_tables, our_channels, problem, secrecy, shown_settings)
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

# In the order of their imports.
MODULES = [problem, secrecy, our_channels, conf_block, comp_conf, shown_settings, esb_tables, esb_channels, esb_adding,
           sys.modules[__name__]]
# Two hosts share the database: what one adds first, the other finds at its next attempt.
ATTEMPTS = 3
# What nobody can predict of a row, or what a diff need not say.
NOT_COMPARED = ("id", "created_time", "last_modified_time", "updated_time")


def look(argument):
    """{"paths": [...] or None for all, "reveal"} -> {"channels": [{path, method, ..., settings}], "missing": [paths]}."""
    tables = esb_tables.started()
    paths = argument["paths"]
    rows = tables.channels.rows() if paths is None else tables.of_paths(paths)
    systems = tables.system_names()
    result = []
    for row in sorted(rows, key=lambda row: (row["path"], esb_tables.method(row))):
        text = row[tables.conf]
        known = our_channels.HARMLESS if row["path"] in our_channels.PATHS else None
        settings = dict(comp_conf.values(text)) if argument["reveal"] else shown_settings.masked(text, known)
        if comp_conf.read(text)[0] == comp_conf.UNREADABLE:
            settings = shown_settings.NOT_SETTINGS
        shown = _row(tables, row)
        del shown["text"]
        result.append(dict(shown, settings=settings, system=systems.get(row[tables.system_key]), name=row["name"]))
    return {"channels": result, "missing": sorted(set(paths or []) - set(row["path"] for row in rows))}


def change(argument):
    """{"channels": [...], "check"} -> {"changed", "before", "after", "channels": [{path, method, change}], "warnings": [...]}."""
    wanted = esb_channels.checked(argument["channels"])
    tables = esb_tables.started()
    from django import db
    from django.db.transaction import TransactionManagementError
    for attempt in range(1, ATTEMPTS + 1):
        try:
            run = Run(tables, wanted, argument["check"])
            with db.transaction.atomic(using=tables.channels.alias):
                result = run.result()
                if argument["check"]:
                    db.transaction.set_rollback(True, using=tables.channels.alias)
            break
        except (db.IntegrityError, TransactionManagementError, db.OperationalError) as error:
            if isinstance(error, db.OperationalError) and "deadlock" not in repr(error).lower():
                raise
            if attempt == ATTEMPTS:
                run.give_up()
                raise
    if not argument["check"]:
        _look_afterwards(tables, run.pairs)
    return result


class Run:
    """One attempt, within a transaction; a check run is rolled back."""

    def __init__(self, tables, wanted, check):
        self.tables, self.wanted, self.check = tables, wanted, check
        self.warnings = []
        self.adder = None

    def result(self):
        before = self._rows(lock=not self.check)
        missing = esb_channels.missing(self.wanted, before)
        # What would be refused is refused before anything is added.
        esb_channels.changes(self.wanted, before, self.tables.is_v7)
        others = {}, {}
        rows = before
        if missing:
            predicted, others = self._add(missing)
            rows = self._rows() + predicted
        self.pairs = esb_channels.changes(self.wanted, rows, self.tables.is_v7)
        if not self.check:
            for row, goal in self.pairs:
                self._write(row, goal)
        return self._report(before, others)

    def give_up(self):
        """Raises Problem with what the ESB's own code logged when it could not write; it goes on, and the database refuses the rest."""
        if self.adder and self.adder.listener.lines:
            raise Problem("The ESB's own code could not add the channels: %s" % self.adder.listener.lines[-1])

    def _rows(self, lock=False):
        return [_row(self.tables, row) for row in self.tables.of_paths([channel["path"] for channel in self.wanted], lock=lock)]

    def _write(self, row, goal):
        if goal is None:
            self.tables.channels.delete(row["id"])
        elif goal != row:
            columns = {"is_active": goal["active"]}
            if goal["text"] != row["text"]:
                columns[self.tables.conf] = goal["text"]
            self.tables.channels.update(row["id"], dict(columns, **self.tables.channels.touched()))

    def _report(self, before, others):
        shown = dict(others[0]), dict(others[1])
        known = dict((esb_channels.called(row), row) for row in before)
        goals = dict((esb_channels.called(row), goal) for row, goal in self.pairs)
        done = []
        for channel in self.wanted:
            found = [name for row, dummy in self.pairs for name in [esb_channels.called(row)]
                     if row["path"] == channel["path"] and channel["method"] in (None, row["method"])]
            name = found[0] if found else esb_channels.called(channel)
            row, goal = known.get(name), goals.get(name)
            for place, each in zip(shown, esb_channels.shown(channel, row, goal)):
                place.update(each)
            method = (row or goal or channel)["method"]
            done.append({"path": channel["path"], "method": method or "", "change": esb_channels.word(row, goal)})
        return {"changed": bool(others[0] or others[1]) or any(each["change"] not in ("unchanged", "absent") for each in done),
                "before": shown[0], "after": shown[1], "channels": done, "warnings": self.warnings}

    # --- rows that are missing ---------------------------------------------------------------------------------------

    def _add(self, missing):
        """Has the ESB add them. Returns (rows that are only predicted, what else changes: (before, after) for the diff)."""
        adder = self.adder = esb_adding.Adder()
        can_undo = _can_undo(self.tables)
        before = _everything(self.tables)
        predicted = []
        restricted = adder.restricted
        if restricted and self.check and not can_undo:
            predicted = self._from_declarations(adder.declared(missing))
        elif restricted:
            restricted = self._add_restricted(adder, missing, before)
        if not restricted:
            if self.check and not can_undo:
                raise Problem("It cannot be predicted here what the ESB's command %s changes, because the database's tables know no transactions: "
                              "this ESB's own parts cannot be kept to the missing channels (%s)." % (esb_adding.COMMAND, adder.reason))
            self.warnings.append("The ESB's command %s adds the channels, with all else that it changes (see the diff): its own parts cannot be "
                                 "kept to the missing channels here (%s)." % (esb_adding.COMMAND, adder.reason))
            adder.sync_all()
        rows = self._rows() + predicted
        for channel in missing:
            if esb_channels.row_of(channel, rows) is None:
                predicted.append(self._after_installation(adder, channel))
        return predicted, self._others(before, [(channel["path"], channel["method"]) for channel in missing])

    def _add_restricted(self, adder, missing, before):
        """Whether that was possible; if not, nothing of it is left."""
        from django.db import transaction
        try:
            with transaction.atomic(using=self.tables.channels.alias):
                adder.add(missing)
                others = self._others(before, [(channel["path"], channel["method"]) for channel in missing])
                if others[0]:
                    raise Problem("This ESB's update_channels changes other rows too (%s), so it was undone: add the channels by the ESB's own "
                                  "command %s." % (", ".join(sorted(others[0])), esb_adding.COMMAND))
        except esb_adding.OtherShape as error:
            adder.reason = esb_adding.text(error)
            return False
        return True

    def _from_declarations(self, declared):
        rows = []
        for infos in declared.values():
            for info in infos:
                if info.get("is_deprecated"):
                    continue
                pairs = info.get("comp_conf_to_db") or []
                pairs = list(pairs.items()) if isinstance(pairs, dict) else pairs
                rows.append(self._predicted(info["path"], info.get("method") or "", info["comp_codename"], pairs, info.get("suggest_method")))
        return rows

    def _after_installation(self, adder, channel):
        """A row of our own package as it will be once that is installed: it cannot be yet in a check run over a whole play."""
        path = channel["path"]
        is_virgin = path in our_channels.PATHS and channel["method"] in (None, "") and esb_adding.is_virgin() and not adder.conf_problem()
        if not (self.check and is_virgin):
            raise Problem("The ESB did not add the channel %s: %s." % (esb_channels.called(channel), adder.why_not(channel)))
        if not self.tables.is_v7 and our_channels.SYSTEM not in self.tables.system_names().values():
            raise Problem("The ESB has no system %s, to which the channel %s belongs: run its command %s first."
                          % (our_channels.SYSTEM, path, esb_adding.COMMAND))
        warning = "The package %s is not installed here yet: its channels are predicted as they will be then." % our_channels.PACKAGE
        if warning not in self.warnings:
            self.warnings.append(warning)
        return self._predicted(path, "", our_channels.component(path), our_channels.FIRST_SETTINGS[path], our_channels.SUGGEST_METHOD)

    def _predicted(self, path, method, component, pairs, suggest_method):
        pairs = [list(pair) for pair in pairs]
        if self.tables.is_v7 and suggest_method:
            pairs = [pair for pair in pairs if pair[0] != "suggest_method"] + [["suggest_method", suggest_method]]
        text = comp_conf.written(pairs, comp_conf.OBJECT if self.tables.is_v7 else comp_conf.PAIRS) if pairs else ""
        return {"id": None, "path": path, "method": method, "active": True, "text": text, "component": component}

    def _others(self, before, added):
        """What is different from `before` except for the rows that were to be added: (before, after) for a diff."""
        after = _everything(self.tables)
        shown = {}, {}
        for key in sorted(set(before) | set(after)):
            one, other = before.get(key), after.get(key)
            if one == other or one is None and other["name"] is not None and _is_one_of(other, added):
                continue
            name = (one or other)["called"]
            # What other channels hold is theirs: the names that change say enough.
            texts = [each["text"] if each else None for each in (one, other)]
            settings = shown_settings.compared(texts[0], texts[1], [each for text in texts for each in comp_conf.values(text)], ())
            for place, each, opposite, part in ((shown[0], one, other, settings[0]), (shown[1], other, one, settings[1])):
                if each is not None:
                    place[name] = dict((column, value) for column, value in each["columns"].items()
                                       if opposite is None or opposite["columns"].get(column) != value)
                    if each["name"] and (opposite is None or each["text"] != opposite["text"]):
                        place[name]["settings"] = part
        return shown


def _row(tables, row):
    return {"id": row["id"], "path": row["path"], "method": esb_tables.method(row), "active": bool(row["is_active"]),
            "text": row[tables.conf], "component": row["component_codename"]}


def _everything(tables):
    """{(table, key): {"called", "name", "columns", "text"}} of all channels and systems, without keys and times."""
    result = {}
    for row in tables.channels.rows():
        columns = dict((name, value) for name, value in row.items() if name not in NOT_COMPARED + (tables.conf,))
        result["channel", row["id"]] = {"called": esb_tables.name(row), "name": (row["path"], esb_tables.method(row)),
                                        "columns": columns, "text": row[tables.conf]}
    for row in tables.systems.rows():
        columns = dict((name, value) for name, value in row.items() if name not in NOT_COMPARED)
        result["system", row["id"]] = {"called": "system %s" % row["name"], "name": None, "columns": columns, "text": None}
    return result


def _is_one_of(row, channels):
    return row["name"] is not None and any(row["name"][0] == path and method in (None, row["name"][1]) for path, method in channels)


def _can_undo(tables):
    """Whether these tables know transactions: MySQL's old engine does not."""
    connection = tables.channels.connection
    if connection.vendor != "mysql":
        return True
    names = [tables.channels.model._meta.db_table, tables.systems.model._meta.db_table]
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT engine FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name IN (%s, %s)", names)
        return all((row[0] or "").lower() not in ("myisam", "memory", "aria", "csv", "archive") for row in cursor.fetchall())


def _look_afterwards(tables, pairs):
    for row, goal in pairs:
        found = [_row(tables, each) for each in tables.channels.rows(pk=row["id"])]
        if found != ([goal] if goal else []):
            raise Problem("The row of the channel %s is not as it was written a moment ago: something else changes it at the same time."
                          % esb_channels.called(row))
