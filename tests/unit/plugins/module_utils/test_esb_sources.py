# -*- coding: utf-8 -*-
# GNU General Public License v3.0-or-later (see LICENSE)
"""esb_sources.py: entries are taken out of a source by its syntax tree, and nothing else of it changes. Runs on the ESB's Pythons."""
from __future__ import absolute_import, division, print_function

__metaclass__ = type

import base64
import sys

import pytest

from ansible_collections.ding.blueking.plugins.module_utils import esb_sources
from ansible_collections.ding.blueking.plugins.module_utils.problem import Problem

CHANNELS = {"/cmsi/send_ding/": "generic.cmsi.send_ding", "/cmsi/send_dingbot/": "generic.cmsi.send_dingbot"}
ENTRY = u"('/cmsi/send_ding/', {'comp_codename': 'generic.cmsi.send_ding'})"


def without(text):
    content = text if isinstance(text, bytes) else text.encode("utf-8")
    answer = esb_sources.without_channels({"content": base64.b64encode(content).decode("ascii"), "channels": CHANNELS})
    return base64.b64decode(answer["content"]), answer["taken"]


CASES = [
    (u"CHANNELS = [\n    # own\n    @,\n]\n", u"CHANNELS = [\n    # own\n]\n"),
    (u"CHANNELS = [\n    @\n]\n", u"CHANNELS = [\n]\n"),
    (u"CHANNELS = [@]\n", u"CHANNELS = []\n"),
    (u"CHANNELS = [@, ('/a/', {})]\n", u"CHANNELS = [ ('/a/', {})]\n"),
    (u"CHANNELS = [('/a/', {}), @]\n", u"CHANNELS = [('/a/', {})]\n"),
    (u"CHANNELS = [('/a/', {}), @,]\n", u"CHANNELS = [('/a/', {}),]\n"),
    (u"CHANNELS = [('/a/', {}), @, ('/b/', {})]\n", u"CHANNELS = [('/a/', {}), ('/b/', {})]\n"),
    (u"CHANNELS = (('/a/', {}), @)\n", u"CHANNELS = (('/a/', {}),)\n"),
    (u"CHANNELS = [\n    ('/a/', {}), @,  # both\n]\n", u"CHANNELS = [\n    ('/a/', {}),  # both\n]\n"),
    (u"CHANNELS = [\n    @,  # ours\n]\n", u"CHANNELS = [\n      # ours\n]\n"),
    (u"CHANNELS = []\nCHANNELS += [@]\nCHANNELS.extend([@])\n", u"CHANNELS = []\nCHANNELS += []\nCHANNELS.extend([])\n"),
    (u"# \u94ed\nx = u'\u94ed'; CHANNELS = [@]\n", u"# \u94ed\nx = u'\u94ed'; CHANNELS = []\n"),
    (u"CHANNELS = [\r\n    @,\r\n]\r\n", u"CHANNELS = [\r\n]\r\n"),
    (u"CHANNELS = [@]", u"CHANNELS = []"),
    (u"CHANNELS = [@, @]\n", u"CHANNELS = []\n"),
    (u"CHANNELS = [\n    @, ('/a/', {}), @\n]\n", u"CHANNELS = [\n     ('/a/', {})\n]\n"),
    (u"if True:\n\tCHANNELS = [\n\t\t@,\n\t]\n", u"if True:\n\tCHANNELS = [\n\t]\n"),
]


@pytest.mark.parametrize("text, rest", CASES)
def test_an_entry_goes_and_all_else_stays(text, rest):
    # Python 2.7 takes no character of another alphabet without being told the coding.
    head = u"# -*- coding: utf-8 -*-\n"
    content, taken = without((head + text).replace(u"@", ENTRY))
    assert content.decode("utf-8") == head + rest
    assert [path for path, line in taken] == ["/cmsi/send_ding/"] * text.count(u"@")


def test_an_entry_of_many_lines_goes_with_its_lines():
    text = u"""CHANNELS = [
    # TEST
    (
        "/cmsi/send_dingbot/",  # the robot
        {
            "comp_codename": "generic.cmsi.send_dingbot",
            "comp_conf_to_db": [("token_field", "qq"), ("sign_field", "wx_userid")],
        }
    ),
    ("/own/", {"comp_codename": "generic.own.x"}),
    ["/cmsi/send_ding/", {"comp_codename": "generic.cmsi.send_ding"}]
]
"""
    content, taken = without(text)
    assert content.decode("ascii") == u'CHANNELS = [\n    # TEST\n    ("/own/", {"comp_codename": "generic.own.x"}),\n]\n'
    assert taken == [["/cmsi/send_dingbot/", 4], ["/cmsi/send_ding/", 11]]


@pytest.mark.parametrize("text", [
    u"CHANNELS = []\n", u"# ('/cmsi/send_ding/', {'comp_codename': 'generic.cmsi.send_ding'})\nCHANNELS = []\n", u"x = '/cmsi/send_ding/'\n",
    u"CHANNELS = [('/cmsi/send_mail/', {'comp_codename': 'generic.cmsi.send_mail'})]\n", u"",
])
def test_what_holds_no_entry_is_returned_as_it_is(text):
    assert without(text) == (text.encode("ascii"), [])


def test_a_byte_order_mark_stays():
    assert without(b"\xef\xbb\xbfCHANNELS = [" + ENTRY.encode("ascii") + b"]\n")[0] == b"\xef\xbb\xbfCHANNELS = []\n"


def test_another_coding_stays():
    text = u"# coding: gbk\nNAME = '\u94ed'\nCHANNELS = [%s]  # \u94ed\n"
    assert without((text % ENTRY).encode("gbk"))[0] == (text % u"").encode("gbk")


@pytest.mark.parametrize("line", [u"CHANNELS.append(%s)", u"CHANNELS = [%s + ()]", u"x, y = %s"])
def test_an_entry_that_stands_in_no_list_is_refused_with_its_line(line):
    with pytest.raises(Problem) as caught:
        without(u"CHANNELS = []\n" + line % ENTRY + u"\n")
    assert "line 2" in str(caught.value)


def test_a_path_of_ours_that_belongs_to_another_component_is_refused():
    with pytest.raises(Problem) as caught:
        without(u"CHANNELS = [\n('/cmsi/send_ding/', {'comp_codename': 'generic.own.send'})]\n")
    assert "line 2" in str(caught.value)


def test_a_broken_file_is_told_by_its_line():
    content = base64.b64encode(b"x = 1\ndef (:\n").decode("ascii")
    assert esb_sources.without_channels({"content": content, "channels": CHANNELS})["fault"][0] == 2


CONFIGS = u"""# -*- coding: utf-8 -*-
smtp_pwd = "kept"
msg_type = [
    {
        "type": "mail",
        "label": u"\u90ae\u4ef6",
    },
    {
        "type": "ding",
        "is_active": True,
        "label": u"\u9489\u9489",
        "active_icon": icon("a"),
    },
]
msg_type_map = {"mail": "send_mail", "ding": "send_ding"}
"""


def test_the_message_type_goes_from_both_lists():
    content = base64.b64encode(CONFIGS.encode("utf-8")).decode("ascii")
    answer = esb_sources.without_message_type({"content": content, "type": "ding"})
    assert base64.b64decode(answer["content"]).decode("utf-8") == u"""# -*- coding: utf-8 -*-
smtp_pwd = "kept"
msg_type = [
    {
        "type": "mail",
        "label": u"\u90ae\u4ef6",
    },
]
msg_type_map = {"mail": "send_mail"}
"""
    assert [what for what, line in answer["taken"]] == ["msg_type", "msg_type_map"]


def test_sources_are_compiled_without_being_run():
    files = [["good.py", b"import nothing_of_the_kind\n"], ["bad.py", b"x = 1\nif\n"], ["zero.py", b"\0"]]
    answer = esb_sources.compiles({"files": [[name, base64.b64encode(content).decode("ascii")] for name, content in files]})
    assert answer["python"] == list(sys.version_info[:2])
    assert [fault[:2] for fault in answer["faults"]][0] == ["bad.py", 2]
    assert [fault[0] for fault in answer["faults"]] == ["bad.py", "zero.py"]
