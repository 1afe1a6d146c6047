"""Every function of the package: what it is, in the words of mpmath, where it is checked, and how precisely.

The tests and `docs/special.md` read this table. `exact` is the definition in arbitrary precision, of which mpmath takes
the derivatives; a point is one value for each argument. The errors are in units of the last place, relative to the exact
value: `values`, `slopes` and `curvatures` are the largest that the tests allow in float64.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath as mp

Point = tuple[float, ...]


@dataclass(frozen=True)
class Row:
    """One function. By the arguments `refused` there is no derivative; by `counted` ones it is 0."""

    name: str
    arguments: str
    exact: Callable[..., Any]
    points: tuple[Point, ...]
    refused: str = ""
    counted: str = ""
    values: float = 16
    slopes: float = 32
    curvatures: float = 128
    complex: tuple[complex, ...] = ()
    note: str = ""

    @property
    def names(self) -> list[str]:
        """The names of the arguments."""
        return self.arguments.split()

    @property
    def wrt(self) -> list[int]:
        """The positions of the arguments by which there is a derivative."""
        return [i for i, name in enumerate(self.names) if name not in (*self.refused.split(), *self.counted.split())]


def along(*values: float) -> tuple[Point, ...]:
    """Points of a function of one argument."""
    return tuple((value,) for value in values)


def inverse(function: Callable[..., Any], low: float, high: float) -> Callable[..., Any]:
    """The inverse in the last argument, which lies between two bounds."""

    def inverted(*arguments: Any) -> Any:
        *fixed, y = arguments
        return mp.findroot(lambda x: function(*fixed, x) - y, (mp.mpf(low), mp.mpf(high)), solver="anderson")

    return inverted


def lower_gamma(a: Any, x: Any) -> Any:
    """P(a, x)."""
    return mp.gammainc(a, 0, x, regularized=True)


def upper_gamma(a: Any, x: Any) -> Any:
    """Q(a, x)."""
    return mp.gammainc(a, x, mp.inf, regularized=True)


def lower_beta(a: Any, b: Any, x: Any) -> Any:
    """I_x(a, b)."""
    return mp.betainc(a, b, 0, x, regularized=True)


def upper_beta(a: Any, b: Any, x: Any) -> Any:
    """1 - I_x(a, b)."""
    return mp.betainc(a, b, x, 1, regularized=True)


def student(df: Any, x: Any) -> Any:
    """Student's t distribution."""
    tail = lower_beta(df / 2, mp.mpf(1) / 2, df / (df + x * x)) / 2
    return tail if x < 0 else 1 - tail


def f_lower(dfn: Any, dfd: Any, x: Any) -> Any:
    """F distribution."""
    return lower_beta(dfn / 2, dfd / 2, dfn * x / (dfd + dfn * x))


def f_upper(dfn: Any, dfd: Any, x: Any) -> Any:
    """The complement of the F distribution."""
    return lower_beta(dfd / 2, dfn / 2, dfd / (dfd + dfn * x))


def huber(delta: Any, r: Any) -> Any:
    """Huber's loss."""
    return r * r / 2 if abs(r) <= delta else delta * (abs(r) - delta / 2)


def multigamma(a: Any) -> Any:
    """multigammaln(a, 3)."""
    return 3 * mp.log(mp.pi) / 2 + sum(mp.loggamma(a - mp.mpf(j) / 2) for j in range(3))


def boxcox(x: Any, lmbda: Any) -> Any:
    """The power transform of Box and Cox."""
    return mp.log(x) if lmbda == 0 else mp.expm1(lmbda * mp.log(x)) / lmbda


def inv_boxcox(y: Any, lmbda: Any) -> Any:
    """Its inverse."""
    return mp.exp(y) if lmbda == 0 else mp.exp(mp.log1p(lmbda * y) / lmbda)


def sinc(x: Any) -> Any:
    """sin(pi x) / (pi x)."""
    return mp.sinc(mp.pi * x)


def exprel(x: Any) -> Any:
    """(exp(x) - 1) / x."""
    return mp.hyp1f1(1, 2, x)


_SHAPES = ((0.5, 0.3), (2.5, 1.5), (4.0, 7.0), (1.0, 0.2))
_BETAS = ((0.5, 1.5, 0.3), (2.5, 3.0, 0.6), (4.0, 1.0, 0.9))
_BETA_LEVELS = ((0.5, 1.5, 0.3), (2.5, 3.0, 0.6), (4.0, 2.0, 0.7))
_F = ((2.0, 5.0, 0.7), (4.0, 3.0, 1.8), (1.0, 7.0, 3.0))
_PROBABILITIES = along(0.02, 0.3, 0.5, 0.7, 0.98)
_REAL = along(-2.3, -0.7, 0.4, 1.3, 3.7)
_POSITIVE = along(0.2, 0.9, 2.3, 7.7, 30.0)
_ORDERS = ((0.5, 0.7), (2.0, 3.1), (3.5, 1.4), (1.0, 9.0))
_COUNTS = ((2.0, 5.0, 0.3), (0.0, 3.0, 0.6), (4.0, 9.0, 0.45))
_PAIRS = ((0.3, 0.8), (2.1, 0.4), (1.7, 5.0))

ERRORS = (
    Row("erf", "x", mp.erf, _REAL, complex=(0.3 + 0.4j, -1.1 + 0.2j)),
    Row("erfc", "x", mp.erfc, along(-2.3, 0.4, 3.7, 6.0), complex=(0.3 + 0.4j, 1.1 - 0.2j)),
    Row(
        "erfcx",
        "x",
        lambda x: mp.exp(x * x) * mp.erfc(x),
        along(-3.0, -0.7, 0.4, 1.9, 2.1, 3.7, 30.0, 1e5),
        complex=(0.3 + 0.4j, 2.6 - 0.7j),
        slopes=64,
        curvatures=256,
    ),
    Row("erfinv", "x", mp.erfinv, along(-0.9, -0.3, 0.2, 0.7, 0.98)),
    Row("erfcinv", "x", lambda x: mp.erfinv(1 - x), along(0.02, 0.6, 1.2, 1.9)),
    Row("ndtr", "x", mp.ncdf, _REAL),
    Row("ndtri", "x", lambda x: mp.sqrt(2) * mp.erfinv(2 * x - 1), along(0.02, 0.3, 0.7, 0.98)),
    Row("log_ndtr", "x", lambda x: mp.log(mp.erfc(-x / mp.sqrt(2)) / 2), along(-200.0, -30.0, -3.0, -0.4, 0.7, 4.0)),
)
GAMMAS = (
    Row("gamma", "x", mp.gamma, along(-2.3, -0.5, 0.3, 1.2, 2.9, 7.7, 30.0), complex=(0.3 + 0.4j, 2.6 - 0.7j)),
    Row(
        "rgamma",
        "x",
        mp.rgamma,
        along(-2.3, -2.0, -1.0, -0.5, 0.0, 0.3, 1.2, 7.7),
        complex=(0.7 + 0.4j, -1.6 - 0.7j),
        slopes=64,
        curvatures=2048,
    ),
    Row("gammaln", "x", lambda x: mp.log(abs(mp.gamma(x))), along(-2.3, -0.5, 0.3, 2.9, 7.7, 300.0)),
    Row("loggamma", "x", mp.loggamma, along(0.3, 2.9, 7.7, 300.0), complex=(0.3 + 0.4j, 2.6 - 0.7j)),
    Row("digamma", "x", lambda x: mp.psi(0, x), along(-2.3, -0.5, 0.3, 1.1, 7.7, 30.0), note="also called psi"),
    Row(
        "polygamma",
        "n x",
        lambda n, x: mp.psi(int(n), x),
        ((0.0, 0.7), (1.0, 2.3), (2.0, 0.9), (3.0, 7.7)),
        refused="n",
    ),
    Row("beta", "a b", mp.beta, _PAIRS),
    Row("betaln", "a b", lambda a, b: mp.log(mp.beta(a, b)), _PAIRS),
    Row("poch", "z m", mp.rf, ((0.7, 2.3), (3.1, 0.4), (2.0, 5.0))),
    Row("binom", "n k", mp.binomial, ((4.3, 1.2), (7.0, 2.0), (0.6, 0.2))),
    Row("multigammaln", "a", multigamma, along(1.7, 3.2, 20.0)),
    Row("zeta", "x q", mp.zeta, ((2.0, 0.7), (3.5, 2.2), (1.5, 4.0)), refused="x"),
    Row("zetac", "x", lambda x: mp.zeta(x) - 1, along(1.5, 3.0, -2.5), refused="x"),
    Row("gammainc", "a x", lower_gamma, _SHAPES, refused="a"),
    Row("gammaincc", "a x", upper_gamma, _SHAPES, refused="a"),
    Row("gammaincinv", "a y", inverse(lower_gamma, 0.01, 9), ((0.8, 0.3), (2.5, 0.7)), refused="a"),
    Row("gammainccinv", "a y", inverse(upper_gamma, 0.01, 9), ((0.8, 0.3), (2.5, 0.4)), refused="a"),
    Row("betainc", "a b x", lower_beta, _BETAS, refused="a b"),
    Row("betaincc", "a b x", upper_beta, _BETAS, refused="a b"),
    Row("betaincinv", "a b y", inverse(lower_beta, 0.01, 0.99), _BETA_LEVELS, refused="a b"),
    Row("betainccinv", "a b y", inverse(upper_beta, 0.01, 0.99), _BETA_LEVELS, refused="a b"),
)
ENTROPIES = (
    Row("xlogy", "x y", lambda x, y: x * mp.log(y), _PAIRS, complex=(0.7 + 0.4j, -1.6 - 0.7j)),
    Row("xlog1py", "x y", lambda x, y: x * mp.log1p(y), _PAIRS, complex=(0.7 + 0.4j, -1.6 - 0.7j)),
    Row("entr", "x", lambda x: -x * mp.log(x), along(0.1, 0.8, 3.0)),
    Row("rel_entr", "x y", lambda x, y: x * mp.log(x / y), _PAIRS, slopes=64),
    Row("kl_div", "x y", lambda x, y: x * mp.log(x / y) - x + y, _PAIRS),
    Row("huber", "delta r", huber, ((1.0, 0.4), (1.0, -2.5), (0.5, 3.0))),
    Row("pseudo_huber", "delta r", lambda d, r: d * d * (mp.sqrt(1 + (r / d) ** 2) - 1), ((1.0, 2.4), (0.5, -3.0))),
    Row("expit", "x", lambda x: 1 / (1 + mp.exp(-x)), along(-30.0, -0.7, 0.4, 3.7, 30.0)),
    Row("log_expit", "x", lambda x: -mp.log1p(mp.exp(-x)), along(-30.0, -0.7, 0.4, 3.7, 30.0)),
    Row("logit", "x", lambda x: mp.log(x / (1 - x)), along(1e-9, 0.02, 0.3, 0.7, 0.98)),
    Row("boxcox", "x lmbda", boxcox, ((0.3, 0.0), (0.3, 0.7), (2.5, -1.5), (4.0, 1e-9), (9.0, 2.0))),
    Row("boxcox1p", "x lmbda", lambda x, k: boxcox(1 + x, k), ((0.3, 0.0), (0.3, 0.7), (2.5, -1.5), (4.0, 1e-9))),
    Row("inv_boxcox", "y lmbda", inv_boxcox, ((0.3, 0.0), (0.4, 0.7), (0.5, -1.5), (2.0, 1e-9), (3.0, 2.0))),
    Row(
        "inv_boxcox1p",
        "y lmbda",
        lambda y, k: inv_boxcox(y, k) - 1,
        ((0.3, 0.0), (0.4, 0.7), (0.5, -1.5), (2.0, 1e-9)),
    ),
    Row("cbrt", "x", lambda x: mp.sign(x) * abs(x) ** (mp.mpf(1) / 3), _REAL),
    Row("exp2", "x", lambda x: mp.mpf(2) ** x, _REAL),
    Row("exp10", "x", lambda x: mp.mpf(10) ** x, _REAL),
    Row("exprel", "x", exprel, along(-30.0, -2.3, -0.4, 0.0, 1e-9, 0.7, 1.2, 20.0)),
    Row("sinc", "x", sinc, along(-2.3, -0.4, 0.0, 1e-9, 0.3, 0.6, 1.2, 4.7)),
    Row("cosm1", "x", lambda x: -2 * mp.sin(x / 2) ** 2, along(-2.3, 1e-9, 0.4)),
    Row("sindg", "x", lambda x: mp.sin(mp.radians(x)), along(-200.0, 0.0, 30.0, 100.0)),
    Row("cosdg", "x", lambda x: mp.cos(mp.radians(x)), along(-200.0, 30.0, 100.0)),
    Row("tandg", "x", lambda x: mp.tan(mp.radians(x)), along(-200.0, 30.0, 100.0)),
    Row("cotdg", "x", lambda x: mp.cot(mp.radians(x)), along(-200.0, 30.0, 100.0)),
    Row(
        "radian",
        "d m s",
        lambda d, m, s: mp.radians(d + m / 60 + s / 3600),
        ((10.0, 20.0, 30.0), (-3.0, 5.0, 0.5)),
    ),
)
BESSEL = (
    *(
        Row(name, "x", partial(function, order), points)
        for name, function, order, points in (
            ("j0", mp.besselj, 0, along(-3.1, 0.0, 0.4, 0.9, 1.1, 7.7, 30.0)),
            ("j1", mp.besselj, 1, along(-3.1, 0.0, 0.4, 0.9, 1.1, 7.7, 30.0)),
            ("y0", mp.bessely, 0, _POSITIVE),
            ("y1", mp.bessely, 1, _POSITIVE),
            ("i0", mp.besseli, 0, along(-3.1, 0.0, 0.4, 1.1, 7.7, 30.0)),
            ("i1", mp.besseli, 1, along(-3.1, 0.0, 0.4, 1.1, 7.7, 30.0)),
            ("k0", mp.besselk, 0, _POSITIVE),
            ("k1", mp.besselk, 1, _POSITIVE),
        )
    ),
    Row(
        "i0e",
        "x",
        lambda x: mp.exp(-abs(x)) * mp.besseli(0, x),
        along(-3.1, 0.4, 1.1, 7.7),
        slopes=128,
        curvatures=1024,
    ),
    Row(
        "i1e",
        "x",
        lambda x: mp.exp(-abs(x)) * mp.besseli(1, x),
        along(-3.1, 0.4, 1.2, 7.7),
        slopes=128,
        curvatures=2048,
    ),
    Row("k0e", "x", lambda x: mp.exp(x) * mp.besselk(0, x), along(0.2, 0.9, 2.3, 7.7), curvatures=256),
    Row("k1e", "x", lambda x: mp.exp(x) * mp.besselk(1, x), along(0.2, 0.9, 2.3, 7.7)),
    Row("jv", "v x", mp.besselj, _ORDERS, refused="v"),
    Row("yv", "v x", mp.bessely, _ORDERS, refused="v"),
    Row("yn", "n x", mp.bessely, ((0.0, 0.7), (2.0, 3.1), (3.0, 9.0)), refused="n"),
    Row("iv", "v x", mp.besseli, _ORDERS, refused="v"),
    Row("kv", "v x", mp.besselk, _ORDERS, refused="v"),
)
INTEGRALS = (
    Row("exp1", "x", mp.e1, _POSITIVE, complex=(0.7 + 0.4j, 1.6 - 0.7j)),
    Row("expi", "x", mp.ei, along(-2.3, 0.9, 7.7), complex=(0.7 + 0.4j,)),
    Row("expn", "n x", mp.expint, ((0.0, 0.7), (1.0, 1.3), (2.0, 0.4), (5.0, 3.0)), refused="n"),
    Row("spence", "x", lambda x: mp.polylog(2, 1 - x), along(0.1, 0.7, 0.99, 1.0, 1.2, 1.9, 7.7)),
    Row("ellipk", "m", mp.ellipk, along(-3.0, -0.2, 0.0, 0.2, 0.3, 0.9)),
    Row("ellipkm1", "p", lambda p: mp.ellipk(1 - p), along(1e-9, 0.1, 0.7, 0.8, 1.0, 3.0)),
    Row("ellipe", "m", mp.ellipe, along(-3.0, -0.2, 0.0, 0.2, 0.3, 0.9)),
    Row("hyp1f1", "a b x", mp.hyp1f1, ((0.5, 1.5, 0.7), (2.0, 3.1, -2.0), (1.2, 0.7, 3.0)), refused="a b"),
    Row("lpmv", "m v x", lambda m, v, x: mp.legenp(v, m, x), ((0.0, 2.0, 0.3), (1.0, 3.0, -0.6)), refused="m v"),
)
DISTRIBUTIONS = (
    Row("chdtr", "v x", lambda v, x: lower_gamma(v / 2, x / 2), ((1.0, 0.7), (5.0, 3.0)), refused="v"),
    Row("chdtrc", "v x", lambda v, x: upper_gamma(v / 2, x / 2), ((1.0, 0.7), (5.0, 3.0)), refused="v"),
    Row(
        "chdtri",
        "v p",
        inverse(lambda v, x: upper_gamma(v / 2, x / 2), 0.01, 20),
        ((1.0, 0.3), (5.0, 0.6)),
        refused="v",
        values=128,
        slopes=128,
        curvatures=256,
    ),
    Row("fdtr", "dfn dfd x", f_lower, _F, refused="dfn dfd"),
    Row("fdtrc", "dfn dfd x", f_upper, _F, refused="dfn dfd"),
    Row("fdtri", "dfn dfd p", inverse(f_lower, 0.01, 30), ((2.0, 5.0, 0.3), (4.0, 3.0, 0.8)), refused="dfn dfd"),
    Row("gdtr", "a b x", lambda a, b, x: lower_gamma(b, a * x), ((0.7, 1.5, 2.0), (2.0, 3.0, 0.9)), refused="b"),
    Row("gdtrc", "a b x", lambda a, b, x: upper_gamma(b, a * x), ((0.7, 1.5, 2.0), (2.0, 3.0, 0.9)), refused="b"),
    Row("stdtr", "df x", student, ((3.0, 0.7), (10.0, -1.4), (1.5, 2.0)), refused="df"),
    Row("stdtrit", "df p", inverse(student, -9, 9), ((3.0, 0.7), (10.0, 0.2)), refused="df"),
    Row("bdtr", "k n p", lambda k, n, p: lower_beta(n - k, k + 1, 1 - p), _COUNTS, refused="n", counted="k"),
    Row("bdtrc", "k n p", lambda k, n, p: lower_beta(k + 1, n - k, p), _COUNTS, refused="n", counted="k"),
    Row(
        "bdtri",
        "k n y",
        inverse(lambda k, n, p: lower_beta(n - k, k + 1, 1 - p), 0.001, 0.999),
        ((2.0, 5.0, 0.3), (0.0, 3.0, 0.6)),
        refused="n",
        counted="k",
    ),
    Row("nbdtr", "k n p", lambda k, n, p: lower_beta(n, k + 1, p), _COUNTS, refused="n", counted="k"),
    Row("nbdtrc", "k n p", lambda k, n, p: upper_beta(n, k + 1, p), _COUNTS, refused="n", counted="k"),
    Row(
        "nbdtri",
        "k n y",
        inverse(lambda k, n, p: lower_beta(n, k + 1, p), 0.001, 0.999),
        ((2.0, 5.0, 0.3), (1.0, 3.0, 0.6)),
        refused="n",
        counted="k",
    ),
    Row("pdtr", "k m", lambda k, m: upper_gamma(k + 1, m), ((2.0, 0.7), (0.0, 1.3), (5.0, 4.0)), counted="k"),
    Row("pdtrc", "k m", lambda k, m: lower_gamma(k + 1, m), ((2.0, 0.7), (0.0, 1.3), (5.0, 4.0)), counted="k"),
    Row("pdtri", "k y", inverse(lambda k, m: upper_gamma(k + 1, m), 0.01, 20), ((2.0, 0.7), (0.0, 0.3)), counted="k"),
    Row("gammasgn", "x", lambda x: mp.sign(mp.gamma(x)), along(-1.5, -0.5, 2.0), counted="x"),
)
CHAPTERS = {
    "Error functions and the normal distribution": ERRORS,
    "Gamma and beta functions": GAMMAS,
    "Entropies, losses, logits, powers and angles": ENTROPIES,
    "Bessel functions": BESSEL,
    "Integrals": INTEGRALS,
    "Distributions, and steps": DISTRIBUTIONS,
}
ROWS = {row.name: row for rows in CHAPTERS.values() for row in rows}
