"""What the derivatives are at the edges: poles, ends of domains, infinities, kinks. `docs/special.md` shows this table.

The slopes are those by the arguments that have a derivative, in their order.
"""

from __future__ import annotations

import math
from typing import NamedTuple

INF, NAN = math.inf, math.nan


class Edge(NamedTuple):
    """A function at a point: the gradient for the cotangent 1."""

    name: str
    at: tuple[float, ...]
    slopes: tuple[float, ...]


def one(name: str, at: float, slope: float) -> Edge:
    """A function of one argument."""
    return Edge(name, (at,), (slope,))


REMOVABLE = (
    one("sinc", 0.0, 0.0),
    one("exprel", 0.0, 0.5),
    one("spence", 1.0, -1.0),
    Edge("boxcox", (2.0, 0.0), (0.5, math.log(2.0) ** 2 / 2)),
    Edge("boxcox1p", (1.0, 0.0), (0.5, math.log(2.0) ** 2 / 2)),
    Edge("inv_boxcox", (2.0, 0.0), (math.exp(2.0), -2 * math.exp(2.0))),
    one("j1", 0.0, 0.5),
    one("i1", 0.0, 0.5),
    one("i1e", 0.0, 0.5),
    one("ellipk", 0.0, math.pi / 8),
    one("ellipe", 0.0, -math.pi / 8),
    one("ellipkm1", 1.0, -math.pi / 8),
    one("rgamma", 0.0, 1.0),
    one("rgamma", -3.0, -6.0),
    one("rgamma", INF, 0.0),
)
ENDS = (
    one("erfinv", 1.0, INF),
    one("erfinv", -1.0, INF),
    one("erfinv", 2.0, NAN),
    one("erfcinv", 0.0, -INF),
    one("ndtri", 0.0, INF),
    one("ndtri", 1.0, INF),
    one("logit", 0.0, INF),
    one("logit", 1.0, INF),
    one("cbrt", 0.0, INF),
    one("entr", 0.0, INF),
    one("entr", -1.0, NAN),
    Edge("xlogy", (0.0, 0.0), (-INF, 0.0)),
    Edge("xlogy", (2.0, 0.0), (-INF, INF)),
    Edge("xlog1py", (0.0, -1.0), (-INF, 0.0)),
    Edge("rel_entr", (0.0, 2.0), (-INF, 0.0)),
    Edge("rel_entr", (0.0, 0.0), (NAN, 0.0)),
    Edge("kl_div", (0.0, 2.0), (-INF, 1.0)),
    Edge("kl_div", (0.0, 0.0), (NAN, 0.0)),
    Edge("boxcox", (0.0, 0.5), (INF, 4.0)),
    Edge("inv_boxcox", (-1.0, 1.0), (NAN, NAN)),
    Edge("gammainc", (0.5, 0.0), (INF,)),
    Edge("gammainc", (1.0, 0.0), (1.0,)),
    Edge("gammainc", (2.0, 0.0), (0.0,)),
    Edge("gammaincinv", (2.0, 0.0), (INF,)),
    Edge("gammaincinv", (2.0, 1.0), (INF,)),
    Edge("betainc", (0.5, 0.5, 0.0), (INF,)),
    Edge("betainc", (1.0, 1.0, 0.0), (1.0,)),
    Edge("betainc", (2.0, 3.0, 1.0), (0.0,)),
    Edge("betaincinv", (2.0, 3.0, 1.0), (INF,)),
    Edge("chdtr", (1.0, 0.0), (INF,)),
    Edge("chdtr", (2.0, 0.0), (0.5,)),
    Edge("fdtr", (2.0, 3.0, 0.0), (1.0,)),
    Edge("stdtr", (INF, 1.0), (math.exp(-0.5) / math.sqrt(2 * math.pi),)),
    Edge("pdtr", (0.0, 0.0), (-1.0,)),
    one("ellipk", 1.0, INF),
    one("ellipkm1", 0.0, -INF),
    one("ellipe", 1.0, -INF),
    Edge("lpmv", (0.0, 2.0, 1.0), (NAN,)),
    Edge("expn", (2.0, 0.0), (-INF,)),
)
POLES = (
    one("gamma", 0.0, -INF),
    one("gamma", -1.0, NAN),
    one("gammaln", 0.0, -INF),
    one("gammaln", -1.0, NAN),
    one("digamma", 0.0, INF),
    Edge("beta", (0.0, 1.0), (-INF, NAN)),
    Edge("poch", (0.0, 2.0), (NAN, 0.0)),
    Edge("binom", (3.0, 5.0), (NAN, NAN)),
    one("y0", 0.0, INF),
    one("y1", 0.0, NAN),
    one("k0", 0.0, -INF),
    one("exp1", 0.0, -INF),
    one("expi", 0.0, INF),
)
INFINITIES = (
    one("erf", INF, 0.0),
    one("erfcx", INF, 0.0),
    one("erfcx", -INF, -INF),
    one("log_ndtr", -INF, INF),
    one("log_ndtr", INF, 0.0),
    one("expit", -800.0, 0.0),
    one("log_expit", -INF, 1.0),
    one("exprel", -INF, 0.0),
    one("exprel", INF, NAN),
    one("gammaln", INF, INF),
    one("digamma", INF, 0.0),
    Edge("gammaincc", (2.0, INF), (0.0,)),
    one("i0e", INF, 0.0),
    one("k1e", INF, 0.0),
    one("j0", INF, NAN),
    one("erf", NAN, NAN),
)
KINKS = (
    one("i0e", 0.0, 0.0),
    Edge("huber", (1.0, 1.0), (0.0, 1.0)),
    Edge("huber", (0.0, 0.0), (0.0, 0.0)),
    Edge("huber", (-1.0, 1.0), (NAN, NAN)),
    Edge("pseudo_huber", (0.0, 0.0), (0.0, 0.0)),
    Edge("pseudo_huber", (0.0, 1.0), (1.0, 0.0)),
    Edge("pseudo_huber", (-1.0, 1.0), (NAN, NAN)),
)
EDGES: dict[str, tuple[str, tuple[Edge, ...]]] = {
    "Removable singularities": (
        "Near them the slopes are power series, so that the derivatives of every order are right, too.",
        REMOVABLE,
    ),
    "Ends of domains": (
        "The limit from inside, which may be infinite; NaN where it depends on the direction, or nothing is defined. A "
        "cotangent of zero stays zero: `where(x > 0, logit(x), 0)` has the gradient 0 at 0.",
        ENDS,
    ),
    "Poles": (
        "The limit from the right where SciPy's value is one, else NaN. NaN stands also where a zero meets the pole of "
        "digamma in the rule (`poch`, `binom`): no number is better than a wrong one.",
        POLES,
    ),
    "Infinities": ("The limit, where there is one.", INFINITIES),
    "Kinks": ("The subgradient of the smallest norm; NaN outside of the domain.", KINKS),
}
