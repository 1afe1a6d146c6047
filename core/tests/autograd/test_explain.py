"""`explain`: every way in which a gradient is not what was hoped for has a code and a sentence."""

from __future__ import annotations

import json
import math
from typing import Any

import pullback as pb
import pytest
from pullback.autograd import Function, explain


def leaf(*values: float) -> Any:
    return pb.tensor(values, requires_grad=True)


def gradient_and_codes(tensor: Any, of: Any = None) -> tuple[str, list[str]]:
    found = explain(tensor, of)
    return found.gradient, [reason.code for reason in found.reasons]


X, W = leaf(1.0, 2.0), leaf(1.0, 1.0)


@pytest.mark.parametrize(
    ("make", "gradient", "code", "text"),
    [
        (lambda: (pb.arange(3), None), "none", "integer", "int64 Tensors have no gradients"),
        (lambda: (X.detach(), None), "none", "detached", "the result of .detach()"),
        (lambda: (pb.ones(2), None), "none", "untracked", "nobody called .requires_grad_()"),
        (lambda: (X * 2, None), "none", "not-retained", "call .retain_grad()"),
        (lambda: (leaf(1.0), None), "none", "no-pass", "no backward pass has reached it"),
        (lambda: (X, (X * 2).sum().detach()), "none", "no-graph", "the result itself has no graph"),
        (lambda: (X, (W * 2).sum()), "none", "unused", "was not computed from this Tensor"),
        (lambda: (X, pb.round(X * 3).sum()), "zero", "zero-derivative", "RoundBackward0 has the derivative zero"),
        (lambda: (X, pb.sign(X).sum()), "zero", "zero-derivative", "SignBackward0"),
        (lambda: (X, pb.where(X > 5, X * X, W).sum()), "zero", "branch-not-taken", "the condition is nowhere true"),
        (lambda: (X, pb.where(X > 0, W, X * X).sum()), "zero", "branch-not-taken", "the condition is nowhere false"),
        (lambda: (X, pb.clip(X, 5.0, 6.0).sum()), "zero", "became-zero", "operand 'x' of ClampBackward0"),
        (lambda: (X, (X * 0 + W).sum()), "zero", "became-zero", "MulBackward0"),
        (lambda: (X, (X - X).sum()), "zero", "cancelled", "add up to it"),
        (lambda: (X, pb.sqrt(X - 1).sum()), "inf", "inf-derivative", "operand 'x' of SqrtBackward0"),
        (lambda: (X, (X * pb.tensor([1.0, math.nan])).sum()), "nan", "nan-derivative", "operand 'x1' of MulBackward0"),
    ],
)
def test_a_gradient_that_disappoints_has_a_reason(make: Any, gradient: str, code: str, text: str) -> None:
    tensor, of = make()
    found = explain(tensor, of)
    assert found.gradient == gradient
    assert code in found
    assert text in str(found)
    assert X.grad is None
    assert W.grad is None


def test_a_healthy_gradient_needs_no_reason() -> None:
    assert gradient_and_codes(X, (X * X).sum()) == ("value", [])
    assert gradient_and_codes(X, X * X) == ("value", [])


def test_the_attribute_is_explained_after_a_pass() -> None:
    x = leaf(1.0, 2.0)
    (x * 2).sum().backward()
    assert gradient_and_codes(x) == ("value", [])
    x.grad = pb.zeros(2)
    assert gradient_and_codes(x) == ("zero", ["see-of"])


def test_a_graph_that_was_used_up_is_said_to_be() -> None:
    x = leaf(1.0)
    y = pb.exp(x).sum()
    y.backward()
    found = explain(x, y)
    assert "refused" in found
    assert "retain_graph=True" in str(found)


def test_explaining_uses_nothing_up() -> None:
    x = leaf(1.0)
    y = pb.exp(x).sum()
    explain(x, y)
    y.backward()
    assert x.grad is not None


def test_dtypes_and_devices_have_a_history() -> None:
    wide = X * pb.ones(2, dtype=pb.float64)
    assert "its dtype float64 is what MulBackward0 made of float32 and float64" in str(explain(wide, of=wide))
    moved = X.to("strict")
    assert "it was moved to strict from cpu by .to()" in str(explain(moved, of=moved))
    assert "promoted" not in explain(X * X, of=X)


def test_the_line_of_code_is_named_where_it_is_known() -> None:
    with pb.autograd.detect_anomaly():
        y = pb.round(X * 3).sum()  # this line
    (reason,) = explain(X, y).reasons
    assert reason.op == "RoundBackward0"
    assert reason.place.endswith("# this line")


def test_functions_of_the_user_are_named() -> None:
    class Nothing(Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            return ct * 0

    assert "input 0 of NothingBackward" in str(explain(X, Nothing.apply(X).sum()))


def test_the_data_is_plain() -> None:
    data = json.loads(json.dumps(explain(X, pb.round(X).sum()).as_dict()))
    assert data["gradient"] == "zero"
    assert data["reasons"][0]["code"] == "zero-derivative"
    assert data["tensor"]["shape"] == [2]


def test_only_tensors_are_explained() -> None:
    with pytest.raises(TypeError, match="explain: a Tensor is needed, got int"):
        explain(3)
    with pytest.raises(TypeError, match="`of` must be a Tensor, got float"):
        explain(X, 3.0)
