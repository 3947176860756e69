# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The note of the apps that we have put into the white list."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.whitelist_record import WhitelistRecord


def test_it_names_the_apps_it_was_written_for_until_they_are_removed(tmp_path):
    path = str(tmp_path / "below" / "note.json")
    note = WhitelistRecord(path)
    assert note.apps() == []
    note.add("ops_app")
    note.add("job_app")
    assert note.apps() == ["job_app", "ops_app"]
    assert note.apps("20200101T000000Z") == ["job_app", "ops_app"] and note.apps("29990101T000000Z") == []
    note.remove(["ops_app", "never_there"])
    assert note.apps() == ["job_app"]
    note.remove(["job_app"])
    note.remove(["job_app"])
    assert note.apps() == [] and os.listdir(str(tmp_path / "below")) == []


def test_without_a_file_nothing_is_named():
    assert WhitelistRecord(None).apps() == []


@pytest.mark.parametrize("text", [u"[]", u"{", u"", u"{}", u'{"apps": ["ops_app"]}', u'{"apps": {"ops_app": 1}}'])
def test_a_file_that_is_no_note_is_refused(tmp_path, text):
    path = tmp_path / "note.json"
    path.write_text(text)
    with pytest.raises(Problem):
        WhitelistRecord(str(path)).apps()
