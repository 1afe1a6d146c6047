"""The report as one static page that needs no network: a matrix per backend and device, filters, gaps, a diff.

The page is a template and the data of one or more JSON reports, cut down to a state per op, dtype and check, and the cells
that did not pass. All text goes in as text, never as markup.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from typing import Any

from pullback_conformance.report.json import entries
from pullback_conformance.report.markdown import sharpness

STATES = ("FAIL", "ERROR", "GAP-CLOSED", "NOT-RUN", "INCONCLUSIVE", "GAP", "PASS", "UNCLAIMED", "N/A")
"""All states, the worst first."""
_CELLS, _CHANGES = 2000, 5000


def page(
    reports: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]] = (), teeth: dict[str, Any] | None = None
) -> str:
    """The page of some reports; with earlier ones, it also says which cells changed since."""
    template = (files(__package__) / "page.html").read_text(encoding="utf-8")
    data = {
        "states": STATES,
        "reports": [_reduced(report) for report in reports],
        "diff": _diff(reports, earlier) if earlier else None,
        "teeth": sharpness(teeth or {}),
    }
    text = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")  # or a message could end the script
    return template.replace("/*DATA*/null", text)


def _reduced(report: dict[str, Any]) -> dict[str, Any]:
    """What the page shows of a report: per check `[state, how many cells are in it, how many there are]`."""
    matrix: dict[str, dict[str, dict[str, dict[str, Counter[str]]]]] = {}
    for device, op, dtype, _, check, state in entries(report):
        checks = matrix.setdefault(device, {}).setdefault(op, {}).setdefault(dtype, {})
        checks.setdefault(check, Counter())[state] += 1
    return {name: value for name, value in report.items() if name not in ("passed", "worst")} | {
        "matrix": {
            device: {
                op: {
                    dtype: {check: _summed(counts) for check, counts in found.items()}
                    for dtype, found in dtypes.items()
                }
                for op, dtypes in ops.items()
            }
            for device, ops in matrix.items()
        },
        "cells": report["cells"][:_CELLS],
        "not_shown": max(0, len(report["cells"]) - _CELLS),
    }


def _summed(counts: Counter[str]) -> list[int]:
    """The worst state of several cells, by number, how many are in it, and how many there are."""
    worst = next(number for number, state in enumerate(STATES) if counts.get(state))
    return [worst, counts[STATES[worst]], counts.total()]


def _diff(reports: Sequence[dict[str, Any]], earlier: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The cells whose state changed: id, before, now. A cell that is gone or new says so."""
    before, now = (
        {"|".join((e[0], e[1], e[3], e[2], e[4])): e[5] for report in some for e in entries(report)}
        for some in (earlier, reports)
    )
    changed = [
        [cell, before.get(cell, "new"), now.get(cell, "gone")]
        for cell in sorted(before.keys() | now.keys())
        if before.get(cell) != now.get(cell)
    ]
    kinds = Counter(f"{was} → {now}" for _, was, now in changed)
    since = ", ".join(sorted({report["date"] for report in earlier}))
    return {"since": since, "total": len(changed), "kinds": kinds.most_common(), "changed": changed[:_CHANGES]}
