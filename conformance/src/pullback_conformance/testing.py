"""The cells as tests of pytest: one cell, one test, in the suite of whoever wants it.

    from pullback_conformance import parametrize

    @parametrize(backend="mine", plugins=["mypkg"], level="L3")
    def test_conformance(cell):
        cell.run()

It needs no plugin of pytest's, so it also works with plugin autoload off.
"""

from __future__ import annotations

from typing import Any

import pytest

from pullback_conformance import judge, replay
from pullback_conformance.cells import Cell, Group, State
from pullback_conformance.session import Outcome, Session, prepare


class Entry:
    """One cell, and how to run it as a test."""

    def __init__(self, cell: Cell, outcome: Outcome) -> None:
        self.cell = cell
        self.outcome = outcome

    def run(self) -> None:
        """Fail unless the cell ends as claimed; a declared gap is an expected failure, a closed one fails."""
        from pullback_conformance import gaps  # noqa: PLC0415  only where cells run

        cell, outcome = self.cell, self.outcome
        if outcome.unavailable:
            pytest.skip(f"NOT-RUN: {outcome.unavailable}")
        if cell.state is State.NOT_APPLICABLE:
            pytest.skip(f"{cell.device} has no {cell.dtype}")
        judge.fill(Group(cell.device, cell.op, cell.dtype, [cell]), outcome.specs, outcome.session.seed)
        gaps.settle([cell], outcome.gaps)
        if cell.state is State.GAP:
            pytest.xfail(f"gap {cell.gap}")
        if cell.state not in (State.PASS, State.UNCLAIMED):
            plugins = outcome.session.plugins
            pytest.fail(replay.explain(cell, outcome.specs, outcome.session.seed, plugins), pytrace=False)


def entries(**options: Any) -> list[Entry]:
    """All cells of a session, to be run one by one."""
    outcome = prepare(Session(**options))
    if outcome.problems:
        raise ValueError("; ".join(outcome.problems))
    return [Entry(cell, outcome) for cell in outcome.cells]


def parametrize(**options: Any) -> Any:
    """A decorator that runs a test with every cell as its argument `cell`."""
    found = entries(**options)
    return pytest.mark.parametrize("cell", found, ids=[entry.cell.id for entry in found])
