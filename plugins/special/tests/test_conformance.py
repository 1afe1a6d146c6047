"""A part of what `pullback conformance --backend numpy --plugin special` and `--backend strict`  check in full."""

from __future__ import annotations

import pytest
from pullback_conformance import check_backend
from pullback_special.conformance import SPECS

SOME = ["special::betaln", "special::erfcx", "special::gammainc"]


@pytest.mark.parametrize("backend", ["numpy", "strict"])
def test_a_part_of_the_suite(backend: str) -> None:
    outcome = check_backend(backend, plugins=("special",), ops=SOME, level="L1", sample=12, jobs=1)
    assert not outcome.problems
    assert not outcome.unavailable
    assert [(cell.id, cell.message) for cell in outcome.red] == []
    assert outcome.totals["PASS"] > 60


def test_every_function_with_a_derivative_has_a_row() -> None:
    assert len(SPECS) > 90
    assert {spec.op for spec in SPECS} >= set(SOME)
