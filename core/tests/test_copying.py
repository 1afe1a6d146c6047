"""deepcopy and pickle: leaves come back as they were, with memory of their own; a history is refused."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.errors import AutogradError

COPIES: dict[str, Callable[[Any], Any]] = {
    "deepcopy": copy.deepcopy,
    "copy": copy.copy,
    **{f"pickle {p}": (lambda x, p=p: pickle.loads(pickle.dumps(x, protocol=p))) for p in (2, pickle.HIGHEST_PROTOCOL)},
}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.complex128, np.int16, np.bool_])
@pytest.mark.parametrize("shape", [(), (3,), (0, 2), (2, 2)])
def test_values_dtype_and_device_stay(copied: Any, dtype: Any, shape: tuple[int, ...], device: str) -> None:
    values = np.arange(np.prod(shape)).reshape(shape).astype(dtype)
    x = tensor(values, device)
    y = copied(x)
    assert (type(y), y.shape, y.dtype, y.device) == (pb.Tensor, x.shape, x.dtype, x.device)
    assert y.dtype is x.dtype
    np.testing.assert_array_equal(host(y), values)
    assert not y.requires_grad


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_leaf_stays_one_and_keeps_its_gradient_but_no_memory_is_shared(copied: Any, device: str) -> None:
    x = tensor([1.0, 2.0], device, requires_grad=True)
    (x * x).sum().backward()
    y = copied(x)
    assert y.is_leaf
    assert y.requires_grad
    (y * 3).sum().backward()
    with pb.no_grad():
        y *= 10
    assert [host(t).tolist() for t in (x, x.grad, y, y.grad)] == [[1.0, 2.0], [2.0, 4.0], [10.0, 20.0], [5.0, 7.0]]


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_view_becomes_a_tensor_of_its_own(copied: Any, device: str) -> None:
    x = tensor([1.0, 2.0, 3.0], device)
    y = copied(x[1:])
    y[0] = 9.0
    assert host(x).tolist() == [1.0, 2.0, 3.0]
    assert type(y) is pb.Tensor


@pytest.mark.parametrize("copied", [c for name, c in COPIES.items() if name != "copy"])
def test_a_history_is_refused_by_name(copied: Any, device: str) -> None:
    x = tensor([1.0, 2.0], device, requires_grad=True)
    for result in (x * 2, x[:1]):
        with pytest.raises(AutogradError, match=r"this Tensor has a history \((Mul|Slice)Backward0\)"):
            copied(result)
    assert host(copied((x * 2).detach())).tolist() == [2.0, 4.0]


def test_a_shallow_copy_of_a_result_is_a_clone(device: str) -> None:
    x = tensor([1.0, 2.0], device, requires_grad=True)
    y = x * 2
    z = copy.copy(y)
    z *= 5
    (y + z).sum().backward()
    assert [host(t.detach()).tolist() for t in (y, z)] == [[2.0, 4.0], [10.0, 20.0]]
    assert host(x.grad).tolist() == [12.0, 12.0]


def test_a_copied_leaf_is_no_revived_loss() -> None:
    for copied in COPIES.values():
        copied(pb.tensor(1.0, requires_grad=True)).backward()  # does not warn


def test_one_tensor_in_two_places_is_copied_once() -> None:
    x = pb.tensor([1.0], requires_grad=True)
    for name in COPIES.keys() - {"copy"}:
        a, b = COPIES[name]([x, x])
        assert a is b
        assert a is not x


def test_inside_a_transform_nothing_is_copied() -> None:
    with pytest.raises(AutogradError, match="inside a transform"):
        pb.func.vmap(copy.deepcopy)(pb.ones(2))
