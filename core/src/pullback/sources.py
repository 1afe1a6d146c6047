"""Where in the user's code something happened."""

from __future__ import annotations

import linecache
import os
import sys
from types import FrameType
from typing import NamedTuple

_OURS = os.path.dirname(__file__)


class Place(NamedTuple):
    """A line of code."""

    filename: str
    line: int
    function: str

    @property
    def code(self) -> str:
        """The line itself, as far as it can be read."""
        return linecache.getline(self.filename, self.line).strip()

    def __str__(self) -> str:
        code = self.code
        return f"{self.filename}:{self.line}, in {self.function}" + (f": {code}" if code else "")


def _is_ours(frame: FrameType) -> bool:
    filename = frame.f_code.co_filename
    return filename.startswith((_OURS, "<pullback of ", "<operator "))


def stack(limit: int = 20) -> tuple[Place, ...]:
    """The lines outside of pullback that led here, the innermost first."""
    frame: FrameType | None = sys._getframe(1)
    places: list[Place] = []
    while frame is not None and len(places) < limit:
        if not _is_ours(frame):
            places.append(Place(frame.f_code.co_filename, frame.f_lineno, frame.f_code.co_name))
        frame = frame.f_back
    return tuple(places)


def level() -> int:
    """The `stacklevel` with which the caller's `warnings.warn` names the user's line."""
    frame: FrameType | None = sys._getframe(1)
    ours = 1
    while frame is not None and _is_ours(frame):
        ours += 1
        frame = frame.f_back
    return ours
