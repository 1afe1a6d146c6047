"""A part of what `pullback conformance --backend numpy --plugin nn` and `--backend strict` check in full."""

from __future__ import annotations

import pytest
from pullback_conformance import check_backend
from pullback_nn import functional
from pullback_nn.conformance import SPECS

SOME = ["nn::conv2d", "nn::gelu", "nn::cross_entropy", "nn::layer_norm"]
RANDOM = {"dropout", "dropout1d", "dropout2d", "dropout3d", "alpha_dropout", "gumbel_softmax", "one_hot"}
"""Random functions, and the one without a derivative: they have tests of their own."""


@pytest.mark.parametrize("backend", ["numpy", "strict"])
def test_a_part_of_the_suite(backend: str) -> None:
    outcome = check_backend(backend, plugins=("nn",), ops=SOME, level="L1", sample=3, jobs=1)
    assert not outcome.problems
    assert not outcome.unavailable
    assert [(cell.id, cell.message) for cell in outcome.red] == []
    assert outcome.totals["PASS"] > 60


def test_every_function_has_a_row() -> None:
    assert {spec.op.removeprefix("nn::") for spec in SPECS} == set(functional.__all__) - RANDOM
