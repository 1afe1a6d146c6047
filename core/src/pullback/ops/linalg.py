"""Linear algebra extension. Matrices are in the last two axes, everything before them is a batch.

Rules follow Giles, "Collected matrix derivative results" (2008); for decompositions Walter and Lehmann, "Algorithmic
differentiation of linear algebra functions" (2010), and for their complex gauges Wan and Zhang, arXiv:1909.02659. They
live in `decompositions.py`; here are the functions whose derivatives are a line or a few.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.declare import elementwise, explicit, linear, nondifferentiable
from pullback.dtypes import DType
from pullback.ops import elementwise_functions as ew
from pullback.ops import statistical_functions as stats
from pullback.ops.creation_functions import eye, zeros_like
from pullback.ops.data_type_functions import promoted
from pullback.ops.decompositions import cholesky, eig, eigh, eigvals, eigvalsh, pinv, qr, svd, svdvals
from pullback.ops.indexing_functions import put
from pullback.ops.linear_algebra_functions import matmul, matrix_transpose, tensordot, vecdot
from pullback.ops.manipulation_functions import (
    broadcast_arrays,
    broadcast_to,
    concat,
    expand_dims,
    normalize_all,
    reshape,
    stack,
    unstack,
)
from pullback.ops.matrices import adjoint, column, real
from pullback.ops.operands import on_tensors
from pullback.primitive import Step, view

if TYPE_CHECKING:
    from pullback.tensor import Tensor

__all__ = [
    "cholesky",
    "cross",
    "det",
    "diagonal",
    "eig",
    "eigh",
    "eigvals",
    "eigvalsh",
    "inv",
    "matmul",
    "matrix_norm",
    "matrix_power",
    "matrix_rank",
    "matrix_transpose",
    "outer",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "svd",
    "svdvals",
    "tensordot",
    "trace",
    "vecdot",
    "vector_norm",
]

_POLYNOMIAL = 8
_BORDER = 4


def _diagonal_vjp(xp: Any, ct: Any, shape: tuple[int, ...], offset: int) -> Any:
    """Zeros with `ct` on the diagonal number `offset`."""
    rows, columns = shape[-2:]
    on = xp.eye(rows, columns, k=offset, dtype=ct.dtype, device=xp.device(ct))
    axis, length = (-1, rows) if offset >= 0 else (-2, columns)
    where = xp.arange(length, device=xp.device(ct))
    spread = xp.take(ct, xp.clip(where, 0, ct.shape[-1] - 1), axis=-1) if ct.shape[-1] else xp.zeros_like(ct)
    if not ct.shape[-1]:
        return xp.zeros(shape, dtype=ct.dtype, device=xp.device(ct))
    return xp.where(on == 1, xp.expand_dims(spread, axis=axis), 0.0)  # a select: a NaN stays on its diagonal


def _from_solution(xp: Any, ct: Any, x1: Any, shape: tuple[int, ...], vector: bool) -> Any:
    """The cotangent of the right-hand side: `solve(A^H, ct)`."""
    found = xp.linalg.solve(adjoint(xp, x1), column(xp, ct, vector))
    return xp.unbroadcast(found[..., 0] if vector else found, shape)


def _from_matrix(xp: Any, ct: Any, x1: Any, out: Any, shape: tuple[int, ...], vector: bool) -> Any:
    """The cotangent of the matrix: minus that of the right-hand side times `x^H`."""
    found = xp.linalg.solve(adjoint(xp, x1), column(xp, ct, vector))
    return xp.unbroadcast(-xp.matmul(found, adjoint(xp, column(xp, out, vector))), shape)


def _solve(xp: Any, x1: Any, x2: Any, vector: bool) -> Any:
    return xp.linalg.solve(x1, column(xp, x2, vector))[..., 0] if vector else xp.linalg.solve(x1, x2)


def _solve_jvp(xp: Any, t: Any, x1: Any, out: Any, vector: bool) -> Any:
    """The tangent that the matrix's tangent gives: `-A^-1 dA x`."""
    found = -xp.linalg.solve(x1, xp.matmul(t, column(xp, out, vector)))
    return found[..., 0] if vector else found


def _slogdet_vjp(xp: Any, cts: tuple[Any, Any], x: Any, out: tuple[Any, Any], like: Any) -> Any:
    """`(ct_log + i k) A^-H`, where the sign turns by `k = Re(conj(ct_sign) i sign)`; a real sign does not turn."""
    ct_sign, ct_log = cts
    weight = ct_log
    if like.dtype.is_complex:
        turn = xp.real(xp.conj(ct_sign) * (1j * out[0]))
        weight = ct_log + 1j * turn
    return _scaled(xp, weight, adjoint(xp, xp.linalg.inv(x)))


def _slogdet_jvp(xp: Any, t: Any, x: Any, out: tuple[Any, Any], like: Any) -> tuple[Any, Any]:
    change = xp.linalg.trace(xp.linalg.solve(x, t))
    if like.dtype.is_complex:
        return 1j * out[0] * xp.imag(change), xp.real(change)
    return xp.zeros_like(out[0]), change


def _scaled(xp: Any, number: Any, matrix: Any) -> Any:
    return xp.expand_dims(number, axis=(-2, -1)) * matrix


def _inner(xp: Any, matrix: Any, t: Any) -> Any:
    """trace(matrix @ t)."""
    return xp.sum(xp.matrix_transpose(matrix) * t, axis=(-2, -1))


# fmt: off  (a table: one line per derivative)
_inv = explicit(
    "linalg.inv",
    x=lambda xp, ct, out: -xp.matmul(xp.matmul(adjoint(xp, out), ct), adjoint(xp, out)),
    jvp={"x": lambda xp, t, out: -xp.matmul(xp.matmul(out, t), out)},
)
_det = explicit(
    "linalg.det",
    x=lambda xp, ct, x: _scaled(xp, ct, adjoint(xp, xp.adjugate(x))),
    jvp={"x": lambda xp, t, x: _inner(xp, xp.adjugate(x), t)},
)
_slogdet = explicit("linalg.slogdet", multiple=True, x=_slogdet_vjp, jvp={"x": _slogdet_jvp})
_solve_system = explicit(
    "linalg.solve",
    forward=_solve,
    x1=_from_matrix,
    x2=_from_solution,
    jvp={
        "x1": _solve_jvp,
        "x2": lambda xp, t, x1, vector: _solve(xp, x1, t, vector),
    },
)
_diagonal = linear(
    "linalg.diagonal", forward=lambda xp, x, offset: xp.linalg.diagonal(x, offset=offset), x=_diagonal_vjp
)
_matrix_rank = nondifferentiable("linalg.matrix_rank")
_singular_vectors = nondifferentiable(
    "linalg.singular_vectors", multiple=True, forward=lambda xp, x: tuple(xp.linalg.svd(x))[::2]
)
# fmt: on


def adjugate(x: Tensor) -> Tensor:
    """The adjugate as a differentiable function: what the rule of `det` reads where it is differentiated again.

    A polynomial in the elements, so right to any order also where `x` is singular. Large matrices may lack up to four
    ranks: turned by their singular vectors, what is large comes first.
    """
    n = x.shape[-1]
    if n <= _POLYNOMIAL:
        return _small_adjugate(x)
    u, vh = _singular_vectors(x)  # constants: adj(U B V^H) = adj(V^H) adj(B) adj(U) whatever B is
    middle = _bordered_adjugate(matmul(_adjoint(u), matmul(x, _adjoint(vh))), n - _BORDER)
    return expand_dims(det(u) * det(vh), axis=(-2, -1)) * matmul(_adjoint(vh), matmul(middle, _adjoint(u)))


def _small_adjugate(x: Tensor) -> Tensor:
    """By the recursion of Faddeev and LeVerrier, which loses digits as matrices grow."""
    n = x.shape[-1]
    one = eye(n, dtype=x.dtype, device=x.device)
    result = broadcast_to(one, x.shape)
    for k in range(1, n):
        product = matmul(x, result)
        result = product - one * (expand_dims(trace(product), axis=(-2, -1)) * (1.0 / k))
    return result if n % 2 else -result


def _bordered_adjugate(x: Tensor, size: int) -> Tensor:
    """By the Schur complement S of the leading block A, which must be regular; S may be singular.

    With x = [[A, B], [C, D]] and S = D - C A^-1 B, it is the inverse of x by blocks, times det(x) = det(A) det(S):
    det(A) ([-A^-1 B; 1] adj(S) [-C A^-1, 1] + det(S) [[A^-1, 0], [0, 0]]).
    """
    a, b, c, d = x[..., :size, :size], x[..., :size, size:], x[..., size:, :size], x[..., size:, size:]
    inverse = inv(a)
    schur = d - matmul(c, matmul(inverse, b))
    one = broadcast_to(eye(d.shape[-1], dtype=x.dtype, device=x.device), d.shape)
    left, right = concat([-matmul(inverse, b), one], axis=-2), concat([-matmul(c, inverse), one], axis=-1)
    small = _small_adjugate(schur)
    determinant = trace(matmul(schur, small)) * (1.0 / d.shape[-1])
    top = concat([expand_dims(determinant, axis=(-2, -1)) * inverse, zeros_like(b)], axis=-1)
    padded = concat([top, zeros_like(x[..., size:, :])], axis=-2)
    return expand_dims(det(a), axis=(-2, -1)) * (matmul(left, matmul(small, right)) + padded)


def _adjoint(x: Tensor) -> Tensor:
    x = matrix_transpose(x)
    return ew.conj(x) if x.dtype.is_complex else x


def inv(x: Tensor, /) -> Tensor:
    """The inverse of square matrices.

    >>> import pullback as pb
    >>> x = pb.tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> x.__array_namespace__().linalg.inv(x)
    tensor([[0.5000, 0.0000],
            [0.0000, 0.2500]])
    """
    return _inv(x)


def det(x: Tensor, /) -> Tensor:
    """The determinant of square matrices; its gradient, the adjugate, is right at singular matrices too.

    >>> import pullback as pb
    >>> x = pb.tensor([[1.0, 2.0], [0.0, 3.0]])
    >>> x.__array_namespace__().linalg.det(x)
    tensor(3.)
    """
    return _det(x)


class SlogdetResult(NamedTuple):
    """The results of `slogdet`."""

    sign: Tensor
    logabsdet: Tensor


def slogdet(x: Tensor, /) -> SlogdetResult:
    """The sign (or phase) of the determinant, and the logarithm of its absolute value.

    >>> import pullback as pb
    >>> x = pb.tensor([[-2.0, 0.0], [0.0, 1.0]])
    >>> x.__array_namespace__().linalg.slogdet(x)
    SlogdetResult(sign=tensor(-1.), logabsdet=tensor(0.6931))
    """
    return SlogdetResult(*_slogdet(x))


def solve(x1: Tensor, x2: Tensor, /) -> Tensor:
    """The solution x of `x1 @ x = x2` for square `x1`; an `x2` of one dimension is a vector.

    >>> import pullback as pb
    >>> x = pb.tensor([[2.0, 0.0], [0.0, 4.0]])
    >>> x.__array_namespace__().linalg.solve(x, pb.tensor([2.0, 2.0]))
    tensor([1.0000, 0.5000])
    """
    x1, x2 = promoted(x1, x2)
    return _solve_system(x1, x2, vector=x2.ndim == 1)


@on_tensors
def diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    """The diagonal number `offset`: above the main one if positive.

    >>> import pullback as pb
    >>> x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.__array_namespace__().linalg.diagonal(x)
    tensor([1., 4.])
    """
    rows, columns = x.shape[-2:]
    start = min(offset if offset >= 0 else -offset * columns, rows * columns)
    length = max(min(rows, columns - offset) if offset >= 0 else min(rows + offset, columns), 0)
    key = (..., slice(start, min(start + length * (columns + 1), rows * columns), columns + 1))

    def write(base: Any, value: Any) -> Tensor:
        return reshape(put(reshape(base, (*base.shape[:-2], rows * columns)), key, value), base.shape)

    return view(x, _diagonal(x, offset=offset), Step(lambda base: _diagonal(base, offset=offset), write))


def trace(x: Tensor, /, *, offset: int = 0, dtype: DType | None = None) -> Tensor:
    """The sum of the diagonal number `offset`.

    >>> import pullback as pb
    >>> x = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> x.__array_namespace__().linalg.trace(x)
    tensor(5.)
    """
    return stats.sum(_diagonal(x, offset=offset), axis=-1, dtype=dtype)


def matrix_rank(x: Tensor, /, *, rtol: float | Tensor | None = None) -> Tensor:
    """How many singular values exceed `rtol` times the largest.

    >>> import pullback as pb
    >>> x = pb.ones(2, 2)
    >>> x.__array_namespace__().linalg.matrix_rank(x)
    tensor(1)
    """
    return _matrix_rank(x) if rtol is None else _matrix_rank(x, rtol=getattr(rtol, "_array", rtol))


@on_tensors
def outer(x1: Tensor, x2: Tensor, /) -> Tensor:
    """All products of the elements of two vectors.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> x.__array_namespace__().linalg.outer(x, x)
    tensor([[1., 2.],
            [2., 4.]])
    """
    if x1.ndim != 1 or x2.ndim != 1:
        raise ValueError(f"outer: two vectors are needed, got shapes {x1.shape} and {x2.shape}")
    return ew.multiply(expand_dims(x1, axis=1), expand_dims(x2, axis=0))


@on_tensors
def cross(x1: Tensor, x2: Tensor, /, *, axis: int = -1) -> Tensor:
    """Cross products of the vectors of three components along `axis`.

    >>> import pullback as pb
    >>> x, y = pb.tensor([1.0, 0.0, 0.0]), pb.tensor([0.0, 1.0, 0.0])
    >>> x.__array_namespace__().linalg.cross(x, y)
    tensor([0., 0., 1.])
    """
    if x1.shape[axis] != 3 or x2.shape[axis] != 3:
        raise ValueError(f"cross: axis {axis} must have length 3, got shapes {x1.shape} and {x2.shape}")
    x1, x2 = broadcast_arrays(*promoted(x1, x2))
    (a1, a2, a3), (b1, b2, b3) = unstack(x1, axis=axis), unstack(x2, axis=axis)
    return stack([a2 * b3 - a3 * b2, a3 * b1 - a1 * b3, a1 * b2 - a2 * b1], axis=axis)


@on_tensors
def matrix_power(x: Tensor, n: int, /) -> Tensor:
    """`x` multiplied with itself; a negative power is one of the inverse, the power 0 the identity.

    >>> import pullback as pb
    >>> x = pb.tensor([[1.0, 1.0], [0.0, 1.0]])
    >>> x.__array_namespace__().linalg.matrix_power(x, 3)
    tensor([[1., 3.],
            [0., 1.]])
    """
    if n < 0:
        return matrix_power(inv(x), -n)
    if n == 0:
        identity: Tensor = eye(x.shape[-1], dtype=x.dtype, device=x.device) + (x**0 - 1)  # also where x is not finite
        return identity
    if n == 1:
        return x.clone()
    half = matrix_power(x, n // 2)
    square = matmul(half, half)
    return matmul(square, x) if n % 2 else square


def _power_norm_slope(xp: Any, x: Any, out: Any, ord: float) -> Any:
    """u |u| ** (ord - 2) for u = x / out: 0 where u is, and smooth there if `ord` is even."""
    u = ew.unit(xp, x, out)
    if ord == 2:
        return u
    if ord > 2 and ord % 2 == 0:
        return u * real(xp, u * xp.conj(u)) ** (int(ord) // 2 - 1)
    size = xp.abs(u)
    return u * xp.where(size == 0, 0.0, xp.where(size == 0, 1.0, size) ** (ord - 2))


_not_zero = elementwise(
    "not_zero",
    forward=lambda xp, x: xp.astype(x != 0, x.dtype),
    x=lambda xp, t, x: xp.flat(t, x),
)
_power_norm = explicit(
    "power_norm",
    label="LinalgVectorNorm",
    forward=lambda xp, x, ord, axis: xp.linalg.vector_norm(x, axis=axis, keepdims=True, ord=ord),
    x=lambda xp, ct, x, out, ord: ct * _power_norm_slope(xp, x, out, ord),
    jvp={
        "x": lambda xp, t, x, out, ord, axis: xp.sum(
            real(xp, xp.conj(_power_norm_slope(xp, x, out, ord)) * t), axis=axis, keepdims=True
        )
    },
)


@on_tensors
def vector_norm(
    x: Tensor, /, *, axis: int | Sequence[int] | None = None, keepdims: bool = False, ord: float = 2
) -> Tensor:
    """The norm of order `ord` over `axis`, all axes with None; its gradient at 0 is 0.

    `ord` may be any number, infinity (largest absolute value), minus infinity (smallest), or 0 (how many are not 0).

    >>> import pullback as pb
    >>> x = pb.tensor([3.0, 4.0])
    >>> x.__array_namespace__().linalg.vector_norm(x)
    tensor(5.)
    """
    axes = x._aval.axes if axis is None else normalize_all(axis, x.ndim)
    if ord == math.inf:
        return stats.max(ew.abs(x), axis=axes, keepdims=keepdims)
    if ord == -math.inf:
        return stats.min(ew.abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return stats.sum(_not_zero(ew.abs(x)), axis=axes, keepdims=keepdims)
    if ord == 1:
        return stats.sum(ew.abs(x), axis=axes, keepdims=keepdims)
    out = _power_norm(x, ord=ord, axis=axes)
    return out if keepdims else reshape(out, tuple(n for i, n in enumerate(x.shape) if i not in axes))


@on_tensors
def matrix_norm(x: Tensor, /, *, keepdims: bool = False, ord: float | str = "fro") -> Tensor:
    """A norm of matrices: 'fro', 'nuc' (sum of singular values), 2 and -2 (largest, smallest singular value), 1 and -1
    (largest, smallest column sum), infinity and minus infinity (row sums).

    >>> import pullback as pb
    >>> x = pb.tensor([[3.0, 0.0], [0.0, 4.0]])
    >>> x.__array_namespace__().linalg.matrix_norm(x)
    tensor(5.)
    """
    if ord == "fro":
        return vector_norm(x, axis=(-2, -1), keepdims=keepdims)
    if ord in ("nuc", 2, -2):
        values = svdvals(x)
        reduced = (
            stats.sum(values, axis=-1) if ord == "nuc" else (stats.max if ord == 2 else stats.min)(values, axis=-1)
        )
    elif ord in (1, -1, math.inf, -math.inf):
        sums = stats.sum(ew.abs(x), axis=-2 if ord in (1, -1) else -1)
        reduced = (stats.max if ord in (1, math.inf) else stats.min)(sums, axis=-1)
    else:
        raise ValueError(f"matrix_norm: ord is 'fro', 'nuc', 1, -1, 2, -2, inf or -inf, got {ord!r}")
    return expand_dims(reduced, axis=(-2, -1)) if keepdims else reduced
