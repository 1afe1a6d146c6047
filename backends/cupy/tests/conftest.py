"""Puts the stand-in for CuPy in place. Nothing here has seen a GPU."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pullback import backend
from pullback.plugins import backends


def _fake() -> ModuleType:
    spec = importlib.util.spec_from_file_location("fake_cupy", Path(__file__).with_name("fake_cupy.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def fake() -> ModuleType:
    """The stand-in itself."""
    return _fake()


@pytest.fixture
def install(monkeypatch: pytest.MonkeyPatch, fake: ModuleType) -> Iterator[Callable[..., Any]]:
    """Put a CuPy with some devices in place; returns its driver. Everything is forgotten afterwards."""
    monkeypatch.setattr(backends, "_loaded", {k: v for k, v in backends._loaded.items() if k != "cupy"})
    monkeypatch.setattr(backends, "_by_type", {})
    surroundings = list(backend.surroundings)

    def forget() -> None:
        ours = ("cupy.", "cupyx", "array_api_compat.cupy")
        for name in [n for n in sys.modules if n == "cupy" or n.startswith(ours)]:
            del sys.modules[name]

    def install(count: int = 2, error: Exception | None = None, **options: Any) -> Any:
        driver = fake.Driver(count, error, **options)
        for name, module in fake.build(driver).items():
            monkeypatch.setitem(sys.modules, name, module)
        return driver

    forget()
    yield install
    monkeypatch.undo()
    forget()
    backend.surroundings[:] = surroundings
