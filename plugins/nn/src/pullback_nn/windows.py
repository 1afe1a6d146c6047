"""Windows that slide over the last axes of an array, and their transpose: what convolution and pooling are made of.

`windows(x)` has each window's elements as axes of their own; `windows_sum` adds the elements of all windows back to where
they came from. Each is the transpose of the other. Written over the standard: a window position is a strided slice, and
its transpose puts zeros between the elements and around them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any

from pullback.extend import op

Ints = tuple[int, ...]
Pairs = tuple[tuple[int, int], ...]


def counts(length: Ints, size: Ints, stride: Ints, dilation: Ints) -> Ints:
    """How many windows fit on each axis.

    >>> counts((8,), (3,), (2,), (1,))
    (3,)
    """
    return tuple((n - d * (k - 1) - 1) // s + 1 for n, k, s, d in zip(length, size, stride, dilation, strict=True))


def positions(size: Ints, count: Ints, stride: Ints, dilation: Ints) -> Iterator[tuple[slice, ...]]:
    """For each element of a window, the slices of all windows' elements there."""
    for place in product(*map(range, size)):
        yield tuple(
            slice(i * d, i * d + (n - 1) * s + 1 if n else 0, s)
            for i, n, s, d in zip(place, count, stride, dilation, strict=True)
        )


def padded(xp: Any, x: Any, pairs: Pairs, value: float = 0.0) -> Any:
    """`x` with `value` before and after its last axes; a negative number of places cuts off."""
    for axis, (low, high) in zip(range(-len(pairs), 0), pairs, strict=True):
        if low < 0 or high < 0:
            start, stop = max(-low, 0), x.shape[axis] - max(-high, 0)
            x = x[(..., slice(start, stop), *(slice(None),) * (-1 - axis))]
        parts = [_filled(xp, x, axis, low, value), x, _filled(xp, x, axis, high, value)]
        present = [part for part in parts if part is not None]
        x = xp.concat(present, axis=axis) if len(present) > 1 else x
    return x


def _filled(xp: Any, x: Any, axis: int, places: int, value: float) -> Any:
    if places <= 0:
        return None
    shape = (*x.shape[:axis], places, *(x.shape[axis + 1 :] if axis < -1 else ()))
    return xp.full(shape, value, dtype=x.dtype, device=xp.device(x))


def _spread(xp: Any, x: Any, stride: Ints) -> Any:
    """`x` with `stride - 1` zeros between neighbours on its last axes."""
    for axis, step in zip(range(len(x.shape) - len(stride), len(x.shape)), stride, strict=True):
        length = x.shape[axis]
        if step == 1 or length < 2:
            continue
        zeros = xp.zeros((*x.shape[: axis + 1], step - 1, *x.shape[axis + 1 :]), dtype=x.dtype, device=xp.device(x))
        x = xp.concat([xp.expand_dims(x, axis=axis + 1), zeros], axis=axis + 1)
        x = xp.reshape(x, (*x.shape[:axis], length * step, *x.shape[axis + 2 :]))
        x = x[(slice(None),) * axis + (slice(0, (length - 1) * step + 1), ...)]
    return x


def _cut(xp: Any, ct: Any, pairs: Pairs) -> Any:
    return xp.call(margin, ct, pairs=tuple((-low, -high) for low, high in pairs), value=0.0)


def _margin_of_zeros(xp: Any, t: Any, pairs: Pairs) -> Any:
    return xp.call(margin, t, pairs=pairs, value=0.0)


@op.explicit(name="nn::margin", vjp={"x": _cut}, jvp={"x": _margin_of_zeros})
def margin(xp: Any, x: Any, *, pairs: Pairs, value: float) -> Any:
    """`padded` as an op: its transpose has the pairs with the other sign."""
    return padded(xp, x, pairs, value)


def _axes(size: Ints) -> Ints:
    return tuple(range(2, 2 + len(size)))


def _everywhere(xp: Any, x: Any, size: Ints) -> Any:
    """One number per window, for each of its elements."""
    shape = (*x.shape[:2], *(1,) * len(size), *x.shape[2:])
    return xp.broadcast_to(xp.reshape(x, shape), (*x.shape[:2], *size, *x.shape[2:]))


def _x_of_windows(xp: Any, ct: Any, shape: Ints, stride: Ints, dilation: Ints) -> Any:
    return xp.call(windows_sum, ct, length=tuple(shape[2:]), stride=stride, dilation=dilation)


def _values_of_sum(xp: Any, ct: Any, shape: Ints, length: Ints, stride: Ints, dilation: Ints) -> Any:
    return xp.call(windows, ct, size=tuple(shape[2 : 2 + len(length)]), stride=stride, dilation=dilation)


def _x_of_sum_pool(xp: Any, ct: Any, shape: Ints, size: Ints, stride: Ints, dilation: Ints) -> Any:
    return xp.call(windows_sum, _everywhere(xp, ct, size), length=tuple(shape[2:]), stride=stride, dilation=dilation)


@op.linear(name="nn::windows", hides=True, x=_x_of_windows)
def windows(xp: Any, x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """The windows of `size` on the axes after the first two: shape (batch, channels, *size, *count)."""
    count = counts(x.shape[2:], size, stride, dilation)
    parts = [x[(slice(None), slice(None), *place)] for place in positions(size, count, stride, dilation)]
    return xp.reshape(xp.stack(parts, axis=2), (*x.shape[:2], *size, *count))


@op.linear(name="nn::windows_sum", values=_values_of_sum)
def windows_sum(xp: Any, values: Any, *, length: Ints, stride: Ints, dilation: Ints) -> Any:
    """The elements of windows, added up where they come from, on axes of `length`: the transpose of `windows`."""
    axes = len(length)
    size, count = tuple(values.shape[2 : 2 + axes]), tuple(values.shape[2 + axes :])
    flat = xp.reshape(values, (*values.shape[:2], math.prod(size), *count))
    total = xp.zeros((*values.shape[:2], *length), dtype=values.dtype, device=xp.device(values))
    if 0 in count:
        return total
    for k, place in enumerate(positions(size, count, stride, dilation)):
        around = tuple((cut.start, n - cut.stop) for cut, n in zip(place, length, strict=True))
        total = total + padded(xp, _spread(xp, flat[:, :, k, ...], stride), around)
    return total


@op.linear(name="nn::sum_pool", hides=True, x=_x_of_sum_pool)
def sum_pool(xp: Any, x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """The sum of each window."""
    return xp.sum(xp.call(windows, x, size=size, stride=stride, dilation=dilation), axis=_axes(size))


@op.nondifferentiable(name="nn::shares")
def shares(xp: Any, x: Any, out: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """What each element of a window has of its maximum: elements that tie share evenly."""
    parts = xp.call(windows, x, size=size, stride=stride, dilation=dilation)
    hits = xp.astype(parts == _everywhere(xp, out, size), x.dtype)
    return hits / xp.sum(hits, axis=_axes(size), keepdims=True)


def _max_vjp(xp: Any, ct: Any, x: Any, out: Any, size: Ints, stride: Ints, dilation: Ints) -> Any:
    parts = xp.call(shares, x, out, size=size, stride=stride, dilation=dilation) * _everywhere(xp, ct, size)
    return xp.call(windows_sum, parts, length=tuple(x.shape[2:]), stride=stride, dilation=dilation)


def _max_jvp(xp: Any, t: Any, x: Any, out: Any, size: Ints, stride: Ints, dilation: Ints) -> Any:
    parts = xp.call(shares, x, out, size=size, stride=stride, dilation=dilation)
    return xp.sum(parts * xp.call(windows, t, size=size, stride=stride, dilation=dilation), axis=_axes(size))


@op.explicit(name="nn::max_pool", hides=True, vjp={"x": _max_vjp}, jvp={"x": _max_jvp})
def max_pool(xp: Any, x: Any, *, size: Ints, stride: Ints, dilation: Ints) -> Any:
    """The largest element of each window; elements that tie share the gradient evenly."""
    return xp.max(xp.call(windows, x, size=size, stride=stride, dilation=dilation), axis=_axes(size))
