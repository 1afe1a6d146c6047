"""The report as JSON: what it holds beside its cells. (That it adds up: `test_cells.py`.)"""

from __future__ import annotations

import json as library
from pathlib import Path
from typing import Any

import numpy as np
from pullback_conformance.report import json
from pullback_conformance.session import Session, run


def test_what_was_checked_is_said(healthy: dict[str, Any]) -> None:
    assert healthy["backend"] == {
        "name": "numpy",
        "distribution": "pullback-numpy",
        "version": healthy["backend"]["version"],
        "library": f"numpy {np.__version__}",
        "devices": ["cpu"],
        "unavailable": "",
    }
    assert healthy["backend"]["version"][0].isdigit()
    assert healthy["ops"]["sin"] == {"module": "elementwise", "kind": "elementwise", "claims": ["double", "jvp", "vjp"]}
    assert json.distribution_of("nobody's") == "?"


def test_a_backend_that_cannot_run_says_so_once(unavailable: dict[str, Any], tmp_path: Path) -> None:
    assert unavailable["cells"] == []
    assert unavailable["totals"]["NOT-RUN"] == unavailable["denominator"]["cells"] > 0
    json.write(unavailable, tmp_path / "a.json")
    assert json.read(tmp_path / "a.json") == library.loads((tmp_path / "a.json").read_text())
    assert (tmp_path / "a.json").read_text().count("too old") == 1


def test_the_lines_that_replay_name_the_plugin(broken: dict[str, Any]) -> None:
    assert broken["cells"][0]["replay"].startswith("pullback conformance --replay 'cpu|")
    outcome = run(Session(plugins=["pullback_special.conformance"], ops=["special::erf"], level="L0", sample=9))
    outcome.cells[0].state = "FAIL"
    (cell,) = json.document(outcome)["cells"]
    assert cell["replay"].startswith("pullback conformance --plugin pullback_special.conformance --replay")
