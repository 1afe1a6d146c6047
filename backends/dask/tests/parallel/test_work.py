"""What a worker computes, without a worker."""

from __future__ import annotations

from collections import namedtuple
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback_dask.parallel.errors import BlockError
from pullback_dask.parallel.work import Call, Partial, Piece, Shipment, combine, load, run_block, tensor

Pair = namedtuple("Pair", "a b")


def shipment(function: Any, *args: Any, mean: bool = True, micro_batch: int | None = None, **kwargs: Any) -> Shipment:
    return Shipment.packed(Call(function, args, kwargs, (0,), mean, micro_batch))


def test_a_call_survives_the_journey():
    """Containers, constants and functions arrive; arrays travel beside them, and are not copied on the way."""
    x, offset = pb.asarray(np.arange(3.0)), pb.asarray(np.array([5, 6]))
    packed = shipment(lambda a, b: a, {"x": x, "n": 3}, Pair(None, "word"), offset=[offset])
    assert np.shares_memory(packed.arrays[0], x.numpy())
    assert packed.nbytes == len(packed.program) + 24 + 16
    call = packed.opened()
    assert call.args[0]["x"].tolist() == [0.0, 1.0, 2.0]
    assert (call.args[0]["n"], call.args[1]) == (3, Pair(None, "word"))
    assert call.kwargs["offset"][0].tolist() == [5, 6]
    call.args[0]["x"].zero_()
    assert x.tolist() == [0.0, 1.0, 2.0]


def test_a_block_of_a_mean_counts_by_its_rows():
    rows = np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])
    w = pb.asarray(np.array([1.0, 1.0]))
    for size in (None, 2, 1):
        found = run_block(0, shipment(lambda w, x: (x @ w).mean(), w, Piece(0), micro_batch=size), rows)
        assert (found.rows, float(found.loss), [g.tolist() for g in found.grads]) == (3, 21.0, [[9.0, 12.0]])
    summed = run_block(0, shipment(lambda w, x: (x @ w).sum(), w, Piece(0), mean=False), rows)
    assert (summed.rows, float(summed.loss)) == (3, 21.0)


def test_a_function_sees_the_memory_of_the_block():
    """A copy of the rows would take three times as long as the gradient of a linear model."""
    rows = np.ones((3, 2))
    inside = range(rows.ctypes.data, rows.ctypes.data + rows.nbytes)

    def product(w, x):
        assert x.numpy().ctypes.data in inside
        return (x @ w).sum()

    w = pb.asarray(np.ones(2))
    for size in (None, 2):
        assert float(run_block(0, shipment(product, w, Piece(0), mean=False, micro_batch=size), rows).loss) == 6.0


def test_what_arrived_at_an_odd_address_is_moved():
    odd = np.frombuffer(b"." + np.arange(3.0).tobytes(), offset=1)
    assert not odd.flags.aligned
    assert tensor(odd)._array.flags.aligned
    assert tensor(odd).tolist() == [0.0, 1.0, 2.0]


def test_a_function_that_writes_its_rows_writes_a_copy():
    def careless(w, x):
        x *= 2.0
        return (x @ w).sum()

    rows, w = np.ones((3, 2)), pb.asarray(np.ones(2))
    for size in (None, 2):
        assert float(run_block(0, shipment(careless, w, Piece(0), mean=False, micro_batch=size), rows).loss) == 12.0
        assert (rows == 1.0).all()


def test_a_block_without_rows_does_not_run_the_function():
    def fails(w, x):
        raise AssertionError

    assert run_block(0, shipment(fails, pb.tensor(1.0), Piece(0)), np.zeros((0, 3))) == Partial(0)


def test_what_is_added_up_stays_as_it_is():
    parts = [Partial(n, np.float64(n), [np.full(2, float(n)), np.float64(n)]) for n in (1, 2, 3)]
    total = combine([Partial(0), *parts, Partial(0)])
    assert (total.rows, total.loss) == (6, 6.0)
    assert total.grads[0].tolist() == [6.0, 6.0]
    assert parts[0].grads[0].tolist() == [1.0, 1.0]
    assert combine([Partial(0), Partial(0)]) == Partial(0)


def test_it_adds_from_left_to_right():
    """So that the bits do not depend on who adds."""
    values = [1e16, 1.0, -1e16, 1.0]
    assert combine([Partial(1, value, []) for value in values]).loss == ((1e16 + 1.0) - 1e16) + 1.0


def test_an_error_of_a_loader():
    with pytest.raises(BlockError, match=r"block 4 failed on the worker in this process: ZeroDivisionError") as caught:
        load(4, lambda path: 1 / 0, "a path")
    assert caught.value.trace.count("File") == 1
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
