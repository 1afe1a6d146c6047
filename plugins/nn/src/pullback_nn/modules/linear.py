"""Layers that are linear maps of the last axis; Identity and Flatten."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.errors import ShapeError

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn import init
from pullback_nn.arguments import read_index, read_tensor
from pullback_nn.modules.module import Module
from pullback_nn.modules.parameter import Parameter


def parameter(shape: tuple[int, ...], dtype: Any, device: Any) -> Parameter:
    """A parameter to fill in, of the default dtype and on the default device unless these are given."""
    return Parameter(pb.zeros(shape, dtype=dtype, device=device))


def fill_uniformly(weight: Any, bias: Any) -> None:
    """PyTorch's default for linear and convolution layers: uniform within 1 / sqrt(fan in)."""
    bound = 1 / math.sqrt(max(math.prod(weight.shape[1:]), 1))
    init.uniform_(weight, -bound, bound)
    if bias is not None:
        init.uniform_(bias, -bound, bound)


class Linear(Module):
    """x @ weight.T + bias on the last axis.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Linear(3, 2)(pb.ones(5, 3)).shape
    (5, 2)
    """

    def __init__(
        self, in_features: int, out_features: int, bias: bool = True, device: Any = None, dtype: Any = None
    ) -> None:
        super().__init__()
        self.in_features = read_index("Linear", "in_features", in_features, least=0)
        self.out_features = read_index("Linear", "out_features", out_features, least=0)
        self.weight = parameter((out_features, in_features), dtype, device)
        self.register_parameter("bias", parameter((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        fill_uniformly(self.weight, self.bias)

    def forward(self, input: Any) -> Any:
        return F.linear(input, self.weight, self.bias)

    def extra_repr(self) -> str:
        return f"in_features={self.in_features}, out_features={self.out_features}, bias={self.bias is not None}"


class Bilinear(Module):
    """x1 @ weight[k] @ x2 + bias[k] for each k."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        super().__init__()
        self.in1_features, self.in2_features, self.out_features = in1_features, in2_features, out_features
        self.weight = parameter((out_features, in1_features, in2_features), dtype, device)
        self.register_parameter("bias", parameter((out_features,), dtype, device) if bias else None)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew."""
        bound = 1 / math.sqrt(self.in1_features)
        init.uniform_(self.weight, -bound, bound)
        if self.bias is not None:
            init.uniform_(self.bias, -bound, bound)

    def forward(self, input1: Any, input2: Any) -> Any:
        return F.bilinear(input1, input2, self.weight, self.bias)

    def extra_repr(self) -> str:
        return (
            f"in1_features={self.in1_features}, in2_features={self.in2_features}, out_features={self.out_features}, "
            f"bias={self.bias is not None}"
        )


class Identity(Module):
    """Its input. It takes any arguments, so that it can stand for any layer."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def forward(self, input: Any) -> Any:
        return input


class Flatten(Module):
    """The axes from `start_dim` to `end_dim` as one.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Flatten()(pb.ones(2, 3, 4)).shape
    (2, 12)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        super().__init__()
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, input: Any) -> Any:
        shape = read_tensor("Flatten", "input", input).shape
        ndim = len(shape)
        if not (-ndim <= self.start_dim < ndim and -ndim <= self.end_dim < ndim):
            raise ShapeError(
                f"Flatten: axes {self.start_dim} to {self.end_dim} are asked for, the input has shape {shape}"
            )
        start, end = self.start_dim % ndim, self.end_dim % ndim
        if start > end:
            raise ShapeError(
                f"Flatten: axis {self.start_dim} comes after axis {self.end_dim} in an input of shape {shape}"
            )
        return pb.reshape(input, (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :]))

    def extra_repr(self) -> str:
        return f"start_dim={self.start_dim}, end_dim={self.end_dim}"


class Unflatten(Module):
    """One axis as several; one of their lengths may be -1.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Unflatten(1, (3, -1))(pb.ones(2, 12)).shape
    (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: tuple[int, ...]) -> None:
        super().__init__()
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, input: Any) -> Any:
        shape = read_tensor("Unflatten", "input", input).shape
        axis = self.dim % len(shape)
        known = math.prod(n for n in self.unflattened_size if n != -1)
        sizes = [shape[axis] // known if n == -1 else n for n in self.unflattened_size]
        if math.prod(sizes) != shape[axis]:
            raise ShapeError(f"Unflatten: axis {self.dim} of an input of shape {shape} is not {self.unflattened_size}")
        return pb.reshape(input, (*shape[:axis], *sizes, *shape[axis + 1 :]))

    def extra_repr(self) -> str:
        return f"dim={self.dim}, unflattened_size={self.unflattened_size}"
