"""The CuPy backend with a stand-in for CuPy: what it says of itself, what it parses, and that nothing moves silently.

Nothing here has seen a GPU. What needs one is checked by the conformance suite, where there is one.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback.errors import BackendError, BackendMismatchError, BackendNotFoundError, BackendUnavailableError
from pullback.plugins import backends
from pullback_cupy import CuPyBackend

Install = Callable[..., Any]


@pytest.fixture
def gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where CuPy is not installed."""
    monkeypatch.setattr("pullback_cupy.backend.find_spec", lambda name: None)
    monkeypatch.setattr(backends, "_loaded", {k: v for k, v in backends._loaded.items() if k != "cupy"})


# --- whether it can run -----------------------------------------------------------------------------------------------


def test_importing_the_backend_imports_no_cupy() -> None:
    program = (
        "import sys, pullback_cupy; pullback_cupy.CuPyBackend(); print('cupy' in sys.modules, 'numpy' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


def test_without_cupy_it_says_what_to_install(gone: None) -> None:
    status = CuPyBackend().available()
    assert not status.ok
    assert str(status) == "CuPy is not installed. pip install 'pullback[cuda13]' (or cuda12)"
    assert pb.cuda.device_count() == 0
    assert not pb.cuda.is_available()
    with pytest.raises(
        BackendUnavailableError, match=r"'cuda:1': backend 'cupy' is installed but cannot run: CuPy is not"
    ):
        pb.zeros(2, device="cuda:1")


@pytest.mark.parametrize(
    ("count", "error", "reason", "remedy"),
    [
        (0, None, "the driver finds no GPU", "nvidia-smi"),
        (
            1,
            RuntimeError("cudaErrorInsufficientDriver: too old"),
            "RuntimeError: cudaErrorInsufficientDriver",
            "driver",
        ),
        (1, OSError("libcuda.so.1: cannot open"), "OSError: libcuda.so.1", "driver"),
    ],
)
def test_installed_but_unusable_has_the_drivers_words(
    install: Install, count: int, error: Exception | None, reason: str, remedy: str
) -> None:
    install(count, error)
    status = CuPyBackend().available()
    assert not status.ok
    assert reason in status.reason
    assert remedy in status.remedy
    assert not pb.cuda.is_available()
    with pytest.raises(BackendUnavailableError, match="cannot run: "):
        pb.device("cuda")


def test_two_distributions_of_cupy_are_one_too_many(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    install(1)
    both = {"cupy-cuda12x", "cupy-cuda13x"}
    monkeypatch.setattr("pullback_cupy.backend._installed", both.__contains__)
    status = CuPyBackend().available()
    assert str(status) == (
        "cupy-cuda12x and cupy-cuda13x are installed, and overwrite each other's files. "
        "pip uninstall cupy-cuda12x cupy-cuda13x, then install one of them"
    )
    both.remove("cupy-cuda12x")
    assert CuPyBackend().available().ok


def test_with_devices_it_is_available(install: Install) -> None:
    install(2)
    assert CuPyBackend().available().ok
    assert pb.cuda.is_available()
    assert pb.cuda.device_count() == 2


# --- devices ----------------------------------------------------------------------------------------------------------


def test_names_of_devices(install: Install) -> None:
    driver = install(2)
    assert pb.device("cuda:1").native == 1
    assert pb.device("cuda", 1) is pb.device("cuda:1") is pb.device("cupy:1")
    assert pb.device("cuda") is pb.device("cuda:0")
    driver.current = 1
    assert pb.device("cuda") is pb.device("cuda:1")
    assert (pb.device("cuda:1").type, pb.device("cuda:1").index) == ("cuda", 1)
    assert repr(pb.device("cuda:1")) == "device(type='cuda', index=1)"


@pytest.mark.parametrize("name", ["cuda:2", "cuda:-1", "cuda:x", "cuda:", "cuda:1:0"])
def test_devices_that_are_not_there(install: Install, name: str) -> None:
    install(2)
    if name == "cuda:":
        assert pb.device(name) is pb.device("cuda:0")
        return
    with pytest.raises(BackendNotFoundError, match=f"no device '{name}'; this machine has 2 GPU"):
        pb.device(name)


MADE: list[Callable[..., Any]] = [
    lambda **o: pb.zeros(2, **o),
    lambda **o: pb.full((2,), 3.0, **o),
    lambda **o: pb.arange(2.0, **o),
    lambda **o: pb.linspace(0, 1, 2, **o),
    lambda **o: pb.eye(2, **o),
    lambda **o: pb.tensor([1.0, 2.0], **o),
    lambda **o: pb.empty(2, **o),
]


@pytest.mark.parametrize("make", MADE)
def test_arrays_are_made_where_they_should(install: Install, make: Callable[..., Any]) -> None:
    driver = install(2)
    made = make(device="cuda:1")
    assert made._array.device.id == 1
    assert made.device == pb.device("cuda:1")
    assert make(device="cuda:0")._array.device.id == 0
    assert driver.current == 0, "the current device is restored"


def test_moving_between_host_and_devices(install: Install) -> None:
    install(2)
    x = pb.tensor([1.0, 2.0], requires_grad=True)
    y = x.to("cuda:1")
    assert y._array.device.id == 1
    z = y.to("cuda:0").cpu()
    assert z.tolist() == [1.0, 2.0]
    assert type(z._array) is np.ndarray
    z.sum().backward()
    assert x.grad.tolist() == [1.0, 1.0]
    assert x.detach().cuda(1).device == pb.device("cuda:1")


def test_the_stream_of_a_device_is_waited_for(install: Install) -> None:
    driver = install(2)
    device = pb.device("cuda:1")
    device.backend.synchronize(device.native)
    assert driver.log == [("wait", 1, "null")]
    assert driver.current == 0


# --- no hidden transfers ----------------------------------------------------------------------------------------------


def test_nothing_leaves_the_device_silently(install: Install) -> None:
    install(2)
    x = pb.ones(2, device="cuda:0")
    with pytest.raises(BackendError, match=r"cuda:0.*cpu"):
        x + pb.ones(2)
    with pytest.raises(BackendMismatchError, match=r"cuda:0.*cuda:1"):
        x + pb.ones(2, device="cuda:1")
    with pytest.raises(RuntimeError, match=r"on cuda:0; nothing is moved silently, write \.to\('cpu'\)"):
        x.numpy()
    with pytest.raises(RuntimeError, match="cuda:0"):
        np.asarray(x)
    with pytest.raises(BackendMismatchError):
        x + np.ones(2)


def test_the_stand_in_offers_nothing_that_cupy_lacks(fake: Any) -> None:
    """CuPy can be imported without a GPU: wherever it is installed, the names of the stand-in are looked up in it."""
    program = "import cupy, cupyx; print(cupy.__file__)"
    if subprocess.run([sys.executable, "-c", program], capture_output=True, check=False).returncode:
        pytest.skip("CuPy is not installed; it needs no GPU for this: pip install cupy-cuda13x")
    modules = fake.build(fake.Driver(1))
    names = [
        f"{name}.{attribute}"
        for name in ("cupyx", "cupy.cuda", "cupy.random")
        for attribute in vars(modules[name])
        if not attribute.startswith("__")
    ]
    names += [f"cupy.cuda.runtime.{name}" for name in vars(modules["cupy.cuda"].runtime)]
    names += [f"cupy.ndarray.{name}" for name in vars(fake.ndarray) if not name.startswith("_") and name != "number"]
    names += [
        "cupy.cuda.memory.OutOfMemoryError",
        "cupy.get_default_memory_pool",
        "cupy.get_default_pinned_memory_pool",
    ]
    names += [f"cupy.cuda.MemoryPool.{name}" for name in ("used_bytes", "total_bytes", "free_all_blocks")]
    lookup = f"import cupy, cupyx; [eval(name) for name in {names}]"
    done = subprocess.run([sys.executable, "-c", lookup], capture_output=True, text=True, check=False)
    assert not done.returncode, done.stderr
