"""Data type functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.declare import linear
from pullback.dtypes import DType, promote
from pullback.errors import DTypeError

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_astype = linear(
    "astype",
    label="ToCopy",
    typed=True,
    forward=lambda xp, x, to: xp.astype(x, to),
    x=lambda xp, ct, to, like, dtype: xp.astype(
        xp.real(ct) if to.is_complex and not like.dtype.is_complex else ct, dtype
    ),
)


def astype(x: Tensor, dtype: DType, /, *, copy: bool = True) -> Tensor:
    """`x` converted to `dtype`; differentiable between floating and complex dtypes. Complex to real is refused."""
    if not isinstance(dtype, DType):
        raise DTypeError(f"astype: a dtype such as pb.float64 is needed, got {dtype!r}")
    if x.dtype is dtype:
        return x.clone() if copy else x
    if x.dtype.is_complex and not dtype.is_complex:
        raise DTypeError(
            f"astype: {x.dtype.name} to {dtype.name} would drop the imaginary part; write pb.real(x) or pb.abs(x)"
        )
    return _astype(x, to=dtype)


def promoted(*arrays: Any) -> tuple[Tensor, ...]:
    """The arrays, converted to the one dtype that they promote to; differentiable."""
    dtype = arrays[0].dtype
    if all(x.dtype is dtype for x in arrays):
        return arrays
    for x in arrays[1:]:
        dtype = promote(dtype, x.dtype)
    return tuple(astype(x, dtype, copy=False) for x in arrays)


clone = linear(
    "clone", "A copy that shares no memory.", forward=lambda xp, x: xp.asarray(x, copy=True), x=lambda xp, ct: ct
)

alias = linear("alias", "The same array at a new place in the graph.", forward=lambda xp, x: x, x=lambda xp, ct: ct)
