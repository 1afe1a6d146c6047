"""Schedulers made of others."""

from __future__ import annotations

from typing import Any

import pullback as pb
import pullback_optim as optim
import pytest
from pullback.errors import ArgumentError
from pullback_optim.lr_scheduler import (
    ChainedScheduler,
    ConstantLR,
    ExponentialLR,
    ReduceLROnPlateau,
    SequentialLR,
    StepLR,
)


def optimizer() -> optim.Optimizer:
    return optim.SGD([pb.ones(1, requires_grad=True)], lr=1.0)


def rates(scheduler: Any, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found += scheduler.get_last_lr()
        scheduler.step()
    return found


def test_one_may_be_inside_another() -> None:
    o = optimizer()
    inner = ChainedScheduler([ConstantLR(o, 0.5, 2), ExponentialLR(o, 0.5)])
    outer = SequentialLR(o, [StepLR(o, 1, 0.5), inner], [2])
    assert rates(outer, 6) == [1.0, 0.5, 0.5, 0.25, 0.25, 0.125]
    o = optimizer()
    halves = SequentialLR(o, [ExponentialLR(o, 0.5), ExponentialLR(o, 0.25)], [2])
    assert rates(ChainedScheduler([halves]), 5) == [1.0, 0.5, 1.0, 0.25, 0.0625]


def test_what_cannot_be_combined_is_refused() -> None:
    o = optimizer()
    for make, message in (
        (lambda: ChainedScheduler([]), "ChainedScheduler: no schedulers were given"),
        (lambda: ChainedScheduler([ReduceLROnPlateau(o)]), "ReduceLROnPlateau needs a quantity at each step"),
        (lambda: SequentialLR(o, [StepLR(optimizer(), 1)], []), "SequentialLR: StepLR is one of another optimiser"),
        (lambda: SequentialLR(o, [StepLR(o, 1)], [3]), "SequentialLR: 0 rising milestones are needed for 1"),
        (lambda: SequentialLR(o, [StepLR(o, 1)] * 3, [3, 2]), r"got \[3, 2\]"),
    ):
        with pytest.raises(ArgumentError, match=message):
            make()
