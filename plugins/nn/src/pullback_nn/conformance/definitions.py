"""What the functions are, element by element over NumPy: slow, and written without a look at how they are computed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any


def around(value: Any, axes: int) -> tuple[int, ...]:
    """One number for each axis."""
    return tuple(value) if isinstance(value, (tuple, list)) else (value,) * axes


def slid(np: Any, x: Any, size: Any, stride: Any, pairs: Any, dilation: Any, fill: float) -> Iterator[tuple[Any, Any]]:
    """Each window of an array with a margin of `fill`: its place, and its elements."""
    whole = np.pad(x, ((0, 0), (0, 0), *pairs), constant_values=fill)
    sides = list(zip(whole.shape[2:], size, stride, dilation, strict=True))
    for place in product(*(range((n - d * (k - 1) - 1) // s + 1) for n, k, s, d in sides)):
        at = [[p * s + j * d for j in range(k)] for p, (_, k, s, d) in zip(place, sides, strict=True)]
        yield place, whole[np.ix_(range(x.shape[0]), range(x.shape[1]), *at)]


def collected(np: Any, parts: dict[Any, Any]) -> Any:
    """Arrays of (batch, channels) by place as one array."""
    count = [n + 1 for n in max(parts)]
    out = np.zeros((*next(iter(parts.values())).shape, *count))
    for place, part in parts.items():
        out[(slice(None), slice(None), *place)] = part
    return out


def convolved(
    np: Any, x: Any, w: Any, b: Any = None, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> Any:
    """The sum over the elements of each window times the weight."""
    axes = w.ndim - 2
    dilation = around(dilation, axes)
    if padding == "same":
        totals = [d * (k - 1) for k, d in zip(w.shape[2:], dilation, strict=True)]
        pairs = [(n // 2, n - n // 2) for n in totals]
    else:
        pairs = [(n, n) for n in around(0 if padding == "valid" else padding, axes)]
    share, part = w.shape[0] // groups, w.shape[1]
    found = {}
    for place, window in slid(np, x, w.shape[2:], around(stride, axes), pairs, dilation, 0.0):
        found[place] = np.stack(
            [
                (window[:, o // share * part : (o // share + 1) * part] * w[o]).sum(axis=tuple(range(1, axes + 2)))
                for o in range(w.shape[0])
            ],
            axis=1,
        )
    out = collected(np, found)
    return out if b is None else out + b.reshape(-1, *(1,) * axes)


def convolved_back(
    np: Any,
    x: Any,
    w: Any,
    b: Any = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> Any:
    """Each element of the input times the weight, added where that window is; then the margin is cut off."""
    axes = w.ndim - 2
    stride, padding, extra, dilation = (around(v, axes) for v in (stride, padding, output_padding, dilation))
    sides = list(zip(x.shape[2:], w.shape[2:], stride, dilation, strict=True))
    whole = [(n - 1) * s + d * (k - 1) + 1 + e for (n, k, s, d), e in zip(sides, extra, strict=True)]
    inner, outer = x.shape[1] // groups, w.shape[1]
    out = np.zeros((x.shape[0], outer * groups, *whole))
    for c, o, *places in product(range(x.shape[1]), range(outer), *map(range, x.shape[2:]), *map(range, w.shape[2:])):
        at, k = places[:axes], places[axes:]
        to = [p * s + j * d for p, s, j, d in zip(at, stride, k, dilation, strict=True)]
        out[(slice(None), c // inner * outer + o, *to)] += x[(slice(None), c, *at)] * w[(c, o, *k)]
    out = out[(slice(None), slice(None), *(slice(p, n - p) for p, n in zip(padding, whole, strict=True)))]
    return out if b is None else out + b.reshape(-1, *(1,) * axes)


def pooled(
    np: Any, x: Any, how: Any, size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, fill: float = 0.0
) -> Any:
    """`how(windows)`, given (batch, channels, elements), of each window."""
    axes = x.ndim - 2
    size = around(size, axes)
    stride = size if stride is None else around(stride, axes)
    pairs = [(n, n) for n in around(padding, axes)]
    parts = slid(np, x, size, stride, pairs, around(dilation, axes), fill)
    return collected(np, {place: how(window.reshape(*window.shape[:2], -1)) for place, window in parts})


def adapted(np: Any, x: Any, how: Any, sizes: Any) -> Any:
    """`how(windows)` of as many windows as are wanted on each axis."""
    axes = x.ndim - 2
    sizes = [n if m is None else m for m, n in zip(around(sizes, axes), x.shape[2:], strict=True)]
    found = {}
    for place in product(*map(range, sizes)):
        cuts = [
            slice(math.floor(i * n / m), math.ceil((i + 1) * n / m))
            for i, m, n in zip(place, sizes, x.shape[2:], strict=True)
        ]
        window = x[(slice(None), slice(None), *cuts)]
        found[place] = how(window.reshape(*window.shape[:2], -1))
    return collected(np, found)


def normalized(np: Any, x: Any, axes: Any, eps: float) -> Any:
    """Mean 0 and variance 1 over some axes."""
    level = x.mean(axis=axes, keepdims=True)
    return (x - level) / np.sqrt(((x - level) ** 2).mean(axis=axes, keepdims=True) + eps)


def per_channel(x: Any, ndim: int) -> Any:
    """One number per channel, to broadcast."""
    return x.reshape(-1, *(1,) * (ndim - 2))


def softmax(np: Any, x: Any, axis: int) -> Any:
    """exp(x) / sum(exp(x))."""
    powers = np.exp(x - x.max(axis=axis, keepdims=True))
    return powers / powers.sum(axis=axis, keepdims=True)


def erf(np: Any, x: Any) -> Any:
    """By Python's own."""
    return np.asarray(np.vectorize(math.erf, otypes=[float])(x))


def attention(np: Any, q: Any, k: Any, v: Any, mask: Any = None, causal: bool = False) -> Any:
    """softmax(q k^T / sqrt(features)) v; `mask` is added."""
    scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
    if causal:
        scores = np.where(np.tri(*scores.shape[-2:]) > 0, scores, -np.inf)
    return softmax(np, scores if mask is None else scores + mask, -1) @ v


def picked(np: Any, logs: Any, target: Any, weight: Any) -> Any:
    """The weighted mean of -logs at the classes of the target; classes are axis 1."""
    rows = np.moveaxis(logs, 1, -1).reshape(-1, logs.shape[1])
    classes = target.reshape(-1)
    weights = np.ones(logs.shape[1]) if weight is None else weight
    return -sum(row[c] * weights[c] for row, c in zip(rows, classes, strict=True)) / weights[classes].sum()
