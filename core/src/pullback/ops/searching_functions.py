"""Searching functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.declare import elementwise, nondifferentiable
from pullback.ops.creation_functions import pair
from pullback.ops.manipulation_functions import normalize, normalize_all

if TYPE_CHECKING:
    from pullback.tensor import Tensor

where = elementwise(
    "where",
    "Elements of x1 where the condition holds, else of x2. The gradient goes to the one taken, exactly 0 to the other.",
    operands=("condition", "x1", "x2"),
    untyped=("condition",),
    hides=True,
    product=False,
    x1=lambda xp, t, condition: xp.where(condition, t, 0.0),
    x2=lambda xp, t, condition: xp.where(condition, 0.0, t),
)

_argmax = nondifferentiable("argmax")
_argmin = nondifferentiable("argmin")
_count_nonzero = nondifferentiable("count_nonzero")
_nonzero = nondifferentiable("nonzero", multiple=True)
_searchsorted = nondifferentiable(
    "searchsorted", operands=("x1", "x2"), forward=lambda xp, x1, x2, side: xp.searchsorted(x1, x2, side=side)
)


def argmax(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the first largest element along `axis` (of the flattened array with None).

    >>> import pullback as pb
    >>> pb.argmax(pb.tensor([1.0, 3.0, 3.0]))
    tensor(1)
    """
    return _argmax(x, axis=None if axis is None else normalize(axis, x.ndim), keepdims=keepdims)


def argmin(x: Tensor, /, *, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the first smallest element along `axis` (of the flattened array with None).

    >>> import pullback as pb
    >>> pb.argmin(pb.tensor([2.0, 1.0, 1.0]))
    tensor(1)
    """
    return _argmin(x, axis=None if axis is None else normalize(axis, x.ndim), keepdims=keepdims)


def count_nonzero(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """How many elements along `axis` are not zero.

    >>> import pullback as pb
    >>> pb.count_nonzero(pb.tensor([0, 3, 0, 5]))
    tensor(2)
    """
    return _count_nonzero(x, axis=None if axis is None else normalize_all(axis, x.ndim), keepdims=keepdims)


def nonzero(x: Tensor, /) -> tuple[Tensor, ...]:
    """Positions of the elements that are not zero, one array per axis.

    >>> import pullback as pb
    >>> pb.nonzero(pb.tensor([0, 3, 0, 5]))
    (tensor([1, 3]),)
    """
    return tuple(_nonzero(x))


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Tensor:
    """Where the elements of `x2` would have to be inserted into the sorted `x1`.

    >>> import pullback as pb
    >>> pb.searchsorted(pb.tensor([1.0, 3.0, 5.0]), pb.tensor([2.0, 5.0]))
    tensor([1, 2])
    """
    return _searchsorted(*pair(x1 if sorter is None else x1[sorter], x2), side=side)
