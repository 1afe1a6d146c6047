"""Variable: what a Tensor that requires grad was called before PyTorch 0.4."""

from __future__ import annotations

from typing import Any

from pullback import primitive as primitives
from pullback.errors import ArgumentError


def Variable(data: Any, requires_grad: bool = False) -> Any:  # noqa: N802  PyTorch's name
    """`data`, a Tensor, as a leaf that requires grad if asked to. Write `pb.tensor(..., requires_grad=True)` today.

    It shows the same memory. Raises `ArgumentError` for anything but a Tensor.

    >>> import pullback as pb
    >>> pb.autograd.Variable(pb.tensor([1.0]), requires_grad=True)
    tensor([1.], requires_grad=True)
    """
    if not isinstance(data, primitives.tensor_type):
        raise ArgumentError(
            f"Variable: a Tensor is needed, got {type(data).__module__}.{type(data).__qualname__}; write "
            f"pb.tensor(data, requires_grad=True)"
        )
    return data.detach().requires_grad_(requires_grad)
