"""Oracle 2: values and derivatives from mpmath at 50 digits, independent of any difference and of NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import mpmath
import numpy as np

mp: Any = mpmath.mp.clone()
mp.dps = 50


def _number(x: Any) -> Any:
    return mp.mpc(complex(x)) if np.iscomplexobj(x) else mp.mpf(float(x))


def _convert(value: Any, like: Any) -> Any:
    return complex(value) if np.iscomplexobj(like) else float(mp.re(value))


def values(function: Callable[..., Any], *arrays: Any) -> np.ndarray:
    """`function` of each element of the broadcast arrays, rounded once to double precision."""
    xs = np.broadcast_arrays(*map(np.asarray, arrays))
    out = np.empty(xs[0].shape, dtype=np.result_type(*xs, np.float64))
    for index in np.ndindex(*out.shape):
        out[index] = _convert(function(*(_number(x[index]) for x in xs)), out)
    return out


def partial(function: Callable[..., Any], which: int, *arrays: Any) -> np.ndarray:
    """The derivative of a holomorphic (or real) `function` with respect to argument `which`, element by element."""
    xs = np.broadcast_arrays(*map(np.asarray, arrays))
    out = np.empty(xs[0].shape, dtype=np.result_type(*xs, np.float64))
    for index in np.ndindex(*out.shape):
        point = [_number(x[index]) for x in xs]

        def along(t: Any, point: list[Any] = point) -> Any:
            return function(*point[:which], t, *point[which + 1 :])

        out[index] = _convert(mp.diff(along, point[which]), out)
    return out
