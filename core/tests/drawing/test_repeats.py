"""Repeats: found where blocks are equal, nowhere else; folding keeps every place and counts it once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from random import Random

import pytest
from pullback.drawing.repeats import Item, Repeat, find, folded


def chain(looks: str) -> list[Item]:
    """Each operation reads the one before."""
    return [Item(look, (("x", i - 1, ()),)) for i, look in enumerate(looks)]


def test_the_longest_stretch_is_taken():
    assert find(chain("zabcabcabcy")) == (Repeat(1, 3, 3),)
    assert find(chain("aaaaaaa")) == (Repeat(0, 1, 7),)
    assert find(chain("aaaabaaaabaaaab")) == (Repeat(0, 5, 3),)
    assert find(chain("aaaaabaaaaabaaaaab")) == (Repeat(0, 6, 3, (Repeat(0, 1, 5),)),)


def test_what_is_short_stays_as_it_is():
    assert find(chain("abab")) == ()
    assert find(chain("aaaa")) == ()
    assert find(chain("")) == ()
    assert find(chain("abcdefg")) == ()


def test_equal_looks_that_are_wired_otherwise_are_no_repeat():
    row = [Item(look, ()) for look in "ababababab"]
    row[5] = Item("b", (("x", 4, ()),))  # in this block alone, b reads a
    assert find(row) == (Repeat(6, 2, 2),) or find(row) == ()


def test_the_first_block_may_come_from_anywhere_but_is_wired_alike_inside():
    row = [Item("s", ())]
    for i in range(5):
        row += [Item("a", (("x", 2 * i, ()),)), Item("b", (("x", 2 * i + 1, ()),))]
    assert find(row) == (Repeat(1, 2, 5),)
    row[2] = Item("b", (("x", 0, ()),))  # the first b reads s, not the a before it
    (repeat,) = find(row)
    assert repeat.start == 3 or repeat == Repeat(2, 2, 4)
    assert repeat.end <= len(row)


def test_leaves_must_look_alike():
    row = [Item("a", (("x", i - 1, ()), ("w", -1, "2x2" if i != 6 else "3x3"))) for i in range(12)]
    assert find(row) == (Repeat(0, 1, 6), Repeat(6, 1, 6))
    row[6] = Item("a", (("x", 5, ()),))
    assert find(row) == (Repeat(0, 1, 6), Repeat(6, 1, 6))  # as a first block it may lack what comes from outside


def equal_blocks(row: Sequence[Item], repeat: Repeat) -> bool:
    """Whether all blocks look alike, and are wired alike inside: asked in the plainest way."""
    blocks = []
    for k in range(repeat.times):
        first = repeat.start + k * repeat.period
        block = row[first : first + repeat.period]
        blocks.append([(item.look, [(n, s - first) for n, s, _ in item.operands if s >= first]) for item in block])
    return all(block == blocks[0] for block in blocks)


def every(repeats: Sequence[Repeat]) -> Iterator[Repeat]:
    for repeat in repeats:
        yield repeat
        yield from every(repeat.inner)


@pytest.mark.parametrize("seed", range(100))
def test_whatever_is_found_is_equal_and_folding_counts_every_operation_once(seed: int):
    random = Random(seed)
    row: list[Item] = []
    while len(row) < 150:
        length = random.randrange(1, 6)
        looks = [random.choice("abc") for _ in range(length)]
        reads = [random.randrange(1, 4) for _ in range(length)]
        for _ in range(random.randrange(1, 9)):
            row += [
                Item(look, (("x", len(row) + i - back, ()),)) if len(row) + i >= back else Item(look, ())
                for i, (look, back) in enumerate(zip(looks, reads, strict=True))
            ]
    repeats = find(row)
    behind = 0
    for repeat in repeats:
        assert repeat.start >= behind
        behind = repeat.end
    assert behind <= len(row)
    for repeat in every(repeats):
        assert repeat.times >= 3
        assert equal_blocks(row, repeat)
    place, many = folded(repeats, len(row))
    stand = sorted(set(place))
    assert sum(many[i] for i in stand) == len(row)
    for i, at in enumerate(place):
        assert place[at] == at <= i
        assert row[at].look == row[i].look
    counts = {at: place.count(at) for at in stand}
    assert counts == {at: many[at] for at in stand}
