"""Quotients with a removable singularity, such as (exp(x) - 1) / x, and the slopes of such quotients.

Near the singularity they are power series, so that derivatives of every order are right there, too; elsewhere they are
the quotients. Everything here is written in the standard, and is differentiated like any other program over `xp`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

_TERMS: Final = 36


def horner(x: Any, coefficients: Sequence[float]) -> Any:
    """The polynomial with these coefficients, the constant one first."""
    value = 0.0 * x + coefficients[-1]
    for coefficient in reversed(coefficients[:-1]):
        value = value * x + coefficient
    return value


def _near(xp: Any, x: Any, radius: float, coefficients: Sequence[float], far: Any) -> Any:
    """The series where |x| < radius, else `far(x)`, which never sees the neighbourhood of 0."""
    near = xp.abs(x) < radius
    return xp.where(near, horner(xp.where(near, x, 0.0), coefficients), far(xp.where(near, 1.0, x)))


_EXPREL_SLOPE: Final = [(k + 1) / math.factorial(k + 2) for k in range(_TERMS // 2)]
_LOG1PREL: Final = [(-1.0) ** k / (k + 1) for k in range(_TERMS)]
_LOG1PREL_SLOPE: Final = [(-1.0) ** (k + 1) * (k + 1) / (k + 2) for k in range(_TERMS)]
_SINC_SLOPE: Final = [
    (-1.0) ** k * math.pi ** (2 * k) * 2 * k / math.factorial(2 * k + 1) for k in range(1, _TERMS // 2)
]
_J1_OVER_X: Final = [(-0.25) ** k / (2 * math.factorial(k) * math.factorial(k + 1)) for k in range(_TERMS // 2)]
_I1_OVER_X: Final = [abs(coefficient) for coefficient in _J1_OVER_X]
_WALLIS: Final = [(math.comb(2 * k, k) / 4.0**k) ** 2 * math.pi / 2 for k in range(_TERMS)]
_K_SLOPE: Final = [(k + 1) * _WALLIS[k + 1] for k in range(_TERMS - 1)]
_E_SLOPE: Final = [-(k + 1) * _WALLIS[k + 1] / (2 * k + 1) for k in range(_TERMS - 1)]


def exprel_slope(xp: Any, x: Any) -> Any:
    """The derivative of (exp(x) - 1) / x."""
    return _near(xp, x, 1.0, _EXPREL_SLOPE, lambda x: (xp.exp(x) * (1 - 1 / x) + 1 / x) / x)


def log1prel(xp: Any, x: Any) -> Any:
    """log(1 + x) / x."""
    return _near(xp, x, 0.25, _LOG1PREL, lambda x: xp.log1p(x) / x)


def log1prel_slope(xp: Any, x: Any) -> Any:
    """The derivative of log(1 + x) / x."""
    return _near(xp, x, 0.25, _LOG1PREL_SLOPE, lambda x: (1 / (1 + x) - xp.log1p(x) / x) / x)


def sinc_slope(xp: Any, x: Any) -> Any:
    """The derivative of sin(pi x) / (pi x)."""
    pi = math.pi

    def far(x: Any) -> Any:
        return (xp.cos(pi * x) - xp.sin(pi * x) / (pi * x)) / x

    near = xp.abs(x) < 0.5
    small = xp.where(near, x, 0.0)
    return xp.where(near, small * horner(small * small, _SINC_SLOPE), far(xp.where(near, 1.0, x)))


def j1_over_x(xp: Any, x: Any, j1: Any) -> Any:
    """J1(x) / x, given J1(x)."""
    near = xp.abs(x) < 1
    small = xp.where(near, x, 0.0)
    return xp.where(near, horner(small * small, _J1_OVER_X), j1 / xp.where(near, 1.0, x))


def i1_over_x(xp: Any, x: Any, i1: Any) -> Any:
    """I1(x) / x, given I1(x)."""
    near = xp.abs(x) < 1
    small = xp.where(near, x, 0.0)
    return xp.where(near, horner(small * small, _I1_OVER_X), i1 / xp.where(near, 1.0, x))


def i1e_over_x(xp: Any, x: Any, i1e: Any) -> Any:
    """exp(-|x|) I1(x) / x, given exp(-|x|) I1(x)."""
    near = xp.abs(x) < 1
    small = xp.where(near, x, 0.0)
    return xp.where(near, horner(small * small, _I1_OVER_X) * xp.exp(-xp.abs(small)), i1e / xp.where(near, 1.0, x))


def ellipk_slope(xp: Any, m: Any, k: Any, e: Any) -> Any:
    """The derivative of the complete elliptic integral K by its parameter, given K and E."""
    near = xp.abs(m) < 0.25
    far, small = xp.where(near, 0.5, m), xp.where(near, m, 0.0)
    finite = xp.where(m == 1, 0.0, k)  # there it is infinite, but less so than what it is taken from
    return xp.where(near, horner(small, _K_SLOPE), (e / (1 - far) - finite) / (2 * far))


def ellipe_slope(xp: Any, m: Any, k: Any, e: Any) -> Any:
    """The derivative of the complete elliptic integral E by its parameter, given K and E."""
    near = xp.abs(m) < 0.25
    m, small = xp.where(near, 0.5, m), xp.where(near, m, 0.0)
    return xp.where(near, horner(small, _E_SLOPE), (e - k) / (2 * m))
