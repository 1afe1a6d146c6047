"""Every elementwise function against NumPy and finite differences; kinks and ties against the published choices."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pullback as pb
import pytest
from helpers.checks import check_derivatives, host, strided, tensor
from pullback import namespace
from pullback.errors import DTypeError
from pullback.ops import elementwise_functions

Range = tuple[float, float]


class Row(NamedTuple):
    """The ranges in which the arguments are smooth: real ones, and the real and imaginary parts of complex ones."""

    real: tuple[Range, ...] = ()
    complex: tuple[tuple[Range, Range], ...] = ()


def unary(low: float, high: float, *box: Range) -> Row:
    return Row(((low, high),), ((box[0], box[1]),) if box else ())


def binary(first: Range, second: Range, *boxes: tuple[Range, Range]) -> Row:
    return Row((first, second), boxes)


WIDE = (-2.0, 2.0)
BOX = ((0.3, 1.5), (-1.2, 1.2))

ROWS: dict[str, Row] = {
    "abs": unary(0.2, 3, *BOX),
    "acos": unary(-0.9, 0.9, (-0.9, 0.9), (0.1, 0.9)),
    "acosh": unary(1.1, 3, (1.2, 3), (-1, 1)),
    "add": binary(WIDE, WIDE, BOX, BOX),
    "asin": unary(-0.9, 0.9, (-0.9, 0.9), (-0.9, 0.9)),
    "asinh": unary(-2, 2, *BOX),
    "atan": unary(-2, 2, *BOX),
    "atan2": binary((0.2, 2), (-2, -0.2)),
    "atanh": unary(-0.9, 0.9, (-0.7, 0.7), (-0.7, 0.7)),
    "ceil": unary(0.1, 0.9),
    "clip": Row(((0.1, 0.9), (-0.5, 0.05), (0.95, 2.0))),
    "conj": unary(-2, 2, *BOX),
    "copysign": binary((0.2, 2), (-2, -0.2)),
    "cos": unary(-2, 2, *BOX),
    "cosh": unary(-2, 2, *BOX),
    "divide": binary(WIDE, (0.3, 2), BOX, BOX),
    "exp": unary(-2, 2, *BOX),
    "expm1": unary(-2, 2, *BOX),
    "floor": unary(-0.9, -0.1),
    "floor_divide": binary((2.1, 2.9), (0.92, 1.0)),
    "hypot": binary((0.2, 2), (-2, -0.2)),
    "imag": Row((), (BOX,)),
    "log": unary(0.2, 3, *BOX),
    "log10": unary(0.2, 3, *BOX),
    "log1p": unary(-0.7, 3, *BOX),
    "log2": unary(0.2, 3, *BOX),
    "logaddexp": binary(WIDE, WIDE),
    "maximum": binary((0.0, 1.0), (-1.0, 2.0)),
    "minimum": binary((0.0, 1.0), (-1.0, 2.0)),
    "multiply": binary(WIDE, WIDE, BOX, BOX),
    "negative": unary(-2, 2, *BOX),
    "positive": unary(-2, 2, *BOX),
    "pow": binary((0.3, 2), WIDE, BOX, ((-1.5, 1.5), (-1.0, 1.0))),
    "real": unary(-2, 2, *BOX),
    "reciprocal": unary(0.3, 2, *BOX),
    "remainder": binary((2.1, 2.9), (0.92, 1.0)),
    "round": unary(0.6, 1.4),
    "sign": unary(-2, -0.2, *BOX),
    "sin": unary(-2, 2, *BOX),
    "sinh": unary(-2, 2, *BOX),
    "sqrt": unary(0.2, 3, *BOX),
    "square": unary(-2, 2, *BOX),
    "subtract": binary(WIDE, WIDE, BOX, BOX),
    "tan": unary(-1.2, 1.2, *BOX),
    "tanh": unary(-2, 2, *BOX),
    "trunc": unary(0.1, 0.9),
}
NOTHING_TO_DIFFERENTIATE = {
    *("bitwise_and", "bitwise_invert", "bitwise_left_shift", "bitwise_or", "bitwise_right_shift", "bitwise_xor"),
    *("equal", "greater", "greater_equal", "isfinite", "isinf", "isnan", "less", "less_equal", "logical_and"),
    *("logical_not", "logical_or", "logical_xor", "nextafter", "not_equal", "signbit"),
}

UNARY_SHAPES = [(3,), (), (1, 2), (2, 0), (2, 3)]
PAIRS = [
    ((3,), (3,)),
    ((), ()),
    ((2, 3), (3,)),
    ((3,), (2, 3)),
    ((2, 1), (1, 3)),
    ((2, 2), (2, 1)),
    ((1, 2), (2, 2)),
    ((), (3,)),
    ((3,), ()),
    ((1,), (1, 1)),
    ((0, 2), (2,)),
    ((1, 2), (0, 2)),
]


def caller(name: str) -> Callable[..., Any]:
    return lambda xp, *xs: getattr(xp, name)(*xs)


def draw(row: Row, kind: str, shapes: tuple[tuple[int, ...], ...], seed: int = 1) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)

    def between(limits: Range, shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(rng.uniform(*limits, shape))

    if kind == "real":
        return [between(limits, shape) for limits, shape in zip(row.real, shapes, strict=True)]
    return [between(re, shape) + 1j * between(im, shape) for (re, im), shape in zip(row.complex, shapes, strict=True)]


def cases(arity: int) -> list[Any]:
    return [
        pytest.param(name, kind, id=f"{name}-{kind}")
        for name, row in ROWS.items()
        for kind in ("real", "complex")
        if len(getattr(row, kind)) == arity
    ]


def test_every_differentiable_function_has_a_row() -> None:
    names = set(namespace.CHAPTERS[elementwise_functions])
    assert names == set(ROWS) | NOTHING_TO_DIFFERENTIATE
    assert not set(ROWS) & NOTHING_TO_DIFFERENTIATE


@pytest.mark.parametrize("shape", UNARY_SHAPES, ids=str)
@pytest.mark.parametrize(("name", "kind"), cases(1))
def test_unary(name: str, kind: str, shape: tuple[int, ...], device: str) -> None:
    check_derivatives(caller(name), draw(ROWS[name], kind, (shape,)), device=device)


@pytest.mark.parametrize(("name", "kind"), cases(1))
def test_unary_on_non_contiguous_memory(name: str, kind: str, device: str) -> None:
    check_derivatives(caller(name), draw(ROWS[name], kind, ((2, 3),)), device=device, make=strided, order=1)


@pytest.mark.parametrize("shapes", PAIRS, ids=str)
@pytest.mark.parametrize(("name", "kind"), cases(2))
def test_binary(name: str, kind: str, shapes: tuple[tuple[int, ...], tuple[int, ...]], device: str) -> None:
    order = 2 if shapes in PAIRS[:5] or device == "cpu" else 1
    check_derivatives(caller(name), draw(ROWS[name], kind, shapes), device=device, order=order)


@pytest.mark.parametrize(("name", "kind"), cases(2))
def test_binary_on_non_contiguous_memory(name: str, kind: str, device: str) -> None:
    check_derivatives(caller(name), draw(ROWS[name], kind, ((2, 3), (3,))), device=device, make=strided, order=1)


# --- where arguments are zero or equal, and the functions smooth all the same ----------------------------------------

SPECIAL: dict[str, tuple[tuple[float, ...], ...]] = {
    **dict.fromkeys(
        (
            *("asin", "asinh", "atan", "atanh", "cos", "cosh", "exp", "expm1", "log1p", "negative", "positive", "sin"),
            *("sinh", "square", "tan", "tanh", "conj", "real"),
        ),
        ((0.0,),),
    ),
    **dict.fromkeys(("add", "subtract", "multiply"), ((0.0, 0.0), (0.0, 2.0), (2.0, 0.0), (2.0, 2.0))),
    "acos": ((0.0,),),
    "atan2": ((2.0, 0.0), (0.0, 2.0), (2.0, 2.0), (-2.0, 2.0)),
    "divide": ((0.0, 2.0), (2.0, 2.0)),
    "hypot": ((2.0, 0.0), (0.0, 2.0), (2.0, 2.0)),
    "log": ((1.0,),),
    "log2": ((1.0,),),
    "log10": ((1.0,),),
    "logaddexp": ((0.0, 0.0), (2.0, 2.0), (0.0, -2.0)),
    "pow": ((1.0, 0.0), (1.0, 1.0), (2.0, 0.0), (2.0, 2.0), (2.0, 1.0)),
    "reciprocal": ((1.0,), (-1.0,)),
    "sqrt": ((1.0,),),
}


REAL_ONLY = {"atan2", "hypot", "logaddexp"}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("name", SPECIAL)
def test_special_points(name: str, kind: str, device: str) -> None:
    """All points at once, then with one 0-d argument, so that equal numbers are also broadcast."""
    dtype = complex if kind == "complex" and name not in REAL_ONLY else float
    columns = [np.asarray(column, dtype=dtype) for column in zip(*SPECIAL[name], strict=True)]
    check_derivatives(caller(name), columns, device=device)
    check_derivatives(caller(name), [columns[0][0], *columns[1:]], device=device)


@pytest.mark.parametrize("n", range(6))
@pytest.mark.parametrize("dtype", [float, complex])
def test_powers_at_zero(n: int, dtype: type, device: str) -> None:
    x = np.asarray([0.0, 1.0, -2.0], dtype=dtype)
    check_derivatives(lambda xp, x: x**n, [x], device=device)
    check_derivatives(lambda xp, x: x ** float(n), [x], device=device)


# --- kinks, ties, boundaries: one line per published choice ----------------------------------------------------------

INF, NAN = math.inf, math.nan
KINKS: list[tuple[str, Callable[..., Any], tuple[Any, ...], tuple[Any, ...]]] = [
    ("abs at 0", pb.abs, (0.0,), (0.0,)),
    ("abs at complex 0", pb.abs, (0j,), (0.0,)),
    ("sign at 0", pb.sign, (0.0,), (0.0,)),
    ("sign at complex 0", pb.sign, (0j,), (0.0,)),
    ("relu at 0", lambda x: x.relu(), (0.0,), (0.0,)),
    ("maximum with the number 0 at 0", lambda x: pb.maximum(x, 0.0), (0.0,), (0.5,)),
    ("maximum, tie", pb.maximum, (1.0, 1.0), (0.5, 0.5)),
    ("minimum, tie", pb.minimum, (1.0, 1.0), (0.5, 0.5)),
    ("maximum of NaN and 1", pb.maximum, (NAN, 1.0), (1.0, 0.0)),
    ("minimum of 1 and NaN", pb.minimum, (1.0, NAN), (0.0, 1.0)),
    ("clamp(min=0) at 0", lambda x: x.clamp(min=0), (0.0,), (1.0,)),
    ("clamp, closed interval", lambda x: pb.clip(x, 0, 1), ([-1.0, 0.0, 0.5, 1.0, 2.0],), ([0.0, 1.0, 1.0, 1.0, 0.0],)),
    ("clamp of NaN", lambda x: pb.clip(x, 0, 1), (NAN,), (0.0,)),
    ("clamp, bounds", pb.clip, ([-1.0, 0.0, 1.0, 2.0], 0.0, 1.0), ([0.0, 1.0, 1.0, 0.0], 1.0, 1.0)),
    ("where(x > 0, x, 0) at 0", lambda x: pb.where(x > 0, x, 0.0), (0.0,), (0.0,)),
    ("sqrt at 0", pb.sqrt, (0.0,), (INF,)),
    ("hypot at the origin", pb.hypot, (0.0, 0.0), (0.0, 0.0)),
    ("atan2 at the origin", pb.atan2, (0.0, 0.0), (0.0, 0.0)),
    ("x ** 0 at 0", lambda x: x**0, (0.0,), (0.0,)),
    ("x ** 1 at 0", lambda x: x**1, (0.0,), (1.0,)),
    ("x ** 2 at 0", lambda x: x**2, (0.0,), (0.0,)),
    ("x ** 0.5 at 0", lambda x: x**0.5, (0.0,), (INF,)),
    ("x ** -1 at 0", lambda x: x**-1, (0.0,), (-INF,)),
    ("z ** 0 at 0", lambda z: z**0, (0j,), (0.0,)),
    ("pow(0, 0)", pb.pow, (0.0, 0.0), (0.0, 0.0)),
    ("pow(0, 2)", pb.pow, (0.0, 2.0), (0.0, 0.0)),
    ("pow(0, 1)", pb.pow, (0.0, 1.0), (1.0, 0.0)),
    ("pow(0, -1)", pb.pow, (0.0, -1.0), (-INF, -INF)),
    ("pow(-2, 2)", pb.pow, (-2.0, 2.0), (-4.0, NAN)),
    ("log at 0", pb.log, (0.0,), (INF,)),
    ("log1p at -1", pb.log1p, (-1.0,), (INF,)),
    ("log2 at 0", pb.log2, (0.0,), (INF,)),
    ("log10 at 0", pb.log10, (0.0,), (INF,)),
    ("asin at 1", pb.asin, (1.0,), (INF,)),
    ("acos at 1", pb.acos, (1.0,), (-INF,)),
    ("acosh at 1", pb.acosh, (1.0,), (INF,)),
    ("atanh at 1", pb.atanh, (1.0,), (INF,)),
    ("1 / 0", pb.divide, (1.0, 0.0), (INF, -INF)),
    ("0 / 0", pb.divide, (0.0, 0.0), (INF, NAN)),
    ("reciprocal at 0", pb.reciprocal, (0.0,), (-INF,)),
    ("floor at 1", pb.floor, (1.0,), (0.0,)),
    ("ceil at 1", pb.ceil, (1.0,), (0.0,)),
    ("trunc at 1", pb.trunc, (1.0,), (0.0,)),
    ("round at 0.5", pb.round, (0.5,), (0.0,)),
    ("floor_divide at 4, 2", pb.floor_divide, (4.0, 2.0), (0.0, 0.0)),
    ("remainder of 5.5 by 2", pb.remainder, (5.5, 2.0), (1.0, -2.0)),
    ("remainder of -5.5 by 2", pb.remainder, (-5.5, 2.0), (1.0, 3.0)),
    ("remainder of 4 by 2", pb.remainder, (4.0, 2.0), (1.0, -2.0)),
    ("logaddexp(-inf, -inf)", pb.logaddexp, (-INF, -INF), (0.5, 0.5)),
    ("logaddexp(inf, inf)", pb.logaddexp, (INF, INF), (0.5, 0.5)),
    ("logaddexp(-inf, 1)", pb.logaddexp, (-INF, 1.0), (0.0, 1.0)),
    ("logaddexp(1000, 0)", pb.logaddexp, (1000.0, 0.0), (1.0, 0.0)),
    ("logaddexp(1000, 1000)", pb.logaddexp, (1000.0, 1000.0), (0.5, 0.5)),
    ("copysign at 0", pb.copysign, (0.0, 1.0), (0.0, 0.0)),
    ("tanh at 1000", pb.tanh, (1000.0,), (0.0,)),
    ("sigmoid at -1000", lambda x: x.sigmoid(), (-1000.0,), (0.0,)),
    ("hypot of huge numbers", pb.hypot, (3e200, 4e200), (0.6, 0.8)),
    ("atan2 of huge numbers", pb.atan2, (3e200, 4e200), (4 / 25 * 1e-200, -3 / 25 * 1e-200)),
]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # values such as log(0): NumPy warns of them, rightly
@pytest.mark.parametrize(("call", "arguments", "expected"), [k[1:] for k in KINKS], ids=[k[0] for k in KINKS])
def test_kinks(call: Callable[..., Any], arguments: tuple[Any, ...], expected: tuple[Any, ...], device: str) -> None:
    xs = [tensor(x, device, requires_grad=True) for x in arguments]
    out = call(*xs)
    grads = pb.autograd.grad(out, xs, pb.full_like(out, -3.0))
    for grad, slope in zip(grads, expected, strict=True):
        np.testing.assert_allclose(host(grad), -3.0 * np.asarray(slope), rtol=1e-15)
    for i, slope in enumerate(expected):
        tangents = [pb.ones_like(x) if i == j else pb.zeros_like(x) for j, x in enumerate(xs)]
        _, tangent = pb.func.jvp(call, tuple(x.detach() for x in xs), tuple(tangents))
        if np.shape(slope) == tangent.shape:
            np.testing.assert_allclose(host(tangent), slope, rtol=1e-15)


COMPLEX: list[tuple[str, Callable[..., Any], complex, complex]] = [
    ("real part of the square", lambda z: (z * z).real, 1 + 2j, 2 - 4j),
    ("square", lambda z: z * z, 1 + 2j, 2 - 4j),
    ("conj", pb.conj, 1 + 2j, 1),
    ("real", pb.real, 1 + 2j, 1),
    ("imag", pb.imag, 1 + 2j, 1j),
    ("abs", pb.abs, 3 + 4j, 0.6 + 0.8j),
    ("sign", pb.sign, 3 + 4j, 0.128 - 0.096j),
    ("exp", pb.exp, 1j, complex(math.cos(1), -math.sin(1))),
]


@pytest.mark.parametrize(("call", "z", "expected"), [c[1:] for c in COMPLEX], ids=[c[0] for c in COMPLEX])
def test_gradient_of_a_complex_number_with_cotangent_1(
    call: Callable[[Any], Any], z: complex, expected: complex, device: str
) -> None:
    x = tensor(z, device, requires_grad=True)
    out = call(x)
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    np.testing.assert_allclose(host(grad), expected, rtol=1e-14)


def test_a_real_operand_of_a_complex_result_has_a_real_gradient(device: str) -> None:
    x = tensor(2.0, device, requires_grad=True)
    z = tensor(1 + 2j, device)
    (grad,) = pb.autograd.grad(x * z, x, tensor(1j, device))
    assert grad.dtype is pb.float64
    assert float(grad) == 2.0  # Re(conj(z) i)


@pytest.mark.parametrize("name", sorted(NOTHING_TO_DIFFERENTIATE))
def test_functions_without_a_derivative_return_constants(name: str, device: str) -> None:
    if name.startswith(("bitwise", "logical")):  # they take no floats
        dtype = pb.bool if name.startswith("logical") else pb.int64
        xs = [pb.ones(2, dtype=dtype, device=device)] * (1 if name.endswith(("invert", "not")) else 2)
    else:
        count = 1 if name.startswith("is") or name == "signbit" else 2
        xs = [pb.ones(2, dtype=pb.float64, device=device, requires_grad=True) for _ in range(count)]
    out = getattr(pb, name)(*xs)
    expected = getattr(np, name)(*(host(x) for x in xs))
    np.testing.assert_array_equal(host(out), expected, strict=True)
    assert not out.requires_grad


@pytest.mark.parametrize("dtype", [pb.bool, pb.int32])
def test_bits_of_floats_are_refused_by_name(dtype: Any, device: str) -> None:
    bits, x = pb.ones(2, dtype=dtype, device=device), tensor([1.0, 2.0], device)
    for call, name, operand in (
        (lambda: bits & x, "bitwise_and", "x2"),
        (lambda: x | bits, "bitwise_or", "x1"),
        (lambda: bits ^ 1.5, "bitwise_xor", "x2"),
        (lambda: bits << x, "bitwise_left_shift", "x2"),
        (lambda: x >> x, "bitwise_right_shift", "x1"),
        (lambda: ~x, "bitwise_invert", "x"),
        (lambda: pb.bitwise_and(x, bits), "bitwise_and", "x1"),
    ):
        for _ in range(2):  # the second call finds no plan either
            with pytest.raises(
                DTypeError, match=rf"{name}: operand '{operand}' is float(32|64), .*pb.astype\({operand}, "
            ):
                call()
    before = x.tolist()
    with pytest.raises(DTypeError, match="bitwise_and"):
        x &= bits
    assert x.tolist() == before
