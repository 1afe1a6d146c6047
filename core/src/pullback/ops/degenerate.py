"""Where a spectrum is degenerate, and what must not depend on the choice made there. Over `xp`, for raw arrays and Tensors.

The vectors of equal eigenvalues or singular values may be turned among themselves, and any vector by a phase. A function
that does not change then has a derivative, but the rules see no more of it than its cotangents: so they refuse, with
`DegenerateError`, cotangents (and directions, in forward mode) that do depend on the choice.
"""

from __future__ import annotations

from typing import Any

from pullback.declare import elementwise
from pullback.ops.matrices import is_complex, real

CHOICE = "the derivative of {} depends on {}, which is arbitrary; make the loss a function that does not depend on it"
SPLIT = (
    "{}: the direction of differentiation splits equal {}, so that their vectors have no derivative along it; use {} if "
    "you need the values alone, or reverse mode, which refuses only what depends on the vectors' choice"
)
_TOLERANCE = 1e4
"""How many units in the last place are taken for rounding."""


def rounding(xp: Any, values: Any) -> Any:
    """Below this, a difference of values is rounding: a few units in the last place of the largest."""
    n = values.shape[-1]
    sizes = xp.abs(values)
    return 8 * n * float(xp.finfo(sizes.dtype).eps) * xp.max(sizes, axis=-1, keepdims=True) if n else sizes


def off_diagonal(xp: Any, values: Any) -> Any:
    """The mask of the elements off the diagonal of a square matrix, one row for each value."""
    return ~xp.eye(values.shape[-1], dtype=xp.bool, device=xp.device(values))


def inverse_gaps(xp: Any, values: Any, alone: bool) -> tuple[Any, Any]:
    """1 / (values_j - values_i) with 0 where the gap is zero, and the mask of those off-diagonal entries.

    What it says of equal values is right for them alone, so it has no derivative there (see `determined`); the first
    derivatives of values `alone` do not use it.
    """
    gaps = _differences(xp, values)
    same = xp.abs(gaps) <= xp.expand_dims(rounding(xp, values), axis=-1)
    pairs = same & off_diagonal(xp, values)
    if not alone:
        gaps = _differences(xp, xp.determined(values, degenerate(xp, pairs)))
    return xp.where(same, 0.0, 1.0 / xp.where(same, 1.0, gaps)), pairs


def _differences(xp: Any, values: Any) -> Any:
    return xp.expand_dims(values, axis=-2) - xp.expand_dims(values, axis=-1)


def inverse_sums(xp: Any, values: Any) -> tuple[Any, Any]:
    """1 / (values_j + values_i) for pairs, with 0 where both are zero, and the mask of those."""
    sums = xp.expand_dims(values, axis=-2) + xp.expand_dims(values, axis=-1)
    pairs = off_diagonal(xp, values)
    zero = sums <= xp.expand_dims(rounding(xp, values), axis=-1)
    return xp.where(zero | ~pairs, 0.0, 1.0 / xp.where(zero, 1.0, sums)), zero & pairs


def inverse(xp: Any, values: Any) -> tuple[Any, Any]:
    """1 / values, with 0 for zeros, and the mask of those."""
    zero = values <= rounding(xp, values)
    return xp.where(zero, 0.0, 1.0 / xp.where(zero, 1.0, values)), zero


# Each of these returns what it is given to be used further on: where values are not known yet, that is what refuses later.


def refuse(xp: Any, x: Any, part: Any, wholes: tuple[Any, ...], message: str, where: Any = True) -> Any:
    """`x`, refused if `part` is not negligible against all of `wholes` anywhere, or where a mask is true."""
    if 0 in part.shape:
        return x
    size = sum(xp.max(xp.abs(whole)) for whole in wholes)
    noticeable = xp.abs(part) > _TOLERANCE * float(xp.finfo(real(xp, part).dtype).eps) * size
    return xp.refuse_if(x, noticeable & where, message)


def refuse_where(xp: Any, part: Any, mask: Any, wholes: tuple[Any, ...], message: str) -> Any:
    """`part`, refused if it is not negligible against all of `wholes` where the mask is true."""
    return refuse(xp, part, part, wholes, message, mask)


def refuse_phase(xp: Any, x: Any, gram: Any, wholes: tuple[Any, ...], name: str) -> Any:
    """`x`, refused if a cotangent turns with the phase of a vector: a diagonal of V^H ct_V that is not real."""
    if not is_complex(xp, gram):
        return x
    turn = xp.imag(xp.linalg.diagonal(gram))
    return refuse(xp, x, turn, wholes, CHOICE.format(name, "the phase of its vectors"))


def refuse_unequal(xp: Any, cts: Any, same: Any, message: str) -> Any:
    """Cotangents of values, refused if they differ between equal ones: with other vectors they would."""
    return refuse(xp, cts, _differences(xp, cts), (cts,), message, same)


def degenerate(xp: Any, same: Any) -> Any:
    """The mask of the values that have an equal one."""
    return xp.any(same, axis=-1)


def _refused(xp: Any, t: Any, mask: Any) -> Any:
    message = "a second derivative at equal eigenvalues or singular values cannot be seen from them, and is refused"
    return xp.refuse_if(t, mask, message)


determined = elementwise(
    "determined",
    "`x`, which must not change where the mask is true: a function of equal values of which the rules see only the value.",
    operands=("x", "mask"),
    untyped=("mask",),
    product=False,
    forward=lambda xp, x, mask: xp.where(mask, x, x),  # of their common shape
    x=_refused,
)


def refuse_defective(xp: Any, vectors: Any, name: str) -> Any:
    """Eigenvectors, refused if some are parallel: the eigenvalues are not differentiable."""
    n = vectors.shape[-1]
    cosines = xp.abs(xp.matmul(xp.conj(xp.matrix_transpose(vectors)), vectors))
    parallel = cosines >= 1 - 8 * n * float(xp.finfo(cosines.dtype).eps)
    message = f"{name}: the matrix is defective (it has parallel eigenvectors), there it has no derivative"
    return xp.refuse_if(vectors, parallel & off_diagonal(xp, vectors), message)
