"""A box and the rest of an index together are the index, as NumPy reads it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, basic_indices
from pullback.errors import ArgumentError
from pullback_safetensors.slices import split


@settings(derandomize=True, database=None, deadline=None, max_examples=500)
@given(st.data())
def test_the_two_steps_are_the_index(data: Any) -> None:
    shape = data.draw(array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4))
    key = data.draw(basic_indices(shape, allow_newaxis=True, allow_ellipsis=True))
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape)
    box, rest = split(key, shape)
    assert len(box) == len(shape)
    for part, size in zip(box, shape, strict=True):  # what the library asks for
        assert 0 <= part.start <= part.stop <= size
        assert part.step is None
    np.testing.assert_array_equal(x[box][rest], x[key], strict=True)


@pytest.mark.parametrize(
    ("key", "box"),
    [
        (slice(2, 100), slice(2, 5)),
        (slice(None, None, -2), slice(0, 5)),
        (slice(3, None, -2), slice(1, 4)),
        (slice(1, 5, 3), slice(1, 5)),
        (slice(1, 4, 3), slice(1, 2)),
        (-2, slice(3, 4)),
        (np.int64(1), slice(1, 2)),
        (slice(4, 2), slice(0, 0)),
    ],
    ids=str,
)
def test_no_more_is_read_than_is_needed(key: Any, box: slice) -> None:
    assert split((key,), (5, 3))[0] == (box, slice(0, 3))


@pytest.mark.parametrize("key", [5, -6, (0, 0, 0), (..., 0, ...)], ids=str)
def test_an_index_that_does_not_fit_is_an_index_error(key: Any) -> None:
    with pytest.raises(IndexError):
        split(key, (5, 3))


@pytest.mark.parametrize("key", [True, np.bool_(False), [0, 1], 1.0, "x", np.array([True] * 5)], ids=str)
def test_an_index_that_is_not_basic_is_refused(key: Any) -> None:
    with pytest.raises(ArgumentError, match=r"made of integers, slices, \.\.\. and None"):
        split((slice(None), key), (5, 5))
