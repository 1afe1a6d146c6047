"""logsumexp, softmax and log_softmax: composites over the standard, so that they need no rule."""

from __future__ import annotations

from typing import Any


def logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False) -> Any:
    """log(sum(b * exp(a))) over the axes, without overflow. -inf where all of `a` is; NaN where the sum is negative.

    >>> import pullback as pb
    >>> from pullback_special import logsumexp
    >>> x = pb.tensor([1000.0, 1000.0], requires_grad=True)
    >>> logsumexp(x).backward()
    >>> x.grad
    tensor([0.5000, 0.5000])
    """
    xp = a.__array_namespace__()
    top = _largest(xp, a, axis)
    terms = xp.exp(a - top) if b is None else b * xp.exp(a - top)
    total = xp.log(xp.sum(terms, axis=axis, keepdims=True)) + top
    if keepdims:
        return total
    return xp.squeeze(total, axis=tuple(range(total.ndim)) if axis is None else axis)


def _largest(xp: Any, x: Any, axis: Any) -> Any:
    """What to subtract before exp: any number gives the same result, so that it has no part in the gradient."""
    top = xp.max(x, axis=axis, keepdims=True).detach()
    return xp.where(xp.isfinite(top), top, 0.0)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """x - logsumexp(x).

    >>> import pullback as pb
    >>> from pullback_special import log_softmax
    >>> log_softmax(pb.tensor([0.0, 0.0]))
    tensor([-0.6931, -0.6931])
    """
    xp = x.__array_namespace__()
    shifted = x - _largest(xp, x, axis)
    return shifted - xp.log(xp.sum(xp.exp(shifted), axis=axis, keepdims=True))


def softmax(x: Any, axis: Any = None) -> Any:
    """exp(x) / sum(exp(x)), without overflow.

    >>> import pullback as pb
    >>> from pullback_special import softmax
    >>> softmax(pb.tensor([0.0, 0.0]))
    tensor([0.5000, 0.5000])
    """
    xp = x.__array_namespace__()
    powers = xp.exp(x - _largest(xp, x, axis))
    return powers / xp.sum(powers, axis=axis, keepdims=True)


__all__ = [
    "log_softmax",
    "logsumexp",
    "softmax",
]
