"""The gamma function and its relatives: beta, incomplete gamma and beta, zeta (DLMF 5, 8, 25)."""

from __future__ import annotations

import math
from typing import Any, Final

from pullback.extend import Operation

from pullback_special.declaration import special
from pullback_special.entropy_functions import xlog1py, xlogy
from pullback_special.kernels import refuse

_SHAPE: Final = "the incomplete functions have no closed form for the derivative by a shape parameter"
_ORDER: Final = "its derivative by the order is no function of scipy.special"


def gamma_density(xp: Any, a: Any, x: Any) -> Any:
    """x^(a-1) exp(-x) / Gamma(a)."""
    finite = xp.where(x == math.inf, 0.0, x)
    density = xp.exp(xp.call(xlogy, a - 1, finite) - finite - xp.call(gammaln, a))
    return xp.where(x == math.inf, 0.0, density)


def beta_density(xp: Any, a: Any, b: Any, x: Any) -> Any:
    """x^(a-1) (1-x)^(b-1) / B(a, b)."""
    return xp.exp(xp.call(xlogy, a - 1, x) + xp.call(xlog1py, b - 1, -x) - xp.call(betaln, a, b))


def step(xp: Any, t: Any, x: Any) -> Any:
    """The derivative of a step function."""
    return xp.flat(t, x)


def _rgamma_slope(xp: Any, x: Any, out: Any) -> Any:
    """Left of 1/2 from the reflection 1/Gamma(x) = sin(pi x) Gamma(1-x) / pi, which has no poles there (DLMF 5.5.3)."""
    pi = math.pi
    real = not xp.isdtype(x.dtype, "complex floating")
    left = (x if real else xp.real(x)) < 0.5
    low, high = xp.where(left, x, 0.0), xp.where(left | xp.isinf(x), 1.0, x)
    turn = pi * (low - 2 * xp.round(low / 2)) if real else pi * low
    mirrored = (xp.cos(turn) - xp.sin(turn) / pi * xp.call(digamma, 1 - low)) * xp.call(gamma, 1 - low)
    return xp.where(left, mirrored, -out * xp.call(digamma, high))


digamma: Operation = special(
    "digamma",
    "The logarithmic derivative of the gamma function.",
    kernel="psi",
    singular=True,
    x=lambda xp, t, x: t * xp.call(polygamma, 1, x),
)
psi = digamma
polygamma: Operation = special(
    "polygamma",
    "The n-th derivative of digamma.",
    operands=("n", "x"),
    singular=True,
    n=refuse("polygamma", "n", _ORDER),
    x=lambda xp, t, n, x: t * xp.call(polygamma, n + 1, x),
)
gamma: Operation = special(
    "gamma",
    "The gamma function.",
    singular=True,
    x=lambda xp, t, x, out: t * (out * xp.call(digamma, x)),
)
rgamma: Operation = special(
    "rgamma",
    "1 / gamma(x), which is entire.",
    x=lambda xp, t, x, out: t * _rgamma_slope(xp, x, out),
)
gammaln: Operation = special(
    "gammaln",
    "log |gamma(x)|.",
    singular=True,
    x=lambda xp, t, x: t * xp.call(digamma, x),
)
loggamma: Operation = special(
    "loggamma",
    "The principal branch of log(gamma(x)).",
    singular=True,
    x=lambda xp, t, x: t * xp.call(digamma, x),
)
gammasgn: Operation = special(
    "gammasgn",
    "The sign of gamma(x). Its derivative is 0.",
    product=False,
    x=step,
)
beta: Operation = special(
    "beta",
    "The beta function.",
    singular=True,
    a=lambda xp, t, a, b, out: t * (out * (xp.call(digamma, a) - xp.call(digamma, a + b))),
    b=lambda xp, t, a, b, out: t * (out * (xp.call(digamma, b) - xp.call(digamma, a + b))),
)
betaln: Operation = special(
    "betaln",
    "log |beta(a, b)|.",
    singular=True,
    a=lambda xp, t, a, b: t * (xp.call(digamma, a) - xp.call(digamma, a + b)),
    b=lambda xp, t, a, b: t * (xp.call(digamma, b) - xp.call(digamma, a + b)),
)
poch: Operation = special(
    "poch",
    "gamma(z + m) / gamma(z).",
    singular=True,
    z=lambda xp, t, z, m, out: t * (out * (xp.call(digamma, z + m) - xp.call(digamma, z))),
    m=lambda xp, t, z, m, out: t * (out * xp.call(digamma, z + m)),
)
binom: Operation = special(
    "binom",
    "The binomial coefficient of real numbers.",
    singular=True,
    n=lambda xp, t, n, k, out: t * (out * (xp.call(digamma, n + 1) - xp.call(digamma, n - k + 1))),
    k=lambda xp, t, n, k, out: t * (out * (xp.call(digamma, n - k + 1) - xp.call(digamma, k + 1))),
)
riemann_zeta: Operation = special(
    "riemann_zeta",
    "The Riemann zeta function.",
    kernel="zeta",
    x=refuse("zeta", "x", _ORDER),
)
hurwitz_zeta: Operation = special(
    "hurwitz_zeta",
    "The Hurwitz zeta function.",
    kernel="zeta",
    operands=("x", "q"),
    singular=True,
    x=refuse("zeta", "x", _ORDER),
    q=lambda xp, t, x, q: t * (-x * xp.call(hurwitz_zeta, x + 1, q)),
)
zetac: Operation = special(
    "zetac",
    "The Riemann zeta function minus 1.",
    x=refuse("zetac", "x", _ORDER),
)
gammainc: Operation = special(
    "gammainc",
    "The regularized lower incomplete gamma function.",
    operands=("a", "x"),
    singular=True,
    a=refuse("gammainc", "a", _SHAPE),
    x=lambda xp, t, a, x: t * gamma_density(xp, a, x),
)
gammaincc: Operation = special(
    "gammaincc",
    "The regularized upper incomplete gamma function.",
    operands=("a", "x"),
    singular=True,
    a=refuse("gammaincc", "a", _SHAPE),
    x=lambda xp, t, a, x: -t * gamma_density(xp, a, x),
)
gammaincinv: Operation = special(
    "gammaincinv",
    "The inverse of gammainc in x.",
    operands=("a", "y"),
    singular=True,
    a=refuse("gammaincinv", "a", _SHAPE),
    y=lambda xp, t, a, out: t / gamma_density(xp, a, out),
)
gammainccinv: Operation = special(
    "gammainccinv",
    "The inverse of gammaincc in x.",
    operands=("a", "y"),
    singular=True,
    a=refuse("gammainccinv", "a", _SHAPE),
    y=lambda xp, t, a, out: -t / gamma_density(xp, a, out),
)
betainc: Operation = special(
    "betainc",
    "The regularized incomplete beta function.",
    operands=("a", "b", "x"),
    singular=True,
    a=refuse("betainc", "a", _SHAPE),
    b=refuse("betainc", "b", _SHAPE),
    x=lambda xp, t, a, b, x: t * beta_density(xp, a, b, x),
)
betaincc: Operation = special(
    "betaincc",
    "1 - betainc(a, b, x).",
    operands=("a", "b", "x"),
    singular=True,
    a=refuse("betaincc", "a", _SHAPE),
    b=refuse("betaincc", "b", _SHAPE),
    x=lambda xp, t, a, b, x: -t * beta_density(xp, a, b, x),
)
betaincinv: Operation = special(
    "betaincinv",
    "The inverse of betainc in x.",
    operands=("a", "b", "y"),
    singular=True,
    a=refuse("betaincinv", "a", _SHAPE),
    b=refuse("betaincinv", "b", _SHAPE),
    y=lambda xp, t, a, b, out: t / beta_density(xp, a, b, out),
)
betainccinv: Operation = special(
    "betainccinv",
    "The inverse of betaincc in x.",
    operands=("a", "b", "y"),
    singular=True,
    a=refuse("betainccinv", "a", _SHAPE),
    b=refuse("betainccinv", "b", _SHAPE),
    y=lambda xp, t, a, b, out: -t / beta_density(xp, a, b, out),
)


def zeta(x: Any, q: Any = None, /) -> Any:
    """The Riemann zeta function, or with `q` the Hurwitz zeta function: the sum of (k + q)^-x.

    >>> import pullback as pb
    >>> from pullback_special import zeta
    >>> q = pb.tensor(1.0, requires_grad=True)
    >>> zeta(2.0, q).backward()
    >>> q.grad
    tensor(-2.4041)
    """
    return riemann_zeta(x) if q is None else hurwitz_zeta(x, q)


def multigammaln(a: Any, d: int, /) -> Any:
    """log of the multivariate gamma function of dimension `d`.

    >>> import pullback as pb
    >>> from pullback_special import multigammaln
    >>> multigammaln(pb.tensor([2.0]), 2)
    tensor([0.4516])
    """
    total = gammaln(a)
    for j in range(1, d):
        total = total + gammaln(a - 0.5 * j)
    return total + 0.25 * d * (d - 1) * math.log(math.pi)


__all__ = [
    "beta",
    "betainc",
    "betaincc",
    "betainccinv",
    "betaincinv",
    "betaln",
    "binom",
    "digamma",
    "gamma",
    "gammainc",
    "gammaincc",
    "gammainccinv",
    "gammaincinv",
    "gammaln",
    "gammasgn",
    "loggamma",
    "multigammaln",
    "poch",
    "polygamma",
    "psi",
    "rgamma",
    "zeta",
    "zetac",
]
