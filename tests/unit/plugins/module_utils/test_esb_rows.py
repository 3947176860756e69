# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""esb_rows.py: which rows a restore wants, on a platform that has changed since the backup."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

from ansible_collections.ding.blueking.plugins.module_utils import esb_rows

COLUMNS = ("id", "path", "method", "system_id", "comp_conf")


class Tables:
    """What restoring asks of the database; `taken` are the keys of other channels."""

    system_key, extends = "system_id", None

    def __init__(self, systems, columns=COLUMNS, taken=()):
        self.columns, self._systems, self._taken, self._asked = set(columns), systems, taken, None
        self.channels = self

    def system_names(self):
        return self._systems

    def all(self):
        return self

    def filter(self, pk):
        self._asked = pk
        return self

    def exists(self):
        return self._asked in self._taken


def row(key, path="/cmsi/send_ding/", system_id=3, **more):
    return {"columns": dict({"id": key, "path": path, "method": "", "system_id": system_id, "comp_conf": "[]"}, **more), "system": "CMSI", "extend": None}


def test_a_row_stays_with_its_own_one_of_two_systems_of_a_name():
    for systems in ({3: "CMSI", 4: "CMSI"}, {2: "CMSI", 3: "CMSI"}):
        assert esb_rows._goal_rows(Tables(systems), [row(1)], [row(1)]) == [row(1)]
    # The one of the backup is gone: the row stays where it is now, and one that is added gets any.
    assert esb_rows._goal_rows(Tables({5: "CMSI", 6: "CMSI"}), [row(1)], [row(1, system_id=6)]) == [row(1, system_id=6)]
    assert esb_rows._goal_rows(Tables({5: "CMSI"}), [row(1)], []) == [row(1, system_id=5)]


def test_a_column_that_the_platform_has_added_since_keeps_what_it_holds():
    tables, now = Tables({3: "CMSI"}, COLUMNS + ("limit",)), [row(1, limit=7, comp_conf="[1]")]
    goal = esb_rows._goal_rows(tables, [row(1), row(2, "/cmsi/send_dingbot/")], now)
    assert goal == [row(1, limit=7), row(2, "/cmsi/send_dingbot/")]
    # What the database has put into the added row's new column is no difference; what was wanted is.
    stored = {"rows": [row(1, limit=7), row(2, "/cmsi/send_dingbot/", limit=0)], "message_types_text": {}}
    wanted = {"rows": goal, "message_types_text": {}}
    assert esb_rows._comparable(stored, wanted) == esb_rows._comparable(wanted, wanted)
    for changed in (row(1, limit=8), row(1, limit=7, comp_conf="[1]")):
        other = dict(stored, rows=[changed, stored["rows"][1]])
        assert esb_rows._comparable(other, wanted) != esb_rows._comparable(wanted, wanted)


def test_no_two_rows_get_one_key():
    """Another channel has taken the first one's key, and the second had that which the first has now."""
    kept, now = [row(5), row(9, "/cmsi/send_dingbot/")], [row(9)]
    goal = esb_rows._goal_rows(Tables({3: "CMSI"}, taken=(5,)), kept, now)
    assert sorted([each["columns"]["path"], each["columns"]["id"]] for each in goal) == [["/cmsi/send_ding/", None], ["/cmsi/send_dingbot/", 9]]
