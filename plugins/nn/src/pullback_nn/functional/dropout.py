"""Dropout: zeros at random places while training, and the others scaled so that the mean stays.

The numbers come from pullback's random generator, or from `generator`; inside vmap they need `randomness=`.
"""

from __future__ import annotations

from typing import Any

import pullback as pb
from pullback.errors import ArgumentError, ShapeError

from pullback_nn import elementwise as ew
from pullback_nn.arguments import read_floats, written


def _kept(input: Any, p: float, shape: tuple[int, ...], generator: Any) -> Any:
    """Where the numbers stay, for a mask of `shape`."""
    return pb.rand(shape, generator=generator, dtype=input.dtype, device=input.device) >= p


def _probability(op: str, p: float) -> None:
    if not 0 <= p <= 1:
        raise ArgumentError(f"{op}: p is the probability of a zero, between 0 and 1, got {p}")


def dropout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None) -> Any:
    """Each element becomes 0 with probability p, the others are divided by 1 - p. Itself unless `training`.

    >>> import pullback as pb
    >>> from pullback_nn import functional as F
    >>> _ = pb.manual_seed(0)
    >>> F.dropout(pb.ones(4), 0.5)
    tensor([2., 0., 0., 0.])
    """
    return _dropped("dropout", input, p, training, inplace, generator, None)


def _dropped(
    op: str, input: Any, p: float, training: bool, inplace: bool, generator: Any, shape: tuple[int, ...] | None
) -> Any:
    _probability(op, p)
    read_floats(op, input=input)
    if not training or p == 0:
        return input
    if p == 1:
        return written(input, input * 0.0, inplace)
    mask = _kept(input, p, input.shape if shape is None else shape, generator)
    return written(input, input * (pb.astype(mask, input.dtype) / (1 - p)), inplace)


def _channelwise(axes: int, input: Any, p: float, training: bool, inplace: bool, generator: Any) -> Any:
    op = f"dropout{axes}d"
    read_floats(op, input=input)
    if input.ndim not in (axes + 1, axes + 2):
        raise ShapeError(
            f"{op}: input must have {axes + 2} axes, or {axes + 1} without the batch, it has shape {input.shape}"
        )
    shape = (*input.shape[: input.ndim - axes], *(1,) * axes)
    return _dropped(op, input, p, training, inplace, generator, shape)


def dropout1d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Any:
    """dropout of whole channels of (batch, channels, length)."""
    return _channelwise(1, input, p, training, inplace, generator)


def dropout2d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Any:
    """dropout of whole channels of (batch, channels, height, width)."""
    return _channelwise(2, input, p, training, inplace, generator)


def dropout3d(
    input: Any, p: float = 0.5, training: bool = True, inplace: bool = False, *, generator: Any = None
) -> Any:
    """dropout of whole channels of (batch, channels, depth, height, width)."""
    return _channelwise(3, input, p, training, inplace, generator)


def alpha_dropout(
    input: Any, p: float = 0.5, training: bool = False, inplace: bool = False, *, generator: Any = None
) -> Any:
    """Dropout after selu: dropped elements take its lower limit, and mean and variance stay (Klambauer et al., 2017)."""
    _probability("alpha_dropout", p)
    read_floats("alpha_dropout", input=input)
    if not training or p == 0:
        return input
    if p == 1:
        return written(input, input * 0.0, inplace)
    low = -ew.SELU_SCALE * ew.SELU_ALPHA
    scale = ((1 - p) * (1 + p * low * low)) ** -0.5
    mask = _kept(input, p, input.shape, generator)
    return written(input, scale * pb.where(mask, input, low) - scale * low * p, inplace)
