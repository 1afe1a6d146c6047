"""Reading the arguments of functions and layers: what is wrong is said with the op, the argument, and what to write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, DTypeError, ShapeError

Ints = tuple[int, ...]


def read_tensor(op: str, name: str, x: Any) -> Any:
    """`x`, which must be a Tensor."""
    if isinstance(x, pb.Tensor):
        return x
    raise ArgumentError(
        f"{op}: {name} must be a Tensor, got {type(x).__module__}.{type(x).__qualname__}; write pb.asarray(...) around it"
    )


def read_floats(op: str, **tensors: Any) -> None:
    """Check that all are Tensors of one floating (or complex) dtype; None is left out."""
    first, shared = "", pb.float32
    for name, x in tensors.items():
        if x is None:
            continue
        dtype = read_tensor(op, name, x).dtype
        if first and dtype is shared:
            continue
        if not dtype.differentiable:
            raise DTypeError(
                f"{op}: {name} is {dtype.name}, and a floating dtype is needed; write .to(pb.float32) on it"
            )
        if first:
            raise DTypeError(
                f"{op}: {first} is {shared.name} and {name} is {dtype.name}; write .to({name}.dtype) on {first}, or the "
                f"other way round"
            )
        first, shared = name, dtype


def read_index(op: str, name: str, value: Any, *, least: int) -> int:
    """An integer that is not below `least`."""
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise ArgumentError(f"{op}: {name} must be an integer, got {value!r}")
    number = int(value.__index__())
    if number < least:
        raise ArgumentError(f"{op}: {name} must be at least {least}, got {number}")
    return number


def read_ints(op: str, name: str, value: Any, count: int, *, least: int) -> Ints:
    """One integer for all of `count` axes, or one for each."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        if len(value) == 1:
            value = value[0]
        elif len(value) != count:
            raise ArgumentError(f"{op}: {name} must be an integer or {count} of them, got {value!r}")
        else:
            return tuple(read_index(op, name, item, least=least) for item in value)
    return (read_index(op, name, value, least=least),) * count


def read_batch(op: str, x: Any, spatial: int, what: str = "input") -> tuple[Any, bool]:
    """`x` with a batch axis, channels and `spatial` axes; and whether the batch axis was added."""
    if x.ndim == spatial + 2:
        return x, False
    if x.ndim == spatial + 1:
        return pb.expand_dims(x, axis=0), True
    axes = ", ".join(["batch", "channels", *("depth", "height", "width")[3 - spatial :]])
    raise ShapeError(
        f"{op}: {what} must have {spatial + 2} axes ({axes}), or {spatial + 1} without the batch; it has shape {x.shape}"
    )


def read_axis(op: str, axis: Any, ndim: int) -> int:
    """An axis, counted from the front."""
    number = read_index(op, "dim", axis, least=-max(ndim, 1))
    if number >= max(ndim, 1):
        raise ArgumentError(f"{op}: dim {axis} is out of range for an input of {ndim} dimensions")
    return number % max(ndim, 1)


def reduced(op: str, losses: Any, reduction: str) -> Any:
    """The mean or the sum of losses, or the losses themselves."""
    if reduction == "mean":
        return pb.mean(losses)
    if reduction == "sum":
        return pb.sum(losses)
    read_reduction(op, reduction)
    return losses


def read_reduction(op: str, reduction: str) -> None:
    """Refuse what is no way to reduce losses."""
    if reduction not in ("none", "mean", "sum"):
        raise ArgumentError(f"{op}: reduction must be 'mean', 'sum' or 'none', got {reduction!r}")


def written(x: Any, out: Any, inplace: bool) -> Any:
    """`out`; with `inplace`, `x` after `out` was written into it."""
    return x.copy_(out) if inplace else out
