"""Indexing against NumPy and finite differences: `x[key]`, and the functions take and take_along_axis."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, numbered, strided
from pullback import namespace
from pullback.errors import IndexingError
from pullback.ops import indexing_functions

TWICE = np.asarray([0, 0, 2])
FROM_THE_END = np.asarray([-1, 0, -1, 1])
COLUMNS = np.asarray([[0, 0], [2, 1]])
MASK = np.asarray([[True, False, True], [False, False, True]])

ROWS: Rows = {
    "take": [
        (lambda xp, x, i: xp.take(x, i), (3,), TWICE),
        (lambda xp, x, i: xp.take(x, i, axis=0), (3, 2), FROM_THE_END),
        (lambda xp, x, i: xp.take(x, i, axis=-1), (2, 3), TWICE),
        (lambda xp, x, i: xp.take(x, i, axis=1), (2, 3, 2), TWICE),
        (lambda xp, x, i: xp.take(x, i, axis=1), (2, 3), TWICE[:0]),
        (lambda xp, x, i: xp.take(x, i, axis=0), (3, 0), TWICE),
    ],
    "take_along_axis": [
        (lambda xp, x, i: xp.take_along_axis(x, i, axis=1), (2, 3), COLUMNS),
        (lambda xp, x, i: xp.take_along_axis(x, i, axis=0), (3, 2), COLUMNS),
        (lambda xp, x, i: xp.take_along_axis(x, i, axis=-1), (2, 3), -1 - COLUMNS),
        (lambda xp, x, i: xp.take_along_axis(x, i, axis=0), (4,), FROM_THE_END),
    ],
}
KEYS: Rows = {
    "basic": [
        (lambda xp, x: x[0, ...], (2, 3)),
        (lambda xp, x: x[-1, 1], (2, 3)),
        (lambda xp, x: x[1:, ...], (3, 2)),
        (lambda xp, x: x[:, ::2], (2, 3)),
        (lambda xp, x: x[::-1, 1:0:-1], (2, 3)),
        (lambda xp, x: x[2:2, ...], (3, 2)),
        (lambda xp, x: x[..., 0], (2, 3)),
        (lambda xp, x: x[None, :, None, 1], (2, 3)),
        (lambda xp, x: x[...], (2,)),
        (lambda xp, x: x[()], ()),
        (lambda xp, x: x[None], ()),
        (lambda xp, x: x[1:, ...][:, 0][None, :-1], (4, 2)),
    ],
    "arrays": [
        (lambda xp, x, i: x[i], (3,), TWICE),
        (lambda xp, x, i, j: x[i, j], (3, 3), TWICE, FROM_THE_END[:3]),
        (lambda xp, x, i, j: x[i, j], (3, 3), TWICE, COLUMNS[:, :1]),
        (lambda xp, x, i: x[i, 1], (3, 2), TWICE),
        (lambda xp, x, i: x[0, i], (2, 3), TWICE),
    ],
    "masks": [
        (lambda xp, x, m: x[m], (2, 3), MASK),
        (lambda xp, x, m: x[m], (3,), np.zeros(3, bool)),
        (lambda xp, x, m: x[m], (2, 3, 2), MASK),
        (lambda xp, x, m: x[m], (), np.asarray(True)),
    ],
}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[indexing_functions]) == set(ROWS)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS | KEYS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS | KEYS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize(
    ("call", "arguments"),
    numbered(
        {
            "leading": [(lambda xp, x, i: x[i], (3, 2), TWICE), (lambda xp, x, i: x[i], (3, 2), COLUMNS)],
            "trailing": [(lambda xp, x, i: x[:, i], (2, 3), TWICE), (lambda xp, x, i: x[..., i], (2, 3), COLUMNS)],
            "mixed": [
                (lambda xp, x, i: x[i, :, 1], (3, 2, 2), TWICE),
                (lambda xp, x, i: x[1:, i], (2, 3), TWICE),
                (lambda xp, x, i: x[None, i], (3, 2), TWICE),
                (lambda xp, x, m: x[:, m], (2, 3), MASK[0]),
            ],
        }
    ),
)
def test_numpy_indexes_beyond_the_standard(call: Any, arguments: list[Any]) -> None:
    check_derivatives(call, gaussian(arguments))


def test_equal_indices_add_up(device: str) -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    (grad,) = pb.autograd.grad(x[[0, 0]].sum(), x)
    assert grad.tolist() == [2.0, 0.0, 0.0]


def test_lists_index_like_arrays(device: str) -> None:
    x = pb.tensor([1.0, 2.0, 3.0])
    assert x[[2, 0]].tolist() == [3.0, 1.0]
    assert x[[True, False, True]].tolist() == [1.0, 3.0]


def test_integer_tensors_and_numpy_integers_are_integers(device: str) -> None:
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    assert x[pb.tensor(1), np.int64(0)].tolist() == 3.0


def test_writing_to_an_index_afterwards_does_not_change_the_gradient(device: str) -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = pb.tensor([0, 1])
    y = x[index].sum()
    index[...] = 2
    y.backward()
    assert x.grad.tolist() == [1.0, 1.0, 0.0]


def test_writing_to_an_index_behind_the_graph_is_noticed(device: str) -> None:
    x = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    index = pb.tensor([0, 1])
    y = x[index].sum()
    with pb.no_grad():
        index[...] = 2
    with pytest.raises(RuntimeError, match=r"indices, of shape \(2,\), .* was written in place"):
        y.backward()
    assert x.grad is None


@pytest.mark.parametrize("axis", [None, 2])
def test_take_wants_an_axis_of_a_matrix(axis: int | None, device: str) -> None:
    with pytest.raises((ValueError, IndexError), match="axis"):
        pb.take(pb.ones(2, 2), pb.tensor([0]), axis=axis)


def test_out_of_bounds_raises(device: str) -> None:
    x = pb.ones(2, 3)
    for key in (2, (0, 3), (-3, 0)):
        with pytest.raises(IndexError):
            x[key]


class TestTooManyIndices:
    @pytest.mark.parametrize("key", [0, (0,), slice(None), [0]], ids=repr)
    def test_of_a_scalar_names_item(self, device: str, key: Any) -> None:
        with pytest.raises(IndexingError, match=r"1 axes are indexed, the array has shape \(\); .* write x.item\(\)"):
            pb.tensor(3.0)[key]

    @pytest.mark.parametrize("key", [(0, 0), (..., 0, 0), (None, 0, slice(None))], ids=repr)
    def test_of_a_vector(self, device: str, key: Any) -> None:
        with pytest.raises(IndexError, match=r"2 axes are indexed, the array has shape \(3,\)$"):
            pb.ones(3)[key]

    def test_a_mask_counts_its_axes(self, device: str) -> None:
        with pytest.raises(IndexError, match="2 axes"):
            pb.ones(3)[pb.ones(3, 3) > 0]

    def test_a_write_changes_nothing(self, device: str) -> None:
        x = pb.ones(3)
        with pytest.raises(IndexError):
            x[0, 0] = 5.0
        assert x.tolist() == [1.0, 1.0, 1.0]

    @pytest.mark.parametrize("key", [..., (), None], ids=repr)
    def test_keys_without_an_axis_are_fine(self, device: str, key: Any) -> None:
        assert pb.tensor(3.0)[key].sum().item() == 3.0
