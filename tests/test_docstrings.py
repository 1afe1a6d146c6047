"""Every public function and class says what it is, with an example that runs."""

from __future__ import annotations

import doctest
import importlib
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pullback as pb
import pytest
from import_graph import CORE, ROOT, modules
from test_public_face import FACE

PACKAGES = [CORE, *sorted(ROOT.glob("[!.]*/*/src/pullback_*")), *sorted(ROOT.glob("[!.]*/src/pullback_*"))]
MODULES = {
    name: path
    for package in PACKAGES
    for name, path in modules(package).items()
    if ">>>" in path.read_text(encoding="utf-8")
}


def public() -> Iterator[tuple[str, Any]]:
    """The functions and classes of the public modules and of the namespace, by the name that a user writes."""
    standard = pb.ones(1).__array_namespace__()
    for prefix, module in {"xp": standard, "xp.linalg": standard.linalg, "xp.fft": standard.fft}.items():
        for name in dir(module):
            if not name.startswith("_") and inspect.isfunction(getattr(module, name)):
                yield f"{prefix}.{name}", getattr(module, name)
    for module in FACE:
        face = importlib.import_module(module)
        for name in face.__all__:
            thing = getattr(face, name)
            if inspect.isfunction(thing) or inspect.isclass(thing):
                yield f"{module}.{name}", thing


def needs_no_example(thing: Any) -> bool:
    """Exceptions are for catching, and the plain data that a plugin fills in is shown by its fields."""
    return inspect.isclass(thing) and (issubclass(thing, Exception) or thing.__module__ in DATA)


DATA = ("pullback.backend", "pullback.aval")
PUBLIC = dict(public())
METHODS = {
    name: member
    for name, member in inspect.getmembers(pb.Tensor, lambda member: callable(member) or isinstance(member, property))
    if not name.startswith("_")
}


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Examples may write files."""
    monkeypatch.chdir(tmp_path)


def run(example: doctest.DocTest) -> None:
    """Run an example; what went wrong is the message."""
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not report, "".join(report)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_run(name: str):
    for example in doctest.DocTestFinder(exclude_empty=True).find(importlib.import_module(name)):
        run(example)


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if not needs_no_example(thing)])
def test_a_public_name_has_an_example(name: str):
    assert ">>>" in (PUBLIC[name].__doc__ or "")


@pytest.mark.parametrize("name", [name for name, thing in PUBLIC.items() if inspect.isfunction(thing)])
def test_the_example_of_a_public_function_runs(name: str):
    """The finder above sees only what a module defines by a plain `def`."""
    run(doctest.DocTestParser().get_doctest(PUBLIC[name].__doc__, {}, name, None, None))


@pytest.mark.parametrize("name", METHODS)
def test_a_method_says_what_it_does(name: str):
    assert (METHODS[name].__doc__ or "").strip()


def test_a_wrong_example_is_found():
    with pytest.raises(AssertionError, match="1 \\+ 1"):
        run(doctest.DocTestParser().get_doctest(">>> 1 + 1\n3\n", {}, "wrong", None, None))


def test_a_declared_op_has_the_signature_of_its_declaration():
    assert str(inspect.signature(pb.where)) == "(condition, x1, x2, /)"
    assert str(inspect.signature(pb.sin)) == "(x, /)"
