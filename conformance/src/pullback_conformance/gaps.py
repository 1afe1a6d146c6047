"""Gaps: what is known not to work, declared in TOML, and strict both ways.

A gap names the cells that it covers, the error that they fail with, a fixed reproducer, a reason, a URL and a day on which
it expires. A cell that fails as declared is GAP; one that passes is GAP-CLOSED, and the run fails until the gap is
deleted. There is no way to skip a cell: only `crash` and `hang` are not executed, and they show as NOT-RUN.
"""

from __future__ import annotations

import datetime
import re
import tomllib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pullback_conformance.cells import Cell, State

_REQUIRED = ("id", "match", "reason", "url", "expires", "sample", "error")
_KINDS = ("xfail", "crash", "hang")
_KEYS = ("op", "check", "dtype", "device", "backend")


class GapError(ValueError):
    """A gap file that cannot be taken as it is."""


@dataclass
class Gap:
    """One entry of a file; `hits` counts the cells that it matched."""

    id: str
    match: dict[str, tuple[str, ...]]
    sample: str
    error: str
    reason: str
    url: str
    expires: datetime.date
    kind: str = "xfail"
    since: str = ""
    broad: bool = False
    hits: int = field(default=0, compare=False)

    def covers(self, cell: Cell, backend: str) -> bool:
        """Whether a cell is one of those that it names."""
        values = {"op": cell.op, "check": cell.check, "dtype": cell.dtype, "device": cell.device, "backend": backend}
        return all(any(fnmatchcase(values[key], p) for p in patterns) for key, patterns in self.match.items())

    def reproduces(self, cell: Cell) -> bool:
        """Whether a cell is the reproducer, `op|sample|check` or a sample alone: if it passes, the gap is closed."""
        pattern = self.sample if "|" in self.sample else f"*|{self.sample}*|*"
        return fnmatchcase(f"{cell.op}|{cell.sample}|{cell.check}", pattern)

    def record(self, today: datetime.date) -> dict[str, Any]:
        """For the JSON, with its age as days to its end."""
        return {
            "id": self.id,
            "kind": self.kind,
            "match": {key: list(patterns) for key, patterns in self.match.items()},
            "error": self.error,
            "reason": self.reason,
            "url": self.url,
            "since": self.since,
            "expires": self.expires.isoformat(),
            "days_left": (self.expires - today).days,
            "broad": self.broad,
            "cells": self.hits,
        }


def read(paths: Iterable[Path]) -> list[Gap]:
    """The gaps of some files. `GapError` says which entry lacks what."""
    found: list[Gap] = []
    for path in paths:
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, tomllib.TOMLDecodeError) as error:
            raise GapError(f"{path}: {error}") from error
        found += [_gap(entry, path) for entry in table.get("gap", [])]
    names = [gap.id for gap in found]
    if len(set(names)) < len(names):
        raise GapError(f"two gaps have one id: {', '.join(sorted({n for n in names if names.count(n) > 1}))}")
    return found


def _gap(entry: dict[str, Any], path: Path) -> Gap:
    where = f"{path}: gap {entry.get('id', '?')!r}"
    missing = [key for key in _REQUIRED if not entry.get(key)]
    if missing:
        raise GapError(f"{where} lacks {', '.join(missing)}")
    unknown = set(entry) - {*_REQUIRED, "kind", "since", "allow_broad"}
    strangers = set(entry["match"]) - set(_KEYS)
    if unknown or strangers:
        raise GapError(f"{where} has unknown keys {', '.join(sorted(unknown | strangers))}")
    if entry.get("kind", "xfail") not in _KINDS:
        raise GapError(f"{where}: kind {entry['kind']!r} is not one of {', '.join(_KINDS)}")
    match = {key: (value,) if isinstance(value, str) else tuple(value) for key, value in entry["match"].items()}
    broad = any("*" in pattern for pattern in match.get("op", ("*",)))
    if broad and not entry.get("allow_broad"):
        raise GapError(f"{where} matches ops by a wildcard: name them, or say allow_broad = true")
    try:
        re.compile(entry["error"])
        expires = datetime.date.fromisoformat(str(entry["expires"]))
    except (re.error, ValueError) as error:
        raise GapError(f"{where}: {error}") from error
    return Gap(entry["id"], match, entry["sample"], entry["error"], entry["reason"], entry["url"], expires,
               entry.get("kind", "xfail"), str(entry.get("since", "")), broad)  # fmt: skip


def claim(cells: Iterable[Cell], gaps: Sequence[Gap], backend: str) -> list[str]:
    """Write onto each cell the gap that covers it. Returns what is wrong: gaps that cover nothing, or have expired.

    Cells of gaps of the kinds crash and hang are marked as not to be run.
    """
    today = datetime.date.today()
    for cell in cells if gaps else ():
        for gap in gaps:
            if gap.covers(cell, backend):
                gap.hits += 1
                cell.gap = gap.id
                if gap.kind != "xfail":
                    cell.message = f"not run: gap {gap.id} ({gap.kind})"
                break
    mine = [
        gap
        for gap in gaps
        if not gap.match.get("backend") or any(fnmatchcase(backend, p) for p in gap.match["backend"])
    ]
    problems = [f"gap {gap.id} covers no cell: delete it, or mend its match" for gap in mine if not gap.hits]
    return problems + [f"gap {gap.id} expired on {gap.expires}" for gap in mine if gap.expires < today]


def settle(cells: Iterable[Cell], gaps: Sequence[Gap]) -> None:
    """After the run: what failed as declared is GAP, what passed is GAP-CLOSED, what failed otherwise stays FAIL."""
    by_id = {gap.id: gap for gap in gaps}
    for cell in cells:
        gap = by_id.get(cell.gap)
        if gap is None or gap.kind != "xfail":
            continue
        if cell.state in (State.FAIL, State.ERROR):
            if re.search(gap.error, cell.message):
                cell.state = State.GAP
            else:
                cell.message += f" (gap {gap.id} declares another error: {gap.error!r})"
        elif cell.state in (State.PASS, State.UNCLAIMED) and gap.reproduces(cell):
            cell.state = State.GAP_CLOSED
            cell.message = f"passes, though gap {gap.id} says that it fails: delete the gap"
