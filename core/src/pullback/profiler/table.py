"""Averages: the events of a profiler, added up by operation, and printed as a table."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

from pullback.errors import ArgumentError
from pullback.profiler.events import Event, Saved


class Row(NamedTuple):
    """What one operation, or one range, took in all. Times are in nanoseconds.

    >>> import pullback as pb
    >>> with pb.profiler.profile() as prof:
    ...     _ = pb.exp(pb.exp(pb.zeros(5)))
    >>> row = next(iter(prof.key_averages()))
    >>> row.name, row.calls, row.allocated, row.own == row.total
    ('exp', 2, 40, True)
    """

    name: str
    kind: str
    """One of "operation" and "range"."""
    calls: int = 0
    forward: int = 0
    backward_calls: int = 0
    backward: int = 0
    own: int = 0
    """Forward and backward, without what ran inside of it and has a row of its own."""
    allocated: int = 0
    """Bytes of results in memory of their own, forward and backward."""
    saved: int = 0
    """Bytes kept for the reverse pass. An array that two operations keep counts for both."""

    @property
    def total(self) -> int:
        """Forward and backward."""
        return self.forward + self.backward


_KEYS: Final = {
    "self": "own",
    "total": "total",
    "forward": "forward",
    "backward": "backward",
    "calls": "calls",
    "allocated": "allocated",
    "saved": "saved",
    "name": "name",
    # PyTorch's
    "self_cpu_time_total": "own",
    "cpu_time_total": "total",
    "cpu_memory_usage": "allocated",
    "count": "calls",
}


class Averages:
    """Rows by operation, then ranges; `table()` is the text.

    >>> import pullback as pb
    >>> with pb.profiler.profile() as prof:
    ...     _ = pb.exp(pb.zeros(5))
    >>> prof.key_averages().table().splitlines()[0].split()[:5]
    ['operation', 'calls', 'forward', 'back', 'backward']
    """

    def __init__(self, events: Iterable[Event], saved: Iterable[Saved], wall: int) -> None:
        rows: dict[tuple[str, str], Row] = {}

        def row(name: str, kind: str) -> Row:
            return rows.get((kind, name)) or Row(name, kind)

        for event in events:
            kind = "range" if event.kind == "range" else "operation"
            now = row(event.name, kind)
            now = now._replace(own=now.own + event.own, allocated=now.allocated + event.nbytes)
            if event.kind == "backward":
                now = now._replace(backward_calls=now.backward_calls + 1, backward=now.backward + event.duration)
            else:
                now = now._replace(calls=now.calls + 1, forward=now.forward + event.duration)
            rows[kind, event.name] = now
        for kept in saved:
            now = row(kept.name, "operation")
            rows["operation", kept.name] = now._replace(saved=now.saved + kept.nbytes)
        self.rows = list(rows.values())
        self.wall = wall
        """How long the profiler was on, in nanoseconds."""

    def __iter__(self) -> Iterator[Row]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def table(self, sort_by: str = "self", row_limit: int = 100) -> str:
        """The rows as text, largest first.

        `sort_by` is one of "self", "total", "forward", "backward", "calls", "allocated", "saved" and "name", or PyTorch's
        "self_cpu_time_total", "cpu_time_total", "cpu_memory_usage", "count". Raises `ArgumentError` for another.
        """
        if sort_by not in _KEYS:
            raise ArgumentError(f"table: cannot sort by {sort_by!r}; write one of {', '.join(_KEYS)}")
        key = _KEYS[sort_by]
        rows = sorted(self.rows, key=lambda row: getattr(row, key), reverse=key != "name")
        operations = [row for row in rows if row.kind == "operation"]
        ranges = [row for row in rows if row.kind == "range"]
        inside = sum(row.own for row in operations)
        head = ["operation", "calls", "forward", "back", "backward", "self", "self %", "allocated", "saved"]
        body = [_cells(row, inside) for row in operations[:row_limit]]
        if len(operations) > row_limit:
            body.append([f"... {len(operations) - row_limit} more", *[""] * 8])
        if ranges:
            body.append([])
            body += [_cells(row, inside) for row in ranges[:row_limit]]
        widths = [max(len(line[i]) for line in [head, *filter(None, body)]) for i in range(len(head))]
        rule = "  ".join("-" * width for width in widths)
        lines = [_aligned(head, widths), rule, *(_aligned(line, widths) if line else rule for line in body), rule]
        lines.append(f"{_time(inside)} in operations, of {_time(self.wall)} in all: the rest is Python between them")
        return "\n".join(lines)

    def __str__(self) -> str:
        return self.table()


def _cells(row: Row, inside: int) -> list[str]:
    is_range = row.kind == "range"
    return [
        f"[{row.name}]" if is_range else row.name,
        str(row.calls),
        _time(row.forward),
        str(row.backward_calls) if row.backward_calls else "",
        _time(row.backward) if row.backward_calls else "",
        _time(row.own),
        "" if is_range or not inside else f"{100 * row.own / inside:.1f}",
        _size(row.allocated),
        _size(row.saved),
    ]


def _aligned(line: list[str], widths: list[int]) -> str:
    first, *others = (
        f"{text:<{width}}" if not i else f"{text:>{width}}"
        for i, (text, width) in enumerate(zip(line, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def _time(nanoseconds: int) -> str:
    value = float(nanoseconds)
    for unit in ("ns", "us", "ms"):
        if value < 999.5:
            return f"{value:.0f} {unit}" if unit == "ns" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} s"


def _size(nbytes: int) -> str:
    value = float(nbytes)
    for unit in ("B", "KiB", "MiB"):
        if value < 1024:
            return ("" if not nbytes else f"{nbytes} B") if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} GiB"
