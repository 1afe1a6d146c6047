"""The line search finds points that satisfy the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from pullback_optim.line_search import FALL, FLAT, Point, cubic_minimum, strong_wolfe

LINES: dict[str, tuple[Callable[[float], float], Callable[[float], float]]] = {
    "parabola": (lambda t: (t - 3) ** 2, lambda t: 2 * (t - 3)),
    "far": (lambda t: (t - 500) ** 2 / 1000, lambda t: (t - 500) / 500),
    "quartic": (lambda t: t**4 / 4 - t, lambda t: t**3 - 1),
    "waves": (lambda t: math.cos(5 * t) - t / 2 + t * t / 50, lambda t: -5 * math.sin(5 * t) - 0.5 + t / 25),
    "wall": (lambda t: math.exp(t) - 3 * t, lambda t: math.exp(t) - 3),
    # Moré and Thuente, Line search algorithms with guaranteed sufficient decrease, 1994, function 1
    "rational": (lambda t: -t / (t * t + 2), lambda t: (t * t - 2) / (t * t + 2) ** 2),
}


def point(line: str, t: float) -> Point:
    value, slope = LINES[line]
    return Point(t, value(t), slope(t), None)


@pytest.mark.parametrize("first", [1e-3, 0.1, 1.0, 20.0])
@pytest.mark.parametrize("line", LINES)
def test_the_conditions_hold_where_it_stops(line: str, first: float) -> None:
    start = point(line, 0.0)
    asked: list[float] = []

    def evaluate(t: float) -> Point:
        asked.append(t)
        return point(line, t)

    found, count = strong_wolfe(evaluate, start, first, 1.0, 1e-12, 40)
    assert found == point(line, found.t)
    assert found.t in asked
    assert count == len(asked)
    assert found.value <= start.value + FALL * found.t * start.slope
    assert abs(found.slope) <= FLAT * abs(start.slope)


def test_a_knee_is_found_although_every_cubic_points_to_one_end() -> None:
    """Beyond 1 the slope is a thousand times as steep, and the bracket would shrink from one side only."""

    def knee(t: float) -> Point:
        beyond = 1000 * max(t - 1, 0)
        return Point(t, math.hypot(beyond, 1) - t, 1000 * beyond / math.hypot(beyond, 1) - 1, None)

    found, count = strong_wolfe(knee, knee(0.0), 1.5, 1.0, 1e-12, 60)
    assert found.t == pytest.approx(1.0, abs=1e-5)
    assert abs(found.slope) <= FLAT
    assert count < 40


def test_it_ends_after_so_many_tries_with_the_best_point() -> None:
    asked: list[Point] = []

    def evaluate(t: float) -> Point:
        asked.append(point("far", t))
        return asked[-1]

    found, count = strong_wolfe(evaluate, point("far", 0.0), 1e-9, 1.0, 1e-12, 3)
    assert count == 4 == len(asked)
    assert found == min(asked, key=lambda p: p.value)


def test_it_ends_where_no_parameter_moves() -> None:
    """A slope that does not belong to the values: nothing can be found, and it stops."""
    found, count = strong_wolfe(lambda t: Point(t, 1.0, -1.0, None), Point(0.0, 0.0, -1.0, None), 1.0, 1.0, 1e-3, 1000)
    assert found.t == 0.0
    assert count < 30


def test_the_cubic_through_two_points_of_a_cubic_has_its_minimum() -> None:
    def cubic(t: float) -> Point:
        return Point(t, t**3 - 3 * t, 3 * t * t - 3, None)

    assert cubic_minimum(cubic(0.0), cubic(2.0)) == pytest.approx(1.0)
    assert cubic_minimum(cubic(2.0), cubic(0.0)) == pytest.approx(1.0)
    assert cubic_minimum(cubic(0.0), cubic(0.5), (0.6, 5.0)) == pytest.approx(1.0)
    assert cubic_minimum(cubic(0.0), cubic(2.0), (1.5, 5.0)) == 1.5
    straight = [Point(t, -t, -1.0, None) for t in (0.0, 1.0)]
    assert cubic_minimum(*straight) == 0.5
