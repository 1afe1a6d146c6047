"""Optimisers that scale each element of the gradient by its own past: Adam, AdamW, RMSprop, Adagrad.

The update of each is written as in PyTorch, in whose names the state is kept too. `foreach` and `fused` are taken for
PyTorch's sake, and change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import sqrt
from typing import Any

import pullback as pb

from pullback_optim.optimizer import Group, Optimizer, State, is_number


def _gradient(p: Any, grad: Any, group: Group) -> Any:
    """The gradient with its sign and the decay of weights."""
    if group["maximize"]:
        grad = -grad
    return grad + group["weight_decay"] * p if group["weight_decay"] else grad


def _average(mean: Any, value: Any, decay: float) -> None:
    """Move a running mean towards `value`, in place."""
    mean *= decay
    mean += (1 - decay) * value


class Adam(Optimizer):
    """Steps of the mean of past gradients over the root of the mean of their squares, both corrected for starting at 0.

    `betas`: how much of either mean is kept at each step. `eps` is added to the root. `weight_decay`: `weight_decay * p`
    is added to the gradient. `amsgrad`: the largest mean of squares so far is used. `maximize`: climb instead. Complex
    parameters count as pairs of real ones. Kingma and Ba, Adam: a method for stochastic optimization, 2015; Reddi et
    al., On the convergence of Adam and beyond, 2018.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([1.0, -200.0], requires_grad=True)
    >>> optimizer = optim.Adam([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([   0.5000, -199.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        options = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        super().__init__(params, {**options, "amsgrad": amsgrad, "maximize": maximize})

    def update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        self._move(p, _gradient(p, grad, group), state, group)

    def _move(self, p: Any, grad: Any, state: State, group: Group) -> None:
        first, second = group["betas"]
        if not state:
            state.update(step=0, exp_avg=pb.zeros_like(p), exp_avg_sq=pb.zeros_like(p))
            if group["amsgrad"]:
                state["max_exp_avg_sq"] = pb.zeros_like(p)
        step = state["step"] = state["step"] + 1
        _average(state["exp_avg"], grad, first)
        _average(state["exp_avg_sq"], grad * grad, second)
        squares = state["exp_avg_sq"]
        if group["amsgrad"]:
            squares = state["max_exp_avg_sq"] = pb.maximum(state["max_exp_avg_sq"], squares)
        root = pb.sqrt(squares)
        root /= sqrt(1 - second**step)
        root += group["eps"]
        p -= group["lr"] / (1 - first**step) * state["exp_avg"] / root


class AdamW(Adam):
    """Adam whose `weight_decay` shrinks the parameters themselves, by `lr * weight_decay`, and leaves the gradient alone.

    Options as for `Adam`; the default of `weight_decay` is 0.01. Loshchilov and Hutter, Decoupled weight decay
    regularization, 2019.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([1.0], requires_grad=True)
    >>> optimizer = optim.AdamW([w], lr=0.25, weight_decay=1.0)
    >>> w.sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)

    def update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        if group["weight_decay"]:
            p *= 1 - group["lr"] * group["weight_decay"]
        self._move(p, -grad if group["maximize"] else grad, state, group)


class RMSprop(Optimizer):
    """Steps of the gradient over the root of the mean of past squares.

    `alpha`: how much of the mean is kept at each step. `eps` is added to the root. `weight_decay`: `weight_decay * p` is
    added to the gradient. `momentum`: steps add up, with this much of the last sum kept. `centered`: the square of the mean
    gradient is taken off the mean of squares, which leaves the variance (Graves, Generating sequences with recurrent
    neural networks, 2013). `maximize`: climb instead. Complex parameters count as pairs of real ones.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([1.0, -200.0], requires_grad=True)
    >>> optimizer = optim.RMSprop([w], lr=0.5, alpha=0.75)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([   0., -199.], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        options = dict(lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum)
        super().__init__(params, {**options, "centered": centered, "maximize": maximize})

    def check(self, group: Group) -> None:
        super().check(group)
        self.demand(group, "alpha", is_number(group["alpha"]) and group["alpha"] >= 0, "a number >= 0")

    def update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        grad = _gradient(p, grad, group)
        if not state:
            state.update(step=0, square_avg=pb.zeros_like(p))
            if group["momentum"]:
                state["momentum_buffer"] = pb.zeros_like(p)
            if group["centered"]:
                state["grad_avg"] = pb.zeros_like(p)
        state["step"] += 1
        squares = state["square_avg"]
        _average(squares, grad * grad, group["alpha"])
        if group["centered"]:
            mean = state["grad_avg"]
            _average(mean, grad, group["alpha"])
            squares = squares - mean * mean
        root = pb.sqrt(squares)
        root += group["eps"]
        step = grad / root
        if group["momentum"]:
            velocity = state["momentum_buffer"]
            velocity *= group["momentum"]
            velocity += step
            step = velocity
        p -= group["lr"] * step


class Adagrad(Optimizer):
    """Steps of the gradient over the root of the sum of all past squares.

    `lr_decay`: at step n, counted from 0, the rate is `lr / (1 + n * lr_decay)`. `initial_accumulator_value`: where the sum
    starts. `eps` is added to the root. `weight_decay`: `weight_decay * p` is added to the gradient. `maximize`: climb
    instead. Complex parameters count as pairs of real ones. Duchi, Hazan and Singer, Adaptive subgradient methods for
    online learning and stochastic optimization, 2011.

    >>> import pullback as pb, pullback_optim as optim
    >>> w = pb.tensor([1.0, -200.0], requires_grad=True)
    >>> optimizer = optim.Adagrad([w], lr=0.5)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([   0.5000, -199.5000], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
        foreach: bool | None = None,
        fused: bool | None = None,
    ) -> None:
        options = dict(lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay)
        start = {"initial_accumulator_value": initial_accumulator_value, "maximize": maximize}
        super().__init__(params, {**options, **start})

    def update(self, p: Any, grad: Any, state: State, group: Group) -> None:
        grad = _gradient(p, grad, group)
        if not state:
            state.update(step=0, sum=pb.full_like(p, group["initial_accumulator_value"]))
        state["step"] += 1
        squares = state["sum"]
        squares += grad * grad
        root = pb.sqrt(squares)
        root += group["eps"]
        p -= group["lr"] / (1 + (state["step"] - 1) * group["lr_decay"]) * grad / root
