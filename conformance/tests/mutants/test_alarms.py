"""Healthy rules raise no alarm, and a broken one does: what `--false-alarms` counts can be counted."""

from __future__ import annotations

import multiprocessing

import pytest
from pullback_conformance import cells, mutants, specs
from pullback_conformance.mutants import alarms
from pullback_conformance.mutants.patching import rule

pytestmark = pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="a seed runs in a forked process"
)


def test_healthy_rules_raise_no_alarm() -> None:
    found = alarms.run_seeds(2, first=7, ops=["sin", "multiply", "sum"])
    assert found["alarms"] == []
    assert found["rows"] == 3
    assert found["cells"] > 60


def test_a_broken_rule_raises_one() -> None:
    def broken() -> list[str]:
        rule("ops.elementwise_functions:sin", "x", lambda xp, ct, right, *values: right(xp, ct) * 1.001)
        rows = {"sin": specs.find("sin")}
        return [alarm for seed in range(4) for alarm in alarms.one_seed(seed, rows)["alarms"]]

    found = mutants.in_child(broken)
    assert any("V05.fd" in alarm for alarm in found)


def test_a_seed_that_crashes_is_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(alarms, "one_seed", lambda seed, rows: 1 / 0)
    assert "ZeroDivisionError" in alarms.run_seeds(1, ops=["sin"])["alarms"][0]


def test_seeds_move_over_all_samples_and_dtypes() -> None:
    rows = {"sum": specs.find("sum")}
    everything = {
        (dtype, s.id) for dtype in cells.dtypes_of(rows["sum"]) for s in cells.samples_in(rows["sum"], dtype, 0)
    }
    seen = set()
    for seed in range(len(everything) + 1):
        (group,) = alarms.groups_of(seed, rows)
        seen.add((group.dtype, group.cells[0].sample.partition(":")[0]))
    assert len(seen) > 0.9 * len({(dtype, name.partition(":")[0]) for dtype, name in everything})
