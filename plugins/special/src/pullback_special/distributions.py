"""Distribution functions, their complements and their inverses. The derivative is the density, and 1 / density.

Counts (the k of the binomial, negative binomial and Poisson distributions) are rounded down by SciPy, so that the
derivative by them is 0. By a shape parameter there is no closed form.
"""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import Operation

from pullback_special.declaration import special
from pullback_special.entropy_functions import xlogy
from pullback_special.gamma_functions import beta_density, betaln, gamma_density, step
from pullback_special.kernels import refuse

_SHAPE: Final = "there is no closed form for the derivative by a shape parameter"
_TRIALS: Final = "there is no closed form for the derivative by a number of trials"


def _chi2(xp: Any, v: Any, x: Any) -> Any:
    return 0.5 * gamma_density(xp, 0.5 * v, 0.5 * x)


def _f(xp: Any, dfn: Any, dfd: Any, x: Any) -> Any:
    ratio = dfn / dfd
    powers = 0.5 * dfn * xp.log(ratio) + xp.call(xlogy, 0.5 * dfn - 1, x) - 0.5 * (dfn + dfd) * xp.log1p(ratio * x)
    return xp.exp(powers - xp.call(betaln, 0.5 * dfn, 0.5 * dfd))


def _t(xp: Any, df: Any, x: Any) -> Any:
    """The density of Student's t distribution, which is the normal one for infinitely many degrees of freedom."""
    normal = df == math.inf
    df = xp.where(normal, 1.0, df)
    power = xp.exp(-0.5 * (df + 1) * xp.log1p(x * x / df) - xp.call(betaln, 0.5 * df, 0.5 + 0.0 * df)) / xp.sqrt(df)
    return xp.where(normal, xp.exp(-0.5 * (x * x)) / math.sqrt(2 * math.pi), power)


def _binomial(xp: Any, k: Any, n: Any, p: Any) -> Any:
    """Minus the slope of bdtr by p."""
    return beta_density(xp, xp.floor(k) + 1, n - xp.floor(k), p)


def _negative_binomial(xp: Any, k: Any, n: Any, p: Any) -> Any:
    return beta_density(xp, n, xp.floor(k) + 1, p)


def _poisson(xp: Any, k: Any, m: Any) -> Any:
    """Minus the slope of pdtr by m."""
    return gamma_density(xp, xp.floor(k) + 1, m)


# --- continuous ------------------------------------------------------------------------------------------------------

chdtr: Operation = special(
    "chdtr",
    "Chi-squared distribution.",
    operands=("v", "x"),
    singular=True,
    v=refuse("chdtr", "v", _SHAPE),
    x=lambda xp, t, v, x: t * _chi2(xp, v, x),
)
chdtrc: Operation = special(
    "chdtrc",
    "1 - chdtr(v, x).",
    operands=("v", "x"),
    singular=True,
    v=refuse("chdtrc", "v", _SHAPE),
    x=lambda xp, t, v, x: -t * _chi2(xp, v, x),
)
chdtri: Operation = special(
    "chdtri",
    "The inverse of chdtrc in x.",
    operands=("v", "p"),
    singular=True,
    v=refuse("chdtri", "v", _SHAPE),
    p=lambda xp, t, v, out: -t / _chi2(xp, v, out),
)
fdtr: Operation = special(
    "fdtr",
    "F distribution.",
    operands=("dfn", "dfd", "x"),
    singular=True,
    dfn=refuse("fdtr", "dfn", _SHAPE),
    dfd=refuse("fdtr", "dfd", _SHAPE),
    x=lambda xp, t, dfn, dfd, x: t * _f(xp, dfn, dfd, x),
)
fdtrc: Operation = special(
    "fdtrc",
    "1 - fdtr(dfn, dfd, x).",
    operands=("dfn", "dfd", "x"),
    singular=True,
    dfn=refuse("fdtrc", "dfn", _SHAPE),
    dfd=refuse("fdtrc", "dfd", _SHAPE),
    x=lambda xp, t, dfn, dfd, x: -t * _f(xp, dfn, dfd, x),
)
fdtri: Operation = special(
    "fdtri",
    "The inverse of fdtr in x.",
    operands=("dfn", "dfd", "p"),
    singular=True,
    dfn=refuse("fdtri", "dfn", _SHAPE),
    dfd=refuse("fdtri", "dfd", _SHAPE),
    p=lambda xp, t, dfn, dfd, out: t / _f(xp, dfn, dfd, out),
)
gdtr: Operation = special(
    "gdtr",
    "Gamma distribution of rate a and shape b.",
    operands=("a", "b", "x"),
    singular=True,
    a=lambda xp, t, a, b, x: t * (x * gamma_density(xp, b, a * x)),
    b=refuse("gdtr", "b", _SHAPE),
    x=lambda xp, t, a, b, x: t * (a * gamma_density(xp, b, a * x)),
)
gdtrc: Operation = special(
    "gdtrc",
    "1 - gdtr(a, b, x).",
    operands=("a", "b", "x"),
    singular=True,
    a=lambda xp, t, a, b, x: -t * (x * gamma_density(xp, b, a * x)),
    b=refuse("gdtrc", "b", _SHAPE),
    x=lambda xp, t, a, b, x: -t * (a * gamma_density(xp, b, a * x)),
)
stdtr: Operation = special(
    "stdtr",
    "Student's t distribution.",
    operands=("df", "x"),
    df=refuse("stdtr", "df", _SHAPE),
    x=lambda xp, t, df, x: t * _t(xp, df, x),
)
stdtrit: Operation = special(
    "stdtrit",
    "The inverse of stdtr in x.",
    operands=("df", "p"),
    singular=True,
    df=refuse("stdtrit", "df", _SHAPE),
    p=lambda xp, t, df, out: t / _t(xp, df, out),
)

# --- discrete --------------------------------------------------------------------------------------------------------

bdtr: Operation = special(
    "bdtr",
    "Binomial distribution: at most k of n.",
    whole=1,
    operands=("k", "n", "p"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    n=refuse("bdtr", "n", _TRIALS),
    p=lambda xp, t, k, n, p: -t * _binomial(xp, k, n, p),
)
bdtrc: Operation = special(
    "bdtrc",
    "1 - bdtr(k, n, p).",
    whole=1,
    operands=("k", "n", "p"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    n=refuse("bdtrc", "n", _TRIALS),
    p=lambda xp, t, k, n, p: t * _binomial(xp, k, n, p),
)
bdtri: Operation = special(
    "bdtri",
    "The inverse of bdtr in p.",
    whole=1,
    operands=("k", "n", "y"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    n=refuse("bdtri", "n", _TRIALS),
    y=lambda xp, t, k, n, out: -t / _binomial(xp, k, n, out),
)
nbdtr: Operation = special(
    "nbdtr",
    "Negative binomial distribution: at most k failures before n successes.",
    operands=("k", "n", "p"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    n=refuse("nbdtr", "n", _TRIALS),
    p=lambda xp, t, k, n, p: t * _negative_binomial(xp, k, n, p),
)
nbdtrc: Operation = special(
    "nbdtrc",
    "1 - nbdtr(k, n, p).",
    operands=("k", "n", "p"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    n=refuse("nbdtrc", "n", _TRIALS),
    p=lambda xp, t, k, n, p: -t * _negative_binomial(xp, k, n, p),
)
nbdtri: Operation = special(
    "nbdtri",
    "The inverse of nbdtr in p.",
    operands=("k", "n", "y"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    n=refuse("nbdtri", "n", _TRIALS),
    y=lambda xp, t, k, n, out: t / _negative_binomial(xp, k, n, out),
)
pdtr: Operation = special(
    "pdtr",
    "Poisson distribution: at most k.",
    operands=("k", "m"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    m=lambda xp, t, k, m: -t * _poisson(xp, k, m),
)
pdtrc: Operation = special(
    "pdtrc",
    "1 - pdtr(k, m).",
    operands=("k", "m"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    m=lambda xp, t, k, m: t * _poisson(xp, k, m),
)
pdtri: Operation = special(
    "pdtri",
    "The inverse of pdtr in m.",
    operands=("k", "y"),
    singular=True,
    k=lambda xp, t, k: step(xp, t, k),
    y=lambda xp, t, k, out: -t / _poisson(xp, k, out),
)
__all__ = [
    "bdtr",
    "bdtrc",
    "bdtri",
    "chdtr",
    "chdtrc",
    "chdtri",
    "fdtr",
    "fdtrc",
    "fdtri",
    "gdtr",
    "gdtrc",
    "nbdtr",
    "nbdtrc",
    "nbdtri",
    "pdtr",
    "pdtrc",
    "pdtri",
    "stdtr",
    "stdtrit",
]
