"""Set functions: nothing to differentiate, and shapes that depend on the data."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.declare import nondifferentiable
from pullback.ops.creation_functions import pair

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_unique_all = nondifferentiable("unique_all", multiple=True)
_unique_counts = nondifferentiable("unique_counts", multiple=True)
_unique_inverse = nondifferentiable("unique_inverse", multiple=True)
_unique_values = nondifferentiable("unique_values")
_isin = nondifferentiable(
    "isin", operands=("x1", "x2"), forward=lambda xp, x1, x2, invert: xp.isin(x1, x2, invert=invert)
)


class UniqueAllResult(NamedTuple):
    """The results of `unique_all`."""

    values: Tensor
    indices: Tensor
    inverse_indices: Tensor
    counts: Tensor


class UniqueCountsResult(NamedTuple):
    """The results of `unique_counts`."""

    values: Tensor
    counts: Tensor


class UniqueInverseResult(NamedTuple):
    """The results of `unique_inverse`."""

    values: Tensor
    inverse_indices: Tensor


def unique_all(x: Tensor, /) -> UniqueAllResult:
    """The distinct elements, where each occurs first, where each element of `x` is among them, and how often.

    >>> import pullback as pb
    >>> x = pb.tensor([3, 1, 3])
    >>> x.__array_namespace__().unique_all(x).indices
    tensor([1, 0])
    """
    return UniqueAllResult(*_unique_all(x))


def unique_counts(x: Tensor, /) -> UniqueCountsResult:
    """The distinct elements, and how often each occurs.

    >>> import pullback as pb
    >>> x = pb.tensor([3, 1, 3])
    >>> x.__array_namespace__().unique_counts(x).counts
    tensor([1, 2])
    """
    return UniqueCountsResult(*_unique_counts(x))


def unique_inverse(x: Tensor, /) -> UniqueInverseResult:
    """The distinct elements, and where each element of `x` is among them.

    >>> import pullback as pb
    >>> x = pb.tensor([3, 1, 3])
    >>> x.__array_namespace__().unique_inverse(x).inverse_indices
    tensor([1, 0, 1])
    """
    return UniqueInverseResult(*_unique_inverse(x))


def unique_values(x: Tensor, /) -> Tensor:
    """The distinct elements.

    >>> import pullback as pb
    >>> x = pb.tensor([3, 1, 3])
    >>> x.__array_namespace__().unique_values(x)
    tensor([1, 3])
    """
    return _unique_values(x)


def isin(x1: Tensor | Any, x2: Tensor | Any, /, *, invert: bool = False) -> Tensor:
    """Whether each element of `x1` is among those of `x2`; with `invert`, whether it is not.

    >>> import pullback as pb
    >>> x = pb.tensor([1, 2, 3])
    >>> x.__array_namespace__().isin(x, pb.tensor([2, 5]))
    tensor([False,  True, False])
    """
    return _isin(*pair(x1, x2), invert=invert)
