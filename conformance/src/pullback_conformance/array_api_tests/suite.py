"""Run a checkout of the suite in this process, and collect what each test said."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from contextlib import chdir
from pathlib import Path
from typing import Final

import pytest

_NEEDS: Final = {"ndindex": "ndindex", "pytest_jsonreport": "pytest-json-report"}
_ORDER: Final = ("passed", "skipped", "failed")  # the worst phase of a test is its outcome
_URL: Final = "https://github.com/data-apis/array-api-tests"


def problem(checkout: Path) -> str | None:
    """Why the suite cannot run, with what to do; None if it can."""
    if not (checkout / "array_api_tests").is_dir():
        return f"{checkout} is no checkout of array-api-tests; write: git clone --recurse-submodules {_URL}"
    if not (checkout / "array-api" / "src").is_dir():
        return f"{checkout} lacks its submodule array-api; write there: git submodule update --init"
    missing = [name for module, name in _NEEDS.items() if importlib.util.find_spec(module) is None]
    if missing:
        return f"the suite needs {' and '.join(missing)}; write: pip install 'pullback-conformance[array-api-tests]'"
    return None


def backend_module(backend: str) -> str:
    """What tells the suite to test the namespace of a backend of pullback.

    >>> backend_module("numpy")
    "exec('from pullback.namespaces import numpy as xp')"
    """
    if not backend.isidentifier():
        raise ValueError(f"{backend!r} is no name of a backend")
    return f"exec('from pullback.namespaces import {backend} as xp')"


class Recorder:
    """A pytest plugin: the outcome of every test, and the last line of what went wrong."""

    def __init__(self, on_outcome: Callable[[Recorder, str, str], None]) -> None:
        self.outcomes: dict[str, str] = {}
        self.messages: dict[str, str] = {}
        self.broken: list[str] = []
        self._on_outcome = on_outcome

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for the setup, the call and the teardown of each test."""
        before = self.outcomes.get(report.nodeid, "passed")
        self.outcomes[report.nodeid] = max(before, report.outcome, key=_ORDER.index)
        if report.outcome == "failed":
            self.messages[report.nodeid] = message_of(report)
        if report.when == "teardown":
            self._on_outcome(self, report.nodeid, self.outcomes[report.nodeid])

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Called for each file that was read."""
        if report.outcome == "failed":
            self.broken.append(f"{report.nodeid}: {message_of(report)}")


def message_of(report: pytest.TestReport | pytest.CollectReport) -> str:
    """One line that says why it failed."""
    crash = getattr(report.longrepr, "reprcrash", None)
    lines = [line.strip() for line in str(crash.message if crash else report.longrepr).splitlines() if line.strip()]
    errors = [line.removeprefix("E").strip() for line in lines if line.startswith("E  ")]
    return (errors[-1:] or lines[:1] or ["no message"])[0]


def run(
    checkout: Path,
    module: str,
    on_outcome: Callable[[Recorder, str, str], None],
    *,
    max_examples: int,
    jobs: int = 0,
    keyword: str = "",
    randomize: bool = False,
) -> Recorder:
    """Run the suite on a namespace (as the suite's environment variable takes it).

    The same examples are drawn every time, unless `randomize`. The suite reads its environment on import: one
    process runs it once.
    """
    os.environ["ARRAY_API_TESTS_MODULE"] = module
    sys.path.insert(0, str(checkout))
    recorder = Recorder(on_outcome)
    options = ["array_api_tests", "-p", "no:terminal", "-p", "no:cacheprovider", "--disable-deadline"]
    options += [f"--max-examples={max_examples}"]
    options += [] if randomize else ["--hypothesis-derandomize", "-p", f"{__package__}.seeded"]
    options += [*(["-n", str(jobs)] if jobs else []), *(["-k", keyword] if keyword else [])]
    with chdir(checkout):
        status = pytest.main(options, plugins=[recorder])
    if status not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED) and not recorder.broken:
        recorder.broken.append(f"pytest stopped with {pytest.ExitCode(status).name}")
    return recorder
