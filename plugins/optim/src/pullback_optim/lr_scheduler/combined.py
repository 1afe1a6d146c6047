"""Schedulers made of others: one after the other, or all at once."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from pullback.errors import ArgumentError

from pullback_optim.lr_scheduler.base import LRScheduler
from pullback_optim.lr_scheduler.plateau import ReduceLROnPlateau
from pullback_optim.optimizer import Optimizer


class _Several(LRScheduler):
    """A scheduler made of others, of one optimiser."""

    def _adopt(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None) -> None:
        self._schedulers = list(schedulers)
        if not self._schedulers:
            raise ArgumentError(f"{self.name}: no schedulers were given")
        self.optimizer = optimizer or self._schedulers[0].optimizer
        for scheduler in self._schedulers:
            if isinstance(scheduler, ReduceLROnPlateau):
                raise ArgumentError(f"{self.name}: ReduceLROnPlateau needs a quantity at each step; call it yourself")
            if scheduler.optimizer is not self.optimizer:
                raise ArgumentError(f"{self.name}: {scheduler.name} is one of another optimiser")

    def state_dict(self) -> dict[str, Any]:
        return {**super().state_dict(), "_schedulers": [scheduler.state_dict() for scheduler in self._schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        states = state_dict.get("_schedulers", ())
        if len(states) != len(self._schedulers):
            raise ArgumentError(
                f"{self.name}.load_state_dict: {len(states)} states for {len(self._schedulers)} schedulers"
            )
        before = [scheduler.state_dict() for scheduler in self._schedulers]
        schedulers = self._schedulers
        try:
            for scheduler, state in zip(schedulers, states, strict=True):
                scheduler.load_state_dict(state)
            super().load_state_dict(state_dict)
        except BaseException:
            for scheduler, state in zip(schedulers, before, strict=True):
                vars(scheduler).update(state)
            raise
        self._schedulers = schedulers


class SequentialLR(_Several):
    """One scheduler after the other: each begins, at its own step 0, at the milestone between it and the one before.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> warmup = optim.lr_scheduler.LinearLR(optimizer, start_factor=0.5, total_iters=2)
    >>> decay = optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.5)
    >>> scheduler = optim.lr_scheduler.SequentialLR(optimizer, [warmup, decay], milestones=[2])
    >>> rates = []
    >>> for _ in range(4):
    ...     rates += scheduler.get_last_lr()
    ...     scheduler.step()
    >>> rates
    [0.5, 0.75, 1.0, 0.5]
    """

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[LRScheduler], milestones: Sequence[int]) -> None:
        self._adopt(schedulers, optimizer)
        if len(milestones) != len(self._schedulers) - 1 or sorted(milestones) != list(milestones):
            raise ArgumentError(
                f"SequentialLR: {len(self._schedulers) - 1} rising milestones are needed for {len(self._schedulers)} "
                f"schedulers, got {list(milestones)}"
            )
        self.milestones = list(milestones)
        self.restart()

    def _current(self) -> LRScheduler:
        return self._schedulers[bisect_right(self.milestones, self.last_epoch)]

    def _begin(self) -> None:
        self.last_epoch = 0
        self._current()._begin()
        self._last_lr = self._current().get_last_lr()

    def step(self) -> None:
        self.last_epoch += 1
        if self.last_epoch in self.milestones:
            self._current().restart()
        else:
            self._current().step()
        self._last_lr = self._current().get_last_lr()


class ChainedScheduler(_Several):
    """Several schedulers at once: each changes the rates that the one before it has set.

    >>> import pullback as pb, pullback_optim as optim
    >>> optimizer = optim.SGD([pb.zeros(1, requires_grad=True)], lr=1.0)
    >>> both = [optim.lr_scheduler.ExponentialLR(optimizer, gamma=gamma) for gamma in (0.5, 0.25)]
    >>> scheduler = optim.lr_scheduler.ChainedScheduler(both)
    >>> scheduler.step()
    >>> scheduler.get_last_lr()
    [0.125]
    """

    def __init__(self, schedulers: Sequence[LRScheduler], optimizer: Optimizer | None = None) -> None:
        self._adopt(schedulers, optimizer)
        self._last_lr = self._schedulers[-1].get_last_lr()

    def _begin(self) -> None:
        for scheduler in self._schedulers:
            scheduler._begin()
        self._last_lr = self._schedulers[-1].get_last_lr()

    def step(self) -> None:
        for scheduler in self._schedulers:
            scheduler.step()
        self._last_lr = self._schedulers[-1].get_last_lr()
