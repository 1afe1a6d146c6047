"""What is claimed of the functions: the entry point `special` of the group `pullback.conformance`, a row each.

`pullback conformance --plugin special` checks them. The rows are made from the table that the tests read too. An argument
without a derivative is fixed at its value in the first point of the table; the intervals keep clear of poles and kinks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import mpmath as mp
import scipy.special
from pullback_conformance import ALL, Arg, Domain, OpSpec

import pullback_special
from pullback_special.conformance.table import ROWS, Row

DIGITS = 140
TOLERANCE = 256.0
"""The gate, in units of the last place: the values are SciPy's, which is not held to a rounding of the last place."""
INTERVALS: dict[str, tuple[float, float]] = {
    **dict.fromkeys(("gamma", "rgamma", "gammaln", "loggamma", "digamma"), (0.4, 4.0)),
    **dict.fromkeys(("y0", "y1", "k0", "k1", "k0e", "k1e"), (0.5, 6.0)),
    **dict.fromkeys(("j0", "j1", "i0", "i1"), (-3.0, 3.0)),
    **dict.fromkeys(("i0e", "i1e", "cbrt", "exp1", "expi"), (0.4, 4.0)),
    **dict.fromkeys(("tandg", "cotdg"), (15.0, 70.0)),
    **dict.fromkeys(("sindg", "cosdg"), (-170.0, 170.0)),
    **dict.fromkeys(("expit", "log_expit", "exprel", "sinc", "exp2", "exp10", "log_ndtr", "erfcx"), (-3.0, 3.0)),
    **dict.fromkeys(("erfinv",), (-0.85, 0.85)),
    **dict.fromkeys(("erfcinv",), (0.2, 1.8)),
    **dict.fromkeys(("ndtri", "logit", "ellipkm1"), (0.1, 0.9)),
    **dict.fromkeys(("ellipk", "ellipe"), (-2.0, 0.7)),
    **dict.fromkeys(("entr", "spence"), (0.2, 3.0)),
    "polygamma": (0.5, 4.0),
    "chdtri": (0.55, 0.8),  # where SciPy keeps its digits
    "multigammaln": (1.7, 6.0),
    "zeta": (0.5, 4.0),
    "huber": (0.3, 0.9),
    "lpmv": (0.2, 0.7),
    "y1": (0.5, 3.0),  # further on its slope is 0
    **dict.fromkeys(("jv", "yv", "yn", "iv", "kv", "expn"), (0.5, 5.0)),
    **dict.fromkeys(("betainc", "betaincc", "betaincinv", "betainccinv", "gammaincinv", "gammainccinv"), (0.2, 0.8)),
    **dict.fromkeys(("gammainc", "gammaincc", "chdtr", "chdtrc", "pdtr", "pdtrc", "fdtr", "fdtrc"), (0.4, 3.0)),
    **dict.fromkeys(("bdtr", "bdtrc", "bdtri", "nbdtr", "nbdtrc", "nbdtri", "fdtri", "stdtrit"), (0.2, 0.8)),
    **dict.fromkeys(("pdtri",), (0.2, 0.8)),
    **dict.fromkeys(("stdtr", "hyp1f1"), (0.2, 2.5)),
}
"""Where a function of one free argument is smooth; of several, between the points of the table."""


def filled(row: Row, function: Callable[..., Any], number: Callable[[float], Any]) -> Callable[..., Any]:
    """The function with its arguments without a derivative filled in."""
    fixed = {i: number(value) for i, value in enumerate(row.points[0]) if i not in row.wrt}
    if row.name.startswith("bdtr") and function is not row.exact:
        fixed[1] = int(row.points[0][1])
    dimension = (3,) if row.name == "multigammaln" and function is not row.exact else ()

    def call(*arguments: Any) -> Any:
        free = iter(arguments)
        return function(*(fixed[i] if i in fixed else next(free) for i in range(len(row.names))), *dimension)

    return call


def precisely(function: Callable[..., Any]) -> Callable[..., Any]:
    """In the precision that the suite's differences of it need: it has a context of mpmath of its own."""

    def exact(*arguments: Any) -> Any:
        with mp.workdps(DIGITS):
            value = function(*map(mp.mpf, arguments))
        return type(arguments[0])(value)

    return exact


def described(row: Row) -> OpSpec:
    """The row of one function."""
    reference = filled(row, getattr(scipy.special, row.name), float)
    domains = [INTERVALS.get(row.name) or (min(column), max(column)) for column in zip(*row.points, strict=True)]
    if row.name == "huber":
        domains[1] = (1.2, 3.0)
    if row.name.startswith("inv_boxcox"):
        domains = [(0.2, 2.0), (0.1, 1.5)]
    return OpSpec(
        op=f"special::{row.name}",
        call=filled(row, getattr(pullback_special, row.name), float),
        args=[Arg(row.names[i], Domain.real(*domains[i])) for i in row.wrt],
        derivatives=ALL,
        kind="elementwise",
        reference=lambda np, *arrays: reference(*arrays),
        exact=precisely(filled(row, row.exact, mp.mpf)),
        tol=dict.fromkeys(("float32", "float64"), TOLERANCE),
        module="pullback_special",
    )


def every() -> Iterator[OpSpec]:
    """A row for each function that has a derivative."""
    for row in ROWS.values():
        if row.wrt:
            yield described(row)


SPECS = tuple(every())
