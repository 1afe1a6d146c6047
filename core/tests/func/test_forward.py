"""jvp: against finite differences, nested arguments, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from helpers.differences import directional
from pullback.errors import ArgumentError
from pullback.func import jvp

X = np.asarray([0.5, -1.0, 2.0])
Y = np.asarray([[1.5, 0.25, -0.75], [1.0, 2.0, 3.0]])


def test_nested_arguments_and_results(device: str) -> None:
    def function(tree: Any, y: Any) -> Any:
        return {"product": y @ tree["x"][0], "sum": (pb.sum(tree["x"][0] ** 3),)}

    x, y, u, v = (tensor(a, device) for a in (X, Y, 2 * X + 1, Y - 1))
    out, moved = jvp(function, ({"x": [x]}, y), ({"x": [u]}, v))
    assert_close(host(out["product"]), Y @ X, "value", 1e-13)
    expected = directional(lambda x, y: y @ x, [X, Y], [2 * X + 1, Y - 1])
    assert_close(host(moved["product"]), expected, "tangent")
    assert_close(host(moved["sum"][0]), np.asarray(np.sum(3 * X**2 * (2 * X + 1))), "tangent", 1e-12)


def test_tangents_are_matched_by_key() -> None:
    one, ten = tensor(1.0), tensor(10.0)
    _, moved = jvp(lambda t: t["a"] + 100 * t["b"], ({"a": one, "b": one},), ({"b": one, "a": ten},))
    assert moved.item() == 110.0


def test_aux_has_no_tangent() -> None:
    out, moved, aux = jvp(lambda x: (x**2, {"x": x, "n": 3}), (tensor(2.0),), (tensor(1.0),), has_aux=True)
    assert (out.item(), moved.item(), aux["x"].item(), aux["n"]) == (4.0, 4.0, 2.0, 3)
    assert (aux["x"] * 2).item() == 4.0  # an ordinary Tensor


def test_a_constant_result_has_a_tangent_of_zeros() -> None:
    _, moved = jvp(lambda x: (pb.ones(2), x > 0), (tensor(X),), (tensor(X),))
    assert moved[0].tolist() == [0.0, 0.0]
    assert moved[1].dtype is pb.bool


def test_control_flow_reads_the_values() -> None:
    def function(x: Any) -> Any:
        return x * 2 if x > 1 else x * 3

    assert [jvp(function, (tensor(a),), (tensor(1.0),))[1].item() for a in (0.0, 2.0)] == [3.0, 2.0]


def test_gradients_with_respect_to_point_and_direction() -> None:
    x, v = tensor(X, requires_grad=True), tensor(2 * X, requires_grad=True)
    _, moved = jvp(lambda x: pb.sum(x**3), (x,), (v,))
    first, second = pb.autograd.grad(moved, [x, v])
    assert_close(host(first), 12 * X**2, "point", 1e-12)
    assert_close(host(second), 3 * X**2, "direction", 1e-12)


def test_in_place_writes_leave_the_argument_alone() -> None:
    def function(x: Any) -> Any:
        y = x.clone()
        y[0] = y[1] * y[2]
        y *= y
        return y

    x = tensor(X)
    expected = directional(lambda x: np.asarray([(x[1] * x[2]) ** 2, x[1] ** 2, x[2] ** 2]), [X], [X + 1])
    assert_close(host(jvp(function, (x,), (tensor(X + 1),))[1]), expected, "tangent")
    assert x.tolist() == X.tolist()


def test_what_is_refused() -> None:
    x = tensor(X)
    with pytest.raises(ArgumentError, match="jvp: primals must be a tuple with an item per argument, got Tensor"):
        jvp(pb.sin, x, x)
    with pytest.raises(ArgumentError, match="jvp: a tuple of 2 was given where the structure has a tuple of 1"):
        jvp(pb.sin, (x,), (x, x))
    with pytest.raises(ArgumentError, match=r"tangent 0 is float64\[2\] on cpu, its primal float64\[3\] on cpu"):
        jvp(pb.sin, (x,), (x[:2],))
    with pytest.raises(ArgumentError, match="tangent 0 is float32"):
        jvp(pb.sin, (x,), (x.astype(pb.float32),))
    with pytest.raises(ArgumentError, match="must return a pair"):
        jvp(pb.sin, (x,), (x,), has_aux=True)
