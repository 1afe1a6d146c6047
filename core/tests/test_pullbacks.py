"""Pullbacks: the text that is made of rules, and what a node keeps."""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import tensor
from pullback import graph
from pullback.errors import CotangentError
from pullback.primitive import wrap
from pullback.rules import Mode


def rule(y: Any) -> Any:
    """What a result's node says of itself."""
    return graph.rule_of(y._node)


PLAIN = Mode()


def text(y: Any, mode: Mode = PLAIN) -> str:
    """The text of its pullback over raw arrays."""
    found = rule(y)
    found._variants.clear()
    found.over(found.backend.xp, mode)
    return str(found.source)


@pytest.fixture
def x(device: str) -> Any:
    return tensor([[1.0, 2.0]], device, requires_grad=True)


class TestText:
    """The reverse pass asks nothing: what is not needed is not in the text."""

    def test_equal_shapes_need_no_unbroadcast(self, x: Any) -> None:
        assert "unbroadcast" not in text(pb.sin(x))
        assert "unbroadcast" not in text(pb.hypot(x, x))
        assert "unbroadcast" in text(pb.hypot(x, tensor([[1.0], [2.0]], str(x.device), requires_grad=True)))

    def test_real_numbers_are_not_conjugated(self, x: Any) -> None:
        assert "conj" not in text(pb.sin(x))
        assert "conj" in text(pb.sin(x * 1j))

    def test_a_real_operand_of_a_complex_result_takes_the_real_part(self, x: Any) -> None:
        z = tensor([[1j, 2.0]], str(x.device), requires_grad=True)
        assert text(x / z).count("xp.real") == 1

    def test_only_rules_that_can_be_singular_are_guarded(self, x: Any) -> None:
        assert "guard" not in text(pb.sin(x))
        assert "guard" in text(pb.sqrt(x))
        assert "guard" not in text(pb.sqrt(x), Mode(literal=True))
        assert "guard" in text(pb.sin(x), Mode(guard=True))
        assert "guard" not in text(x + x, Mode(guard=True))

    def test_one_text_per_question(self, x: Any) -> None:
        first, second = pb.sin(x), pb.sin(x)
        assert first._node[graph.PULLBACK] is second._node[graph.PULLBACK]
        assert first._node[graph.PULLBACK] is not pb.sin(x[:, :1])._node[graph.PULLBACK]

    def test_a_traceback_shows_it(self, x: Any) -> None:
        wrong = pb.extend.elementwise("test::raises", x=lambda xp, t: t / 0, forward=lambda xp, x: x * 1)
        broken = pb.extend.linear("test::broken", x=lambda xp, ct: ct.nothing, forward=lambda xp, x: x * 1)
        assert wrong(x).requires_grad
        with pytest.raises(AttributeError) as caught:
            broken(x).sum().backward()
        lines = "".join(traceback.format_exception(caught.value))
        assert "<pullback of test::broken" in lines
        assert "ct0 = rule0(xp, ct)" in lines


KEEPS: dict[str, tuple[Callable[[Any], Any], list[str]]] = {
    "nothing": (lambda x: x + 1, []),
    "an operand": (pb.sin, ["x"]),
    "the result": (pb.exp, ["out"]),
    "the other operand": (lambda x: x * tensor([[3.0, 4.0]], str(x.device)), ["x2"]),
    "both": (lambda x: x * x, ["x2", "x1"]),
    "one of three": (lambda x: pb.where(x > 1, x, 0.0), ["condition"]),
    "the shape alone": (pb.sum, []),
    "an index": (lambda x: x[x > 1], ["the index"]),
}


@pytest.mark.parametrize("what", KEEPS)
def test_a_node_keeps_what_its_rule_reads(what: str, x: Any) -> None:
    function, names = KEEPS[what]
    y = function(x)
    kept = list(rule(y).saved(y._node))
    assert [name for name, _, _ in kept] == names
    assert all(tuple(array.shape) for _, array, _ in kept)


def test_what_is_kept_finds_its_place_in_the_graph(x: Any) -> None:
    y = pb.exp(x)
    (out, _) = rule(y).as_tensors(y._node, wrap)
    assert out._node is y._node
    z = pb.sin(y)
    (operand, _) = rule(z).as_tensors(z._node, wrap)
    assert operand._node is y._node


@pytest.mark.parametrize("create_graph", [False, True])
def test_a_misfit_names_op_operand_and_shapes(create_graph: bool, x: Any) -> None:
    wrong = pb.extend.elementwise(
        "test::misfit", a=lambda xp, t: t, b=lambda xp, t: xp.sum(t), forward=lambda xp, a, b: a * b
    )
    with pytest.raises(
        CotangentError,
        match=r"test::misfit: the rule for operand 1, which has shape \(1, 2\) and dtype float64, returned .* shape \(\)",
    ):
        wrong(x, x * 1).sum().backward(create_graph=create_graph)
    assert x.grad is None


def test_every_subset_of_operands_gets_its_own(device: str) -> None:
    values = [np.array([0.5, 1.5]), np.array([2.0, 0.25])]
    for wrt in ((0,), (1,), (0, 1)):
        leaves = [tensor(v, device, requires_grad=i in wrt) for i, v in enumerate(values)]
        pb.atan2(*leaves).sum().backward()
        a, b = values
        expected = [b / (a * a + b * b), -a / (a * a + b * b)]
        for i, leaf in enumerate(leaves):
            if i in wrt:
                np.testing.assert_allclose(leaf.grad.tolist(), expected[i])
            else:
                assert leaf.grad is None
