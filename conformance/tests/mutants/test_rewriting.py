"""Every change of a syntax tree does what it says, to its node alone."""

from __future__ import annotations

import ast
import copy

import pytest
from pullback_conformance.mutants.rewriting import CHANGES

WRITTEN = [
    ("a + b", "operator becomes Sub", "a - b"),
    ("a / b", "operator becomes Mult", "a * b"),
    ("a / b", "operands are swapped", "b / a"),
    ("a & b", "operator becomes BitOr", "a | b"),
    ("-a", "a minus is lost", "a"),
    ("~a", "an inversion is lost", "a"),
    ("not a", "a not is lost", "a"),
    ("xp.conj(a)", "conj is dropped", "a"),
    ("adjoint(xp, a)", "adjoint is dropped", "a"),
    ("xp.matmul(a, b)", "arguments of matmul are swapped", "xp.matmul(b, a)"),
    ("xp.where(m, a, b)", "arguments of where are swapped", "xp.where(m, b, a)"),
    ("xp.moveaxis(a, 0, 1)", "arguments of moveaxis are swapped", "xp.moveaxis(a, 1, 0)"),
    ("xp.sum(a, axis=0)", "axis= is lost", "xp.sum(a)"),
    ("xp.ones(n, dtype=d, device=e)", "dtype= is lost", "xp.ones(n, device=e)"),
    ("xp.ones(n, dtype=d, device=e)", "device= is lost", "xp.ones(n, dtype=d)"),
    ("a < b", "comparison becomes GtE", "a >= b"),
    ("a < b", "comparison becomes LtE", "a <= b"),
    ("a is b", "comparison becomes IsNot", "a is not b"),
    ("3", "3 becomes 4", "4"),
    ("0.5", "0.5 becomes 1.5", "1.5"),
    ("a if b else c", "a condition is turned over", "a if not b else c"),
    ("a and b", "logic becomes Or", "a or b"),
    ("lambda xp, t, x: t * x", "times 1 + 1e-6", "lambda xp, t, x: t * x * 1.000001"),
]


def changes(node: ast.AST) -> dict[str, str]:
    """What each change says of a node, and the node afterwards."""
    found = {}
    for change in CHANGES:
        made = copy.copy(node)
        if what := change(made):
            found[what] = ast.unparse(made)
    return found


@pytest.mark.parametrize(("before", "what", "after"), WRITTEN, ids=[f"{a}: {b}" for a, b, _ in WRITTEN])
def test_a_change(before: str, what: str, after: str) -> None:
    node = ast.parse(before, mode="eval").body
    assert changes(node)[what] == after
    assert ast.unparse(node) == before, "a change reaches below its node"


def test_keywords_and_statements() -> None:
    keyword = ast.parse("f(a, keepdims=True)", mode="eval").body.keywords[0]  # type: ignore[attr-defined]
    assert changes(keyword) == {"keepdims is turned over": "keepdims=False"}
    statement = ast.parse("refuse(xp, a)").body[0]
    assert changes(statement)["a statement is lost"] == "pass"
    function = ast.parse("def _rule(xp, ct, x):\n    y = x\n    return ct * y").body[0]
    assert changes(function)["times 1 + 1e-6"].endswith("return ct * y * 1.000001")
    assert ast.unparse(function).endswith("return ct * y")


@pytest.mark.parametrize("code", ["a", "f(a)", "True", "'text'", "a[b]", "lambda xp, x: x"])
def test_what_has_nothing_to_change_is_left_alone(code: str) -> None:
    assert changes(ast.parse(code, mode="eval").body) == {}
