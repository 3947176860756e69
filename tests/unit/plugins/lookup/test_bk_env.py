# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The lookup over environment files as the platform writes them."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible.plugins.loader import init_plugin_loader, lookup_loader


@pytest.fixture(autouse=True, scope="module")
def loader_ready():
    try:
        init_plugin_loader()
    except Exception:  # another test module has done it
        pass


def look(folder, *names, **options):
    return lookup_loader.get("ding.blueking.bk_env").run(list(names), variables={}, folder=str(folder), **options)


def test_values_are_read_as_a_shell_would(tmp_path):
    (tmp_path / "paas.env").write_text(u"# a comment\nBK_PAAS_APP_CODE=bk_paas\nexport BK_PAAS_APP_SECRET='not real'\nEMPTY=\nX=\"a b\" # c\n")
    assert look(tmp_path, "BK_PAAS_APP_CODE", "BK_PAAS_APP_SECRET", "EMPTY", "X") == ["bk_paas", "not real", "", "a b"]


def test_the_last_file_with_a_value_wins(tmp_path):
    (tmp_path / "a.env").write_text(u"CODE=first\n")
    (tmp_path / "b.env").write_text(u"CODE=second\n")
    (tmp_path / "c.env").write_text(u"CODE=\n")
    assert look(tmp_path, "CODE") == ["second"]


def test_what_is_not_there_is_the_default(tmp_path):
    assert look(tmp_path / "nowhere", "CODE") == [""]
    assert look(tmp_path, "CODE", default="none") == ["none"]


def test_a_broken_quote_is_taken_as_it_stands(tmp_path):
    (tmp_path / "a.env").write_text(u"CODE='half\n")
    assert look(tmp_path, "CODE") == ["'half"]
