"""profile: switch the instruments on, gather events, switch them off.

What a program without a profiler does not need is loaded with the first one.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from time import perf_counter_ns
from typing import TYPE_CHECKING, Self

from pullback.errors import AutogradError
from pullback.profiler.events import Event, Saved, active

if TYPE_CHECKING:
    from pullback.profiler.dispatch import Dispatch
    from pullback.profiler.table import Averages


class profile:  # noqa: N801  PyTorch's name
    """Inside, every operation and every step of a reverse pass is timed, in this thread or task and no other.

    What is timed is the work of the array library: the kernel of an operation, the rule of a step back; what pullback and
    the program do between them is the rest, see the last line of the table. With `synchronize`, each waits for its
    device, so that the time of a GPU is its own and not that of launching; the program gets slower. With
    `record_shapes`, events carry the shapes of operands. Profilers nest, and each records all that runs inside of it.
    Entering one again adds to what it has; entering it twice raises `AutogradError`.

    >>> import pullback as pb
    >>> x = pb.ones(3, requires_grad=True)
    >>> with pb.profiler.profile() as prof:
    ...     (x * x).sum().backward()
    >>> [(row.name, row.calls, row.backward_calls, row.saved) for row in prof.key_averages()]
    [('multiply', 1, 1, 12), ('sum', 1, 1, 0)]
    """

    def __init__(self, *, synchronize: bool = False, record_shapes: bool = False) -> None:
        self.synchronize = synchronize
        self.record_shapes = record_shapes
        self.recorded: list[Event] = []
        self.saved: list[Saved] = []
        self._wall = 0
        self._began: int | None = None
        self._origin: int | None = None
        self._standing: ExitStack | None = None

    # --- on and off --------------------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        if self._standing is not None:
            raise AutogradError("profile: this profiler is on already; make another one to nest them")
        from pullback.profiler.instruments import instrumented, watching  # noqa: PLC0415

        with ExitStack() as stack:
            stack.enter_context(instrumented())
            outer = active.get()
            if not outer:  # one watcher serves all profilers of a context
                stack.enter_context(watching())
            stack.callback(active.set, outer)
            active.set((*outer, self))
            self._standing = stack.pop_all()
        self._began = perf_counter_ns()
        self._origin = self._began if self._origin is None else self._origin
        return self

    def __exit__(self, *exc_info: object) -> None:
        standing, self._standing = self._standing, None
        if self._began is not None:
            self._wall += perf_counter_ns() - self._began
            self._began = None
        if standing is not None:
            standing.close()

    def start(self) -> None:
        """Switch it on, as `with` does."""
        self.__enter__()

    def stop(self) -> None:
        """Switch it off. If it is off already, nothing happens."""
        self.__exit__()

    # --- what it found -----------------------------------------------------------------------------------------------

    def events(self) -> list[Event]:
        """All events so far, in the order in which they ended."""
        return list(self.recorded)

    def dispatches(self) -> list[Dispatch]:
        """Where each call of an op was sent: its backend, the function or kernel that ran, and whose op it is."""
        from pullback.profiler.dispatch import dispatches  # noqa: PLC0415

        return dispatches(self.recorded)

    def key_averages(self) -> Averages:
        """The events added up by operation."""
        from pullback.profiler.table import Averages  # noqa: PLC0415

        running = perf_counter_ns() - self._began if self._began is not None else 0
        return Averages(self.recorded, self.saved, self._wall + running)

    def table(self, sort_by: str = "self", row_limit: int = 100) -> str:
        """The averages as text, see `Averages.table`."""
        return self.key_averages().table(sort_by, row_limit)

    def export_chrome_trace(self, path: str | os.PathLike[str]) -> None:
        """Write a trace that chrome://tracing and ui.perfetto.dev open; compressed if the name ends in .gz."""
        from pullback.profiler.trace import trace, write  # noqa: PLC0415

        write(trace(self.recorded, self.saved, self._origin or 0), path)

    def __repr__(self) -> str:
        return f"<profile of {len(self.recorded):,} events{'' if self._standing is None else ', on'}>"
