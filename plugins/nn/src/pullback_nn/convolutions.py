"""Convolution as three ops that are closed under differentiation.

For the number <c, conv(x, w)>, linear in each of three arrays, `convolution` is the gradient with respect to c, and
`convolution_input` and `convolution_weight` are those with respect to x and w. So the transpose of each, in either of its
operands, is one of the other two, and a convolution has derivatives of every order in both modes.

Arrays: x (batch, channels, *length), w (out channels, channels / groups, *size), c (batch, out channels, *count).
`padding` is a pair of numbers of zeros per axis, before and after.
"""

from __future__ import annotations

import math
from typing import Any

from pullback.extend import op

from pullback_nn.windows import Ints, Pairs, counts, padded, windows, windows_sum


def _conj(xp: Any, x: Any) -> Any:
    return xp.conj(x) if xp.isdtype(x.dtype, "complex floating") else x


def _columns(xp: Any, x: Any, size: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int) -> Any:
    """The windows of x as columns: (batch, groups, elements of a window, windows)."""
    parts = xp.call(windows, padded(xp, x, padding), size=size, stride=stride, dilation=dilation)
    rows = x.shape[1] // groups * math.prod(size)
    return xp.reshape(parts, (x.shape[0], groups, rows, math.prod(parts.shape[2 + len(size) :])))


def _counted(shape: Ints, size: Ints, stride: Ints, padding: Pairs, dilation: Ints) -> Ints:
    whole = tuple(n + low + high for n, (low, high) in zip(shape[2:], padding, strict=True))
    return counts(whole, size, stride, dilation)


def _x_of_convolution(
    xp: Any, ct: Any, w: Any, shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    return xp.call(
        convolution_input,
        ct,
        _conj(xp, w),
        length=tuple(shape[2:]),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _w_of_convolution(
    xp: Any, ct: Any, x: Any, shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    return xp.call(
        convolution_weight,
        _conj(xp, x),
        ct,
        size=tuple(shape[2:]),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _c_of_input(xp: Any, ct: Any, w: Any, stride: Ints, padding: Pairs, dilation: Ints, groups: int) -> Any:
    return xp.call(convolution, ct, _conj(xp, w), stride=stride, padding=padding, dilation=dilation, groups=groups)


def _w_of_input(
    xp: Any, ct: Any, c: Any, shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    return xp.call(
        convolution_weight,
        ct,
        _conj(xp, c),
        size=tuple(shape[2:]),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _x_of_weight(
    xp: Any, ct: Any, c: Any, shape: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    return xp.call(
        convolution_input,
        _conj(xp, c),
        ct,
        length=tuple(shape[2:]),
        stride=stride,
        padding=padding,
        dilation=dilation,
        groups=groups,
    )


def _c_of_weight(xp: Any, ct: Any, x: Any, stride: Ints, padding: Pairs, dilation: Ints, groups: int) -> Any:
    return xp.call(convolution, _conj(xp, x), ct, stride=stride, padding=padding, dilation=dilation, groups=groups)


@op.linear(name="nn::convolution", x=_x_of_convolution, w=_w_of_convolution)
def convolution(xp: Any, x: Any, w: Any, *, stride: Ints, padding: Pairs, dilation: Ints, groups: int) -> Any:
    """The convolution of x with w (in the sense of neural networks: w is not turned around)."""
    size = tuple(w.shape[2:])
    columns = _columns(xp, x, size, stride, padding, dilation, groups)
    rows = xp.reshape(w, (1, groups, w.shape[0] // groups, math.prod(w.shape[1:])))
    count = _counted(x.shape, size, stride, padding, dilation)
    return xp.reshape(xp.matmul(rows, columns), (x.shape[0], w.shape[0], *count))


@op.linear(name="nn::convolution_input", c=_c_of_input, w=_w_of_input)
def convolution_input(
    xp: Any, c: Any, w: Any, *, length: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    """The transpose of a convolution in x, on axes of `length`: what c, of the shape of its result, becomes."""
    size, channels = tuple(w.shape[2:]), w.shape[1] * groups
    rows = xp.reshape(w, (1, groups, w.shape[0] // groups, math.prod(w.shape[1:])))
    flat = xp.reshape(c, (c.shape[0], groups, w.shape[0] // groups, math.prod(c.shape[2:])))
    parts = xp.reshape(xp.matmul(xp.matrix_transpose(rows), flat), (c.shape[0], channels, *size, *c.shape[2:]))
    whole = tuple(n + low + high for n, (low, high) in zip(length, padding, strict=True))
    out = xp.call(windows_sum, parts, length=whole, stride=stride, dilation=dilation)
    return padded(xp, out, tuple((-low, -high) for low, high in padding))


@op.linear(name="nn::convolution_weight", x=_x_of_weight, c=_c_of_weight)
def convolution_weight(
    xp: Any, x: Any, c: Any, *, size: Ints, stride: Ints, padding: Pairs, dilation: Ints, groups: int
) -> Any:
    """The transpose of a convolution in w, for windows of `size`: what c, of the shape of its result, becomes."""
    columns = _columns(xp, x, size, stride, padding, dilation, groups)
    flat = xp.reshape(c, (c.shape[0], groups, c.shape[1] // groups, math.prod(c.shape[2:])))
    out = xp.sum(xp.matmul(flat, xp.matrix_transpose(columns)), axis=0)
    return xp.reshape(out, (c.shape[1], x.shape[1] // groups, *size))
