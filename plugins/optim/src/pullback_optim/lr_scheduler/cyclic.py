"""CyclicLR: the rate up and down again and again, and the momentum the other way."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pullback.errors import ArgumentError

from pullback_optim.lr_scheduler.base import LRScheduler, each, momentum_of, positive, set_momentum
from pullback_optim.optimizer import Optimizer

MODES = ("triangular", "triangular2", "exp_range")


class CyclicLR(LRScheduler):
    """The rate rises from `base_lr` to `max_lr` in `step_size_up` steps, falls in `step_size_down`, and so on.

    `step_size_down` is as `step_size_up` if None. `mode`: how high later cycles go. "triangular": as high; "triangular2":
    each half as high as the one before; "exp_range": `gamma ** t` as high at step t. Or `scale_fn(n)` as high, where n is
    the number of the cycle from 1 on (`scale_mode="cycle"`) or the step ("iterations"). `cycle_momentum`: the momentum,
    or the first of `betas`, goes from `max_momentum` to `base_momentum` and back. Smith, Cyclical learning rates for
    training neural networks, 2017.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], momentum=0.9)
    >>> scheduler = optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.0, max_lr=1.0, step_size_up=2)
    >>> rates = []
    >>> for _ in range(5):
    ...     rates += scheduler.get_last_lr()
    ...     scheduler.step()
    >>> rates
    [0.0, 0.5, 1.0, 0.5, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        base_lr: float | Sequence[float],
        max_lr: float | Sequence[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[int], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.8,
        max_momentum: float | Sequence[float] = 0.9,
    ) -> None:
        if mode not in MODES:
            raise ArgumentError(f"CyclicLR: mode must be one of {MODES}, got {mode!r}")
        if scale_mode not in ("cycle", "iterations"):
            raise ArgumentError(f"CyclicLR: scale_mode must be 'cycle' or 'iterations', got {scale_mode!r}")
        self.up = positive("CyclicLR: step_size_up", step_size_up)
        self.down = self.up if step_size_down is None else positive("CyclicLR: step_size_down", step_size_down)
        self.mode, self.gamma, self.scale_fn, self.scale_mode = mode, gamma, scale_fn, scale_mode
        self.momentum = momentum_of(optimizer, self.name) if cycle_momentum else None
        self.max_lrs = each("CyclicLR: max_lr", max_lr, optimizer)
        self.base_momentums = each("CyclicLR: base_momentum", base_momentum, optimizer)
        self.max_momentums = each("CyclicLR: max_momentum", max_momentum, optimizer)
        for group, lr in zip(optimizer.param_groups, each("CyclicLR: base_lr", base_lr, optimizer), strict=True):
            group["initial_lr"] = lr
        super().__init__(optimizer)

    def _height(self, t: int) -> float:
        """How high the rate is at step `t`: 0 at `base_lr`, 1 at `max_lr`."""
        cycle, along = divmod(t, self.up + self.down)
        height = along / self.up if along <= self.up else (self.up + self.down - along) / self.down
        if self.scale_fn is not None:
            return height * self.scale_fn(cycle + 1 if self.scale_mode == "cycle" else t)
        scales = {"triangular": 1.0, "triangular2": 0.5**cycle, "exp_range": self.gamma**t}
        return height * scales[self.mode]

    def get_lr(self) -> list[float]:
        height = self._height(self.last_epoch)
        if self.momentum is not None:
            levels = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, (least, most) in zip(self.optimizer.param_groups, levels, strict=True):
                set_momentum(group, self.momentum, most - (most - least) * height)
        return [base + (most - base) * height for base, most in zip(self.base_lrs, self.max_lrs, strict=True)]
