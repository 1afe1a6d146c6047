"""Bessel functions of real order, and the orders 0 and 1 of their own (DLMF 10)."""

from __future__ import annotations

from typing import Any, Final

from pullback.extend import Operation

from pullback_special.declaration import special
from pullback_special.kernels import refuse
from pullback_special.series import i1_over_x, i1e_over_x, j1_over_x

_ORDER: Final = "its derivative by the order is no function of scipy.special"


def _half_difference(xp: Any, function: Any, v: Any, x: Any) -> Any:
    return 0.5 * (xp.call(function, v - 1, x) - xp.call(function, v + 1, x))


def _half_sum(xp: Any, function: Any, v: Any, x: Any) -> Any:
    return 0.5 * (xp.call(function, v - 1, x) + xp.call(function, v + 1, x))


j0: Operation = special(
    "j0",
    "Bessel function of the first kind of order 0.",
    x=lambda xp, t, x: -t * xp.call(j1, x),
)
j1: Operation = special(
    "j1",
    "Bessel function of the first kind of order 1.",
    x=lambda xp, t, x, out: t * (xp.call(j0, x) - j1_over_x(xp, x, out)),
)
y0: Operation = special(
    "y0",
    "Bessel function of the second kind of order 0.",
    singular=True,
    x=lambda xp, t, x: -t * xp.call(y1, x),
)
y1: Operation = special(
    "y1",
    "Bessel function of the second kind of order 1.",
    singular=True,
    x=lambda xp, t, x, out: t * (xp.call(y0, x) - out / x),
)
jv: Operation = special(
    "jv",
    "Bessel function of the first kind of order v.",
    operands=("v", "x"),
    singular=True,
    v=refuse("jv", "v", _ORDER),
    x=lambda xp, t, v, x: t * _half_difference(xp, jv, v, x),
)
yv: Operation = special(
    "yv",
    "Bessel function of the second kind of order v.",
    operands=("v", "x"),
    singular=True,
    v=refuse("yv", "v", _ORDER),
    x=lambda xp, t, v, x: t * _half_difference(xp, yv, v, x),
)
yn: Operation = special(
    "yn",
    "Bessel function of the second kind of integer order n.",
    operands=("n", "x"),
    singular=True,
    n=refuse("yn", "n", _ORDER),
    x=lambda xp, t, n, x: t * _half_difference(xp, yn, n, x),
)
i0: Operation = special(
    "i0",
    "Modified Bessel function of the first kind of order 0.",
    singular=True,
    x=lambda xp, t, x: t * xp.call(i1, x),
)
i1: Operation = special(
    "i1",
    "Modified Bessel function of the first kind of order 1.",
    singular=True,
    x=lambda xp, t, x, out: t * (xp.call(i0, x) - i1_over_x(xp, x, out)),
)
i0e: Operation = special(
    "i0e",
    "exp(-|x|) i0(x).",
    x=lambda xp, t, x, out: t * (xp.call(i1e, x) - xp.sign(x) * out),
)
i1e: Operation = special(
    "i1e",
    "exp(-|x|) i1(x).",
    x=lambda xp, t, x, out: t * (xp.call(i0e, x) - i1e_over_x(xp, x, out) - xp.sign(x) * out),
)
iv: Operation = special(
    "iv",
    "Modified Bessel function of the first kind of order v.",
    operands=("v", "x"),
    singular=True,
    v=refuse("iv", "v", _ORDER),
    x=lambda xp, t, v, x: t * _half_sum(xp, iv, v, x),
)
k0: Operation = special(
    "k0",
    "Modified Bessel function of the second kind of order 0.",
    singular=True,
    x=lambda xp, t, x: -t * xp.call(k1, x),
)
k1: Operation = special(
    "k1",
    "Modified Bessel function of the second kind of order 1.",
    singular=True,
    x=lambda xp, t, x, out: -t * (xp.call(k0, x) + out / x),
)
k0e: Operation = special(
    "k0e",
    "exp(x) k0(x).",
    singular=True,
    x=lambda xp, t, x, out: t * (out - xp.call(k1e, x)),
)
k1e: Operation = special(
    "k1e",
    "exp(x) k1(x).",
    singular=True,
    x=lambda xp, t, x, out: t * (out - xp.call(k0e, x) - out / x),
)
kv: Operation = special(
    "kv",
    "Modified Bessel function of the second kind of order v.",
    operands=("v", "x"),
    singular=True,
    v=refuse("kv", "v", _ORDER),
    x=lambda xp, t, v, x: -t * _half_sum(xp, kv, v, x),
)
__all__ = [
    "i0",
    "i0e",
    "i1",
    "i1e",
    "iv",
    "j0",
    "j1",
    "jv",
    "k0",
    "k0e",
    "k1",
    "k1e",
    "kv",
    "y0",
    "y1",
    "yn",
    "yv",
]
