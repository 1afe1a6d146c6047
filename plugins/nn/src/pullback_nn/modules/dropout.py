"""Dropout layers: nothing happens after `eval()`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback.errors import ArgumentError

from pullback_nn import functional as F  # noqa: N812  the name that everybody knows
from pullback_nn.modules.module import Module


class _Dropout(Module):
    function: Callable[..., Any]

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        super().__init__()
        if not 0 <= p <= 1:
            raise ArgumentError(f"{type(self).__name__}: p is the probability of a zero, between 0 and 1, got {p}")
        self.p, self.inplace = p, inplace

    def forward(self, input: Any) -> Any:
        return type(self).function(input, self.p, self.training, self.inplace)

    def extra_repr(self) -> str:
        return f"p={self.p}, inplace={self.inplace}"


class Dropout(_Dropout):
    """`F.dropout` while training.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Dropout(0.2).eval()(pb.ones(3))
    tensor([1., 1., 1.])
    """

    function = F.dropout


class Dropout1d(_Dropout):
    """`F.dropout1d` while training."""

    function = F.dropout1d


class Dropout2d(_Dropout):
    """`F.dropout2d` while training."""

    function = F.dropout2d


class Dropout3d(_Dropout):
    """`F.dropout3d` while training."""

    function = F.dropout3d


class AlphaDropout(_Dropout):
    """`F.alpha_dropout` while training."""

    function = F.alpha_dropout
