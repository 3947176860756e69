"""Any content of conf.py comes back byte for byte when our block has gone in and out again."""

from hypothesis import assume, given
from hypothesis import strategies as some

from plugins.module_utils import conf_block

# What breaks a careless search: every kind of line break, half markers, bytes of no encoding.
SCRAPS = [b"\n", b"\r\n", b"\r", b"\\", b"#", b"\xe9\xff", b"\x00", b"A = 1", b"# BEGIN ding.blueking", b"# END ding.blueking",
          b"CHANNELS = [('/x/', {})]", b" "]
CONTENTS = some.one_of(some.none(), some.binary(), some.lists(some.one_of(some.sampled_from(SCRAPS), some.binary(max_size=4))).map(b"".join))


def holds_a_block(content):
    """Whether conf_block itself sees a block, whole or damaged, of an earlier run."""
    try:
        return content is not None and conf_block.remove(content) != content
    except conf_block.DamagedBlock:
        return True


@given(CONTENTS)
def test_present_then_absent_is_an_inverse(content):
    assume(not holds_a_block(content))
    added = conf_block.add(content)
    assert conf_block.is_current(added)
    assert conf_block.add(added) == added
    assert conf_block.remove(added) == content
