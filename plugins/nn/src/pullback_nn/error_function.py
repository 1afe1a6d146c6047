"""erf over the standard, which has none: the rational approximations of Cody (Math. Comp. 23, 1969), to double precision.

One polynomial quotient below 0.5, two for erfc above, each evaluated everywhere and chosen by `where`.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import Operation, elementwise

_2_SQRT_PI: Final = 2 / math.sqrt(math.pi)
_SMALL: Final = 0.46875
_LARGE: Final = 4.0
_ONE: Final = 6.0  # from here on erf is 1 to double precision

_NEAR: Final = (
    (
        1.85777706184603153e-1,
        3.16112374387056560e0,
        1.13864154151050156e2,
        3.77485237685302021e2,
        3.20937758913846947e3,
    ),
    (1.0, 2.36012909523441209e1, 2.44024637934444173e2, 1.28261652607737228e3, 2.84423683343917062e3),
)
_MIDDLE: Final = (
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
_FAR: Final = (
    (
        *(1.63153871373020978e-2, 3.05326634961232344e-1, 3.60344899949804439e-1, 1.25781726111229246e-1),
        *(1.60837851487422766e-2, 6.58749161529837803e-4),
    ),
    (
        *(1.0, 2.56852019228982242e0, 1.87295284992346725e0, 5.27905102951428412e-1, 6.05183413124413191e-2),
        2.33520497626869185e-3,
    ),
)


def _quotient(x: Any, coefficients: tuple[tuple[float, ...], tuple[float, ...]]) -> Any:
    above, below = coefficients
    numerator, denominator = above[0] + 0 * x, below[0] + 0 * x
    for a in above[1:]:
        numerator = numerator * x + a
    for b in below[1:]:
        denominator = denominator * x + b
    return numerator / denominator


def _erf(xp: Any, x: Any) -> Any:
    size = xp.minimum(xp.abs(x), _ONE)
    small = xp.minimum(size, _SMALL)
    near = small * _quotient(small * small, _NEAR)
    middle = xp.maximum(xp.minimum(size, _LARGE), _SMALL)
    power = xp.exp(-(size * size))
    between = 1.0 - power * _quotient(middle, _MIDDLE)
    large = xp.maximum(size, _LARGE)
    inverse = 1.0 / (large * large)
    tail = (1 / math.sqrt(math.pi) - inverse * _quotient(inverse, _FAR)) / large
    beyond = 1.0 - power * tail
    value = xp.where(size <= _SMALL, near, xp.where(size <= _LARGE, between, beyond))
    return xp.where(x < 0, -value, value)


erf: Operation = elementwise("nn::erf", forward=_erf, x=lambda xp, t, x: t * (_2_SQRT_PI * xp.exp(-(x * x))))
