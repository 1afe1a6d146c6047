"""Sorting functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.declare import explicit, nondifferentiable
from pullback.ops.manipulation_functions import normalize
from pullback.ops.operands import on_tensors

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_argsort = nondifferentiable("argsort")


def _order(xp: Any, x: Any, axis: int, descending: bool) -> Any:
    return xp.argsort(x, axis=axis, descending=descending, stable=True)


_sort = explicit(
    "sort",
    x=lambda xp, ct, x, axis, descending: xp.along_axis_add(ct, _order(xp, x, axis, descending), axis, x.shape[axis]),
    jvp={"x": lambda xp, t, x, axis, descending: xp.take_along_axis(t, _order(xp, x, axis, descending), axis=axis)},
)


@on_tensors
def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The positions that sort `x` along `axis`.

    >>> import pullback as pb
    >>> pb.argsort(pb.tensor([3.0, 1.0, 2.0]))
    tensor([1, 2, 0])
    """
    return _argsort(x, axis=normalize(axis, x.ndim), descending=descending, stable=stable)


@on_tensors
def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """`x` sorted along `axis`; the gradient follows the (stable) permutation.

    >>> import pullback as pb
    >>> pb.sort(pb.tensor([3.0, 1.0, 2.0]), descending=True)
    tensor([3., 2., 1.])
    """
    return _sort(x, axis=normalize(axis, x.ndim), descending=descending, stable=stable)
