"""Sorting functions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pullback.declare import nondifferentiable
from pullback.ops.indexing_functions import take_along_axis

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_argsort = nondifferentiable("argsort")
_sort = nondifferentiable("sort")


def argsort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """The positions that sort `x` along `axis`."""
    return _argsort(x, axis=axis, descending=descending, stable=stable)


def sort(x: Tensor, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Tensor:
    """`x` sorted along `axis`; the gradient follows the (stable) permutation."""
    if x.requires_grad:
        return take_along_axis(x, argsort(x, axis=axis, descending=descending), axis=axis)
    return _sort(x, axis=axis, descending=descending, stable=stable)
