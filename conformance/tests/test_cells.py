"""The accounting: every name has a row, every cell ends in one state, and nothing that did not run is green."""

from __future__ import annotations

import datetime
from pathlib import Path

import numpy as np
import pullback_conformance as suite
import pytest
from pullback_conformance import cells, gaps, names, specs
from pullback_conformance.cells import Cell, State
from pullback_conformance.cli import main
from pullback_conformance.report import html, json
from pullback_conformance.samples import samples_of
from pullback_conformance.session import Session, run


def test_every_name_of_the_standard_has_a_row(monkeypatch: pytest.MonkeyPatch) -> None:
    assert names.missing() == []
    rows = dict(specs.standard())
    del rows["sin"]
    monkeypatch.setattr(specs, "standard", lambda: rows)
    assert names.missing() == ["sin of the standard has no row"]


def test_the_denominator_is_known_before_the_run_and_does_not_change() -> None:
    outcome = run(Session(ops=["sin", "engine"], level="L1"))
    again = cells.groups({"sin": specs.find("sin")}, {"cpu": frozenset(cells.REAL + cells.COMPLEX)}, level=1)
    assert [c.id for c in outcome.cells] == [c.id for g in again for c in g.cells]
    assert sum(outcome.totals.values()) == len(outcome.cells) == len({c.id for c in outcome.cells})
    assert set(outcome.totals) == {str(state) for state in State}
    assert outcome.ok


def test_a_cell_that_did_not_run_is_not_green() -> None:
    outcome = run(Session(ops=["sin"], level="L0"))
    outcome.groups[0].cells[0].state = State.NOT_RUN
    assert not outcome.ok


def test_undecided_cells_have_a_budget() -> None:
    outcome = run(Session(ops=["sin"], level="L0"))
    for cell in outcome.cells[: len(outcome.cells) // 50]:
        cell.state = State.INCONCLUSIVE
    assert not outcome.ok


def test_workers_give_what_one_process_gives() -> None:
    alone, shared = (run(Session(ops=["square", "sum"], level="L1", jobs=jobs)) for jobs in (0, 2))
    assert [(c.id, c.state) for c in alone.cells] == [(c.id, c.state) for c in shared.cells]


def test_samples_are_the_same_in_every_run_and_have_what_hides_faults() -> None:
    first, second = (samples_of(specs.find("multiply"), "real") for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.id == b.id
        for x, y in zip(a.args, b.args, strict=True):
            np.testing.assert_array_equal(x, y) if isinstance(x, np.ndarray) else None
    shapes = [tuple(np.shape(x) for x in s.args) for s in first]
    assert ((2, 2), (2, 1)) in shapes, "square, to hide a wrong axis"
    assert ((), ()) in shapes
    assert any(0 in a for a, _ in shapes)
    assert {s.layout for s in first} == {"C", "transposed", "gaps", "reversed", "broadcast"}
    assert any(isinstance(s.args[1], float) for s in first)


GAP = """
[[gap]]
id = "{id}"
match = {{ op = ["{op}"], check = "{check}" }}
error = "{error}"
sample = "s00"
reason = "because"
url = "https://example.org/1"
expires = "{expires}"
"""


def write(path: Path, **values: str) -> list[gaps.Gap]:
    defaults = {"id": "a", "op": "sin", "check": "V05*", "error": "off", "expires": "2999-01-01"}
    (path / "gaps.toml").write_text(GAP.format(**defaults | values))
    return gaps.read([path / "gaps.toml"])


@pytest.mark.parametrize(
    ("state", "message", "error", "after"),
    [
        (State.FAIL, "is off by 3", "off", State.GAP),
        (State.FAIL, "raised KeyError", "off", State.FAIL),
        (State.PASS, "", "off", State.GAP_CLOSED),
        (State.ERROR, "off", "off", State.GAP),
    ],
)
def test_a_gap_is_strict_both_ways(state: State, message: str, error: str, after: State, tmp_path: Path) -> None:
    found = write(tmp_path, error=error)
    cell = Cell("cpu", "sin", "s00:(3,)", "float64", "V05.fd")
    assert gaps.claim([cell], found, "numpy") == []
    cell.state, cell.message = state, message
    gaps.settle([cell], found)
    assert cell.state is after


def test_a_gap_that_covers_nothing_or_has_expired_is_a_problem(tmp_path: Path) -> None:
    cell = Cell("cpu", "sin", "s00:(3,)", "float64", "V05.fd")
    assert "covers no cell" in gaps.claim([cell], write(tmp_path, op="cos"), "numpy")[0]
    yesterday = (datetime.date.today() - datetime.timedelta(days=1)).isoformat()
    assert "expired" in gaps.claim([cell], write(tmp_path, expires=yesterday), "numpy")[0]


@pytest.mark.parametrize(("key", "value"), [("reason", ""), ("op", "*"), ("expires", "soon"), ("error", "(")])
def test_a_gap_that_says_too_little_is_refused(key: str, value: str, tmp_path: Path) -> None:
    if key == "reason":
        (tmp_path / "g.toml").write_text(
            GAP.format(id="a", op="sin", check="V", error="x", expires="2999-01-01").replace('"because"', '""')
        )
        with pytest.raises(gaps.GapError, match="lacks reason"):
            gaps.read([tmp_path / "g.toml"])
        return
    with pytest.raises(gaps.GapError):
        write(tmp_path, **{key: value})


def test_the_report_adds_up_and_is_read_back(tmp_path: Path) -> None:
    outcome = run(Session(ops=["sin"], level="L1", sample=5))
    made = json.document(outcome)
    json.write(made, tmp_path / "a.json")
    assert json.read(tmp_path / "a.json")["totals"] == outcome.totals
    assert len(list(json.entries(made))) == len(outcome.cells)
    text = (tmp_path / "a.json").read_text().replace('"V01.runs",', "", 1)
    (tmp_path / "b.json").write_text(text)
    with pytest.raises(ValueError, match="some cells are missing"):
        json.read(tmp_path / "b.json")


def test_a_page_holds_no_markup_of_a_message() -> None:
    outcome = run(Session(ops=["sin"], level="L0", sample=5))
    outcome.cells[0].state, outcome.cells[0].message = State.FAIL, "</script><b>"
    page = html.page([json.document(outcome)])
    assert "</script><b>" not in page
    assert "http" not in page.partition("<script>")[0]


# --- the command ------------------------------------------------------------------------------------------------------


def test_a_cell_is_replayed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--replay", "cpu|sin|s00:(3,)|float64|V05.fd"]) == 0
    said = capsys.readouterr().out
    assert "fourth-order difference" in said
    code = "\n".join(line.strip() for line in said.split("to reproduce:")[1].split("again:")[0].splitlines())
    scope: dict[str, object] = {}
    exec(code, scope)  # noqa: S102  the code that the report offers runs
    assert scope["out"].shape == (3,)


def test_nonsense_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--op", "nothing"]) == 2
    assert "no row for nothing" in capsys.readouterr().err
    assert main(["--replay", "cpu|sin"]) == 2
    assert main(["--replay", "cpu|sin|s99|float64|V05.fd"]) == 2


def test_a_backend_that_cannot_run_says_why(capsys: pytest.CaptureFixture[str]) -> None:
    outcome = suite.check_backend("cupy", ops=["sin"], level="L0")
    if not outcome.unavailable:
        pytest.skip("CuPy can run here")
    assert outcome.totals["NOT-RUN"] == len(outcome.cells) > 0
    assert not outcome.ok
    assert main(["--backend", "cupy", "--op", "sin", "-q"]) == 0
    assert "NOT-RUN: backend 'cupy' cannot run here" in capsys.readouterr().out
    assert main(["--backend", "cupy", "--op", "sin", "-q", "--require"]) == 1


def test_the_interface_without_a_shell() -> None:
    assert suite.opcheck("square", level="L1", sample=6)["V05.fd"] == "PASS"
    with pytest.raises(LookupError):
        suite.opcheck("nothing")


@suite.parametrize(ops=["negative"], level="L1", sample=8)
def test_the_decorator(cell) -> None:
    cell.run()
