"""The error function and the normal distribution: their relatives and inverses (DLMF 7)."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final

from pullback.extend import Operation, elementwise

from pullback_special.declaration import described, special
from pullback_special.kernels import library

_2_SQRT_PI: Final = 2 / math.sqrt(math.pi)
_SQRT_2: Final = math.sqrt(2)
_SQRT_2PI: Final = math.sqrt(2 * math.pi)
_FRACTION_FROM: Final = 2
_FRACTION_DEPTH: Final = 60


@cache
def _repeated(n: int) -> Any:
    """exp(x^2) times the n-fold repeated integral of erfc (DLMF 7.18). The slope of each is -2 (n + 1) times the next.

    So erfcx, whose slope 2 x erfcx(x) - 2 / sqrt(pi) cancels for large x, has derivatives of every order in full precision.
    """
    return elementwise(
        "special::erfcx" if n == 0 else f"special::erfcx_{n}",
        described("erfcx", "exp(x^2) erfc(x).") if n == 0 else "",
        forward=library("erfcx") if n == 0 else lambda xp, x: _scaled_integral(xp, x, n),
        floating=True,
        singular=True,
        x=lambda xp, t, x: t * (-2 * (n + 1) * xp.call(_repeated(n + 1), x)),
    )


def _scaled_integral(xp: Any, x: Any, n: int) -> Any:
    """By the recurrence 7.18.7 where x is small, else by its continued fraction."""
    first = xp.call(erfcx, x)
    large = (xp.real(x) if xp.isdtype(x.dtype, "complex floating") else x) >= _FRACTION_FROM
    small = xp.where(large, 0.0, x)
    before, value = _2_SQRT_PI, first
    for k in range(1, n + 1):
        before, value = value, (before - 2 * small * value) / (2 * k)
    ratio, product, big = 0.0, first, xp.where(large, x, 1.0 * _FRACTION_FROM)
    for k in range(_FRACTION_DEPTH + n, 0, -1):
        ratio = 1 / (2 * big + 2 * (k + 1) * ratio)
        if k <= n:
            product = product * ratio
    return xp.where(large, product, value)


erf: Operation = special(
    "erf",
    "The error function.",
    x=lambda xp, t, x: t * (_2_SQRT_PI * xp.exp(-x * x)),
)
erfc: Operation = special(
    "erfc",
    "1 - erf(x).",
    x=lambda xp, t, x: t * (-_2_SQRT_PI * xp.exp(-x * x)),
)
erfcx = _repeated(0)
erfinv: Operation = special(
    "erfinv",
    "The inverse of erf.",
    singular=True,
    x=lambda xp, t, out: t * (xp.exp(out * out) / _2_SQRT_PI),
)
erfcinv: Operation = special(
    "erfcinv",
    "The inverse of erfc.",
    singular=True,
    x=lambda xp, t, out: t * (-xp.exp(out * out) / _2_SQRT_PI),
)
ndtr: Operation = special(
    "ndtr",
    "The distribution function of the standard normal distribution.",
    x=lambda xp, t, x: t * (xp.exp(-0.5 * (x * x)) / _SQRT_2PI),
)
ndtri: Operation = special(
    "ndtri",
    "The inverse of ndtr.",
    singular=True,
    x=lambda xp, t, out: t * (_SQRT_2PI * xp.exp(0.5 * (out * out))),
)
log_ndtr: Operation = special(
    "log_ndtr",
    "The logarithm of ndtr.",
    singular=True,
    x=lambda xp, t, x: t * (2 / _SQRT_2PI / xp.call(erfcx, x / -_SQRT_2)),
)

__all__ = [
    "erf",
    "erfc",
    "erfcinv",
    "erfcx",
    "erfinv",
    "log_ndtr",
    "ndtr",
    "ndtri",
]
