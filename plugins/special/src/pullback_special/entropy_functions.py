"""Entropies, robust losses, logits, power transforms, and other elementary functions computed with care."""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import Operation

from pullback_special import series
from pullback_special.declaration import special

_DEGREE: Final = math.pi / 180


def _radius(xp: Any, delta: Any, r: Any) -> Any:
    """sqrt(delta^2 + r^2), to divide by; 1 where it is 0, as the numerator is, and NaN outside of the domain."""
    radius = xp.hypot(delta, r)
    return xp.where(delta < 0, math.nan, xp.where(radius == 0, 1.0, radius))


def _boxcox_slope(xp: Any, log: Any, lmbda: Any) -> Any:
    """The derivative of (exp(lmbda log) - 1) / lmbda by lmbda, which is 1 / lmbda^2 at log = -inf."""
    end = (log == -math.inf) & (lmbda > 0)
    inner = xp.where(end, 0.0, log)
    return xp.where(end, 1 / xp.where(end, lmbda, 1.0) ** 2, inner * inner * series.exprel_slope(xp, lmbda * inner))


def _power(xp: Any, base: Any, exponent: Any) -> Any:
    return xp.exp(xp.call(xlogy, exponent, base))


# --- x log y, entropies ----------------------------------------------------------------------------------------------

xlogy: Operation = special(
    "xlogy",
    "x log(y), and 0 where x is 0.",
    singular=True,
    x=lambda xp, t, y: t * xp.log(y),
    y=lambda xp, t, x, y: t * (x / xp.where((x == 0) & (y == 0), 1.0, y)),
)
xlog1py: Operation = special(
    "xlog1py",
    "x log(1 + y), and 0 where x is 0.",
    singular=True,
    x=lambda xp, t, y: t * xp.log1p(y),
    y=lambda xp, t, x, y: t * (x / xp.where((x == 0) & (y == -1), 1.0, 1 + y)),
)
entr: Operation = special(
    "entr",
    "-x log(x).",
    singular=True,
    x=lambda xp, t, x: t * (-1 - xp.log(x)),
)
rel_entr: Operation = special(
    "rel_entr",
    "x log(x / y).",
    singular=True,
    x=lambda xp, t, x, y: t * (xp.log(x / y) + 1),
    y=lambda xp, t, x, y: -t * (x / xp.where((x == 0) & (y == 0), 1.0, y)),
)
kl_div: Operation = special(
    "kl_div",
    "x log(x / y) - x + y.",
    singular=True,
    x=lambda xp, t, x, y: t * xp.log(x / y),
    y=lambda xp, t, x, y: t * ((y - x) / xp.where((x == 0) & (y == 0), 1.0, y)),
)

# --- losses ----------------------------------------------------------------------------------------------------------

huber: Operation = special(
    "huber",
    "r^2 / 2 where |r| <= delta, else delta (|r| - delta / 2).",
    delta=lambda xp, t, delta, r: t * xp.where(delta < 0, math.nan, xp.maximum(xp.abs(r) - delta, 0.0)),
    r=lambda xp, t, delta, r: t * xp.where(delta < 0, math.nan, xp.minimum(xp.maximum(r, -delta), delta)),
)
pseudo_huber: Operation = special(
    "pseudo_huber",
    "delta^2 (sqrt(1 + (r / delta)^2) - 1).",
    singular=True,
    delta=lambda xp, t, delta, r: t * ((r * r / (_radius(xp, delta, r) + delta)) ** 2 / _radius(xp, delta, r)),
    r=lambda xp, t, delta, r: t * (delta * r / _radius(xp, delta, r)),
)

# --- logits ----------------------------------------------------------------------------------------------------------

expit: Operation = special(
    "expit",
    "The logistic function 1 / (1 + exp(-x)).",
    x=lambda xp, t, x, out: t * (out * xp.call(expit, -x)),
)
log_expit: Operation = special(
    "log_expit",
    "log(expit(x)).",
    x=lambda xp, t, x: t * xp.call(expit, -x),
)
logit: Operation = special(
    "logit",
    "log(x / (1 - x)).",
    singular=True,
    x=lambda xp, t, x: t / (x * (1 - x)),
)

# --- powers ----------------------------------------------------------------------------------------------------------

cbrt: Operation = special(
    "cbrt",
    "The real cube root.",
    singular=True,
    x=lambda xp, t, out: t / (3 * out * out),
)
exp2: Operation = special(
    "exp2",
    "2 to the x.",
    singular=True,
    x=lambda xp, t, out: t * (math.log(2) * out),
)
exp10: Operation = special(
    "exp10",
    "10 to the x.",
    singular=True,
    x=lambda xp, t, out: t * (math.log(10) * out),
)
exprel: Operation = special(
    "exprel",
    "(exp(x) - 1) / x.",
    x=lambda xp, t, x: t * series.exprel_slope(xp, x),
)
boxcox: Operation = special(
    "boxcox",
    "(x^lmbda - 1) / lmbda, and log(x) where lmbda is 0.",
    singular=True,
    x=lambda xp, t, x, lmbda: t * _power(xp, x, lmbda - 1),
    lmbda=lambda xp, t, x, lmbda: t * _boxcox_slope(xp, xp.log(x), lmbda),
)
boxcox1p: Operation = special(
    "boxcox1p",
    "boxcox(1 + x, lmbda).",
    singular=True,
    x=lambda xp, t, x, lmbda: t * xp.exp(xp.call(xlog1py, lmbda - 1, x)),
    lmbda=lambda xp, t, x, lmbda: t * _boxcox_slope(xp, xp.log1p(x), lmbda),
)
inv_boxcox: Operation = special(
    "inv_boxcox",
    "The inverse of boxcox in x.",
    singular=True,
    y=lambda xp, t, y, lmbda, out: t * (out / (1 + lmbda * y)),
    lmbda=lambda xp, t, y, lmbda, out: t * (out * y * y * series.log1prel_slope(xp, lmbda * y)),
)
inv_boxcox1p: Operation = special(
    "inv_boxcox1p",
    "The inverse of boxcox1p in x.",
    singular=True,
    y=lambda xp, t, y, lmbda, out: t * ((1 + out) / (1 + lmbda * y)),
    lmbda=lambda xp, t, y, lmbda, out: t * ((1 + out) * y * y * series.log1prel_slope(xp, lmbda * y)),
)

# --- angles ----------------------------------------------------------------------------------------------------------

sinc: Operation = special(
    "sinc",
    "sin(pi x) / (pi x).",
    x=lambda xp, t, x: t * series.sinc_slope(xp, x),
)
cosm1: Operation = special(
    "cosm1",
    "cos(x) - 1, precise near 0.",
    x=lambda xp, t, x: -t * xp.sin(x),
)
sindg: Operation = special(
    "sindg",
    "Sine of degrees.",
    x=lambda xp, t, x: t * (_DEGREE * xp.call(cosdg, x)),
)
cosdg: Operation = special(
    "cosdg",
    "Cosine of degrees.",
    x=lambda xp, t, x: t * (-_DEGREE * xp.call(sindg, x)),
)
tandg: Operation = special(
    "tandg",
    "Tangent of degrees.",
    singular=True,
    x=lambda xp, t, out: t * (_DEGREE * (1 + out * out)),
)
cotdg: Operation = special(
    "cotdg",
    "Cotangent of degrees.",
    singular=True,
    x=lambda xp, t, out: t * (-_DEGREE * (1 + out * out)),
)
radian: Operation = special(
    "radian",
    "Degrees, minutes and seconds in radians.",
    d=lambda xp, t: t * _DEGREE,
    m=lambda xp, t: t * (_DEGREE / 60),
    s=lambda xp, t: t * (_DEGREE / 3600),
)
__all__ = [
    "boxcox",
    "boxcox1p",
    "cbrt",
    "cosdg",
    "cosm1",
    "cotdg",
    "entr",
    "exp10",
    "exp2",
    "expit",
    "exprel",
    "huber",
    "inv_boxcox",
    "inv_boxcox1p",
    "kl_div",
    "log_expit",
    "logit",
    "pseudo_huber",
    "radian",
    "rel_entr",
    "sinc",
    "sindg",
    "tandg",
    "xlog1py",
    "xlogy",
]
