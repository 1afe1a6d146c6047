"""The published choices at the edges, in both modes and on every backend; and docs/special.md shows them."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path
from types import ModuleType
from typing import Any

import mpmath as mp
import numpy as np
import pullback as pb
import pullback_special
import pytest
from helpers.checks import host
from pullback_special.conformance.table import ROWS
from special_edges import EDGES, REMOVABLE, Edge

SCRIPT = Path(__file__).parents[3] / "docs" / "special.py"
ALL = [pytest.param(edge, id=f"{edge.name}{edge.at}") for _, edges in EDGES.values() for edge in edges]

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")  # NumPy warns of values such as log(0), rightly


def arguments(edge: Edge, device: str) -> tuple[list[Any], list[int]]:
    return [pb.asarray(np.asarray(x)).to(device) for x in edge.at], ROWS[edge.name].wrt


@pytest.mark.parametrize("edge", ALL)
def test_slopes(edge: Edge, device: str) -> None:
    xs, wrt = arguments(edge, device)
    for i in wrt:
        xs[i].requires_grad_()
    function = getattr(pullback_special, edge.name)
    for cotangent in (1.0, -3.0, 0.0):
        out = function(*xs)
        found = pb.autograd.grad(out, [xs[i] for i in wrt], pb.full_like(out, cotangent))
        for slope, right in zip(found, edge.slopes, strict=True):
            if cotangent == 0 and math.isinf(right):
                assert float(slope) == 0.0
            elif cotangent:
                np.testing.assert_allclose(host(slope), cotangent * right, rtol=1e-14)
    for i, right in zip(wrt, edge.slopes, strict=True):
        tangents = tuple(pb.ones_like(x) if j == i else pb.zeros_like(x) for j, x in enumerate(xs) if j in wrt)
        primals = tuple(x.detach() for j, x in enumerate(xs) if j in wrt)

        def call(*moving: Any) -> Any:
            values = [x.detach() for x in xs]
            for j, value in zip(wrt, moving, strict=True):
                values[j] = value
            return function(*values)

        _, tangent = pb.func.jvp(call, primals, tangents)
        np.testing.assert_allclose(host(tangent), right, rtol=1e-14)


def test_a_branch_not_taken_has_no_gradient(device: str) -> None:
    x = pb.asarray(np.asarray([0.0, 0.3, 1.0])).to(device).requires_grad_()
    inside = (x > 0) & (x < 1)
    for name in ("logit", "ndtri", "entr", "gammaln"):
        out = pb.where(inside, getattr(pullback_special, name)(x), 0.0)
        (slope,) = pb.autograd.grad(out.sum(), x, create_graph=True)
        (curvature,) = pb.autograd.grad(slope.sum(), x)
        for found in (slope, curvature):
            assert host(found)[[0, 2]].tolist() == [0.0, 0.0]
            assert math.isfinite(host(found)[1])
            assert host(found)[1] != 0


@pytest.mark.parametrize("edge", [edge for edge in REMOVABLE if len(edge.at) == 1 and math.isfinite(edge.at[0])])
def test_removable_singularities_have_derivatives_of_higher_order(edge: Edge) -> None:
    function = getattr(pullback_special, edge.name)
    for order in range(1, 5):
        if edge.name == "i1e" and order > 1:
            break  # exp(-|x|) has a kink at 0
        function = pb.func.grad(function)
        with mp.workdps(60):
            center = mp.mpf(edge.at[0])
            right = mp.taylor(ROWS[edge.name].exact, center, order, singular=True)[order] * math.factorial(order)
        found = float(function(pb.asarray(np.asarray(edge.at[0]))))
        assert found == pytest.approx(float(right), rel=1e-12, abs=1e-12)


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_special", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0


@pytest.mark.parametrize(("before", "after"), [("| `erf` |", "| `fre` |"), ("| `sinc(x)` | x = 0 | 0 |\n", "")])
def test_a_page_that_is_not_current_is_noticed(
    script: ModuleType, before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    assert before in text
    monkeypatch.setattr(script, "PAGE", tmp_path / "page.md")
    script.PAGE.write_text(text.replace(before, after), encoding="utf-8")
    assert script.main(["--check"]) == 1
