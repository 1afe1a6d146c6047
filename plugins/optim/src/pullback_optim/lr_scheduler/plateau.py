"""ReduceLROnPlateau: the rate follows from what the training achieves."""

from __future__ import annotations

from collections.abc import Sequence
from math import inf
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError

from pullback_optim.lr_scheduler.base import LRScheduler, each
from pullback_optim.optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """The rate is multiplied by `factor` when a quantity has not become better for more than `patience` steps.

    `mode`: "min" if less is better, "max" if more is. Better means by more than `threshold`: relative to the best so far
    (`threshold_mode="rel"`) or absolutely ("abs"). After a reduction, `cooldown` steps are not counted. The rate stays
    above `min_lr`, one for all groups or one for each, and reductions of at most `eps` are not made.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> scheduler = optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
    >>> for loss in (3.0, 2.0, 2.0, 2.0):
    ...     scheduler.step(loss)
    >>> scheduler.get_last_lr()
    [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        for name, value, choices in (
            ("mode", mode, ("min", "max")),
            ("threshold_mode", threshold_mode, ("rel", "abs")),
        ):
            if value not in choices:
                raise ArgumentError(f"ReduceLROnPlateau: {name} must be one of {choices}, got {value!r}")
        if factor >= 1:
            raise ArgumentError(f"ReduceLROnPlateau: factor must be less than 1, got {factor!r}")
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.min_lrs = each("ReduceLROnPlateau: min_lr", min_lr, optimizer)
        self.best = inf if mode == "min" else -inf
        self.cooldown_counter = self.num_bad_epochs = 0
        super().__init__(optimizer)

    def rate(self, t: int, base: float, lr: float) -> float:
        return lr

    def step(self, metrics: Any = None) -> None:
        """Take in the quantity, a number or a Tensor of one element, which is computed if it is lazy."""
        if metrics is None:
            raise ArgumentError("ReduceLROnPlateau.step: the quantity to watch is needed, a number or a Tensor")
        if isinstance(metrics, pb.Tensor):
            (metrics,) = pb.compute(metrics.detach())
        value = float(metrics)
        self.last_epoch += 1
        if self._is_better(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lr = max(group["lr"] * self.factor, least)
                if group["lr"] - lr > self.eps:
                    group["lr"] = lr
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [group["lr"] for group in self.optimizer.param_groups]

    def _is_better(self, value: float) -> bool:
        sign = -1 if self.mode == "min" else 1
        if self.threshold_mode == "rel":
            return sign * value > sign * self.best * (1 + sign * self.threshold)
        return sign * value > sign * self.best + self.threshold
