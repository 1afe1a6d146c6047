"""Where the boxes of a picture go: a layered layout, as Sugiyama, Tagawa and Toda (1981) describe it. Geometry alone.

Every box stands in a layer below all that it is computed from. In a layer boxes are ordered so that lines cross little,
by the mean place of their neighbours, sweeping up and down. Then each gets as close to its neighbours as the others
allow: the least squares solution for a row of things that must keep a distance, found by pooling adjacent violators.
Lines longer than a layer pass through points that take part in all of it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import NamedTuple, TypeAlias

Key: TypeAlias = Hashable
Point: TypeAlias = tuple[float, float]

GAP = 26.0
"""Between boxes of a layer."""
RISE = 38.0
"""Between layers."""
_POINTS = 40_000
"""Lines get points in the layers between until there are so many; later ones go straight."""
_SWEEPS = 12


class Edge(NamedTuple):
    """A line from the bottom of `source` to the top of `target`; offsets are from the middle of the box."""

    source: Key
    target: Key
    source_offset: float = 0.0
    target_offset: float = 0.0
    weight: float = 1.0
    """How much it wants to be straight."""


class Layout(NamedTuple):
    """The middle of each box, the points of each edge from top to bottom, and the extent from (0, 0) on."""

    middles: dict[Key, Point]
    paths: list[list[Point]]
    width: float
    height: float


def layers_of(keys: Iterable[Key], edges: Sequence[Edge], first: Iterable[Key], last: Iterable[Key]) -> dict[Key, int]:
    """The number of the layer of each box. `first` and `last` stand above and below everything else."""
    below: dict[Key, list[Key]] = {key: [] for key in keys}
    above: dict[Key, list[Key]] = {key: [] for key in below}
    pull = dict.fromkeys(below, 0.0)  # how much shorter lines get, by weight, if a box goes down a layer
    for edge in edges:
        below[edge.source].append(edge.target)
        above[edge.target].append(edge.source)
        pull[edge.source] += edge.weight
        pull[edge.target] -= edge.weight
    missing = {key: len(above[key]) for key in below}
    ready = [key for key, count in missing.items() if not count]
    layer = dict.fromkeys(below, 0)
    for key in ready:
        for target in below[key]:
            layer[target] = max(layer[target], layer[key] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    if len(ready) < len(layer):
        raise ValueError("layers_of: the edges go in a circle")
    firsts, lasts = set(first), set(last)
    for key in reversed(ready):  # a leaf comes down to where it is used, and what is computed from leaves alone
        if pull[key] > 0 and below[key] and key not in firsts:
            layer[key] = min(layer[target] for target in below[key]) - 1
    if firsts:
        for key in layer:
            layer[key] += key not in firsts
    bottom = max((layer[key] for key in layer if key not in lasts), default=-1) + 1
    layer.update(dict.fromkeys(lasts, bottom))
    used = {old: new for new, old in enumerate(sorted(set(layer.values())))}
    return {key: used[number] for key, number in layer.items()}


class _Grid:
    """Layers of boxes and of the points of long lines, while they are being ordered."""

    def __init__(self, sizes: Mapping[Key, Point], edges: Sequence[Edge], layer: Mapping[Key, int]) -> None:
        self.widths: dict[Key, float] = {key: width for key, (width, _) in sizes.items()}
        self.rows: list[list[Key]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
        for key in sizes:
            self.rows[layer[key]].append(key)
        # key -> its neighbours in the next layer: (neighbour, own offset, its offset, weight)
        self.up: dict[Key, list[tuple[Key, float, float, float]]] = {key: [] for key in sizes}
        self.down: dict[Key, list[tuple[Key, float, float, float]]] = {key: [] for key in sizes}
        self.chains: list[list[Key]] = []
        points = 0
        for number, edge in enumerate(edges):
            chain: list[Key] = [edge.source]
            span = layer[edge.target] - layer[edge.source]
            if 1 < span <= _POINTS - points:
                points += span - 1
                for row in range(layer[edge.source] + 1, layer[edge.target]):
                    point = ("point", number, row)
                    chain.append(point)
                    self.widths[point] = 2.0
                    self.up[point], self.down[point] = [], []
                    self.rows[row].append(point)
            chain.append(edge.target)
            self.chains.append(chain)
            if span > 1 and len(chain) == 2:
                continue
            for i, (a, b) in enumerate(pairwise(chain)):
                a_offset = edge.source_offset if i == 0 else 0.0
                b_offset = edge.target_offset if i == len(chain) - 2 else 0.0
                weight = edge.weight if i in (0, len(chain) - 2) else 8.0  # the middle of a long line is straight
                self.down[a].append((b, a_offset, b_offset, weight))
                self.up[b].append((a, b_offset, a_offset, weight))

    def order(self) -> None:
        """Order each layer; of all sweeps, keep the one with the fewest crossings."""
        sweeps = _SWEEPS if len(self.widths) < 3000 else 2
        best, fewest = [list(row) for row in self.rows], self._crossings()
        for sweep in range(sweeps):
            if not fewest:
                break
            upwards = sweep % 2 == 1
            near = self.down if upwards else self.up
            rows = self.rows[::-1] if upwards else self.rows
            for before, row in zip([[], *rows], rows, strict=False):
                place = {neighbour: i for i, neighbour in enumerate(before)}
                keys = {
                    key: sum(place[n] for n, *_ in near[key]) / len(near[key]) if near[key] else float(i)
                    for i, key in enumerate(row)
                }
                row.sort(key=keys.__getitem__)
            crossings = self._crossings()
            if crossings < fewest:
                best, fewest = [list(row) for row in self.rows], crossings
        self.rows = best

    def _crossings(self) -> int:
        """How many pairs of lines cross: the inversions between each layer and the next."""
        total = 0
        for row, under in pairwise(self.rows):
            if len(row) == 1 or len(under) == 1:
                continue
            place = {key: i for i, key in enumerate(under)}
            ends = [end for key in row for end in sorted(place[b] for b, *_ in self.down[key])]
            total += _inversions(ends, len(under))
        return total

    def place(self) -> dict[Key, float]:
        """The x of the middle of everything."""
        x: dict[Key, float] = {}
        for row in self.rows:
            at = 0.0
            for key in row:
                x[key] = at + self.widths[key] / 2
                at += self.widths[key] + GAP
            for key in row:
                x[key] -= (at - GAP) / 2
        sweeps = 10 if len(self.widths) < 3000 else 3
        for sweep in range(sweeps):
            last = sweep == sweeps - 1
            upwards = sweep % 2 == 1
            for row in reversed(self.rows) if upwards else self.rows:
                self._settle(row, x, both=last, upwards=upwards)
        return x

    def _settle(self, row: list[Key], x: dict[Key, float], *, both: bool, upwards: bool) -> None:
        wanted, weights = [], []
        for key in row:
            near = self.down[key] if upwards else self.up[key]
            if both or not near:
                near = self.up[key] + self.down[key]
            weight = sum(w for *_, w in near)
            wanted.append(sum(w * (x[n] + theirs - own) for n, own, theirs, w in near) / weight if near else x[key])
            weights.append(weight or 0.5)
        gaps = [
            (self.widths[a] + self.widths[b]) / 2 + (GAP if self.widths[a] > 2 and self.widths[b] > 2 else GAP * 0.6)
            for a, b in pairwise(row)
        ]
        x.update(zip(row, spread(wanted, weights, gaps), strict=True))


def _inversions(values: Sequence[int], count: int) -> int:
    """How many pairs stand in the wrong order: a Fenwick tree counts those before that are larger."""
    tree = [0] * (count + 1)
    total = 0
    for seen, value in enumerate(values):
        i = value + 1
        total += seen
        while i > 0:
            total -= tree[i]
            i -= i & -i
        i = value + 1
        while i <= count:
            tree[i] += 1
            i += i & -i
    return total


def spread(wanted: Sequence[float], weights: Sequence[float], gaps: Sequence[float]) -> list[float]:
    """The places nearest to the wanted ones, in the least squares sense, that keep their order and the gaps.

    >>> spread([0.0, 0.0, 9.0], [1.0, 1.0, 1.0], [2.0, 2.0])
    [-1.0, 1.0, 9.0]
    """
    blocks: list[list[float]] = []  # [weight, weight x place, how many]; places after taking the gaps away
    shift, shifts = 0.0, []
    for i, (place, weight) in enumerate(zip(wanted, weights, strict=True)):
        shift += gaps[i - 1] if i else 0.0
        shifts.append(shift)
        blocks.append([weight, weight * (place - shift), 1])
        while len(blocks) > 1 and blocks[-2][1] / blocks[-2][0] > blocks[-1][1] / blocks[-1][0]:
            last = blocks.pop()
            blocks[-1] = [a + b for a, b in zip(blocks[-1], last, strict=True)]
    flat = [total / weight for weight, total, many in blocks for _ in range(int(many))]
    return [place + by for place, by in zip(flat, shifts, strict=True)]


def layout(
    sizes: Mapping[Key, Point], edges: Sequence[Edge], *, first: Iterable[Key] = (), last: Iterable[Key] = ()
) -> Layout:
    """Place boxes of these sizes, (width, height), that the edges connect without a circle.

    `first` and `last` get the first and the last layer for themselves. Raises `ValueError` if there is a circle.
    """
    layer = layers_of(sizes, edges, first, last)
    grid = _Grid(sizes, edges, layer)
    grid.order()
    x = grid.place()
    left = min((x[key] - grid.widths[key] / 2 for key in x), default=0.0)
    right = max((x[key] + grid.widths[key] / 2 for key in x), default=0.0)
    tops, y = [], 0.0
    heights = [max((sizes[key][1] for key in row if key in sizes), default=0.0) for row in grid.rows]
    for height in heights:
        tops.append(y)
        y += height + (RISE if height else 8.0)
    middles = {key: (x[key] - left, tops[layer[key]] + heights[layer[key]] / 2) for key in sizes}
    paths = []
    for edge, chain in zip(edges, grid.chains, strict=True):
        (sx, sy), (tx, ty) = middles[edge.source], middles[edge.target]
        path = [(sx + edge.source_offset, sy + sizes[edge.source][1] / 2)]
        for row, point in enumerate(chain[1:-1], start=layer[edge.source] + 1):
            path += [(x[point] - left, tops[row]), (x[point] - left, tops[row] + heights[row])]
        path.append((tx + edge.target_offset, ty - sizes[edge.target][1] / 2))
        paths.append(path)
    return Layout(middles, paths, right - left, max(0.0, y - (RISE if heights and heights[-1] else 8.0)))
