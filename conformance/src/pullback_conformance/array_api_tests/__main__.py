"""`python -m pullback_conformance.array_api_tests CHECKOUT --backend NAME`."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from pullback_conformance.array_api_tests.expected import Expected, Verdict, compare, parse
from pullback_conformance.array_api_tests.suite import Recorder, backend_module, problem, run


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; 0 if it says what the list of expected failures says, 1 if not, 2 if it cannot run."""
    options = _parser().parse_args(arguments)
    trouble = problem(options.checkout)
    if trouble:
        print(trouble, file=sys.stderr)
        return 2
    expected = expected_failures(options.backend, options.xfails)
    module = options.module or backend_module(options.backend)
    recorder = run(
        options.checkout.resolve(),
        module,
        lambda recorder, test, outcome: _tell(recorder, test, outcome, expected),
        max_examples=options.max_examples,
        jobs=options.jobs,
        keyword=options.keyword,
        randomize=options.randomize,
    )
    if recorder.broken:
        print("\n".join(["", "the suite did not run:", *recorder.broken]), file=sys.stderr)
        return 2
    verdict = compare(recorder.outcomes, expected, whole=not options.keyword)
    print(report(options.module or f"pullback over {options.backend}", recorder.outcomes, expected, verdict))
    return 0 if verdict.ok else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pullback_conformance.array_api_tests",
        description="Run a checkout of data-apis/array-api-tests on the namespace of a backend.",
    )
    parser.add_argument("checkout", type=Path, help="a clone of the suite with its submodule")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--backend", help="the backend of pullback to test: numpy, strict, ...")
    which.add_argument("--module", help="another namespace to compare with, as an importable module")
    parser.add_argument("--xfails", type=Path, help="a list of expected failures; a known backend has its own")
    parser.add_argument("--max-examples", type=int, default=20, help="examples that Hypothesis draws per test (20)")
    parser.add_argument("--randomize", action="store_true", help="draw other examples in every run")
    parser.add_argument("-n", dest="jobs", type=int, default=0, help="processes (pytest-xdist)")
    parser.add_argument("-k", dest="keyword", default="", help="only tests that match, as in pytest")
    return parser


def expected_failures(backend: str | None, path: Path | None) -> dict[str, Expected]:
    """The list to hold a run to: the given one, else the one that ships for the backend, else an empty one."""
    if path is not None:
        return parse(path.read_text(encoding="utf-8"))
    shipped = files(__package__) / f"{backend}-xfails.txt"
    return parse(shipped.read_text(encoding="utf-8")) if backend and shipped.is_file() else {}


def _tell(recorder: Recorder, test: str, outcome: str, expected: dict[str, Expected]) -> None:
    """The live summary: every failure that nobody expects, and on a terminal a running count."""
    clear = "\r\033[K" if sys.stdout.isatty() else ""
    if outcome == "failed" and test not in expected:
        print(f"{clear}FAILED {test}: {recorder.messages[test]}", flush=True)
    done = len(recorder.outcomes)
    if clear or done % 100 == 0:
        failed = sum(recorder.outcomes[test] == "failed" for test in recorder.outcomes.keys() - expected.keys())
        print(f"{clear}{done} tests, {failed} failed unexpectedly", end="" if clear else "\n", flush=True)


def report(name: str, outcomes: dict[str, str], expected: dict[str, Expected], verdict: Verdict) -> str:
    """The result in a few lines: what differs from the list, then the counts."""
    lines = [""]
    for heading, tests in (
        ("failed, and not listed", verdict.unexpected),
        ("listed, but passed: remove the entry", verdict.fixed),
        ("listed, but not in the suite", verdict.unknown),
    ):
        lines += [f"{heading}:", *(f"  {test}" for test in tests)] if tests else []
    counts = Counter(
        "expected failures" if outcome == "failed" and test in expected else outcome
        for test, outcome in outcomes.items()
    )
    parts = ", ".join(f"{counts[kind]} {kind}" for kind in ("passed", "failed", "expected failures", "skipped"))
    return "\n".join([*lines, f"{name}: {len(outcomes)} tests: {parts}"])


if __name__ == "__main__":
    sys.exit(main())
