"""What a write in place does to nodes that saved the old value: recorded, nothing; behind the graph, a refusal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback.errors import OverwrittenError

Write = Callable[[Any], Any]


def add(y: Any) -> None:
    y += 1.0


def scale(y: Any) -> None:
    y *= 2.0


def mask(y: Any) -> None:
    y[y > 1.5] = 0.0


def through_a_view(y: Any) -> None:
    y[..., :1] -= 3.0


WRITES = [add, scale, mask, through_a_view]


@pytest.mark.parametrize("write", WRITES)
def test_a_result_that_was_saved_may_be_written(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], dtype=pb.float64, requires_grad=True)
    y = pb.exp(x)
    z = y * 1.0
    write(y)
    z.sum().backward()
    np.testing.assert_allclose(x.grad.tolist(), np.exp([0.0, 0.5, 1.0]), rtol=1e-15)


@pytest.mark.parametrize("write", WRITES)
def test_an_operand_that_was_saved_may_be_written(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    factor = pb.tensor([1.0, 2.0, 4.0])  # without history: its memory could be written directly
    y = (x * factor).sum()
    write(factor)
    y.backward()
    assert x.grad.tolist() == [1.0, 2.0, 4.0]


def test_a_scalar_that_was_saved_may_be_written(device: str) -> None:
    x = pb.tensor(3.0, requires_grad=True)
    step = pb.tensor(8.0)
    total = x * step
    step /= 2
    total = total + x * step
    total.backward()
    assert x.grad.item() == 12.0


@pytest.mark.parametrize("write", WRITES)
def test_a_write_under_no_grad_is_refused_in_the_pass(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    y = pb.exp(x)
    with pb.no_grad():
        write(y)
    with pytest.raises(OverwrittenError, match=r"ExpBackward0: its result, of shape \(3,\)"):
        y.sum().backward()
    assert x.grad is None


@pytest.mark.parametrize("write", WRITES)
def test_a_write_through_detach_is_refused_in_the_pass(write: Write, device: str) -> None:
    x = pb.tensor([0.0, 0.5, 1.0], requires_grad=True)
    y = pb.exp(x)
    write(y.detach())
    with pytest.raises(OverwrittenError, match=r"ExpBackward0: its result, of shape \(3,\)"):
        y.sum().backward()


@pytest.mark.parametrize("value", [1.0, pb.tensor([1.0, 1.0])], ids=["number", "Tensor"])
def test_a_constant_is_written_where_an_index_of_a_transform_says(value: Any) -> None:
    def chosen(x: Any) -> Any:
        y = pb.zeros(3)
        y[pb.nonzero(x > 1.0)[0]] = value
        return x * y

    x = pb.tensor([0.5, 2.0, 3.0])
    out, tangent = pb.func.jvp(chosen, (x,), (pb.tensor([1.0, 10.0, 100.0]),))
    assert out.tolist() == [0.0, 2.0, 3.0]
    assert tangent.tolist() == [0.0, 10.0, 100.0]


def test_memory_that_nobody_else_holds_is_written_directly() -> None:
    x = pb.zeros(4)
    before = x._array.ctypes.data
    x += 1.0
    x[1:] = 2.0
    assert x._array.ctypes.data == before
    assert x.tolist() == [1.0, 2.0, 2.0, 2.0]


def test_a_window_on_old_values_keeps_them_unless_written_under_no_grad() -> None:
    x = pb.zeros(2)
    window = x.numpy()
    with pb.no_grad():
        x += 1.0
    assert window.tolist() == [1.0, 1.0]
    x += 1.0
    assert (window.tolist(), x.tolist()) == ([1.0, 1.0], [2.0, 2.0])
