"""Bessel functions of real order, and the orders 0 and 1 of their own (DLMF 10)."""

from __future__ import annotations

from typing import Any, Final

from pullback.extend import Operation, elementwise

from pullback_special.kernels import library, refuse
from pullback_special.series import i1_over_x, i1e_over_x, j1_over_x

_ORDER: Final = "its derivative by the order is no function of scipy.special"


def _half_difference(xp: Any, function: Any, v: Any, x: Any) -> Any:
    return 0.5 * (xp.call(function, v - 1, x) - xp.call(function, v + 1, x))


def _half_sum(xp: Any, function: Any, v: Any, x: Any) -> Any:
    return 0.5 * (xp.call(function, v - 1, x) + xp.call(function, v + 1, x))


# fmt: off  (a table: one line per derivative)

j0: Operation = elementwise(
    "special::j0",
    "Bessel function of the first kind of order 0.",
    forward=library("j0"),
    floating=True,
    x=lambda xp, t, x: -t * xp.call(j1, x),
)
j1: Operation = elementwise(
    "special::j1",
    "Bessel function of the first kind of order 1.",
    forward=library("j1"),
    floating=True,
    x=lambda xp, t, x, out: t * (xp.call(j0, x) - j1_over_x(xp, x, out)),
)
y0: Operation = elementwise(
    "special::y0",
    "Bessel function of the second kind of order 0.",
    forward=library("y0"),
    floating=True,
    singular=True,
    x=lambda xp, t, x: -t * xp.call(y1, x),
)
y1: Operation = elementwise(
    "special::y1",
    "Bessel function of the second kind of order 1.",
    forward=library("y1"),
    floating=True,
    singular=True,
    x=lambda xp, t, x, out: t * (xp.call(y0, x) - out / x),
)
jv: Operation = elementwise(
    "special::jv",
    "Bessel function of the first kind of order v.",
    forward=library("jv"),
    operands=("v", "x"),
    floating=True,
    singular=True,
    v=refuse("jv", "v", _ORDER),
    x=lambda xp, t, v, x: t * _half_difference(xp, jv, v, x),
)
yv: Operation = elementwise(
    "special::yv",
    "Bessel function of the second kind of order v.",
    forward=library("yv"),
    operands=("v", "x"),
    floating=True,
    singular=True,
    v=refuse("yv", "v", _ORDER),
    x=lambda xp, t, v, x: t * _half_difference(xp, yv, v, x),
)
yn: Operation = elementwise(
    "special::yn",
    "Bessel function of the second kind of integer order n.",
    forward=library("yn"),
    operands=("n", "x"),
    floating=True,
    singular=True,
    n=refuse("yn", "n", _ORDER),
    x=lambda xp, t, n, x: t * _half_difference(xp, yn, n, x),
)
i0: Operation = elementwise(
    "special::i0",
    "Modified Bessel function of the first kind of order 0.",
    forward=library("i0"),
    floating=True,
    singular=True,
    x=lambda xp, t, x: t * xp.call(i1, x),
)
i1: Operation = elementwise(
    "special::i1",
    "Modified Bessel function of the first kind of order 1.",
    forward=library("i1"),
    floating=True,
    singular=True,
    x=lambda xp, t, x, out: t * (xp.call(i0, x) - i1_over_x(xp, x, out)),
)
i0e: Operation = elementwise(
    "special::i0e",
    "exp(-|x|) i0(x).",
    forward=library("i0e"),
    floating=True,
    x=lambda xp, t, x, out: t * (xp.call(i1e, x) - xp.sign(x) * out),
)
i1e: Operation = elementwise(
    "special::i1e",
    "exp(-|x|) i1(x).",
    forward=library("i1e"),
    floating=True,
    x=lambda xp, t, x, out: t * (xp.call(i0e, x) - i1e_over_x(xp, x, out) - xp.sign(x) * out),
)
iv: Operation = elementwise(
    "special::iv",
    "Modified Bessel function of the first kind of order v.",
    forward=library("iv"),
    operands=("v", "x"),
    floating=True,
    singular=True,
    v=refuse("iv", "v", _ORDER),
    x=lambda xp, t, v, x: t * _half_sum(xp, iv, v, x),
)
k0: Operation = elementwise(
    "special::k0",
    "Modified Bessel function of the second kind of order 0.",
    forward=library("k0"),
    floating=True,
    singular=True,
    x=lambda xp, t, x: -t * xp.call(k1, x),
)
k1: Operation = elementwise(
    "special::k1",
    "Modified Bessel function of the second kind of order 1.",
    forward=library("k1"),
    floating=True,
    singular=True,
    x=lambda xp, t, x, out: -t * (xp.call(k0, x) + out / x),
)
k0e: Operation = elementwise(
    "special::k0e",
    "exp(x) k0(x).",
    forward=library("k0e"),
    floating=True,
    singular=True,
    x=lambda xp, t, x, out: t * (out - xp.call(k1e, x)),
)
k1e: Operation = elementwise(
    "special::k1e",
    "exp(x) k1(x).",
    forward=library("k1e"),
    floating=True,
    singular=True,
    x=lambda xp, t, x, out: t * (out - xp.call(k0e, x) - out / x),
)
kv: Operation = elementwise(
    "special::kv",
    "Modified Bessel function of the second kind of order v.",
    forward=library("kv"),
    operands=("v", "x"),
    floating=True,
    singular=True,
    v=refuse("kv", "v", _ORDER),
    x=lambda xp, t, v, x: -t * _half_sum(xp, kv, v, x),
)
# fmt: on

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
