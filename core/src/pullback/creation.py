"""The top-level creation functions: PyTorch's call shapes (`ones(2, 3)`, `requires_grad=`) over the standard's."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from pullback.dtypes import DType
from pullback.errors import ArgumentError
from pullback.ops import creation_functions as standard
from pullback.plugins import backends


def tensor(data: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False) -> Any:
    """A new leaf Tensor with a copy of `data`: a Python number, nested sequences, a raw array, or a Tensor.

    Python floats become the default dtype (float32 unless set), integers int64. Raises `ArgumentError` for other data,
    `ShapeError` for sequences of unequal lengths, `DTypeError` for numbers that the dtype cannot hold and for
    `requires_grad` with an integer dtype, `BackendNotFoundError` for an unknown device.

    >>> import pullback as pb
    >>> pb.tensor([[1.0, 2.0], [3.0, 4.0]])
    tensor([[1., 2.],
            [3., 4.]])
    """
    if hasattr(data, "detach"):  # a copy of a Tensor is cut off from its history, as in PyTorch
        if data.requires_grad:
            warnings.warn(
                "tensor: the copy of a Tensor that requires grad has no history; write .clone() for one that gradients flow "
                "through, .detach().clone() where that is meant",
                UserWarning,
                stacklevel=2,
            )
        data = data.detach().clone().detach_()
    made = standard.convert("tensor", data, dtype, device, True)
    return _leaf(made.detach().clone() if made.requires_grad else made, requires_grad)


def _leaf(made: Any, requires_grad: bool) -> Any:
    if requires_grad:
        made.requires_grad_()
        made._node.revived = False
    return made


def shape_of(op: str, lengths: tuple[Any, ...], shape: Any = None) -> tuple[int, ...]:
    """The shape in `op(2, 3)`, `op((2, 3))` and `op(shape=(2, 3))`."""
    if bool(lengths) == (shape is not None):
        raise ArgumentError(f"{op}: say the shape once: {op}(2, 3), {op}((2, 3)) or {op}(size=(2, 3))")
    if shape is None:
        shape = lengths[0] if len(lengths) == 1 else lengths
    return standard.shape_of(op, shape)


def _summary(function: Callable[..., Any]) -> str:
    """The first line of a docstring."""
    return (function.__doc__ or "").partition("\n")[0]


def _filled(function: Callable[..., Any]) -> Callable[..., Any]:
    name = function.__name__

    def make(
        *lengths: Any,
        shape: Any = None,
        size: Any = None,
        dtype: DType | None = None,
        device: Any = None,
        requires_grad: bool = False,
    ) -> Any:
        to = shape_of(name, lengths, size if shape is None else shape)
        return _leaf(function(to, dtype=dtype, device=device), requires_grad)

    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"""{_summary(function)} `{name}(2, 3)` and `{name}((2, 3))` mean the same.

    >>> import pullback as pb
    >>> pb.{name}(2, 3).shape
    (2, 3)
    """
    return make


ones = _filled(standard.ones)
zeros = _filled(standard.zeros)
empty = _filled(standard.empty)


def _like(function: Callable[..., Any]) -> Callable[..., Any]:
    def make(x: Any, /, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False) -> Any:
        return _leaf(function(x, dtype=dtype, device=device), requires_grad)

    name = function.__name__
    make.__name__ = make.__qualname__ = name
    make.__doc__ = f"""{_summary(function)}

    >>> import pullback as pb
    >>> pb.{name}(pb.tensor([1.0, 2.0])).shape
    (2,)
    """
    return make


ones_like = _like(standard.ones_like)
zeros_like = _like(standard.zeros_like)
empty_like = _like(standard.empty_like)


def full(
    shape: Any = None,
    fill_value: Any = None,
    *,
    size: Any = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """An array of `shape` (PyTorch: `size`) with `fill_value` everywhere; a 0-d Tensor keeps its gradient.

    >>> import pullback as pb
    >>> pb.full((2,), 7.0)
    tensor([7., 7.])
    """
    to = shape_of("full", () if shape is None else (shape,), size)
    return _leaf(standard.full(to, fill_value, dtype=dtype, device=device), requires_grad)


def full_like(
    x: Any, /, fill_value: Any, *, dtype: DType | None = None, device: Any = None, requires_grad: bool = False
) -> Any:
    """`fill_value` everywhere, in the shape, dtype and device of `x`.

    >>> import pullback as pb
    >>> pb.full_like(pb.tensor([1.0, 2.0]), 7.0)
    tensor([7., 7.])
    """
    return _leaf(standard.full_like(x, fill_value, dtype=dtype, device=device), requires_grad)


def arange(
    start: Any = None,
    stop: Any = None,
    step: Any = 1,
    *,
    end: Any = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """Numbers from `start` (0 if it is the only bound) up to but without `stop` (PyTorch: `end`), `step` apart.

    >>> import pullback as pb
    >>> pb.arange(3)
    tensor([0, 1, 2])
    """
    last = stop if end is None else end
    if (start is None and last is None) or (stop is not None and end is not None):
        raise ArgumentError("arange: say where to stop, once: arange(stop), arange(start, stop, step) or end=")
    first = 0 if start is None else start
    return _leaf(standard.arange(first, last, step, dtype=dtype, device=device), requires_grad)


def linspace(
    start: Any,
    stop: Any,
    /,
    num: int | None = None,
    *,
    steps: int | None = None,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
    endpoint: bool = True,
) -> Any:
    """`num` (PyTorch: `steps`) numbers from `start` to `stop`, evenly spaced.

    >>> import pullback as pb
    >>> pb.linspace(0.0, 1.0, steps=3)
    tensor([0.0000, 0.5000, 1.0000])
    """
    if (num is None) == (steps is None):
        raise ArgumentError("linspace: say how many numbers, once: linspace(start, stop, num) or steps=")
    count: Any = num if steps is None else steps
    return _leaf(standard.linspace(start, stop, count, dtype=dtype, device=device, endpoint=endpoint), requires_grad)


def eye(
    n: int,
    m: int | None = None,
    *,
    k: int = 0,
    dtype: DType | None = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Any:
    """A matrix of `n` rows and `m` (default `n`) columns with ones on diagonal `k`.

    >>> import pullback as pb
    >>> pb.eye(2)
    tensor([[1., 0.],
            [0., 1.]])
    """
    return _leaf(standard.eye(n, m, k=k, dtype=dtype, device=device), requires_grad)


def from_numpy(array: Any) -> Any:
    """A Tensor over the memory of a NumPy array, without a copy: writes to the array show in it, unnoticed by the graph.

    The array is never written: the first in-place operation on the Tensor gives it memory of its own.

    Raises `ArgumentError` for anything else: write `pb.asarray`.

    >>> import numpy as np, pullback as pb
    >>> pb.from_numpy(np.ones(2, dtype=np.float32))
    tensor([1., 1.])
    """
    owner = None if hasattr(array, "_aval") else backends.of_array(array)
    if owner is None or owner.name != "numpy":
        raise ArgumentError(f"from_numpy: a NumPy array is needed, got {type(array).__name__}; write pb.asarray(...)")
    return standard.asarray(array, copy=False)


def as_tensor(data: Any, dtype: DType | None = None, device: Any = None) -> Any:
    """`data` as a Tensor, converted and moved only where needed; a Tensor keeps its place in the graph.

    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> pb.as_tensor(x) is x
    True
    """
    return standard.convert("as_tensor", data, dtype, device, None)
