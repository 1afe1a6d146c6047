"""Variable: the spelling of before PyTorch 0.4."""

from __future__ import annotations

import pullback as pb
import pytest
from pullback.autograd import Variable


def test_it_is_a_tensor(device: str) -> None:
    data = pb.ones(2)
    x = Variable(data, requires_grad=True)
    assert isinstance(x, pb.Tensor)
    (x * 3).sum().backward()
    assert x.grad.tolist() == [3.0, 3.0]
    assert not data.requires_grad
    assert not Variable(data).requires_grad


def test_it_shows_the_memory_of_its_data(device: str) -> None:
    data = pb.ones(2)
    x = Variable(data)
    data += 1
    assert x.tolist() == [2.0, 2.0]


def test_it_cuts_the_history(device: str) -> None:
    y = pb.ones(2, requires_grad=True) * 2
    x = Variable(y, requires_grad=True)
    assert x.is_leaf
    x.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]


def test_what_is_no_tensor_is_refused() -> None:
    with pytest.raises(TypeError, match=r"Variable: a Tensor is needed, got builtins.list; write pb.tensor"):
        Variable([1.0, 2.0], requires_grad=True)
    with pytest.raises(RuntimeError, match="int64"):
        Variable(pb.ones(2, dtype=pb.int64), requires_grad=True)
