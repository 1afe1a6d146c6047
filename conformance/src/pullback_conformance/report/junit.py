"""The report as JUnit XML, which CI systems show: a suite per device and op, a case per check and dtype.

A case stands for all samples of a check. What is red is a failure, with the lines that replay it; what was not run or not
decided is an error; a declared gap, and a dtype that a device has not, is skipped, and says which.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from xml.etree import ElementTree as ET

from pullback_conformance.report.json import entries

_LINES = 5  # of the cells of a case


def text(reports: Iterable[dict[str, Any]]) -> str:
    """The XML of some reports."""
    root = ET.Element("testsuites", name="pullback-conformance")
    for report in reports:
        _suites(root, report)
    for key in ("tests", "failures", "errors", "skipped"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"


def _suites(root: ET.Element, report: dict[str, Any]) -> None:
    states: dict[tuple[str, str], dict[tuple[str, str], list[str]]] = {}
    for device, op, dtype, _, check, state in entries(report):
        states.setdefault((device, op), {}).setdefault((check, dtype), []).append(state)
    records: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for cell in report["cells"]:
        records.setdefault((cell["device"], cell["op"], cell["check"], cell["dtype"]), []).append(cell)
    for (device, op), cases in states.items():
        suite = ET.SubElement(root, "testsuite", name=f"{device} {op}", timestamp=report["date"])
        count = {"tests": len(cases), "failures": 0, "errors": 0, "skipped": 0}
        for (check, dtype), found in cases.items():
            case = ET.SubElement(suite, "testcase", classname=f"{device}.{op}", name=f"{check} {dtype}")
            outcome = _outcome(case, found, records.get((device, op, check, dtype), []), report)
            if outcome:
                count[outcome] += 1
        for key, n in count.items():
            suite.set(key, str(n))


def _outcome(case: ET.Element, states: list[str], cells: list[dict[str, Any]], report: dict[str, Any]) -> str:
    """Say on a case what became of its cells; returns where it counts, "" if all passed."""
    for kind, tag, wanted in (
        ("failures", "failure", ("FAIL", "ERROR", "GAP-CLOSED")),
        ("errors", "error", ("NOT-RUN", "INCONCLUSIVE")),
        ("skipped", "skipped", ("GAP", "N/A")),
    ):
        worst = next((state for state in wanted if state in states), None)
        if worst is None:
            continue
        mine = [cell for cell in cells if cell["state"] == worst]
        why = next((cell["message"] for cell in mine if cell.get("message")), report["backend"]["unavailable"])
        if worst == "GAP":
            why = f"gap {mine[0]['gap']}"
        elif worst == "N/A":
            why = "the device has no such dtype"
        element = ET.SubElement(case, tag, message=f"{worst}: {_printable(why)}")
        lines = [f"{cell['id']}\n  {cell.get('message', '')}\n  {cell['replay']}" for cell in mine[:_LINES]]
        rest = states.count(worst) - len(mine[:_LINES])
        element.text = _printable("\n".join([*lines, *([f"... and {rest} more"] if mine and rest > 0 else [])]))
        return kind
    return ""


def _printable(message: str) -> str:
    """Without the control characters that XML cannot hold."""
    return "".join(c for c in message if c >= " " or c in "\t\n")
