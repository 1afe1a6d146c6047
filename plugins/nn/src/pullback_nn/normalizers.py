"""softmax, log_softmax and standardize: each one op whose rules read its result, in the place of a chain of ops.

The Jacobians of softmax and standardize are symmetric: one map serves both modes.
"""

from __future__ import annotations

from typing import Any

from pullback.extend import op

Ints = tuple[int, ...]


def _softmax_slope(xp: Any, t: Any, out: Any, axis: int) -> Any:
    return out * (t - xp.sum(t * out, axis=axis, keepdims=True))


@op.explicit(name="nn::softmax_op", vjp={"x": _softmax_slope}, jvp={"x": _softmax_slope})
def softmax(xp: Any, x: Any, *, axis: int) -> Any:
    """exp(x) / sum(exp(x)) along an axis, without overflow."""
    powers = xp.exp(x - xp.max(x, axis=axis, keepdims=True))
    return powers / xp.sum(powers, axis=axis, keepdims=True)


@op.explicit(
    name="nn::log_softmax_op",
    vjp={"x": lambda xp, ct, out, axis: ct - xp.exp(out) * xp.sum(ct, axis=axis, keepdims=True)},
    jvp={"x": lambda xp, t, out, axis: t - xp.sum(xp.exp(out) * t, axis=axis, keepdims=True)},
)
def log_softmax(xp: Any, x: Any, *, axis: int) -> Any:
    """log(softmax(x)) along an axis."""
    shifted = x - xp.max(x, axis=axis, keepdims=True)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


def _scale(xp: Any, x: Any, axes: Ints, eps: float) -> Any:
    return 1.0 / xp.sqrt(xp.var(x, axis=axes, keepdims=True) + eps)


def _standardize_slope(xp: Any, t: Any, x: Any, out: Any, axes: Ints, eps: float) -> Any:
    """The part of t that neither moves the mean nor stretches: what of it is constant or along `out` is taken away."""
    level = xp.mean(t, axis=axes, keepdims=True)
    along = xp.mean(t * out, axis=axes, keepdims=True)
    return _scale(xp, x, axes, eps) * (t - level - out * along)


@op.explicit(name="nn::standardize", vjp={"x": _standardize_slope}, jvp={"x": _standardize_slope})
def standardize(xp: Any, x: Any, *, axes: Ints, eps: float) -> Any:
    """(x - mean) / sqrt(variance + eps) over some axes."""
    return (x - xp.mean(x, axis=axes, keepdims=True)) * _scale(xp, x, axes, eps)
