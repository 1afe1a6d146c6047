"""Linear algebra functions of the main namespace: products, each linear in either operand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.declare import linear
from pullback.errors import ShapeError
from pullback.ops.data_type_functions import promoted
from pullback.ops.elementwise_functions import conj
from pullback.ops.manipulation_functions import matrix_transpose, normalize, normalize_all, permute_dims, reshape
from pullback.ops.operands import on_tensors
from pullback.ops.statistical_functions import sum as _sum

if TYPE_CHECKING:
    from pullback.tensor import Tensor

__all__ = ["matmul", "matrix_transpose", "tensordot", "vecdot"]

Shape = tuple[int, ...]


def _conj(xp: Any, x: Any, like: Any) -> Any:
    return xp.conj(x) if like.dtype.is_complex else x


def _from_x2(xp: Any, ct: Any, x2: Any, shape: Shape, like: Any) -> Any:
    """`ct @ x2^H`. A vector is a matrix of one row (on the left) or column; batch axes are summed."""
    x2 = _conj(xp, x2, like)
    if len(shape) == 2 and len(ct.shape) == 2:
        return xp.matmul(ct, xp.matrix_transpose(x2))
    if len(x2.shape) == 1:
        return ct * x2 if len(shape) == 1 else xp.expand_dims(ct, axis=-1) * x2
    if len(shape) == 1 and len(ct.shape) == 1:
        return xp.matmul(x2, ct)
    if len(shape) == 1:
        return xp.unbroadcast(
            xp.squeeze(xp.matmul(xp.expand_dims(ct, axis=-2), xp.matrix_transpose(x2)), axis=-2), shape
        )
    return xp.unbroadcast(xp.matmul(ct, xp.matrix_transpose(x2)), shape)


def _from_x1(xp: Any, ct: Any, x1: Any, shape: Shape, like: Any) -> Any:
    """`x1^H @ ct`, likewise."""
    x1 = _conj(xp, x1, like)
    if len(shape) == 2 and len(ct.shape) == 2:
        return xp.matmul(xp.matrix_transpose(x1), ct)
    if len(x1.shape) == 1:
        return ct * x1 if len(shape) == 1 else xp.expand_dims(x1, axis=-1) * xp.expand_dims(ct, axis=-2)
    if len(shape) == 1 and len(ct.shape) == 1:
        return xp.matmul(ct, x1)
    if len(shape) == 1:
        return xp.unbroadcast(xp.squeeze(xp.matmul(xp.expand_dims(ct, axis=-2), x1), axis=-2), shape)
    return xp.unbroadcast(xp.matmul(xp.matrix_transpose(x1), ct), shape)


_matmul = linear("matmul", label="Mm", trusted=True, x1=_from_x2, x2=_from_x1)
_of_matrices = linear(  # real ones: the case that matters most
    "matmul",
    label="Mm",
    trusted=True,
    x1=lambda xp, ct, x2: xp.matmul(ct, xp.matrix_transpose(x2)),
    x2=lambda xp, ct, x1: xp.matmul(xp.matrix_transpose(x1), ct),
)


def matmul(x1: Any, x2: Any, /) -> Tensor:
    """Matrix product over the last two axes, the others broadcast. A vector is a row on the left, a column on the right.

    >>> import pullback as pb
    >>> pb.matmul(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), pb.tensor([1.0, 1.0]))
    tensor([3., 7.])
    """
    try:
        a, b = x1._aval, x2._aval
        alike = a.dtype is b.dtype
    except AttributeError:
        alike = False
    if not alike:
        x1, x2 = promoted(x1, x2)
        a, b = x1._aval, x2._aval
    return (_of_matrices if a.ndim == 2 == b.ndim and not a.dtype.is_complex else _matmul)(x1, x2)


def vecdot(x1: Any, x2: Any, /, *, axis: int = -1) -> Tensor:
    """Inner products of vectors along `axis`; complex numbers of `x1` are conjugated.

    >>> import pullback as pb
    >>> pb.vecdot(pb.tensor([1.0, 2.0]), pb.tensor([3.0, 4.0]))
    tensor(11.)
    """
    x1, x2 = promoted(x1, x2)
    if x1.shape[normalize(axis, x1.ndim)] != x2.shape[normalize(axis, x2.ndim)]:
        raise ShapeError(f"vecdot: the vectors along axis {axis} of shapes {x1.shape} and {x2.shape} differ in length")
    return _sum((conj(x1) if x1.dtype.is_complex else x1) * x2, axis=axis, dtype=x1.dtype)


@on_tensors
def tensordot(x1: Any, x2: Any, /, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Tensor:
    """Sum of products over the given axes: the last `axes` of `x1` with the first of `x2`, or pairs of axes.

    >>> import pullback as pb
    >>> pb.tensordot(pb.ones(2, 3), pb.ones(3, 4), axes=1).shape
    (2, 4)
    """
    if isinstance(axes, int):
        first, second = tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes))
    else:
        first, second = normalize_all(tuple(axes[0]), x1.ndim), normalize_all(tuple(axes[1]), x2.ndim)
    if [x1.shape[i] for i in first] != [x2.shape[i] for i in second]:
        raise ValueError(f"tensordot: axes {axes} of shapes {x1.shape} and {x2.shape} do not match")
    rest1 = tuple(i for i in range(x1.ndim) if i not in first)
    rest2 = tuple(i for i in range(x2.ndim) if i not in second)
    shape1, shape2 = tuple(x1.shape[i] for i in rest1), tuple(x2.shape[i] for i in rest2)
    inner = math.prod(x1.shape[i] for i in first)
    left = reshape(permute_dims(x1, rest1 + first), (math.prod(shape1), inner))
    right = reshape(permute_dims(x2, second + rest2), (inner, math.prod(shape2)))
    return reshape(matmul(left, right), shape1 + shape2)
