"""`pb.cuda` never raises: no GPU is an answer. What it says of GPUs is tested with the CuPy backend."""

from __future__ import annotations

from typing import Any

import pullback as pb
import pytest
from pullback.backend import Availability, Backend
from pullback.errors import BackendNotFoundError, PluginError
from pullback.plugins import backends


class Stand(Backend):
    """A CuPy backend that sees two GPUs, or says why not."""

    name = "cupy"
    device_types = ("cuda",)

    def __init__(self, status: Any) -> None:
        super().__init__()
        self.status = status

    def available(self) -> Availability:
        if isinstance(self.status, Exception):
            raise self.status
        return self.status

    def native_devices(self) -> tuple[int, ...]:
        return (0, 1)


@pytest.mark.parametrize(
    ("status", "count"),
    [(Availability(), 2), (Availability(False, "no driver", "get one"), 0), (OSError("libcuda.so is gone"), 0)],
    ids=["usable", "unavailable", "fails to answer"],
)
def test_the_backend_is_asked(monkeypatch: pytest.MonkeyPatch, status: Any, count: int) -> None:
    monkeypatch.setitem(backends._loaded, "cupy", Stand(status))
    assert pb.cuda.device_count() == count
    assert pb.cuda.is_available() is (count > 0)


@pytest.mark.parametrize("error", [BackendNotFoundError("not installed"), PluginError("broken")])
def test_without_the_backend_there_is_no_gpu(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def missing(name: str) -> Any:
        raise error

    monkeypatch.setattr(backends, "backend", missing)
    assert pb.cuda.device_count() == 0
    assert pb.cuda.is_available() is False


def test_the_old_types_are_dtypes() -> None:
    assert pb.ones(2, dtype=pb.float64).type(pb.cuda.FloatTensor).dtype is pb.float32
    assert pb.ones(2).type(pb.cuda.DoubleTensor).dtype is pb.float64
