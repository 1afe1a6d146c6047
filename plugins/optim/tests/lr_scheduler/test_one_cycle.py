"""The one cycle: where it begins, peaks and ends, and the momentum with it."""

from __future__ import annotations

import pullback as pb
import pullback_optim as optim
import pytest
from pullback.errors import ArgumentError
from pullback_optim.lr_scheduler import OneCycleLR


@pytest.mark.parametrize("strategy", ["cos", "linear"])
@pytest.mark.parametrize("three_phase", [False, True])
def test_the_rate_rises_and_falls_and_the_momentum_does_the_opposite(strategy: str, three_phase: bool) -> None:
    o = optim.Adam([pb.ones(1)], betas=(0.9, 0.99))
    scheduler = OneCycleLR(o, 1.0, total_steps=20, pct_start=0.25, anneal_strategy=strategy, three_phase=three_phase)
    seen = []
    for step in range(20):
        seen.append((o.param_groups[0]["lr"], o.param_groups[0]["betas"]))
        if step < 19:
            scheduler.step()
    assert seen[0] == (pytest.approx(1 / 25), (0.95, 0.99))
    assert seen[4] == (pytest.approx(1.0), (pytest.approx(0.85), 0.99))
    assert seen[8][0] == pytest.approx(1 / 25) if three_phase else seen[8][0] > 0.5
    assert seen[19] == (pytest.approx(1 / 25e4), (pytest.approx(0.95), 0.99))
    rising = [lr for lr, _ in seen[:5]]
    falling = [lr for lr, _ in seen[4:]]
    assert rising == sorted(rising)
    assert falling == sorted(falling, reverse=True)


def test_it_ends() -> None:
    scheduler = OneCycleLR(optim.SGD([pb.ones(1)]), 1.0, total_steps=2)
    scheduler.step()
    scheduler.step()
    with pytest.raises(ArgumentError, match="OneCycleLR: step 3 of a cycle of 2 steps"):
        scheduler.step()


def test_a_rise_of_no_length_has_no_rate_of_its_own() -> None:
    o = optim.SGD([pb.ones(1)])
    OneCycleLR(o, 1.0, total_steps=10, pct_start=0.1)
    assert o.param_groups[0]["lr"] == 1.0


def test_what_is_no_cycle_is_refused() -> None:
    o = optim.SGD([pb.ones(1)], lr=0.5)
    for options, message in (
        ({}, "OneCycleLR: total_steps is needed, or epochs and steps_per_epoch"),
        ({"total_steps": 0}, "total_steps must be a positive integer"),
        ({"total_steps": 5, "pct_start": 2.0}, r"pct_start must be in \[0, 1\]"),
        ({"total_steps": 5, "anneal_strategy": "root"}, "anneal_strategy must be 'cos' or 'linear', got 'root'"),
    ):
        with pytest.raises(ArgumentError, match=message):
            OneCycleLR(o, 1.0, **options)
    with pytest.raises(ArgumentError, match="this optimiser has no momentum; write cycle_momentum=False"):
        OneCycleLR(optim.Adagrad([pb.ones(1)]), 1.0, total_steps=5)
    assert o.param_groups[0]["lr"] == 0.5
