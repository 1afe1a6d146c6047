"""`autograd.functional` against finite differences, against each other, and against its contract."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from helpers.differences import directional
from pullback.autograd import functional
from pullback.errors import ArgumentError, AutogradError

X = np.asarray([0.5, -1.0, 2.0])
Y = np.asarray([[1.0, 0.5, -0.5], [0.25, -1.5, 1.0]])
V = np.asarray([1.0, 0.5, -0.25])
W = np.asarray([[0.5, -1.0, 2.0], [1.0, 0.0, -0.5]])


def vector(x: Any, y: Any) -> Any:
    return pb.sin(y @ x) * pb.sum(x)


def vector_reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sin(y @ x) * np.sum(x)


def number(x: Any, y: Any) -> Any:
    return pb.sum(pb.sin(y @ x) ** 2) + pb.sum(x**3)


def gradient_reference(x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    inner = np.sin(2 * (y @ x))
    return y.T @ inner + 3 * x**2, np.outer(inner, x)


def columns(function: Any, at: list[np.ndarray], i: int) -> np.ndarray:
    """The Jacobian by finite differences with respect to argument `i`, output axes first."""
    parts = []
    for index in np.ndindex(at[i].shape):
        directions = [np.zeros_like(x) for x in at]
        directions[i][index] = 1.0
        parts.append(directional(function, at, directions))
    stacked = np.stack(parts, axis=-1)
    return stacked.reshape(*stacked.shape[:-1], *at[i].shape)


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
@pytest.mark.parametrize("vectorize", [False, True])
def test_jacobian(strategy: str, vectorize: bool, device: str) -> None:
    x, y = tensor(X, device), tensor(Y, device)
    found = functional.jacobian(vector, (x, y), strategy=strategy, vectorize=vectorize)
    assert isinstance(found, tuple)
    for i, one in enumerate(found):
        assert_close(host(one), columns(vector_reference, [X, Y], i), f"input {i}")
        assert str(one.device) == device
        assert not one.requires_grad


def test_jacobian_nests_results_before_inputs() -> None:
    x, y = tensor(X), tensor(Y)
    by_output = functional.jacobian(lambda x, y: (pb.sum(x), y @ x), (x, y))
    assert [[one.shape for one in row] for row in by_output] == [[(3,), (2, 3)], [(2, 3), (2, 2, 3)]]
    assert_close(host(by_output[1][0]), Y, "d(y @ x)/dx")
    alone = functional.jacobian(lambda x: (x, x * 2), x)
    assert_close(host(alone[1]), 2 * np.eye(3), "a single input is no tuple")


@pytest.mark.parametrize("strategy", ["reverse-mode", "forward-mode"])
def test_hessian(strategy: str, device: str) -> None:
    x, y = tensor(X, device), tensor(Y, device)
    found = functional.hessian(number, (x, y), outer_jacobian_strategy=strategy)
    for i in range(2):
        for j in range(2):
            expected = columns(lambda *at, i=i: gradient_reference(*at)[i], [X, Y], j)
            assert_close(host(found[i][j]), expected, f"block {i}, {j}")


def test_products_agree_with_the_whole(device: str) -> None:
    x, y, v, w = tensor(X, device), tensor(Y, device), tensor(V, device), tensor(W, device)
    (jx, jy), u = functional.jacobian(vector, (x, y)), tensor([0.5, -2.0], device)
    out, (gx, gy) = functional.vjp(vector, (x, y), u)
    assert_close(host(out), vector_reference(X, Y), "value", 1e-13)
    assert_close(host(gx), host(u) @ host(jx), "vjp", 1e-12)
    assert_close(host(gy), np.tensordot(host(u), host(jy), 1), "vjp", 1e-12)
    out, pushed = functional.jvp(vector, (x, y), (v, w))
    assert_close(host(out), vector_reference(X, Y), "value", 1e-13)
    assert_close(host(pushed), host(jx) @ V + np.tensordot(host(jy), W, 2), "jvp", 1e-12)
    hessian = functional.hessian(number, (x, y))
    expected = [host(hessian[i][0]) @ V + np.tensordot(host(hessian[i][1]), W, 2) for i in range(2)]
    for product in (functional.hvp, functional.vhp):
        value, found = product(number, (x, y), (v, w))
        assert_close(host(value), host(number(x, y)), "value", 1e-13)
        for one, other in zip(found, expected, strict=True):
            assert_close(host(one), other, product.__name__, 1e-12)


def test_v_may_be_left_out_for_one_element() -> None:
    x = tensor(2.0)
    assert functional.vjp(lambda x: x**3, x)[1].item() == 12.0
    assert functional.jvp(lambda x: x**3, x)[1].item() == 12.0
    assert functional.hvp(lambda x: x**3, x)[1].item() == 12.0
    assert functional.vhp(lambda x: x**3, x)[1].item() == 12.0


@pytest.mark.parametrize("name", ["vjp", "jvp", "vhp", "hvp", "jacobian", "hessian"])
def test_create_graph_records_and_nothing_else_does(name: str) -> None:
    """The sum of the result is differentiated again, and compared with finite differences."""
    products = name in ("vjp", "jvp", "vhp", "hvp")
    extra = (tensor(V),) if products else ()

    def cubes(x: Any) -> Any:
        return x**3 * pb.flip(x) if name in ("vjp", "jvp", "jacobian") else pb.sum(x**3 * pb.flip(x))

    def total(x: Any, **options: Any) -> Any:
        found = getattr(functional, name)(cubes, x, *extra, **options)
        return pb.sum((found[1] if products else found) ** 2)

    x = tensor(X, requires_grad=True)
    assert not total(x).requires_grad
    (slope,) = pb.autograd.grad(total(x, create_graph=True), x)
    direction = np.asarray([0.5, 1.0, -1.0])
    expected = directional(lambda x: host(total(tensor(x))), [X], [direction])
    assert_close(np.asarray(host(slope) @ direction), expected, name, 1e-7)
    assert x.grad is None


def test_a_captured_parameter_leaves_no_history() -> None:
    weight = tensor(V, requires_grad=True)
    out, (grad,) = functional.vjp(lambda x: pb.sum(weight * x**2), (tensor(X),))
    assert not out.requires_grad
    assert not grad.requires_grad
    kept, _ = functional.vjp(lambda x: pb.sum(weight * x**2), (tensor(X),), create_graph=True)
    assert pb.autograd.grad(kept, weight)[0].tolist() == (X**2).tolist()


@pytest.mark.parametrize("name", ["vjp", "jvp", "jacobian"])
def test_strict_refuses_what_does_not_depend(name: str) -> None:
    function = getattr(functional, name)
    x, y = tensor(X), tensor(Y)
    v = {"vjp": (tensor(V),), "jvp": ((x, y),), "jacobian": ()}[name]
    loose = function(lambda x, y: x * 2, (x, y), *v)
    assert pb.max(abs(loose[1][1] if name == "vjp" else loose[1])).item() >= 0.0
    with pytest.raises(AutogradError, match=f"{name}: the result, item 0, does not depend on input 1"):
        function(lambda x, y: x * 2, (x, y), *v, strict=True)
    with pytest.raises(AutogradError, match=f"{name}: the result, item 0, does not depend on input 0"):
        function(lambda x, y: pb.ones(3, dtype=pb.float64), (x, y), *v, strict=True)
    function(lambda x, y: x * 2 + pb.sum(y), (x, y), *v, strict=True)


@pytest.mark.parametrize("name", ["vhp", "hvp", "hessian"])
def test_strict_looks_at_the_gradient_too(name: str) -> None:
    function = getattr(functional, name)
    v = () if name == "hessian" else (tensor(V),)
    with pytest.raises(AutogradError, match=f"{name}: the gradient, item 0, does not depend on input 0"):
        function(lambda x: pb.sum(2 * x), tensor(X), *v, strict=True)
    function(lambda x: pb.sum(x**2), tensor(X), *v, strict=True)


def test_what_is_refused() -> None:
    x = tensor(X)
    with pytest.raises(ArgumentError, match="jacobian: inputs must be a Tensor or a tuple of Tensors, got float"):
        functional.jacobian(lambda x: x, 1.0)
    with pytest.raises(ArgumentError, match=r"vjp: the result of func must be .*, got NoneType"):
        functional.vjp(lambda x: None, x)
    with pytest.raises(ArgumentError, match=r"hessian: func must return one Tensor of one element, .* shape \(3,\)"):
        functional.hessian(lambda x: x, x)
    with pytest.raises(ArgumentError, match="vjp: v may be left out for one element only"):
        functional.vjp(lambda x: x, x)
    with pytest.raises(ArgumentError, match=r"hvp: v has shapes \[\(2,\)\], the inputs \[\(3,\)\]; they must agree"):
        functional.hvp(lambda x: pb.sum(x), x, x[:2])
    with pytest.raises(ArgumentError, match="strategy is 'reverse-mode' or 'forward-mode', got 'backward'"):
        functional.jacobian(lambda x: x, x, strategy="backward")


def test_works_under_no_grad_and_inside_vmap() -> None:
    x = tensor(np.stack([X, 2 * X]))

    def whole(row: Any) -> Any:
        return functional.hessian(lambda r: pb.sum(r**3), row)

    expected = np.stack([np.diag(6 * X), np.diag(12 * X)])
    with pb.no_grad():
        assert_close(host(whole(x[0])), expected[0], "under no_grad", 1e-12)
    assert_close(host(pb.func.vmap(whole)(x)), expected, "inside vmap", 1e-12)


SIGNATURES = {
    "vjp": "(func, inputs, v=None, create_graph=False, strict=False)",
    "jvp": "(func, inputs, v=None, create_graph=False, strict=False)",
    "vhp": "(func, inputs, v=None, create_graph=False, strict=False)",
    "hvp": "(func, inputs, v=None, create_graph=False, strict=False)",
    "jacobian": "(func, inputs, create_graph=False, strict=False, vectorize=False, strategy='reverse-mode')",
    "hessian": (
        "(func, inputs, create_graph=False, strict=False, vectorize=False, outer_jacobian_strategy='reverse-mode')"
    ),
}


@pytest.mark.parametrize("name", SIGNATURES)
def test_signatures_are_those_of_pytorch(name: str) -> None:
    signature = inspect.signature(getattr(functional, name))
    plain = [p.replace(annotation=inspect.Parameter.empty) for p in signature.parameters.values()]
    assert str(inspect.Signature(plain)) == SIGNATURES[name]
