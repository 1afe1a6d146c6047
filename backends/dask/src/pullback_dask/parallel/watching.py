"""What a training run shows: a bar over its steps, the loss, rows per second, and what the cluster moves and spills."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from typing import Any, NamedTuple

from distributed import Client

from pullback_dask.parallel.clients import address

_SILENCE = 10.0
"""Seconds between two lines where there is no terminal to draw a bar on."""
_LOOK = 1.0
"""Seconds between two questions to the scheduler; it hears of its workers no more often."""


class Traffic(NamedTuple):
    """Bytes since the cluster started: sent by workers to each other and to clients, written to their disks, on them now."""

    moved: int
    written: int
    spilled: int


class Report(NamedTuple):
    """One step: its number from 1 on, the loss before it, its rows and seconds, and the traffic of the cluster so far."""

    step: int
    loss: float
    rows: int
    seconds: float
    traffic: Traffic

    @property
    def rows_per_second(self) -> float:
        """How fast it was."""
        return self.rows / self.seconds if self.seconds else math.inf

    def __str__(self) -> str:
        parts = [
            f"loss {self.loss:.6g}",
            f"{_short(self.rows_per_second)} rows/s",
            f"moved {_bytes(self.traffic.moved)}",
        ]
        return ", ".join([*parts, f"spilled {_bytes(self.traffic.spilled)}"])


def traffic(client: Client) -> Traffic:
    """What the scheduler knows of the traffic of its workers; zeros if it does not answer."""

    def look(dask_scheduler: Any) -> tuple[float, float, float]:  # by value: the scheduler needs nothing of ours
        totals = dask_scheduler.cumulative_worker_metrics.items()
        found = [(key, value) for key, value in totals if isinstance(key, tuple) and key[-1] == "bytes"]
        moved = sum(value for key, value in found if key[0] == "get-data")
        written = sum(value for key, value in found if "disk-write" in key)
        spilled = sum(
            worker.metrics.get("spilled_bytes", {}).get("disk", 0) for worker in dask_scheduler.workers.values()
        )
        return moved, written, spilled

    with suppress(Exception):  # a figure on the screen: nothing that goes wrong with it may end a run
        return Traffic(*map(int, client.run_on_scheduler(look)))
    return Traffic(0, 0, 0)


class Watch:
    """Looks at the cluster from time to time; the traffic counts from when it was made."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.before = self.last = traffic(client)
        self.looked = time.monotonic()
        self.sent = 0

    def traffic(self, sent: int) -> Traffic:
        """The traffic so far, after `sent` more bytes that this process sent."""
        self.sent += sent
        if time.monotonic() - self.looked >= _LOOK:
            self.last, self.looked = traffic(self.client), time.monotonic()
        moved, written = (max(now - then, 0) for now, then in zip(self.last[:2], self.before[:2], strict=True))
        return Traffic(moved + self.sent, written, self.last.spilled)


@contextmanager
def shown(client: Client, steps: int, done: int) -> Iterator[Callable[[Report], None]]:
    """What a run calls after each step. On a terminal it moves a bar, elsewhere it prints a line now and then."""
    print(f"cluster: {address(client)}, dashboard: {client.dashboard_link or 'none'}", file=sys.stderr)
    if sys.stderr.isatty() and find_spec("rich") is not None:
        with _bar(steps, done) as show:
            yield show
        return
    last = time.monotonic()

    def line(report: Report) -> None:
        nonlocal last
        if report.step == steps or time.monotonic() - last >= _SILENCE:
            last = time.monotonic()
            print(f"step {report.step}/{steps}: {report}", file=sys.stderr)

    yield line


@contextmanager
def _bar(steps: int, done: int) -> Iterator[Callable[[Report], None]]:
    """A bar of rich."""
    from rich.console import Console  # noqa: PLC0415  from the extra `demo` of core
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn  # noqa: PLC0415

    columns = ("training", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), "{task.fields[report]}")
    made = (TextColumn(column) if isinstance(column, str) else column for column in columns)
    with Progress(*made, console=Console(stderr=True)) as progress:
        task = progress.add_task("", total=steps, completed=done, report="")
        yield lambda report: progress.update(task, completed=report.step, report=str(report))


def _short(number: float) -> str:
    for unit in ("", "k", "M", "G"):
        if number < 1000 or unit == "G":
            return f"{number:.3g}{unit}"
        number /= 1000
    raise AssertionError("the last unit takes all")


def _bytes(number: float) -> str:
    for unit in ("B", "KiB", "MiB", "GiB"):
        if number < 1024 or unit == "GiB":
            return f"{number:.0f} {unit}" if unit == "B" else f"{number:.1f} {unit}"
        number /= 1024
    raise AssertionError("the last unit takes all")
