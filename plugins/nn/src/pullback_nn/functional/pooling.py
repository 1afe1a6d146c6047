"""Pooling: the largest, the mean or another norm of each window, with PyTorch's arguments."""

from __future__ import annotations

import math
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn.arguments import Ints, read_batch, read_floats, read_index, read_ints
from pullback_nn.windows import margin, max_pool, sum_pool


class _Plan:
    """How the windows of a pooling lie: the zeros (or infinities) around, and what is over on the right."""

    def __init__(
        self, op: str, x: Any, size: Any, stride: Any, padding: Any, dilation: Any, axes: int, *, ceil_mode: bool
    ) -> None:
        self.size = read_ints(op, "kernel_size", size, axes, least=1)
        self.stride = self.size if stride is None or stride == () else read_ints(op, "stride", stride, axes, least=1)
        self.padding = read_ints(op, "padding", padding, axes, least=0)
        self.dilation = read_ints(op, "dilation", dilation, axes, least=1)
        if any(2 * p > d * (k - 1) + 1 for p, k, d in zip(self.padding, self.size, self.dilation, strict=True)):
            raise ArgumentError(
                f"{op}: padding {self.padding} must be at most half of the windows, which are {self.size} with dilation "
                f"{self.dilation}"
            )
        self.length: Ints = tuple(x.shape[2:])
        sides = zip(self.length, self.size, self.stride, self.padding, self.dilation, strict=True)
        self.count = tuple(_count(*side, ceil_mode=ceil_mode) for side in sides)
        if any(n < 1 for n in self.count):
            raise ShapeError(
                f"{op}: windows of {self.size} (dilation {self.dilation}) do not fit into an input of {self.length} with "
                f"padding {self.padding}"
            )
        ends = zip(self.count, self.size, self.stride, self.dilation, strict=True)
        reach = tuple((n - 1) * s + d * (k - 1) + 1 for n, k, s, d in ends)
        self.pairs = tuple((p, max(end - n - p, 0)) for p, end, n in zip(self.padding, reach, self.length, strict=True))

    @property
    def options(self) -> dict[str, Ints]:
        """What the ops on windows are told."""
        return {"size": self.size, "stride": self.stride, "dilation": self.dilation}


def _around(x: Any, plan: _Plan, value: float) -> Any:
    return margin(x, pairs=plan.pairs, value=value) if any(map(any, plan.pairs)) else x


def _count(n: int, k: int, s: int, p: int, d: int, *, ceil_mode: bool) -> int:
    """How many windows there are; with `ceil_mode` one more may begin inside of the input or the padding before it."""
    free = n + 2 * p - d * (k - 1) - 1
    if not ceil_mode:
        return free // s + 1
    count = -(-free // s) + 1
    return count - 1 if (count - 1) * s >= n + p else count


def _max(
    axes: int, input: Any, size: Any, stride: Any, padding: Any, dilation: Any, ceil_mode: bool, return_indices: bool
) -> Any:
    op = f"max_pool{axes}d"
    read_floats(op, input=input)
    if return_indices:
        raise ArgumentError(
            f"{op}: return_indices is not offered: elements that tie share a gradient, there is no one index"
        )
    x, added = read_batch(op, input, axes)
    plan = _Plan(op, x, size, stride, padding, dilation, axes, ceil_mode=ceil_mode)
    out = max_pool(_around(x, plan, -math.inf), **plan.options)
    return pb.squeeze(out, axis=0) if added else out


def max_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over one axis; elements that tie share the gradient evenly.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.max_pool1d(pb.tensor([[1.0, 3.0, 2.0, 0.0, 5.0]]), 2)
    tensor([[3., 2.]])
    """
    return _max(1, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over two axes: (batch, channels, height, width), or without the batch.

    `stride` is the size of a window unless it is given. `ceil_mode` lets a last window reach over the end. Elements that
    tie share the gradient evenly. Raises `ShapeError` where no window fits.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.max_pool2d(pb.reshape(pb.arange(16.0), (1, 4, 4)), 2)
    tensor([[[ 5.,  7.],
             [13., 15.]]])
    """
    return _max(2, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def max_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window over three axes.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.max_pool3d(pb.ones(1, 4, 4, 4), 2).shape
    (1, 2, 2, 2)
    """
    return _max(3, input, kernel_size, stride, padding, dilation, ceil_mode, return_indices)


def _sums(x: Any, plan: _Plan) -> Any:
    return sum_pool(_around(x, plan, 0.0), **plan.options)


def _mean(
    axes: int,
    input: Any,
    size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: Any = None,
) -> Any:
    op = f"avg_pool{axes}d"
    read_floats(op, input=input)
    x, added = read_batch(op, input, axes)
    plan = _Plan(op, x, size, stride, padding, 1, axes, ceil_mode=ceil_mode)
    out = _sums(x, plan)
    if divisor is not None:
        out = out / read_index(op, "divisor_override", divisor, least=1)
    else:
        out = _divided(out, plan, count_include_pad)
    return pb.squeeze(out, axis=0) if added else out


def _divided(out: Any, plan: _Plan, count_include_pad: bool) -> Any:
    """Sums by the number of elements of each window: of the input, or of the input and its padding on both sides."""
    for axis in range(len(plan.size)):
        n, k, s, p = plan.length[axis], plan.size[axis], plan.stride[axis], plan.padding[axis]
        first, last = (0, n + 2 * p) if count_include_pad else (p, n + p)
        starts = range(0, plan.count[axis] * s, s)
        numbers = [min(start + k, last) - max(start, first) for start in starts]
        if set(numbers) == {numbers[0]}:
            out = out / numbers[0]
            continue
        shape = (len(numbers), *(1,) * (len(plan.size) - 1 - axis))
        divisors = pb.asarray([float(number) for number in numbers], dtype=out.dtype, device=out.device)
        out = out / pb.reshape(divisors, shape)
    return out


def avg_pool1d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """The mean of each window over one axis.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.avg_pool1d(pb.tensor([[1.0, 3.0, 2.0, 0.0, 5.0]]), 2)
    tensor([[2., 1.]])
    """
    return _mean(1, input, kernel_size, stride, padding, ceil_mode, count_include_pad)


def avg_pool2d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Any:
    """The mean of each window over two axes; `count_include_pad` counts the zeros of the padding as elements.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.avg_pool2d(pb.reshape(pb.arange(16.0), (1, 4, 4)), 2)
    tensor([[[ 2.5000,  4.5000],
             [10.5000, 12.5000]]])
    """
    return _mean(2, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def avg_pool3d(
    input: Any,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: Any = None,
) -> Any:
    """The mean of each window over three axes.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.avg_pool3d(pb.ones(1, 4, 4, 4), 2).shape
    (1, 2, 2, 2)
    """
    return _mean(3, input, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override)


def _norm(axes: int, input: Any, norm_type: float, size: Any, stride: Any, ceil_mode: bool) -> Any:
    op = f"lp_pool{axes}d"
    read_floats(op, input=input)
    x, added = read_batch(op, input, axes)
    plan = _Plan(op, x, size, stride, 0, 1, axes, ceil_mode=ceil_mode)
    out = _sums(pb.abs(x) ** norm_type, plan) ** (1.0 / norm_type)
    return pb.squeeze(out, axis=0) if added else out


def lp_pool1d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window over one axis.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.lp_pool1d(pb.tensor([[3.0, 4.0]]), 2, 2)
    tensor([[5.]])
    """
    return _norm(1, input, norm_type, kernel_size, stride, ceil_mode)


def lp_pool2d(input: Any, norm_type: float, kernel_size: Any, stride: Any = None, ceil_mode: bool = False) -> Any:
    """The p-norm of each window over two axes."""
    return _norm(2, input, norm_type, kernel_size, stride, ceil_mode)


def _adapted(axes: int, input: Any, output_size: Any, op: str, *, mean: bool) -> Any:
    """Axis by axis: window i of m over n elements goes from floor(i n / m) to ceil((i + 1) n / m)."""
    read_floats(op, input=input)
    x, added = read_batch(op, input, axes)
    sizes = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * axes
    if len(sizes) != axes:
        raise ArgumentError(f"{op}: output_size must be an integer or {axes} of them (or None), got {output_size!r}")
    wanted = tuple(
        n if size is None else read_index(op, "output_size", size, least=1)
        for n, size in zip(x.shape[2:], sizes, strict=True)
    )
    if all(n % m == 0 for n, m in zip(x.shape[2:], wanted, strict=True)):
        size = tuple(n // m for n, m in zip(x.shape[2:], wanted, strict=True))
        options = {"size": size, "stride": size, "dilation": (1,) * axes}
        out = sum_pool(x, **options) / math.prod(size) if mean else max_pool(x, **options)
    else:
        out = x
        for axis, m in enumerate(wanted, start=2):
            out = _adapted_axis(out, axis, m, mean=mean)
    return pb.squeeze(out, axis=0) if added else out


def _adapted_axis(x: Any, axis: int, m: int, *, mean: bool) -> Any:
    n = x.shape[axis]
    reduce = pb.mean if mean else pb.max
    parts = [
        reduce(x[((slice(None),) * axis) + (slice(i * n // m, -(-(i + 1) * n // m)), ...)], axis=axis, keepdims=True)
        for i in range(m)
    ]
    return pb.concat(parts, axis=axis)


def adaptive_avg_pool1d(input: Any, output_size: Any) -> Any:
    """The means of as many windows as are wanted, over one axis.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.adaptive_avg_pool1d(pb.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[2., 4.]])
    """
    return _adapted(1, input, output_size, "adaptive_avg_pool1d", mean=True)


def adaptive_avg_pool2d(input: Any, output_size: Any) -> Any:
    """The means of as many windows as are wanted, over two axes; None leaves the length of an axis.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.adaptive_avg_pool2d(pb.ones(3, 7, 8), (1, None)).shape
    (3, 1, 8)
    """
    return _adapted(2, input, output_size, "adaptive_avg_pool2d", mean=True)


def adaptive_avg_pool3d(input: Any, output_size: Any) -> Any:
    """The means of as many windows as are wanted, over three axes."""
    return _adapted(3, input, output_size, "adaptive_avg_pool3d", mean=True)


def adaptive_max_pool1d(input: Any, output_size: Any) -> Any:
    """The maxima of as many windows as are wanted, over one axis.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.adaptive_max_pool1d(pb.tensor([[1.0, 3.0, 5.0]]), 2)
    tensor([[3., 5.]])
    """
    return _adapted(1, input, output_size, "adaptive_max_pool1d", mean=False)


def adaptive_max_pool2d(input: Any, output_size: Any) -> Any:
    """The maxima of as many windows as are wanted, over two axes; None leaves the length of an axis."""
    return _adapted(2, input, output_size, "adaptive_max_pool2d", mean=False)


def adaptive_max_pool3d(input: Any, output_size: Any) -> Any:
    """The maxima of as many windows as are wanted, over three axes."""
    return _adapted(3, input, output_size, "adaptive_max_pool3d", mean=False)
