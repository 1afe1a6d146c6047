"""Set functions: values as NumPy has them, never a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback import namespace
from pullback.ops import set_functions

X = np.asarray([[3.0, 1.0, 3.0], [0.0, 1.0, 5.0]])


def test_nothing_here_has_a_derivative() -> None:
    names = {"isin", "unique_all", "unique_counts", "unique_inverse", "unique_values"}
    assert set(namespace.CHAPTERS[set_functions]) == names


@pytest.mark.parametrize("name", ["unique_all", "unique_counts", "unique_inverse"])
def test_unique(name: str, device: str) -> None:
    found = getattr(set_functions, name)(tensor(X, device, requires_grad=True))
    expected: Any = getattr(np, name)(X)
    assert found._fields == expected._fields
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_array_equal(host(ours), theirs)
        assert not ours.requires_grad


def test_unique_values(device: str) -> None:
    found = set_functions.unique_values(tensor(X, device, requires_grad=True))
    assert sorted(found.tolist()) == [0.0, 1.0, 3.0, 5.0]
    assert not found.requires_grad


@pytest.mark.parametrize("invert", [False, True])
def test_isin(invert: bool, device: str) -> None:
    x = X.astype(int)
    found = set_functions.isin(tensor(x, device), tensor([1, 5], device), invert=invert)
    np.testing.assert_array_equal(host(found), np.isin(x, [1, 5], invert=invert))


def test_isin_of_a_number(device: str) -> None:
    x = pb.tensor([1, 2])
    assert set_functions.isin(x, 2).tolist() == [False, True]
    assert set_functions.isin(3, x).tolist() is False


def test_isin_does_not_truncate_a_number() -> None:
    assert set_functions.isin(pb.tensor([1, 2]), 2.5).tolist() == [False, False]
