"""Finite differences over NumPy arrays, in float64 and complex128. Knows nothing of pullback.

Conventions: the inner product is <a, b> = Re sum(conj(a) b); the gradient of a real L is dL/dRe + i dL/dIm; the vjp of f
at x for the cotangent v is the gradient of Re <v, f(x)>.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

STEP = 1e-4


def inner(a: Any, b: Any) -> float:
    """Re sum(conj(a) b)."""
    return float(np.real(np.sum(np.conj(a) * np.asarray(b))))


def slope(function: Callable[[float], float], scale: float = 1.0) -> float:
    """The derivative at 0 of a function of one number, to fourth order in the step."""
    h = STEP * max(1.0, scale)
    outer = function(2 * h) - function(-2 * h)
    return (8 * (function(h) - function(-h)) - outer) / (12 * h)


def gradient(function: Callable[..., float], arguments: Sequence[np.ndarray], which: int) -> np.ndarray:
    """The gradient of a real function of arrays with respect to argument number `which`, element by element."""
    x = np.asarray(arguments[which])
    result = np.zeros_like(x)
    for index in np.ndindex(*x.shape):
        for direction in (1.0, 1j) if np.iscomplexobj(x) else (1.0,):

            def along(t: float, index: tuple[int, ...] = index, direction: complex = direction) -> float:
                moved = x.copy()
                moved[index] += t * direction
                return function(*arguments[:which], moved, *arguments[which + 1 :])

            result[index] += direction * slope(along, float(abs(x[index])))
    return result


def directional(
    function: Callable[..., Any], arguments: Sequence[np.ndarray], directions: Sequence[np.ndarray]
) -> np.ndarray:
    """The derivative of an array-valued function of arrays along `directions`."""

    def moved(t: float) -> Any:
        return np.asarray(function(*(x + t * d for x, d in zip(arguments, directions, strict=True))))

    h = STEP
    return (8 * (moved(h) - moved(-h)) - (moved(2 * h) - moved(-2 * h))) / (12 * h)
