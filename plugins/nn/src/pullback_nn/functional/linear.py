"""Linear maps of the last axis."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.errors import ShapeError

from pullback_nn.arguments import read_floats


def linear(input: Any, weight: Any, bias: Any = None) -> Any:
    """input @ weight.T + bias on the last axis: (*, in) and a weight (out, in) give (*, out).

    Raises `ShapeError` where the last axes of input and weight differ, `DTypeError` where their dtypes do.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.linear(pb.tensor([1.0, 2.0]), pb.tensor([[3.0, 4.0]]), pb.tensor([0.5]))
    tensor([11.5000])
    """
    read_floats("linear", input=input, weight=weight, bias=bias)
    if weight.ndim not in (1, 2) or input.ndim == 0 or input.shape[-1] != weight.shape[-1]:
        raise ShapeError(
            f"linear: input of shape {input.shape} and weight of shape {weight.shape}: weight must be (out, in) or (in,), "
            f"and input (*, in)"
        )
    if bias is not None and bias.shape not in (weight.shape[:-1], (1,)[: weight.ndim - 1]):
        raise ShapeError(f"linear: bias must have shape {weight.shape[:-1]}, it has {bias.shape}")
    if weight.ndim == 1:
        out = input @ weight
    elif input.ndim <= 2:
        out = input @ pb.matrix_transpose(weight)
    else:  # one product of matrices, and one for the gradient of the weight
        rows = pb.reshape(input, (math.prod(input.shape[:-1]), input.shape[-1]))
        out = pb.reshape(rows @ pb.matrix_transpose(weight), (*input.shape[:-1], weight.shape[0]))
    return out if bias is None else out + bias


def bilinear(input1: Any, input2: Any, weight: Any, bias: Any = None) -> Any:
    """input1 @ weight[k] @ input2 for each k: a weight (out, in1, in2) gives (*, out).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.bilinear(pb.ones(2), pb.ones(3), pb.ones(1, 2, 3))
    tensor([6.])
    """
    read_floats("bilinear", input1=input1, input2=input2, weight=weight, bias=bias)
    if weight.ndim != 3 or (input1.shape[-1], input2.shape[-1]) != weight.shape[1:]:
        raise ShapeError(
            f"bilinear: weight must be (out, in1, in2) with the last axes of the inputs, it has shape {weight.shape}, and "
            f"the inputs have {input1.shape} and {input2.shape}"
        )
    out, first, second = weight.shape
    left = input1 @ pb.reshape(pb.permute_dims(weight, (1, 0, 2)), (first, out * second))
    left = pb.reshape(left, (*input1.shape[:-1], out, second))
    made = pb.sum(left * pb.expand_dims(input2, axis=-2), axis=-1)
    return made if bias is None else made + bias
