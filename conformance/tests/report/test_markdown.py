"""The summary for a pull request, and the table of the docs, written from reports."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from pullback_conformance.report import markdown


def rows(text: str) -> list[list[str]]:
    """The cells of all lines of all tables."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [re.split(r"(?<!\\) \| ", line.strip("| ")) for line in lines]


def test_states_gaps_and_red_cells(broken: dict[str, Any], gapped: dict[str, Any]) -> None:
    text = markdown.summary([broken, gapped], {"mutation": {"killed": 3, "total": 4}})
    by_device = {row[0]: row for row in rows(text.partition("##")[0])}
    assert by_device["cpu"][3] == "**no**"
    assert by_device["cpu"][5].endswith("1 FAIL, 1 INCONCLUSIVE, 1 NOT-RUN")
    assert by_device["strict"][3] == "yes"
    assert "N/A" in by_device["strict:no_float64"][5]
    assert f"## {len(gapped['gaps'])} gaps" in text
    assert "[immutable-index-add-nan](https://" in text
    assert "## 2 red cells" in text
    assert "is &lt;b>wrong&lt;/b> \\| " in text, "what a message holds ends no column and is no markup"
    assert "- 3 of 4 faults of the catalogue killed" in text
    widths = {len(row) for row in rows(text)}
    assert widths <= {6}


def test_a_healthy_run_says_no_more_than_that(healthy: dict[str, Any]) -> None:
    assert markdown.summary([healthy]).count("\n") == 5


def test_a_backend_that_cannot_run(unavailable: dict[str, Any]) -> None:
    text = markdown.summary([unavailable])
    assert "**numpy: NOT-RUN.** the driver is too old" in text
    assert rows(text)[2][3] == "NOT-RUN"
    assert "red" not in text


# --- the table of the docs -------------------------------------------------------------------------------------------


def test_marks(
    healthy: dict[str, Any], broken: dict[str, Any], gapped: dict[str, Any], unavailable: dict[str, Any]
) -> None:
    def marks(*reports: dict[str, Any]) -> dict[str, list[str]]:
        return {row[0].strip("`"): row[1:] for row in rows(markdown.support(reports)) if row[0].startswith("`")}

    assert marks(healthy) == {"sin": ["reverse, forward, second", "✓"], "max": ["reverse, forward, second", "✓"]}
    assert "✗" in [mark for row in marks(broken).values() for mark in row]
    assert marks(gapped)["take"] == ["reverse, forward, second", "◐ immutable-index-add-nan", "✓"]
    assert marks(unavailable)["sin"][-1] == "-"


def test_the_section_of_a_page_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n\n{markdown.BEGIN}\nold\n{markdown.END}\n\nafter\n")
    for _ in range(2):
        markdown.write_section(page, "| new |")
    assert page.read_text() == f"before\n\n{markdown.BEGIN}\n\n| new |\n\n{markdown.END}\n\nafter\n"
    page.write_text("no section")
    with pytest.raises(ValueError, match="has no section for the table"):
        markdown.write_section(page, "")
