"""What a program gives in chunks is what it gives on NumPy: values, gradients, gradients of gradients. Nothing is computed
before it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import dask
import dask.array as da
import numpy as np
import pullback as pb
import pytest
from dask._task_spec import Task
from pullback.errors import ArgumentError, DegenerateError
from pullback_dask import linalg

pytestmark = pytest.mark.usefixtures("computes")

A = np.random.default_rng(0).normal(size=(4, 3, 3))
B = np.random.default_rng(1).normal(size=(7, 5))
INDEX = np.array([[3, 0, -1], [2, 2, 1]])
Program = Callable[[Any, Any, Any], Any]  # of the namespace, a Tensor and whatever makes a constant

MATRICES: dict[str, Program] = {
    "det": lambda xp, x, c: xp.linalg.det(x),
    "slogdet": lambda xp, x, c: xp.linalg.slogdet(x)[1],
    "inv": lambda xp, x, c: xp.linalg.inv(x),
    "pinv": lambda xp, x, c: xp.linalg.pinv(x[:, :, :2]),
    "solve": lambda xp, x, c: xp.linalg.solve(x, x[0, :, :]),
    "solve_vector": lambda xp, x, c: xp.linalg.solve(x, x[0, 0, :]),
    "eigh": lambda xp, x, c: xp.linalg.eigh(x + xp.matrix_transpose(x))[1] ** 2,
    "eigvalsh": lambda xp, x, c: xp.linalg.eigvalsh(x + xp.matrix_transpose(x)),
    "cholesky": lambda xp, x, c: xp.linalg.cholesky(x @ xp.matrix_transpose(x) + xp.eye(3, dtype=x.dtype)),
    "qr": lambda xp, x, c: xp.linalg.qr(x)[1] ** 2,
    "svd": lambda xp, x, c: xp.linalg.svd(x, full_matrices=False)[0] ** 2,
    "svdvals": lambda xp, x, c: xp.linalg.svdvals(x),
    "cross": lambda xp, x, c: xp.linalg.cross(x, xp.flip(x, axis=0), axis=1),
    "trace": lambda xp, x, c: xp.linalg.trace(x, offset=1),
    "diagonal": lambda xp, x, c: xp.linalg.diagonal(x, offset=-1),
    "matrix_power": lambda xp, x, c: xp.linalg.matrix_power(x, 3),
    "matmul": lambda xp, x, c: x @ x[0, 0, :],
    "tensordot": lambda xp, x, c: xp.tensordot(x, x, axes=((0, 1), (0, 2))),
}
ROWS: dict[str, Program] = {
    "sort": lambda xp, x, c: xp.sort(x, axis=0, descending=True),
    "argsort": lambda xp, x, c: xp.take_along_axis(x, xp.argsort(x, axis=1), axis=1) ** 2,
    "max": lambda xp, x, c: xp.max(x, axis=0) * xp.min(x, axis=0),
    "argmax": lambda xp, x, c: x * xp.astype(xp.argmax(x, axis=0), x.dtype),
    "prod": lambda xp, x, c: xp.prod(x, axis=1),
    "std": lambda xp, x, c: xp.std(x, axis=0, correction=1.0),
    "cumulative_sum": lambda xp, x, c: xp.cumulative_sum(x, axis=0, include_initial=True),
    "cumulative_prod": lambda xp, x, c: xp.cumulative_prod(x, axis=1),
    "take": lambda xp, x, c: xp.take(x, c(INDEX[0]), axis=0),
    "take_along_axis": lambda xp, x, c: xp.take_along_axis(x, c(np.array([[3, 0, -1, 6, 1]])), axis=0),
    "several_arrays": lambda xp, x, c: x[c(INDEX), c(abs(INDEX))],
    "array_and_slice": lambda xp, x, c: x[1:, None, c(abs(INDEX))],
    "slices": lambda xp, x, c: x[5:0:-2, ..., None, 1:4],
    "set_slice": lambda xp, x, c: written(x, (slice(None, None, 2), 1), 2.0),
    "set_row": lambda xp, x, c: written(x, 3, x[2, :] ** 2),
    "set_arrays": lambda xp, x, c: written(x, (c(INDEX[1]), c(INDEX[0])), x[0, :3] * 3),
    "set_mask": lambda xp, x, c: written(x, x > 0.5, 0.0),
    "set_values_at_mask": lambda xp, x, c: written(x, c(abs(B) > 1.2), c(B[abs(B) > 1.2] * 2)),
    "roll": lambda xp, x, c: xp.roll(x, (1, -2), axis=(0, 1)),
    "repeat": lambda xp, x, c: xp.repeat(x, 2, axis=1),
    "tile": lambda xp, x, c: xp.tile(x, (2, 1, 3)),
    "reshape": lambda xp, x, c: xp.reshape(x, (5, 7)),
    "concat": lambda xp, x, c: xp.concat([x, x[:2, :]]) * 2,
    "diff": lambda xp, x, c: xp.diff(x, axis=0, n=2),
    "fft": lambda xp, x, c: abs(xp.fft.fft(x, n=6, axis=0)),
    "rfft": lambda xp, x, c: abs(xp.fft.rfft(x, axis=1)),
    "irfft": lambda xp, x, c: xp.fft.irfft(x + 1j * x, n=5),
    "fftn": lambda xp, x, c: abs(xp.fft.fftn(x, s=(4, 5))),
    "hypot": lambda xp, x, c: xp.hypot(x, x[:, :1]),
    "where": lambda xp, x, c: xp.where(x > 0, xp.sqrt(xp.abs(x)), 0.0),
    "outer": lambda xp, x, c: xp.linalg.outer(x[0, :], x[:, 0]),
    "row_times_matrix": lambda xp, x, c: x[:, 0] @ x,
    "guarded": lambda xp, x, c: xp.where(x > 0, xp.sqrt(xp.maximum(x, xp.zeros_like(x))), x),
}


def written(x: Any, key: Any, value: Any) -> Any:
    y = x * 1.0
    y[key] = value
    return y


def two_orders(program: Program, x: Any, make: Callable[[Any], Any]) -> list[Any]:
    """The value, its gradient along a cotangent that tells elements apart, and the gradient of that one's norm."""
    out = program(x.__array_namespace__(), x, make)
    weights = make(np.cos(np.arange(out.size, dtype=float)).reshape(out.shape))
    (slope,) = pb.autograd.grad((out * weights).sum(), x, create_graph=True)
    (curve,) = pb.autograd.grad((slope * slope).sum(), x, materialize_grads=True)
    return [out, slope, curve]


@pytest.mark.parametrize(
    ("data", "program"),
    [pytest.param(A, p, id=n) for n, p in MATRICES.items()] + [pytest.param(B, p, id=n) for n, p in ROWS.items()],
)
def test_a_program_gives_in_chunks_what_it_gives_on_numpy(data: Any, program: Program, computes: Any) -> None:
    def chunked(x: Any) -> Any:
        return pb.asarray(x).to("dask")

    wanted = two_orders(program, pb.asarray(data).requires_grad_(), pb.asarray)
    x = chunked(data).requires_grad_()
    found = two_orders(program, x, chunked)
    assert computes.calls == 0
    for got, expected in zip(found, wanted, strict=True):
        assert got.device == "dask"
        assert got.dtype is expected.dtype
        assert got.shape == expected.shape
    pb.compute(found)
    assert computes.calls == 1
    for got, expected in zip(found, wanted, strict=True):
        np.testing.assert_allclose(host(got), host(expected), rtol=1e-9, atol=1e-9)


def host(x: Any) -> Any:
    return x.detach().to("cpu").numpy()


OPERANDS = [
    *[((4,), (4,)), ((3, 4), (4,)), ((4,), (4, 5)), ((3, 4), (4, 5)), ((2, 3, 4), (4,)), ((4,), (2, 4, 5))],
    *[((3, 4), (2, 4, 5)), ((2, 3, 4), (1, 4, 5)), ((2, 1, 3, 4), (2, 4, 5)), ((3, 0), (0, 2)), ((0, 4), (4,))],
]


@pytest.mark.parametrize(("first", "second"), OPERANDS)
def test_products_of_operands_however_they_are_cut(first: Any, second: Any) -> None:
    rng = np.random.default_rng(2)
    for dtype, *sizes in product((np.float64, np.int64, np.complex64), (-1, 1, 2), (-1, 1, 3)):
        pair = [rng.integers(-9, 9, shape).astype(dtype) for shape in (first, second)]
        cut = [da.from_array(x, chunks=size if x.size else -1) for x, size in zip(pair, sizes, strict=True)]
        made, wanted = linalg.matmul(*cut), np.matmul(*pair)
        assert (made.shape, made.dtype) == (wanted.shape, wanted.dtype)
        found = made.compute(scheduler="sync")
        assert (found.shape, found.dtype) == (wanted.shape, wanted.dtype)
        np.testing.assert_array_equal(found, wanted)


def test_a_product_does_not_copy_its_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    x, seen = np.ones((4, 3)), []
    monkeypatch.setattr(np, "matmul", lambda a, b: (seen.append(np.shares_memory(a, x)), a @ b)[1])
    chunked = da.Array({("rows", i, 0): x[2 * i : 2 * i + 2] for i in (0, 1)}, "rows", ((2, 2), (3,)), meta=x[:0])
    linalg.matmul(chunked, da.from_array(np.ones(3))).compute(scheduler="sync")
    assert seen == [True, True]


def test_the_product_with_a_vector_joins_what_is_around_it() -> None:
    """A layer of a net is one task for each chunk; only a sum over all rows has others."""
    x = da.from_array(np.ones((6, 2)), chunks=(2, 2)).persist(scheduler="sync")
    layer = np.tanh(linalg.matmul(x, da.from_array(np.ones(2))) + 1.0)
    (optimized,) = dask.optimize(layer)
    tasks = [task for task in dict(optimized.dask).values() if type(task) is Task]
    assert len(tasks) == 3


def test_equal_indices_add_up_over_chunks() -> None:
    x = pb.asarray(B).to("dask").requires_grad_()
    many = pb.asarray(np.array([1, 1, 0, 6, 1, -1, 2, 1])).to("dask")
    assert many._array.npartitions > 1
    pb.take(x, many, axis=0).sum().backward()
    assert x.grad is not None
    assert x.grad[:, 0].tolist() == [1.0, 4.0, 1.0, 0.0, 0.0, 0.0, 2.0]


def test_a_position_that_is_not_known_yet_is_an_index(computes: Any) -> None:
    x = pb.asarray(B).to("dask").requires_grad_()
    row = x[pb.argmax(x[:, 0]), :]
    assert row.shape == (5,)
    assert computes.calls == 0
    assert row.tolist() == B[B[:, 0].argmax()].tolist()


def test_searchsorted_and_isin() -> None:
    edges, x = pb.asarray(np.array([-1.0, 0.0, 1.0])).to("dask"), pb.asarray(B).to("dask")
    xp = x.__array_namespace__()
    assert xp.searchsorted(edges, x).tolist() == np.searchsorted([-1.0, 0.0, 1.0], B).tolist()
    assert xp.isin(x, x[:2, :], invert=True).tolist() == [[i > 1] * 5 for i in range(7)]


@pytest.mark.parametrize(
    "call",
    [
        lambda xp, x: x[x > 0],
        lambda xp, x: xp.nonzero(x),
        lambda xp, x: xp.unique_values(x),
        lambda xp, x: xp.unique_all(x),
        lambda xp, x: xp.repeat(x, xp.asarray([1, 2, 0, 1, 1, 1, 1]), axis=0),
    ],
)
def test_a_shape_that_depends_on_values_is_refused_with_what_to_write(call: Any, computes: Any) -> None:
    x = pb.asarray(B).to("dask")
    with pytest.raises(ArgumentError, match=r"compute_chunk_sizes\(\)"):
        call(x.__array_namespace__(), x)
    assert computes.calls == 0


def _first_vector(x: Any) -> Any:
    """The first of equal eigenvectors: a choice, which has no derivative."""
    return pb.linalg.eigh(x)[1][:, 0].sum()


WAYS: dict[str, Callable[[Any], Any]] = {
    "reverse": pb.func.grad(_first_vector),
    "forward": lambda x: pb.func.jvp(_first_vector, (x,), (pb.ones_like(x),))[1],
    "recorded": lambda x: pb.autograd.grad(_first_vector(x.requires_grad_()), x, create_graph=True)[0],
    "second": pb.func.grad(lambda x: pb.linalg.eigvalsh(x).square().sum() + pb.func.grad(_first_vector)(x).sum()),
    "of_each": lambda x: pb.func.vmap(pb.func.grad(_first_vector))(pb.stack([x, x])),
}


@pytest.mark.parametrize("way", WAYS)
def test_a_derivative_that_depends_on_a_choice_is_refused_when_it_is_computed(way: str, computes: Any) -> None:
    made = WAYS[way](pb.asarray(np.eye(3)).to("dask"))
    assert computes.calls == 0
    with pytest.raises(DegenerateError, match="eigh"):
        made.tolist()
    generic = WAYS[way](pb.asarray(np.diag([1.0, 2.0, 4.0])).to("dask"))
    np.testing.assert_allclose(
        host(generic), host(WAYS[way](pb.asarray(np.diag([1.0, 2.0, 4.0])))), rtol=1e-12, atol=1e-12
    )
