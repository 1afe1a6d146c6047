"""The four kinds of declaration: what they derive from a line, and what they refuse."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import check_derivatives, host, tensor
from helpers.differences import gradient
from pullback.declare import elementwise, explicit, linear, nondifferentiable
from pullback.errors import CotangentError, NoDerivativeError

gauss = elementwise(
    "test::gauss", "exp(-x * x).", x=lambda xp, t, x, out: t * (-2 * x * out), forward=lambda xp, x: xp.exp(-x * x)
)
weigh = elementwise(
    "test::weigh",
    x=lambda xp, t, y: t * y * y,
    y=lambda xp, t, x, y: t * (2 * x * y),
    forward=lambda xp, x, y: x * y * y,
)
three = elementwise(
    "test::three",
    a=lambda xp, t, b, c: t * b * c,
    b=lambda xp, t, a, c: t * a * c,
    c=lambda xp, t, a, b: t * a * b,
    forward=lambda xp, a, b, c: a * b * c,
)
powered = elementwise("test::powered", x=lambda xp, t, x, n: t * (n * x ** (n - 1)), forward=lambda xp, x, n: x**n)
differences = linear(
    "test::differences",
    x=lambda xp, ct, shape: xp.concat([-ct[:1], ct[:-1] - ct[1:], ct[-1:]]),
    forward=lambda xp, x: x[1:] - x[:-1],
)
outer = linear(
    "test::outer",
    x=lambda xp, ct, y: xp.matmul(ct, xp.conj(y)),
    y=lambda xp, ct, x: xp.matmul(xp.conj(x), ct),
    forward=lambda xp, x, y: xp.expand_dims(x, axis=1) * y,
)
both = explicit(
    "test::both",
    multiple=True,
    forward=lambda xp, x: (xp.sum(x * x), xp.cumulative_sum(x)),
    x=lambda xp, cts, x: cts[0] * (2 * x) + xp.flip(xp.cumulative_sum(xp.flip(cts[1]))),
    jvp={"x": lambda xp, t, x: (2 * xp.sum(t * x), xp.cumulative_sum(t))},
)
POINT = np.array([0.5, -1.5, 2.0])


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(
    ("op", "formula", "shapes"),
    [
        (gauss, lambda x: np.exp(-x * x), [(3,)]),
        (gauss, lambda x: np.exp(-x * x), [()]),
        (weigh, lambda x, y: x * y * y, [(2, 3), (3,)]),
        (weigh, lambda x, y: x * y * y, [(), (2, 1)]),
        (three, lambda a, b, c: a * b * c, [(2, 1), (3,), ()]),
        (differences, lambda x: x[1:] - x[:-1], [(4,)]),
        (outer, lambda x, y: np.expand_dims(x, 1) * y, [(2,), (3,)]),
    ],
)
def test_all_modes_and_orders_from_one_line(op: Any, formula: Any, shapes: Any, kind: str, device: str) -> None:
    rng = np.random.default_rng(3)
    points = [rng.standard_normal(s) + (1j * rng.standard_normal(s) if kind == "complex" else 0) for s in shapes]
    check_derivatives(
        lambda xp, *xs: op(*xs) if hasattr(xs[0], "_aval") else formula(*xs), points, device=device, values=1e-12
    )


def test_several_results(device: str) -> None:
    check_derivatives(
        lambda xp, x: both(x) if hasattr(x, "_aval") else (np.sum(x * x), np.cumsum(x)), [POINT], device=device
    )


def test_parameters(device: str) -> None:
    x = tensor(POINT, device, requires_grad=True)
    powered(x, n=3).sum().backward()
    np.testing.assert_allclose(host(x.grad), 3 * POINT**2)


def test_numbers_are_operands_of_an_elementwise_op(device: str) -> None:
    x = tensor(POINT, device, requires_grad=True)
    weigh(x, 2).sum().backward()
    assert x.grad.tolist() == [4.0, 4.0, 4.0]
    weigh(3.0, x).sum().backward()
    np.testing.assert_allclose(host(x.grad), 4 + 6 * POINT)
    with pytest.raises(TypeError, match="at least one operand must be a Tensor"):
        weigh(1.0, 2.0)


def test_broadcasting_is_undone_once_for_all(device: str) -> None:
    x, y = tensor(np.ones((1, 3)), device, requires_grad=True), tensor(np.ones((4, 1)), device, requires_grad=True)
    weigh(x, y).sum().backward()
    assert x.grad.tolist() == [[4.0, 4.0, 4.0]]
    assert y.grad.tolist() == [[6.0], [6.0], [6.0], [6.0]]


def test_a_real_operand_of_a_complex_result_gets_a_real_gradient(device: str) -> None:
    x = tensor(POINT, device, requires_grad=True)
    z = np.array([1 + 2j, 3j, 1.0])
    (weigh(x, tensor(z, device)).real).sum().backward()
    assert x.grad.dtype is pb.float64
    np.testing.assert_allclose(host(x.grad), np.real(z * z))


def test_nondifferentiable(device: str) -> None:
    rounds = nondifferentiable("test::rounds", forward=lambda xp, x: xp.astype(xp.round(x), xp.int64))
    x = tensor(POINT, device, requires_grad=True)
    assert not rounds(x).requires_grad
    assert rounds(x).tolist() == [0, -2, 2]
    _, tangent = pb.func.jvp(lambda x: x + rounds(x).astype(pb.float64), (x.detach(),), (pb.ones_like(x.detach()),))
    assert tangent.tolist() == [1.0, 1.0, 1.0]


def test_an_operand_without_a_rule_is_refused_when_its_gradient_is_asked_for(device: str) -> None:
    half = explicit(
        "test::half",
        operands=("x", "y"),
        forward=lambda xp, x, y: x * y,
        x=lambda xp, ct, y: ct * y,
        jvp={"x": lambda xp, t, y: t * y},
    )
    x, y = tensor(POINT, device, requires_grad=True), tensor(POINT, device)
    half(x, y).sum().backward()
    np.testing.assert_array_equal(host(x.grad), POINT)
    with pytest.raises(NoDerivativeError, match=r"test::half: there is no reverse-mode rule for operand 'y'"):
        half(x, y.requires_grad_())
    with pytest.raises(NoDerivativeError, match=r"test::half: there is no forward-mode rule for operand 'y'"):
        pb.func.jvp(lambda y: half(x.detach(), y), (y.detach(),), (y.detach(),))


@pytest.mark.parametrize(
    ("rule", "found"),
    [
        (lambda xp, ct: ct[:1], r"one of shape \(1,\) and dtype"),
        (lambda xp, ct: xp.expand_dims(ct, axis=0), r"one of shape \(1, 3\)"),
        (lambda xp, ct: xp.astype(ct, xp.float32), "float32"),
        (lambda xp, ct: None, "a NoneType"),
        (lambda xp, ct: 1.0, "a float"),
    ],
)
@pytest.mark.parametrize("create_graph", [False, True])
@pytest.mark.parametrize("declare", [linear, elementwise])
def test_a_rule_that_returns_what_does_not_fit(
    declare: Any, rule: Any, found: str, create_graph: bool, device: str
) -> None:
    wrong = declare("test::wrong", x=rule, forward=lambda xp, x: x * 1)
    x = tensor(POINT, device, requires_grad=True)
    with pytest.raises((CotangentError, AttributeError, TypeError), match=f"test::wrong.*{found}"):
        wrong(x).sum().backward(create_graph=create_graph)
    assert x.grad is None


def test_what_a_declaration_refuses() -> None:
    with pytest.raises(TypeError, match=r"test::three takes 3 positional arguments \(a, b, c\), got 2"):
        three(pb.ones(2), pb.ones(2))
    with pytest.raises(TypeError, match=r"got builtins.str; write pb.asarray"):
        gauss("text")


def test_the_function_presents_itself() -> None:
    assert gauss.__name__ == "gauss"
    assert gauss.__doc__ == "exp(-x * x)."
    assert list(inspect.signature(weigh).parameters) == ["x", "y"]
    assert gauss(pb.ones(1, requires_grad=True)).grad_fn.name() == "GaussBackward0"
    assert repr(gauss.primitive) == "<primitive test::gauss>"


def test_an_op_without_forward_is_the_function_of_the_library(device: str) -> None:
    hyp = elementwise("hypot", x=lambda xp, t, x, out: t * x / out, y=lambda xp, t, y, out: t * y / out)
    x, y = tensor(np.array([3.0]), device), tensor(np.array([4.0]), device)
    assert hyp(x, y).tolist() == [5.0]
    missing = elementwise("test_nowhere", x=lambda xp, t: t)
    with pytest.raises(NotImplementedError, match=r"test_nowhere: backend '\w+' has no such function"):
        missing(x)


def test_the_check_of_this_file_can_fail() -> None:
    wrong = elementwise("test::off", x=lambda xp, t, x: t * 2.001 * x, forward=lambda xp, x: x * x)
    x = pb.tensor([3.0], dtype=pb.float64, requires_grad=True)
    wrong(x).sum().backward()
    assert abs(float(x.grad) - gradient(lambda x: float(np.sum(x * x)), [np.array([3.0])], 0)[0]) > 1e-3
