"""What rules find beyond the standard, written in the standard alone, against NumPy's own indexing."""

import array_api_strict as strict
import numpy as np
import pullback as pb
import pytest
from pullback import extras

XP = extras.bind(strict, writable=False)
"""The functions for a backend whose arrays cannot be written."""

KEYS = {
    "all": ...,
    "an element": (1, 2),
    "a row": (2, ...),
    "a column": (slice(None), 3),
    "backwards": (slice(None, None, -2), slice(3, 0, -1)),
    "a new axis": (None, 1, ...),
    "from the end": (-1, -2),
    "steps that do not divide": (slice(1, None, 2), slice(-1, 0, -3)),
    "to the ends": (slice(-4, 4), slice(4, 5)),
    "nothing": (slice(2, 2), ...),
    "a mask": np.arange(20).reshape(4, 5) % 3 == 0,
    "an empty mask": np.zeros((4, 5), bool),
}
X = np.arange(20.0).reshape(4, 5) + 1


def library(key):
    """The same index as the ops hand it over: arrays in Tensors."""
    return pb.asarray(strict.asarray(key)) if isinstance(key, np.ndarray) else key


def numpy(array):
    return np.asarray(array)


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
@pytest.mark.parametrize("scalar", [True, False])
def test_put(key, scalar):
    value = np.asarray(-1.5) if scalar else np.random.default_rng(0).normal(size=X[key].shape)
    expected = X.copy()
    expected[key] = value
    np.testing.assert_array_equal(numpy(XP["put"](strict.asarray(X), library(key), strict.asarray(value))), expected)


def test_put_a_number():
    expected = X.copy()
    expected[1] = 0
    np.testing.assert_array_equal(numpy(XP["put"](strict.asarray(X), (1, ...), 0.0)), expected)


def test_put_keeps_infinities_where_they_are():
    x = strict.asarray([np.inf, 1.0, np.nan, 2.0])
    out = numpy(XP["put"](x, slice(1, 2), strict.asarray(-np.inf)))
    np.testing.assert_array_equal(out, [np.inf, -np.inf, np.nan, 2.0])


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_scatter_is_the_transpose_of_indexing(key):
    values = np.random.default_rng(1).normal(size=X[key].shape)
    expected = np.zeros_like(X)
    expected[key] = values
    np.testing.assert_array_equal(numpy(XP["scatter"](strict.asarray(values), library(key), X.shape)), expected)


def test_put_and_scatter_of_one_number():
    x = strict.asarray(2.0)
    assert float(XP["put"](x, (None, ...), strict.asarray([5.0]))) == 5.0
    assert float(XP["scatter"](strict.asarray([5.0]), (None, ...), ())) == 5.0


def test_put_and_scatter_take_memory_in_proportion():
    many = 300_000  # its square is more than any machine has
    x = strict.zeros(many)
    mask = strict.arange(many) % 2 == 0
    key = pb.asarray(mask)
    assert float(strict.sum(XP["put"](x, key, 1.0))) == many / 2
    assert float(strict.sum(XP["scatter"](x[mask] + 1, key, x.shape))) == many / 2
