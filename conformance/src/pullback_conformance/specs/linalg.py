"""The linalg extension. Results that are fixed only up to a phase or a basis are compared by what does not depend on it."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Domain, Fails, Kink, OpSpec, case
from pullback_conformance.specs.base import row

REGULAR = Arg("x", Domain(-1.0, 1.0, shape_of="regular", imaginary=(-0.5, 0.5)))
WIDE = Arg("x", Domain(-2.0, 2.0))
INF = float("inf")
_REFUSES = frozenset({"gradient"})
"""Of rules that refuse degenerate matrices: they look for equal eigenvalues, zeros on a diagonal, parallel vectors."""
_LOOSE = {"float32": 1024.0, "complex64": 1024.0, "float64": 2048.0, "complex128": 2048.0}
_SQUARE = tuple(case(shape) for shape in ((3, 3), (2, 2, 2), (1, 1), (0, 0), (0, 2, 2)))
_TALL = tuple(case(shape) for shape in ((3, 3), (3, 2), (2, 3), (2, 2, 2), (1, 3, 2), (1, 1)))


def matrix(name: str, *args: Arg, over: Any = None, cases: Any = _SQUARE, **options: Any) -> OpSpec:
    """A function of matrices."""
    options.setdefault("complex", "general")
    options.setdefault("tol", _LOOSE)
    return row(
        f"linalg.{name}", *(args or (REGULAR,)), over=over, kind="matrix", cases=cases, module="linalg", **options
    )


def adjoint(xp: Any, x: Any) -> Any:
    """Transposed, and conjugated if complex."""
    return xp.conj(xp.matrix_transpose(x)) if xp.isdtype(x.dtype, "complex floating") else xp.matrix_transpose(x)


def hermitian(xp: Any, x: Any) -> Any:
    """The Hermitian part, with eigenvalues apart: what a library reads of a triangle must not matter."""
    n = x.shape[-1]
    spread = xp.reshape(xp.arange(n, dtype=x.dtype, device=x.device), (n, 1)) * xp.eye(
        n, dtype=x.dtype, device=x.device
    )
    return (x + adjoint(xp, x)) / 2 + 3 * spread


def positive(xp: Any, x: Any) -> Any:
    """A positive definite matrix."""
    n = x.shape[-1]
    return xp.matmul(x, adjoint(xp, x)) + xp.eye(n, dtype=x.dtype, device=x.device)


def _eigh(xp: Any, x: Any) -> Any:
    w, v = xp.linalg.eigh(hermitian(xp, x))
    return w, xp.abs(v) ** 2


def _turned(xp: Any, x: Any) -> Any:
    """A matrix whose eigenvalues are apart and, but for one, not real."""
    above, below = (xp.eye(x.shape[-1], k=k, dtype=x.dtype, device=x.device) for k in (1, -1))
    return x + 3 * (above - below)


def _eig(xp: Any, x: Any) -> Any:
    """A function of eigenvalues and eigenvectors that no order and no phase changes: sum of w^2 |v|^2 over the vectors."""
    w, v = xp.linalg.eig(_turned(xp, x))
    weights = xp.abs(v) ** 2
    return xp.sum(xp.expand_dims(xp.abs(w) ** 2, axis=-2) * weights, axis=-1), xp.sum(w * w, axis=-1)


def _eigvals(xp: Any, x: Any) -> Any:
    w = xp.linalg.eigvals(x)
    return xp.sum(w * w, axis=-1), xp.sum(xp.abs(w) ** 2, axis=-1)


def _svd(xp: Any, x: Any, full_matrices: bool = False) -> Any:
    """Of the vectors that complete a basis, what they span: their projector."""
    u, s, vh = xp.linalg.svd(x, full_matrices=full_matrices)
    n = s.shape[-1]
    found = (s, xp.abs(u[..., :n]) ** 2, xp.matmul(u[..., :n], vh[..., :n, :]))
    if not full_matrices:
        return found
    return *found, _span(xp, u[..., n:]), _span(xp, adjoint(xp, vh[..., n:, :]))


def _qr(xp: Any, x: Any, mode: str = "reduced") -> Any:
    q, r = xp.linalg.qr(x, mode=mode)
    n = min(x.shape[-2:])
    return (q, r) if mode == "reduced" else (q[..., :n], r, _span(xp, q[..., n:]))


def _span(xp: Any, vectors: Any) -> Any:
    """The projector onto what orthonormal columns span; no basis of it matters."""
    return xp.matmul(vectors, adjoint(xp, vectors))


def _norm(kwargs: dict[str, Any], *shapes: Any) -> list[Any]:
    return [case(shape, **kwargs) for shape in shapes]


SPECS = [
    matrix(
        "cholesky",
        over=lambda xp, x, **kw: xp.linalg.cholesky(positive(xp, x), **kw),
        cases=(*_SQUARE, case((2, 2), upper=True)),
    ),
    matrix(
        "cross",
        WIDE,
        WIDE,
        cases=[
            case((3,), (3,)),
            case((2, 3), (3,)),
            case((2, 1, 3), (2, 3)),
            case((3, 2), (3, 1), axis=-2),
            case((3, 3), (3, 3), axis=-2),
        ],
        errors=[Fails((np.zeros(2), np.zeros(2)), ValueError)],
    ),
    matrix(
        "det",
        WIDE,
        cases=(*_SQUARE, case((7, 7))),
        samples=lambda rng: [("singular", (np.asarray([[1.0, 2.0], [2.0, 4.0]]),))],
    ),
    row(
        "linalg.diagonal",
        WIDE,
        kind="structural",
        complex="general",
        cases=[
            *(case((3, 3), offset=k) for k in (-3, -1, 0, 2)),
            *(case((2, 4), offset=k) for k in (-1, 1, 3)),
            *(case((4, 2), offset=k) for k in (-3, 0, 1)),
            case((2, 3, 3)),
            case((0, 3)),
        ],
        module="linalg",
    ),
    matrix("eig", over=_eig, cases=_SQUARE[:3], reads=_REFUSES),
    matrix("eigh", over=_eigh, cases=_SQUARE[:4], reads=_REFUSES),
    matrix("eigvals", over=_eigvals, cases=_SQUARE[:3], reads=_REFUSES),
    matrix("eigvalsh", over=lambda xp, x: xp.linalg.eigvalsh(hermitian(xp, x)), cases=_SQUARE[:4], reads=_REFUSES),
    matrix("inv", errors=[Fails((np.zeros((2, 3)),), (ValueError, RuntimeError, np.linalg.LinAlgError))]),
    matrix(
        "matrix_norm",
        over=lambda xp, x, **kw: xp.linalg.matrix_norm(x, **kw),
        cases=[
            *(case((3, 2), ord=ord) for ord in ("fro", "nuc", 1, -1, 2, -2, INF, -INF)),
            *(case((2, 2, 3), ord=ord, keepdims=True) for ord in ("fro", "nuc", 1, 2, INF)),
            case((1, 1)),
        ],
        reads=_REFUSES,
        kinks=[Kink((np.zeros((2, 2)),), (np.zeros((2, 2)),), contained=False)],
    ),
    matrix(
        "matrix_power",
        over=lambda xp, x, n: xp.linalg.matrix_power(x, n),
        cases=[*(case((2, 2), n=n) for n in range(-2, 5)), case((2, 2, 2), n=3), case((0, 0), n=2)],
    ),
    row(
        "linalg.matrix_rank",
        WIDE,
        kind="constant",
        cases=[case((3, 2)), case((2, 2, 2))],
        complex="general",
        module="linalg",
    ),
    matrix("outer", WIDE, WIDE, cases=[case((2,), (3,)), case((2,), (2,)), case((0,), (2,))]),
    matrix("pinv", cases=_TALL),
    matrix(
        "qr",
        over=_qr,
        cases=[*_TALL, *(case(shape, mode="complete") for shape in ((4, 2), (2, 3), (2, 3, 2)))],
        reads=_REFUSES,
    ),
    matrix("slogdet", over=lambda xp, x: tuple(xp.linalg.slogdet(x)), cases=_SQUARE),
    matrix(
        "solve",
        REGULAR,
        WIDE,
        cases=[
            *(case(a, b) for a, b in [((3, 3), (3,)), ((3, 3), (3, 2)), ((2, 2, 2), (2, 2, 1)), ((2, 2, 2), (2, 3))]),
            *(case(a, b) for a, b in [((2, 2), (3, 2, 2)), ((2, 2, 2), (2,)), ((1, 1), (1,)), ((2, 2), (2, 0))]),
        ],
    ),
    matrix(
        "svd",
        over=_svd,
        cases=[*_TALL, *(case(shape, full_matrices=True) for shape in ((4, 2), (2, 4), (2, 3, 2), (2, 2)))],
        reads=_REFUSES,
    ),
    matrix("svdvals", cases=_TALL, reads=_REFUSES),
    row(
        "linalg.trace",
        WIDE,
        kind="linear",
        complex="general",
        cases=[
            *(case((3, 3), offset=k) for k in (0, 1, -1)),
            case((2, 3, 2), offset=-1),
            case((0, 0)),
            case((2, 2), offset=5),
        ],
        module="linalg",
    ),
    row(
        "linalg.vector_norm",
        Arg("x", Domain(0.3, 2.0, shape_of="signed", real_part=(0.3, 1.5))),
        kind="general",
        complex="general",
        cases=[
            *(case((4,), ord=ord) for ord in (2, 1, 0, INF, -INF, 3, 2.5, 0.5, -1, -2)),
            *(case((2, 3), ord=ord, axis=-1) for ord in (2, 1, INF, 3)),
            *(case((2, 3, 2), ord=ord, axis=(0, -1), keepdims=True) for ord in (2, 1, 4)),
            case((3, 3), axis=0),
            case((1,), ord=3),
            case(()),
        ],
        samples=lambda rng: [  # even powers are smooth at 0
            (f"an entry 0, ord={ord}", (np.asarray([0.0, 1.0, -2.0]),), {"ord": ord}) for ord in (2, 4, 6)
        ],
        kinks=[
            Kink((np.zeros(3),), (np.zeros(3),)),
            *(Kink((np.zeros(3),), (np.zeros(3),), {"ord": ord}, contained=False) for ord in (3, 0.5)),
            Kink((np.asarray([0.0, 2.0]),), (np.asarray([0.0, 1.0]),), {"ord": 1}),
            Kink((np.asarray([3.0, -3.0, 1.0]),), (np.asarray([0.5, -0.5, 0.0]),), {"ord": INF}),
        ],
        tol={"float32": 256, "complex64": 256},
        module="linalg",
    ),
]
