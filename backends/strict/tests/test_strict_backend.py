"""The array-api-strict backend: five devices, arrays that cannot be written, and flags that take things away."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import array_api_strict
import numpy as np
import pullback as pb
import pytest
from pullback.errors import DTypeError

DEVICES = ["strict", "strict:device1", "strict:device2", "strict:no_float64", "strict:no_x64"]


@pytest.fixture
def flags() -> Iterator[Any]:
    """Sets flags of array-api-strict for one test."""
    before = array_api_strict.get_array_api_strict_flags()
    yield array_api_strict.set_array_api_strict_flags
    array_api_strict.set_array_api_strict_flags(**before)


def test_importing_the_backend_imports_no_library() -> None:
    program = (
        "import sys, pullback_strict; pullback_strict.StrictBackend(); "
        "print('numpy' in sys.modules, 'array_api_strict' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_it_is_no_default() -> None:
    assert not pb.device("strict").backend.default_candidate
    assert pb.get_default_device().name == "cpu"


@pytest.mark.parametrize("device", DEVICES)
def test_a_program_runs_on_each_device_and_stays_there(device: str) -> None:
    with pb.device(device):
        pb.manual_seed(0)
        x = pb.randn(4, 3)
        w = pb.randn(3, 2, requires_grad=True)
        for _ in range(3):
            loss = (pb.tanh(x @ w) - 0.5).pow(2).mean()
            loss.backward()
            with pb.no_grad():
                w -= 0.1 * w.grad
                w.grad.zero_()
        found = w.detach()
    assert found.device == device
    assert loss.device == device
    assert w.grad.device == device
    with pb.device("cpu"):
        pb.manual_seed(0)
        x = pb.randn(4, 3)
        w = pb.randn(3, 2, requires_grad=True)
        for _ in range(3):
            loss = (pb.tanh(x @ w) - 0.5).pow(2).mean()
            (grad,) = pb.autograd.grad(loss, w)
            w = (w - 0.1 * grad).detach().requires_grad_()
    np.testing.assert_allclose(found.to("cpu").numpy(), w.detach().numpy(), rtol=1e-5)


@pytest.mark.parametrize("device", DEVICES)
def test_host_and_back(device: str) -> None:
    backend = pb.device(device).backend
    native = pb.device(device).native
    source = np.arange(6, dtype=np.float32).reshape(2, 3)
    array = backend.from_host(source, native)
    assert backend.native_device(array) == native
    source[0, 0] = 9.0
    back = backend.to_host(array)
    assert back.tolist() == [[0.0, 1.0, 2.0], [3.0, 4.0, 5.0]]
    assert type(back) is np.ndarray


def test_the_default_dtype_follows_the_device() -> None:
    xp = pb.zeros(1, device="strict").__array_namespace__()
    assert xp.zeros(2).dtype is pb.float64
    assert xp.zeros(2, device="strict:no_float64").dtype is pb.float32
    assert pb.zeros(2, device="strict:device1").dtype is pb.float32, "the top level has PyTorch's default"
    with pytest.raises(DTypeError, match=r"no_float64' has no float64"):
        xp.zeros(2, dtype=pb.float64, device="strict:no_float64")


def test_arrays_are_never_written() -> None:
    raw = array_api_strict.ones(3)
    x = pb.asarray(raw, copy=False)
    y = x * 1
    x += 1
    x[0] = 9.0
    x.zero_()
    assert np.asarray(raw).tolist() == [1.0, 1.0, 1.0]
    assert y.tolist() == [1.0, 1.0, 1.0]
    assert x.tolist() == [0.0, 0.0, 0.0]


def test_isin_heeds_invert() -> None:
    x = pb.asarray([1, 2, 3], device="strict")
    xp = x.__array_namespace__()
    assert xp.isin(x, xp.asarray([2])).tolist() == [False, True, False]
    assert xp.isin(x, xp.asarray([2]), invert=True).tolist() == [True, False, True]


# --- flags ------------------------------------------------------------------------------------------------------------


def test_capabilities_follow_the_flags(flags: Any) -> None:
    backend = pb.device("strict").backend
    assert backend.capabilities.boolean_indexing
    assert backend.capabilities.linalg
    flags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=("fft",))
    found = backend.capabilities
    assert not found.boolean_indexing
    assert not found.data_dependent_shapes
    assert not found.linalg
    assert found.fft


def test_masks_are_not_needed_to_differentiate(flags: Any) -> None:
    flags(boolean_indexing=False, data_dependent_shapes=False, enabled_extensions=())
    x = pb.tensor([[1.0, -2.0], [3.0, 3.0]], device="strict", requires_grad=True)
    calls = [
        lambda: pb.where(x > 0, pb.sqrt(pb.abs(x)), x).sum(),
        lambda: x.clamp(min=0).sum(),
        lambda: (x @ x).sum(),
        lambda: pb.max(x, axis=1).sum(),
        lambda: pb.prod(x),
        lambda: (pb.sort(x, axis=1)[:, 0] * 2).sum(),
        lambda: pb.take(x, pb.asarray([0, 0], device="strict"), axis=0).sum(),
        lambda: x[0, :].sum() + x[..., 1].sum(),
        lambda: pb.std(x),
        lambda: pb.cumulative_sum(x, axis=0).sum(),
        lambda: pb.concat([x, x]).sum(),
    ]
    for call in calls:
        (grad,) = pb.autograd.grad(call(), x)
        assert grad.shape == x.shape
        assert not pb.any(pb.isnan(grad))


@pytest.mark.parametrize("version", ["2024.12", "2025.12"])
def test_a_library_may_be_one_version_of_the_standard_behind(flags: Any, version: str) -> None:
    flags(api_version=version)
    x = pb.tensor([[1.0, 2.0], [3.0, 4.0]], device="strict:device1", requires_grad=True)
    y = (pb.exp(-x) * pb.tanh(x @ x) / (1 + x**2)).mean()
    y.backward()
    assert x.grad.device == "strict:device1"
    assert not pb.any(pb.isnan(x.grad))
