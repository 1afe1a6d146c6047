"""jacrev, jacfwd, hessian, hvp: against finite differences, against each other, and as one batch."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import assert_close, host, tensor
from helpers.differences import directional
from pullback.func import grad, hessian, hvp, jacfwd, jacrev, vmap

X = np.asarray([0.5, -1.0, 2.0])
Y = np.asarray([[1.5, 0.25, -0.75], [1.0, 2.0, 3.0]])
BOTH = pytest.mark.parametrize("jacobian", [jacrev, jacfwd])


def function(x: Any, y: Any) -> Any:
    return pb.sin(y @ x) * pb.sum(x)


def reference(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    return np.sin(y @ x) * np.sum(x)


def columns(i: int) -> np.ndarray:
    """The Jacobian with respect to argument `i`, by finite differences."""
    at, parts = [X, Y], []
    for index in np.ndindex(at[i].shape):
        directions = [np.zeros_like(X), np.zeros_like(Y)]
        directions[i][index] = 1.0
        parts.append(directional(reference, at, directions))
    return np.stack(parts, axis=-1).reshape(2, *at[i].shape)


@BOTH
@pytest.mark.parametrize("argnums", [0, 1, -1, (0, 1), (1, 0)])
@pytest.mark.parametrize("chunk_size", [None, 1, 2])
def test_jacobian(jacobian: Any, argnums: Any, chunk_size: int | None, device: str) -> None:
    found = jacobian(function, argnums, chunk_size=chunk_size)(tensor(X, device), tensor(Y, device))
    wanted = (argnums,) if isinstance(argnums, int) else argnums
    for i, one in zip(wanted, (found,) if isinstance(argnums, int) else found, strict=True):
        assert_close(host(one), columns(i % 2), f"argument {i}")


@BOTH
def test_nested_results_and_arguments(jacobian: Any) -> None:
    def nested(tree: Any) -> Any:
        return {"s": pb.sum(tree["x"] ** 2), "p": [tree["y"] @ tree["x"]]}

    found = jacobian(nested)({"x": tensor(X), "y": tensor(Y)})
    assert_close(host(found["s"]["x"]), 2 * X, "d s / d x", 1e-12)
    assert_close(host(found["s"]["y"]), 0 * Y, "d s / d y", 1e-12)
    assert_close(host(found["p"][0]["x"]), Y, "d p / d x", 1e-12)
    assert_close(host(found["p"][0]["y"]), np.einsum("ij,k->ijk", np.eye(2), X), "d p / d y", 1e-12)


@BOTH
def test_aux_and_keyword_arguments(jacobian: Any) -> None:
    found, aux = jacobian(lambda x, *, n: (x**n, {"n": n, "x": x}), has_aux=True)(tensor(X), n=3)
    assert_close(host(found), np.diag(3 * X**2), "Jacobian", 1e-12)
    assert aux["n"] == 3
    assert (aux["x"] + 0).tolist() == X.tolist()


@BOTH
def test_scalars_empty_results_and_float32(jacobian: Any) -> None:
    assert jacobian(pb.sin)(tensor(0.0)).item() == 1.0
    assert jacobian(lambda x: x[:0])(tensor(X)).shape == (0, 3)
    assert jacobian(lambda x: x * 2)(tensor(X.astype(np.float32))).dtype is pb.float32
    assert jacobian(lambda x: pb.ones(2))(tensor(X)).tolist() == [[0.0] * 3] * 2


def number(x: Any) -> Any:
    return pb.sum(pb.sin(x) * pb.roll(x, 1) ** 2) * pb.prod(x)


@pytest.mark.parametrize(("outer", "inner"), list(itertools.product([jacrev, jacfwd], repeat=2)))
def test_hessians_agree_in_all_modes(outer: Any, inner: Any, device: str) -> None:
    x = tensor(X, device)
    found = host(outer(inner(number))(x))
    for i in range(3):
        slopes = directional(lambda x: host(grad(number)(tensor(x))), [X], [np.eye(3)[i]])
        assert_close(found[:, i], slopes, f"column {i}")
    assert_close(host(hessian(number)(x)), found, "hessian", 1e-12)
    assert_close(found, found.T, "symmetry", 1e-12)


def test_hessian_of_several_arguments() -> None:
    blocks = hessian(lambda x, y: pb.sum(y @ x) * pb.sum(x), (0, 1))(tensor(X), tensor(Y))
    assert [[b.shape for b in row] for row in blocks] == [[(3, 3), (3, 2, 3)], [(2, 3, 3), (2, 3, 2, 3)]]
    assert_close(host(blocks[1][0]), np.moveaxis(host(blocks[0][1]), 0, -1), "mixed derivatives commute", 1e-12)
    columns = Y.sum(axis=0)
    assert_close(host(blocks[0][0]), np.add.outer(columns, columns), "d2 / dx2", 1e-12)


def test_hvp_is_the_hessian_times_a_vector() -> None:
    x, v = tensor(X), tensor(X[::-1].copy())
    assert_close(host(hvp(number, (x,), (v,))), host(hessian(number)(x)) @ host(v), "product", 1e-12)
    two = hvp(lambda x, y: pb.sum(x * y), (x, v), (v, x))
    assert [t.tolist() for t in two] == [x.tolist(), v.tolist()]


def test_the_third_derivative() -> None:
    found = jacfwd(jacrev(jacfwd(lambda x: pb.sum(x**3))))(tensor(X))
    expected = np.zeros((3, 3, 3))
    expected[range(3), range(3), range(3)] = 6
    assert_close(host(found), expected, "third derivative", 1e-12)


def test_a_hessian_for_each_example() -> None:
    batch = np.stack([X, 2 * X, X - 1])
    found = vmap(hessian(number))(tensor(batch))
    expected = np.stack([host(hessian(number)(tensor(x))) for x in batch])
    assert_close(host(found), expected, "vmap of hessian", 1e-12)


@BOTH
def test_rows_run_as_one_batch(jacobian: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many operations for a hundred rows as for one."""
    from pullback.batching import BatchedBackend

    counts = []
    run = BatchedBackend.run

    def counting(self: Any, *args: Any) -> Any:
        counts[-1] += 1
        return run(self, *args)

    monkeypatch.setattr(BatchedBackend, "run", counting)
    for n in (1, 100):
        counts.append(0)
        jacobian(lambda x: pb.sin(x) * pb.sum(x))(pb.ones(n))
    assert counts[0] == counts[1] > 0


@BOTH
def test_complex_linear_maps(jacobian: Any) -> None:
    """For a holomorphic function, forward mode gives f'(z), reverse mode its conjugate."""
    z = tensor(np.asarray([1.0 + 2.0j, -0.5j]))
    expected = np.diag(2 * host(z))
    assert_close(host(jacobian(lambda z: z**2)(z)), expected if jacobian is jacfwd else expected.conj(), "f'", 1e-12)
