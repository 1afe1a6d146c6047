"""The page in a real browser: its script runs, matrix, filters, gaps and diff are there, without network."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from pullback_conformance.report import html

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
needs_browser = pytest.mark.skipif(BROWSER is None, reason="no Chromium: apt-get install chromium")
TEETH = {
    "mutation": {"killed": 70, "total": 71},
    "automatic": {"killed": 990, "total": 1000},
    "detection_limit": {"uniform": 2e-8, "single_entry": 1.6e-7},
    "false_alarms": {"alarms": [], "cells": 1234},
}


def body(page: str, folder: Path, view: str = "") -> str:
    """What a browser makes of a page: its body without the script."""
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    command = [str(BROWSER), *options, "--virtual-time-budget=3000", "--dump-dom", f"{path.as_uri()}{view}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert "<body>" in done.stdout, done.stderr
    return re.sub(r"<script>.*</script>", "", done.stdout.partition("<body>")[2], flags=re.DOTALL)


def shown(body: str) -> str:
    """Its text."""
    return " ".join(re.sub(r"<[^>]*>", " ", body).split())


@needs_browser
def test_the_page_in_a_browser(
    tmp_path: Path, healthy: dict[str, Any], broken: dict[str, Any], gapped: dict[str, Any]
) -> None:
    found = body(html.page([broken, gapped], [healthy, gapped], TEETH), tmp_path)
    assert re.findall(r'role="tab"[^>]*>(.*?)</button>', found) == [
        '<span class="bad">✖ </span>numpy: cpu',
        '<span class="ok">● </span>strict: strict',
        '<span class="ok">● </span>strict: strict:no_float64',
    ]
    assert "is &lt;b&gt;wrong&lt;/b&gt;" in found, "text goes in as text"
    text = shown(found)
    assert "NOT as claimed" in text
    assert "V✖" in text
    assert "F●" in text
    assert "likely cause: the sign is flipped" in text
    assert "pullback conformance --replay 'cpu|" in text
    assert "3 cells changed since the earlier report of 2026-11-01" in text
    assert "1 PASS → FAIL" in text
    assert "70 of 71 faults of the catalogue killed" in text
    assert "990 of 1000 automatic mutants" in text
    assert "uniform 2.0e-08, single entry 1.6e-07" in text
    assert "0 false alarms in 1234 cells" in text
    assert "2 of 2 ops" in text


@needs_browser
def test_gaps_have_their_age_and_the_matrix_its_checks(
    tmp_path: Path, healthy: dict[str, Any], gapped: dict[str, Any]
) -> None:
    """The view that an address names: the second tab, the ops with "ta" in their name, opened."""
    found = body(html.page([healthy, gapped]), tmp_path, "#tab=1&op=ta")
    text = shown(found)
    (gap,) = [gap for gap in gapped["gaps"] if gap["id"] == "immutable-index-add-nan"]
    assert f"immutable-index-add-nan {gap['cells']} 0.1 {gap['days_left']} days where arrays cannot be written" in text
    assert f'<a href="{gap["url"]}">' in found
    assert 'title="V18.local: 1 of 2 GAP"' in found or 'title="V18.local: all' in found
    assert "▲" in text
    assert "wider gates" not in text


@needs_browser
@pytest.mark.parametrize(
    ("view", "there", "away"),
    [
        ("#op=si", ["sin", "1 of 2 ops"], ["statistical"]),
        ("#chapter=statistical", ["max", "1 of 2 ops"], ["elementwise</th>"]),
        ("#check=V05.fd&dtype=float64", ['title="V05.fd: 1 of'], ['title="F01.runs']),
        ("#state=FAIL", ["V05.fd", "1 cell that did not pass"], ["the oracle cannot say"]),
        ("#state=INCONCLUSIVE", ["the oracle cannot say"], ["the sign is flipped"]),
    ],
)
def test_filters(tmp_path: Path, broken: dict[str, Any], view: str, there: list[str], away: list[str]) -> None:
    found = body(html.page([broken]), tmp_path, view)
    matrix = found.partition('<table id="matrix">')[2]
    for text in there:
        assert text in found, view
    for text in away:
        assert text not in matrix, view


@needs_browser
def test_wider_gates_are_listed_together(tmp_path: Path, healthy: dict[str, Any]) -> None:
    loose = [{"op": "inv", "tol_eps": {"float32": 64}}, {"op": "std", "tol_eps": {"float32": 9}},
             {"op": "det", "tol_eps": {"float32": 64}}]  # fmt: skip
    text = shown(body(html.page([healthy | {"loosened_tolerances": loose}]), tmp_path))
    assert "3 ops have wider gates, in eps float32 64: inv, det float32 9: std" in text


@needs_browser
def test_a_backend_that_cannot_run_says_why(tmp_path: Path, unavailable: dict[str, Any]) -> None:
    text = shown(body(html.page([unavailable]), tmp_path))
    assert "NOT RUN" in text
    assert "NOT-RUN: the driver is too old" in text


def test_the_page_needs_no_network(broken: dict[str, Any]) -> None:
    page = html.page([broken])
    assert not re.findall(r'(?:src|href)="?(?:https?:)?//|@import|fetch\(|XMLHttpRequest', page)
