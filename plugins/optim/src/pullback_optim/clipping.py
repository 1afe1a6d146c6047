"""Clipping gradients, in place, without a look at their values."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, AutogradError


def _grads(op: str, parameters: Any) -> list[Any]:
    params = [parameters] if isinstance(parameters, pb.Tensor) else list(parameters)
    for p in params:
        if not isinstance(p, pb.Tensor):
            raise ArgumentError(f"{op}: parameters are Tensors, got {type(p).__name__}")
    return [p.grad for p in params if p.grad is not None]


def clip_grad_norm_(parameters: Any, max_norm: float, norm_type: float = 2.0, error_if_nonfinite: bool = False) -> Any:
    """Scale the gradients so that their common norm is at most `max_norm`; returns the norm that they had.

    `parameters`: a Tensor or an iterable of them, those without `.grad` are left out. `norm_type`: the order of the norm,
    also `inf`. The norm is a 0-d Tensor on the device of the first gradient, 0 if there is none. As in PyTorch, the factor
    is `max_norm / (norm + 1e-6)`. `error_if_nonfinite=True` looks at the norm, which makes a lazy backend compute it,
    and raises `AutogradError` before anything is scaled.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> optim.clip_grad_norm_([w], 1.0)
    tensor(5.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    grads = _grads("clip_grad_norm_", parameters)
    if not grads:
        return pb.zeros(())
    with pb.no_grad():
        place = grads[0].device
        norms = [pb.linalg.vector_norm(grad, ord=float(norm_type)).to(place) for grad in grads]
        widest = pb.result_type(*norms)
        total = pb.linalg.vector_norm(pb.stack([norm.astype(widest) for norm in norms]), ord=float(norm_type))
        if error_if_nonfinite:
            (finite,) = pb.compute(pb.isfinite(total))
            if not bool(finite):
                raise AutogradError(f"clip_grad_norm_: the norm of the gradients of order {norm_type} is not finite")
        factor = pb.clip(max_norm / (total + 1e-6), max=1.0)
        for grad in grads:
            grad.mul_(factor.to(grad.device, pb.real(grad).dtype if grad.dtype.is_complex else grad.dtype))
    return total


def clip_grad_value_(parameters: Any, clip_value: float) -> None:
    """Bring every element of the gradients into `[-clip_value, clip_value]`.

    `parameters`: a Tensor or an iterable of them, real ones; those without `.grad` are left out.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([3.0, 0.5], requires_grad=True)
    >>> (w * w / 2).sum().backward()
    >>> optim.clip_grad_value_([w], 1.0)
    >>> w.grad
    tensor([1.0000, 0.5000])
    """
    with pb.no_grad():
        for grad in _grads("clip_grad_value_", parameters):
            grad.clamp_(-float(clip_value), float(clip_value))
