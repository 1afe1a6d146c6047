"""Methods under PyTorch's names: each is a function of the standard, in value and gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import host, tensor
from pullback.methods import Methods

X = np.array([[0.31, 0.72, 0.23], [0.91, 0.53, 0.44]])  # at no kink of what follows
Y = np.array([[0.6, 0.1, 0.8], [0.4, 0.2, 0.9]])
S = np.array([[2.0, 1.0], [0.5, 3.0]])

SAME_NAME = (
    *(
        "abs",
        "acos",
        "asin",
        "atan",
        "ceil",
        "conj",
        "cos",
        "cosh",
        "exp",
        "expm1",
        "floor",
        "isfinite",
        "isinf",
        "isnan",
    ),
    *("log", "log10", "log1p", "log2", "reciprocal", "round", "sign", "sin", "sinh", "sqrt", "square", "tan", "tanh"),
    *("trunc",),
)
TWO = {
    "add": pb.add,
    "atan2": pb.atan2,
    "div": pb.divide,
    "eq": pb.equal,
    "ge": pb.greater_equal,
    "gt": pb.greater,
    "hypot": pb.hypot,
    "le": pb.less_equal,
    "logaddexp": pb.logaddexp,
    "lt": pb.less,
    "maximum": pb.maximum,
    "minimum": pb.minimum,
    "mul": pb.multiply,
    "ne": pb.not_equal,
    "pow": pb.pow,
    "remainder": pb.remainder,
    "sub": pb.subtract,
}
CALLS: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], Any]]] = {  # on a Tensor, on its values
    "neg": (lambda x: x.neg(), lambda a: -a),
    "clamp": (lambda x: x.clamp(min=0.4), lambda a: np.maximum(a, 0.4)),
    "clip": (lambda x: x.clip(0.3, max=0.6), lambda a: np.clip(a, 0.3, 0.6)),
    "relu": (lambda x: (x - 0.5).relu(), lambda a: np.maximum(a - 0.5, 0)),
    "sigmoid": (lambda x: x.sigmoid(), lambda a: 1 / (1 + np.exp(-a))),
    "where": (lambda x: x.where(x > 0.4, 0.0), lambda a: np.where(a > 0.4, a, 0)),
    "masked_fill": (lambda x: x.masked_fill(x > 0.4, 2.0), lambda a: np.where(a > 0.4, 2, a)),
    "sum": (lambda x: x.sum(), np.sum),
    "sum dim": (lambda x: x.sum(0), lambda a: a.sum(0)),
    "sum axis": (lambda x: x.sum(axis=1, keepdims=True), lambda a: a.sum(1, keepdims=True)),
    "mean": (lambda x: x.mean(dim=1, keepdim=True), lambda a: a.mean(1, keepdims=True)),
    "prod": (lambda x: x.prod(1), lambda a: a.prod(1)),
    "max": (lambda x: x.max(), np.max),
    "amax": (lambda x: x.amax(1), lambda a: a.max(1)),
    "min": (lambda x: x.min(axis=0), lambda a: a.min(0)),
    "amin": (lambda x: x.amin(), np.min),
    "var": (lambda x: x.var(), lambda a: a.var(ddof=1)),
    "std": (lambda x: x.std(1), lambda a: a.std(1, ddof=1)),
    "std correction": (lambda x: x.std(correction=0), lambda a: a.std()),
    "norm": (lambda x: x.norm(), np.linalg.norm),
    "cumsum": (lambda x: x.cumsum(1), lambda a: a.cumsum(1)),
    "matmul": (lambda x: x.matmul(x.t()), lambda a: a @ a.T),
    "mm": (lambda x: x.t().mm(x), lambda a: a.T @ a),
    "mv": (lambda x: x.mv(x[0]), lambda a: a @ a[0]),
    "dot": (lambda x: x[0].dot(x[1]), lambda a: a[0] @ a[1]),
    "t": (lambda x: x.t(), np.transpose),
    "transpose": (lambda x: x[None].transpose(0, 2), lambda a: a[None].swapaxes(0, 2)),
    "transpose negative": (lambda x: x.transpose(-1, 0), np.transpose),
    "permute": (lambda x: x[None].permute(2, 0, 1), lambda a: a[None].transpose(2, 0, 1)),
    "permute tuple": (lambda x: x.permute((1, 0)), np.transpose),
    "reshape": (lambda x: x.reshape(3, 2), lambda a: a.reshape(3, 2)),
    "view": (lambda x: x.view(-1), lambda a: a.reshape(-1)),
    "view tuple": (lambda x: x.view((3, -1)), lambda a: a.reshape(3, 2)),
    "flatten": (lambda x: x.flatten(), np.ravel),
    "squeeze": (lambda x: x[None, :, None].squeeze(), np.asarray),
    "squeeze dim": (lambda x: x[None, :, None].squeeze(2), lambda a: a[None]),
    "unsqueeze": (lambda x: x.unsqueeze(-1), lambda a: a[..., None]),
    "expand": (lambda x: x.expand(4, -1, 3), lambda a: np.broadcast_to(a, (4, 2, 3))),
    "unbind": (lambda x: x.unbind(1)[2], lambda a: a[:, 2]),
    "flip": (lambda x: x.flip(1), lambda a: np.flip(a, 1)),
    "index_select": (lambda x: x.index_select(1, pb.asarray([2, 0, 2], device=x.device)), lambda a: a[:, [2, 0, 2]]),
    "gather": (lambda x: x.gather(1, pb.argsort(x, axis=1)), lambda a: np.sort(a, 1)),
    "clone": (lambda x: x.clone(), np.copy),
    "double": (lambda x: x.double(), np.copy),
    "to dtype": (lambda x: x.to(pb.float64), np.copy),
    "to like": (lambda x: x.to(pb.ones(1, dtype=pb.float64, device=x.device)), np.copy),
}
ON_INTEGERS: dict[str, tuple[Callable[[Any], Any], Callable[[np.ndarray], Any]]] = {
    "argmax": (lambda x: x.argmax(1), lambda a: a.argmax(1)),
    "argmin": (lambda x: x.argmin(), lambda a: a.argmin()),
    "all": (lambda x: (x > 0.4).all(1), lambda a: (a > 0.4).all(1)),
    "any": (lambda x: (x > 0.4).any(), lambda a: (a > 0.4).any()),
    "logical_and": (lambda x: (x > 0.4).logical_and(x < 0.8), lambda a: (a > 0.4) & (a < 0.8)),
    "logical_or": (lambda x: (x < 0.4).logical_or(x > 0.8), lambda a: (a < 0.4) | (a > 0.8)),
    "logical_not": (lambda x: (x < 0.4).logical_not(), lambda a: a >= 0.4),
    "int": (lambda x: (10 * x).int(), lambda a: (10 * a).astype(np.int32)),
    "long": (lambda x: (10 * x).long(), lambda a: (10 * a).astype(np.int64)),
    "bool": (lambda x: x.bool(), lambda a: a.astype(bool)),
}


def compare_gradients(found: Any, expected: Any, x: Any) -> None:
    """The gradients of two functions of one leaf, with a cotangent of different numbers."""
    assert found.requires_grad == expected.requires_grad
    if found.requires_grad:
        ct = tensor(np.cos(np.arange(1.0, found.size + 1)).reshape(found.shape), str(x.device)).astype(found.dtype)
        one = pb.autograd.grad(found, x, ct, materialize_grads=True)[0]
        other = pb.autograd.grad(expected, x, ct, materialize_grads=True)[0]
        np.testing.assert_allclose(host(one), host(other), rtol=1e-12)


@pytest.mark.parametrize("name", SAME_NAME)
def test_one_operand(name: str, device: str) -> None:
    x = tensor(X, device, requires_grad=True)
    found, expected = getattr(x, name)(), getattr(pb, name)(x)
    np.testing.assert_array_equal(host(found), host(expected))
    compare_gradients(found, expected, x)


@pytest.mark.parametrize("name", TWO)
def test_two_operands(name: str, device: str) -> None:
    x, y = tensor(X, device, requires_grad=True), tensor(Y, device)
    found, expected = getattr(x, name)(y), TWO[name](x, y)
    np.testing.assert_array_equal(host(found), host(expected))
    compare_gradients(found, expected, x)


@pytest.mark.parametrize("name", [*CALLS, *ON_INTEGERS])
def test_calls(name: str, device: str) -> None:
    on_tensor, on_values = (CALLS | ON_INTEGERS)[name]
    x = tensor(X, device, requires_grad=True)
    found = on_tensor(x)
    assert isinstance(found, pb.Tensor)
    np.testing.assert_allclose(host(found), on_values(X), rtol=1e-14, strict=True)
    assert str(found.device) == device
    if name in ON_INTEGERS:
        assert not found.requires_grad
        return
    ct = np.cos(np.arange(1.0, found.size + 1)).reshape(found.shape)
    (grad,) = pb.autograd.grad(found, x, tensor(ct, device))
    h = 1e-6
    slopes = np.empty_like(X)
    for i in np.ndindex(*X.shape):
        step = np.zeros_like(X)
        step[i] = h
        slopes[i] = np.sum(ct * (on_values(X + step) - on_values(X - step))) / (2 * h)
    np.testing.assert_allclose(host(grad), slopes, atol=1e-8)


def test_conversions(device: str) -> None:
    x = tensor(X, device, requires_grad=True)
    assert x.float().dtype is pb.float32
    assert x.type(pb.float32).dtype is pb.float32
    assert x.type() == "float64"
    assert x.to(pb.float64) is x
    assert x.to(device) is x
    assert x.new_zeros(2, 3).tolist() == [[0.0] * 3] * 2
    assert (x.new_zeros((2,)).dtype, str(x.new_zeros(1).device)) == (pb.float64, device)
    assert (x.dim(), x.numel()) == (2, 6)
    x.float().sum().backward()
    assert x.grad.dtype is pb.float64


def test_a_graph_across_devices() -> None:
    x = tensor(X, "cpu", requires_grad=True)
    y = x.to("strict") * 2
    z = y.to(device="strict:device1").to_device("cpu") * 3
    assert str(z.device) == "cpu"
    z.sum().backward()
    assert str(x.grad.device) == "cpu"
    assert x.grad.tolist() == [[6.0] * 3] * 2
    with pytest.raises(ValueError, match="nowhere"):
        x.to("nowhere")


def test_what_is_refused(device: str) -> None:
    x = tensor(X, device)
    with pytest.raises(ValueError, match="at most two dimensions"):
        x[None].t()
    with pytest.raises(ValueError, match=r"squeeze: axis 0 has length 2, not 1"):
        x.squeeze(0)
    with pytest.raises(IndexError, match="axis 5 is out of bounds"):
        x.sum(5)
    with pytest.raises(TypeError, match=r"would drop the imaginary part"):
        (x * 1j).float()


def test_every_method_is_documented() -> None:
    for name, method in vars(Methods).items():
        if callable(method) and not name.startswith("_"):
            assert method.__doc__, name
