"""Who reads an array: on a lazy library it computes, on an accelerator it waits. Rules may do neither.

While a backend is watched, its transfer to the host and all conversions of its arrays to Python values raise if pullback,
or a plugin, asks for them; what the library does within itself is its own affair. Arrays of a compiled class cannot be
watched: of these only the transfers are seen.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pullback as pb

CONVERSIONS = (
    *("__bool__", "__int__", "__float__", "__complex__", "__index__", "__array__"),
    *("item", "tolist", "compute", "get"),
)


class HostReadError(Exception):
    """An op, or its rule, asked for the values of an array."""


def watched(device: str) -> bool:
    """Whether conversions of the arrays of a device can be seen."""
    return any(_patchable(kind) for kind in pb.device(device).backend.array_types)


def _patchable(kind: type) -> bool:
    try:
        setattr(kind, "_watched", True)  # noqa: B010  a class of another library, which may be compiled
    except TypeError:
        return False
    delattr(kind, "_watched")
    return True


@contextmanager
def no_reads(device: str) -> Iterator[None]:
    """Inside, `HostReadError` for whoever asks for values of arrays of the backend of a device."""
    backend = pb.device(device).backend
    undo: list[Callable[[], None]] = []
    try:
        for name in ("to_host", "materialize"):
            _replace(backend, name, _refusing(f"backend.{name}"), undo)
        for kind in filter(_patchable, backend.array_types):
            library = kind.__module__.partition(".")[0]
            for name in CONVERSIONS:
                if callable(right := getattr(kind, name, None)):
                    _replace(kind, name, _guarded(right, name, library), undo)
        yield
    finally:
        for back in reversed(undo):
            back()


def _replace(owner: Any, name: str, new: Any, undo: list[Callable[[], None]]) -> None:
    kept = vars(owner).get(name)
    setattr(owner, name, new)
    undo.append(lambda: delattr(owner, name) if kept is None else setattr(owner, name, kept))


def _refusing(name: str) -> Callable[..., Any]:
    def refuse(*_: Any, **__: Any) -> Any:
        raise HostReadError(f"{name} was called: a value is read on the host")

    return refuse


def _guarded(right: Callable[..., Any], name: str, library: str) -> Callable[..., Any]:
    def guarded(*args: Any, **kwargs: Any) -> Any:
        caller = sys._getframe(1).f_globals.get("__name__", "")
        if caller.partition(".")[0] != library:
            raise HostReadError(f"{name} of an array was called from {caller}: a value is read on the host")
        return right(*args, **kwargs)

    return guarded
