"""Dual numbers: values, nesting, gradients of tangents, and what is refused."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from helpers.differences import directional
from pullback.autograd import forward_ad
from pullback.autograd.forward_ad import dual_level, make_dual, unpack_dual
from pullback.errors import ArgumentError, AutogradError

X = np.asarray([0.5, -1.0, 2.0])
V = np.asarray([1.0, 0.5, -0.25])


def function(x: Any) -> Any:
    return pb.exp(pb.sin(x)) * x


def reference(x: np.ndarray) -> np.ndarray:
    return np.exp(np.sin(x)) * x


def test_tangents_agree_with_finite_differences(device: str) -> None:
    with dual_level():
        out = unpack_dual(function(make_dual(tensor(X, device), tensor(V, device))))
    assert_close(host(out.primal), reference(X), "primal", 1e-13)
    assert_close(host(out.tangent), directional(reference, [X], [V]), "tangent")
    assert str(out.tangent.device) == device


def test_a_constant_has_no_tangent() -> None:
    x = tensor(X)
    with dual_level():
        dual = make_dual(x, tensor(V))
        assert unpack_dual(x) == (x, None)
        assert unpack_dual(dual.detach()).tangent is None
        assert unpack_dual(pb.floor(dual)).tangent.tolist() == [0.0, 0.0, 0.0]
        assert unpack_dual(dual > 0).tangent is None


def test_nested_levels_give_second_derivatives() -> None:
    x, v = tensor(X), tensor(V)
    with dual_level() as outer:
        first = make_dual(x, v)
        with dual_level() as inner:
            assert (outer, inner) == (0, 1)
            second = make_dual(first, v)
            out = unpack_dual(second**3)
        assert_close(host(unpack_dual(out.tangent).tangent), 6 * X * V * V, "second derivative")


def test_levels_do_not_mix() -> None:
    """d/dx of x * d/dy (x + y) is 1: the perturbation of y is not that of x."""
    with dual_level():
        x = make_dual(tensor(3.0), tensor(1.0))
        with dual_level():
            y = make_dual(tensor(5.0), tensor(1.0))
            inner = unpack_dual(x + y).tangent
        assert unpack_dual(x * inner) == (tensor(3.0), tensor(1.0))


def test_the_level_can_be_named() -> None:
    with dual_level() as outer:
        x = make_dual(tensor(3.0), tensor(1.0))
        with dual_level():
            late = make_dual(tensor(2.0), tensor(7.0), level=outer)
            assert unpack_dual(x * late, level=outer).tangent.item() == 23.0
            assert unpack_dual(x * late).tangent is None


def test_gradients_of_tangents() -> None:
    x, v = tensor(X, requires_grad=True), tensor(V, requires_grad=True)
    with dual_level():
        out = unpack_dual(make_dual(x, v) ** 3)
    first, second = pb.autograd.grad(pb.sum(out.tangent), [x, v])
    assert_close(host(first), 6 * X * V, "with respect to the point")
    assert_close(host(second), 3 * X**2, "with respect to the direction")


def test_forward_over_reverse() -> None:
    x = tensor(X)
    with dual_level():
        dual = make_dual(x, tensor(V)).requires_grad_()
        (slope,) = pb.autograd.grad(pb.sum(dual**3), dual)
        assert_close(host(unpack_dual(slope).tangent), 6 * X * V, "Hessian times vector")


def test_a_function_with_a_jvp_of_its_own() -> None:
    class Halved(pb.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: Any) -> Any:
            ctx.save_for_forward(x)
            return x * x

        @staticmethod
        def jvp(ctx: Any, t: Any) -> Any:
            (x,) = ctx.saved_tensors
            return t * x  # half of the true one, to be recognised

    with dual_level():
        assert unpack_dual(Halved.apply(make_dual(tensor(X), tensor(V)))).tangent.tolist() == (X * V).tolist()


def test_in_place_writes_carry_tangents() -> None:
    with dual_level():
        buffer = pb.zeros(3, dtype=pb.float64)
        dual = make_dual(tensor(X), tensor(V))
        buffer[1:] = dual[:2]
        buffer *= 2
        assert unpack_dual(buffer).tangent.tolist() == [0.0, 2.0, 1.0]


def test_outside_of_a_level() -> None:
    for call in (lambda: make_dual(tensor(X), tensor(V)), lambda: unpack_dual(tensor(X)), forward_ad.exit_dual_level):
        with pytest.raises(
            AutogradError, match=r"no level is open; write it inside `with pb\.autograd\.forward_ad\.dual"
        ):
            call()


def test_a_dual_tensor_ends_with_its_level() -> None:
    with dual_level():
        dual = make_dual(tensor(X), tensor(V))
    with pytest.raises(AutogradError, match="a call of a transform that has ended"):
        dual + 1
    with dual_level(), pytest.raises(AutogradError, match="a call of a transform that has ended"):
        unpack_dual(dual)


def test_what_cannot_be_a_dual_number() -> None:
    x, v = tensor(X), tensor(V)
    with dual_level():
        with pytest.raises(ArgumentError, match=r"tangent is float64\[2\] on cpu, the tensor float64\[3\] on cpu"):
            make_dual(x, v[:2])
        with pytest.raises(ArgumentError, match="tangent must be a Tensor, got list"):
            make_dual(x, [1.0])
        with pytest.raises(ArgumentError, match="dtype int64 has no tangent"):
            make_dual(pb.asarray([1, 2]), pb.asarray([1, 2]))
        with pytest.raises(AutogradError, match="has a tangent of this level already"):
            make_dual(make_dual(x, v), v)
        with pytest.raises(AutogradError, match="there is no level 3; 1 are open"):
            make_dual(x, v, level=3)
        with pytest.raises(AutogradError, match="open a dual_level inside of that transform"):
            pb.func.vmap(lambda row: make_dual(row, row))(x)


def test_levels_close_in_order_and_after_errors() -> None:
    first = forward_ad.enter_dual_level()
    second = forward_ad.enter_dual_level()
    with pytest.raises(AutogradError, match="level 0 is not the innermost, which is 1"):
        forward_ad.exit_dual_level(level=first)
    forward_ad.exit_dual_level(level=second)
    forward_ad.exit_dual_level()
    with pytest.raises(ZeroDivisionError), dual_level():
        raise ZeroDivisionError
    with pytest.raises(AutogradError, match="no level is open"):
        unpack_dual(tensor(X))


def test_threads_have_levels_of_their_own() -> None:
    results: list[Any] = []

    def work(scale: float) -> None:
        with dual_level():
            dual = make_dual(tensor(X), tensor(V) * scale)
            for _ in range(20):
                dual = dual + dual * 0.5
            results.append((scale, host(unpack_dual(dual).tangent)))

    threads = [threading.Thread(target=work, args=(float(i),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(results) == 4
    for scale, found in results:
        assert_close(found, V * scale * 1.5**20, "tangent", 1e-12)
