"""The rate that falls when nothing becomes better."""

from __future__ import annotations

from typing import Any

import pullback as pb
import pullback_optim as optim
import pytest
from helpers.lazy import lazy_backend
from pullback.errors import ArgumentError
from pullback_optim.lr_scheduler import ReduceLROnPlateau


def rates(losses: list[float], **options: Any) -> list[float]:
    o = optim.SGD([pb.ones(1)], lr=1.0)
    scheduler = ReduceLROnPlateau(o, factor=0.5, **options)
    found = []
    for value in losses:
        scheduler.step(value)
        found.append(o.param_groups[0]["lr"])
    return found


def test_it_waits_for_as_long_as_it_is_told() -> None:
    assert rates([1, 1, 1, 1, 1, 1], patience=1) == [1, 1, 0.5, 0.5, 0.25, 0.25]
    assert rates([1, 1, 0.5, 1, 1, 1], patience=1) == [1, 1, 1, 1, 0.5, 0.5]
    assert rates([1, 1, 1, 1, 1, 1], patience=0, cooldown=2) == [1, 0.5, 0.5, 0.5, 0.25, 0.25]


def test_what_counts_as_better() -> None:
    assert rates([1.0, 0.95], patience=0, threshold=0.1) == [1, 0.5]
    assert rates([1.0, 0.85], patience=0, threshold=0.1) == [1, 1]
    assert rates([10.0, 9.85], patience=0, threshold=0.1, threshold_mode="abs") == [1, 1]
    assert rates([1.0, 1.05], patience=0, threshold=0.1, mode="max") == [1, 0.5]
    assert rates([1.0, 1.15], patience=0, threshold=0.1, mode="max") == [1, 1]
    assert rates([float("nan"), 1.0], patience=0) == [0.5, 0.5]


def test_it_stays_above_the_least_rate() -> None:
    assert rates([1, 1, 1, 1], patience=0, min_lr=0.3) == [1, 0.5, 0.3, 0.3]
    assert rates([1, 1, 1], patience=0, eps=0.6) == [1, 1, 1]


def test_a_tensor_is_looked_at_and_a_lazy_one_computed() -> None:
    scheduler = ReduceLROnPlateau(optim.SGD([pb.ones(1)]))
    scheduler.step(pb.tensor(2.0, requires_grad=True) * 2)
    assert scheduler.best == 4.0
    with lazy_backend() as lazy:
        scheduler.step(pb.tensor(2.0, device="lazy"))
        assert lazy.computes == [1]
    assert scheduler.best == 2.0


def test_what_is_no_option_is_refused() -> None:
    o = optim.SGD([pb.ones(1)])
    for options, message in (
        ({"mode": "least"}, r"mode must be one of \('min', 'max'\), got 'least'"),
        ({"threshold_mode": "all"}, "threshold_mode must be one of"),
        ({"factor": 1.0}, "factor must be less than 1, got 1.0"),
        ({"min_lr": [0.1, 0.2]}, "min_lr has 2 values for 1 groups"),
    ):
        with pytest.raises(ArgumentError, match=message):
            ReduceLROnPlateau(o, **options)
    with pytest.raises(ArgumentError, match="the quantity to watch is needed"):
        ReduceLROnPlateau(o).step()
