"""vmap: axes, nesting, chunks, random numbers, creation, in-place writes, and what it refuses."""

from __future__ import annotations

import itertools
from typing import Any, NamedTuple

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from pullback.errors import ArgumentError, AutogradError
from pullback.func import grad, jacfwd, jacrev, vmap

RNG = np.random.default_rng(0)
X = RNG.standard_normal((4, 3, 2))
Y = RNG.standard_normal((4, 2))


class Pair(NamedTuple):
    left: Any
    right: Any


AXES = list(itertools.product([0, 1, 2, -1, -3], [0, 1, -1, None], [0, 1, -1]))


@pytest.mark.parametrize(("x_axis", "y_axis", "out_axis"), AXES)
def test_axes_of_arguments_and_results(x_axis: int, y_axis: int | None, out_axis: int, device: str) -> None:
    xs = np.moveaxis(X, 0, x_axis)
    ys = Y[0] if y_axis is None else np.moveaxis(Y, 0, y_axis)
    mapped = vmap(lambda x, y: x * y, in_axes=(x_axis, y_axis), out_axes=out_axis)
    found = mapped(tensor(xs, device), tensor(ys, device))
    rows = [x * (Y[0] if y_axis is None else y) for x, y in zip(X, Y, strict=True)]
    assert_close(host(found), np.stack(rows, axis=out_axis), "result", 1e-13)


def test_axes_of_nested_arguments() -> None:
    tree = {"x": (tensor(X), tensor(Y[0])), "y": tensor(Y.T)}
    found = vmap(lambda t: Pair(t["x"][0] @ t["x"][1], t["y"]), in_axes=({"y": 1, "x": (0, None)},), out_axes=(0, -1))(
        tree
    )
    assert isinstance(found, Pair)
    assert_close(host(found.left), X @ Y[0], "left", 1e-12)
    assert_close(host(found.right), Y.T, "right", 1e-12)
    whole = vmap(lambda t: t["a"] + t["b"][0], in_axes=-1)({"a": tensor(Y), "b": [tensor(Y)]})
    assert_close(host(whole), 2 * Y.T, "one axis for all", 1e-12)


def test_keyword_arguments_have_the_batch_in_front() -> None:
    found = vmap(lambda x, *, y: x @ y)(tensor(X), y=tensor(Y))
    assert_close(host(found), np.einsum("bij,bj->bi", X, Y), "result", 1e-12)


def test_nesting_over_any_axes() -> None:
    x = tensor(X)
    assert_close(host(vmap(vmap(pb.sum))(x)), X.sum(axis=2), "rows", 1e-12)
    assert_close(host(vmap(vmap(pb.sum, in_axes=1))(x)), X.sum(axis=1), "columns", 1e-12)
    outer = vmap(vmap(lambda a, b: a * b, in_axes=(None, 0)), in_axes=(0, None))(tensor(Y[0]), tensor(Y[:, 1]))
    assert_close(host(outer), np.outer(Y[0], Y[:, 1]), "outer product", 1e-12)
    deep = vmap(vmap(vmap(lambda a, b: a + b, (0, None)), (0, None)), (0, 0))(x, tensor(Y[:, 0]))
    assert_close(host(deep), X + Y[:, 0][:, None, None], "three levels", 1e-12)


@pytest.mark.parametrize("chunk_size", [1, 2, 3, 4, 9])
def test_chunks_give_the_same(chunk_size: int) -> None:
    def per_example(x: Any, y: Any) -> Any:
        return pb.sum(pb.sin(x @ y))

    whole = vmap(grad(per_example, (0, 1)))(tensor(X), tensor(Y))
    chunks = vmap(grad(per_example, (0, 1)), chunk_size=chunk_size)(tensor(X), tensor(Y))
    for one, other in zip(whole, chunks, strict=True):
        assert_close(host(other), host(one), "chunks", 1e-13)


def test_constants_and_creation_functions() -> None:
    def function(x: Any) -> Any:
        constant = pb.zeros(2, dtype=pb.float64) + pb.arange(2, dtype=pb.float64)
        return constant, pb.ones_like(x), pb.full_like(x, 3.0) * x, pb.zeros(()), pb.stack([x[0, 0], pb.asarray(1.0)])

    found = vmap(function)(tensor(X))
    assert [t.shape for t in found] == [(4, 2), (4, 3, 2), (4, 3, 2), (4,), (4, 2)]
    assert found[0].tolist() == [[0.0, 1.0]] * 4
    assert_close(host(found[2]), 3 * X, "full_like", 1e-13)
    assert vmap(lambda x: pb.ones(2), out_axes=None)(tensor(X)).shape == (2,)


def test_in_place_writes() -> None:
    def function(x: Any, i: Any) -> Any:
        buffer = pb.zeros(3, dtype=pb.float64)
        buffer[0] = x[0, 0]
        buffer += x[:, 1]
        buffer[i] *= 10
        part = buffer[1:]
        part -= 1
        return buffer

    at = tensor(np.asarray([0, 1, 2, 0]))
    found = host(vmap(function)(tensor(X), at))
    rows = [host(function(tensor(x), tensor(i))) for x, i in zip(X, [np.asarray(i) for i in (0, 1, 2, 0)], strict=True)]
    assert_close(found, np.stack(rows), "result", 1e-12)
    slopes = host(vmap(grad(lambda x, i: pb.sum(function(x, i) ** 2)))(tensor(X), at))
    for n, i in enumerate((0, 1, 2, 0)):
        alone = grad(lambda x, i=i: pb.sum(function(x, i) ** 2))(tensor(X[n]))
        assert_close(slopes[n], host(alone), "gradient", 1e-12)


# --- random numbers ----------------------------------------------------------------------------------------------------


def noisy(x: Any) -> Any:
    return x + pb.randn(2, dtype=pb.float64)


def noise(mapped: Any, shape: tuple[int, ...]) -> np.ndarray:
    pb.manual_seed(0)
    return host(mapped(pb.zeros(shape, dtype=pb.float64)))


@pytest.mark.parametrize("chunk_size", [None, 1, 3])
def test_randomness(chunk_size: int | None) -> None:
    different = noise(vmap(noisy, randomness="different", chunk_size=chunk_size), (4, 2))
    assert len({tuple(row) for row in different}) == 4
    same = noise(vmap(noisy, randomness="same", chunk_size=chunk_size), (4, 2))
    assert len({tuple(row) for row in same}) == 1
    with pytest.raises(AutogradError, match=r"randomness='different'\) or 'same'"):
        vmap(noisy, chunk_size=chunk_size)(pb.zeros(4, 2))


@pytest.mark.parametrize(
    ("inner", "outer", "distinct"),
    [("same", "same", 1), ("same", "different", 3), ("different", "same", 4), ("different", "different", 12)],
)
def test_nested_randomness(inner: str, outer: str, distinct: int) -> None:
    found = noise(vmap(vmap(noisy, randomness=inner), randomness=outer), (3, 4, 2))
    assert len({tuple(row) for row in found.reshape(12, 2)}) == distinct


def test_the_outer_level_has_its_say() -> None:
    with pytest.raises(AutogradError, match="draws random numbers"):
        vmap(vmap(noisy, randomness="different"))(pb.zeros(3, 4, 2))


# --- derivatives --------------------------------------------------------------------------------------------------------


def test_per_sample_gradients_of_shared_parameters(device: str) -> None:
    weight = tensor(RNG.standard_normal((3, 2)), device)
    xs, ys = tensor(Y, device), tensor(X[:, :, 0], device)

    def loss(weight: Any, x: Any, y: Any) -> Any:
        return pb.sum((pb.tanh(weight @ x) - y) ** 2)

    found = vmap(grad(loss), in_axes=(None, 0, 0))(weight, xs, ys)
    rows = [host(grad(loss)(weight, tensor(x, device), tensor(y, device))) for x, y in zip(Y, X[:, :, 0], strict=True)]
    assert_close(host(found), np.stack(rows), "gradients", 1e-12)
    total = grad(lambda w: pb.sum(vmap(loss, in_axes=(None, 0, 0))(w, xs, ys)))(weight)
    assert_close(host(total), np.sum(rows, axis=0), "their sum", 1e-12)


def test_gradients_reach_leaves_outside() -> None:
    weight = tensor(Y[0], requires_grad=True)
    pb.sum(vmap(lambda x: pb.sum(x @ weight) ** 2)(tensor(X))).backward()
    sums = X.sum(axis=1)
    assert_close(host(weight.grad), 2 * np.einsum("b,bi->i", sums @ Y[0], sums), "gradient", 1e-12)


@pytest.mark.parametrize("jacobian", [jacrev, jacfwd])
def test_jacobians_of_mapped_functions(jacobian: Any) -> None:
    found = host(jacobian(vmap(lambda y: y**2))(tensor(Y)))
    expected = np.zeros((4, 2, 4, 2))
    for i, j in np.ndindex(4, 2):
        expected[i, j, i, j] = 2 * Y[i, j]
    assert_close(found, expected, "Jacobian", 1e-12)


# --- what is refused -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x, y: vmap(lambda x, y: x)(x, y[:3]), "the batch sizes differ: argument 0 has 4, argument 1 has 3"),
        (lambda x, y: vmap(lambda x: x, in_axes=None)(x), "no argument has a batch"),
        (lambda x, y: vmap(lambda x: x, in_axes=3)(x), r"argument 0 has shape \(4, 3, 2\) and no axis 3"),
        (lambda x, y: vmap(lambda x, n: x)(x, 2), "argument 1 is of type int; only Tensors have a batch, give None"),
        (lambda x, y: vmap(lambda x, y: x, in_axes=(0,))(x, y), "in_axes has 1 entries for 2 arguments"),
        (lambda x, y: vmap(lambda x: x, in_axes=("a",))(x), "in_axes: 'a' is neither an int nor None"),
        (lambda x, y: vmap(lambda x: 3)(x), "must return Tensors, it returned int"),
        (lambda x, y: vmap(lambda x: x, out_axes=None)(x), "out_axes is None for a result that differs"),
        (lambda x, y: vmap(lambda x: x, out_axes=(0, 0))(x), "out_axes: .* is neither an int nor None"),
        (
            lambda x, y: vmap(lambda x: x, randomness="maybe"),
            "randomness is 'error', 'same' or 'different', got 'maybe'",
        ),
        (lambda x, y: vmap(lambda x: x, chunk_size=0), "chunk_size must be at least 1, got 0"),
    ],
)
def test_what_is_refused(call: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        call(tensor(X), tensor(Y))
