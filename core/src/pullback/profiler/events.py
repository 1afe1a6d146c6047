"""Events: what a profiler writes down, and what is running in this context at the moment.

Whoever is timed opens a span and closes it. Spans nest; the time of a span without the spans inside is its own. What is
open is a ContextVar, so that neither threads nor the tasks of asyncio get between each other's spans.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable
from contextvars import ContextVar
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any, Final, NamedTuple, ParamSpec, Protocol, Self, TypeVar

if TYPE_CHECKING:
    from pullback.kernels import Kernel

P = ParamSpec("P")
R = TypeVar("R")


class Event(NamedTuple):
    """One operation, one step of a reverse pass, or one range of `record_function`. Times are in nanoseconds.

    >>> import pullback as pb
    >>> with pb.profiler.profile(record_shapes=True) as prof:
    ...     _ = pb.zeros(2, 3) + pb.zeros(3)
    >>> event = prof.events()[0]
    >>> event.kind, event.name, event.nbytes, event.note, event.duration > 0
    ('forward', 'add', 24, '(2, 3), (3,)', True)
    """

    kind: str
    """One of "forward", "backward" and "range"."""
    name: str
    """Of the operation, or the label of the range."""
    start: int
    """By `time.perf_counter_ns`."""
    duration: int
    own: int
    """The duration without that of events inside."""
    thread: int
    nbytes: int
    """Bytes of results in memory of their own."""
    note: str
    """What `grad_fn` shows, for a step back; shapes, where they are recorded."""
    backend: str = ""
    """Where an operation ran."""
    function: str = ""
    """What ran: the function of the array library, the generic form of a plugin's op, or its kernel."""
    kernel: bool = False
    """Whether that is a kernel of the op for this backend."""


class Saved(NamedTuple):
    """An operation saved arrays of so many bytes for the reverse pass."""

    name: str
    time: int
    nbytes: int


class Recorder(Protocol):
    """Who wants events."""

    synchronize: bool
    record_shapes: bool
    recorded: list[Event]
    saved: list[Saved]


class Span:
    """Something that is running."""

    __slots__ = ("backend", "function", "inside", "kernel", "kind", "name", "outer", "recorders", "start")

    def __init__(
        self, recorders: tuple[Recorder, ...], kind: str, name: str, backend: str = "", function: str = ""
    ) -> None:
        self.recorders = recorders
        self.kind = kind
        self.name = name
        self.backend = backend
        self.function = function
        self.kernel = False
        self.inside = 0
        self.outer = _open.get()
        _open.set(self)
        self.start = perf_counter_ns()

    def stop(self) -> int:
        """Stop the clock; returns the duration so far."""
        return perf_counter_ns() - self.start

    def close(self, duration: int, nbytes: int = 0, note: str = "") -> None:
        """Write it down."""
        _open.set(self.outer)
        if self.outer is not None:
            self.outer.inside += duration
        own = duration - self.inside
        where = (self.backend, self.function, self.kernel)
        event = Event(self.kind, self.name, self.start, duration, own, threading.get_ident(), nbytes, note, *where)
        for recorder in self.recorders:
            recorder.recorded.append(event)

    def drop(self) -> None:
        """It failed: nothing is written down."""
        _open.set(self.outer)


active: Final[ContextVar[tuple[Recorder, ...]]] = ContextVar("pullback_active_profilers", default=())
"""The profilers of this context."""
_open: Final[ContextVar[Span | None]] = ContextVar("pullback_open_span", default=None)


def note_kernel(kernel: Kernel) -> None:
    """A kernel ran in the place of the generic form: tell the operation that is running in this context."""
    span = _open.get()
    if span is not None:
        span.function, span.kernel = place(kernel.function), True


def place(function: Any) -> str:
    """Module and name of what runs an operation."""
    function = getattr(function, "generic", function)  # of a choice between kernels, what runs where none does
    function = getattr(function, "func", function)  # of a function with its namespace filled in, the function
    name = getattr(function, "__qualname__", None) or getattr(function, "__name__", type(function).__name__)
    module = getattr(function, "__module__", None)
    return f"{module}.{name}" if module else str(name)


class record_function:  # noqa: N801  PyTorch's name
    """A range with a label, for the profilers that are on; a context manager and a decorator. No profiler, no cost.

    >>> import pullback as pb
    >>> with pb.profiler.profile() as prof, pb.profiler.record_function("square"):
    ...     _ = pb.tensor(3.0) ** 2
    >>> [event.name for event in prof.events() if event.kind == "range"]
    ['square']
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._spans: list[Span | None] = []

    def __enter__(self) -> Self:
        recorders = active.get()
        self._spans.append(Span(recorders, "range", self.name) if recorders else None)
        return self

    def __exit__(self, *exc_info: object) -> None:
        span = self._spans.pop()
        if span is not None:
            span.close(span.stop())

    def __call__(self, function: Callable[P, R]) -> Callable[P, R]:
        @functools.wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            with record_function(self.name):
                return function(*args, **kwargs)

        return call


def operation_of(rule: Any) -> str:
    """What the operation of a rule is called."""
    primitive = getattr(rule, "primitive", None)
    if primitive is not None:
        return str(primitive.name)
    return str(rule.name).removesuffix("Backward0").removesuffix("Backward")
