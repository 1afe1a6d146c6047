"""Oracle 3: f'(x) = Im f(x + ih) / h with h = 1e-30, for holomorphic functions: no cancellation, no step to choose.

Squire and Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40 (1998).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

H = 1e-30


def gradient(function: Callable[..., Any], points: Sequence[Any], which: int, cotangent: Any) -> np.ndarray:
    """The gradient of sum(cotangent * function(*points)) with respect to real argument `which`."""
    x = np.asarray(points[which], dtype=complex)
    out = np.zeros(x.shape)
    for index in np.ndindex(*x.shape):
        moved = x.copy()
        moved[index] += 1j * H
        out[index] = np.sum(cotangent * np.imag(function(*points[:which], moved, *points[which + 1 :]))) / H
    return out
