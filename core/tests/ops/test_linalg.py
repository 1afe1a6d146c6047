"""The linear algebra extension, its decompositions apart, against NumPy and finite differences."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, host, numbered, strided, tensor
from pullback.ops import decompositions, linalg, linear_algebra_functions

INF = math.inf


def norm(shape: Any, **options: Any) -> tuple[Any, ...]:
    return (lambda xp, x: xp.linalg.vector_norm(x, **options), shape)


def matrix_norm(shape: tuple[int, ...], **options: Any) -> tuple[Any, ...]:
    return (lambda xp, x: xp.linalg.matrix_norm(x, **options), shape)


def regular(xp: Any, x: Any) -> Any:
    """A well-conditioned matrix."""
    return x + 3 * xp.eye(x.shape[-1], dtype=x.dtype, device=x.device)


ROWS: Rows = {
    "cross": [
        (lambda xp, x, y: xp.linalg.cross(x, y), (3,), (3,)),
        (lambda xp, x, y: xp.linalg.cross(x, y), (2, 3), (3,)),
        (lambda xp, x, y: xp.linalg.cross(x, y), (2, 1, 3), (2, 3)),
        (lambda xp, x, y: xp.linalg.cross(x, y, axis=-2), (3, 2), (3, 1)),
        (lambda xp, x, y: xp.linalg.cross(x, y), (0, 3), (1, 3)),
        (lambda xp, x: xp.linalg.cross(x, x * x), (3,)),
    ],
    "det": [
        *((lambda xp, x: xp.linalg.det(x), (n, n)) for n in range(5)),
        (lambda xp, x: xp.linalg.det(x), (2, 3, 3)),
        (lambda xp, x: xp.linalg.det(x), (0, 2, 2)),
    ],
    "diagonal": [
        *((lambda xp, x, k=k: xp.linalg.diagonal(x, offset=k), (3, 3)) for k in range(-3, 4)),
        *((lambda xp, x, k=k: xp.linalg.diagonal(x, offset=k), (2, 4)) for k in range(-2, 5)),
        *((lambda xp, x, k=k: xp.linalg.diagonal(x, offset=k), (4, 2)) for k in range(-4, 3)),
        (lambda xp, x: xp.linalg.diagonal(x), (2, 3, 3)),
        (lambda xp, x: xp.linalg.diagonal(x, offset=-1), (2, 3, 2)),
        (lambda xp, x: xp.linalg.diagonal(x), (0, 3)),
        (lambda xp, x: xp.linalg.diagonal(x), (1, 1)),
    ],
    "inv": [
        *((lambda xp, x: xp.linalg.inv(regular(xp, x)), (n, n)) for n in range(4)),
        (lambda xp, x: xp.linalg.inv(regular(xp, x)), (2, 2, 2)),
        (lambda xp, x: xp.linalg.inv(x), (0, 2, 2)),
    ],
    "matmul": [
        (lambda xp, x, y: xp.linalg.matmul(x, y), (2, 3), (3, 2)),
        (lambda xp, x, y: xp.linalg.matmul(x, y), (2, 1, 2, 3), (3,)),
    ],
    "matrix_norm": [
        *(matrix_norm((3, 2), ord=p) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)),
        *(matrix_norm((2, 2, 3), ord=p, keepdims=True) for p in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)),
        matrix_norm((2, 3)),
        matrix_norm((1, 1)),
        matrix_norm((0, 2, 2), ord="nuc"),
        matrix_norm((2, 0)),
        matrix_norm((2, 0), ord="nuc"),
    ],
    "matrix_power": [
        *((lambda xp, x, n=n: xp.linalg.matrix_power(regular(xp, x), n), (2, 2)) for n in range(-3, 6)),
        (lambda xp, x: xp.linalg.matrix_power(x, 3), (2, 2, 2)),
        (lambda xp, x: xp.linalg.matrix_power(x, 2), (1, 1)),
        (lambda xp, x: xp.linalg.matrix_power(x, 2), (0, 0)),
    ],
    "matrix_transpose": [(lambda xp, x: xp.linalg.matrix_transpose(x), (2, 3))],
    "outer": [
        (lambda xp, x, y: xp.linalg.outer(x, y), (2,), (3,)),
        (lambda xp, x, y: xp.linalg.outer(x, y), (0,), (2,)),
        (lambda xp, x: xp.linalg.outer(x, x), (2,)),
    ],
    "slogdet": [
        *((lambda xp, x: tuple(xp.linalg.slogdet(x)), (n, n)) for n in range(4)),
        (lambda xp, x: tuple(xp.linalg.slogdet(x)), (2, 2, 2)),
        (lambda xp, x: xp.linalg.slogdet(x).logabsdet, (2, 2)),
        (lambda xp, x: xp.linalg.slogdet(x).sign, (2, 2)),
        (lambda xp, x: tuple(xp.linalg.slogdet(x)), (0, 2, 2)),
    ],
    "solve": [
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (3, 3), (3,)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (3, 3), (3, 2)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (2, 2, 2), (2, 2, 1)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (2, 2, 2), (2, 3)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (2, 2), (3, 2, 2)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (2, 1, 2, 2), (3, 2, 1)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (2, 2, 2), (2,)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (1, 1), (1,)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (0, 0), (0, 2)),
        (lambda xp, x, y: xp.linalg.solve(x, y), (0, 2, 2), (2, 1)),
        (lambda xp, x, y: xp.linalg.solve(regular(xp, x), y), (2, 2), (2, 0)),
        (lambda xp, x: xp.linalg.solve(regular(xp, x), x), (2, 2)),
    ],
    "tensordot": [(lambda xp, x, y: xp.linalg.tensordot(x, y, axes=1), (2, 3), (3, 2))],
    "trace": [
        (lambda xp, x: xp.linalg.trace(x), (3, 3)),
        (lambda xp, x: xp.linalg.trace(x, offset=1), (2, 3)),
        (lambda xp, x: xp.linalg.trace(x, offset=-1), (2, 3, 2)),
        (lambda xp, x: xp.linalg.trace(x, offset=5), (2, 2)),
        (lambda xp, x: xp.linalg.trace(x), (0, 0)),
    ],
    "vecdot": [(lambda xp, x, y: xp.linalg.vecdot(x, y, axis=-2), (3, 2), (3, 1))],
    "vector_norm": [
        *(norm((4,), ord=p) for p in (2, 1, 0, INF, -INF, 3, 2.5, 0.5, -1, -2)),
        *(norm((2, 3), ord=p, axis=-1) for p in (2, 1, 0, INF, -INF, 3, 0.5, -2)),
        *(norm((2, 3, 2), ord=p, axis=(0, -1), keepdims=True) for p in (2, 1, INF, -INF, 4)),
        norm((2, 3)),
        norm((2, 3), keepdims=True),
        norm((2, 3), axis=0),
        norm((2, 1, 2), axis=(2, 0)),
        norm(()),
        norm((1, 1)),
        norm((0,)),
        norm((0, 2), axis=0),
        norm((0, 2), axis=1, ord=3),
        norm((0,), ord=1),
        (lambda xp, x: xp.linalg.vector_norm(xp.stack([x, 2 * x])), (2,)),
    ],
}


def test_every_differentiable_function_has_a_row() -> None:
    names = {name for name in linalg.__all__ if getattr(linalg, name).__module__ != decompositions.__name__}
    assert names == set(ROWS) | {"matrix_rank"}


@pytest.mark.parametrize("name", ["matmul", "matrix_transpose", "tensordot", "vecdot"])
def test_the_products_are_those_of_the_main_namespace(name: str) -> None:
    assert getattr(linalg, name) is getattr(linear_algebra_functions, name)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered({"solve": ROWS["solve"][:3], "outer": ROWS["outer"][:1]}))
def test_real_by_complex(call: Any, arguments: list[Any], device: str) -> None:
    (x, y), (z, w) = gaussian(arguments), gaussian(arguments, "complex")
    check_derivatives(call, [x, w], device=device)
    check_derivatives(call, [z, y], device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


# --- where elements are zero or equal, and the functions smooth all the same -------------------------------------------

ONE, DIAGONAL = np.eye(3), np.diag([1.0, -2.0, 3.0])
SPARSE = np.asarray([[0.0, 2.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 3.0]])
TRIANGLE = np.asarray([[2.0, 0.0, 0.0], [1.0, 2.0, 0.0], [0.0, 0.0, 2.0]])
EQUAL = np.ones((3, 3))
ZERO = np.zeros((3, 3))
REGULAR = (ONE, DIAGONAL, SPARSE, TRIANGLE)


def signed_qr(xp: Any, x: Any) -> tuple[Any, Any]:
    """QR with a positive diagonal of R: the signs that LAPACK chooses jump at triangular matrices."""
    q, r = xp.linalg.qr(x)
    signs = xp.sign(xp.linalg.diagonal(r))
    return q * signs[..., None, :], xp.conj(signs)[..., :, None] * r


SPECIAL: Rows = {
    "vector_norm": [
        *(norm([0.0, 2.0, -1.0], ord=p) for p in (2, 4, 6)),
        *(norm([[0.0, 2.0], [3.0, 0.0]], ord=p, axis=0) for p in (2, 4)),
        norm([2.0, 2.0], ord=3),
    ],
    "matrix_norm": [(lambda xp, x: xp.linalg.matrix_norm(x), x) for x in REGULAR],
    "det": [(lambda xp, x: xp.linalg.det(x), x) for x in (*REGULAR, EQUAL, ZERO)],
    "slogdet": [(lambda xp, x: tuple(xp.linalg.slogdet(x)), x) for x in REGULAR],
    "inv": [(lambda xp, x: xp.linalg.inv(x), x) for x in REGULAR],
    "matrix_power": [
        (lambda xp, x, n=n: xp.linalg.matrix_power(x, n), x) for n in (2, 3) for x in (*REGULAR, EQUAL, ZERO)
    ],
    "solve": [(lambda xp, x, y: xp.linalg.solve(x, y), x, y) for x in REGULAR for y in (ZERO, EQUAL, ZERO[0])],
    "cross": [(lambda xp, x, y: xp.linalg.cross(x, y), x, y) for x in (ONE, ZERO) for y in (ONE, EQUAL)],
    "pinv": [(lambda xp, x: xp.linalg.pinv(x), x) for x in (*REGULAR, SPARSE[:2], SPARSE[:, :2])],
    "cholesky": [(lambda xp, x: xp.linalg.cholesky(xp.matmul(x, xp.conj(xp.matrix_transpose(x)))), x) for x in REGULAR],
    "qr": [(signed_qr, x) for x in (*REGULAR, SPARSE[:2], SPARSE[:, :2])],
    "eigvalsh": [
        (lambda xp, x: xp.linalg.eigvalsh(x + xp.conj(xp.matrix_transpose(x))), x) for x in (DIAGONAL + SPARSE, SPARSE)
    ],
    "svdvals": [(lambda xp, x: xp.linalg.svdvals(x), x) for x in (DIAGONAL, SPARSE, SPARSE[:2])],
}


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(SPECIAL))
def test_special_matrices(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    arrays = [np.asarray(x) * (1j if kind == "complex" else 1.0) for x in arguments]
    check_derivatives(call, arrays, device=device)


# --- kinks -----------------------------------------------------------------------------------------------------------

KINKS: list[tuple[str, Any, Any, Any]] = [
    *(
        (f"vector norm {p} at 0", lambda x, p=p: pb.linalg.vector_norm(x, ord=p), [0.0, 0.0], [0.0, 0.0])
        for p in (2, 3, 0.5, 1, INF, -INF, 0)
    ),
    ("vector norm 3 with a zero", lambda x: pb.linalg.vector_norm(x, ord=3), [0.0, 2.0], [0.0, 1.0]),
    ("vector norm 1 with a zero", lambda x: pb.linalg.vector_norm(x, ord=1), [0.0, -2.0], [0.0, -1.0]),
    ("vector norm inf, a tie", lambda x: pb.linalg.vector_norm(x, ord=INF), [3.0, -3.0, 1.0], [0.5, -0.5, 0.0]),
    ("vector norm -inf, a tie", lambda x: pb.linalg.vector_norm(x, ord=-INF), [3.0, -1.0, 1.0], [0.0, -0.5, 0.5]),
    ("vector norm of huge numbers", lambda x: pb.linalg.vector_norm(x, ord=4), [3e60, 3e60], [2**-0.75, 2**-0.75]),
    ("matrix norm 1, a tie", lambda x: pb.linalg.matrix_norm(x, ord=1), [[1.0, -1.0]], [[0.5, -0.5]]),
    ("matrix norm inf", lambda x: pb.linalg.matrix_norm(x, ord=INF), [[1.0, -1.0]], [[1.0, -1.0]]),
    ("matrix norm fro at 0", lambda x: pb.linalg.matrix_norm(x), [[0.0, 0.0]], [[0.0, 0.0]]),
    ("matrix norm nuc at 0", lambda x: pb.linalg.matrix_norm(x, ord="nuc"), [[0.0, 0.0], [0.0, 0.0]], np.eye(2)),
    ("power 0 of what is not finite", lambda x: pb.linalg.matrix_power(x, 0).sum(), [[INF]], [[0.0]]),
    ("det of a singular matrix", pb.linalg.det, [[1.0, 2.0], [2.0, 4.0]], [[4.0, -2.0], [-2.0, 1.0]]),
    ("det of zeros", pb.linalg.det, [[0.0, 0.0], [0.0, 0.0]], [[0.0, 0.0], [0.0, 0.0]]),
]


@pytest.mark.parametrize(("call", "x", "expected"), [k[1:] for k in KINKS], ids=[k[0] for k in KINKS])
def test_kinks(call: Any, x: Any, expected: Any, device: str) -> None:
    at = tensor(np.asarray(x), device, requires_grad=True)
    out = call(at)
    (grad,) = pb.autograd.grad(out, at, pb.full_like(out, 2.0))
    np.testing.assert_allclose(host(grad), 2.0 * np.asarray(expected), rtol=1e-14, atol=1e-14)
    for index in np.ndindex(*at.shape):
        unit = np.zeros(at.shape)
        unit[index] = 1.0
        _, tangent = pb.func.jvp(call, (at.detach(),), (tensor(unit, device),))
        np.testing.assert_allclose(host(tangent), np.asarray(expected)[index], rtol=1e-14, atol=1e-14)


# --- singular matrices -----------------------------------------------------------------------------------------------


def minors(x: np.ndarray) -> np.ndarray:
    """The gradient of det by its definition: signed minors."""
    n = len(x)
    found = np.zeros_like(x)
    for i, j in np.ndindex(n, n):
        rest = np.delete(np.delete(x, i, axis=0), j, axis=1)
        found[i, j] = (-1) ** (i + j) * (np.linalg.det(rest) if n > 1 else 1.0)
    return found.conj()


def of_rank(n: int, rank: int, kind: str) -> np.ndarray:
    x, y = gaussian([(n, rank), (rank, n)], kind)
    return np.asarray(x @ y) / max(1.0, rank**0.5)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize("deficit", [0, 1, 2, 3])
@pytest.mark.parametrize("n", [1, 2, 3, 5, 9, 12])
def test_the_gradient_of_det_is_right_at_every_rank(n: int, deficit: int, kind: str, device: str) -> None:
    matrix = of_rank(n, max(n - deficit, 0), kind)
    x = tensor(matrix, device, requires_grad=True)
    out = pb.linalg.det(x)
    (grad,) = pb.autograd.grad(out, x, pb.ones_like(out))
    expected = minors(matrix)
    rounding = 1e-14 * float(np.prod(np.maximum(1.0, np.linalg.svdvals(matrix))))
    np.testing.assert_allclose(host(grad), expected, rtol=1e-10, atol=rounding)
    (direction,) = gaussian([matrix.shape], kind, seed=5)
    _, tangent = pb.func.jvp(pb.linalg.det, (x.detach(),), (tensor(direction, device),))
    np.testing.assert_allclose(host(tangent), np.sum(expected.conj() * direction), rtol=1e-10, atol=99 * rounding)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("n", "rank"), [(2, 1), (3, 2), (3, 1), (4, 2), (9, 8), (9, 7)])
def test_det_has_second_derivatives_at_singular_matrices(n: int, rank: int, kind: str, device: str) -> None:
    forward = n <= 8  # beyond, the two modes use different factorizations: see the test above
    matrix = of_rank(n, rank, kind)
    check_derivatives(lambda xp, x: xp.linalg.det(x), [matrix], device=device, forward=forward, values=1e-12)


def test_det_has_third_derivatives_at_a_singular_matrix(device: str) -> None:
    x = tensor(np.diag([0.0, 0.0, 0.0]), device, requires_grad=True)
    first, second, third = (tensor(np.diag(row), device) for row in np.eye(3))
    total = pb.linalg.det(x)
    for direction in (first, second, third):
        (grad,) = pb.autograd.grad(total, x, create_graph=True)
        total = pb.sum(grad * direction)
    assert float(total) == 1.0  # det is the product of the diagonal


# --- the rest --------------------------------------------------------------------------------------------------------


def test_matrix_rank_is_a_count(device: str) -> None:
    x = tensor(np.stack([np.eye(3), np.diag([1.0, 1e-3, 0.0])]), device, requires_grad=True)
    for rtol, expected in ((None, [3, 2]), (0.1, [3, 1])):
        out = pb.linalg.matrix_rank(x, rtol=rtol)
        assert not out.requires_grad
        np.testing.assert_array_equal(host(out), expected)
    per_matrix = pb.linalg.matrix_rank(x, rtol=tensor([0.1, 1e-6], device))
    np.testing.assert_array_equal(host(per_matrix), [3, 2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pb.linalg.cross(pb.ones(2), pb.ones(2)), "cross: axis -1 must have length 3"),
        (lambda: pb.linalg.outer(pb.ones(2, 2), pb.ones(2)), r"outer: two vectors are needed, got shapes \(2, 2\)"),
        (lambda: pb.linalg.matrix_norm(pb.ones(2, 2), ord=3), "matrix_norm: ord is 'fro', 'nuc'"),
        (lambda: pb.linalg.qr(pb.ones(2, 2), mode="r"), "qr: mode is 'reduced' or 'complete', got 'r'"),
    ],
)
def test_misfits_raise(call: Any, message: str, device: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_a_nan_in_the_cotangent_of_a_diagonal_stays_on_it(offset: int, device: str) -> None:
    x = tensor(np.ones((3, 3)), device, requires_grad=True)
    out = pb.linalg.diagonal(x, offset=offset)
    ct = np.full(out.shape, np.nan)
    (grad,) = pb.autograd.grad(out, x, tensor(ct, device))
    np.testing.assert_array_equal(np.isnan(host(grad)), np.eye(3, k=offset) == 1)
