"""A zero cotangent stays zero: the branch that was not taken contributes nothing, in both modes, at every order.

No case warns in its forward computation, so no derivative of it may warn either (warnings are errors here).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor

Function = Callable[[Any], Any]


def masked(function: Function, condition: Function) -> Function:
    return lambda x: pb.where(condition(x), function(x), 0.0)


def positive(x: Any) -> Any:
    return x > 0


# a function of one array, the point, its gradient and the diagonal of its second derivative there
CASES: dict[str, tuple[Function, list[float], list[float], list[float]]] = {
    "sqrt": (masked(pb.sqrt, positive), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "x ** 0.5": (masked(lambda x: x**0.5, positive), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "1 / x": (masked(lambda x: 1 / (x + 1) / (x + 1), positive), [0.0, 1.0], [0.0, -0.25], [0.0, 0.375]),
    "asin": (masked(pb.asin, lambda x: x < 1), [1.0, 0.6], [0.0, 1.25], [0.0, 0.6 / 0.512]),
    "acos": (masked(pb.acos, lambda x: x < 1), [1.0, 0.6], [0.0, -1.25], [0.0, -0.6 / 0.512]),
    "acosh": (masked(pb.acosh, lambda x: x > 1), [1.0, 1.25], [0.0, 4 / 3], [0.0, -1.25 * (4 / 3) ** 3]),
    "hypot": (masked(lambda x: pb.hypot(x, 0.0), positive), [0.0, 2.0], [0.0, 1.0], [0.0, 0.0]),
    "sqrt of a square": (masked(lambda x: pb.sqrt(x * x), positive), [0.0, 2.0], [0.0, 1.0], [0.0, 0.0]),
    "by indexing": (lambda x: pb.sqrt(x)[1:], [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by a mask": (lambda x: pb.sqrt(x)[x > 0], [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by take": (lambda x: pb.sqrt(x)[[1]], [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by multiplying": (lambda x: pb.sqrt(x) * (x > 0), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by maximum": (lambda x: pb.maximum(pb.sqrt(x), 1.0), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by clip": (lambda x: pb.clip(pb.sqrt(x), 1.0, 9.0), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by max": (lambda x: pb.max(pb.sqrt(x)), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "by setting": (lambda x: overwritten(pb.sqrt(x) * 1.0), [0.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "sinc": (lambda x: pb.where(x != 0, pb.sin(x) / pb.where(x != 0, x, 1.0), 1.0), [0.0], [0.0], [0.0]),
    "NaN data": (lambda x: pb.where(pb.isnan(x), 0.0, x * x), [math.nan, 2.0], [0.0, 4.0], [0.0, 2.0]),
    "NaN data, by a mask": (lambda x: (x * x)[~pb.isnan(x)], [math.nan, 2.0], [0.0, 4.0], [0.0, 2.0]),
    "NaN data in a chain": (
        lambda x: pb.where(pb.isnan(x), 0.0, pb.exp(pb.sin(x) * x)),
        [math.nan, 0.0],
        [0.0, 0.0],
        [0.0, 2.0],
    ),
    "infinite data": (lambda x: pb.where(x < 9, x * x * x, 0.0), [math.inf, 2.0], [0.0, 12.0], [0.0, 12.0]),
    "no branch taken": (masked(pb.sqrt, lambda x: x < 0), [0.0, 4.0], [0.0, 0.0], [0.0, 0.0]),
}
# these warn where they are computed, rightly: log(0), 1 / 0
WARNING: dict[str, tuple[Function, list[float], list[float], list[float]]] = {
    "log": (masked(pb.log, positive), [0.0, 2.0], [0.0, 0.5], [0.0, -0.25]),
    "log2": (masked(pb.log2, positive), [0.0, 1 / math.log(2)], [0.0, 1.0], [0.0, -math.log(2)]),
    "log1p": (masked(pb.log1p, lambda x: x > -1), [-1.0, 1.0], [0.0, 0.5], [0.0, -0.25]),
    "x log x": (masked(lambda x: x * pb.log(x), positive), [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]),
    "log(x) x": (masked(lambda x: pb.log(x) * x, positive), [0.0, 1.0], [0.0, 1.0], [0.0, 1.0]),
    "reciprocal": (masked(pb.reciprocal, positive), [0.0, 2.0], [0.0, -0.25], [0.0, 0.25]),
    "1 / x": (masked(lambda x: 1 / x, positive), [0.0, 2.0], [0.0, -0.25], [0.0, 0.25]),
    "x / x": (masked(lambda x: x / x, positive), [0.0, 2.0], [0.0, 0.0], [0.0, 0.0]),
    "sin(x) / x": (lambda x: pb.where(x != 0, pb.sin(x) / x, 1.0), [0.0], [0.0], [0.0]),
    "x ** -1": (masked(lambda x: x**-1, positive), [0.0, 2.0], [0.0, -0.25], [0.0, 0.25]),
    "pow": (masked(lambda x: pb.pow(x, -x), positive), [-1.5, 1.0], [0.0, -1.0], [0.0, 0.0]),
    "atanh": (masked(pb.atanh, lambda x: x < 1), [1.0, 0.5], [0.0, 4 / 3], [0.0, 16 / 9]),
    "sqrt of a negative number": (masked(pb.sqrt, positive), [-1.0, 4.0], [0.0, 0.25], [0.0, -1 / 32]),
    "exp": (masked(pb.exp, lambda x: x < 9), [1000.0, 0.0], [0.0, 1.0], [0.0, 1.0]),
    "cosh": (masked(pb.cosh, lambda x: x < 9), [1000.0, 0.0], [0.0, 0.0], [0.0, 1.0]),
}


def overwritten(y: Any) -> Any:
    y[0] = 7.0
    return y


def check_all_modes(function: Function, at: list[float], first: list[float], second: list[float], device: str) -> None:
    x = tensor(at, device, requires_grad=True)
    (grad,) = pb.autograd.grad(function(x).sum(), x)
    np.testing.assert_allclose(host(grad), first, rtol=1e-14, err_msg="reverse")

    (grad,) = pb.autograd.grad(function(x).sum(), x, create_graph=True)
    np.testing.assert_allclose(host(grad), first, rtol=1e-14, err_msg="reverse, recorded")
    (curvature,) = pb.autograd.grad(grad.sum(), x, materialize_grads=True)
    np.testing.assert_allclose(host(curvature), second, rtol=1e-13, atol=1e-15, err_msg="reverse over reverse")

    primal, unit = tensor(at, device), tensor(np.ones(len(at)), device)

    def slope(x: Any) -> Any:
        return pb.func.jvp(lambda y: function(y).sum(), (x,), (unit,))[1]

    np.testing.assert_allclose(host(slope(primal)), sum(first), rtol=1e-14, err_msg="forward")
    _, forward = pb.func.jvp(slope, (primal,), (unit,))
    np.testing.assert_allclose(host(forward), sum(second), rtol=1e-13, atol=1e-15, err_msg="forward over forward")
    _, forward = pb.func.jvp(pb.func.grad(lambda y: function(y).sum()), (primal,), (unit,))
    np.testing.assert_allclose(host(forward), second, rtol=1e-13, atol=1e-15, err_msg="forward over reverse")
    found = pb.func.grad(slope)(primal)
    np.testing.assert_allclose(host(found), second, rtol=1e-13, atol=1e-15, err_msg="reverse over forward")


@pytest.mark.parametrize("case", CASES.values(), ids=list(CASES))
def test_the_branch_not_taken_contributes_nothing(case: Any, device: str) -> None:
    check_all_modes(*case, device)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("case", WARNING.values(), ids=list(WARNING))
def test_the_branch_not_taken_contributes_nothing_where_values_warn(case: Any, device: str) -> None:
    check_all_modes(*case, device)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_both_operands_of_a_masked_quotient(device: str) -> None:
    x = tensor([1.0, 0.0, 6.0], device, requires_grad=True)
    y = tensor([0.0, 0.0, 2.0], device, requires_grad=True)
    pb.where(y != 0, x / y, 0.0).sum().backward()
    np.testing.assert_array_equal(host(x.grad), [0.0, 0.0, 0.5])
    np.testing.assert_array_equal(host(y.grad), [0.0, 0.0, -1.5])


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_masked_quotient_by_a_broadcast_zero(device: str) -> None:
    x = tensor([1.0, 2.0], device, requires_grad=True)
    y = tensor(0.0, device, requires_grad=True)
    pb.where(x > 5, x / y, 0.0).sum().backward()
    np.testing.assert_array_equal(host(x.grad), [0.0, 0.0])
    assert float(y.grad) == 0.0


@pytest.mark.parametrize(
    ("function", "at"),
    [(pb.sqrt, 0.0), (pb.log, 0.0), (pb.reciprocal, 0.0), (pb.asin, 1.0), (lambda x: x**-0.5, 0.0), (pb.atanh, 1.0)],
)
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
def test_a_zero_cotangent_or_tangent_that_is_passed_in(function: Function, at: float, device: str) -> None:
    x = tensor([at, 0.25], device, requires_grad=True)
    out = function(x)
    (grad,) = pb.autograd.grad(out, x, tensor([0.0, 1.0], device))
    assert host(grad)[0] == 0.0
    _, tangent = pb.func.jvp(function, (x.detach(),), (tensor([0.0, 1.0], device),))
    assert host(tangent)[0] == 0.0
    np.testing.assert_allclose(host(tangent), host(grad), rtol=1e-15)


def test_complex_numbers_too(device: str) -> None:
    z = tensor([0j, 3 + 4j], device, requires_grad=True)
    pb.where(pb.abs(z) > 0, pb.real(pb.sqrt(z)), 0.0).sum().backward()
    np.testing.assert_allclose(host(z.grad), [0.0, np.conj(0.5 / (2 + 1j))], rtol=1e-14)


def test_a_nan_that_is_used_is_not_hidden(device: str) -> None:
    x = tensor([math.nan, 2.0], device, requires_grad=True)
    (pb.where(x > 0, 0.0, x * x)).sum().backward()
    assert math.isnan(float(x.grad[0]))
    y = tensor([1.0, 4.0], device, requires_grad=True)
    (pb.sqrt(y) * math.inf).sum().backward()
    assert host(y.grad).tolist() == [math.inf, math.inf]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
class TestLiteralProducts:
    """`ieee_products()` multiplies as IEEE 754 says."""

    def test_reverse(self, device: str) -> None:
        x = tensor([0.0, 4.0], device, requires_grad=True)
        with pb.autograd.ieee_products():
            pb.where(x > 0, pb.sqrt(x), 0.0).sum().backward()
        np.testing.assert_array_equal(host(x.grad), [math.nan, 0.25])

    def test_reverse_of_a_plain_product(self, device: str) -> None:
        x = tensor([math.nan, 2.0], device, requires_grad=True)
        with pb.autograd.ieee_products():
            pb.where(pb.isnan(x), 0.0, x * x).sum().backward()
        np.testing.assert_array_equal(host(x.grad), [math.nan, 4.0])

    def test_recorded_reverse(self, device: str) -> None:
        x = tensor([0.0, 4.0], device, requires_grad=True)
        with pb.autograd.ieee_products():
            (grad,) = pb.autograd.grad(pb.where(x > 0, pb.sqrt(x), 0.0).sum(), x, create_graph=True)
        np.testing.assert_array_equal(host(grad), [math.nan, 0.25])

    def test_forward(self, device: str) -> None:
        x, t = tensor([0.0, 4.0], device), tensor([0.0, 1.0], device)
        with pb.autograd.ieee_products():
            _, tangent = pb.func.jvp(pb.sqrt, (x,), (t,))
        np.testing.assert_array_equal(host(tangent), [math.nan, 0.25])

    def test_it_ends_with_its_block_and_after_an_exception(self) -> None:
        x = pb.tensor([0.0], requires_grad=True)
        with pytest.raises(KeyError), pb.autograd.ieee_products():
            raise KeyError
        pb.where(x > 0, pb.sqrt(x), 0.0).sum().backward()
        assert x.grad.tolist() == [0.0]
