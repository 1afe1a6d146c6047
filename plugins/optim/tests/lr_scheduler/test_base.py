"""What all schedulers share: states, restarts, refusals. Their rates are compared with PyTorch's in test_reference.py."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pullback as pb
import pullback_optim as optim
import pytest
from pullback.errors import ArgumentError
from pullback_optim import lr_scheduler as schedulers

Make = Callable[[optim.Optimizer], Any]

MAKERS: dict[str, Make] = {
    "LambdaLR": lambda o: schedulers.LambdaLR(o, lambda t: 0.5**t),
    "MultiplicativeLR": lambda o: schedulers.MultiplicativeLR(o, [lambda t: 0.9, lambda t: 0.8]),
    "StepLR": lambda o: schedulers.StepLR(o, 2, 0.5),
    "MultiStepLR": lambda o: schedulers.MultiStepLR(o, [1, 3], 0.5),
    "ConstantLR": lambda o: schedulers.ConstantLR(o, 0.5, 3),
    "LinearLR": lambda o: schedulers.LinearLR(o, 0.25, total_iters=6),
    "ExponentialLR": lambda o: schedulers.ExponentialLR(o, 0.9),
    "PolynomialLR": lambda o: schedulers.PolynomialLR(o, 7, 2.0),
    "CosineAnnealingLR": lambda o: schedulers.CosineAnnealingLR(o, 3, 0.01),
    "CosineAnnealingWarmRestarts": lambda o: schedulers.CosineAnnealingWarmRestarts(o, 2, 2),
    "OneCycleLR": lambda o: schedulers.OneCycleLR(o, [0.5, 0.25], total_steps=9, three_phase=True),
    "CyclicLR": lambda o: schedulers.CyclicLR(o, 0.01, [0.5, 0.25], 2, 3, mode="triangular2"),
    "SequentialLR": lambda o: schedulers.SequentialLR(
        o, [schedulers.LinearLR(o, 0.1, total_iters=2), schedulers.ExponentialLR(o, 0.5)], [3]
    ),
    "ChainedScheduler": lambda o: schedulers.ChainedScheduler(
        [schedulers.LinearLR(o, 0.1, total_iters=2), schedulers.ExponentialLR(o, 0.5)]
    ),
    "ReduceLROnPlateau": lambda o: schedulers.ReduceLROnPlateau(o, factor=0.5, patience=0, cooldown=1),
}


def optimizer() -> optim.Optimizer:
    groups = [{"params": [pb.ones(1, requires_grad=True)]}, {"params": [pb.ones(1, requires_grad=True)], "lr": 0.1}]
    return optim.SGD(groups, lr=0.2, momentum=0.9)


def step(scheduler: Any, t: int) -> None:
    scheduler.step(*([float(10 - t % 3)] if isinstance(scheduler, schedulers.ReduceLROnPlateau) else []))


def test_every_scheduler_is_tested_here() -> None:
    assert {*MAKERS, "LRScheduler"} == set(schedulers.__all__)


@pytest.mark.parametrize("name", MAKERS)
def test_a_scheduler_goes_on_from_a_state_of_plain_data(name: str) -> None:
    whole = optimizer()
    scheduler = MAKERS[name](whole)
    for t in range(3):
        step(scheduler, t)
    state = json.loads(json.dumps(scheduler.state_dict()))
    weights = json.loads(
        json.dumps({"groups": [{k: v for k, v in g.items() if k != "params"} for g in whole.param_groups]})
    )
    resumed = optimizer()
    other = MAKERS[name](resumed)
    other.load_state_dict(state)
    for group, saved in zip(resumed.param_groups, weights["groups"], strict=True):
        group.update(saved)
    assert other.get_last_lr() == scheduler.get_last_lr()
    for t in range(3, 8):
        step(scheduler, t)
        step(other, t)
        assert (
            [g["lr"] for g in resumed.param_groups] == [g["lr"] for g in whole.param_groups] == scheduler.get_last_lr()
        )
        assert [g["momentum"] for g in resumed.param_groups] == [g["momentum"] for g in whole.param_groups]


@pytest.mark.parametrize("name", [name for name in MAKERS if name != "ReduceLROnPlateau"])
def test_a_restart_gives_the_same_rates_again(name: str) -> None:
    scheduler = MAKERS[name](optimizer())

    def rates() -> list[list[float]]:
        found = [scheduler.get_last_lr()]
        for t in range(6):
            step(scheduler, t)
            found.append(scheduler.get_last_lr())
        return found

    first = rates()
    assert any(row != first[0] for row in first)
    scheduler.restart()
    assert rates() == first


@pytest.mark.parametrize("name", MAKERS)
def test_a_state_of_another_scheduler_changes_nothing(name: str) -> None:
    scheduler = MAKERS[name](optimizer())
    step(scheduler, 0)
    before = scheduler.state_dict()
    with pytest.raises(ArgumentError, match=rf"{name}\.load_state_dict: "):
        scheduler.load_state_dict({"gamma": 3.0})
    assert scheduler.state_dict() == before


def test_a_state_that_is_wrong_inside_changes_nothing() -> None:
    scheduler = MAKERS["SequentialLR"](optimizer())
    step(scheduler, 0)
    before = json.dumps(scheduler.state_dict())
    wrong = json.loads(before)
    wrong["_schedulers"][0]["last_epoch"] = 5
    del wrong["_schedulers"][1]["gamma"]
    with pytest.raises(ArgumentError, match=r"ExponentialLR\.load_state_dict"):
        scheduler.load_state_dict(wrong)
    assert json.dumps(scheduler.state_dict()) == before


def test_a_group_that_came_later_is_named() -> None:
    o = optimizer()
    scheduler = schedulers.ExponentialLR(o, 0.5)
    o.add_param_group({"params": [pb.ones(1)]})
    with pytest.raises(ArgumentError, match="the optimiser has 3 groups of parameters, and had 2 when"):
        scheduler.step()
    assert [group["lr"] for group in o.param_groups] == [0.2, 0.1, 0.2]


def test_what_is_no_option_is_refused() -> None:
    o = optimizer()
    for make, message in (
        (lambda: schedulers.StepLR("sgd", 1), "StepLR: an Optimizer is needed, got str"),
        (lambda: schedulers.StepLR(o, 0), "StepLR: step_size must be a positive integer, got 0"),
        (lambda: schedulers.LambdaLR(o, [abs]), "LambdaLR: lr_lambda has 1 values for 2 groups of parameters"),
        (lambda: schedulers.LinearLR(o, 0.0), r"LinearLR: start_factor must be in \(0, 1\]"),
        (lambda: schedulers.ConstantLR(o, 2.0), r"ConstantLR: factor must be in \(0, 1\], got 2.0"),
        (lambda: schedulers.CosineAnnealingLR(o, 1.5), "T_max must be a positive integer"),
    ):
        with pytest.raises(ArgumentError, match=message):
            make()
    assert [group["lr"] for group in o.param_groups] == [0.2, 0.1]
