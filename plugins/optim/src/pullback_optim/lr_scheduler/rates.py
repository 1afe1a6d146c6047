"""The schedulers whose rate follows from the step alone, and from the rate before it: a line each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import cos, pi

from pullback.errors import ArgumentError

from pullback_optim.lr_scheduler.base import LRScheduler, each, positive
from pullback_optim.optimizer import Optimizer


class LambdaLR(LRScheduler):
    """The rate is the base rate times `lr_lambda(t)`: a function of the step, or a list with one for each group.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LambdaLR(optimizer, lambda t: 0.5**t)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        self.lr_lambdas = each("LambdaLR: lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        return [base * f(self.last_epoch) for base, f in zip(self.base_lrs, self.lr_lambdas, strict=True)]


class MultiplicativeLR(LRScheduler):
    """At each step the rate is multiplied by `lr_lambda(t)`: a function of the step, or a list with one for each group.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiplicativeLR(optimizer, lambda t: 0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self, optimizer: Optimizer, lr_lambda: Callable[[int], float] | Sequence[Callable[[int], float]]
    ) -> None:
        self.lr_lambdas = each("MultiplicativeLR: lr_lambda", lr_lambda, optimizer)
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        pairs = zip(self.optimizer.param_groups, self.lr_lambdas, strict=True)
        return [group["lr"] * f(t) if t else group["lr"] for group, f in pairs]


class StepLR(LRScheduler):
    """Every `step_size` steps the rate is multiplied by `gamma`.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1) -> None:
        self.step_size = positive("StepLR: step_size", step_size)
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        return lr * self.gamma if t and t % self.step_size == 0 else lr


class MultiStepLR(LRScheduler):
    """At each of the `milestones`, step numbers, the rate is multiplied by `gamma`.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.MultiStepLR(optimizer, milestones=[1, 3], gamma=0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones = sorted(milestones)
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        return lr * self.gamma ** self.milestones.count(t) if t else lr


class ConstantLR(LRScheduler):
    """The rate times `factor` until step `total_iters`, and undiminished from there on.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=4)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5) -> None:
        if not 0 < factor <= 1:
            raise ArgumentError(f"ConstantLR: factor must be in (0, 1], got {factor!r}")
        self.factor = factor
        self.total_iters = total_iters
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        if t == 0:
            return lr * self.factor
        return lr / self.factor if t == self.total_iters else lr


class LinearLR(LRScheduler):
    """The rate times a factor that goes from `start_factor` to `end_factor` in `total_iters` steps, and stays there.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    def __init__(
        self, optimizer: Optimizer, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        if not (0 < start_factor <= 1 and 0 <= end_factor <= 1):
            raise ArgumentError(
                f"LinearLR: start_factor must be in (0, 1] and end_factor in [0, 1], got {start_factor!r}, {end_factor!r}"
            )
        self.start_factor = start_factor
        self.end_factor = end_factor
        self.total_iters = positive("LinearLR: total_iters", total_iters)
        super().__init__(optimizer)

    def _factor(self, t: int) -> float:
        return self.start_factor + (self.end_factor - self.start_factor) * t / self.total_iters

    def rate(self, t: int, base: float, lr: float) -> float:
        if t == 0:
            return lr * self.start_factor
        return lr * self._factor(t) / self._factor(t - 1) if t <= self.total_iters else lr


class ExponentialLR(LRScheduler):
    """At each step the rate is multiplied by `gamma`.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(self, optimizer: Optimizer, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        return lr * self.gamma if t else lr


class PolynomialLR(LRScheduler):
    """The rate falls as `(1 - t / total_iters) ** power`, to 0.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.PolynomialLR(optimizer, total_iters=4)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.75]
    """

    def __init__(self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters = positive("PolynomialLR: total_iters", total_iters)
        self.power = power
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        if not 0 < t <= self.total_iters:
            return lr
        ratio: float = ((self.total_iters - t) / (self.total_iters - t + 1)) ** self.power
        return lr * ratio


class CosineAnnealingLR(LRScheduler):
    """The rate goes along a cosine from the base rate to `eta_min` at step `T_max`, and back at step `2 * T_max`.

    Loshchilov and Hutter, SGDR: stochastic gradient descent with warm restarts, 2017, without the restarts.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=2)
    >>> scheduler.step()
    >>> round(scheduler.get_last_lr()[0], 6)
    0.5
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0) -> None:  # noqa: N803  PyTorch's name
        self.T_max = positive("CosineAnnealingLR: T_max", T_max)
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        if t == 0:
            return lr
        if (t - 1) % (2 * self.T_max) == self.T_max:  # the factor of the last step was 0: there is nothing to multiply
            return lr + (base - self.eta_min) * (1 - cos(pi / self.T_max)) / 2
        ratio = (1 + cos(pi * t / self.T_max)) / (1 + cos(pi * (t - 1) / self.T_max))
        return ratio * (lr - self.eta_min) + self.eta_min


class CosineAnnealingWarmRestarts(LRScheduler):
    """The rate goes along a cosine from the base rate towards `eta_min`, again and again.

    The first run takes `T_0` steps, each later one `T_mult` times as many as the one before. Loshchilov and Hutter, SGDR:
    stochastic gradient descent with warm restarts, 2017.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=2)
    >>> for _ in range(2):
    ...     scheduler.step()
    >>> scheduler.get_last_lr()
    [1.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        T_0: int,  # noqa: N803  PyTorch's name
        T_mult: int = 1,  # noqa: N803  PyTorch's name
        eta_min: float = 0.0,
    ) -> None:
        self.T_0 = positive("CosineAnnealingWarmRestarts: T_0", T_0)
        self.T_mult = positive("CosineAnnealingWarmRestarts: T_mult", T_mult)
        self.eta_min = eta_min
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        length = self.T_0
        while t >= length:
            t, length = t - length, length * self.T_mult
        return self.eta_min + (base - self.eta_min) * (1 + cos(pi * t / length)) / 2
