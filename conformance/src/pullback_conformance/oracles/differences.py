"""Oracle 1: central differences of fourth order in double precision, each with an estimate of its own error.

Conventions: <a, b> = Re sum(conj(a) b); the gradient of a real L is dL/dRe + i dL/dIm.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

EPS = float(np.finfo(np.float64).eps)
STEP = 1e-4


class Slope(NamedTuple):
    """A derivative, and how wrong it may be."""

    value: Any
    error: Any


def inner(a: Any, b: Any) -> float:
    """Re sum(conj(a) b)."""
    return float(np.real(np.sum(np.conj(a) * np.asarray(b))))


def slope(function: Callable[[float], Any], scale: float = 1.0, step: float = STEP) -> Slope:
    """The derivative at 0 of a function of one number (its value may be an array)."""
    h = step * max(1.0, scale)
    base = np.abs(np.asarray(function(h)))

    def fourth(h: float) -> Any:
        return (8 * (function(h) - function(-h)) - (function(2 * h) - function(-2 * h))) / (12 * h)

    coarse, fine = fourth(h), fourth(h / 2)
    return Slope(fine, np.abs(coarse - fine) / 15 + 3 * EPS * base / h)


def gradient(function: Callable[..., float], points: Sequence[np.ndarray], which: int, step: float = STEP) -> Slope:
    """The gradient of a real function of arrays with respect to argument `which`, entry by entry."""
    x = np.asarray(points[which])
    value, error = np.zeros_like(x), np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        for direction in (1.0, 1j) if np.iscomplexobj(x) else (1.0,):

            def along(t: float, index: tuple[int, ...] = index, direction: complex = direction) -> float:
                moved = x.copy()
                moved[index] += t * direction
                return function(*points[:which], moved, *points[which + 1 :])

            found = slope(along, float(np.abs(x[index])), step)
            value[index] += direction * found.value
            error[index] += found.error
    return Slope(value, error)


def along(function: Callable[..., Any], points: Sequence[Any], directions: Sequence[Any], step: float = STEP) -> Slope:
    """The derivative of an array-valued function of arrays along a direction."""
    return slope(
        lambda t: np.asarray(function(*(x + t * d for x, d in zip(points, directions, strict=True)))), step=step
    )


def one_sided(function: Callable[[float], float], step: float = 1e-6) -> tuple[float, float]:
    """The slopes to the right and, of the mirrored direction, to the left of a kink: f'(x; d) and -f'(x; -d)."""
    middle = function(0.0)
    return (function(step) - middle) / step, (middle - function(-step)) / step


def smooth(function: Callable[[float], float], scale: float = 1.0, step: float = STEP) -> bool:
    """Whether three second differences agree as they do where a function is smooth: no kink within reach of a step."""
    h = step * max(1.0, scale)
    size = max(abs(function(0.0)), 1.0)
    bends = [(function(a) - 2 * function(0.0) + function(-a)) / a**2 for a in (h, h / 2, h / 4)]
    noise = [16 * EPS * size / a**2 for a in (h, h / 2, h / 4)]
    return all(
        abs(bends[i] - bends[i + 1]) <= 0.25 * max(map(abs, bends)) + noise[i] + noise[i + 1] + 1e-3 for i in range(2)
    )
