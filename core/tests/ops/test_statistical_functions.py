"""Every statistical function against NumPy and finite differences; ties, zeros and constants."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback import namespace
from pullback.ops import statistical_functions


def reduction(name: str, **options: Any) -> Any:
    return lambda xp, x: getattr(xp, name)(x, **options)


def over_axes(name: str, **options: Any) -> list[tuple[Any, ...]]:
    """Reductions over every kind of axis. Square shapes hide sums over the wrong axis, so none is."""
    return [
        (reduction(name, **options), (2, 3)),
        (reduction(name, axis=0, **options), (2, 3)),
        (reduction(name, axis=-1, **options), (2, 3)),
        (reduction(name, axis=1, keepdims=True, **options), (2, 3)),
        (reduction(name, axis=(0, 2), **options), (2, 3, 2)),
        (reduction(name, axis=(-1, 0), keepdims=True, **options), (2, 1, 3)),
        (reduction(name, keepdims=True, **options), (2, 3)),
    ]


def degenerate(name: str) -> list[tuple[Any, ...]]:
    """0-d, and axes of length 0 beside the reduced one."""
    return [
        (reduction(name), ()),
        (reduction(name), (1,)),
        (reduction(name, axis=1), (0, 2)),
    ]


def running(name: str) -> list[tuple[Any, ...]]:
    return [
        (reduction(name), (4,)),
        (reduction(name, axis=0), (3, 2)),
        (reduction(name, axis=-1), (2, 3)),
        (reduction(name, axis=1, include_initial=True), (2, 3)),
        (reduction(name, axis=0), (1, 2)),
        (reduction(name), (0,)),
        (reduction(name, axis=1), (2, 0)),
        (reduction(name, axis=1), (0, 2)),
        (reduction(name, axis=0, include_initial=True), (0, 2)),
    ]


ROWS: Rows = {
    "cumulative_prod": running("cumulative_prod"),
    "cumulative_sum": running("cumulative_sum"),
    "max": over_axes("max") + degenerate("max"),
    "mean": over_axes("mean") + degenerate("mean"),
    "min": over_axes("min") + degenerate("min"),
    "prod": over_axes("prod") + degenerate("prod") + [(reduction("prod"), (0,)), (reduction("prod", axis=0), (0, 2))],
    "std": over_axes("std", correction=0.5),
    "sum": over_axes("sum") + degenerate("sum") + [(reduction("sum"), (0,)), (reduction("sum", axis=0), (0, 2))],
    "var": over_axes("var") + over_axes("var", correction=1)[:3] + degenerate("var")[2:],
}
REAL_ONLY = ("max", "min", "std", "var")


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[statistical_functions]) == set(ROWS)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device)


@pytest.mark.parametrize(
    ("call", "arguments"), numbered({name: rows for name, rows in ROWS.items() if name not in REAL_ONLY})
)
def test_complex_derivatives(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments, "complex"), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize(
    ("call", "x"),
    [
        (lambda xp, x: xp.prod(x), [0.0, 2.0, 3.0]),
        (lambda xp, x: xp.prod(x), [0.0, 0.0, 3.0]),
        (lambda xp, x: xp.prod(x), [0.0, 0.0, 0.0]),
        (lambda xp, x: xp.prod(x, axis=1), [[0.0, 2.0], [3.0, 4.0], [0.0, 0.0]]),
        (lambda xp, x: xp.prod(x, axis=(0, 2)), [[[0.0, 2.0], [3.0, 4.0]], [[1.5, 0.5], [0.0, 2.5]]]),
        (lambda xp, x: xp.cumulative_prod(x), [2.0, 0.0, 3.0]),
        (lambda xp, x: xp.cumulative_prod(x), [0.0, 2.0, 0.0, 3.0, 4.0]),
    ],
)
def test_products_are_exact_at_zeros(call: Any, x: list[float], device: str) -> None:
    check_derivatives(call, [np.asarray(x)], device=device)


SPECIAL: list[tuple[Any, Any]] = [
    (lambda xp, x: xp.var(x), [2.0, 2.0, 2.0]),
    (lambda xp, x: xp.var(x), [0.0, 0.0, 3.0]),
    (lambda xp, x: xp.std(x), [0.0, 0.0, 3.0]),
    (lambda xp, x: xp.std(x, axis=0, correction=1), [[0.0, 1.0], [1.0, 1.5]]),
    (lambda xp, x: xp.mean(x), [0.0, 0.0]),
    (lambda xp, x: xp.prod(x, axis=(0, 1)), [[0.0, 1.0], [2.0, 2.0]]),
    (lambda xp, x: xp.prod(x, axis=1), [[0.0, 0.0], [2.0, 2.0]]),
    (lambda xp, x: xp.cumulative_prod(x, axis=1), [[0.0, 0.0, 2.0], [2.0, 0.0, 2.0]]),
    (lambda xp, x: xp.cumulative_sum(x), [0.0, 0.0]),
]


@pytest.mark.parametrize(("call", "x"), SPECIAL)
def test_zeros_and_equal_elements(call: Any, x: Any, device: str) -> None:
    check_derivatives(call, [np.asarray(x)], device=device)


NAN = math.nan
KINKS: list[tuple[str, Any, Any, Any]] = [
    ("max, a tie", lambda x: x.max(), [1.0, 3.0, 3.0, 2.0], [0.0, 0.5, 0.5, 0.0]),
    ("max along an axis, a tie", lambda x: x.max(0), [1.0, 3.0, 3.0, 2.0], [0.0, 0.5, 0.5, 0.0]),
    ("amax, all equal", lambda x: x.amax(), [2.0, 2.0, 2.0, 2.0], [0.25] * 4),
    ("min, a tie", lambda x: x.min(), [1.0, 1.0, 3.0], [0.5, 0.5, 0.0]),
    ("max with a NaN", lambda x: x.max(), [1.0, NAN, 3.0], [0.0, 1.0, 0.0]),
    ("min of infinities", lambda x: x.min(), [-math.inf, -math.inf, 0.0], [0.5, 0.5, 0.0]),
    ("prod, one zero", lambda x: x.prod(), [0.0, 2.0, 3.0], [6.0, 0.0, 0.0]),
    ("prod, two zeros", lambda x: x.prod(), [0.0, 0.0, 3.0], [0.0, 0.0, 0.0]),
    ("std of a constant", lambda x: pb.std(x), [2.0, 2.0], [0.0, 0.0]),
    ("std of a constant, corrected", lambda x: x.std(), [2.0, 2.0], [0.0, 0.0]),
    ("var of a constant", lambda x: pb.var(x), [2.0, 2.0], [0.0, 0.0]),
    ("sum of nothing", lambda x: x.sum(), [], []),
    ("sum of infinities", lambda x: x.sum(), [math.inf, 1.0], [1.0, 1.0]),
]


@pytest.mark.parametrize(("call", "x", "expected"), [k[1:] for k in KINKS], ids=[k[0] for k in KINKS])
def test_kinks(call: Any, x: Any, expected: Any, device: str) -> None:
    x = tensor(np.asarray(x), device, requires_grad=True)
    out = call(x)
    (grad,) = pb.autograd.grad(out, x, pb.full_like(out, 2.0))
    np.testing.assert_array_equal(host(grad), 2.0 * np.asarray(expected))
    for i, slope in enumerate(expected):
        unit = np.zeros(x.shape)
        unit[i] = 1.0
        _, tangent = pb.func.jvp(call, (x.detach(),), (tensor(unit, device),))
        np.testing.assert_array_equal(host(tangent), slope)


def test_ties_along_an_axis_are_split_within_it(device: str) -> None:
    x = tensor([[1.0, 1.0, 0.0], [2.0, 3.0, 3.0]], device, requires_grad=True)
    (grad,) = pb.autograd.grad(pb.max(x, axis=1), x, tensor([2.0, 4.0], device))
    np.testing.assert_array_equal(host(grad), [[1.0, 1.0, 0.0], [0.0, 2.0, 2.0]])


def test_mean_of_nothing_has_an_empty_gradient(device: str) -> None:
    x = tensor(np.zeros((0,)), device, requires_grad=True)
    with pytest.warns(RuntimeWarning):
        out = x.mean()
    (grad,) = pb.autograd.grad(out, x)
    assert math.isnan(out.item())
    assert grad.shape == (0,)


def test_variance_of_one_element_is_nan_once_corrected(device: str) -> None:
    x = tensor([3.0], device, requires_grad=True)
    with pytest.warns(RuntimeWarning) as warned:
        out = x.var()
    assert any("Degrees of freedom" in str(warning.message) for warning in warned)
    (grad,) = pb.autograd.grad(out, x)
    assert math.isnan(out.item())
    assert math.isnan(grad[0].item())


def test_methods_and_functions_correct_differently() -> None:
    x = pb.tensor([1.0, 2.0, 4.0], dtype=pb.float64)
    assert float(pb.var(x)) == pytest.approx(14 / 9)
    assert float(x.var()) == pytest.approx(7 / 3)


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_dtype_converts_before_reducing(name: str, device: str) -> None:
    x = tensor(np.asarray([1.5, 2.5], dtype=np.float32), device, requires_grad=True)
    out = getattr(x.__array_namespace__(), name)(x, dtype=pb.float64)
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    assert out.dtype is pb.float64
    assert grad.dtype is pb.float32


@pytest.mark.parametrize(("name", "expected"), [("sum", 6), ("prod", 6), ("max", 3), ("min", 1)])
@pytest.mark.parametrize("dtype", ["int8", "uint16", "int64"])
def test_integers_are_reduced_as_the_standard_says(name: str, expected: int, dtype: str, device: str) -> None:
    out = getattr(pb, name)(tensor(np.asarray([1, 2, 3], dtype=dtype), device))
    assert int(out) == expected
    widened = {"int8": "int64", "uint16": "uint64", "int64": "int64"}[dtype]
    assert out.dtype.name == (widened if name in ("sum", "prod") else dtype)
    assert not out.requires_grad


def test_the_gradient_of_a_sum_can_be_written(device: str) -> None:
    x = pb.ones(2, 3, requires_grad=True)
    (grad,) = pb.autograd.grad(x.sum(), x)
    grad += 1
    np.testing.assert_array_equal(host(grad), np.full((2, 3), 2.0))


@pytest.mark.parametrize("name", ["cumulative_sum", "cumulative_prod"])
def test_running_reductions_of_matrices_need_an_axis(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name}: axis is needed for an array of 2 dimensions"):
        getattr(statistical_functions, name)(pb.ones(2, 2))


@pytest.mark.parametrize("name", ["sum", "prod", "cumulative_sum", "cumulative_prod"])
def test_a_small_integer_dtype_that_is_asked_for_is_kept(name: str, device: str) -> None:
    x = tensor(np.asarray([100, 100, 100], dtype=np.uint8), device)
    out = getattr(statistical_functions, name)(x, dtype=pb.uint8)
    expected = {"sum": np.sum, "prod": np.prod, "cumulative_sum": np.cumsum, "cumulative_prod": np.cumprod}[name]
    assert out.dtype is pb.uint8
    np.testing.assert_array_equal(host(out), expected(host(x), dtype=np.uint8))
