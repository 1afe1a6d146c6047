"""OneCycleLR: the rate up and down once, and the momentum the other way."""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, pi

from pullback.errors import ArgumentError

from pullback_optim.lr_scheduler.base import LRScheduler, each, momentum_of, positive, set_momentum
from pullback_optim.optimizer import Optimizer


class OneCycleLR(LRScheduler):
    """The rate rises from `max_lr / div_factor` to `max_lr`, and falls far below where it began; momentum does the opposite.

    `total_steps`, or `epochs` times `steps_per_epoch`: how long the cycle is. The rise takes `pct_start` of it. It ends at
    `max_lr / (div_factor * final_div_factor)`; with `three_phase` it falls to where it began first, as fast as it rose.
    `anneal_strategy`: "cos" or "linear". `cycle_momentum`: the momentum, or the first of `betas`, goes between
    `max_momentum` and `base_momentum`. Smith and Topin, Super-convergence, 2018.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0, momentum=0.9)
    >>> scheduler = optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.5, total_steps=10)
    >>> scheduler.get_last_lr(), optimizer.param_groups[0]["momentum"]
    ([0.02], 0.95)
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | Sequence[float] = 0.85,
        max_momentum: float | Sequence[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise ArgumentError("OneCycleLR: total_steps is needed, or epochs and steps_per_epoch")
            total_steps = positive("OneCycleLR: epochs", epochs) * positive(
                "OneCycleLR: steps_per_epoch", steps_per_epoch
            )
        if not 0 <= pct_start <= 1:
            raise ArgumentError(f"OneCycleLR: pct_start must be in [0, 1], got {pct_start!r}")
        if anneal_strategy not in ("cos", "linear"):
            raise ArgumentError(f"OneCycleLR: anneal_strategy must be 'cos' or 'linear', got {anneal_strategy!r}")
        self.total_steps = positive("OneCycleLR: total_steps", total_steps)
        self.anneal_strategy = anneal_strategy
        self.momentum = momentum_of(optimizer, self.name) if cycle_momentum else None
        self.max_lrs = each("OneCycleLR: max_lr", max_lr, optimizer)
        self.base_momentums = each("OneCycleLR: base_momentum", base_momentum, optimizer)
        self.max_momentums = each("OneCycleLR: max_momentum", max_momentum, optimizer)
        peak = float(pct_start * total_steps) - 1
        begin, end = 1 / div_factor, 1 / (div_factor * final_div_factor)
        self.turns = [0.0, peak, *([2 * peak] if three_phase else []), total_steps - 1]  # where the phases meet
        self.factors = [begin, 1.0, *([begin] if three_phase else []), end]  # of the rate, there
        self.calm = [True, False, *([True] if three_phase else []), True]  # whether the momentum is highest there
        for group, most in zip(optimizer.param_groups, self.max_lrs, strict=True):
            group["initial_lr"] = most / div_factor
        super().__init__(optimizer)

    def get_lr(self) -> list[float]:
        t = self.last_epoch
        if t > self.total_steps:
            raise ArgumentError(f"OneCycleLR: step {t} of a cycle of {self.total_steps} steps")
        phase = next((n for n, turn in enumerate(self.turns[1:-1]) if t <= turn), len(self.turns) - 2)
        begin, end = self.turns[phase : phase + 2]
        part = (t - begin) / (end - begin) if end > begin else 1.0
        if self.anneal_strategy == "cos":
            part = (1 - cos(pi * part)) / 2

        def between(ends: Sequence[float]) -> float:
            return ends[0] + (ends[1] - ends[0]) * part

        if self.momentum is not None:
            levels = zip(self.base_momentums, self.max_momentums, strict=True)
            for group, ends in zip(self.optimizer.param_groups, levels, strict=True):
                set_momentum(group, self.momentum, between([ends[calm] for calm in self.calm[phase : phase + 2]]))
        return [most * between(self.factors[phase : phase + 2]) for most in self.max_lrs]
