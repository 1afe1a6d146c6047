"""A `Function` of the suite's own: an operation with a backward rule that was written by hand."""

from __future__ import annotations

from typing import Any

import pullback as pb


class Cube(pb.autograd.Function):
    """x^3."""

    @staticmethod
    def forward(ctx: Any, x: Any) -> Any:
        """The values."""
        ctx.save_for_backward(x)
        return x * x * x

    @staticmethod
    def backward(ctx: Any, ct: Any) -> Any:
        """The cotangent of x."""
        (x,) = ctx.saved_tensors
        return ct * (3 * x * x)
