"""Normalization: numbers of mean 0 and variance 1 over a batch, over groups of channels, or over each example."""

from __future__ import annotations

import copy
import math
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, AutogradError, ShapeError

from pullback_nn.arguments import Ints, read_floats, read_index
from pullback_nn.normalizers import standardize


def _affine(op: str, x: Any, weight: Any, bias: Any, shape: Ints, view: Ints) -> Any:
    """x * weight + bias, for parameters of `shape` that are seen as `view`."""
    for name, parameter in (("weight", weight), ("bias", bias)):
        if parameter is not None and parameter.shape != shape:
            raise ShapeError(f"{op}: {name} must have shape {shape}, it has {parameter.shape}")
    if weight is not None:
        x = x * (weight if shape == view else pb.reshape(weight, view))
    if bias is not None:
        x = x + (bias if shape == view else pb.reshape(bias, view))
    return x


def _last(op: str, x: Any, normalized_shape: Any) -> tuple[Ints, Ints]:
    """The lengths of the last axes, and these axes."""
    shape = tuple(normalized_shape) if isinstance(normalized_shape, (tuple, list)) else (normalized_shape,)
    if not shape or x.shape[-len(shape) :] != shape:
        raise ShapeError(f"{op}: normalized_shape {shape} must be the lengths of the last axes of the input, {x.shape}")
    return shape, tuple(range(x.ndim - len(shape), x.ndim))


def layer_norm(input: Any, normalized_shape: Any, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(variance + eps) over the last axes, times weight, plus bias: both of `normalized_shape`.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.layer_norm(pb.tensor([[1.0, 3.0]]), (2,))
    tensor([[-1.0000,  1.0000]])
    """
    read_floats("layer_norm", input=input, weight=weight, bias=bias)
    shape, axes = _last("layer_norm", input, normalized_shape)
    return _affine("layer_norm", standardize(input, axes=axes, eps=float(eps)), weight, bias, shape, shape)


def rms_norm(input: Any, normalized_shape: Any, weight: Any = None, eps: float | None = None) -> Any:
    """x / sqrt(mean(x^2) + eps) over the last axes, times weight; eps is that of the dtype unless it is given.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.rms_norm(pb.tensor([[1.0, 7.0]]), (2,))
    tensor([[0.2000, 1.4000]])
    """
    read_floats("rms_norm", input=input, weight=weight)
    shape, axes = _last("rms_norm", input, normalized_shape)
    small = float(pb.finfo(input.dtype).eps) if eps is None else float(eps)
    scale = pb.sqrt(pb.mean(input * input, axis=axes, keepdims=True) + small)
    return _affine("rms_norm", input / scale, weight, None, shape, shape)


def group_norm(input: Any, num_groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5) -> Any:
    """(x - mean) / sqrt(variance + eps) over each group of channels (axis 1) and all places; weight, bias: (channels,).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.group_norm(pb.tensor([[1.0, 3.0, 5.0, 9.0]]), 2)
    tensor([[-1.0000,  1.0000, -1.0000,  1.0000]])
    """
    read_floats("group_norm", input=input, weight=weight, bias=bias)
    groups = read_index("group_norm", "num_groups", num_groups, least=1)
    if input.ndim < 2 or input.shape[1] % groups:
        raise ShapeError(
            f"group_norm: input must be (batch, channels, ...) with channels that can be cut into {groups} groups, it has "
            f"shape {input.shape}"
        )
    batch, channels = input.shape[:2]
    rows = pb.reshape(input, (batch, groups, channels // groups * math.prod(input.shape[2:])))
    out = pb.reshape(standardize(rows, axes=(2,), eps=float(eps)), input.shape)
    return _affine("group_norm", out, weight, bias, (channels,), (channels, *(1,) * (input.ndim - 2)))


def _channels(op: str, input: Any, least: int) -> Ints:
    """The shape of one number per channel, to broadcast with the input."""
    if input.ndim < least:
        raise ShapeError(
            f"{op}: input must be (batch, channels{', ...' if least > 2 else ''}), it has shape {input.shape}"
        )
    return (input.shape[1], *(1,) * (input.ndim - 2))


def _update(op: str, running: Any, found: Any, momentum: float) -> None:
    """A running number a step towards a new one, in place."""
    if running is None:
        return
    try:
        number = copy.deepcopy(found)  # refused for what exists inside a transform only
    except AutogradError:
        raise AutogradError(
            f"{op}: running statistics cannot be kept inside vmap or forward mode, whose numbers end with the call; call "
            f".eval() on the module first, or leave running_mean and running_var out"
        ) from None
    with pb.no_grad():
        running.copy_((1 - momentum) * running + momentum * pb.reshape(number, running.shape))


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(variance + eps) for each channel (axis 1), times weight, plus bias: both (channels,).

    With `training`, mean and variance are those of the batch, and `running_mean` and `running_var`, unless they are None,
    move towards them by `momentum`, in place (the variance without bias). Else they are the running ones.
    Raises `ShapeError` where shapes do not fit, and for a batch of one number per channel, which has no variance.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.batch_norm(pb.tensor([[1.0], [3.0]]), None, None, training=True)
    tensor([[-1.0000],
            [ 1.0000]])
    """
    op = "batch_norm"
    read_floats(op, input=input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    view = _channels(op, input, 2)
    for name, running in (("running_mean", running_mean), ("running_var", running_var)):
        if running is not None and running.shape != view[:1]:
            raise ShapeError(f"{op}: {name} must have shape {view[:1]}, one number per channel, it has {running.shape}")
    if not training:
        if running_mean is None or running_var is None:
            raise ArgumentError(f"{op}: running_mean and running_var are needed where training is False")
        scale = 1 / pb.sqrt(pb.reshape(running_var, view) + eps)
        out = (input - pb.reshape(running_mean, view)) * scale
        return _affine(op, out, weight, bias, view[:1], view)
    count = input.shape[0] * math.prod(input.shape[2:])
    if count < 2:
        raise ShapeError(
            f"{op}: more than one number per channel is needed while training, input has shape {input.shape}"
        )
    axes = (0, *range(2, input.ndim))
    out = _affine(op, standardize(input, axes=axes, eps=float(eps)), weight, bias, view[:1], view)
    if running_mean is not None or running_var is not None:
        now = input.detach()
        _update(op, running_mean, pb.mean(now, axis=axes), momentum)
        _update(op, running_var, pb.var(now, axis=axes, correction=1), momentum)
    return out


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(x - mean) / sqrt(variance + eps) for each channel (axis 1) of each example, times weight, plus bias.

    With `use_input_stats` False, mean and variance are the running ones; else these, unless None, move towards the
    means over the batch of mean and variance (without bias).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.instance_norm(pb.tensor([[[1.0, 3.0]]]))
    tensor([[[-1.0000,  1.0000]]])
    """
    op = "instance_norm"
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    read_floats(op, input=input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias)
    view = _channels(op, input, 3)
    if math.prod(input.shape[2:]) < 2:
        raise ShapeError(f"{op}: more than one number per channel is needed, input has shape {input.shape}")
    axes = tuple(range(2, input.ndim))
    out = _affine(op, standardize(input, axes=axes, eps=float(eps)), weight, bias, view[:1], view)
    if running_mean is not None or running_var is not None:
        now = input.detach()
        _update(op, running_mean, pb.mean(pb.mean(now, axis=axes), axis=0), momentum)
        _update(op, running_var, pb.mean(pb.var(now, axis=axes, correction=1), axis=0), momentum)
    return out


def local_response_norm(input: Any, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> Any:
    """x / (k + alpha mean(x^2))^beta, the mean over `size` neighbouring channels."""
    read_floats("local_response_norm", input=input)
    _channels("local_response_norm", input, 3)
    squares = pb.moveaxis(input * input, 1, -1)
    low, high = size // 2, (size - 1) // 2
    zeros = [pb.zeros((*squares.shape[:-1], n), dtype=input.dtype, device=input.device) for n in (low, high)]
    whole = pb.concat([zeros[0], squares, zeros[1]], axis=-1)
    channels = input.shape[1]
    total: Any = whole[..., :channels]
    for start in range(1, size):
        total = total + whole[..., start : start + channels]
    return input / (k + alpha * pb.moveaxis(total / size, -1, 1)) ** beta
