"""The report as Markdown: a summary for a pull request, and the table of what works on which backend for the docs."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from pullback_conformance import names
from pullback_conformance.report.json import entries

_RED = ("FAIL", "ERROR", "GAP-CLOSED", "NOT-RUN")
_SHOWN = 20
BEGIN, END = "<!-- support table: begin -->", "<!-- support table: end -->"
"""What a document has around its table."""


def summary(reports: Sequence[dict[str, Any]], teeth: dict[str, Any] | None = None) -> str:
    """What a reader of a pull request wants to know: states by device, gaps first, then what is red."""
    parts = ["# pullback conformance", _states(reports)]
    for report in reports:
        parts += [f"**{report['backend']['name']}: NOT-RUN.** {report['backend']['unavailable']}"] * bool(
            report["backend"]["unavailable"]
        )
        parts += [f"**Problem:** {_inline(problem)}" for problem in report["problems"]]
    gaps = [(report["backend"]["name"], gap) for report in reports for gap in report["gaps"]]
    if gaps:
        rows = [
            [
                name,
                f"[{gap['id']}]({gap['url']})",
                str(gap["cells"]),
                gap["since"],
                f"{gap['days_left']} days",
                gap["reason"],
            ]
            for name, gap in gaps
        ]
        parts += [
            _counted(gaps, "gap"),
            _table(["backend", "gap", "cells", "since", "ends in", "reason"], rows),
        ]
    red = [
        cell
        for report in reports
        if not report["backend"]["unavailable"]
        for cell in report["cells"]
        if cell["state"] in _RED
    ]
    if red:
        rows = [
            [c["state"], f"`{c['op']}`", c["check"], c["dtype"], c.get("message", ""), f"`{c['replay']}`"] for c in red
        ]
        parts += [
            _counted(red, "red cell"),
            _table(["state", "op", "check", "dtype", "what", "again"], rows[:_SHOWN]),
        ]
        parts += [f"... and {len(red) - _SHOWN} more, in the JSON"] * (len(red) > _SHOWN)
    loose = [(r["backend"]["name"], row) for r in reports for row in r["loosened_tolerances"]]
    if loose:
        rows = [
            [name, f"`{row['op']}`", ", ".join(f"{k} {v:g}" for k, v in row["tol_eps"].items())] for name, row in loose
        ]
        parts += ["## Gates that a row has widened, in eps", _table(["backend", "op", "gate"], rows)]
    if teeth:
        parts += ["## The suite's own teeth", "\n".join(f"- {line}" for line in sharpness(teeth))]
    return "\n\n".join(parts) + "\n"


def _counted(found: Sequence[Any], noun: str) -> str:
    return f"## {len(found)} {noun}{'' if len(found) == 1 else 's'}"


def sharpness(teeth: dict[str, Any]) -> list[str]:
    """What is known of the suite's teeth, a sentence each."""
    lines = []
    if "mutation" in teeth:
        found = teeth["mutation"]
        lines.append(
            f"{found['killed']} of {found['total']} faults of the catalogue killed, each by the check that it names"
        )
    if "automatic" in teeth:
        found = teeth["automatic"]
        lines.append(f"{found['killed']} of {found['total']} automatic mutants of the real rules killed")
    if "detection_limit" in teeth:
        limits = ", ".join(f"{kind.replace('_', ' ')} {value:.1e}" for kind, value in teeth["detection_limit"].items())
        lines.append(f"detection limit, relative: {limits}")
    if "false_alarms" in teeth:
        found = teeth["false_alarms"]
        lines.append(f"{len(found['alarms'])} false alarms in {found['cells']} cells of healthy rules")
    return lines


def _states(reports: Iterable[dict[str, Any]]) -> str:
    rows = []
    for report in reports:
        counts: dict[str, Counter[str]] = {}
        for device, *_, state in entries(report):
            counts.setdefault(device, Counter())[state] += 1
        what = ", ".join(report["plugins"]) or f"standard {report['standard']}"
        for device, count in counts.items():
            good = "NOT-RUN" if report["backend"]["unavailable"] else "yes" if report["ok"] else "**no**"
            states = ", ".join(f"{n} {state}" for state in report["totals"] if (n := count[state]))
            subset = f" ({report['subset']})" if report["subset"] else ""
            rows.append([device, what + subset, report["level"], good, str(sum(count.values())), states])
    return _table(["device", "ops", "level", "as claimed", "cells", "states"], rows)


# --- the table of the docs -------------------------------------------------------------------------------------------


def support(reports: Sequence[dict[str, Any]]) -> str:
    """What works where: a line per name of the standard, by chapter; a column per device."""
    standard = [report for report in reports if not report["plugins"]]
    columns = [(report, device) for report in standard for device in report["backend"]["devices"]]
    found: dict[tuple[str, str], Counter[str]] = {}
    gaps: dict[tuple[str, str], set[str]] = {}
    for report in standard:
        for device, op, *_, state in entries(report):
            found.setdefault((device, op), Counter())[state] += 1
        for cell in report["cells"]:
            if cell.get("gap"):
                gaps.setdefault((cell["device"], cell["op"]), set()).add(cell["gap"])
    required = names.required()
    ops = {op: row for report in standard for op, row in report["ops"].items() if op in required}
    chapters: dict[str, list[str]] = {}
    for op, row in ops.items():
        chapters.setdefault(row["module"], []).append(op)
    parts = [_origin(standard), "✓ as claimed · ◐ but for the gap that is named · ✗ not as claimed · - not run there"]
    for chapter, members in chapters.items():
        rows = [
            [
                f"`{op}`",
                _claims(ops[op]),
                *(_mark(found.get((d, op), Counter()), gaps.get((d, op), set())) for _, d in columns),
            ]
            for op in members
        ]
        head = ["op", "derivatives", *(device for _, device in columns)]
        parts += [f"### {chapter.replace('_', ' ') or 'other'}", _table(head, rows)]
    return "\n\n".join(parts)


def _origin(reports: Sequence[dict[str, Any]]) -> str:
    lines = []
    for report in reports:
        where = report["backend"]
        what = f"NOT-RUN: {where['unavailable']}" if where["unavailable"] else (
            f"{report['denominator']['cells']} cells, level {report['level']}"
            + (f", {report['subset']}" if report["subset"] else "")
        )  # fmt: skip
        lines.append(f"- {where['name']} {where['version']}, {report['date']}: {what}")
    return "\n".join(lines)


def _claims(row: dict[str, Any]) -> str:
    claims = set(row["claims"])
    if not claims:
        return "none"
    words = [word for claim, word in (("vjp", "reverse"), ("jvp", "forward"), ("double", "second")) if claim in claims]
    return ", ".join(words)


def _mark(states: Counter[str], gaps: set[str]) -> str:
    """How an op stands on a device."""
    if not states or set(states) <= {"NOT-RUN", "N/A"}:
        return "-"
    if any(states[state] for state in _RED):
        return "✗"
    return f"◐ {', '.join(sorted(gaps))}" if gaps else "✓"


def write_section(path: Path, table: str) -> None:
    """Put a table into the marked section of a document. `ValueError` if it has none."""
    whole = path.read_text(encoding="utf-8")
    section = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    if not section.search(whole):
        raise ValueError(f"{path} has no section for the table: write {BEGIN} and {END} where it should stand")
    path.write_text(section.sub(lambda _: f"{BEGIN}\n\n{table}\n\n{END}", whole), encoding="utf-8")


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(_inline(cell) for cell in row)} |" for row in lines)


def _inline(text: str) -> str:
    """On one line, with nothing that would end a column; of a long message, the beginning."""
    text = " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
    return text if len(text) <= 300 else text[:297] + "..."
