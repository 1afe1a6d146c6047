"""Variable: what a Tensor that requires grad was called before PyTorch 0.4."""

from __future__ import annotations

from typing import Any


def Variable(data: Any, requires_grad: bool = False) -> Any:  # noqa: N802  PyTorch's name
    """`data`, a Tensor, as a leaf that requires grad if asked to. Write `pb.tensor(..., requires_grad=True)` today.

    >>> import pullback as pb
    >>> pb.autograd.Variable(pb.tensor([1.0]), requires_grad=True)
    tensor([1.], requires_grad=True)
    """
    return data.detach().requires_grad_(requires_grad)
