"""The table of the docs that is committed has the rows, the claims and the form that reports give it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from pullback_conformance import names, specs
from pullback_conformance.report import markdown

PAGE = Path(__file__).parents[3] / "docs" / "support.md"


def test_the_committed_table_has_the_rows_and_the_form_of_a_report(healthy: dict[str, Any]) -> None:
    """Every name of the standard has a line, under its chapter, with its claims; all marks are of the legend."""
    section = PAGE.read_text(encoding="utf-8").partition(markdown.BEGIN)[2].partition(markdown.END)[0]
    found: dict[str, tuple[str, str]] = {}
    chapter = ""
    for line in section.splitlines():
        if line.startswith("### "):
            chapter = line.removeprefix("### ")
        elif line.startswith("| `"):
            op, claims, *marks = re.split(r" \| ", line.strip("| "))
            found[op.strip("`")] = chapter, claims
            assert all(mark in ("✓", "✗", "-") or mark.startswith("◐ ") for mark in marks), line
    expected = {
        op: (spec.module.replace("_", " "), markdown._claims({"claims": sorted(spec.claims)}))
        for op, spec in specs.rows(()).items()
        if op in names.required()
    }
    assert found == expected, "write it anew: pullback conformance merge REPORTS --table docs/support.md"
    legend = markdown.support([healthy]).splitlines()[2]
    assert legend in section
