"""The files that a command writes: which options ask for them, and writing them. `merge` is the command that reads them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from pullback_conformance.report import html, json, junit, markdown, merging


def options(add: Callable[..., Any]) -> None:
    """The options, for a parser whose `add_argument` is given."""
    add("--json", type=Path, metavar="FILE", help="write the report as JSON")
    add("--report", type=Path, metavar="FILE", help="write the report as one HTML page")
    add("--junit", type=Path, metavar="FILE", help="write the report as JUnit XML")
    add("--markdown", type=Path, metavar="FILE", help="write a summary as Markdown")
    add("--diff", type=Path, metavar="FILE", help="an earlier JSON, to compare with in the HTML page")


def write(asked: argparse.Namespace, reports: Sequence[dict[str, Any]], teeth: dict[str, Any] | None = None) -> None:
    """Write what was asked for. `ValueError` if a file cannot hold that."""
    if asked.json:
        if len(reports) != 1:
            names = ", ".join(report["backend"]["name"] for report in reports)
            raise ValueError(f"a JSON report is of one backend and plugin, these are of {names}: use --report")
        json.write(reports[0], asked.json)
    if asked.report:
        earlier = [json.read(asked.diff)] if asked.diff else []
        asked.report.write_text(html.page(reports, earlier, teeth or {}), encoding="utf-8")
    if asked.junit:
        asked.junit.write_text(junit.text(reports), encoding="utf-8")
    if asked.markdown:
        asked.markdown.write_text(markdown.summary(reports, teeth), encoding="utf-8")


def merge(arguments: Sequence[str]) -> int:
    """The command `merge`: read several JSON reports, and write them as one. Returns the exit status."""
    made = argparse.ArgumentParser(
        prog="pullback conformance merge",
        description="Put parts of a run together, and runs of several backends beside each other.",
    )
    made.add_argument("reports", nargs="+", type=Path, help="what --json wrote, with --mutate too")
    options(made.add_argument)
    made.add_argument("-o", "--output", dest="report", type=Path, metavar="FILE", help="the same as --report")
    made.add_argument(
        "--table", type=Path, metavar="FILE", help="write what works where into the marked section of a page"
    )
    asked = made.parse_args(arguments)
    try:
        found = merging.read(asked.reports)
        write(asked, found.reports, found.teeth)
        if asked.table:
            markdown.write_section(asked.table, markdown.support(found.reports))
    except (OSError, ValueError) as error:
        print(f"pullback conformance merge: {error}", file=sys.stderr)
        return 2
    cells = sum(report["denominator"]["cells"] for report in found.reports)
    print(f"{len(asked.reports)} files, {len(found.reports)} reports, {cells} cells")
    return 0 if all(report["ok"] or report["backend"]["unavailable"] for report in found.reports) else 1
