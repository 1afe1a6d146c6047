"""NaN and infinities, named with op, input, line of code and branch: where they were born, not where they arrived."""

from __future__ import annotations

import math
import re
from typing import Any

import pullback as pb
import pytest
from pullback.autograd import detect_anomaly, is_anomaly_enabled, set_detect_anomaly
from pullback.errors import AnomalyError

HERE = re.escape(__file__)


def leaf(*values: float) -> Any:
    return pb.tensor(values, dtype=pb.float64, requires_grad=True)


def report(function: Any, x: Any, **options: Any) -> str:
    """What is said of a function; no `.grad` may have changed."""
    with pytest.raises(AnomalyError) as caught, detect_anomaly(**options):
        function(x).backward()
    assert x.grad is None
    return str(caught.value)


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning", "ignore:divide by zero:RuntimeWarning")
def test_a_nan_of_the_forward_computation_is_named_where_it_was_born(device: str) -> None:
    def function(x: Any) -> Any:
        y = pb.sin(x)
        z = pb.log(x)  # here
        return (y * z + 1).sum()

    said = report(function, leaf(2.0, -1.0))
    assert re.search(rf"output 0 is nan, computed by SumBackward0 at {HERE}:\d+, in function: return \(y \* z", said)
    assert re.search(
        rf"first nan is the result of LogBackward0 at {HERE}:\d+, in function: z = pb.log\(x\)  # here", said
    )
    said = report(function, leaf(2.0, 0.0))
    assert "output 0 is nan" in said  # sin(0) log(0)
    assert "first inf is the result of LogBackward0" in said


@pytest.mark.filterwarnings("ignore:invalid value:RuntimeWarning")
@pytest.mark.parametrize(
    ("function", "branch"),
    [
        (lambda x: pb.where(x < 9, pb.sqrt(x), 0.0).sum(), "the branch where the condition is true of a where at"),
        (lambda x: pb.where(x > 9, x, pb.sqrt(x) * 2).sum(), "the branch where the condition is false of a where at"),
    ],
)
def test_a_nan_that_came_through_a_where_names_the_branch(function: Any, branch: str) -> None:
    said = report(function, leaf(2.0, -1.0))
    assert "first nan is the result of SqrtBackward0" in said
    assert f"it went on as {branch}" in said


def test_a_nan_that_came_in_from_outside_says_so() -> None:
    said = report(lambda x: (x * pb.tensor([1.0, math.nan], dtype=pb.float64)).sum(), leaf(1.0, 2.0))
    assert "came in with an operand that nothing is known of" in said
    x = leaf(1.0, math.nan)
    assert "came in with an operand" in report(lambda x: (x * 2).sum(), x)


def test_a_gradient_is_named_by_op_input_and_line(device: str) -> None:
    def function(x: Any) -> Any:
        y = pb.sqrt(x)  # its slope
        return y.sum()

    said = report(function, leaf(0.0, 1.0))
    expected = (
        rf"SqrtBackward0 returned inf as the gradient of its input 0 \('x'\) at {HERE}:\d+, in function: y = pb.sqrt"
    )
    assert re.search(expected, said)


def test_the_second_input_is_named_too() -> None:
    base = pb.tensor([0.0], dtype=pb.float64)
    said = report(lambda y: (base.requires_grad_() ** y).sum(), leaf(0.5))
    assert "gradient of its input 0 ('x1')" in said


@pytest.mark.parametrize("create_graph", [False, True])
def test_the_branch_not_taken_is_named_where_products_are_literal(create_graph: bool) -> None:
    x = leaf(0.0, 4.0)
    with pytest.raises(AnomalyError) as caught, detect_anomaly(), pb.autograd.ieee_products():
        pb.where(x > 0, pb.sqrt(x) * 1, 0.0).sum().backward(create_graph=create_graph)
    assert "SqrtBackward0 returned nan as the gradient of its input 0 ('x')" in str(caught.value)
    assert "used as the branch where the condition is true of a where at" in str(caught.value)
    with detect_anomaly():
        pb.where(x > 0, pb.sqrt(x) * 1, 0.0).sum().backward()
    assert x.grad.tolist() == [0.0, 0.25]


def test_what_was_computed_outside_has_no_line() -> None:
    x = leaf(0.0)
    y = pb.sqrt(x).sum()
    with pytest.raises(AnomalyError, match="where, is known for what is computed inside"), detect_anomaly():
        y.backward()


def test_healthy_passes_and_what_never_reaches_a_result_are_left_alone() -> None:
    x = leaf(0.5, 2.0)
    with detect_anomaly():
        q, r = pb.linalg.qr(pb.stack([x, 1 / x]))
        loss = (q @ r).sum() + pb.where(x > 1, pb.asin(pb.where(x > 1, 0.5, x)), x).sum()
        loss.backward(retain_graph=True)
        pb.autograd.grad(loss, x, create_graph=True)
        pb.func.vmap(pb.func.grad(lambda x: (x * x).sum()))(pb.ones((3, 2)))
        pb.func.jvp(lambda x: (x * x).sum(), (x.detach(),), (pb.ones_like(x),))


def test_kinds_can_be_left_out() -> None:
    with detect_anomaly(check_inf=False):
        x = leaf(0.0)
        pb.sqrt(x).sum().backward()
    assert x.grad.tolist() == [math.inf]
    with detect_anomaly(check_nan=False):
        (leaf(math.nan) * 2).sum().backward()


def test_the_gradient_of_a_function_of_the_user_is_named() -> None:
    class Bad(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            return x * 2

        @staticmethod
        def backward(ctx: Any, ct: Any) -> Any:
            return ct * math.nan

    assert "BadBackward returned nan as the gradient of its input 0 at" in report(
        lambda x: Bad.apply(x).sum(), leaf(1.0)
    )


def test_detection_works_as_a_decorator_and_ends_with_its_block() -> None:
    @detect_anomaly()
    def step(x: Any) -> None:
        assert is_anomaly_enabled()
        pb.sqrt(x).sum().backward()

    with pytest.raises(AnomalyError):
        step(leaf(0.0))
    assert not is_anomaly_enabled()
    pb.sqrt(leaf(0.0)).sum().backward()


def test_detection_can_be_switched_at_once() -> None:
    set_detect_anomaly(True)
    try:
        with set_detect_anomaly(False):
            pb.sqrt(leaf(0.0)).sum().backward()
        with pytest.raises(AnomalyError):
            pb.sqrt(leaf(0.0)).sum().backward()
    finally:
        set_detect_anomaly(False)
    assert not is_anomaly_enabled()


def test_hooks_that_make_nan_are_named_by_their_node() -> None:
    def function(x: Any) -> Any:
        y = x * 3
        y.grad_fn.register_hook(lambda ins, outs: (ins[0] * math.nan,))
        return y.sum()

    assert "MulBackward0 returned nan" in report(function, leaf(1.0))
