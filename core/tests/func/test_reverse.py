"""grad, value_and_grad, vjp and linearize: values, nesting of arguments, and what they refuse."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from helpers.differences import directional, gradient
from pullback.errors import ArgumentError, AutogradError
from pullback.func import grad, jacrev, jvp, linearize, value_and_grad, vjp, vmap

X = np.asarray([0.5, -1.0, 2.0])
Y = np.asarray([1.5, 0.25, -0.75])


def loss(x: Any, y: Any) -> Any:
    return pb.sum(pb.sin(x) * y**2)


def loss_reference(x: np.ndarray, y: np.ndarray) -> float:
    return float(np.sum(np.sin(x) * y**2))


class Pair(NamedTuple):
    left: Any
    right: Any


@dataclass
class Layer:
    weight: Any
    bias: Any


@pytest.mark.parametrize(("argnums", "positions"), [(0, [0]), (1, [1]), (-1, [1]), ((0, 1), [0, 1]), ((-1, 0), [1, 0])])
def test_argnums(argnums: Any, positions: list[int], device: str) -> None:
    x, y = tensor(X, device), tensor(Y, device)
    value, found = value_and_grad(loss, argnums)(x, y)
    assert_close(host(value), np.asarray(loss_reference(X, Y)), "value", 1e-13)
    grads = [found] if isinstance(argnums, int) else list(found)
    for one, other, i in zip(grads, _listed(grad(loss, argnums)(x, y)), positions, strict=True):
        assert_close(host(one), gradient(loss_reference, [X, Y], i), f"argument {i}")
        assert one.tolist() == other.tolist()
        assert not one.requires_grad


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


@pytest.mark.parametrize(
    ("made", "read"),
    [
        (lambda x, y: {"a": x, "b": [y]}, lambda t: (t["a"], t["b"][0])),
        (lambda x, y: (x, (y,)), lambda t: (t[0], t[1][0])),
        (lambda x, y: Pair(x, {"y": y}), lambda t: (t.left, t.right["y"])),
        (lambda x, y: Layer(x, [y, None]), lambda t: (t.weight, t.bias[0])),
    ],
    ids=["dict", "tuple", "namedtuple", "dataclass"],
)
def test_nested_arguments_give_nested_gradients(made: Any, read: Any) -> None:
    tree = made(tensor(X), tensor(Y))
    found = grad(lambda tree: loss(*read(tree)))(tree)
    assert type(found) is type(tree)
    for i, one in enumerate(read(found)):
        assert_close(host(one), gradient(loss_reference, [X, Y], i), f"leaf {i}")


def test_cotangents_are_matched_by_key() -> None:
    _, pullback = vjp(lambda x: {"a": x, "b": 10 * x}, tensor(1.0))
    assert pullback({"b": tensor(2.0), "a": tensor(1.0)})[0].item() == 21.0
    with pytest.raises(ArgumentError, match="vjp: a dict with the keys 'a' was given"):
        pullback({"a": tensor(1.0)})


def test_keyword_arguments_and_aux() -> None:
    def function(x: Any, *, scale: Any) -> Any:
        return pb.sum(x * scale), {"twice": 2 * x, "name": "aux"}

    found, aux = grad(function, has_aux=True)(tensor(X), scale=tensor(Y))
    assert found.tolist() == Y.tolist()
    assert aux["twice"].tolist() == (2 * X).tolist()
    assert not aux["twice"].requires_grad
    assert aux["name"] == "aux"
    (value, aux), _ = value_and_grad(function, has_aux=True)(tensor(X), scale=3.0)
    assert value.item() == 3 * X.sum()
    out, pullback, aux = vjp(lambda x: (x * 2, x.shape), tensor(X), has_aux=True)
    assert (out.shape, aux) == ((3,), (3,))
    assert pullback(tensor(Y))[0].tolist() == (2 * Y).tolist()


def test_aux_keeps_the_derivatives_of_the_outside() -> None:
    """d/dx of x * aux(x), where aux = x**2 comes out of an inner gradient."""

    def outer(x: Any) -> Any:
        inner, aux = grad(lambda y: (y * x, x**2), has_aux=True)(tensor(1.0))
        return inner * aux  # x * x**2

    assert grad(outer)(tensor(2.0)).item() == 12.0


def test_a_pullback_may_be_called_again() -> None:
    _, pullback = vjp(pb.sin, tensor(X))
    first, again = pullback(tensor(Y))[0], pullback(tensor(Y))[0]
    assert first.tolist() == again.tolist()
    first += 1  # its own memory
    assert pullback(tensor(Y))[0].tolist() == again.tolist()


def test_an_unused_argument_has_a_gradient_of_zeros() -> None:
    assert grad(lambda x, y: pb.sum(x), (0, 1))(tensor(X), tensor(Y))[1].tolist() == [0.0, 0.0, 0.0]
    assert grad(lambda x: pb.asarray(1.0))(tensor(X)).tolist() == [0.0, 0.0, 0.0]


def test_works_under_no_grad_and_leaves_leaves_alone() -> None:
    x = tensor(X, requires_grad=True)
    with pb.no_grad():
        found = grad(lambda x: pb.sum(x**2))(x)
    assert found.tolist() == (2 * X).tolist()
    assert x.grad is None


def test_higher_orders() -> None:
    function, x = pb.sin, tensor(0.7)
    for derivative in (np.cos, lambda x: -np.sin(x), lambda x: -np.cos(x), np.sin, np.cos):
        function = grad(function)
        assert_close(host(function(x)), np.asarray(derivative(0.7)), "derivative", 1e-12)


# --- perturbations of different levels stay apart -----------------------------------------------------------------------

DERIVATIVES = {
    "reverse": lambda f: grad(f),
    "forward": lambda f: lambda x: jvp(f, (x,), (pb.ones_like(x),))[1],
    "mapped": lambda f: lambda x: vmap(grad(f))(pb.reshape(x, (1,)))[0],
}


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("inner", DERIVATIVES)
def test_no_perturbation_confusion(outer: str, inner: str) -> None:
    """Siskind and Pearlmutter's examples: a system that mixes the levels up says 2, 3 or 0."""
    d_outer, d_inner = DERIVATIVES[outer], DERIVATIVES[inner]
    one, three = tensor(1.0), tensor(3.0)
    assert d_outer(lambda x: x * d_inner(lambda y: x + y)(one))(one).item() == 1.0
    assert d_outer(lambda x: x * d_inner(lambda y: x * y)(pb.asarray(2.0, dtype=pb.float64)))(three).item() == 6.0
    assert d_outer(lambda x: d_inner(lambda y: x * y * y)(x))(three).item() == 12.0
    assert d_outer(lambda x: d_inner(lambda y: x)(x))(three).item() == 0.0


@pytest.mark.parametrize("outer", DERIVATIVES)
@pytest.mark.parametrize("inner", DERIVATIVES)
def test_a_closure_from_inside_keeps_its_level(outer: str, inner: str) -> None:
    """d/dx d/dy of y * f(x + y), at y = 0: f'(x)."""
    zero = tensor(0.0)

    def curried(x: Any) -> Any:
        return DERIVATIVES[inner](lambda y: y * pb.sin(x + y))(zero)

    assert_close(host(DERIVATIVES[outer](curried)(tensor(0.4))), np.asarray(np.cos(0.4)), "mixed derivative", 1e-12)


def inner_jacobian(weight: Any, x: Any) -> Any:
    return pb.sum(jacrev(lambda y: pb.sin(y * weight))(x) ** 2)


@pytest.mark.parametrize("hooked", [False, True], ids=["plain", "with hooks in use"])
def test_a_pass_inside_a_transform_hides_nothing_from_outside(hooked: bool) -> None:
    """The Jacobian at one level computes on arrays that a gradient outside of it, one level down, waits for."""
    weight, x, v = tensor(X), tensor(np.stack([Y, X])), tensor(Y)
    if hooked:
        tensor(X, requires_grad=True).register_hook(lambda ct: ct).remove()

    def slope_in_vmap(w: np.ndarray) -> float:
        return float(pb.sum(vmap(lambda row: inner_jacobian(tensor(w), row))(x)))

    found = grad(lambda w: pb.sum(vmap(lambda row: inner_jacobian(w, row))(x)))(weight)
    assert_close(host(found), gradient(slope_in_vmap, [X], 0), "grad over vmap of jacrev")

    def slope_in_jvp(w: Any) -> Any:
        return jvp(lambda row: inner_jacobian(w, row), (x[0],), (v,))[1]

    found = grad(slope_in_jvp)(weight)
    assert_close(host(found), gradient(lambda w: float(slope_in_jvp(tensor(w))), [X], 0), "grad over jvp of jacrev")


def test_under_no_grad_nothing_is_recorded_for_outside() -> None:
    weight = tensor(2.0, requires_grad=True)
    with pb.no_grad():
        value, slope = value_and_grad(lambda x: x * x * weight)(tensor(3.0))
        second = grad(grad(lambda x: x**3 * weight))(tensor(3.0))
    assert [value.item(), slope.item(), second.item()] == [18.0, 12.0, 36.0]
    assert not any(x.requires_grad for x in (value, slope, second))


# --- linearize ---------------------------------------------------------------------------------------------------------


def test_linearize_runs_the_function_once() -> None:
    calls = []

    def function(x: Any, y: Any) -> Any:
        calls.append(1)
        return {"a": pb.sin(x) * y, "b": pb.sum(y**3)}

    x, y, u, v = tensor(X), tensor(Y), tensor(Y), tensor(X)
    out, push = linearize(function, x, y)
    moved = push(u, v)
    again = push(2 * u, 2 * v)
    assert len(calls) == 1
    expected = directional(lambda x, y: np.sin(x) * y, [X, Y], [Y, X])
    assert_close(host(moved["a"]), expected, "tangent")
    assert_close(host(again["b"]), 2 * host(moved["b"]), "linear", 1e-12)
    assert_close(host(out["a"]), np.sin(X) * Y, "value", 1e-13)
    assert_close(host(vmap(push)(pb.stack([u, v]), pb.stack([v, u]))["a"][0]), expected, "a batch of tangents")


# --- in place ----------------------------------------------------------------------------------------------------------


def test_in_place_writes_inside() -> None:
    def function(x: Any) -> Any:
        y = x * 1
        y[1:] *= 3.0
        y += x
        buffer = pb.zeros(3, dtype=pb.float64)
        buffer[0] = y[1]
        return pb.sum(y**2) + buffer[0]

    def reference(x: np.ndarray) -> float:
        y = x * np.asarray([2.0, 4.0, 4.0])
        return float(np.sum(y**2) + y[1])

    assert_close(host(grad(function)(tensor(X))), gradient(reference, [X], 0), "gradient")


def test_the_argument_itself_is_not_written() -> None:
    def function(x: Any) -> Any:
        x += 1
        return pb.sum(x)

    x = tensor(X)
    with pytest.raises(AutogradError, match="cannot be written in place"):
        grad(function)(x)
    assert x.tolist() == X.tolist()


# --- what is refused ---------------------------------------------------------------------------------------------------


def test_what_is_refused() -> None:
    x = tensor(X)
    with pytest.raises(
        ArgumentError, match=r"must return a real Tensor of one element, it returned float64\[3\] on cpu"
    ):
        grad(lambda x: x)(x)
    with pytest.raises(ArgumentError, match="it returned complex128"):
        grad(lambda x: pb.sum(x * 1j))(x)
    with pytest.raises(ArgumentError, match="there is no positional argument 2, the function was called with 1"):
        grad(pb.sum, 2)(x)
    with pytest.raises(ArgumentError, match="only Tensors can be differentiated, got float"):
        grad(lambda x: x)(1.0)
    with pytest.raises(ArgumentError, match="dtype int64 cannot be differentiated"):
        grad(pb.sum)(pb.asarray([1, 2]))
    with pytest.raises(ArgumentError, match=r"must return a pair \(result, aux\), not Tensor"):
        grad(pb.sum, has_aux=True)(x)
    _, pullback = vjp(pb.sin, x)
    with pytest.raises(AutogradError, match=r"has shape \(2,\), the output \(3,\)"):
        pullback(tensor(X[:2]))
