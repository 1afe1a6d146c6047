"""Random Tensors. Each backend has one generator, seeded by `manual_seed`; `Generator` objects are independent of it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from operator import index
from typing import Any

from pullback import dtypes
from pullback.creation import shape_of
from pullback.dtypes import DType
from pullback.errors import ArgumentError, AutogradError, BackendNotFoundError, BackendUnavailableError, DTypeError
from pullback.ops import creation_functions as standard
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
        self._seed = None if seed is None else _checked_seed("Generator", seed)
        self._sources: dict[str, Any] = {}
        self._waiting: dict[str, Any] = {}  # states of streams of backends that cannot run here
        self._lock = threading.Lock()

    def manual_seed(self, seed: int) -> Generator:
        """Start again from `seed`, an integer; a negative one counts from 2**64, as in PyTorch."""
        seed = _checked_seed("manual_seed", seed)
        with self._lock:
            self._seed = seed
            self._sources.clear()
            self._waiting.clear()
        return self

    def get_state(self) -> dict[str, Any]:
        """Where its streams stand, one for each backend that it drew from: data that pickles.

        >>> import pullback as pb
        >>> generator = pb.Generator(0)
        >>> state = generator.get_state()
        >>> first = pb.rand(3, generator=generator)
        >>> generator.set_state(state)
        >>> bool((pb.rand(3, generator=generator) == first).all())
        True
        """
        with self._lock:
            if self._seed is None:  # streams that begin later must be the same again too
                self._seed = _fresh_seed()
            running = {name: source.get_state() for name, source in self._sources.items()}
            return {"seed": self._seed, "streams": self._waiting | running}

    def set_state(self, state: dict[str, Any]) -> None:
        """Go on from a state that `get_state` returned, perhaps on another machine.

        The stream of a backend that cannot run here, as of a GPU that this machine lacks, is kept for one that can.
        """
        sources, waiting = {}, {}
        for name, stream in state["streams"].items():
            backend = _usable(name)
            if backend is None:
                waiting[name] = stream
                continue
            sources[name] = backend.generator(state["seed"])
            sources[name].set_state(stream)
        with self._lock:
            self._seed, self._sources, self._waiting = state["seed"], sources, waiting

    def draw(self, kind: str, shape: tuple[int, ...], dtype: DType, device: Any, *bounds: int) -> Any:
        """A Tensor of random numbers of one kind: normal, uniform or integers."""
        place = backends.default_device() if device is None else backends.device(device)
        backend = place.backend
        if _mapped.get():
            return self._draw_mapped(kind, shape, dtype, device, *bounds)
        with self._lock:
            source = self._sources.get(backend.name)
            if source is None:
                source = self._sources[backend.name] = backend.generator(self._seed)
                if backend.name in self._waiting:
                    source.set_state(self._waiting.pop(backend.name))
            array = getattr(source, kind)(*bounds, shape, backend.native_dtype(dtype), place.native)
        return wrap(backend.settle(array), backend.aval(array))

    def _draw_mapped(self, kind: str, shape: tuple[int, ...], dtype: DType, device: Any, *bounds: int) -> Any:
        """The numbers of all examples of the innermost vmap, drawn as those outside of it say."""
        *outer, (over, size, randomness, tape) = _mapped.get()
        if randomness == "error":
            raise AutogradError(
                "vmap: the mapped function draws random numbers; say vmap(..., randomness='different') or 'same'"
            )
        token = _mapped.set(tuple(outer))
        try:
            if randomness == "different":
                return over.make(self.draw(kind, (size, *shape), dtype, device, *bounds))
            drawn = next(tape.replayed, None)
            if drawn is None:
                drawn = self.draw(kind, shape, dtype, device, *bounds)
                tape.drawn.append(drawn)
            return drawn
        finally:
            _mapped.reset(token)


def _usable(name: str) -> Any:
    """A backend, or None if it is not installed or cannot run here."""
    try:
        backend = backends.backend(name)
    except (BackendNotFoundError, BackendUnavailableError):
        return None
    return backend if backend.available().ok else None


class Tape:
    """What was drawn for the first chunk of a vmap with the same numbers for each example, for the other chunks."""

    def __init__(self) -> None:
        self.drawn: list[Any] = []
        self.replayed: Iterator[Any] = iter(())


_mapped: ContextVar[tuple[Any, ...]] = ContextVar("pullback_random_mapped", default=())


@contextmanager
def mapped_over(backend: Any, size: int, randomness: str, tape: Tape) -> Iterator[None]:
    """Inside, random numbers are drawn for `size` examples of a vmap at once: "same", "different", or an "error"."""
    tape.replayed = iter(tuple(tape.drawn))
    token = _mapped.set((*_mapped.get(), (backend, size, randomness, tape)))
    try:
        yield
    finally:
        _mapped.reset(token)


default_generator = Generator()


def manual_seed(seed: int) -> Generator:
    """Seed the generators of all backends; returns the default generator.

    >>> import pullback as pb
    >>> _ = pb.manual_seed(0)
    """
    return default_generator.manual_seed(seed)


def get_rng_state() -> dict[str, Any]:
    """The state of the default generator, on all backends.

    >>> import pullback as pb
    >>> state = pb.get_rng_state()
    >>> first = pb.randn(2)
    >>> pb.set_rng_state(state)
    >>> bool((pb.randn(2) == first).all())
    True
    """
    return default_generator.get_state()


def set_rng_state(state: dict[str, Any]) -> None:
    """Set the default generator to a state that `get_rng_state` returned.

    >>> import pullback as pb
    >>> pb.set_rng_state(pb.get_rng_state())
    """
    default_generator.set_state(state)


def _fresh_seed() -> int:
    return int.from_bytes(os.urandom(8))


def _checked_seed(op: str, seed: Any) -> int:
    try:
        number = index(seed)
    except TypeError:
        raise ArgumentError(f"{op}: the seed must be an integer, got {seed!r}") from None
    return number if number >= 0 else number % 2**64


def _source(op: str, generator: Any) -> Generator:
    if generator is None:
        return default_generator
    if isinstance(generator, Generator):
        return generator
    raise ArgumentError(f"{op}: generator must be a pb.Generator, got {generator!r}; write pb.Generator(seed)")


def _floating(
    op: str, kind: str, lengths: tuple[Any, ...], size: Any, generator: Any, dtype: Any, device: Any, grad: bool
) -> Any:
    dtype = dtypes.get_default_dtype() if dtype is None else dtypes.read_dtype(dtype, op)
    if not dtype.differentiable:
        raise DTypeError(
            f"{op}: a floating or complex dtype is needed, got {dtype.name}; for integers write pb.randint"
        )
    made = _source(op, generator).draw(kind, shape_of(op, lengths, size), dtype, device)
    return made.requires_grad_() if grad else made


def randn(
    *shape: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Independent numbers from the standard normal distribution: `randn(2, 3)` or `randn((2, 3))`.

    Complex ones have variance 1. Raises `DTypeError` for an integer dtype.

    >>> import pullback as pb
    >>> pb.randn(2, 3).shape
    (2, 3)
    """
    return _floating("randn", "normal", shape, size, generator, dtype, device, requires_grad)


def rand(
    *shape: Any,
    size: Any = None,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Independent numbers from the uniform distribution on [0, 1); for a complex dtype, both parts are.

    Raises `DTypeError` for an integer dtype.

    >>> import pullback as pb
    >>> float(pb.rand(())) < 1
    True
    """
    return _floating("rand", "uniform", shape, size, generator, dtype, device, requires_grad)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: DType | None = None,
    device: Any = None,
) -> Any:
    """Independent integers from `low` up to but without `high`: `randint(low, high, size)`, `randint(high, size)`.

    Raises `ArgumentError` if there are none between the bounds, `DTypeError` if `dtype` cannot hold them.

    >>> import pullback as pb
    >>> int(pb.randint(5, 6, ()))
    5
    """
    if size is None and not hasattr(high, "__index__"):
        low, high, size = 0, low, high
    try:
        first, last = index(low), index(high)
    except TypeError:
        raise ArgumentError(f"randint: the bounds must be integers, got {low!r} and {high!r}") from None
    if first >= last:
        raise ArgumentError(f"randint: there is no integer from {first} up to but without {last}")
    kind = dtypes.int64 if dtype is None else dtypes.read_dtype(dtype, "randint")
    standard.refuse_misfits("randint", (first, last - 1), kind)
    if kind is dtypes.bool or kind.is_complex:
        raise DTypeError(f"randint: an integer or real floating dtype is needed, got {kind.name}")
    lengths = standard.shape_of("randint", () if size is None else size)
    return _source("randint", generator).draw("integers", lengths, kind, device, first, last)
