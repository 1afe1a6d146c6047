"""The gradients at kinks, ties and boundaries, as one table: what docs/kinks.md shows and test_kinks.py holds.

The code is a function of x, y, z, in this order; `at` gives their values. The slopes are the gradient for the cotangent 1
with respect to each, and, in real numbers, what forward mode gives along each element; `forward` says where that differs.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import pullback as pb

INF, NAN = math.inf, math.nan
ARGUMENTS = "xyz"


class Kink(NamedTuple):
    """One choice."""

    code: str
    at: tuple[Any, ...]
    slopes: tuple[Any, ...]
    forward: tuple[Any, ...] | None = None

    @property
    def call(self) -> Callable[..., Any]:
        """The code as a function."""
        function: Callable[..., Any] = eval(f"lambda {', '.join(ARGUMENTS[: len(self.at)])}: {self.code}", {"pb": pb})
        return function


def one(code: str, at: Any, slope: Any, forward: Any = None) -> Kink:
    """A function of one array."""
    return Kink(code, (at,), (slope,), None if forward is None else (forward,))


IDENTITY = [[1.0, 0.0], [0.0, 1.0]]
ZEROS = [[0.0, 0.0], [0.0, 0.0]]

KINKS: dict[str, tuple[str, list[Kink]]] = {
    "Absolute values and norms": (
        "The subgradient of the smallest norm, which is 0 at a minimum.",
        [
            one("pb.abs(x)", 0.0, 0.0),
            one("pb.sign(x)", 0.0, 0.0),
            Kink("pb.hypot(x, y)", (0.0, 0.0), (0.0, 0.0)),
            one("pb.linalg.vector_norm(x)", [0.0, 0.0], [0.0, 0.0]),
            one("pb.linalg.vector_norm(x, ord=3)", [0.0, 0.0], [0.0, 0.0]),
            one("pb.linalg.vector_norm(x, ord=0.5)", [0.0, 0.0], [0.0, 0.0]),
            one("pb.linalg.vector_norm(x, ord=1)", [0.0, -2.0], [0.0, -1.0]),
            one("pb.linalg.matrix_norm(x, ord='fro')", ZEROS, ZEROS),
            one("pb.std(x)", [2.0, 2.0], [0.0, 0.0]),
            Kink("pb.atan2(x, y)", (0.0, 0.0), (0.0, 0.0)),
            Kink("pb.copysign(x, y)", (0.0, 1.0), (0.0, 0.0)),
        ],
    ),
    "Ties": (
        "Equal candidates share the gradient evenly, and none of it is lost. A sort is a permutation instead: of equal "
        "elements the first stays first.",
        [
            Kink("pb.maximum(x, y)", (1.0, 1.0), (0.5, 0.5)),
            Kink("pb.minimum(x, y)", (1.0, 1.0), (0.5, 0.5)),
            one("pb.maximum(x, 0.0)", 0.0, 0.5),
            one("pb.max(x)", [1.0, 3.0, 3.0, 2.0], [0.0, 0.5, 0.5, 0.0]),
            one("pb.max(x, axis=0)", [1.0, 3.0, 3.0, 2.0], [0.0, 0.5, 0.5, 0.0]),
            one("pb.min(x)", [1.0, 1.0, 3.0], [0.5, 0.5, 0.0]),
            one("pb.linalg.vector_norm(x, ord=float('inf'))", [3.0, -3.0, 1.0], [0.5, -0.5, 0.0]),
            one("pb.sort(x)[0]", [1.0, 1.0, 1.0], [1.0, 0.0, 0.0]),
            one("pb.sort(x, descending=True)[0]", [1.0, 1.0, 1.0], [1.0, 0.0, 0.0]),
            one("x[[0, 0]].sum()", [1.0, 2.0], [2.0, 0.0]),
            Kink("pb.maximum(x, y)", (NAN, 1.0), (1.0, 0.0)),
        ],
    ),
    "Limits": (
        "`clip` passes the gradient on the closed interval, and to a bound strictly outside of it; `where` on the branch "
        "taken.",
        [
            one("x.relu()", 0.0, 0.0),
            one("x.clamp(min=0)", 0.0, 1.0),
            one("pb.clip(x, 0, 1)", [-1.0, 0.0, 0.5, 1.0, 2.0], [0.0, 1.0, 1.0, 1.0, 0.0]),
            Kink("pb.clip(x, y, z)", ([-1.0, 0.0, 1.0, 2.0], 0.0, 1.0), ([0.0, 1.0, 1.0, 0.0], 1.0, 1.0)),
            one("pb.clip(x, 0, 1)", NAN, 0.0),
            one("pb.where(x > 0, x, 0.0)", 0.0, 0.0),
        ],
    ),
    "Steps": (
        "Zero, also where they jump, and a Tensor of zeros that can be differentiated again.",
        [
            one("pb.floor(x)", 1.0, 0.0),
            one("pb.ceil(x)", 1.0, 0.0),
            one("pb.trunc(x)", 1.0, 0.0),
            one("pb.round(x)", 0.5, 0.0),
            Kink("x // y", (4.0, 2.0), (0.0, 0.0)),
            Kink("x % y", (5.5, 2.0), (1.0, -2.0)),
            Kink("x % y", (-5.5, 2.0), (1.0, 3.0)),
            Kink("x % y", (4.0, 2.0), (1.0, -2.0)),
        ],
    ),
    "Boundaries of a domain": (
        "The limit, which may be infinite.",
        [
            one("pb.sqrt(x)", 0.0, INF),
            one("pb.log(x)", 0.0, INF),
            one("pb.log1p(x)", -1.0, INF),
            one("pb.asin(x)", 1.0, INF),
            one("pb.acos(x)", 1.0, -INF),
            one("pb.acosh(x)", 1.0, INF),
            one("pb.atanh(x)", 1.0, INF),
            Kink("x / y", (1.0, 0.0), (INF, -INF)),
            Kink("x / y", (0.0, 0.0), (INF, NAN)),
            one("x * pb.log(x)", 0.0, -INF),
        ],
    ),
    "Powers": (
        "Of a Python number, and of an array, whose own derivative is `x ** y * log(x)`.",
        [
            one("x ** 0", 0.0, 0.0),
            one("x ** 1", 0.0, 1.0),
            one("x ** 2", 0.0, 0.0),
            one("x ** 0.5", 0.0, INF),
            one("x ** -1", 0.0, -INF),
            Kink("x ** y", (0.0, 0.0), (0.0, 0.0)),
            Kink("x ** y", (0.0, 1.0), (1.0, 0.0)),
            Kink("x ** y", (0.0, 2.0), (0.0, 0.0)),
            Kink("x ** y", (0.0, -1.0), (-INF, -INF)),
            Kink("x ** y", (-2.0, 2.0), (-4.0, NAN)),
        ],
    ),
    "Infinite arguments": (
        "Shares of equal infinities are equal.",
        [
            Kink("pb.logaddexp(x, y)", (-INF, -INF), (0.5, 0.5)),
            Kink("pb.logaddexp(x, y)", (INF, INF), (0.5, 0.5)),
            Kink("pb.logaddexp(x, y)", (INF, 1.0), (1.0, 0.0)),
            Kink("pb.logaddexp(x, y)", (-INF, 1.0), (0.0, 1.0)),
            one("pb.log(pb.exp(x).sum())", [-INF, 1.0], [0.0, 1.0]),
            one("pb.log(pb.exp(x).sum())", [-INF, -INF], [NAN, NAN], [0.0, 0.0]),
        ],
    ),
    "Branches not taken": (
        "What does not reach the result contributes 0, whatever its derivative: a cotangent of 0 stays 0. An infinite "
        "slope that meets a factor of 0 is undefined, and NaN, backwards; forwards the 0 comes first, and stays. Write "
        "`vector_norm` for the norm. (`pb.autograd.ieee_products()` multiplies without this rule.)",
        [
            one("pb.where(x > 0, pb.sqrt(x), 0.0)", [0.0, -1.0, 4.0], [0.0, 0.0, 0.25]),
            one("pb.where(x != 0, pb.sin(x) / x, 1.0)", 0.0, 0.0),
            one("pb.where(x > 0, x * pb.log(x), 0.0)", 0.0, 0.0),
            one("pb.sqrt(x * x)", 0.0, NAN, 0.0),
            one("pb.sqrt(pb.sum(x ** 2))", [0.0, 0.0], [NAN, NAN], [0.0, 0.0]),
        ],
    ),
    "Products and sums": (
        "Exact at zeros: nothing is divided. Of nothing, and of less than one degree of freedom, as the values are.",
        [
            one("pb.prod(x)", [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
            one("pb.prod(x)", [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
            one("pb.cumulative_prod(x).sum()", [2.0, 0.0, 3.0], [1.0, 8.0, 0.0]),
            one("pb.sum(x)", [], []),
            one("pb.mean(x)", [], []),
            one("pb.var(x, correction=1)", [3.0], [NAN]),
        ],
    ),
    "Matrices": (
        "The gradient of `det` is the adjugate, also where there is no inverse. Decompositions of a symmetric matrix have a "
        "symmetric gradient. Of equal eigenvalues, each has the gradient of the vector that was found; a loss that depends "
        "on the vectors themselves raises `DegenerateError` there.",
        [
            one("pb.linalg.det(x)", [[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
            one("pb.linalg.det(x)", ZEROS, ZEROS),
            one("pb.linalg.cholesky(x).sum()", [[4.0, 2.0], [2.0, 5.0]], [[0.1875, 0.125], [0.125, 0.25]]),
            one("pb.linalg.eigvalsh(x)[0]", IDENTITY, [[1.0, 0.0], [0.0, 0.0]]),
            one("pb.linalg.svdvals(x).sum()", ZEROS, IDENTITY),
        ],
    ),
    "Complex numbers": (
        "The gradient of a real loss L is dL/dRe + i dL/dIm, so a step against it descends. A real argument of a complex "
        "result has a real gradient.",
        [
            one("pb.abs(x)", 0j, 0j),
            one("pb.sign(x)", 0j, 0j),
            one("x ** 0", 0j, 0j),
            one("pb.abs(x)", 3 + 4j, 0.6 + 0.8j),
            one("pb.sign(x)", 3 + 4j, 0.128 - 0.096j),
            one("pb.real(x * x)", 1 + 2j, 2 - 4j),
            one("x * x", 1 + 2j, 2 - 4j),
            one("pb.conj(x)", 1 + 2j, 1 + 0j),
            one("pb.real(x)", 1 + 2j, 1 + 0j),
            one("pb.imag(x)", 1 + 2j, 1j),
            one("pb.real(x * (3 + 4j))", 2.0, 3.0),
        ],
    ),
}

REFUSED: list[tuple[str, Any]] = [
    ("pb.linalg.eigh(x).eigenvectors[0, 1]", IDENTITY),
    ("pb.linalg.svd(x).U[0, 1]", IDENTITY),
    ("pb.linalg.eig(x).eigenvectors[0, 1].real", IDENTITY),
]
"""Code that raises `DegenerateError` at a point: the gradient depends on a basis chosen by the library."""
