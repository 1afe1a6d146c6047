"""Convolutions and transposed convolutions over one, two and three axes, with PyTorch's arguments."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn.arguments import Ints, read_batch, read_floats, read_index, read_ints
from pullback_nn.convolutions import convolution, convolution_input
from pullback_nn.windows import Pairs


def _padding(op: str, padding: Any, size: Ints, stride: Ints, dilation: Ints) -> Pairs:
    """The number of zeros before and after each axis."""
    if padding == "valid":
        return ((0, 0),) * len(size)
    if padding == "same":
        if any(step != 1 for step in stride):
            raise ArgumentError(
                f"{op}: padding='same' keeps the length of an axis, and stride={stride} does not; use stride 1"
            )
        totals = [d * (k - 1) for k, d in zip(size, dilation, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    if isinstance(padding, str):
        raise ArgumentError(f"{op}: padding must be 'same', 'valid' or integers, got {padding!r}")
    return tuple((n, n) for n in read_ints(op, "padding", padding, len(size), least=0))


def _with_bias(op: str, out: Any, bias: Any, channels: int, added: bool) -> Any:
    if bias is not None:
        if bias.shape != (channels,):
            raise ShapeError(f"{op}: bias must have shape ({channels},), it has {bias.shape}")
        out = out + pb.reshape(bias, (1, channels, *(1,) * (out.ndim - 2)))
    return pb.squeeze(out, axis=0) if added else out


def _weight(op: str, weight: Any, axes: int, groups: int, what: str) -> Ints:
    """The size of the windows."""
    if weight.ndim != axes + 2:
        raise ShapeError(f"{op}: weight must be ({what}, {', '.join(['size'] * axes)}), it has shape {weight.shape}")
    if weight.shape[0] % groups:
        raise ShapeError(f"{op}: weight of shape {weight.shape} cannot be cut into {groups} groups on its first axis")
    return tuple(weight.shape[2:])


def _convolve(
    axes: int, input: Any, weight: Any, bias: Any, stride: Any, padding: Any, dilation: Any, groups: Any
) -> Any:
    op = f"conv{axes}d"
    read_floats(op, input=input, weight=weight, bias=bias)
    groups = read_index(op, "groups", groups, least=1)
    steps, gaps = read_ints(op, "stride", stride, axes, least=1), read_ints(op, "dilation", dilation, axes, least=1)
    size = _weight(op, weight, axes, groups, "out channels, in channels / groups")
    x, added = read_batch(op, input, axes)
    if x.shape[1] != weight.shape[1] * groups:
        raise ShapeError(
            f"{op}: input of shape {input.shape} has {x.shape[1]} channels, weight of shape {weight.shape} takes "
            f"{weight.shape[1] * groups} (with groups={groups})"
        )
    pairs = _padding(op, padding, size, steps, gaps)
    whole = tuple(n + low + high for n, (low, high) in zip(x.shape[2:], pairs, strict=True))
    reach = tuple(d * (k - 1) + 1 for k, d in zip(size, gaps, strict=True))
    if any(k > n for k, n in zip(reach, whole, strict=True)):
        raise ShapeError(
            f"{op}: windows of {reach} (size {size}, dilation {gaps}) do not fit into an input of {whole} with its padding"
        )
    out = convolution(x, weight, stride=steps, padding=pairs, dilation=gaps, groups=groups)
    return _with_bias(op, out, bias, weight.shape[0], added)


def conv1d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Convolution over one axis: (batch, in, length) and a weight (out, in / groups, size) give (batch, out, count).

    The batch axis may be left out. `padding` is a number of zeros on both sides, "valid" for none, or "same".
    Raises `ShapeError` where shapes do not fit, `DTypeError` where dtypes differ.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.conv1d(pb.tensor([[1.0, 2.0, 4.0]]), pb.tensor([[[1.0, -1.0]]]))
    tensor([[-1., -2.]])
    """
    return _convolve(1, input, weight, bias, stride, padding, dilation, groups)


def conv2d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Convolution over two axes: (batch, in, height, width) and a weight (out, in / groups, size, size).

    The batch axis may be left out. `stride`, `padding` and `dilation` are integers, or a pair; `padding` may be
    "valid" for none, or "same". Raises `ShapeError` where shapes do not fit, `DTypeError` where dtypes differ.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.conv2d(pb.ones(1, 1, 3, 3), pb.ones(1, 1, 2, 2), padding=1, stride=2)
    tensor([[[[1., 2.],
              [2., 4.]]]])
    """
    return _convolve(2, input, weight, bias, stride, padding, dilation, groups)


def conv3d(
    input: Any, weight: Any, bias: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """Convolution over three axes: (batch, in, depth, height, width) and a weight (out, in / groups, size, size, size).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.conv3d(pb.ones(1, 1, 3, 3, 3), pb.ones(4, 1, 2, 2, 2)).shape
    (1, 4, 2, 2, 2)
    """
    return _convolve(3, input, weight, bias, stride, padding, dilation, groups)


def _convolve_back(
    axes: int,
    input: Any,
    weight: Any,
    bias: Any,
    stride: Any,
    padding: Any,
    output_padding: Any,
    groups: Any,
    dilation: Any,
) -> Any:
    op = f"conv_transpose{axes}d"
    read_floats(op, input=input, weight=weight, bias=bias)
    groups = read_index(op, "groups", groups, least=1)
    steps, gaps = read_ints(op, "stride", stride, axes, least=1), read_ints(op, "dilation", dilation, axes, least=1)
    around = read_ints(op, "padding", padding, axes, least=0)
    extra = read_ints(op, "output_padding", output_padding, axes, least=0)
    if any(more >= max(step, gap) for more, step, gap in zip(extra, steps, gaps, strict=True)):
        raise ArgumentError(
            f"{op}: output_padding {extra} must be smaller than stride {steps} or dilation {gaps} on each axis"
        )
    size = _weight(op, weight, axes, groups, "in channels, out channels / groups")
    x, added = read_batch(op, input, axes)
    if x.shape[1] != weight.shape[0]:
        raise ShapeError(
            f"{op}: input of shape {input.shape} has {x.shape[1]} channels, weight of shape {weight.shape} takes "
            f"{weight.shape[0]}"
        )
    sides = zip(x.shape[2:], size, steps, gaps, around, extra, strict=True)
    length = tuple((n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, k, s, d, p, e in sides)
    if any(n < 1 for n in length):
        raise ShapeError(
            f"{op}: the result would have axes of {length}; padding {around} takes away more than there is"
        )
    # so much padding after the result that just the windows of the input fit: `output_padding` may leave room for more
    ends = zip(x.shape[2:], size, steps, gaps, around, length, strict=True)
    pairs = tuple((p, (n - 1) * s + d * (k - 1) + 1 - m - p) for n, k, s, d, p, m in ends)
    out = convolution_input(x, weight, length=length, stride=steps, padding=pairs, dilation=gaps, groups=groups)
    return _with_bias(op, out, bias, weight.shape[1] * groups, added)


def conv_transpose1d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of `conv1d` in its input: (batch, in, length) and a weight (in, out / groups, size).

    `padding` cuts off on both sides; `output_padding` says which of the lengths that give this input is meant.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.conv_transpose1d(pb.tensor([[1.0, 2.0]]), pb.tensor([[[1.0, 10.0]]]), stride=2)
    tensor([[ 1., 10.,  2., 20.]])
    """
    return _convolve_back(1, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose2d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of `conv2d` in its input: (batch, in, height, width) and a weight (in, out / groups, size, size).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.conv_transpose2d(pb.ones(1, 1, 2, 2), pb.ones(1, 3, 2, 2), stride=2, output_padding=1).shape
    (1, 3, 5, 5)
    """
    return _convolve_back(2, input, weight, bias, stride, padding, output_padding, groups, dilation)


def conv_transpose3d(
    input: Any,
    weight: Any,
    bias: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """The transpose of `conv3d` in its input: (batch, in, depth, height, width) and a weight (in, out / groups, *size).

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.conv_transpose3d(pb.ones(1, 1, 2, 2, 2), pb.ones(1, 3, 2, 2, 2)).shape
    (1, 3, 3, 3, 3)
    """
    return _convolve_back(3, input, weight, bias, stride, padding, output_padding, groups, dilation)
