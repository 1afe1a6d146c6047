"""Matrix decompositions: cholesky, qr, eigh, eig, svd, pinv, and the eigenvalues and singular values alone.

A factor that is defined only up to a choice (the sign or phase of an eigenvector, a basis of a repeated eigenvalue's
space, the columns that complete an orthonormal basis) has a derivative only in functions that do not depend on the
choice. One that does depend on it is refused, see `degenerate.py`. Eigenvalues and singular values alone are those of
the whole decomposition where a derivative is wanted, so that second derivatives see values and vectors together. `alone`
says that one pass differentiates them, and the vectors are for the rules: then a choice among equal values is a kink.

With C = U^H dA V in the basis of the decomposition, each rule is the adjoint of the first-order perturbation formula; see
Giles (2008), Walter and Lehmann (2010), Wan and Zhang (arXiv:1909.02659), and Golub and Pereyra (1973) for pinv.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.declare import explicit, nondifferentiable
from pullback.ops.degenerate import (
    CHOICE,
    SPLIT,
    degenerate,
    inverse,
    inverse_gaps,
    inverse_sums,
    refuse,
    refuse_defective,
    refuse_phase,
    refuse_unequal,
    refuse_where,
)
from pullback.ops.elementwise_functions import conj
from pullback.ops.manipulation_functions import matrix_transpose
from pullback.ops.matrices import (
    adjoint,
    column_scaled,
    diagonal_matrix,
    hermitian_part,
    identity,
    is_complex,
    real,
    skew,
)
from pullback.ops.operands import on_tensors

if TYPE_CHECKING:
    from pullback.tensor import Tensor

# --- cholesky --------------------------------------------------------------------------------------------------------


def _half_lower(xp: Any, x: Any) -> Any:
    """The lower triangle with half of the diagonal."""
    return xp.tril(x) - 0.5 * diagonal_matrix(xp, xp.linalg.diagonal(x))


def _cholesky_vjp(xp: Any, ct: Any, out: Any) -> Any:
    inner = _half_lower(xp, xp.matmul(adjoint(xp, out), ct))
    left = xp.linalg.solve(adjoint(xp, out), inner)  # L^-H P
    return hermitian_part(xp, adjoint(xp, xp.linalg.solve(adjoint(xp, out), adjoint(xp, left))))


def _cholesky_jvp(xp: Any, t: Any, out: Any) -> Any:
    left = xp.linalg.solve(out, hermitian_part(xp, t))
    return xp.matmul(out, _half_lower(xp, adjoint(xp, xp.linalg.solve(out, adjoint(xp, left)))))


_cholesky = explicit("linalg.cholesky", x=_cholesky_vjp, jvp={"x": _cholesky_jvp})


def cholesky(x: Tensor, /, *, upper: bool = False) -> Tensor:
    """The lower triangular L with L L^H = x for a positive definite `x`, or with `upper` the U with U^H U = x.

    The gradient is that of the symmetrised input.

    >>> import pullback as pb
    >>> x = pb.tensor([[4.0, 2.0], [2.0, 5.0]])
    >>> x.__array_namespace__().linalg.cholesky(x)
    tensor([[2., 0.],
            [1., 2.]])
    """
    lower = _cholesky(x)
    if not upper:
        return lower
    upper_factor = matrix_transpose(lower)
    return conj(upper_factor) if x.dtype.is_complex else upper_factor


# --- qr --------------------------------------------------------------------------------------------------------------


class QRResult(NamedTuple):
    """The factors of `qr`."""

    Q: Tensor
    R: Tensor


def _rotation(xp: Any, c: Any) -> Any:
    """The skew-hermitian part of C that turns Q: strictly lower triangle, mirrored, and the phase of the diagonal."""
    lower = xp.tril(c, k=-1)
    turned = lower - adjoint(xp, lower)
    return turned + 1j * diagonal_matrix(xp, xp.imag(xp.linalg.diagonal(c))) if is_complex(xp, c) else turned


def _right_solve(xp: Any, x: Any, r: Any) -> Any:
    """x @ r^-1."""
    return adjoint(xp, xp.linalg.solve(adjoint(xp, r), adjoint(xp, x)))


def _refuse_dependent(xp: Any, r: Any) -> Any:
    """A triangle, refused with a zero on the diagonal."""
    message = "qr: the leading columns of x are linearly dependent, there it has no derivative"
    return xp.refuse_if(r, inverse(xp, xp.abs(xp.linalg.diagonal(r)))[1], message)


def _qr_vjp(xp: Any, cts: tuple[Any, Any], x: Any, out: tuple[Any, Any]) -> Any:
    (q, r), (ct_q, ct_r) = out, cts
    rank = min(x.shape[-2:])
    q1, r1, ct_q1, ct_r1 = q[..., :rank], r[..., :rank, :rank], ct_q[..., :rank], ct_r[..., :rank, :rank]
    r1 = _refuse_dependent(xp, r1)
    if x.shape[-1] > rank:  # wide: R = [R1 | Q1^H Y]
        ct_q1 = ct_q1 + xp.matmul(x[..., rank:], adjoint(xp, ct_r[..., rank:]))
    if q.shape[-1] > rank:  # the columns that complete Q turn with Q1, and otherwise as they like
        q2, ct_q2 = q[..., rank:], ct_q[..., rank:]
        gram = xp.matmul(adjoint(xp, q2), ct_q2)
        ct_q2 = refuse(xp, ct_q2, skew(xp, gram), (ct_q2,), CHOICE.format("qr", "the columns that complete Q"))
        ct_q1 = ct_q1 - xp.matmul(q2, xp.matmul(adjoint(xp, ct_q2), q1))
    from_r = xp.matmul(ct_r1, adjoint(xp, r1))
    gram = xp.matmul(adjoint(xp, q1), ct_q1)
    turned = gram - from_r
    ct_c = from_r + xp.tril(skew(xp, turned), k=-1)
    if is_complex(xp, x):
        ct_c = ct_c + 1j * diagonal_matrix(xp, xp.imag(xp.linalg.diagonal(turned)))
    ct_x = _right_solve(xp, xp.matmul(q1, ct_c - gram) + ct_q1, adjoint(xp, r1))
    if x.shape[-1] > rank:
        ct_x = xp.concat([ct_x, xp.matmul(q1, ct_r[..., rank:])], axis=-1)
    return ct_x


def _qr_jvp(xp: Any, t: Any, x: Any, out: tuple[Any, Any]) -> tuple[Any, Any]:
    q, r = out
    rank = min(x.shape[-2:])
    q1, r1 = q[..., :rank], r[..., :rank, :rank]
    r1 = _refuse_dependent(xp, r1)
    moved = _right_solve(xp, t[..., :rank], r1)
    c = xp.matmul(adjoint(xp, q1), moved)
    turn = _rotation(xp, c)
    t_q = xp.matmul(q1, turn - c) + moved
    t_r = xp.matmul(c - turn, r1)
    if x.shape[-1] > rank:
        rest = xp.matmul(adjoint(xp, t_q), x[..., rank:]) + xp.matmul(adjoint(xp, q1), t[..., rank:])
        t_r = xp.concat([t_r, rest], axis=-1)
    if q.shape[-1] > rank:
        q2 = q[..., rank:]
        t_q2 = -xp.matmul(q1, adjoint(xp, xp.matmul(adjoint(xp, q2), moved)))
        t_q = xp.concat([t_q, t_q2], axis=-1)
        t_r = xp.concat([t_r, xp.zeros_like(r[..., rank:, :])], axis=-2)
    return t_q, t_r


_qr = explicit(
    "linalg.qr", multiple=True, x=_qr_vjp, jvp={"x": _qr_jvp}, forward=lambda xp, x, mode: xp.linalg.qr(x, mode=mode)
)


def qr(x: Tensor, /, *, mode: str = "reduced") -> QRResult:
    """Q with orthonormal columns and upper triangular R with Q R = x; `mode="complete"` completes Q to a square.

    Differentiable where the leading min(M, N) columns of `x` are independent.

    >>> import pullback as pb
    >>> x = pb.ones(3, 2)
    >>> q, r = x.__array_namespace__().linalg.qr(x)
    >>> q.shape, r.shape
    ((3, 2), (2, 2))
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"qr: mode is 'reduced' or 'complete', got {mode!r}")
    return QRResult(*_qr(x, mode=mode))


# --- eigh ------------------------------------------------------------------------------------------------------------


class EighResult(NamedTuple):
    """The results of `eigh`."""

    eigenvalues: Tensor
    eigenvectors: Tensor


_EIGENSPACE = "the basis of a repeated eigenvalue's eigenspace"


def _eigh_vjp(xp: Any, cts: tuple[Any, Any], out: tuple[Any, Any], alone: bool) -> Any:
    (values, vectors), (ct_values, ct_vectors) = out, cts
    inverses, same = inverse_gaps(xp, values, alone)
    gram = xp.matmul(adjoint(xp, vectors), ct_vectors)
    gram = refuse_phase(xp, gram, gram, (ct_vectors,), "eigh")
    message = CHOICE.format("eigh", _EIGENSPACE)
    turned = refuse_where(xp, skew(xp, gram), same, (ct_vectors,), message)
    if not alone:
        ct_values = refuse_unequal(xp, ct_values, same, message)
    inner = diagonal_matrix(xp, xp.determined(ct_values, degenerate(xp, same))) + inverses * turned * 0.5
    return xp.matmul(vectors, xp.matmul(inner, adjoint(xp, vectors)))


def _eigh_jvp(xp: Any, t: Any, out: tuple[Any, Any], alone: bool) -> tuple[Any, Any]:
    values, vectors = out
    inverses, same = inverse_gaps(xp, values, alone)
    c = xp.matmul(adjoint(xp, vectors), xp.matmul(hermitian_part(xp, t), vectors))
    if not alone:
        c = refuse_where(xp, c, same, (c,), SPLIT.format("eigh", "eigenvalues", "eigvalsh"))
    return real(xp, xp.linalg.diagonal(c)), xp.matmul(vectors, inverses * c)


_eigh = explicit(
    "linalg.eigh",
    multiple=True,
    forward=lambda xp, x, alone: xp.linalg.eigh(x),
    x=_eigh_vjp,
    jvp={"x": _eigh_jvp},
)
_eigvalsh = nondifferentiable("linalg.eigvalsh")


def _passes(x: Tensor) -> int:
    """How many derivative passes see `x`: the reverse ones and the forward ones, here and in the levels below."""
    count = int(x._node is not None)
    if x._aval.backend.level == 0:
        return count
    array: Any = x._array
    return count + (getattr(array, "tangent", None) is not None) + _passes(getattr(array, "below", array))


def eigh(x: Tensor, /) -> EighResult:
    """Eigenvalues (ascending) and orthonormal eigenvectors (columns) of a hermitian `x`, of which one triangle is read.

    The gradient is that of the symmetrised input. The phase of an eigenvector, and the basis of the eigenspace of a
    repeated eigenvalue, are arbitrary: a cotangent that depends on them raises `DegenerateError`.

    >>> import pullback as pb
    >>> x = pb.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> x.__array_namespace__().linalg.eigh(x).eigenvalues
    tensor([1., 2.])
    """
    return EighResult(*_eigh(x, alone=False))


@on_tensors
def eigvalsh(x: Tensor, /) -> Tensor:
    """Eigenvalues (ascending) of a hermitian `x`, of which one triangle is read.

    >>> import pullback as pb
    >>> x = pb.tensor([[2.0, 0.0], [0.0, 1.0]])
    >>> x.__array_namespace__().linalg.eigvalsh(x)
    tensor([1., 2.])
    """
    return _eigh(x, alone=passes == 1)[0] if (passes := _passes(x)) else _eigvalsh(x)


# --- eig -------------------------------------------------------------------------------------------------------------


class EigResult(NamedTuple):
    """The results of `eig`."""

    eigenvalues: Tensor
    eigenvectors: Tensor


def _complex(xp: Any, x: Any) -> Any:
    return x if is_complex(xp, x) else xp.astype(x, xp.result_type(x.dtype, xp.complex64))


def _like(xp: Any, ct: Any, x: Any) -> Any:
    """The cotangent of a real matrix is real."""
    return ct if is_complex(xp, x) else xp.real(ct)


def _eig_vjp(xp: Any, cts: tuple[Any, Any], x: Any, out: tuple[Any, Any], alone: bool) -> Any:
    (values, vectors), (ct_values, ct_vectors) = out, cts
    vectors = refuse_defective(xp, vectors, "eig")
    inverses, same = inverse_gaps(xp, values, alone)
    gram = xp.matmul(adjoint(xp, vectors), ct_vectors)
    gram = refuse_phase(xp, gram, gram, (ct_vectors,), "eig")
    norms = xp.matmul(adjoint(xp, vectors), vectors)
    inner = gram - column_scaled(xp, norms, xp.astype(xp.real(xp.linalg.diagonal(gram)), gram.dtype))
    message = CHOICE.format("eig", _EIGENSPACE)
    inner = refuse_where(xp, inner, same, (ct_vectors,), message)
    if not alone:
        ct_values = refuse_unequal(xp, ct_values, same, message)
    inner = diagonal_matrix(xp, xp.determined(ct_values, degenerate(xp, same))) + xp.conj(inverses) * inner
    return _like(xp, xp.linalg.solve(adjoint(xp, vectors), xp.matmul(inner, adjoint(xp, vectors))), x)


def _eig_jvp(xp: Any, t: Any, out: tuple[Any, Any], alone: bool) -> tuple[Any, Any]:
    values, vectors = out
    vectors = refuse_defective(xp, vectors, "eig")
    inverses, same = inverse_gaps(xp, values, alone)
    c = xp.linalg.solve(vectors, xp.matmul(_complex(xp, t), vectors))
    if not alone:
        c = refuse_where(xp, c, same, (c,), SPLIT.format("eig", "eigenvalues", "eigvals"))
    turned = xp.matmul(vectors, inverses * c)
    along = xp.real(xp.linalg.diagonal(xp.matmul(adjoint(xp, vectors), turned)))
    return xp.linalg.diagonal(c), turned - column_scaled(xp, vectors, xp.astype(along, vectors.dtype))


_eig = explicit(
    "linalg.eig",
    multiple=True,
    forward=lambda xp, x, alone: tuple(_complex(xp, part) for part in xp.linalg.eig(x)),
    x=_eig_vjp,
    jvp={"x": _eig_jvp},
)
_eigvals = nondifferentiable("linalg.eigvals", forward=lambda xp, x: _complex(xp, xp.linalg.eigvals(x)))


def eig(x: Tensor, /) -> EigResult:
    """Eigenvalues and unit eigenvectors (columns) of a square `x`, complex also for real `x`.

    A cotangent that depends on the phase of an eigenvector, or on the basis of a repeated eigenvalue's eigenspace, raises
    `DegenerateError`.

    >>> import pullback as pb
    >>> x = pb.tensor([[2.0, 0.0], [0.0, 3.0]])
    >>> x.__array_namespace__().linalg.eig(x).eigenvalues
    tensor([2.+0.j, 3.+0.j])
    """
    return EigResult(*_eig(x, alone=False))


@on_tensors
def eigvals(x: Tensor, /) -> Tensor:
    """Eigenvalues of a square `x`, complex also for real `x`.

    >>> import pullback as pb
    >>> x = pb.tensor([[0.0, -1.0], [1.0, 0.0]])
    >>> x.__array_namespace__().linalg.eigvals(x).dtype
    pullback.complex64
    """
    return _eig(x, alone=passes == 1)[0] if (passes := _passes(x)) else _eigvals(x)


# --- svd -------------------------------------------------------------------------------------------------------------


class SVDResult(NamedTuple):
    """The factors of `svd`."""

    U: Tensor
    S: Tensor
    Vh: Tensor


def _thin_cotangent(xp: Any, vectors: Any, ct: Any, rank: int, side: str) -> tuple[Any, Any]:
    """The first `rank` columns, and their cotangent with what the completing columns add to it."""
    first, ct_first = vectors[..., :rank], ct[..., :rank]
    if vectors.shape[-1] > rank:
        rest, ct_rest = vectors[..., rank:], ct[..., rank:]
        part = skew(xp, xp.matmul(adjoint(xp, rest), ct_rest))
        ct_rest = refuse(xp, ct_rest, part, (ct_rest,), CHOICE.format("svd", f"the columns that complete {side}"))
        ct_first = ct_first - xp.matmul(rest, xp.matmul(adjoint(xp, ct_rest), first))
    return first, ct_first


_BASIS = "the basis of a repeated singular value"
_NULL = "the vectors of the singular value 0"


def _svd_vjp(xp: Any, cts: tuple[Any, Any, Any], x: Any, out: tuple[Any, Any, Any], alone: bool) -> Any:
    (u, s, vh), (ct_u, ct_s, ct_vh) = out, cts
    rank = min(x.shape[-2:])
    u, ct_u = _thin_cotangent(xp, u, ct_u, rank, "U")
    v, ct_v = _thin_cotangent(xp, adjoint(xp, vh), adjoint(xp, ct_vh), rank, "Vh")
    gram_u, gram_v = xp.matmul(adjoint(xp, u), ct_u), xp.matmul(adjoint(xp, v), ct_v)
    turn_u, turn_v = skew(xp, gram_u), skew(xp, gram_v)
    (gaps, same), (sums, both_zero), (inverses, zero) = inverse_gaps(xp, s, alone), inverse_sums(xp, s), inverse(xp, s)
    null = CHOICE.format("svd", _NULL)
    both = refuse_where(xp, turn_u + turn_v, same, (ct_u, ct_v), CHOICE.format("svd", _BASIS))
    apart = refuse_where(xp, turn_u - turn_v, both_zero, (ct_u, ct_v), null)
    loose = _loose(xp, x, zero)
    if not alone:
        ct_s = refuse_unequal(xp, ct_s, same, CHOICE.format("svd", _BASIS))
        ct_s = refuse_where(xp, ct_s, loose, (ct_s,), null)
    inner = (gaps * both + sums * apart) * 0.5
    if is_complex(xp, x):
        inner = refuse_phase(xp, inner, gram_u + gram_v, (ct_u, ct_v), "svd")
        turn = xp.imag(xp.linalg.diagonal(gram_u - gram_v)) * 0.5
        turn = refuse_where(xp, turn, zero, (ct_u, ct_v), null)
        inner = inner + 1j * diagonal_matrix(xp, turn * inverses)
    inner = inner + diagonal_matrix(xp, xp.determined(ct_s, loose | degenerate(xp, same)))
    ct_x = xp.matmul(u, xp.matmul(inner, adjoint(xp, v)))
    if x.shape[-2] > rank:
        outside = ct_u - xp.matmul(u, gram_u)
        outside = refuse_where(xp, outside, xp.expand_dims(zero, axis=-2), (ct_u,), null)
        ct_x = ct_x + xp.matmul(column_scaled(xp, outside, inverses), adjoint(xp, v))
    if x.shape[-1] > rank:
        outside = ct_v - xp.matmul(v, gram_v)
        outside = refuse_where(xp, outside, xp.expand_dims(zero, axis=-2), (ct_v,), null)
        ct_x = ct_x + xp.matmul(u, adjoint(xp, column_scaled(xp, outside, inverses)))
    return ct_x


def _loose(xp: Any, x: Any, zero: Any) -> Any:
    """Where the vectors of a zero can turn: a single one of a real square matrix has only a sign, which goes with it."""
    if x.shape[-2] != x.shape[-1] or is_complex(xp, x):
        return zero
    return zero & (xp.sum(xp.astype(zero, x.dtype), axis=-1, keepdims=True) > 1)


def _svd_jvp(xp: Any, t: Any, x: Any, out: tuple[Any, Any, Any], alone: bool) -> tuple[Any, Any, Any]:
    full_u, s, full_vh = out
    rank = min(x.shape[-2:])
    u, v = full_u[..., :rank], adjoint(xp, full_vh)[..., :rank]
    c = xp.matmul(adjoint(xp, u), xp.matmul(t, v))
    (gaps, same), (sums, both_zero), (inverses, zero) = inverse_gaps(xp, s, alone), inverse_sums(xp, s), inverse(xp, s)
    turn = xp.imag(xp.linalg.diagonal(c)) if is_complex(xp, x) else xp.zeros_like(s)
    moved_u = xp.matmul(t, v) - xp.matmul(u, c)
    moved_v = xp.matmul(adjoint(xp, t), u) - xp.matmul(v, adjoint(xp, c))
    if not alone:
        message = SPLIT.format("svd", "singular values", "svdvals")
        columns = xp.expand_dims(zero, axis=-2)
        parts = (
            (same, c + adjoint(xp, c)),
            (both_zero, skew(xp, c)),
            (zero, turn),
            (columns, moved_u),
            (columns, moved_v),
        )
        for mask, part in parts:
            c = refuse(xp, c, part, (t,), message, mask)  # all three tangents are made of it
    common, apart = gaps * (c + adjoint(xp, c)) * 0.5, sums * skew(xp, c) * 0.5
    turn_u, turn_v = common + apart, common - apart
    if is_complex(xp, x):
        phase = 1j * diagonal_matrix(xp, turn * (0.5 * inverses))
        turn_u, turn_v = turn_u + phase, turn_v - phase
    t_u = xp.matmul(u, turn_u)
    t_v = xp.matmul(v, turn_v)
    if x.shape[-2] > rank:
        t_u = t_u + column_scaled(xp, moved_u, inverses)
    if x.shape[-1] > rank:
        t_v = t_v + column_scaled(xp, moved_v, inverses)
    t_u = _completed(xp, full_u, u, t_u)
    t_v = _completed(xp, adjoint(xp, full_vh), v, t_v)
    return t_u, real(xp, xp.linalg.diagonal(c)), adjoint(xp, t_v)


def _completed(xp: Any, full: Any, first: Any, t_first: Any) -> Any:
    """The tangents of all columns: the completing ones stay orthogonal to the first."""
    rank = first.shape[-1]
    if full.shape[-1] == rank:
        return t_first
    t_rest = -xp.matmul(first, xp.matmul(adjoint(xp, t_first), full[..., rank:]))
    return xp.concat([t_first, t_rest], axis=-1)


_svd = explicit(
    "linalg.svd",
    multiple=True,
    x=_svd_vjp,
    jvp={"x": _svd_jvp},
    forward=lambda xp, x, full_matrices, alone: xp.linalg.svd(x, full_matrices=full_matrices),
)
_svdvals = nondifferentiable("linalg.svdvals")


def svd(x: Tensor, /, *, full_matrices: bool = True) -> SVDResult:
    """U, singular values S (descending) and Vh with U diag(S) Vh = x; without `full_matrices` only min(M, N) columns.

    A cotangent that depends on the common phase of a pair of vectors, on the basis that belongs to a repeated singular
    value, or on the columns that complete U and Vh, raises `DegenerateError`.

    >>> import pullback as pb
    >>> x = pb.tensor([[0.0, 2.0], [1.0, 0.0]])
    >>> x.__array_namespace__().linalg.svd(x).S
    tensor([2., 1.])
    """
    return SVDResult(*_svd(x, full_matrices=full_matrices, alone=False))


@on_tensors
def svdvals(x: Tensor, /) -> Tensor:
    """Singular values, descending.

    >>> import pullback as pb
    >>> x = pb.tensor([[0.0, 2.0], [1.0, 0.0]])
    >>> x.__array_namespace__().linalg.svdvals(x)
    tensor([2., 1.])
    """
    return _svd(x, full_matrices=False, alone=passes == 1)[1] if (passes := _passes(x)) else _svdvals(x)


# --- pinv ------------------------------------------------------------------------------------------------------------


def _pinv_vjp(xp: Any, ct: Any, x: Any, out: Any) -> Any:
    p, ph, cth = out, adjoint(xp, out), adjoint(xp, ct)
    left = identity(xp, x, x.shape[-2]) - xp.matmul(x, p)
    right = identity(xp, x, x.shape[-1]) - xp.matmul(p, x)
    return (
        -xp.matmul(ph, xp.matmul(ct, ph))
        + xp.matmul(left, xp.matmul(cth, xp.matmul(p, ph)))
        + xp.matmul(xp.matmul(ph, p), xp.matmul(cth, right))
    )


def _pinv_jvp(xp: Any, t: Any, x: Any, out: Any) -> Any:
    p, ph, th = out, adjoint(xp, out), adjoint(xp, t)
    left = identity(xp, x, x.shape[-2]) - xp.matmul(x, p)
    right = identity(xp, x, x.shape[-1]) - xp.matmul(p, x)
    return (
        -xp.matmul(p, xp.matmul(t, p))
        + xp.matmul(xp.matmul(p, ph), xp.matmul(th, left))
        + xp.matmul(right, xp.matmul(th, xp.matmul(ph, p)))
    )


_pinv = explicit(
    "linalg.pinv",
    x=_pinv_vjp,
    jvp={"x": _pinv_jvp},
    forward=lambda xp, x, rtol: xp.linalg.pinv(x) if rtol is None else xp.linalg.pinv(x, rtol=rtol),
)


def pinv(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """The Moore-Penrose inverse; singular values below `rtol` times the largest count as 0.

    Its derivative is the one among matrices of the same rank, also where the rank is deficient.

    >>> import pullback as pb
    >>> x = pb.tensor([[2.0, 0.0], [0.0, 0.0]])
    >>> x.__array_namespace__().linalg.pinv(x)
    tensor([[0.5000, 0.0000],
            [0.0000, 0.0000]])
    """
    return _pinv(x, rtol=getattr(rtol, "_array", rtol))
