"""fingerprints: what shares memory with the user is guarded where pullback cannot see the write."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.errors import GraphFreedError, OverwrittenError

fingerprints = pb.autograd.graph.fingerprints


def shared(*values: float) -> tuple[np.ndarray, Any]:
    memory = np.asarray(values)
    return memory, pb.from_numpy(memory)


def test_without_them_the_write_is_not_seen() -> None:
    """What the mode is for: if this ever raises by itself, the mode can go."""
    memory, w = shared(1.0, 2.0)
    x = tensor([1.0, 1.0], requires_grad=True)
    y = (w * x).sum()
    memory *= 5
    y.backward()
    assert host(x.grad).tolist() == [5.0, 10.0]


@pytest.mark.parametrize("write", ["before", "after"])
def test_only_writes_after_the_op_ran_count(write: str) -> None:
    memory, w = shared(1.0, 2.0)
    x = tensor([1.0, 1.0], requires_grad=True)
    if write == "before":
        memory *= 5
    with fingerprints():
        y = (w * x).sum()
    if write == "before":
        y.backward()
        assert host(x.grad).tolist() == [5.0, 10.0]
        return
    memory *= 5
    with pytest.raises(OverwrittenError, match="MulBackward0: x1"):
        y.backward()
    memory /= 5
    y.backward()  # nothing was used up
    assert host(x.grad).tolist() == [1.0, 2.0]


def test_hooks_packing_and_freeing_go_on_as_ever() -> None:
    memory, w = shared(1.0, 2.0)
    x = tensor([1.0, 1.0], requires_grad=True)
    hooks = pb.autograd.graph.saved_tensors_hooks(lambda t: t.clone(), lambda t: t)
    with fingerprints(), hooks, pb.autograd.detect_anomaly():
        y = w * x
        y.register_hook(lambda ct: ct * 2)
        z = (y * y).sum()
        memory *= 5  # the packed values are copies
        z.backward()
        with pytest.raises(GraphFreedError):
            z.backward()
    assert host(x.grad).tolist() == [4.0, 16.0]


def test_transforms_and_lazy_values_are_left_alone() -> None:
    with fingerprints():
        slopes = pb.func.vmap(pb.func.grad(lambda x: pb.sin(x) * x))(pb.ones(2, dtype=pb.float64))
    np.testing.assert_allclose(host(slopes), np.full(2, np.sin(1.0) + np.cos(1.0)))


def test_it_ends_with_its_block() -> None:
    memory, w = shared(1.0, 2.0)
    x = tensor([1.0, 1.0], requires_grad=True)
    with pytest.raises(ZeroDivisionError), fingerprints():
        _ = 1 / 0
    y = (w * x).sum()
    memory *= 5
    y.backward()
    assert host(x.grad).tolist() == [5.0, 10.0]
