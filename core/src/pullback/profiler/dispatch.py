"""Dispatch: where each call of an op was sent: to which backend, which function, and whose."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from pullback.plugins import discovery
from pullback.profiler.events import Event


class Dispatch(NamedTuple):
    """One call of a primitive. (A composite is seen as the calls that it makes.)

    >>> import pullback as pb
    >>> with pb.profiler.profile() as prof:
    ...     _ = pb.sin(pb.tensor(1.0))
    >>> print(prof.dispatches()[0])
    sin of pullback on numpy: numpy.sin
    """

    op: str
    """The full name: "sin", "acme::swish"."""
    owner: str
    """Distribution and version of the plugin that registered the op; "pullback", or "" for an op of the program itself."""
    backend: str
    function: str
    """Module and name of what ran."""
    kernel: bool
    """Whether that is a kernel of the op for this backend, and not its generic form."""

    def __str__(self) -> str:
        return (
            f"{self.op} of {self.owner or 'this program'} on {self.backend}: {'kernel ' * self.kernel}{self.function}"
        )


def dispatches(events: Iterable[Event]) -> list[Dispatch]:
    """The calls of operations among events, in the order in which they began."""
    owners = {name: plugin.owner for plugin in discovery.plugins(discovery.OPS) for name in plugin.ops}
    return [
        Dispatch(
            event.name,
            owners.get(event.name, "") if "::" in event.name else "pullback",
            event.backend,
            event.function,
            event.kernel,
        )
        for event in sorted(events, key=lambda event: event.start)
        if event.kind == "forward"
    ]
