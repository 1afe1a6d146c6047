"""Derivatives worked out by hand: they guard the finite differences and the checks that all other tests rely on."""

from __future__ import annotations

import math

import numpy as np
import pullback as pb
import pytest
from helpers import checks, differences


def test_gradient_of_a_polynomial_in_two_variables() -> None:
    # L = x^2 y + y^3 at (3, 2): dL/dx = 2xy = 12, dL/dy = x^2 + 3y^2 = 21
    def loss(x: np.ndarray, y: np.ndarray) -> float:
        return float(x**2 * y + y**3)

    at = [np.asarray(3.0), np.asarray(2.0)]
    assert differences.gradient(loss, at, 0) == pytest.approx(12.0, rel=1e-11)
    assert differences.gradient(loss, at, 1) == pytest.approx(21.0, rel=1e-11)


def test_gradient_of_each_element() -> None:
    # L = sum(w * sin(x)): dL/dx = w cos(x)
    x, w = np.asarray([0.0, math.pi / 3]), np.asarray([2.0, -4.0])
    found = differences.gradient(lambda x: float(np.sum(w * np.sin(x))), [x], 0)
    np.testing.assert_allclose(found, [2.0, -2.0], rtol=1e-11)


def test_gradient_of_a_real_function_of_a_complex_number() -> None:
    # L = |z|^2: dL/dRe + i dL/dIm = 2z;  L = Re(z^2): conj(2z)
    z = np.asarray(1 + 2j)
    assert differences.gradient(lambda z: float(abs(z) ** 2), [z], 0) == pytest.approx(2 + 4j, rel=1e-11)
    assert differences.gradient(lambda z: float((z * z).real), [z], 0) == pytest.approx(2 - 4j, rel=1e-11)


def test_directional_derivative() -> None:
    # d/dt of (x + t d)^3 at t = 0 is 3 x^2 d
    x, d = np.asarray([1.0, 2.0]), np.asarray([1.0, -1.0])
    np.testing.assert_allclose(differences.directional(lambda x: x**3, [x], [d]), [3.0, -12.0], rtol=1e-11)


def test_inner_product_conjugates_its_first_argument() -> None:
    assert differences.inner([1j], [1j]) == 1.0
    assert differences.inner([1j], [1.0]) == 0.0


def test_reverse_mode_by_hand() -> None:
    x = pb.tensor(3.0, requires_grad=True)
    y = pb.tensor(2.0, requires_grad=True)
    (x**2 * y + y**3).backward()
    assert x.grad is not None
    assert y.grad is not None
    assert (float(x.grad), float(y.grad)) == (12.0, 21.0)


def test_forward_mode_by_hand() -> None:
    out, tangent = pb.func.jvp(
        lambda x, y: x**2 * y, (pb.tensor(3.0), pb.tensor(2.0)), (pb.tensor(1.0), pb.tensor(5.0))
    )
    assert (float(out), float(tangent)) == (18.0, 57.0)  # 2xy + 5 x^2


def test_second_derivative_by_hand() -> None:
    x = pb.tensor(2.0, requires_grad=True)
    (first,) = pb.autograd.grad(x**4, x, create_graph=True)
    (second,) = pb.autograd.grad(first, x)
    assert (first.item(), second.item()) == (32.0, 48.0)


def test_complex_gradient_by_hand() -> None:
    z = pb.tensor(1 + 2j, requires_grad=True)
    (z * z).real.backward()
    assert z.grad is not None
    assert complex(z.grad) == 2 - 4j


class Wrong:
    """Namespaces in which one derivative is wrong: what the checks must notice."""

    @staticmethod
    def function(vjp_factor: float, jvp_factor: float) -> object:
        return pb.extend.explicit(
            "test::wrong",
            forward=lambda xp, x: x * x,
            x=lambda xp, ct, x: ct * (2 * vjp_factor * x),
            jvp={"x": lambda xp, t, x: t * (2 * jvp_factor * x)},
        )


@pytest.mark.parametrize(("vjp_factor", "jvp_factor"), [(1 + 1e-6, 1), (1, 1 + 1e-6), (-1, -1), (2, 2)])
def test_the_checks_notice_a_wrong_rule(vjp_factor: float, jvp_factor: float) -> None:
    wrong = Wrong.function(vjp_factor, jvp_factor)

    def call(xp: object, x: object) -> object:
        return x * x if xp is checks.REFERENCE else wrong(x)  # type: ignore[operator]

    with pytest.raises(AssertionError):
        checks.check_derivatives(call, [np.asarray([1.0, -2.0])])


def test_the_checks_notice_a_wrong_value() -> None:
    def call(xp: object, x: object) -> object:
        return x * (1.0 if xp is checks.REFERENCE else 1 + 1e-9)  # type: ignore[operator]

    with pytest.raises(AssertionError):
        checks.check_derivatives(call, [np.asarray([1.0, -2.0])])


def test_the_checks_notice_a_rule_without_a_second_derivative() -> None:
    raw = pb.extend.explicit(
        "test::raw",
        forward=lambda xp, x: x * x,
        x=lambda xp, ct, x: ct * (2 * x.detach() if hasattr(x, "detach") else 2 * x),
        jvp={"x": lambda xp, t, x: t * (2 * x)},
    )

    def call(xp: object, x: object) -> object:
        return x * x if xp is checks.REFERENCE else raw(x)  # type: ignore[operator]

    with pytest.raises(AssertionError):
        checks.check_derivatives(call, [np.asarray([1.0, -2.0])])


def test_the_checks_accept_a_right_rule() -> None:
    checks.check_derivatives(lambda xp, x: x * x, [np.asarray([1.0, -2.0])])
