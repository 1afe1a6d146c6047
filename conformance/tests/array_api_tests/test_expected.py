"""Lists of expected failures are read without mercy, and hold a run to themselves both ways."""

from __future__ import annotations

import pytest
from pullback_conformance.array_api_tests.__main__ import expected_failures
from pullback_conformance.array_api_tests.expected import Expected, Verdict, compare, parse

A, B, C = (f"array_api_tests/test_x.py::test_{name}" for name in "abc")
LIST = f"""
# A title, which is the reason of nothing.

# The library rounds
# differently. https://example.org/1
{A}
sometimes {B}

# Another reason.
{C}[a case with # and spaces -> NaN]
"""


def test_reasons_belong_to_the_tests_below_them() -> None:
    case = f"{C}[a case with # and spaces -> NaN]"
    assert parse(LIST) == {
        A: Expected(A, "The library rounds differently. https://example.org/1"),
        B: Expected(B, "The library rounds differently. https://example.org/1", always=False),
        case: Expected(case, "Another reason."),
    }


def test_a_new_comment_starts_a_new_reason() -> None:
    assert [entry.reason for entry in parse(f"# One.\n{A}\n# Two.\n{B}").values()] == ["One.", "Two."]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (A, f"line 1: {A} has no reason"),
        (f"#\n{A}", "line 2: .* has no reason"),
        (f"# Because.\n\n{A}", "line 3: .* has no reason"),
        (f"# Because.\n{A}\n{A}", "line 3: .* is listed twice"),
        (f"# Because.\n{A}\nsometimes {A}", "line 3: .* is listed twice"),
        ("# Because.\ntest_x.py::test_a", "line 2: 'test_x.py::test_a' is no test id"),
        ("# Because.\narray_api_tests/test_x.py", "line 2: .* is no test id"),
        (f"# Because.\noften {A}", "line 2: .* is no test id"),
    ],
)
def test_anything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse(text)


@pytest.mark.parametrize(
    ("outcomes", "verdict"),
    [
        ({A: "failed", B: "passed"}, Verdict((), (), ())),
        ({A: "failed", B: "failed", C: "passed"}, Verdict((), (), ())),
        ({A: "failed", B: "failed", C: "skipped"}, Verdict((), (), ())),
        ({A: "failed", B: "passed", C: "failed"}, Verdict((C,), (), ())),
        ({A: "passed", B: "passed"}, Verdict((), (A,), ())),
        ({A: "skipped", B: "passed"}, Verdict((), (A,), ())),
        ({B: "passed"}, Verdict((), (), (A,))),
        ({C: "failed"}, Verdict((C,), (), (A, B))),
    ],
    ids=str,
)
def test_a_run_is_held_to_the_list_both_ways(outcomes: dict[str, str], verdict: Verdict) -> None:
    expected = parse(f"# Because.\n{A}\nsometimes {B}")
    found = compare(outcomes, expected)
    assert found == verdict
    assert found.ok == (verdict == Verdict((), (), ()))


def test_of_a_part_of_the_suite_only_what_ran_counts() -> None:
    expected = parse(f"# Because.\n{A}\n{B}")
    assert compare({A: "failed"}, expected, whole=False).ok
    assert compare({A: "passed"}, expected, whole=False).fixed == (A,)


@pytest.mark.parametrize("backend", ["numpy", "strict"])
def test_the_lists_that_ship_can_be_read_and_excuse_little(backend: str) -> None:
    shipped = expected_failures(backend, None)
    assert 0 < len(shipped) < 47, "NumPy's own namespace fails 47 tests"
    assert {test.partition("::")[0] for test in shipped} == {"array_api_tests/test_special_cases.py"}


def test_other_backends_have_an_empty_list() -> None:
    assert expected_failures("abacus", None) == {}
    assert expected_failures(None, None) == {}
