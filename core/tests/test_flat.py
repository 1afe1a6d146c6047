"""Ops written out flat: what the second call remembers is what the first one asked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor

OPS = {
    "one operand": lambda x, y: pb.sum(x, axis=1, keepdims=True) * y,
    "one operand, other parameters": lambda x, y: pb.sum(x, axis=0) * y,
    "one operand that reads its result": lambda x, y: pb.std(x * y, axis=0),
    "two operands": lambda x, y: pb.matmul(x, y),
    "two operands, one of them twice": lambda x, y: pb.matmul(x, x) + y,
}


@pytest.mark.parametrize("wrt", ["x", "y", "xy"])
@pytest.mark.parametrize("name", OPS)
def test_the_second_call_differentiates_as_the_first(name: str, wrt: str, device: str) -> None:
    def run() -> list[np.ndarray]:
        x = tensor([[1.0, 2.0], [3.0, 5.0]], device, requires_grad="x" in wrt)
        y = tensor([[0.5, 2.0], [1.0, 4.0]], device, requires_grad="y" in wrt)
        out = OPS[name](x, y)
        grads = pb.autograd.grad((out * out).sum(), [t for t in (x, y) if t.requires_grad])
        return [host(out), *map(host, grads)]

    first = run()
    for found, expected in zip(run(), first, strict=True):
        np.testing.assert_array_equal(found, expected)
    with pb.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t):  # observers see the flat nodes too
        for found, expected in zip(run(), first, strict=True):
            np.testing.assert_array_equal(found, expected)


def test_parameters_that_are_tensors_are_asked_each_time() -> None:
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], requires_grad=True)
    picked: list[Any] = [x[pb.tensor([i, i])].tolist() for i in (0, 1, 0)]
    assert picked == [[[1.0, 2.0]] * 2, [[3.0, 4.0]] * 2, [[1.0, 2.0]] * 2]


def test_nothing_is_recorded_where_nothing_is_to_be() -> None:
    x = pb.ones(2, 2, requires_grad=True)
    for _ in range(2):
        with pb.no_grad():
            assert not pb.matmul(x, x).requires_grad
            assert not pb.sum(x).requires_grad
        assert pb.matmul(x, x).requires_grad
        assert not pb.sum(x.detach()).requires_grad
