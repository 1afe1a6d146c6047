"""A lazy array library without the library: arrays of array-api-strict whose values nobody may see before `materialize`.

Whatever reads a value before that (`item`, `bool`, printing, moving to the host) is a hidden compute, and fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pullback.extend import Capabilities
from pullback.plugins import backends
from pullback_strict.backend import StrictBackend


class LazyBackend(StrictBackend):
    """`computes` lists how many arrays each call of `materialize` was given; `failing` makes the next ones fail."""

    name = "lazy"

    def __init__(self) -> None:
        super().__init__()
        self.computes: list[int] = []
        self.failing = False
        self._computed: list[Any] = []

    def owns(self, module: str) -> bool:
        return False

    @property
    def capabilities(self) -> Capabilities:
        return super().capabilities._replace(lazy=True)

    def materialize(self, *arrays: Any) -> tuple[Any, ...]:
        if self.failing:
            raise RuntimeError("a worker died")
        self.computes.append(len(arrays))
        made = tuple(self.copy(array) for array in arrays)
        self._computed += made
        return made

    def is_computed(self, array: Any) -> bool:
        """Whether it came out of `materialize`."""
        return any(array is one for one in self._computed)

    def to_host(self, array: Any) -> Any:
        assert self.is_computed(array), "a hidden compute"
        return super().to_host(array)


@contextmanager
def lazy_backend() -> Iterator[LazyBackend]:
    """Inside, the device "lazy" exists."""
    made = LazyBackend()
    before = backends._loaded
    backends._loaded = {**before, "lazy": made}
    try:
        yield made
    finally:
        backends._loaded = before
