"""Repeats: where a graph does the same thing again and again, such as the steps of a loop or the layers of a net.

Operations stand in a row, in the order in which they were recorded. A repeat is a stretch of the row that consists of
equal blocks: the same operations with the same shapes, parameters and wiring inside a block; an operand may also come
from the same place in the block before, from one place outside that all share (or that one block of an earlier repeat
stands for, as in the gradient of a loop), or from a leaf of each block's own. The first block may get from anywhere
what later ones get from the block before.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple, TypeAlias

Operand: TypeAlias = tuple[str, int, Hashable]
"""Name of the operand, the place in the row that it comes from (-1 for a leaf), and for a leaf what it looks like."""

LONGEST = 1024
"""Longest block that is looked for."""
_TRIES = 64


class Item(NamedTuple):
    """An operation of the row: what it looks like, and its operands."""

    look: Hashable
    operands: tuple[Operand, ...]


class Repeat(NamedTuple):
    """`times` blocks of `period` operations from place `start` on, and the repeats inside the first block."""

    start: int
    period: int
    times: int
    inner: tuple[Repeat, ...] = ()

    @property
    def end(self) -> int:
        """The place behind its last operation."""
        return self.start + self.period * self.times


def find(row: Sequence[Item], start: int = 0, end: int | None = None, *, depth: int = 4) -> tuple[Repeat, ...]:
    """The repeats in a row between two places, the longest first taken.

    >>> row = [Item(look, ()) for look in "abababc"]
    >>> find(row)
    (Repeat(start=0, period=2, times=3, inner=()),)
    """
    end = len(row) if end is None else end
    places: dict[Hashable, list[int]] = {}
    for i in range(start, end):
        places.setdefault(row[i].look, []).append(i)
    index = {i: k for stand in places.values() for k, i in enumerate(stand)}
    found: list[Repeat] = []
    stand = list(range(len(row)))  # the place that stands for each, in the repeats found so far
    i = start
    while i < end:
        best: Repeat | None = None
        again = places[row[i].look]
        for j in again[index[i] + 1 : index[i] + 1 + _TRIES]:
            period = j - i
            if period > LONGEST or i + 3 * period > end:
                break
            if best is not None and j < best.end and period % best.period == 0:
                continue
            count = _count(row, stand, i, period, end)
            if count >= 3 and count * period >= 5 and (best is None or count * period > best.end - i):
                best = Repeat(i, period, count)
        if best is None:
            i += 1
            continue
        inner = find(row, i, i + best.period, depth=depth - 1) if depth and best.period > 4 else ()
        found.append(best._replace(inner=inner))
        stand[i : best.end] = [i + k % best.period for k in range(best.end - i)]
        i = best.end
    return tuple(found)


def _count(row: Sequence[Item], stand: Sequence[int], start: int, period: int, end: int) -> int:
    """How many equal blocks of this length stand in a row."""
    if any(not _first_equal(row, start, i, period) for i in range(start, start + period)):
        return 1
    i = start + period
    while i + period < end and _equal(row[i], row[i + period], stand, i - (i - start) % period, period):
        i += 1
    return (i - start) // period + 1


def _equal(this: Item, that: Item, stand: Sequence[int], first: int, period: int) -> bool:
    """Whether two operations `period` places apart are wired alike; the block of one begins at `first`."""
    if this.look != that.look or len(this.operands) != len(that.operands):
        return False
    for (name, source, leaf), (other_name, other_source, other_leaf) in zip(this.operands, that.operands, strict=True):
        if name != other_name or leaf != other_leaf or (source < 0) != (other_source < 0):
            return False
        if source < 0 or other_source - source == period:
            continue
        if source >= first or stand[source] != stand[other_source]:
            return False
    return True


def _first_equal(row: Sequence[Item], start: int, i: int, period: int) -> bool:
    """Whether place `i` of the first block equals the second block's, but for what comes from before it."""
    if row[i].look != row[i + period].look:
        return False

    def inside(item: Item, first: int) -> list[tuple[str, int]]:
        return [(name, source - first) for name, source, _ in item.operands if source >= first]

    return inside(row[i], start) == inside(row[i + period], start + period)


def folded(repeats: Sequence[Repeat], count: int) -> tuple[list[int], list[int]]:
    """For each of `count` places, the place that stands for it, and how many it stands for together with others."""
    place = list(range(count))
    many = [1] * count
    waiting = [(repeat, 1) for repeat in repeats]
    order: list[tuple[Repeat, int]] = []
    while waiting:
        repeat, outer = waiting.pop()
        order.append((repeat, outer * repeat.times))
        waiting += [(inner, outer * repeat.times) for inner in repeat.inner]
    for repeat, _ in reversed(order):  # from the inside to the outside
        first, period = repeat.start, repeat.period
        within = place[first : first + period]
        for i in range(first, repeat.end):
            place[i] = within[(i - first) % period]
    for repeat, times in order:
        for i in range(repeat.start, repeat.start + repeat.period):
            many[i] = times
    return place, many
