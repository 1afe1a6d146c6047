"""Every function has a docstring with an example, and the example prints what it says."""

from __future__ import annotations

import doctest
from collections.abc import Callable

import pullback_special
import pytest

FUNCTIONS = {name: getattr(pullback_special, name) for name in pullback_special.__all__}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_example_runs(name: str) -> None:
    function: Callable = FUNCTIONS[name]
    summary = (function.__doc__ or "").strip().splitlines()[0]
    assert summary.endswith((".", ","))
    (example,) = doctest.DocTestFinder().find(function, name, module=False)
    assert example.examples
    report: list[str] = []
    doctest.DocTestRunner(verbose=False).run(example, out=report.append)
    assert not report, "".join(report)
