"""Modules stay small enough to be read at one sitting. Examples are no burden: docstrings do not count."""

from __future__ import annotations

import ast

import pytest
from import_graph import ROOT

CEILING = 400
LARGER = {
    "core/src/pullback/tensor.py": 500,  # the class that everybody holds in hand: one method after the other
    "core/src/pullback/ops/decompositions.py": 480,  # nine decompositions, each with its two rules
    "conformance/src/pullback_conformance/mutants/catalogue.py": 600,  # a table of 69 faults, and what puts each of them in
}
"""The modules that were asked whether they hold two things and answered no, and how far they may grow."""

FACE = "core/src/pullback/__init__.py"  # holds names only, one per line, as test_public_face.py sees to
SOURCES = sorted({path.relative_to(ROOT).as_posix() for path in ROOT.glob("[!.]*/**/src/**/*.py")} - {FACE})


def length(path: str) -> int:
    """The lines of a module that are outside its docstrings."""
    text = (ROOT / path).read_text(encoding="utf-8")
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    docstrings = [
        node.body[0]
        for node in ast.walk(ast.parse(text))
        if isinstance(node, documented) and ast.get_docstring(node, clean=False) is not None
    ]
    return len(text.splitlines()) - sum((node.end_lineno or 0) - node.lineno + 1 for node in docstrings)


@pytest.mark.parametrize("path", SOURCES)
def test_a_module_holds_one_thing(path: str):
    ceiling = LARGER.get(path, CEILING)
    assert length(path) <= ceiling, (
        f"{path} has {length(path)} lines of code, more than {ceiling}: are these two things?"
    )


@pytest.mark.parametrize("path", LARGER)
def test_the_exceptions_are_needed(path: str):
    assert length(path) > CEILING, f"{path} is small now: take it from the list"
