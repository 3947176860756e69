"""Settings merged into a channel's leave every other one as it is, in any shape that an ESB stores."""

import json

from hypothesis import given
from hypothesis import strategies as some

from plugins.module_utils import comp_conf

VALUES = some.recursive(some.none() | some.booleans() | some.integers(-10**6, 10**6) | some.text(max_size=5),
                        lambda inner: some.lists(inner, max_size=2) | some.dictionaries(some.text(max_size=3), inner, max_size=2), max_leaves=5)
NAMES = some.text(max_size=3)
SETTINGS = some.lists(some.tuples(NAMES, VALUES), max_size=5, unique_by=lambda pair: pair[0])
WANTED = some.dictionaries(NAMES, VALUES.filter(lambda value: value is not None), max_size=4)


@some.composite
def stored(draw):
    """A stored text and the pairs that it means."""
    pairs = [list(pair) for pair in draw(SETTINGS)]
    spaces = draw(some.sampled_from([None, (",", ":"), (" , ", " : ")]))
    form = draw(some.sampled_from(["pairs", "object"] + (["", None, "null"] if not pairs else [])))
    if form in ("pairs", "object"):
        return json.dumps(pairs if form == "pairs" else dict(map(tuple, pairs)), separators=spaces, ensure_ascii=draw(some.booleans())), pairs
    return form, pairs


SHAPES = some.sampled_from([comp_conf.PAIRS, comp_conf.OBJECT])


@given(stored(), WANTED, SHAPES)
def test_merging_then_removing_gives_the_same_settings(start, wanted, empty):
    text, pairs = start
    new = {name: value for name, value in wanted.items() if name not in dict(map(tuple, pairs))}
    merged = comp_conf.merged(text, new, empty)
    removed = comp_conf.merged(merged, dict.fromkeys(new), empty)
    assert comp_conf.same(comp_conf.read(removed)[1], pairs)
    if not new:
        assert removed == text


@given(stored(), WANTED, SHAPES)
def test_other_settings_and_their_order_stay(start, wanted, empty):
    text, pairs = start
    shape, after = comp_conf.read(comp_conf.merged(text, wanted, empty))
    assert comp_conf.same([pair for pair in after if pair[0] not in wanted], [pair for pair in pairs if pair[0] not in wanted])
    assert [name for name, _ in after][:len(pairs)] == [name for name, _ in pairs]
    assert comp_conf.same({name: value for name, value in after if name in wanted}, wanted)
    before = comp_conf.read(text)[0]
    assert shape == (before if before != comp_conf.EMPTY or not wanted else empty)


@given(stored(), WANTED, SHAPES)
def test_merging_twice_is_merging_once(start, wanted, empty):
    once = comp_conf.merged(start[0], wanted, empty)
    assert comp_conf.merged(once, wanted, empty) == once


@given(some.text(), WANTED.filter(bool))
def test_any_text_is_merged_or_refused(text, wanted):
    try:
        merged = comp_conf.merged(text, wanted)
    except comp_conf.Unreadable:
        assert comp_conf.read(text)[0] == comp_conf.UNREADABLE
    else:
        assert comp_conf.same({name: value for name, value in comp_conf.read(merged)[1] if name in wanted}, wanted)
