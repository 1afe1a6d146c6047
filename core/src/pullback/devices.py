"""Device: a backend and that backend's own device object, under a name that a user can type."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.backend import Backend

_innermost: ContextVar[tuple[Device, ...]] = ContextVar("pullback_device_contexts", default=())


class Device:
    """Where arrays live. `pb.device("cpu")` makes one; `with pb.device(...):` makes it the default inside.

    Attributes: `name` (as typed, `"cuda:1"`), `type` (`"cuda"`), `index` (1, or None), `backend` (who owns it),
    `native` (the library's own object for it). Two devices are equal when they are the same device of the same
    backend.

    >>> import pullback as pb
    >>> pb.device("cpu")
    device(type='cpu')
    """

    __slots__ = ("backend", "name", "native")

    def __init__(self, backend: Backend, native: Any, name: str) -> None:
        self.backend = backend
        self.native = native
        self.name = name

    @property
    def type(self) -> str:
        """The part of the name before the colon."""
        return self.name.partition(":")[0]

    @property
    def index(self) -> int | None:
        """The number after the colon, or None."""
        tail = self.name.partition(":")[2]
        return int(tail) if tail.isdigit() else None

    def __enter__(self) -> Device:
        _innermost.set((*_innermost.get(), self))
        return self

    def __exit__(self, *exc_info: object) -> None:
        _innermost.set(_innermost.get()[:-1])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, str):
            return other == self.name
        return isinstance(other, Device) and other.backend is self.backend and other.name == self.name

    def __hash__(self) -> int:
        return hash(self.name)

    def __str__(self) -> str:
        return self.name

    def __repr__(self) -> str:
        if self.index is not None:
            return f"device(type={self.type!r}, index={self.index})"
        return f"device(type={self.name!r})"


def context_device() -> Device | None:
    """The device of the innermost `with pb.device(...)`, if any."""
    stack = _innermost.get()
    return stack[-1] if stack else None
