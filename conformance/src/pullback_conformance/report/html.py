"""The report as one static page that needs no network: a matrix per backend and device, filters, gaps, a diff.

The page is a template and the data of one or more JSON reports, cut down to a state per op, dtype and family of checks
and the cells that did not pass. All text goes in as text, never as markup.
"""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from typing import Any

from pullback_conformance.report.json import entries

FAMILIES = "FVJDE"
_WORST = ("FAIL", "ERROR", "GAP-CLOSED", "NOT-RUN", "INCONCLUSIVE", "GAP", "PASS", "UNCLAIMED", "N/A")


def page(reports: list[dict[str, Any]], earlier: dict[str, Any] | None = None) -> str:
    """The page of some reports; with an earlier report, it also says which cells changed."""
    template = (files(__package__) / "page.html").read_text(encoding="utf-8")
    data = {
        "reports": [_reduced(report) for report in reports],
        "diff": _diff(reports[0], earlier) if earlier else None,
    }
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # or a message could end the script
    return template.replace("/*DATA*/null", text)


def _reduced(report: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a report."""
    matrix: dict[str, dict[str, dict[str, dict[str, Counter[str]]]]] = {}
    for device, op, dtype, _, check, state in entries(report):
        family = matrix.setdefault(device, {}).setdefault(op, {}).setdefault(dtype, {})
        family.setdefault(check[0], Counter())[state] += 1
    return {name: value for name, value in report.items() if name not in ("passed", "worst")} | {
        "matrix": {
            device: {
                op: {
                    dtype: {family: [_state(counts), sum(counts.values())] for family, counts in found.items()}
                    for dtype, found in dtypes.items()
                }
                for op, dtypes in ops.items()
            }
            for device, ops in matrix.items()
        },
        "cells": [cell for cell in report["cells"] if cell["state"] != "NOT-RUN"][:2000],
        "not_shown": max(0, len(report["cells"]) - 2000),
    }


def _state(counts: Counter[str]) -> str:
    """The worst state of several cells."""
    return next(state for state in _WORST if counts.get(state))


def _diff(report: dict[str, Any], earlier: dict[str, Any]) -> list[list[str]]:
    """The cells whose state changed: id, before, now. A cell that is gone or new says so."""
    before, now = ({"|".join((e[0], e[1], e[3], e[2], e[4])): e[5] for e in entries(r)} for r in (earlier, report))
    changed = [
        [cell, before.get(cell, "new"), now.get(cell, "gone")]
        for cell in sorted(before.keys() | now.keys())
        if before.get(cell) != now.get(cell)
    ]
    return changed[:5000]
