"""Linear algebra extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback.declare import explicit

if TYPE_CHECKING:
    from pullback.tensor import Tensor


def _nonzero(xp: Any, x: Any) -> Any:
    return xp.where(x == 0, 1.0, x)


_euclidean = explicit(
    "norm",
    label="LinalgVectorNorm",
    forward=lambda xp, x: xp.sqrt(xp.sum(xp.square(xp.abs(x)))),
    x=lambda xp, ct, x, out: x * (ct / _nonzero(xp, out)),
    jvp={"x": lambda xp, t, x, out: xp.sum(xp.real(xp.conj(x) * t)) / _nonzero(xp, out)},
)


def vector_norm(x: Tensor, /) -> Tensor:
    """Euclidean norm of all elements; its gradient at 0 is 0."""
    return _euclidean(x)
