"""Sorting: the gradient follows the stable permutation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback import namespace
from pullback.ops import sorting_functions

ROWS: Rows = {
    "sort": [
        (lambda xp, x: xp.sort(x), (4,)),
        (lambda xp, x: xp.sort(x, axis=0), (3, 2)),
        (lambda xp, x: xp.sort(x, axis=-1, descending=True), (2, 3)),
        (lambda xp, x: xp.sort(x, axis=1), (2, 0)),
        (lambda xp, x: xp.sort(x, axis=1), (2, 1)),
        (lambda xp, x: xp.sort(x, stable=False), (2, 3)),
    ],
}
NOTHING_TO_DIFFERENTIATE = {"argsort"}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[sorting_functions]) == set(ROWS) | NOTHING_TO_DIFFERENTIATE


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize("descending", [False, True])
def test_equal_elements_keep_their_order(descending: bool, device: str) -> None:
    x = tensor([2.0, 1.0, 1.0, 2.0], device, requires_grad=True)
    (grad,) = pb.autograd.grad(pb.sort(x, descending=descending), x, tensor([10.0, 20.0, 30.0, 40.0], device))
    expected = [10.0, 30.0, 40.0, 20.0] if descending else [30.0, 10.0, 20.0, 40.0]
    np.testing.assert_array_equal(host(grad), expected)


def test_argsort(device: str) -> None:
    x = tensor([[3.0, 1.0, 2.0], [1.0, 1.0, 0.0]], device, requires_grad=True)
    up, down = pb.argsort(x), pb.argsort(x, axis=0, descending=True)
    np.testing.assert_array_equal(host(up), [[1, 2, 0], [2, 0, 1]])
    np.testing.assert_array_equal(host(down), [[0, 0, 0], [1, 1, 1]])
    assert not up.requires_grad
