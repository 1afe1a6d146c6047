"""A step length that satisfies the strong Wolfe conditions: the loss has fallen enough, and its slope has flattened.

Bracketing and zooming with cubic interpolation, as in Nocedal and Wright, Numerical Optimization, 2nd edition, algorithms
3.5 and 3.6, with the safeguards of minFunc (Schmidt, 2005) that PyTorch has too.
"""

from __future__ import annotations

from collections.abc import Callable
from math import sqrt
from typing import Any, NamedTuple

FALL = 1e-4
"""The loss must fall by this part of what its slope at 0 promises."""
FLAT = 0.9
"""The slope must shrink to this part of what it was at 0."""


class Point(NamedTuple):
    """How far along the line, the loss there, its slope along the line, and its gradient."""

    t: float
    value: float
    slope: float
    grad: Any


def cubic_minimum(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic through two points with their slopes is lowest, within bounds: those of the points, if none are given.

    The midpoint of the bounds if the cubic has no minimum. Nocedal and Wright, equation 3.59.
    """
    if a.t > b.t:
        a, b = b, a
    least, most = bounds or (a.t, b.t)
    middle = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = middle * middle - a.slope * b.slope
    if square >= 0:
        root = sqrt(square)
        bend = b.slope - a.slope + 2 * root
        if bend != 0:
            return min(max(b.t - (b.t - a.t) * ((b.slope + root - middle) / bend), least), most)
    return (least + most) / 2


def strong_wolfe(
    evaluate: Callable[[float], Point], start: Point, t: float, length: float, tolerance: float, tries: int
) -> tuple[Point, int]:
    """A point on the line that satisfies both conditions, or the best one found; and how often `evaluate` was called.

    `start` is the point at 0, whose slope is negative; `t` the first one to try; `length` the largest element of the
    direction: the search ends when it can move no parameter by `tolerance`, or after `tries` refinements.
    """

    def too_high(point: Point) -> bool:
        return point.value > start.value + FALL * point.t * start.slope

    def flat(point: Point) -> bool:
        return abs(point.slope) <= -FLAT * start.slope

    before, new, count = start, evaluate(t), 0
    while count < tries:
        if too_high(new) or (count > 1 and new.value >= before.value):
            break
        if flat(new):
            return new, count + 1
        if new.slope >= 0:
            break
        t = cubic_minimum(before, new, (new.t + 0.01 * (new.t - before.t), new.t * 10))
        before, new, count = new, evaluate(t), count + 1
    else:
        before = start

    ends = [before, new]
    low = 0 if before.value <= new.value else 1
    stuck = False
    while count < tries and abs(ends[1].t - ends[0].t) * length >= tolerance:
        t = cubic_minimum(ends[0], ends[1])
        least, most = sorted(end.t for end in ends)
        margin = 0.1 * (most - least)
        if min(most - t, t - least) >= margin:
            stuck = False
        elif stuck or not least < t < most:  # twice near one end, the bracket would hardly shrink
            t = most - margin if abs(t - most) < abs(t - least) else least + margin
            stuck = False
        else:
            stuck = True
        new, count = evaluate(t), count + 1
        if too_high(new) or new.value >= ends[low].value:
            ends[1 - low] = new
            low = 0 if ends[0].value <= ends[1].value else 1
            continue
        if flat(new):
            return new, count + 1
        if new.slope * (ends[1 - low].t - ends[low].t) >= 0:
            ends[1 - low] = ends[low]
        ends[low] = new
    return ends[low], count + 1
