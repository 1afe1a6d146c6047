"""all, any, diff."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback import namespace
from pullback.ops import utility_functions

ROWS: Rows = {
    "diff": [
        (lambda xp, x: xp.diff(x), (4,)),
        (lambda xp, x: xp.diff(x, axis=0), (3, 2)),
        (lambda xp, x: xp.diff(x, axis=-1, n=2), (2, 4)),
        (lambda xp, x, y: xp.diff(x, prepend=y), (2, 3), (2, 1)),
        (lambda xp, x, y, z: xp.diff(x, axis=0, prepend=y, append=z), (2, 2), (1, 2), (2, 2)),
        (lambda xp, x: xp.diff(x), (1,)),
        (lambda xp, x: xp.diff(x, n=0), (2,)),
    ],
}
NOTHING_TO_DIFFERENTIATE = {"all", "any"}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[utility_functions]) == set(ROWS) | NOTHING_TO_DIFFERENTIATE


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize("name", ["all", "any"])
@pytest.mark.parametrize("options", [{}, {"axis": 0}, {"axis": (0, 1)}, {"axis": -1, "keepdims": True}], ids=str)
def test_truth(name: str, options: dict[str, Any], device: str) -> None:
    x = np.asarray([[0.0, 1.0], [0.0, 2.0]])
    found = getattr(pb, name)(tensor(x, device, requires_grad=True), **options)
    np.testing.assert_array_equal(host(found), getattr(np, name)(x, **options), strict=True)
    assert not found.requires_grad
