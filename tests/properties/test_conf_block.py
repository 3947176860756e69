"""Any valid conf.py comes back byte for byte after present then absent, and means the same in between."""

import ast
import string

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from plugins.module_utils import conf_block

NAMES = st.sampled_from(["CHANNELS", "SYSTEMS", "SYSTEM_DOC_CATEGORY", "BUFFET_COMPONENTS", "own", "x1", "_hidden"])
TEXTS = st.text(string.printable + "\u94ed\U0001f514\u2028\x85", max_size=20)
VALUES = st.recursive(
    TEXTS | st.integers(-5, 5) | st.booleans() | st.none() | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8)
COMMENTS = st.text(st.characters(blacklist_characters="\r\n\0\x0c", blacklist_categories=("Cs",)), max_size=30).map(lambda text: "#" + text)
# What looks like our markers and is none, or stands where it is no line of the file's.
NEARLY = st.sampled_from(["# BEGIN ding.bluekings", "#BEGIN ding.blueking", " # END ding.blueking", "# END ding.blueking.",
                          "x = '# BEGIN ding.blueking'",
                          "'''\n # BEGIN ding.blueking\n'''"])
LINES = st.one_of(
    st.builds("{0} = {1!r}".format, NAMES, VALUES),
    st.builds("if {0!r}:\n    {1} = {2!r}".format, VALUES, NAMES, VALUES),
    st.builds("try:\n    import {0}\nexcept Exception:\n    {0} = {1!r}".format, NAMES, VALUES),
    st.builds("def {0}():\n    return {1!r}".format, NAMES, VALUES),
    st.builds('"""{0}"""'.format, st.text("ab \n#", max_size=20)),
    COMMENTS, NEARLY, st.just(""), st.just("\t"))
ENDS = st.sampled_from(["\n", "\n", "\r\n", "\n\n", "\n \n"])
SLOW = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))


@st.composite
def confs(draw):
    """A conf.py that compiles, in any of the ways in which an editor may have left it."""
    text = "".join(draw(LINES) + draw(ENDS) for _ in range(draw(st.integers(0, 6))))
    if draw(st.booleans()):
        text = text.rstrip("\r\n")
    coding = draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "gbk"]))
    if coding == "gbk":
        text = "# coding: gbk\n" + text
    try:
        content = text.encode(coding)
        ast.parse(content)
    except (UnicodeError, SyntaxError, ValueError):
        assume(False)
    return content


@SLOW
@given(confs())
def test_a_valid_conf_comes_back_byte_for_byte(content):
    added = conf_block.add(content)
    assert conf_block.is_current(added) and conf_block.add(added) == added
    assert conf_block.remove(added) == content
    assert conf_block.remove(content) == content


@SLOW
@given(confs())
def test_a_valid_conf_stays_valid_and_keeps_every_statement(content):
    added = conf_block.add(content)
    try:
        tree = ast.parse(added)
    except SyntaxError:
        # A last line that goes on with a backslash swallows whatever follows; esb_package compiles the new file and refuses.
        assert content.rstrip(b" \t").endswith(b"\\")
        return
    assert ast.dump(ast.parse(content)) == ast.dump(ast.Module(tree.body[:-1], tree.type_ignores))
    assert isinstance(tree.body[-1], ast.Try)


@SLOW
@given(confs(), confs())
def test_what_a_site_writes_below_the_block_stays(content, below):
    assume(content)
    kept = conf_block.remove(conf_block.add(content) + below)
    assert kept.startswith(content) and kept.endswith(below)
    assert kept[len(content):len(kept) - len(below)] in (b"", b"\n")


def test_no_file_comes_back_as_no_file():
    assert conf_block.remove(conf_block.add(None)) is None
    assert conf_block.remove(conf_block.add(b"")) == b""
