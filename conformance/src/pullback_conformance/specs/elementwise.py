"""Elementwise functions: where they are smooth, what mpmath calls them, and what the published table says of kinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from pullback_conformance.oracles.exact import mp
from pullback_conformance.spec import Arg, Complex, Domain, Fails, Kink, OpSpec
from pullback_conformance.specs.base import row

INF, NAN = math.inf, math.nan
_SPECIALS = ((0.0,), (-0.0,), (INF,), (-INF,), (NAN,), (1.0,), (-1.0,), (1e300,), (-1e-300,), (0.5,))
_PAIRS = ((0.0, 0.0), (1.0, INF), (-INF, INF), (NAN, 1.0), (1.0, NAN), (-0.0, 0.0), (1e300, 1e300), (2.0, -1.0))


def one(
    name: str, low: float, high: float, *, complex: Complex = "holomorphic", exact: Any = None, **options: Any
) -> OpSpec:
    """A function of one array, smooth on an interval."""
    domain = {key: options.pop(key) for key in ("imaginary", "real_part", "shape_of") if key in options}
    return row(
        name,
        Arg("x", Domain(low, high, **domain)),
        kind=options.pop("kind", "elementwise"),
        complex=complex,
        exact=exact,
        specials=_SPECIALS,
        module="elementwise",
        **options,
    )


def two(
    name: str, first: Domain, second: Domain, *, complex: Complex = "none", exact: Any = None, **options: Any
) -> OpSpec:
    """A function of two arrays that broadcast."""
    return row(
        name,
        Arg("x1", first),
        Arg("x2", second),
        kind=options.pop("kind", "elementwise"),
        complex=complex,
        exact=exact,
        specials=_PAIRS,
        module="elementwise",
        **options,
    )


def kinks(*points: tuple[Any, Any], contained: bool = True) -> list[Kink]:
    """Points, and the gradients at them: numbers for functions of one array, tuples for more."""

    def tuple_of(x: Any) -> tuple[Any, ...]:
        return x if isinstance(x, tuple) else (x,)

    return [Kink(tuple_of(at), tuple_of(grads), contained=contained) for at, grads in points]


def limits(*points: tuple[Any, Any]) -> list[Kink]:
    """The same for values that are limits of the derivative: infinite, or at an end of the domain."""
    return kinks(*points, contained=False)


def constant(name: str, *args: Arg, **options: Any) -> OpSpec:
    """A function without a derivative: its results never require grad."""
    return row(name, *args, kind="constant", module="elementwise", **options)


def _step(function: Callable[[float], float]) -> Any:
    return np.vectorize(function)


WIDE = Domain(-2.0, 2.0)
BOX = Domain(0.3, 2.0, real_part=(0.3, 1.5))
POSITIVE = Domain(0.2, 2.0)
NEGATIVE = Domain(-2.0, -0.2)
SIGNED = Domain(0.2, 2.0, shape_of="signed")
FLAG, BITS = Arg("x1", Domain(0, 1, shape_of="bits"), "bool"), Arg("x1", Domain(0, 5, shape_of="bits"), "integer")
_REFUSED = [Fails((np.zeros(2), np.zeros(3)), ValueError, "broadcast|shape")]

SPECS = [
    one(
        "abs",
        0.2,
        3,
        complex="general",
        shape_of="signed",
        real_part=(0.3, 1.5),
        exact=mp.fabs,
        kinks=kinks((0.0, 0.0)),
    ),
    one("acos", -0.9, 0.9, imaginary=(0.1, 0.9), exact=mp.acos, kinks=limits((1.0, -INF))),
    one("acosh", 1.1, 3, real_part=(1.2, 3), imaginary=(-1, 1), exact=mp.acosh, kinks=limits((1.0, INF))),
    two("add", WIDE, WIDE, complex="holomorphic", exact=lambda x, y: x + y, errors=_REFUSED),
    one("asin", -0.9, 0.9, imaginary=(-0.9, 0.9), exact=mp.asin, kinks=limits((1.0, INF))),
    one("asinh", -2, 2, real_part=(0.3, 1.5), exact=mp.asinh),
    one("atan", -2, 2, real_part=(0.3, 1.5), exact=mp.atan),
    two("atan2", SIGNED, NEGATIVE, exact=mp.atan2, kinks=limits(((0.0, 0.0), (0.0, 0.0)))),
    one("atanh", -0.9, 0.9, real_part=(-0.7, 0.7), imaginary=(-0.7, 0.7), exact=mp.atanh, kinks=limits((1.0, INF))),
    one("ceil", 0.1, 0.9, complex="none", exact=mp.ceil, kinks=limits((1.0, 0.0))),
    row(
        "clip",
        Arg("x", Domain(-0.4, 1.4)),
        Arg("min", Domain(-0.6, -0.5)),
        Arg("max", Domain(1.5, 2.0)),
        kind="elementwise",
        module="elementwise",
        samples=lambda rng: [
            ("inside-outside", (np.asarray([-1.0, 0.3, 2.0, 0.7]), 0.0, 1.0)),
            ("bounds", (np.asarray([-1.0, 0.3, 2.0]), np.asarray(0.1), np.asarray([0.9, 0.8, 1.1]))),
            ("only-min", (np.asarray([-1.0, 0.3]), 0.0)),
        ],
        kinks=[
            Kink((0.0,), (1.0,), {"min": 0.0, "max": 1.0}),
            Kink((1.0,), (1.0,), {"min": 0.0, "max": 1.0}),
            Kink((2.0,), (0.0,), {"min": 0.0, "max": 1.0}),
            Kink((0.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
            Kink((1.0, 0.0, 1.0), (1.0, 0.0, 0.0)),
        ],
    ),
    one("conj", -2, 2, complex="general", kind="elementwise"),
    two("copysign", SIGNED, SIGNED, kinks=limits(((0.0, 1.0), (0.0, 0.0)))),
    one("cos", -2, 2, exact=mp.cos),
    one("cosh", -2, 2, exact=mp.cosh),
    two(
        "divide",
        WIDE,
        BOX,
        complex="holomorphic",
        exact=lambda x, y: x / y,
        kinks=limits(((1.0, 0.0), (INF, -INF)), ((0.0, 0.0), (INF, NAN))),
    ),
    one("exp", -2, 2, exact=mp.exp),
    one("expm1", -2, 2, exact=mp.expm1),
    one("floor", -0.9, -0.1, complex="none", exact=mp.floor, kinks=limits((1.0, 0.0))),
    two("floor_divide", Domain(2.1, 2.9), Domain(0.92, 1.0), kinks=limits(((4.0, 2.0), (0.0, 0.0)))),
    two(
        "hypot",
        SIGNED,
        NEGATIVE,
        exact=mp.hypot,
        kinks=[*kinks(((0.0, 0.0), (0.0, 0.0))), *limits(((3e200, 4e200), (0.6, 0.8)))],
    ),
    one("imag", -2, 2, complex="only", kind="elementwise"),
    one("log", 0.2, 3, real_part=(0.3, 1.5), exact=mp.log, kinks=limits((0.0, INF))),
    one("log10", 0.2, 3, real_part=(0.3, 1.5), exact=mp.log10, kinks=limits((0.0, INF))),
    one("log1p", -0.7, 3, real_part=(0.3, 1.5), exact=mp.log1p, kinks=limits((-1.0, INF))),
    one("log2", 0.2, 3, real_part=(0.3, 1.5), exact=lambda x: mp.log(x) / mp.log(2), kinks=limits((0.0, INF))),
    two(
        "logaddexp",
        WIDE,
        WIDE,
        exact=lambda x, y: mp.log(mp.exp(x) + mp.exp(y)),
        kinks=limits(
            ((-INF, -INF), (0.5, 0.5)),
            ((INF, INF), (0.5, 0.5)),
            ((INF, 0.0), (1.0, 0.0)),
            ((-INF, 0.0), (0.0, 1.0)),
            ((1000.0, 0.0), (1.0, 0.0)),
            ((1000.0, 1000.0), (0.5, 0.5)),
        ),
    ),
    two(
        "maximum",
        Domain(0.0, 1.0),
        Domain(1.1, 2.0),
        samples=lambda rng: [("mixed", (np.asarray([0.3, 0.9, -1.0]), np.asarray([0.5, 0.2, -2.0])))],
        kinks=[*kinks(((1.0, 1.0), (0.5, 0.5))), *limits(((NAN, 1.0), (1.0, 0.0)))],
    ),
    two(
        "minimum",
        Domain(0.0, 1.0),
        Domain(1.1, 2.0),
        samples=lambda rng: [("mixed", (np.asarray([0.3, 0.9, -1.0]), np.asarray([0.5, 0.2, -2.0])))],
        kinks=[*kinks(((1.0, 1.0), (0.5, 0.5))), *limits(((1.0, NAN), (0.0, 1.0)))],
    ),
    two("multiply", WIDE, WIDE, complex="holomorphic", exact=lambda x, y: x * y, errors=_REFUSED),
    one("negative", -2, 2, exact=lambda x: -x),
    one("positive", -2, 2, exact=lambda x: x),
    two(
        "pow",
        BOX,
        Domain(-2.0, 2.0, real_part=(-1.5, 1.5), imaginary=(-1.0, 1.0)),
        complex="holomorphic",
        exact=lambda x, y: mp.power(x, y),
        kinks=limits(
            ((0.0, 0.0), (0.0, 0.0)),
            ((0.0, 2.0), (0.0, 0.0)),
            ((0.0, 1.0), (1.0, 0.0)),
            ((0.0, -1.0), (-INF, -INF)),
            ((-2.0, 2.0), (-4.0, NAN)),
        ),
    ),
    one("real", -2, 2, complex="general", kind="elementwise"),
    one("reciprocal", 0.3, 2, real_part=(0.3, 1.5), exact=lambda x: 1 / x, kinks=limits((0.0, -INF))),
    two(
        "remainder",
        Domain(2.1, 2.9),
        Domain(0.92, 1.0),
        kinks=limits(((4.0, 2.0), (1.0, -2.0)), ((-5.5, 2.0), (1.0, 3.0))),
    ),
    one("round", 0.6, 1.4, complex="none", kinks=limits((0.5, 0.0))),
    one("sign", 0.2, 2, complex="general", shape_of="signed", real_part=(0.3, 1.5), kinks=limits((0.0, 0.0))),
    one("sin", -2, 2, exact=mp.sin),
    one("sinh", -2, 2, exact=mp.sinh),
    one("sqrt", 0.2, 3, real_part=(0.3, 1.5), exact=mp.sqrt, kinks=limits((0.0, INF))),
    one(
        "square",
        -2,
        2,
        exact=lambda x: x * x,
        nondeterministic={"complex64": 2, "complex128": 2},  # the last bit depends on the place in memory
    ),
    two("subtract", WIDE, WIDE, complex="holomorphic", exact=lambda x, y: x - y, errors=_REFUSED),
    one("tan", -1.2, 1.2, exact=mp.tan),
    one("tanh", -2, 2, exact=mp.tanh, kinks=limits((1000.0, 0.0))),
    one("trunc", 0.1, 0.9, complex="none", kinks=limits((1.0, 0.0))),
    *(constant(f"bitwise_{name}", BITS, BITS) for name in ("and", "or", "xor", "left_shift", "right_shift")),
    constant("bitwise_invert", BITS),
    *(
        constant(name, Arg("x1"), Arg("x2"), specials=_PAIRS)
        for name in ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal", "nextafter")
    ),
    *(constant(name, Arg("x"), specials=_SPECIALS) for name in ("isfinite", "isinf", "isnan", "signbit")),
    *(constant(f"logical_{name}", FLAG, FLAG) for name in ("and", "or", "xor")),
    constant("logical_not", FLAG),
]
