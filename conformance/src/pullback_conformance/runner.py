"""Run groups of cells in worker processes. A worker that dies or hangs costs its group, which then is NOT-RUN."""

from __future__ import annotations

import contextlib
import multiprocessing
import time
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from typing import Any

from pullback_conformance import judge, specs
from pullback_conformance.cells import Cell, Group, State

TIMEOUT = 120.0
"""Seconds that one group (one op in one dtype on one device) may take."""

Done = Callable[[Group], None]


def run(
    groups: Sequence[Group],
    *,
    plugins: Sequence[str] = (),
    seed: int = 0,
    jobs: int = 0,
    timeout: float = TIMEOUT,
    done: Done = lambda group: None,
) -> None:
    """Fill the cells of all groups, in place. With `jobs=0` in this process: no timeout, and a crash is a crash."""
    todo = [group for group in groups if any(_open(cell) for cell in group.cells)]
    if jobs <= 0:
        rows = specs.rows(plugins)
        for group in todo:
            _fill(group, rows, seed)
            done(group)
        return
    context = multiprocessing.get_context("spawn")
    queue = sorted(todo, key=lambda group: len(group.cells))  # the longest first: taken from the end
    workers: dict[Any, _Worker] = {}
    try:
        while queue or workers:
            while queue and len(workers) < jobs:
                worker = _Worker(context, plugins, seed)
                workers[worker.pipe] = worker
                worker.give(queue.pop())
            for pipe in wait(list(workers), timeout=0.5):
                worker = workers[pipe]
                taken = worker.take()
                if taken is None:  # it died
                    del workers[pipe]
                    _not_run(worker.group, f"the worker died with exit status {worker.end()}")
                    done(worker.group)
                    continue
                done(taken)
                if queue:
                    worker.give(queue.pop())
                else:
                    worker.end()
                    del workers[pipe]
            for pipe, worker in list(workers.items()):
                if time.monotonic() - worker.since > timeout:
                    worker.process.kill()
                    worker.end()
                    del workers[pipe]
                    _not_run(worker.group, f"killed after {timeout:g} s")
                    done(worker.group)
    finally:
        for worker in workers.values():
            worker.process.kill()


def _open(cell: Cell) -> bool:
    return cell.state is State.NOT_RUN and not cell.message


def _fill(group: Group, rows: Any, seed: int) -> None:
    open_cells = [cell for cell in group.cells if _open(cell)]
    judge.fill(Group(group.device, group.op, group.dtype, open_cells), rows, seed)


def _not_run(group: Group, why: str) -> None:
    for cell in group.cells:
        if _open(cell):
            cell.message = why


class _Worker:
    """A process that fills one group after another."""

    def __init__(self, context: Any, plugins: Sequence[str], seed: int) -> None:
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_work, args=(other, tuple(plugins), seed), daemon=True)
        self.process.start()
        other.close()
        self.group: Group
        self.since = time.monotonic()

    def give(self, group: Group) -> None:
        self.group = group
        self.since = time.monotonic()
        self.pipe.send((group.device, group.op, group.dtype, group.cells))

    def take(self) -> Group | None:
        """The group, with its cells filled; None if the process is gone."""
        try:
            filled = self.pipe.recv()
        except (EOFError, OSError):
            return None
        self.group.cells[:] = filled
        return self.group

    def end(self) -> int | None:
        """Let the process go, and return its exit status."""
        with contextlib.suppress(OSError):
            self.pipe.send(None)
        self.process.join(10)
        return self.process.exitcode  # type: ignore[no-any-return]


def _work(pipe: Any, plugins: tuple[str, ...], seed: int) -> None:
    rows = specs.rows(plugins)
    while (task := pipe.recv()) is not None:
        group = Group(*task)
        _fill(group, rows, seed)
        pipe.send(group.cells)
