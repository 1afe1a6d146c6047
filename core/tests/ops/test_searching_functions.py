"""where, and the functions that return positions and counts."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback import namespace
from pullback.ops import searching_functions

MASK = np.asarray([[True, False, True], [False, False, True]])

ROWS: Rows = {
    "where": [
        (lambda xp, c, x, y: xp.where(c, x, y), MASK, (2, 3), (2, 3)),
        (lambda xp, c, x, y: xp.where(c, x, y), MASK, (3,), (2, 1)),
        (lambda xp, c, x, y: xp.where(c, x, y), MASK[0], (2, 1), ()),
        (lambda xp, c, x, y: xp.where(c, x, y), np.asarray(True), (2,), (1,)),
        (lambda xp, c, x: xp.where(c, x, 2.0), MASK, (3,)),
        (lambda xp, c, x: xp.where(c, 2.0, x), MASK, ()),
        (lambda xp, c, x: xp.where(c, x, x), MASK, (2, 3)),
        (lambda xp, c, x, y: xp.where(c, x, y), MASK[:0], (3,), (1, 1)),
    ],
}
NOTHING_TO_DIFFERENTIATE = {"argmax", "argmin", "count_nonzero", "nonzero", "searchsorted"}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[searching_functions]) == set(ROWS) | NOTHING_TO_DIFFERENTIATE


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


def test_where_selects_cotangents_and_never_multiplies_them(device: str) -> None:
    x, y = tensor([1.0, 2.0], device, requires_grad=True), tensor([3.0, 4.0], device, requires_grad=True)
    out = pb.where(tensor([True, False], device), x, y)
    gx, gy = pb.autograd.grad(out, [x, y], tensor([math.inf, math.nan], device))
    np.testing.assert_array_equal(host(gx), [math.inf, 0.0])
    np.testing.assert_array_equal(host(gy), [0.0, math.nan])


def test_where_of_mixed_dtypes(device: str) -> None:
    x = tensor(np.asarray([1.0, 2.0], dtype=np.float32), device, requires_grad=True)
    y = tensor([3.0, 4.0], device, requires_grad=True)
    out = pb.where(tensor([True, False], device), x, y)
    assert out.dtype is pb.float64
    gx, gy = pb.autograd.grad(out, [x, y], tensor([5.0, 6.0], device))
    assert (gx.dtype, gx.tolist()) == (pb.float32, [5.0, 0.0])
    assert (gy.dtype, gy.tolist()) == (pb.float64, [0.0, 6.0])


@pytest.mark.parametrize(("numbers", "dtype"), [((1, 2), "int64"), ((1, 2.5), "float32"), ((1j, 0), "complex64")])
def test_where_of_two_numbers(numbers: tuple[Any, Any], dtype: str, device: str) -> None:
    out = pb.where(pb.tensor([True, False]), *numbers)
    assert out.dtype.name == dtype
    assert out.tolist() == list(numbers)


def test_positions_and_counts(device: str) -> None:
    x = tensor([[0.0, 3.0, 3.0], [5.0, 0.0, -1.0]], device, requires_grad=True)
    results = {
        "argmax": (pb.argmax(x), 3),
        "argmin": (pb.argmin(x), 5),
        "argmax along an axis": (pb.argmax(x, axis=1), [1, 0]),
        "argmin along an axis, kept": (pb.argmin(x, axis=0, keepdims=True), [[0, 1, 1]]),
        "count_nonzero": (pb.count_nonzero(x), 4),
        "count_nonzero along an axis": (pb.count_nonzero(x, axis=0), [1, 1, 2]),
        "searchsorted": (pb.searchsorted(tensor([1.0, 2.0], device), tensor([1.0, 3.0], device)), [0, 2]),
        "searchsorted, right": (
            pb.searchsorted(tensor([1.0, 2.0], device), tensor([1.0], device), side="right"),
            [1],
        ),
    }
    for name, (found, expected) in results.items():
        np.testing.assert_array_equal(host(found), expected, err_msg=name)
        assert not found.requires_grad
    rows, columns = pb.nonzero(x)
    np.testing.assert_array_equal(host(rows), [0, 0, 1, 1])
    np.testing.assert_array_equal(host(columns), [1, 2, 0, 2])
    assert not rows.requires_grad


def test_searchsorted_with_a_sorter(device: str) -> None:
    x = tensor([3.0, 1.0, 2.0], device)
    found = pb.searchsorted(x, tensor([2.5], device), sorter=pb.argsort(x))
    assert found.tolist() == [2]
    assert int(pb.searchsorted(tensor([1.0, 2.0], device), 1.5)) == 1
