"""The cycles: how long and how high they are, and the momentum with them. test_reference.py compares with PyTorch."""

from __future__ import annotations

from typing import Any

import pullback as pb
import pullback_optim as optim
import pytest
from pullback.errors import ArgumentError
from pullback_optim.lr_scheduler import CyclicLR


def rates(steps: int, **options: Any) -> list[float]:
    scheduler = CyclicLR(optim.SGD([pb.ones(1)], momentum=0.9), 0.0, 1.0, **options)
    found = []
    for _ in range(steps):
        found += scheduler.get_last_lr()
        scheduler.step()
    return found


def test_how_high_the_cycles_go() -> None:
    assert rates(7, step_size_up=1, step_size_down=2) == [0, 1, 0.5, 0, 1, 0.5, 0]
    assert rates(6, step_size_up=1, mode="triangular2") == [0, 1, 0, 0.5, 0, 0.25]
    assert rates(4, step_size_up=1, mode="exp_range", gamma=0.5) == [0, 0.5, 0, 0.125]
    assert rates(4, step_size_up=1, scale_fn=lambda n: 1 / n) == [0, 1, 0, 0.5]
    assert rates(4, step_size_up=1, scale_fn=lambda n: 1 / (n + 1), scale_mode="iterations")[1::2] == [1 / 2, 1 / 4]


def test_the_momentum_goes_the_other_way() -> None:
    o = optim.Adam([pb.ones(1)], betas=(0.5, 0.99))
    scheduler = CyclicLR(o, 0.0, 1.0, step_size_up=2)
    seen = []
    for _ in range(5):
        seen.append(o.param_groups[0]["betas"])
        scheduler.step()
    assert seen == [(pytest.approx(m), 0.99) for m in (0.9, 0.85, 0.8, 0.85, 0.9)]


def test_what_is_no_cycle_is_refused() -> None:
    o = optim.SGD([pb.ones(1)], lr=0.5)
    for options, message in (
        ({"mode": "square"}, "CyclicLR: mode must be one of"),
        ({"scale_mode": "epoch"}, "scale_mode must be 'cycle' or 'iterations', got 'epoch'"),
        ({"step_size_up": 0}, "step_size_up must be a positive integer, got 0"),
        ({"step_size_down": -1}, "step_size_down must be a positive integer"),
    ):
        with pytest.raises(ArgumentError, match=message):
            CyclicLR(o, 0.1, 1.0, **options)
    with pytest.raises(ArgumentError, match="CyclicLR: this optimiser has no momentum; write cycle_momentum=False"):
        CyclicLR(optim.Adagrad([pb.ones(1)]), 0.1, 1.0)
    assert o.param_groups[0]["lr"] == 0.5
