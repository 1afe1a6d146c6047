"""Random Tensors. Each backend has one generator, seeded by `manual_seed`; `Generator` objects are independent of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pullback import dtypes
from pullback.dtypes import DType
from pullback.errors import AutogradError
from pullback.plugins import backends
from pullback.primitive import wrap


class Generator:
    """A source of random numbers that is independent of all others.

    >>> import pullback as pb
    >>> a = pb.rand(3, generator=pb.Generator(7))
    >>> b = pb.rand(3, generator=pb.Generator(7))
    >>> bool((a == b).all())
    True
    """

    def __init__(self, seed: int | None = None) -> None:
        self._seed = seed
        self._sources: dict[str, Any] = {}
        self._lock = threading.Lock()

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`."""
        with self._lock:
            self._seed = seed
            self._sources.clear()
        return self

    def draw(self, kind: str, shape: tuple[int, ...], dtype: DType, device: Any, *bounds: int) -> Any:
        """A Tensor of random numbers of one kind: normal, uniform or integers."""
        place = backends.default_device() if device is None else backends.device(device)
        backend = place.backend
        mapped = _mapped.get()
        if mapped is not None:
            over, size, randomness = mapped
            if randomness == "error":
                raise AutogradError(
                    "vmap: the mapped function draws random numbers; say vmap(..., randomness='different') or 'same'"
                )
            if randomness == "different":
                with mapped_over(None, 0, "same"):
                    return over.make(self.draw(kind, (size, *shape), dtype, device, *bounds))
        with self._lock:
            source = self._sources.get(backend.name)
            if source is None:
                source = self._sources[backend.name] = backend.generator(self._seed)
            array = getattr(source, kind)(*bounds, shape, backend.native_dtype(dtype), place.native)
        return wrap(backend.settle(array), backend.aval(array))


_mapped: ContextVar[tuple[Any, int, str] | None] = ContextVar("pullback_random_mapped", default=None)


@contextmanager
def mapped_over(backend: Any, size: int, randomness: str) -> Iterator[None]:
    """Inside, random numbers are drawn for `size` examples of a vmap at once: "same", "different", or an "error"."""
    before = _mapped.get()
    _mapped.set(None if backend is None else (backend, size, randomness))
    try:
        yield
    finally:
        _mapped.set(before)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the generators of all backends; returns the default generator.

    >>> import pullback as pb
    >>> _ = pb.manual_seed(0)
    """
    return default_generator.manual_seed(seed)


def _finish(x: Any, requires_grad: bool) -> Any:
    return x.requires_grad_() if requires_grad else x


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    return tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape


def randn(
    *shape: Any,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Independent numbers from the standard normal distribution: `randn(2, 3)` or `randn((2, 3))`.

    >>> import pullback as pb
    >>> pb.randn(2, 3).shape
    (2, 3)
    """
    source = generator or default_generator
    return _finish(source.draw("normal", _shape(shape), dtype or dtypes.get_default_dtype(), device), requires_grad)


def rand(
    *shape: Any,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Independent numbers from the uniform distribution on [0, 1).

    >>> import pullback as pb
    >>> float(pb.rand(())) < 1
    True
    """
    source = generator or default_generator
    return _finish(source.draw("uniform", _shape(shape), dtype or dtypes.get_default_dtype(), device), requires_grad)


def randint(
    low: int,
    high: int | None = None,
    size: Any = (),
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Any = None,
) -> Any:
    """Independent integers from `low` (0 if it is the only bound) up to but without `high`.

    >>> import pullback as pb
    >>> int(pb.randint(5, 6, ()))
    5
    """
    if high is None:
        low, high = 0, low
    source = generator or default_generator
    return source.draw("integers", tuple(size), dtype or dtypes.int64, device, low, high)
