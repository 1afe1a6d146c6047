"""The namespace of each backend, importable: `from pullback.namespaces import numpy as xp`.

A backend is loaded when its namespace is first asked for. It is the same module that `x.__array_namespace__()` returns.
"""

from __future__ import annotations

from types import ModuleType

from pullback.errors import BackendNotFoundError
from pullback.namespace import namespace
from pullback.plugins import backends


def __getattr__(name: str) -> ModuleType:
    if name.startswith("__"):
        raise AttributeError(name)
    try:
        return namespace(backends.backend(name))
    except BackendNotFoundError as error:
        raise AttributeError(f"pullback.namespaces.{name}: {error}") from None


def __dir__() -> list[str]:
    return backends.names()
