"""From samples to ratios, verdicts and the table."""

from __future__ import annotations

import importlib
import io
import json

import peers
import pytest
import report
from rich.console import Console


def _taken(**series: list[float]) -> dict[str, list[dict[str, list[float]]]]:
    return {peer: [{"time": [2 * value, value]} for value in values] for peer, values in series.items()}


def test_ratios_are_taken_round_by_round() -> None:
    (row,) = report.rows("sine_fit", "step", _taken(pullback=[1.0, 4.0, 3.0], torch=[2.0, 2.0, 6.0]), clock=1)
    assert row.ratios["torch"].median == 0.5  # of 0.5, 2, 0.5; the ratio of the medians would be 1.5
    assert row.values["pullback"] == report.Spread(2.0, 3.0, 3.5)
    assert row.unit == "s/step"


def test_the_clock_chooses_the_time() -> None:
    wall, cpu = (report.rows("x", "op", _taken(pullback=[1.0, 2.0]), clock=clock)[0] for clock in (0, 1))
    assert wall.values["pullback"].median == 2 * cpu.values["pullback"].median == 3.0


def test_quantities_of_a_sample_become_rows() -> None:
    sample = {"forward": [1.0, 2.0], "memory": [145.0]}
    rows = report.rows(
        "million_nodes", "node", {"pullback": [sample], "torch": [{**sample, "memory": [290.0]}]}, clock=1
    )
    assert [row.name for row in rows] == ["million_nodes forward", "million_nodes memory"]
    assert [row.unit for row in rows] == ["s/node", "B/node"]
    assert rows[1].values["pullback"].median == 145.0
    assert rows[1].ratios["torch"].median == 0.5


@pytest.mark.parametrize(("ours", "over"), [(0.39, 0), (0.40, 0), (0.41, 1)])
def test_a_ratio_above_its_budget_is_over(ours: float, over: int) -> None:
    (row,) = report.rows("sine_fit", "step", _taken(pullback=[ours] * 3, torch=[1.0] * 3, numpy=[0.01] * 3), clock=1)
    assert row.has_budget
    assert len(row.over()) == over
    assert all("torch" in reason and "0.4" in reason for reason in row.over())


@pytest.mark.parametrize(("ours", "over"), [(299.0, False), (301.0, True)])
def test_memory_above_its_limit_is_over(ours: float, over: bool) -> None:
    (row,) = report.rows("million_nodes", "node", {"pullback": [{"memory": [ours]}]}, clock=1)
    assert row.has_budget
    assert bool(row.over()) is over


def test_a_row_without_the_peer_or_the_subject_has_no_verdict() -> None:
    (alone,) = report.rows("sine_fit", "step", _taken(pullback=[1.0]), clock=1)
    (without,) = report.rows("sine_fit", "step", _taken(torch=[1.0]), clock=1)
    for row in (alone, without):
        assert not row.has_budget
        assert row.over() == []


def test_the_budget_is_that_of_rows_and_peers_that_exist() -> None:
    for name, limits in report.BUDGET.items():
        assert name in peers.WORKLOADS
        for peer, limit in limits.items():
            assert peers.has(name, peer)
            assert 0 < limit <= 1.3
    for name in report.LIMITS:
        assert name.split()[0] in peers.WORKLOADS
        assert importlib.import_module(f"workloads.{name.split()[0]}").PHASES


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (1.5, "s/step", "1.5 s"),
        (2.5e-3, "s/step", "2.5 ms"),
        (3.46e-6, "s/op", "3.46 us"),
        (4e-10, "s/op", "0.4 ns"),
        (144.6, "B/node", "145 B"),
    ],
)
def test_quantities_have_units(value: float, unit: str, text: str) -> None:
    assert report.quantity(value, unit) == text


def test_the_table_says_what_is_kept_and_what_is_over() -> None:
    made = [
        *report.rows("sine_fit", "step", _taken(pullback=[0.3e-4] * 2, torch=[1e-4] * 2), clock=1),
        *report.rows("scalar_chain", "op", _taken(pullback=[0.3e-6] * 2, torch=[1e-6] * 2), clock=1),
    ]
    text = io.StringIO()
    Console(file=text, width=160).print(report.table(made, ["pullback", "torch"]))
    sine, chain = (next(line for line in text.getvalue().splitlines() if name in line) for name in ("sine", "chain"))
    assert "0.30" in sine
    assert "kept" in sine
    assert "over" in chain
    assert "allowed 0.2x" in chain


def test_rows_become_json() -> None:
    (row,) = report.rows("sine_fit", "step", _taken(pullback=[1.0], torch=[2.0]), clock=1)
    document = json.loads(json.dumps(report.as_json(row)))
    assert document["ratios"]["torch"]["median"] == 0.5
    assert document["over_budget"] == ["0.50x torch, allowed 0.4x"]
