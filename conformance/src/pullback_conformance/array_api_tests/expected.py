"""Expected failures: a list with a reason for each, and the comparison that is strict both ways.

A list is a text file. A block of comment lines is the reason for the test ids that follow it, up to the next blank line.
`sometimes` before an id means that only some draws of Hypothesis fail: such a test may pass as well.

::

    # NumPy rounds differently. https://example.org/issue
    array_api_tests/test_x.py::test_y[case 1]
    sometimes array_api_tests/test_x.py::test_y[case 2]
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

_SOMETIMES: Final = "sometimes "
_PREFIX: Final = "array_api_tests/"


@dataclass(frozen=True)
class Expected:
    """One expected failure: the test, why it fails, and whether it always does."""

    test: str
    reason: str
    always: bool = True


def parse(text: str) -> dict[str, Expected]:
    """The expected failures in a list, by test id.

    Raises `ValueError`, which names the line, for an id without a reason, an id given twice, and anything else.

    >>> parse("# Because.\\narray_api_tests/test_x.py::test_y")["array_api_tests/test_x.py::test_y"].reason
    'Because.'
    """
    found: dict[str, Expected] = {}
    reason: list[str] = []
    complete = True  # whether the reason above has been used, so that a new comment starts a new one
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped:
            reason = []
        elif stripped.startswith("#"):
            reason = [stripped.lstrip("# ")] if complete else [*reason, stripped.lstrip("# ")]
            complete = False
        else:
            test = stripped.removeprefix(_SOMETIMES)
            if not test.startswith(_PREFIX) or "::" not in test:
                raise ValueError(f"line {number}: {stripped!r} is no test id; one begins with {_PREFIX!r}")
            if not any(reason):
                raise ValueError(f"line {number}: {test} has no reason; write it as a comment above")
            if test in found:
                raise ValueError(f"line {number}: {test} is listed twice")
            found[test] = Expected(test, " ".join(reason), always=test == stripped)
            complete = True
    return found


@dataclass(frozen=True)
class Verdict:
    """What a run says about a list: it is right when all three are empty."""

    unexpected: tuple[str, ...]
    """Failed, and not listed."""
    fixed: tuple[str, ...]
    """Listed, and passed: the entry must go."""
    unknown: tuple[str, ...]
    """Listed, and not there: the suite has changed."""

    @property
    def ok(self) -> bool:
        """Whether the run is what the list says."""
        return not (self.unexpected or self.fixed or self.unknown)


def compare(outcomes: Mapping[str, str], expected: Mapping[str, Expected], *, whole: bool = True) -> Verdict:
    """Hold outcomes ("passed", "failed" or "skipped", by test id) against a list.

    `whole` says whether the whole suite ran; of a part, an entry without an outcome says nothing.
    """
    failed = {test for test, outcome in outcomes.items() if outcome == "failed"}
    always = {test for test, entry in expected.items() if entry.always}
    return Verdict(
        unexpected=tuple(sorted(failed - expected.keys())),
        fixed=tuple(sorted(test for test in always & outcomes.keys() if outcomes[test] != "failed")),
        unknown=tuple(sorted(expected.keys() - outcomes.keys())) if whole else (),
    )
