"""The oracles know no pullback, and each gives derivatives that are known in closed form."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pullback_conformance.oracles
import pytest
from pullback_conformance.oracles import complex_step, differences, exact
from pullback_conformance.oracles.compare import agree, likely_cause
from pullback_conformance.oracles.transpose import matrix

FILES = sorted(Path(pullback_conformance.oracles.__file__).parent.glob("*.py"))
X = np.asarray([0.3, -1.1, 2.0])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_oracle_does_not_import_what_it_judges(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
        names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for name in names:
            assert name.partition(".")[0] != "pullback", f"{path.name} imports {name}"
            assert not name.startswith("pullback_conformance") or name.startswith("pullback_conformance.oracles")


def test_differences_are_good_to_their_estimate() -> None:
    found = differences.gradient(lambda x: float(np.sum(np.exp(x))), [X], 0)
    np.testing.assert_allclose(found.value, np.exp(X), rtol=1e-10)
    assert np.all(np.abs(found.value - np.exp(X)) <= 10 * found.error + 1e-11)
    assert np.all(found.error < 1e-9)


def test_complex_differences_follow_the_convention() -> None:
    z = np.asarray([1 + 2j])
    found = differences.gradient(lambda z: float(np.real(z * z)[0]), [z], 0)
    np.testing.assert_allclose(found.value, [2 - 4j], rtol=1e-9)


@pytest.mark.parametrize("kink", [0.0, 3e-5])
def test_a_kink_is_seen(kink: float) -> None:
    assert not differences.smooth(lambda t: abs(t - kink))
    assert differences.smooth(lambda t: np.exp(t))
    assert differences.smooth(lambda t: 3 * t)


def test_mpmath_and_the_complex_step_give_the_same_to_the_last_bits() -> None:
    by_mp = exact.partial(exact.mp.tanh, 0, X)
    by_step = complex_step.gradient(np.tanh, [X], 0, np.ones(3))
    np.testing.assert_allclose(by_step, by_mp, rtol=1e-15)
    np.testing.assert_allclose(by_mp, 1 - np.tanh(X) ** 2, rtol=1e-14)


def test_the_matrix_of_a_linear_map() -> None:
    a = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(matrix(lambda x: a @ x, (3,), float), a)


@pytest.mark.parametrize(
    ("found", "expected", "ok"),
    [
        (np.nan, np.nan, True),
        (np.inf, np.inf, True),
        (np.inf, -np.inf, False),
        (np.nan, 1.0, False),
        (1.0, np.nan, False),
        (0.0, np.inf, False),
        (1.0, 1.05, True),
        (1.0, 1.2, False),
        (complex(1, np.nan), complex(1, np.nan), True),
        (complex(1, np.nan), complex(1, 0), False),
    ],
)
def test_the_comparer(found: complex, expected: complex, ok: bool) -> None:
    assert agree(found, expected, 0.1).ok is ok


def test_the_comparer_broadcasts_nothing_and_names_the_worst_entry() -> None:
    assert not agree(np.zeros(3), np.zeros((3, 1)), 1.0).ok
    assert not agree(np.zeros(1), np.zeros(()), 1.0).ok
    assert agree(np.zeros((0, 2)), np.zeros((0, 2)), 0.0).ok
    found = agree([1.0, 2.0, 3.0], [1.0, 2.5, 3.1], 0.05)
    assert (found.place, found.ok) == ((1,), False)


SQUARE = np.arange(1.0, 10.0).reshape(3, 3)


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (-SQUARE, "sign"),
        (SQUARE * 0, "zero"),
        (SQUARE.T, "transposed"),
        (SQUARE * 2.5, "2.5 times"),
        (SQUARE[::-1], "backwards"),
        (np.roll(SQUARE, 1, axis=1), "wrong places"),
        (SQUARE[:1], "broadcast"),
        (SQUARE * np.nan, "divides by zero"),
    ],
)
def test_the_cause_of_an_error_is_guessed(found: np.ndarray, says: str) -> None:
    assert says in likely_cause(found, SQUARE)
