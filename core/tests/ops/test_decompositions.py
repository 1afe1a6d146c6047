"""Matrix decompositions against NumPy and finite differences.

Vectors of a complex decomposition are unique only up to a phase, so the calls below fix it (`turned`), and those of a
hermitian argument are of its hermitian part: what is differentiated is a function of all elements.
"""

from __future__ import annotations

from typing import Any

import pytest
from helpers.checks import Rows, check_derivatives, gaussian, numbered, strided
from pullback.ops import decompositions
from pullback.ops.matrices import adjoint, hermitian_part, is_complex


def positive(xp: Any, x: Any) -> Any:
    """A positive definite matrix."""
    return xp.matmul(x, adjoint(xp, x)) + xp.eye(x.shape[-2], dtype=x.dtype, device=x.device)


def turned(xp: Any, vectors: Any) -> tuple[Any, Any]:
    """Vectors (columns) with a real first component, and the phases that do it."""
    if not is_complex(xp, vectors) or vectors.shape[-2] == 0:
        return vectors, xp.ones((1, 1), dtype=vectors.dtype, device=vectors.device)
    phases = xp.conj(xp.sign(vectors[..., 0, :]))[..., None, :]
    return vectors * phases, phases


def eigh(xp: Any, x: Any) -> Any:
    values, vectors = xp.linalg.eigh(hermitian_part(xp, x))
    return values, turned(xp, vectors)[0]


def eig(xp: Any, x: Any) -> Any:
    """In the order of a smooth function of the eigenvalues, which LAPACK does not promise."""
    values, vectors = xp.linalg.eig(x)
    return values, turned(xp, vectors)[0]


def svd(xp: Any, x: Any, full: bool = False) -> Any:
    """The thin factors, and those projections of the completing columns that are unique."""
    u, s, vh = xp.linalg.svd(x, full_matrices=full)
    rank = s.shape[-1]
    first, phases = turned(xp, u[..., :rank])
    rests = [x for x in (u[..., rank:], adjoint(xp, vh)[..., rank:]) if x.shape[-1]]
    projections = [xp.matmul(x, adjoint(xp, x)) for x in rests]
    turned_vh = adjoint(xp, phases) * vh[..., :rank, :]
    return first, s, turned_vh, *projections


def qr_complete(xp: Any, x: Any) -> Any:
    q, r = xp.linalg.qr(x, mode="complete")
    rank = min(x.shape[-2:])
    rest = q[..., rank:]
    return q[..., :rank], r, xp.matmul(rest, adjoint(xp, rest))


ROWS: Rows = {
    "cholesky": [
        (lambda xp, x: xp.linalg.cholesky(positive(xp, x)), (3, 3)),
        (lambda xp, x: adjoint(xp, xp.linalg.cholesky(positive(xp, x))), (2, 2, 2)),
        (lambda xp, x: xp.linalg.cholesky(positive(xp, x), upper=True), (2, 2)),
        (lambda xp, x: xp.linalg.cholesky(positive(xp, x)), (1, 1)),
        (lambda xp, x: xp.linalg.cholesky(positive(xp, x)), (0, 0)),
        (lambda xp, x: xp.linalg.cholesky(positive(xp, x)), (0, 2, 2)),
    ],
    "eig": [
        (eig, (3, 3)),
        (eig, (2, 2, 2)),
        (eig, (1, 1)),
        (eig, (0, 0)),
    ],
    "eigh": [
        (eigh, (3, 3)),
        (eigh, (2, 2, 2)),
        (eigh, (1, 1)),
        (eigh, (0, 0)),
        (eigh, (0, 2, 2)),
        (lambda xp, x: xp.linalg.eigh(hermitian_part(xp, x)).eigenvalues, (2, 2)),
        (lambda xp, x: turned(xp, xp.linalg.eigh(hermitian_part(xp, x)).eigenvectors)[0], (2, 2)),
    ],
    "eigvals": [
        (lambda xp, x: xp.linalg.eigvals(x), (3, 3)),
        (lambda xp, x: xp.linalg.eigvals(x), (2, 2, 2)),
        (lambda xp, x: xp.linalg.eigvals(x), (1, 1)),
        (lambda xp, x: xp.linalg.eigvals(x), (0, 0)),
    ],
    "eigvalsh": [
        (lambda xp, x: xp.linalg.eigvalsh(hermitian_part(xp, x)), (3, 3)),
        (lambda xp, x: xp.linalg.eigvalsh(hermitian_part(xp, x)), (2, 2, 2)),
        (lambda xp, x: xp.linalg.eigvalsh(hermitian_part(xp, x)), (1, 1)),
        (lambda xp, x: xp.linalg.eigvalsh(hermitian_part(xp, x)), (0, 0)),
    ],
    "pinv": [
        (lambda xp, x: xp.linalg.pinv(x), (3, 3)),
        (lambda xp, x: xp.linalg.pinv(x), (3, 2)),
        (lambda xp, x: xp.linalg.pinv(x), (2, 2, 3)),
        (lambda xp, x: xp.linalg.pinv(x, rtol=1e-12), (2, 2)),
        (lambda xp, x: xp.linalg.pinv(x), (1, 1)),
        (lambda xp, x: xp.linalg.pinv(x), (2, 0)),
        (lambda xp, x, y: xp.linalg.pinv(xp.matmul(x, y), rtol=1e-8), (3, 2), (2, 3)),
        (lambda xp, x, y: xp.linalg.pinv(xp.matmul(x, y), rtol=1e-8), (3, 1), (1, 2)),
    ],
    "qr": [
        (lambda xp, x: tuple(xp.linalg.qr(x)), (3, 3)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (3, 2)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (2, 3)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (2, 2, 2)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (1, 1)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (1, 3)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (3, 0)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (0, 2)),
        (lambda xp, x: tuple(xp.linalg.qr(x)), (0, 2, 2)),
        (lambda xp, x: xp.linalg.qr(x).R, (3, 2)),
        (lambda xp, x: xp.linalg.qr(x).Q, (3, 2)),
        (qr_complete, (3, 2)),
        (qr_complete, (3, 1)),
        (qr_complete, (2, 3)),
        (qr_complete, (2, 2, 1)),
    ],
    "svd": [
        (svd, (3, 3)),
        (svd, (3, 2)),
        (svd, (2, 3)),
        (svd, (2, 2, 2)),
        (svd, (1, 1)),
        (svd, (1, 3)),
        (svd, (0, 2, 2)),
        (lambda xp, x: svd(xp, x, full=True), (3, 2)),
        (lambda xp, x: svd(xp, x, full=True), (2, 3)),
        (lambda xp, x: svd(xp, x, full=True), (2, 3, 1)),
        (lambda xp, x: xp.linalg.svd(x).S, (2, 3)),
    ],
    "svdvals": [
        (lambda xp, x: xp.linalg.svdvals(x), (3, 3)),
        (lambda xp, x: xp.linalg.svdvals(x), (2, 3, 2)),
        (lambda xp, x: xp.linalg.svdvals(x), (1, 3)),
        (lambda xp, x: xp.linalg.svdvals(x), (1, 1)),
        (lambda xp, x: xp.linalg.svdvals(x), (0, 2, 2)),
    ],
}


def test_every_decomposition_has_a_row() -> None:
    functions = {
        name
        for name, value in vars(decompositions).items()
        if getattr(value, "__module__", "") == decompositions.__name__ and name.islower() and not name.startswith("_")
    }
    assert functions == set(ROWS)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)
