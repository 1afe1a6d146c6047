"""A live bar on a terminal: cells done, how many of them are red, what is being checked. Silent elsewhere."""

from __future__ import annotations

import shutil
import sys
import time
from typing import TextIO

from pullback_conformance.cells import Group, State

_RED = (State.FAIL, State.ERROR)
_WIDTH = 30
_EVERY = 0.1  # seconds between two drawings


class Progress:
    """Entered for a run, and called with each group that is done. The bar is gone afterwards."""

    def __init__(self, total: int, *, quiet: bool = False, stream: TextIO | None = None) -> None:
        self.total = total
        self.stream = sys.stderr if stream is None else stream
        self.shown = not quiet and self.stream.isatty()
        self.done = self.red = 0
        self._start = self._drawn = time.monotonic()

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *exc_info: object) -> None:
        if self.shown:
            self.stream.write("\r\x1b[K")  # back to the beginning of the line, and clear it
            self.stream.flush()

    def __call__(self, group: Group) -> None:
        self.done += len(group.cells)
        self.red += sum(cell.state in _RED for cell in group.cells)
        now = time.monotonic()
        if self.shown and (now - self._drawn >= _EVERY or self.done == self.total):
            self._drawn = now
            self.stream.write(f"\r\x1b[K{self.line(f'{group.device} {group.op} {group.dtype}')}")
            self.stream.flush()

    def line(self, what: str) -> str:
        """The bar, as wide as the terminal at most."""
        filled = _WIDTH * self.done // max(1, self.total)
        red = f"{self.red} red" if self.red else "all as claimed"
        seconds = time.monotonic() - self._start
        text = f"[{'#' * filled}{'.' * (_WIDTH - filled)}] {self.done}/{self.total}  {red}  {seconds:.0f} s  {what}"
        return text[: shutil.get_terminal_size().columns - 1]
