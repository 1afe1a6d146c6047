"""Exponential, elliptic and logarithmic integrals; Legendre and confluent hypergeometric functions (DLMF 6, 13, 14, 19)."""

from __future__ import annotations

from typing import Any, Final

from pullback.extend import Operation

from pullback_special import series
from pullback_special.declaration import special
from pullback_special.kernels import refuse

_ORDER: Final = "its derivative by the order is no function of scipy.special"
_PARAMETER: Final = "its derivative by this parameter is no function of scipy.special"


def _expn_slope(xp: Any, n: Any, x: Any) -> Any:
    """E_n' = -E_{n-1}, with E_{-1}(x) = exp(-x) (1 + 1 / x) / x, and E_{-2} and so on by the slopes of that."""
    first = n == 0
    return -xp.where(
        first, xp.exp(-x) * (1 + 1 / x) / x, xp.call(expn, xp.where(first, 1.0, n - 1), xp.where(first, 1.0, x))
    )


def _spence_slope(xp: Any, x: Any) -> Any:
    near = xp.abs(x - 1) < 0.25
    far = xp.where(near, 0.0, x)
    return xp.where(near, -series.log1prel(xp, xp.where(near, x - 1, 0.0)), xp.log(far) / (1 - far))


def _ellipkm1_slope(xp: Any, p: Any, out: Any) -> Any:
    """K'(m) at m = 1 - p, which keeps its digits as p goes to 0."""
    near = xp.abs(1 - p) < 0.25
    far = xp.where(near, 0.5, p)
    e = xp.call(ellipe, 1 - far)
    close = series.ellipk_slope(xp, xp.where(near, 1 - p, 0.0), 0.0 * p, 0.0 * p)
    return -xp.where(near, close, (e / far - xp.where(p == 0, 0.0, out)) / (2 * (1 - far)))


exp1: Operation = special(
    "exp1",
    "The exponential integral E1.",
    singular=True,
    x=lambda xp, t, x: -t * (xp.exp(-x) / x),
)
expi: Operation = special(
    "expi",
    "The exponential integral Ei.",
    singular=True,
    x=lambda xp, t, x: t * (xp.exp(x) / x),
)
expn: Operation = special(
    "expn",
    "The exponential integral of integer order n.",
    operands=("n", "x"),
    singular=True,
    n=refuse("expn", "n", _ORDER),
    x=lambda xp, t, n, x: t * _expn_slope(xp, n, x),
)
spence: Operation = special(
    "spence",
    "The dilogarithm: the integral of log(t) / (1 - t) from 1 to x.",
    singular=True,
    x=lambda xp, t, x: t * _spence_slope(xp, x),
)
ellipk: Operation = special(
    "ellipk",
    "The complete elliptic integral of the first kind.",
    singular=True,
    m=lambda xp, t, m, out: t * series.ellipk_slope(xp, m, out, xp.call(ellipe, m)),
)
ellipkm1: Operation = special(
    "ellipkm1",
    "ellipk(1 - p), precise near p = 0.",
    singular=True,
    p=lambda xp, t, p, out: t * _ellipkm1_slope(xp, p, out),
)
ellipe: Operation = special(
    "ellipe",
    "The complete elliptic integral of the second kind.",
    singular=True,
    m=lambda xp, t, m, out: t * series.ellipe_slope(xp, m, xp.call(ellipk, m), out),
)
hyp1f1: Operation = special(
    "hyp1f1",
    "The confluent hypergeometric function 1F1.",
    operands=("a", "b", "x"),
    singular=True,
    a=refuse("hyp1f1", "a", _PARAMETER),
    b=refuse("hyp1f1", "b", _PARAMETER),
    x=lambda xp, t, a, b, x: t * (a / b * xp.call(hyp1f1, a + 1, b + 1, x)),
)
lpmv: Operation = special(
    "lpmv",
    "The associated Legendre function of order m and degree v.",
    operands=("m", "v", "x"),
    singular=True,
    m=refuse("lpmv", "m", _ORDER),
    v=refuse("lpmv", "v", _ORDER),
    x=lambda xp, t, m, v, x, out: t * ((v * x * out - (v + m) * xp.call(lpmv, m, v - 1, x)) / (x * x - 1)),
)
__all__ = [
    "ellipe",
    "ellipk",
    "ellipkm1",
    "exp1",
    "expi",
    "expn",
    "hyp1f1",
    "lpmv",
    "spence",
]
