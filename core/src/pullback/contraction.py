"""`einsum`: sums of products in Einstein's notation, out of products of matrices. Differentiable as they are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from pullback.errors import ShapeError
from pullback.ops.data_type_functions import promoted
from pullback.ops.elementwise_functions import multiply
from pullback.ops.linalg import diagonal
from pullback.ops.linear_algebra_functions import matmul
from pullback.ops.manipulation_functions import moveaxis, permute_dims, reshape, squeeze
from pullback.ops.statistical_functions import sum as _sum

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_ELLIPSIS: Final = "..."


def einsum(subscripts: str, /, *operands: Tensor) -> Tensor:
    """The sum of products that `subscripts` describes, such as `"ij,jk->ik"` for the product of two matrices.

    One letter per axis, one term per operand; `...` stands for axes that broadcast. An axis that the output does not
    name is summed over; without `->` the output has the letters that occur once, in alphabetical order. Operands are
    multiplied from left to right. Raises `ValueError` for subscripts that do not fit the operands, `ShapeError` for
    lengths that do not fit each other.

    >>> import pullback as pb
    >>> a = pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    >>> pb.einsum("ij,j->i", a, pb.tensor([1.0, 10.0]))
    tensor([21., 43.])
    >>> pb.einsum("ii", a)
    tensor(5.)
    """
    terms, out = _parse(subscripts, operands)
    lengths = _lengths(subscripts, terms, operands)
    pending = [
        _simple(x, term, lengths) for x, term in zip(promoted(*operands) if operands else (), terms, strict=True)
    ]
    value, term = pending.pop(0)
    while pending:
        right, other = pending.pop(0)
        needed = {*out, *(axis for _, later in pending for axis in later)}
        value, term = _product(value, term, right, other, needed)
    value, term = _without(value, term, set(out))
    return permute_dims(value, tuple(term.index(axis) for axis in out))


def _parse(subscripts: str, operands: tuple[Any, ...]) -> tuple[list[list[str]], list[str]]:
    """The axes of each operand and of the result, by name; those that `...` stands for are numbered from the right."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    texts = inputs.split(",")
    if len(texts) != len(operands):
        raise ValueError(f"einsum: {subscripts!r} describes {len(texts)} operands, {len(operands)} are given")
    terms = [_axes(subscripts, text, x.ndim) for text, x in zip(texts, operands, strict=True)]
    hidden = sorted({axis for term in terms for axis in term if axis.isdigit()}, key=int, reverse=True)
    letters = [axis for term in terms for axis in term if not axis.isdigit()]
    if not arrow:
        return terms, hidden + sorted(axis for axis in set(letters) if letters.count(axis) == 1)
    before, dots, after = output.partition(_ELLIPSIS)
    out = [*before, *(hidden if dots else ()), *after]
    if len(set(out)) != len(out) or not set(out) <= {*letters, *hidden}:
        raise ValueError(
            f"einsum: each axis of the output of {subscripts!r} must be one of the inputs', and named once"
        )
    return terms, out


def _axes(subscripts: str, text: str, ndim: int) -> list[str]:
    before, dots, after = text.partition(_ELLIPSIS)
    named = [*before, *after]
    if not all(axis.isalpha() for axis in named):
        raise ValueError(f"einsum: the axes in {subscripts!r} must be letters, or `...` once per operand")
    hidden = ndim - len(named)
    if hidden < 0 or (hidden and not dots):
        raise ValueError(f"einsum: {text!r} in {subscripts!r} names {len(named)} axes, the operand has {ndim}")
    return [*before, *map(str, range(hidden - 1, -1, -1)), *after]


def _lengths(subscripts: str, terms: list[list[str]], operands: tuple[Any, ...]) -> dict[str, int]:
    """The length of each axis; 1 gives way to any other."""
    lengths: dict[str, int] = {}
    for term, x in zip(terms, operands, strict=True):
        for axis, length in zip(term, x.shape, strict=True):
            known = lengths.get(axis, 1)
            if 1 not in (known, length) and known != length:
                shapes = ", ".join(str(x.shape) for x in operands)
                raise ShapeError(
                    f"einsum: an axis of {subscripts!r} has both lengths {known} and {length}; shapes {shapes}"
                )
            lengths[axis] = length if known == 1 else known
    return lengths


def _simple(x: Any, term: list[str], lengths: dict[str, int]) -> tuple[Any, list[str]]:
    """An operand whose axes differ, each of full length: diagonals are taken, axes that broadcast are dropped."""
    term = list(term)
    for axis in sorted({axis for axis in term if term.count(axis) > 1}):
        while term.count(axis) > 1:
            first = term.index(axis)
            second = term.index(axis, first + 1)
            if x.shape[first] != x.shape[second]:
                raise ShapeError(f"einsum: a diagonal of axes of lengths {x.shape[first]} and {x.shape[second]}")
            x = diagonal(moveaxis(x, (first, second), (-2, -1)))
            del term[second], term[first]
            term.append(axis)
    dropped = tuple(i for i, axis in enumerate(term) if x.shape[i] != lengths[axis])
    return (squeeze(x, dropped) if dropped else x), [axis for i, axis in enumerate(term) if i not in dropped]


def _without(x: Any, term: list[str], needed: set[str]) -> tuple[Any, list[str]]:
    """The sum over the axes that nobody needs any more."""
    gone = tuple(i for i, axis in enumerate(term) if axis not in needed)
    return (_sum(x, axis=gone) if gone else x), [axis for axis in term if axis in needed]


def _product(x: Any, term: list[str], y: Any, other: list[str], needed: set[str]) -> tuple[Any, list[str]]:
    """The product of two operands, summed over the axes that only they have: a stack of products of matrices."""
    x, term = _without(x, term, needed | set(other))
    y, other = _without(y, other, needed | set(term))
    length = {**dict(zip(term, x.shape, strict=True)), **dict(zip(other, y.shape, strict=True))}
    stacked = [axis for axis in term if axis in other and axis in needed]
    summed = [axis for axis in term if axis in other and axis not in needed]
    rows = [axis for axis in term if axis not in other]
    columns = [axis for axis in other if axis not in term]

    def size(axes: Iterable[str]) -> int:
        return math.prod(length[axis] for axis in axes)

    left = permute_dims(x, tuple(term.index(axis) for axis in (*stacked, *rows, *summed)))
    right = permute_dims(y, tuple(other.index(axis) for axis in (*stacked, *summed, *columns)))
    left = reshape(left, (size(stacked), size(rows), size(summed)))
    right = reshape(right, (size(stacked), size(summed), size(columns)))
    out = [*stacked, *rows, *columns]
    product = matmul(left, right) if summed else multiply(left, right)
    return reshape(product, tuple(length[axis] for axis in out)), out
