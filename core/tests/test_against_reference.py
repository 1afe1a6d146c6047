"""The engine against the naive one of `helpers/reference.py`, on random programs.

`PULLBACK_RANDOM_PROGRAMS` says how many (500 if unset) `test_random_programs` runs; from `core/tests`, the command
`python -m helpers.random_graphs 100000` runs many and counts what happened in them.
"""

from __future__ import annotations

import os
from collections import Counter

import pytest
from helpers.random_graphs import Program, run_seed
from hypothesis import given, settings
from hypothesis import strategies as st

COUNT = int(os.environ.get("PULLBACK_RANDOM_PROGRAMS", "500"))


@given(st.data(), st.integers(3, 14), st.booleans())
@settings(max_examples=100)
def test_programs_that_hypothesis_chooses(data: st.DataObject, steps: int, forward: bool) -> None:
    program = Program(lambda n: data.draw(st.integers(0, n - 1)), forward=forward)
    if forward:
        program.push(steps)
    else:
        program.run(steps)


@pytest.mark.parametrize("part", range(4))
def test_random_programs(part: int) -> None:
    counts: Counter[str] = Counter()
    for seed in range(part, COUNT, 4):
        counts += run_seed(seed)
    if part < 3 and COUNT >= 100:  # the programs do what they are there for: mostly passes, some refusals of each kind
        assert counts["pass"] > COUNT / 8
        assert counts["write"] > COUNT / 8
        assert counts["write refused"] > 0
        assert all(counts[f"hook: {kind}"] > COUNT / 50 for kind in ("tensor", "before", "after", "multi", "retain"))
        assert counts["second order"] > 0


@pytest.mark.parametrize("device", ["strict", "strict:device1"])
def test_random_programs_where_arrays_cannot_be_written(device: str) -> None:
    for seed in range(1000, 1000 + COUNT // 10):
        run_seed(seed, device)
