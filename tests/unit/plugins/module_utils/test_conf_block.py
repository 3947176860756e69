# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""The block of conf.py goes in and out again byte for byte, and takes nothing of the site's with it."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import conf_block
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils import conf_block_rounds
from ansible_collections.ding.blueking.tests.unit.plugins.module_utils.conf_block_rounds import BEGIN, END

CONTENTS = [b"", b"\n", b"\r", b"A = 1", b"A = 1\n", b"A = 1\r", b"A = 1\r\n", b"A = 1\r\nB = 2\r\n", b"# \xe9 in latin-1\n\n\n",
            b"CHANNELS = [\n    ('/x/', {}),\n]\n"]
OLD = BEGIN + b"\npass\n" + END + b"\n"
SITE = b"SITE_SYSTEMS = ['mine']\n"


@pytest.mark.parametrize("content", [None] + CONTENTS)
def test_adding_and_removing_the_block_is_an_inverse(content):
    added = conf_block.add(content)
    assert conf_block.is_current(added)
    assert conf_block.add(added) == added
    assert conf_block.remove(added) == content
    assert conf_block.remove(content) == content


@pytest.mark.parametrize("seed", range(8))
def test_any_content_comes_back_and_any_damage_is_refused(seed):
    conf_block_rounds.run(seed, 1500)


@pytest.mark.parametrize("content", [content for content in CONTENTS if content])
def test_what_a_site_writes_below_the_block_stays_on_lines_of_its_own(content):
    both = conf_block.add(content) + b"LATER = 1\n"
    assert conf_block.is_current(conf_block.add(both))
    after = conf_block.remove(both)
    assert after.splitlines() == content.splitlines() + [b"LATER = 1"]


def test_an_older_block_is_replaced():
    assert conf_block.add(b"A = 1\n\n" + OLD) == b"A = 1\n\n" + conf_block.BLOCK


def test_a_file_whose_line_breaks_an_editor_changed_comes_back_in_the_new_ones():
    changed = conf_block.add(b"A = 1\n").replace(b"\n", b"\r\n")
    assert conf_block.remove(changed) == b"A = 1\r\n"
    assert conf_block.remove(conf_block.add(changed)) == b"A = 1\r\n"


@pytest.mark.parametrize("text", [b"# see # BEGIN ding.blueking\nA = '# END ding.blueking'\n", b"    # BEGIN ding.blueking\n",
                                  b"# BEGIN ding.blueking.mine\n", b"# END ding.blueking\rA = 1\n"])
def test_a_line_that_only_looks_like_a_marker_stays(text):
    assert conf_block.remove(conf_block.add(text)) == text


LOST_END = BEGIN + b"\npass\n" + SITE


@pytest.mark.parametrize("content, problem", [
    (LOST_END, "the BEGIN in line 1 has no END"),
    (LOST_END + b"\n" + conf_block.BLOCK, "the BEGIN in line 1 has no END before the next BEGIN in line 5"),
    (SITE + END + b"\n", "the END in line 2 has no BEGIN"),
    (SITE + END, "the END in line 2 has no BEGIN"),
    (SITE + BEGIN, "the BEGIN in line 2 has no END"),
    (SITE + BEGIN + b"\r", "the BEGIN in line 2 has no END"),
    (OLD + SITE + END + b"\n", "the END in line 5 has no BEGIN"),
    (OLD + SITE + OLD, "there is more than one block, in lines 1 to 3 and 5 to 7"),
    (BEGIN + b"\n" + OLD + END, "the BEGIN in line 1 has no END before the next BEGIN in line 2; the END in line 5 has no BEGIN"),
])
def test_damaged_markers_are_refused_with_their_lines(content, problem):
    for refuses in (conf_block.add, conf_block.remove, conf_block.is_current):
        with pytest.raises(conf_block.DamagedBlock) as raised:
            refuses(content)
        assert "; ".join(raised.value.problems) == problem
        assert problem in str(raised.value)


@pytest.mark.parametrize("before", ["CHANNELS = [('/mine/', {})]\n", "CHANNELS = (('/mine/', {}),)\n", "OTHER = 1\n"])
def test_a_missing_package_leaves_channels_as_they_were_and_warns_once(before, caplog):
    names, alone = {"__name__": "conf"}, {}
    exec(conf_block.add(before.encode()), names)
    exec(before, alone)
    assert names.get("CHANNELS") == alone.get("CHANNELS")
    assert len(caplog.records) == 1 and "ding.blueking" in caplog.text
