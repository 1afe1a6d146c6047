"""The report as JUnit XML: every cell counts, red is a failure, and nothing that was not run looks as if it passed."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

from pullback_conformance.report import junit
from pullback_conformance.report.json import entries


def test_a_case_per_check_and_dtype(healthy: dict[str, Any]) -> None:
    root = ET.fromstring(junit.text([healthy]))
    wanted = {(f"{device}.{op}", f"{check} {dtype}") for device, op, dtype, _, check, _ in entries(healthy)}
    assert {(case.get("classname"), case.get("name")) for case in root.iter("testcase")} == wanted
    assert (root.get("tests"), root.get("failures"), root.get("errors")) == (str(len(wanted)), "0", "0")
    assert {suite.get("name") for suite in root} == {"cpu sin", "cpu max"}


def test_red_cells_are_failures_and_say_how_to_run_them_again(broken: dict[str, Any]) -> None:
    root = ET.fromstring(junit.text([broken]))
    (failure,) = root.iter("failure")
    assert failure.get("message") == "FAIL: is <b>wrong</b> | here"
    assert "pullback conformance --replay 'cpu|" in failure.text
    assert {error.get("message") for error in root.iter("error")} == {
        "INCONCLUSIVE: the oracle cannot say",
        "NOT-RUN: the worker died",
    }
    assert (root.get("failures"), root.get("errors"), root.get("skipped")) == ("1", "2", "0")


def test_gaps_and_missing_dtypes_are_skipped_with_their_reason(gapped: dict[str, Any]) -> None:
    root = ET.fromstring(junit.text([gapped]))
    reasons = {skipped.get("message") for skipped in root.iter("skipped")}
    assert reasons == {"GAP: gap immutable-index-add-nan", "N/A: the device has no such dtype"}
    assert root.get("failures") == "0"


def test_a_backend_that_cannot_run_has_passed_nothing(unavailable: dict[str, Any]) -> None:
    root = ET.fromstring(junit.text([unavailable]))
    assert root.get("errors") == root.get("tests") != "0"
    assert {error.get("message") for error in root.iter("error")} == {"NOT-RUN: the driver is too old"}
