"""The layout: layers, order and places, against plainer ways to ask the same."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from pullback.drawing.layout import Edge, _inversions, layers_of, layout, spread


@pytest.mark.parametrize("seed", range(30))
def test_spread_keeps_the_gaps_and_no_small_step_makes_it_better(seed: int):
    random = Random(seed)
    count = random.randrange(1, 9)
    wanted = [random.uniform(-10, 10) for _ in range(count)]
    weights = [random.uniform(0.1, 5) for _ in range(count)]
    gaps = [random.uniform(0.5, 4) for _ in range(count - 1)]

    def cost(places: list[float]) -> float:
        return sum(w * (x - y) ** 2 for w, x, y in zip(weights, places, wanted, strict=True))

    def allowed(places: list[float]) -> bool:
        return all(b - a >= gap - 1e-9 for (a, b), gap in zip(pairwise(places), gaps, strict=True))

    found = spread(wanted, weights, gaps)
    assert allowed(found)
    for _ in range(2000):  # the cost is convex: what no step improves is the best
        step = random.choice([0.3, 0.01, 0.001])
        chosen = range(*sorted((random.randrange(count + 1), random.randrange(count + 1))))
        move = random.uniform(-step, step)
        other = [x + move * (i in chosen) for i, x in enumerate(found)]
        assert not allowed(other) or cost(other) >= cost(found) - 1e-9


@pytest.mark.parametrize("seed", range(30))
def test_inversions_are_those_of_all_pairs(seed: int):
    random = Random(seed)
    values = [random.randrange(10) for _ in range(random.randrange(30))]
    pairs = sum(values[i] > values[j] for i in range(len(values)) for j in range(i + 1, len(values)))
    assert _inversions(values, 10) == pairs


def test_layers_go_down_along_every_edge_and_leaves_come_down():
    edges = [Edge("x", "a"), Edge("a", "b"), Edge("b", "c"), Edge("w", "c"), Edge("v", "m", weight=0.1), Edge("m", "c")]
    layer = layers_of("xabcwvm", edges, (), ())
    assert layer == {"x": 0, "a": 1, "b": 2, "c": 3, "w": 2, "v": 1, "m": 2}


def test_ports_have_the_first_and_the_last_layer_for_themselves():
    layer = layers_of("iaboc", [Edge("i", "b"), Edge("a", "b"), Edge("b", "o")], "i", "o")
    assert layer["i"] == 0
    assert min(layer[key] for key in "abc") == 1
    assert layer["o"] > max(layer[key] for key in "abc")


def test_a_circle_is_refused():
    with pytest.raises(ValueError, match="circle"):
        layers_of("ab", [Edge("a", "b"), Edge("b", "a")], (), ())


def test_two_rows_that_can_be_drawn_without_crossings_are():
    left = [f"l{i}" for i in range(8)]
    right = [f"r{i}" for i in range(8)]
    order = [3, 7, 0, 5, 1, 6, 2, 4]
    edges = [Edge(f"l{i}", f"r{order[i]}") for i in range(8)]
    placed = layout(dict.fromkeys([*left, *right], (20.0, 10.0)), edges)
    for i in range(8):
        assert placed.middles[f"l{i}"][0] == pytest.approx(placed.middles[f"r{order[i]}"][0], abs=1.0)


def test_a_long_line_passes_beside_the_boxes_of_the_layers_between():
    keys = ["a", "b", "c", "d"]
    edges = [Edge("a", "b"), Edge("b", "c"), Edge("c", "d"), Edge("a", "d")]
    placed = layout(dict.fromkeys(keys, (50.0, 20.0)), edges)
    for x, y in placed.paths[3][1:-1]:
        for key in "bc":
            box_x, box_y = placed.middles[key]
            assert abs(x - box_x) > 25 or abs(y - box_y) > 10


def test_nothing_is_laid_out():
    assert layout({}, []).width == 0
