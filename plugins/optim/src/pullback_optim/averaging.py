"""An exponential moving average of the parameters, to evaluate with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError


class ExponentialMovingAverage:
    """A running average of parameters: after `update()` it is `decay * average + (1 - decay) * parameter`.

    It starts at the parameters as they are. `averages` has one Tensor for each, in order. Raises `ArgumentError` if `decay`
    is not in [0, 1] or something is no Tensor.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([0.0], requires_grad=True)
    >>> average = optim.ExponentialMovingAverage([w], decay=0.75)
    >>> with pb.no_grad():
    ...     w += 4
    >>> average.update()
    >>> with average.applied():
    ...     print(w)
    tensor([1.], requires_grad=True)
    >>> w
    tensor([4.], requires_grad=True)
    """

    def __init__(self, params: Iterable[Any], decay: float = 0.999) -> None:
        self.params = list(params)
        self.decay = decay
        for p in self.params:
            if not isinstance(p, pb.Tensor):
                raise ArgumentError(f"ExponentialMovingAverage: parameters are Tensors, got {type(p).__name__}")
        if not 0 <= decay <= 1:
            raise ArgumentError(f"ExponentialMovingAverage: decay must be in [0, 1], got {decay!r}")
        self.averages = [p.detach().clone() for p in self.params]

    def update(self) -> None:
        """Take the present parameters in. A lazy backend computes the averages, all in one go."""
        with pb.no_grad():
            for average, p in zip(self.averages, self.params, strict=True):
                average.mul_(self.decay)
                average.add_((1 - self.decay) * p)
            pb.compute(self.averages)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Inside, the parameters have the averages as their values."""
        own = [p.detach().clone() for p in self.params]
        self._write(self.averages)
        try:
            yield
        finally:
            self._write(own)

    def _write(self, values: Iterable[Any]) -> None:
        with pb.no_grad():
            for p, value in zip(self.params, values, strict=True):
                p.copy_(value)

    def state_dict(self) -> dict[str, Any]:
        """The averages, not copied, and the decay."""
        return {"decay": self.decay, "averages": list(self.averages)}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` returned. Raises `ArgumentError`, and changes nothing, if the shapes are others."""
        averages = state_dict["averages"]
        shapes = [[tuple(x.shape) for x in tensors] for tensors in (averages, self.params)]
        if shapes[0] != shapes[1]:
            raise ArgumentError(f"ExponentialMovingAverage: averages of shapes {shapes[0]}, parameters of {shapes[1]}")
        self.averages = [x.detach().to(p.device, p.dtype).clone() for x, p in zip(averages, self.params, strict=True)]
        self.decay = state_dict["decay"]
