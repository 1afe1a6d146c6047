"""Rules: what they say that they read, and cotangents of nodes with several outputs."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pullback as pb
import pytest
from pullback import graph
from pullback.rules import Cotangents, Mode, Rule, derivative, select


def test_a_rule_reads_what_it_names() -> None:
    def rule(xp: Any, t: Any, x: Any, out: Any, *, scale: Any = 1) -> Any:
        return t * x * out * scale

    assert derivative(rule).reads == ("x", "out")
    assert derivative(lambda xp, t: t).reads == ()
    assert derivative(functools.partial(rule, scale=2)).reads == ("x", "out", "scale")


def test_cotangents_add_up_by_output() -> None:
    a, b = np.array([1.0]), np.array([2.0])
    first, second = Cotangents({0: a}), Cotangents({0: b, 2: b})
    total = first + second
    assert {i: part.tolist() for i, part in total.parts.items()} == {0: [3.0], 2: [2.0]}
    assert first.parts == {0: a}
    assert a.tolist() == [1.0]


@pytest.mark.parametrize("native", [False, True])
def test_outputs_that_nothing_depends_on_have_zeros(native: bool, device: str) -> None:
    avals = [pb.ones(2)._aval, pb.ones(3, dtype=pb.complex64)._aval]
    backend = avals[0].backend
    xp = backend.xp if native else pb.ones(1).__array_namespace__()
    one, other = Cotangents({0: "given"}).expand(xp, avals, native)
    assert one == "given"
    assert tuple(other.shape) == (3,)
    assert other.dtype == (backend.native_dtype(pb.complex64) if native else pb.complex64)


def test_select_labels_the_cotangent() -> None:
    node = graph.make_node(Rule(), (graph.Leaf(None),), None, None)
    chosen = select(node, 1)
    assert graph.parents(chosen) == (node,)
    found = chosen[graph.PULLBACK]("ct", None, None)
    assert found.parts == {1: "ct"}
    assert chosen[graph.PULLBACK].rule.over(None, Mode())("ct", None, None).parts == {1: "ct"}
    assert select(node, 1)[graph.PULLBACK] is chosen[graph.PULLBACK]


def test_modes_are_plain_by_default() -> None:
    assert Mode() == Mode(guard=False, literal=False)
    assert len({Mode(), Mode(guard=True), Mode(literal=True)}) == 3
