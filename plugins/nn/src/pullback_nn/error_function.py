"""erf over the standard, which has none: the rational approximations of Cody (Math. Comp. 23, 1969), to double precision.

A quotient of polynomials for small x; and exp(-x^2) times another one is erfc, for all others up to where erf is 1. (His
third, for x above 4, is needed for erfc alone.)
"""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import op

_2_SQRT_PI: Final = 2 / math.sqrt(math.pi)
SMALL: Final = 0.46875
ONE: Final = 6.0
"""From here on erf is 1, to double precision."""

NEAR: Final = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
AWAY: Final = (
    (
        *(2.15311535474403846e-8, 5.64188496988670089e-1, 8.88314979438837594e0, 6.61191906371416295e1),
        *(2.98635138197400131e2, 8.81952221241769090e2, 1.71204761263407058e3, 2.05107837782607147e3),
        1.23033935479799725e3,
    ),
    (
        *(1.0, 1.57449261107098347e1, 1.17693950891312499e2, 5.37181101862009858e2, 1.62138957456669019e3),
        *(3.29079923573345963e3, 4.36261909014324716e3, 3.43936767414372164e3, 1.23033935480374942e3),
    ),
)


def _quotient(x: Any, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Any:
    above, below = coefficients
    numerator, denominator = above[0] * x + above[1], below[0] * x + below[1]
    for a in above[2:]:
        numerator = numerator * x + a
    for b in below[2:]:
        denominator = denominator * x + b
    return numerator / denominator


@op.elementwise(name="nn::erf", floating=True, x=lambda xp, t, x: t * (_2_SQRT_PI * xp.exp(-(x * x))))
def erf(xp: Any, x: Any) -> Any:
    """The error function."""
    size = xp.minimum(xp.abs(x), ONE)
    small = xp.minimum(size, SMALL)
    near = small * _quotient(small * small, NEAR)
    away = 1.0 - xp.exp(-(size * size)) * _quotient(size, AWAY)
    value = xp.where(size <= SMALL, near, away)
    return xp.where(x < 0, -value, value)
