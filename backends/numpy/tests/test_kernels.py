"""Kernels that know the avals of their operands agree with those that ask."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback_numpy import kernels

BACKEND = pb.ones(1, device="cpu").device.backend


def arrays(shape: tuple[int, ...], dtype: str) -> list[Any]:
    rng = np.random.default_rng(len(shape))
    made = [rng.standard_normal(shape) + (1j * rng.standard_normal(shape) if "complex" in dtype else 0) for _ in "xy"]
    return [array.astype(dtype) for array in made]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(), (0,), (1,), (7,), (5000,), (3, 4), (2, 0, 3), (1, 1)])
def test_what_is_fitted_to_avals_gives_the_same(shape: tuple[int, ...], dtype: str) -> None:
    x, y = arrays(shape, dtype)
    avals = [BACKEND.aval(array) for array in (x, y)]
    for layout in (np.asarray, np.asfortranarray, lambda a: a[::-1] if a.ndim else a):
        x, y = map(layout, (x, y))
        np.testing.assert_array_equal(BACKEND.fitted("total", avals[0])(x), BACKEND.xp.total(x))
        np.testing.assert_array_equal(BACKEND.fitted("inner", *avals)(x, y), BACKEND.xp.inner(x, y))


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int64", "float16", "float32", "complex64"])
def test_sums_and_means_of_everything_are_numpys(dtype: str) -> None:
    x = (np.arange(200).reshape(10, 20) % 120).astype(dtype)
    total = BACKEND.xp.total(x)
    assert total == x.sum(dtype=total.dtype)
    if np.dtype(dtype).kind in "fc":
        mean = BACKEND.xp.average(x)
        assert (mean, mean.dtype) == (x.mean(), x.dtype)


def test_a_one_is_kept_for_each_aval_and_nobody_can_write_it() -> None:
    for shape in ((3,), (2, 3), (3,)):
        for dtype in (np.float32, np.float64):
            like = BACKEND.aval(np.empty(shape, dtype))
            one = dtype(1)
            found = [kernels.spread(number, like) for number in (one, dtype(2), one, dtype(1))]
            for array, value in zip(found, (1, 2, 1, 1), strict=True):
                np.testing.assert_array_equal(array, np.full(shape, value, dtype), strict=True)
                assert not array.flags.writeable
            assert found[2] is found[0]
    one = np.ones((), np.float32)  # an array, which its owner may write
    like = BACKEND.aval(np.empty(7, np.float32))
    spread = kernels.spread(one, like)
    one[...] = 5
    assert spread.tolist() == [5.0] * 7
    assert kernels.spread(np.float32(1), like).tolist() == [1.0] * 7


def test_a_pass_that_is_written_to_leaves_the_ones_alone() -> None:
    for _ in range(2):
        x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
        x.sum().backward()
        x.grad *= 7
        assert x.grad.tolist() == [7.0] * 3
