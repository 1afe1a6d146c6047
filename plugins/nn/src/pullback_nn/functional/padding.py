"""`pad`: a margin of zeros, of a number, or of the input's own elements."""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn.arguments import read_tensor
from pullback_nn.windows import margin

_MODES = ("constant", "reflect", "replicate", "circular")


def pad(input: Any, pad: Any, mode: str = "constant", value: float | None = None) -> Any:
    """More elements before and after the last axes: `pad` has a pair for the last axis, then for the one before, ...

    mode: "constant" (`value`, 0 unless given), "reflect", "replicate" or "circular". A negative number cuts off.
    Raises `ArgumentError` for a wrong `pad`, `ShapeError` where the input is too small.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> F.pad(pb.tensor([1.0, 2.0, 3.0]), (1, 2)), F.pad(pb.tensor([1.0, 2.0, 3.0]), (2, 0), mode="reflect")
    (tensor([0., 1., 2., 3., 0., 0.]), tensor([3., 2., 1., 2., 3.]))
    """
    numbers = tuple(pad)
    if len(numbers) % 2 or len(numbers) > 2 * read_tensor("pad", "input", input).ndim:
        raise ArgumentError(
            f"pad: pairs of numbers are needed, at most one for each axis of {input.shape}, got {pad!r}"
        )
    pairs = tuple(zip(numbers[::2], numbers[1::2], strict=True))[::-1]
    if mode not in _MODES:
        raise ArgumentError(f"pad: mode must be one of {', '.join(_MODES)}, got {mode!r}")
    for n, (low, high) in zip(input.shape[input.ndim - len(pairs) :], pairs, strict=True):
        if n + min(low, 0) + min(high, 0) < 0:
            raise ShapeError(f"pad: {pad!r} cuts more off than an input of shape {input.shape} has")
    if mode == "constant":
        return margin(input, pairs=pairs, value=0.0 if value is None else float(value))
    if value is not None:
        raise ArgumentError(f"pad: value belongs to mode='constant', not {mode!r}")
    for axis, (low, high) in zip(range(input.ndim - len(pairs), input.ndim), pairs, strict=True):
        input = _extended(input, axis, low, high, mode)
    return input


def _extended(x: Any, axis: int, low: int, high: int, mode: str) -> Any:
    """Axis by axis: the elements that come before and after, taken from the axis itself."""
    n = x.shape[axis]
    x = x[((slice(None),) * axis) + (slice(max(-low, 0), n - max(-high, 0)), ...)]
    n, low, high = x.shape[axis], max(low, 0), max(high, 0)
    most = {"reflect": n - 1, "circular": n}.get(mode, max(low, high) if n else 0)
    if max(low, high) > most:
        raise ShapeError(f"pad: mode {mode!r} has at most {most} elements for each side of axis {axis} of {x.shape}")
    before, after = _sources(n, low, high, mode)
    if not before and not after:
        return x
    places = pb.asarray([*before, *range(n), *after], dtype=pb.int64, device=x.device)
    return pb.take(x, places, axis=axis)


def _sources(n: int, low: int, high: int, mode: str) -> tuple[list[int], list[int]]:
    if mode == "replicate":
        return [0] * low, [n - 1] * high
    if mode == "reflect":
        return list(range(low, 0, -1)), list(range(n - 2, n - 2 - high, -1))
    return list(range(n - low, n)), list(range(high))
