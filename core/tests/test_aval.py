"""Avals: one object per shape, dtype and device; what is kept on them is right and bounded."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from hypothesis import given
from hypothesis import strategies as st
from pullback import aval as avals


@given(st.lists(st.integers(0, 4), max_size=3), st.sampled_from(["float32", "float64", "int64", "bool", "complex128"]))
def test_equal_arrays_have_one_aval(shape: list[int], dtype: str) -> None:
    x, y = (pb.asarray(np.zeros(shape, dtype)) for _ in range(2))
    assert x._aval is y._aval
    assert x._aval.shape == tuple(shape)
    assert x._aval.dtype is getattr(pb, dtype)
    assert x._aval.size == math.prod(shape)
    assert x._aval.axes == tuple(range(len(shape)))
    assert x._aval.known


def test_shape_dtype_and_device_each_make_another_aval() -> None:
    made = [
        tensor(np.zeros(shape, dtype), device)._aval
        for shape in ((), (1,), (2,), (1, 2))
        for dtype in ("float32", "float64", "int64")
        for device in ("cpu", "strict", "strict:device1")
    ]
    assert len(set(map(id, made))) == len(made)
    assert len({repr(aval) for aval in made}) == len(made)


def test_operations_give_the_aval_of_their_result(device: str) -> None:
    x = pb.ones((2, 3))
    for made in (x + x, pb.exp(x), x * 2.0, x.sum() * x, pb.reshape(pb.ones((6,)), (2, 3)), x[:, :], x.detach()):
        assert made._aval is x._aval


def test_with_dtype() -> None:
    aval = pb.ones((2, 3), dtype=pb.float32)._aval
    assert aval.with_dtype(pb.float32) is aval
    assert aval.with_dtype(pb.int64) is pb.ones((2, 3), dtype=pb.int64)._aval


def test_only_floating_and_complex_avals_can_require_grad() -> None:
    for dtype in (pb.float32, pb.float64, pb.complex64):
        assert pb.ones((2,), dtype=dtype)._aval.differentiable
    for dtype in (pb.bool, pb.int8, pb.uint64):
        aval = pb.ones((2,), dtype=dtype)._aval
        assert not aval.differentiable
        assert not aval.direct


NUMBERS = [0.0, -0.0, 1, 1.0, True, 2.5, -3, math.inf, -math.inf, math.nan, 1e-45]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_numbers_become_arrays_of_the_dtype(dtype: str, device: str) -> None:
    aval = tensor(np.zeros(2, dtype), device)._aval
    for number in NUMBERS * 2:  # the second time from the cache
        raw = aval.scalar(number)
        with np.errstate(over="ignore"):
            expected = np.asarray(number, dtype)
        found = np.asarray(aval.backend.to_host(raw))
        assert found.dtype == expected.dtype
        assert found.shape == ()
        np.testing.assert_array_equal(found, expected)
        assert np.signbit(found) == np.signbit(expected)


def test_numbers_are_kept_but_not_zeros_and_nan() -> None:
    aval = pb.ones((3, 1, 2), dtype=pb.float64)._aval
    assert aval.scalar(1.25) is aval.scalar(1.25)
    assert 1.25 in aval.scalars
    for number in (0.0, -0.0, math.nan):
        aval.scalar(number)
        assert not any(key == number or key != key for key in aval.scalars)


def test_what_is_kept_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(avals, "_MEMO_LIMIT", 8)
    aval = pb.ones((2, 1, 3), dtype=pb.float64)._aval
    for number in range(1, 100):
        assert float(aval.scalar(float(number))) == number
        aval.remember(("key", number), number)
        assert len(aval.scalars) <= 8
        assert len(aval.plans) <= 8
        assert aval.plans["key", number] == number


def test_forgetting_plans_changes_no_result(monkeypatch: pytest.MonkeyPatch) -> None:
    def gradients() -> list[Any]:
        x = pb.tensor([[1.0], [2.0]], requires_grad=True)
        y = pb.tensor([3.0, 4.0], requires_grad=True)
        z = pb.sin(x * y) / (x + 2.5) - y**3 + pb.maximum(x, y) * 0.5
        return [host(g) for g in pb.autograd.grad(z.sum(), (x, y))]

    expected = gradients()
    monkeypatch.setattr(avals, "_MEMO_LIMIT", 1)
    for _ in range(3):
        for found, value in zip(gradients(), expected, strict=True):
            np.testing.assert_array_equal(found, value)


def test_repr_says_what_it_is() -> None:
    assert repr(pb.ones((2, 3))._aval) == "float32[2, 3] on cpu"
