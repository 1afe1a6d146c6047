"""Stochastic gradient descent, with momentum. `foreach` and `fused` are taken for PyTorch's sake, and change nothing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pullback_optim.optimizer import Group, Optimizer, State, is_number


class SGD(Optimizer):
    """Gradient descent: `p -= lr * grad`, or with momentum `p -= lr * v` where `v` is `momentum * v + grad`.

    `dampening`: the gradient enters `v` times `1 - dampening` from the second step on. `weight_decay`: `weight_decay * p`
    is added to the gradient. `nesterov`: `p -= lr * (grad + momentum * v)`. `maximize`: climb instead. As in PyTorch:
    `v` has no `lr` in it, unlike in Sutskever et al., On the importance of initialization and momentum in deep
    learning, 2013.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor(4.0, requires_grad=True)
    >>> optimizer = optim.SGD([w], lr=0.25)
    >>> for _ in range(2):
    ...     optimizer.zero_grad()
    ...     (w * w).backward()
    ...     optimizer.step()
    >>> w
    tensor(1., requires_grad=True)
    """

    linear = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        options = dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay)
        super().__init__(params, {**options, "nesterov": nesterov, "maximize": maximize})

    def check(self, group: Group) -> None:
        super().check(group)
        self.demand(group, "dampening", is_number(group["dampening"]), "a number")
        plain = group["momentum"] > 0 and group["dampening"] == 0
        self.demand(group, "nesterov", plain or not group["nesterov"], "False without momentum, or with dampening")

    def update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        momentum = group["momentum"]
        if group["maximize"]:
            grad = -grad
        if group["weight_decay"]:
            grad = grad + group["weight_decay"] * p
        if momentum:
            velocity = state.get("momentum_buffer")
            if velocity is None:
                velocity = state["momentum_buffer"] = grad.clone()
            else:
                velocity *= momentum
                velocity += (1 - group["dampening"]) * grad if group["dampening"] else grad
            grad = grad + momentum * velocity if group["nesterov"] else velocity
        p -= group["lr"] * grad
