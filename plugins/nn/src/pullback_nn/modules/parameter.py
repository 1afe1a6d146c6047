"""Parameter: a Tensor that a Module finds, and that optimisers change."""

from __future__ import annotations

from typing import Any

import pullback as pb

from pullback_nn.arguments import read_tensor


class Parameter(pb.Tensor):
    """A leaf with a copy of the values of `data`. As an attribute of a Module it is one of its `parameters()`.

    Raises `ArgumentError` if `data` is not a Tensor.

    >>> import pullback as pb, pullback_nn as nn
    >>> nn.Parameter(pb.ones(2))
    Parameter containing:
    tensor([1., 1.], requires_grad=True)
    """

    __slots__ = ()

    def __init__(self, data: Any, requires_grad: bool = True) -> None:
        super().__init__()
        with pb.no_grad():
            self.data = read_tensor("Parameter", "data", data)
        if requires_grad:
            self.requires_grad_()

    def __repr__(self) -> str:
        return f"Parameter containing:\n{super().__repr__()}"


class Buffer:
    """Marks a Tensor that is part of a Module's state and no parameter: `self.mean = Buffer(pb.zeros(3))`.

    The attribute is the Tensor itself. `persistent=False` leaves it out of `state_dict()`.
    """

    def __init__(self, data: Any, *, persistent: bool = True) -> None:
        self.data = read_tensor("Buffer", "data", data)
        self.persistent = persistent
