"""Utility functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.declare import nondifferentiable
from pullback.ops.manipulation_functions import concat, normalize, normalize_all
from pullback.ops.operands import on_tensors

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_all = nondifferentiable("all")
_any = nondifferentiable("any")


def all(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether all elements along `axis` are true.

    >>> import pullback as pb
    >>> pb.all(pb.tensor([[True, True], [True, False]]), axis=1)
    tensor([ True, False])
    """
    return _all(x, axis=None if axis is None else normalize_all(axis, x.ndim), keepdims=keepdims)


def any(x: Tensor, /, *, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether any element along `axis` is true.

    >>> import pullback as pb
    >>> pb.any(pb.tensor([[True, True], [False, False]]), axis=1)
    tensor([ True, False])
    """
    return _any(x, axis=None if axis is None else normalize_all(axis, x.ndim), keepdims=keepdims)


@on_tensors
def diff(x: Tensor, /, n: int = 1, axis: int = -1, *, prepend: Any = None, append: Any = None) -> Tensor:
    """Differences of neighbours along `axis`, taken `n` times. (`n` and `axis` in NumPy's order; the standard names them.)

    >>> import pullback as pb
    >>> pb.diff(pb.tensor([1.0, 4.0, 9.0]))
    tensor([3., 5.])
    """
    axis = normalize(axis, x.ndim)
    x = concat([part for part in (prepend, x, append) if part is not None], axis=axis)
    before = (slice(None),) * axis
    for _ in range(n):
        x = x[(*before, slice(1, None), ...)] - x[(*before, slice(None, -1), ...)]
    return x
