"""False alarms: healthy rules over many seeds, of which none may fail.

A seed draws other values and other shapes. It runs every row at one sample in one dtype, with all checks that apply there;
which sample and which dtype moves on from seed to seed, so that a few hundred seeds pass over all of them several times.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from pullback_conformance import cells, judge, mutants, specs
from pullback_conformance.cells import GREEN, Cell, Group, State
from pullback_conformance.spec import OpSpec

LIMIT = 900.0
"""Seconds for one seed, by the clock of a machine that does other things too."""


def groups_of(seed: int, rows: Mapping[str, OpSpec], device: str = "cpu") -> list[Group]:
    """The cells of one seed: of each row one sample in one dtype."""
    found = []
    for turn, (op, spec) in enumerate(rows.items(), start=seed):
        dtypes = cells.dtypes_of(spec)
        dtype = dtypes[turn % len(dtypes)]
        samples = cells.samples_in(spec, dtype, seed)
        sample = samples[turn // len(dtypes) % len(samples)]
        checks = [c for c in cells.checks_of(spec, sample, dtype, level=4) if c.number not in cells.ELSEWHERE]
        if checks:
            found.append(Group(device, op, dtype, [Cell(device, op, sample.id, dtype, check.id) for check in checks]))
    return found


def one_seed(seed: int, rows: Mapping[str, OpSpec]) -> dict[str, Any]:
    """Run the cells of one seed. Whatever is not green is an alarm, but for the few that no oracle can decide."""
    count, undecided, alarms, covered = 0, 0, [], []
    for group in groups_of(seed, rows):
        judge.fill(group, rows, seed)
        covered.append((group.op, group.dtype, group.cells[0].sample.partition(":")[0]))
        count += len(group.cells)
        for cell in group.cells:
            undecided += cell.state is State.INCONCLUSIVE
            if cell.state not in GREEN | {State.INCONCLUSIVE}:
                alarms.append(f"seed {seed}: {cell.id}: {cell.message}")
    return {"cells": count, "undecided": undecided, "alarms": alarms, "covered": covered}


def run_seeds(count: int, *, first: int = 1, jobs: int = 1, ops: Sequence[str] = ()) -> dict[str, Any]:
    """Seeds `first`, `first + 1`, ...: how many cells ran, what was covered, and every alarm."""
    rows = {op: spec for op, spec in specs.standard().items() if not ops or op in ops}
    mutants.warm(("cpu",))

    def one(seed: int) -> dict[str, Any]:
        found = mutants.in_child(lambda: one_seed(seed, rows), LIMIT)
        if isinstance(found, dict):
            return found
        return {"cells": 0, "undecided": 0, "alarms": [f"seed {seed}: {', '.join(found)}"], "covered": []}

    with ThreadPoolExecutor(max(1, jobs)) as pool:
        results = list(pool.map(one, range(first, first + count)))
    covered = {tuple(place) for result in results for place in result["covered"]}
    return {
        "seeds": count,
        "first": first,
        "cells": sum(result["cells"] for result in results),
        "undecided": sum(result["undecided"] for result in results),
        "alarms": [alarm for result in results for alarm in result["alarms"]],
        "rows": len({op for op, _, _ in covered}),
        "places": len(covered),
        "all_places": _places(rows),
    }


def _places(rows: Mapping[str, OpSpec]) -> int:
    """How many samples in how many dtypes there are with the seed of the gate."""
    return sum(len(cells.samples_in(spec, dtype, 0)) for spec in rows.values() for dtype in cells.dtypes_of(spec))
