"""NumPy kernels of windows, pooling and convolution: the same results, made for its memory.

Inside, channels are the last axis: then the elements of a window lie in runs, and a convolution is one matrix product of
all its windows, a few at a time so that they stay in the cache. Results are shown with channels second; NumPy's functions
keep the order of memory, so that the next convolution finds channels last again.
"""

from __future__ import annotations

import math
from typing import Any, Final

import pullback as pb

from pullback_nn import convolutions, elementwise, error_function, normalizers, windows
from pullback_nn.windows import Ints, Pairs, counts, positions

_AT_ONCE: Final = 4 << 20
"""The bytes of windows that are copied out for one matrix product."""


def _numpy() -> Any:
    import numpy  # noqa: PLC0415  not before the first array

    return numpy


def _sliding(x: Any, first: int, size: Ints, count: Ints, stride: Ints, dilation: Ints, *, trailing: int) -> Any:
    """A read-only view with the axes (count, size) in the place of the axes from `first` on, before `trailing` others."""
    axes = range(first, first + len(size))
    steps = [x.strides[i] * s for i, s in zip(axes, stride, strict=True)]
    jumps = [x.strides[i] * d for i, d in zip(axes, dilation, strict=True)]
    end = x.ndim - trailing
    return _numpy().lib.stride_tricks.as_strided(
        x,
        (*x.shape[:first], *count, *size, *x.shape[end:]),
        (*x.strides[:first], *steps, *jumps, *x.strides[end:]),
        writeable=False,
    )


def _zeros_like(like: Any, shape: Ints, axes: Ints) -> Any:
    """Zeros of `shape` whose axes lie in memory in the order of those axes of `like`."""
    order = sorted(range(len(shape)), key=lambda i: (-abs(like.strides[axes[i]]), i))
    made = _numpy().zeros([shape[i] for i in order], like.dtype)
    return made.transpose(sorted(range(len(order)), key=order.__getitem__))


@windows.margin.kernel("numpy")
def margin_filled(x: Any, *, pairs: Pairs, value: float) -> Any:
    """One array, in the order of memory of x."""
    if any(low < 0 or high < 0 for low, high in pairs):
        return NotImplemented
    added = x.ndim - len(pairs)
    lengths = tuple(n + low + high for n, (low, high) in zip(x.shape[added:], pairs, strict=True))
    whole = _zeros_like(x, (*x.shape[:added], *lengths), tuple(range(x.ndim)))
    if value:
        whole.fill(value)
    inner = (slice(low, low + n) for n, (low, _) in zip(x.shape[added:], pairs, strict=True))
    whole[(..., *inner)] = x
    return whole


@windows.windows.kernel("numpy")
def windows_copied(x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """One copy of a view by strides."""
    count = counts(x.shape[2:], size, stride, dilation)
    if 0 in x.shape or 0 in count:
        return NotImplemented
    axes = len(size)
    view = _sliding(x, 2, size, count, stride, dilation, trailing=0)
    return _numpy().ascontiguousarray(view.transpose(0, 1, *range(2 + axes, 2 + 2 * axes), *range(2, 2 + axes)))


@windows.windows_sum.kernel("numpy")
def windows_added(values: Any, *, length: Ints, stride: Ints, dilation: Ints) -> Any:
    """Strided additions, one per element of a window."""
    axes = len(length)
    size, count = values.shape[2 : 2 + axes], values.shape[2 + axes :]
    total = _zeros_like(values, (*values.shape[:2], *length), (0, 1, *range(2 + axes, 2 + 2 * axes)))
    if 0 in count:
        return total
    for place, cut in zip(_numpy().ndindex(size), positions(size, count, stride, dilation), strict=True):
        total[(slice(None), slice(None), *cut)] += values[(slice(None), slice(None), *place)]
    return total


def _combined(function: Any, x: Any, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """A ufunc over the elements of each window."""
    count = counts(x.shape[2:], size, stride, dilation)
    if 0 in x.shape or 0 in count:
        return NotImplemented
    out = None
    for cut in positions(size, count, stride, dilation):
        part = x[(slice(None), slice(None), *cut)]
        out = part.copy("K") if out is None else function(out, part, out=out)
    return out


@windows.sum_pool.kernel("numpy")
def sum_pooled(x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """Additions of strided views."""
    return _combined(_numpy().add, x, size, stride, dilation)


@windows.max_pool.kernel("numpy")
def max_pooled(x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """Maxima of strided views."""
    return _combined(_numpy().maximum, x, size, stride, dilation)


@windows.shares.kernel("numpy")
def shares_compared(x: Any, out: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """Comparisons of strided views; where nothing ties, there is nothing to divide."""
    np = _numpy()
    if 0 in out.shape or x.dtype.kind != "f":
        return NotImplemented
    axes = len(size)
    order = (0, 1, *range(2, 2 + axes))
    shape = (*out.shape[:2], *size, *out.shape[2:])
    memory = sorted(order, key=lambda i: (-abs(out.strides[i]), i))
    places = {axis: axis if axis < 2 else axis + axes for axis in order}
    arranged = [*range(2, 2 + axes), *(places[axis] for axis in memory)]
    hits = np.empty([shape[i] for i in arranged], x.dtype).transpose(np.argsort(arranged))
    count = np.zeros_like(out)
    for place, cut in zip(np.ndindex(size), positions(size, out.shape[2:], stride, dilation), strict=True):
        hit = hits[(slice(None), slice(None), *place)]
        np.equal(x[(slice(None), slice(None), *cut)], out, out=hit, casting="unsafe")
        count += hit
    if (count != 1).any():
        with np.errstate(all="ignore"):  # a maximum of NaN equals nothing
            hits /= count[(slice(None), slice(None), *(None,) * axes)]
    return hits


@elementwise.gate.kernel("numpy", dtypes=[pb.float32, pb.float64, pb.bool])
def gated_by_bits(t: Any, mask: Any) -> Any:
    """`np.where` branches at each element, which costs ten times as much: here the mask becomes bits, all or none."""
    np = _numpy()
    bits = np.int32 if t.itemsize == 4 else np.int64
    chosen = np.negative(mask.view(np.int8)).astype(bits)
    return np.bitwise_and(t.view(bits), chosen).view(t.dtype)


_PIECE: Final = 1 << 14
"""Elements of a piece of an array: what is computed on the way to its result stays in the cache."""


@error_function.erf.kernel("numpy", dtypes=[pb.float32, pb.float64])
def erf_in_pieces(x: Any) -> Any:
    """In place, and a piece at a time; the two ranges are put together without a branch at each element."""
    np = _numpy()
    x = x if x.flags.forc else x.copy("K")
    out = np.empty_like(x)
    flat, results = x.ravel("K"), out.ravel("K")
    if not np.may_share_memory(out, results):  # neither order of axes is that of the memory
        return NotImplemented
    for start in range(0, flat.size, _PIECE):
        _erf_of_piece(np, flat[start : start + _PIECE], results[start : start + _PIECE])
    return out


def _erf_of_piece(np: Any, x: Any, out: Any) -> None:
    size = np.abs(x)
    np.minimum(size, error_function.ONE, out=size)
    squares = size * size
    away = _quotient_in_place(size, error_function.AWAY)
    away *= np.exp(-squares)
    np.subtract(1, away, out=away)
    near = _quotient_in_place(squares, error_function.NEAR)
    near *= size
    small = size <= error_function.SMALL
    near *= small
    away *= ~small
    near += away
    np.copysign(near, x, out=out)


def _quotient_in_place(x: Any, coefficients: Any) -> Any:
    made = []
    for part in coefficients:
        total = x * x.dtype.type(part[0])
        for c in part[1:-1]:
            total += x.dtype.type(c)
            total *= x
        total += x.dtype.type(part[-1])
        made.append(total)
    made[0] /= made[1]
    return made[0]


@normalizers.standardize.kernel("numpy", dtypes=[pb.float32, pb.float64])
def standardized_in_place(x: Any, *, axes: Ints, eps: float) -> Any:
    """The mean is computed once, where the variance of the library computes its own."""
    np = _numpy()
    out = x - x.mean(axis=axes, keepdims=True)
    out *= 1 / np.sqrt((out * out).mean(axis=axes, keepdims=True) + x.dtype.type(eps))
    return out


# --- convolution -----------------------------------------------------------------------------------------------------


def _channels_last(x: Any, padding: Pairs) -> Any:
    """x as (batch, *length, channels), with zeros around it."""
    np = _numpy()
    last = x.transpose(0, *range(2, x.ndim), 1)
    if not any(low or high for low, high in padding):
        return np.ascontiguousarray(last)
    if any(low < 0 or high < 0 for low, high in padding):
        cut = (slice(max(-low, 0), n - max(-high, 0)) for n, (low, high) in zip(x.shape[2:], padding, strict=True))
        last = last[(slice(None), *cut)]
        padding = tuple((max(low, 0), max(high, 0)) for low, high in padding)
    sides = tuple(n + low + high for n, (low, high) in zip(last.shape[1:-1], padding, strict=True))
    whole = np.zeros((x.shape[0], *sides, x.shape[1]), x.dtype)
    inner = (slice(low, low + n) for n, (low, _) in zip(last.shape[1:-1], padding, strict=True))
    whole[(slice(None), *inner)] = last
    return whole


class _Product:
    """The matrix product that a convolution is: its windows as rows, some examples at a time."""

    def __init__(
        self, x: Any, channels: int, size: Ints, count: Ints, stride: Ints, dilation: Ints, groups: int
    ) -> None:
        self.x = x  # channels last, or None if there are only windows to make
        self.size, self.count, self.stride, self.dilation, self.groups = size, count, stride, dilation, groups
        self.channels = channels
        self.places = math.prod(count)
        self.width = math.prod(size) * (channels // groups)
        self.pointwise = all(k == 1 for k in size) and all(s == 1 for s in stride)

    def steps(self, batch: int, itemsize: int) -> Any:
        """Slices of the batch whose windows fit into the cache."""
        step = max(1, _AT_ONCE // max(1, self.places * self.width * self.groups * itemsize))
        return (slice(start, min(start + step, batch)) for start in range(0, batch, step))

    def rows(self, part: slice) -> Any:
        """The windows of some examples: (groups, examples * places, width)."""
        x = self.x[part]
        if self.pointwise and self.groups == 1:
            return x.reshape(1, -1, self.channels)
        view = _sliding(x, 1, self.size, self.count, self.stride, self.dilation, trailing=1)
        if self.groups == 1:
            return view.reshape(1, -1, self.width)
        view = view.reshape(*view.shape[:-1], self.groups, self.channels // self.groups)
        order = (view.ndim - 2, *range(view.ndim - 2), view.ndim - 1)
        return view.transpose(order).reshape(self.groups, -1, self.width)

    def matrix(self, w: Any) -> Any:
        """A weight as (groups, width, out channels of a group)."""
        w = w.reshape(self.groups, -1, *w.shape[1:])
        return w.transpose(0, *range(3, w.ndim), 2, 1).reshape(self.groups, self.width, -1)

    def grouped(self, c: Any, part: slice) -> Any:
        """c, channels last, as (groups, examples * places, channels of a group)."""
        c = c[part]
        return c.reshape(-1, self.groups, c.shape[-1] // self.groups).transpose(1, 0, 2)


def _channels_second(out: Any) -> Any:
    return out.transpose(0, out.ndim - 1, *range(1, out.ndim - 1))


@convolutions.convolution.kernel("numpy")
def convolution_by_rows(x: Any, w: Any, *, stride: Ints, padding: Pairs, dilation: Ints, groups: int) -> Any:
    """Windows as rows, times the weight."""
    np = _numpy()
    size = w.shape[2:]
    whole = _channels_last(x, padding)
    count = counts(whole.shape[1:-1], size, stride, dilation)
    if 0 in whole.shape or 0 in count or 0 in w.shape:
        return NotImplemented
    if _is_depthwise(x.shape[1], w.shape[0], groups):
        total = np.zeros((x.shape[0], *count, groups), x.dtype)
        for index, cut in zip(np.ndindex(size), positions(size, count, stride, dilation), strict=True):
            total += whole[(slice(None), *cut)] * w[(slice(None), 0, *index)]
        return _channels_second(total)
    product = _Product(whole, x.shape[1], size, count, stride, dilation, groups)
    matrix = product.matrix(w)
    out = np.empty((x.shape[0], *count, w.shape[0]), x.dtype)
    flat = out.reshape(x.shape[0] * product.places, groups, -1)
    for part in product.steps(x.shape[0], x.itemsize):
        rows = flat[part.start * product.places : part.stop * product.places]
        if groups == 1:
            np.matmul(product.rows(part)[0], matrix[0], out=rows[:, 0, :])
        else:
            rows[...] = (product.rows(part) @ matrix).transpose(1, 0, 2)
    return _channels_second(out)


@convolutions.convolution_input.kernel("numpy")
def convolution_input_by_rows(
    c: Any, w: Any, *, length: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    """Rows times the transpose of the weight, added up where the windows are; or, where that is less work, `_turned`."""
    np = _numpy()
    size, count, channels = w.shape[2:], c.shape[2:], w.shape[1] * groups
    if 0 in c.shape or 0 in w.shape:
        return NotImplemented
    if _is_depthwise(channels, c.shape[1], groups):
        return _depthwise_input(c, w, length, stride, padding, dilation)
    if set(stride) == {1} and c.shape[1] <= 2 * channels:
        return _turned(c, w, length, padding, dilation, groups)
    product = _Product(None, channels, size, count, stride, dilation, groups)
    matrix = np.ascontiguousarray(product.matrix(w).transpose(0, 2, 1))
    last = _channels_last(c, ((0, 0),) * len(size))
    sides = tuple(n + low + high for n, (low, high) in zip(length, padding, strict=True))
    whole = np.zeros((c.shape[0], *sides, groups, channels // groups), c.dtype)
    places = [
        (*cut, index) for index, cut in zip(np.ndindex(size), positions(size, count, stride, dilation), strict=True)
    ]
    for part in product.steps(c.shape[0], c.itemsize):
        rows = product.grouped(last, part) @ matrix
        rows = rows.reshape(groups, part.stop - part.start, *count, *size, channels // groups)
        for *cut, index in places:
            values = rows[(slice(None),) * (2 + len(size)) + index]
            whole[(part, *cut)] += values.transpose(*range(1, 2 + len(size)), 0, 2 + len(size))
    whole = whole.reshape(c.shape[0], *sides, channels)
    return _cropped(whole, tuple((-low, -high) for low, high in padding))


def _is_depthwise(channels: int, out_channels: int, groups: int) -> bool:
    """Whether each channel is a group of its own: then products of arrays are faster than of matrices."""
    return 1 < groups == channels == out_channels


def _depthwise_input(c: Any, w: Any, length: Ints, stride: Ints, padding: Pairs, dilation: Ints) -> Any:
    np = _numpy()
    size = w.shape[2:]
    sides = tuple(n + low + high for n, (low, high) in zip(length, padding, strict=True))
    whole = np.zeros((c.shape[0], *sides, c.shape[1]), c.dtype)
    last = _channels_last(c, ((0, 0),) * len(size))
    for index, cut in zip(np.ndindex(size), positions(size, c.shape[2:], stride, dilation), strict=True):
        whole[(slice(None), *cut)] += last * w[(slice(None), 0, *index)]
    return _cropped(whole, tuple((-low, -high) for low, high in padding))


def _turned(c: Any, w: Any, length: Ints, padding: Pairs, dilation: Ints, groups: int) -> Any:
    """With stride 1: the convolution of c with the weight turned around, and with in and out channels exchanged."""
    axes = len(length)
    parts = w.reshape(groups, -1, *w.shape[1:])[(..., *(slice(None, None, -1),) * axes)]
    turned = parts.swapaxes(1, 2).reshape(w.shape[1] * groups, -1, *w.shape[2:])
    reach = [d * (k - 1) for k, d in zip(w.shape[2:], dilation, strict=True)]
    sides = zip(length, c.shape[2:], reach, padding, strict=True)
    pairs = tuple((r - low, n + low - m) for n, m, r, (low, _) in sides)
    return convolution_by_rows(c, turned, stride=(1,) * axes, padding=pairs, dilation=dilation, groups=groups)


def _cropped(whole: Any, pairs: Pairs) -> Any:
    """`whole`, channels last, less its margins (or with zeros where a pair is positive), channels second."""
    if any(low > 0 or high > 0 for low, high in pairs):
        return _channels_second(_channels_last(_channels_second(whole), pairs))
    cut = (slice(-low, n + high) for n, (low, high) in zip(whole.shape[1:-1], pairs, strict=True))
    return _channels_second(whole[(slice(None), *cut)])


@convolutions.convolution_weight.kernel("numpy")
def convolution_weight_by_rows(
    x: Any, c: Any, *, size: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    """The transpose of the rows, times c."""
    np = _numpy()
    whole, count = _channels_last(x, padding), c.shape[2:]
    if 0 in whole.shape or 0 in c.shape or 0 in size:
        return NotImplemented
    last = _channels_last(c, ((0, 0),) * len(size))
    if _is_depthwise(x.shape[1], c.shape[1], groups):
        made = np.empty((*size, groups), x.dtype)
        for index, cut in zip(np.ndindex(size), positions(size, count, stride, dilation), strict=True):
            made[index] = (whole[(slice(None), *cut)] * last).reshape(-1, groups).sum(axis=0)
        return np.ascontiguousarray(np.moveaxis(made, -1, 0)[:, None])
    product = _Product(whole, x.shape[1], size, count, stride, dilation, groups)
    total = np.zeros((groups, product.width, c.shape[1] // groups), x.dtype)
    for part in product.steps(x.shape[0], x.itemsize):
        total += product.rows(part).transpose(0, 2, 1) @ product.grouped(last, part)
    made = total.reshape(groups, *size, x.shape[1] // groups, c.shape[1] // groups)
    axes = len(size)
    order = (0, axes + 2, axes + 1, *range(1, axes + 1))
    return np.ascontiguousarray(made.transpose(order).reshape(c.shape[1], x.shape[1] // groups, *size))
