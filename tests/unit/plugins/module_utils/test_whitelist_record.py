# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The note of an app that we have put into the white list."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import os

import pytest

from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem
from ansible_collections.ding.blueking.plugins.module_utils.whitelist_record import WhitelistRecord


def test_it_names_the_app_it_was_written_for_until_it_is_removed(tmp_path):
    path = str(tmp_path / "below" / "note.json")
    note = WhitelistRecord(path)
    assert not note.names("ops_app")
    note.write("ops_app")
    assert note.names("ops_app") and not note.names("other_app")
    assert note.names("ops_app", "20200101T000000Z") and not note.names("ops_app", "29990101T000000Z")
    note.remove()
    note.remove()
    assert not note.names("ops_app") and os.listdir(str(tmp_path / "below")) == []


def test_without_a_file_nothing_is_named():
    assert not WhitelistRecord(None).names("ops_app")


@pytest.mark.parametrize("text", [u"[]", u"{", u""])
def test_a_file_that_is_no_note_is_refused(tmp_path, text):
    path = tmp_path / "note.json"
    path.write_text(text)
    with pytest.raises(Problem):
        WhitelistRecord(str(path)).names("ops_app")
