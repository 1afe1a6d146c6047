"""Writes data/reference.json: what PyTorch's optimisers and schedulers do on random configurations.

    uv run --no-project --with 'torch==2.13.*' python plugins/optim/tests/make_reference.py

Run it again when a configuration is added; the numbers in float64 do not depend on the machine beyond the last digits.
"""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import torch
from optim_problem import run, start

PER_OPTIMIZER = 16
DATA = Path(__file__).parent / "data" / "reference.json"


def options(name: str, draw: Random) -> dict[str, Any]:
    """Random options of an optimiser."""

    def some(*choices: Any) -> Any:
        return draw.choice(choices)

    decay, up = some(0.0, 0.0, 0.1, 0.01), some(False, False, False, True)
    lr = round(draw.uniform(0.005, 0.08) / (10 if up else 1), 4)  # climbing far, rounding would grow
    if name == "SGD":
        momentum = some(0.0, 0.5, 0.9)
        nesterov = momentum > 0 and some(True, False)
        dampening = 0.0 if nesterov else some(0.0, 0.3)
        return dict(lr=lr, momentum=momentum, dampening=dampening, nesterov=nesterov, weight_decay=decay, maximize=up)
    if name in ("Adam", "AdamW"):
        betas, eps = some([0.9, 0.999], [0.8, 0.95], [0.0, 0.9]), some(1e-8, 1e-3)
        return dict(lr=lr, betas=betas, eps=eps, weight_decay=decay, amsgrad=some(True, False), maximize=up)
    if name == "RMSprop":
        tail = dict(momentum=some(0.0, 0.5), centered=some(True, False), weight_decay=decay, maximize=up)
        return dict(lr=lr, alpha=some(0.99, 0.5), eps=some(1e-8, 1e-3), **tail)
    if name == "Adagrad":
        return dict(
            lr=lr, lr_decay=some(0.0, 0.1), initial_accumulator_value=some(0.0, 0.5), weight_decay=decay, maximize=up
        )
    plain = dict(lr=round(draw.uniform(0.05, 0.6), 3), max_iter=some(1, 2, 4), history_size=some(1, 2, 100))
    return plain | some({}, dict(line_search_fn="strong_wolfe", max_iter=some(2, 5), max_eval=some(None, 4)))


SCHEDULERS: list[Any] = [
    None,
    ["StepLR", {"step_size": 3, "gamma": 0.7}],
    ["MultiStepLR", {"milestones": [2, 9, 9, 15], "gamma": 0.6}],
    ["ConstantLR", {"factor": 0.25, "total_iters": 6}],
    ["LinearLR", {"start_factor": 0.2, "end_factor": 0.9, "total_iters": 7}],
    ["ExponentialLR", {"gamma": 0.93}],
    ["PolynomialLR", {"total_iters": 18, "power": 1.5}],
    ["CosineAnnealingLR", {"T_max": 6, "eta_min": 0.001}],
    ["CosineAnnealingWarmRestarts", {"T_0": 3, "T_mult": 2, "eta_min": 0.002}],
    ["LambdaLR", {"lr_lambda": "hyperbolic"}],
    ["MultiplicativeLR", {"lr_lambda": "slower"}],
    ["OneCycleLR", {"max_lr": 0.1, "total_steps": 22, "cycle_momentum": False}],
    [
        "OneCycleLR",
        {"max_lr": 0.1, "epochs": 5, "steps_per_epoch": 5, "anneal_strategy": "linear", "three_phase": True},
    ],
    ["CyclicLR", {"base_lr": 0.001, "max_lr": 0.08, "step_size_up": 3, "step_size_down": 4, "cycle_momentum": False}],
    ["CyclicLR", {"base_lr": 0.001, "max_lr": 0.08, "step_size_up": 4, "mode": "triangular2", "cycle_momentum": False}],
    ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.08, "step_size_up": 3, "mode": "exp_range", "gamma": 0.95}],
    ["CyclicLR", {"base_lr": 0.01, "max_lr": 0.08, "step_size_up": 2, "scale_fn": "hyperbolic", "scale_mode": "cycle"}],
    ["ReduceLROnPlateau", {"factor": 0.5, "patience": 1, "threshold": 0.05, "cooldown": 1}],
    ["ReduceLROnPlateau", {"mode": "max", "factor": 0.3, "patience": 2, "threshold_mode": "abs", "min_lr": 0.003}],
    [
        "SequentialLR",
        {
            "schedulers": [["LinearLR", {"start_factor": 0.1, "total_iters": 4}], ["CosineAnnealingLR", {"T_max": 12}]],
            "milestones": [5],
        },
    ],
    [
        "ChainedScheduler",
        {"schedulers": [["StepLR", {"step_size": 4, "gamma": 0.5}], ["ExponentialLR", {"gamma": 0.95}]]},
    ],
]


def configurations() -> list[dict[str, Any]]:
    """Every optimiser with random options; the schedulers take turns."""
    draw = Random(20)
    found: list[dict[str, Any]] = []
    for name in ("SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS"):
        for number in range(PER_OPTIMIZER):
            scheduler = SCHEDULERS[(len(found) * 5) % len(SCHEDULERS)] if name != "LBFGS" else None
            if scheduler and scheduler[0] in ("OneCycleLR", "CyclicLR") and name == "Adagrad":
                scheduler = [scheduler[0], scheduler[1] | {"cycle_momentum": False}]
            chosen = options(name, draw)
            if scheduler and "max_lr" in scheduler[1]:
                chosen["maximize"] = False  # too fast a climb
            groups = {"lr": 0.02, "weight_decay": 0.05} if name != "LBFGS" and number % 3 == 1 else None
            found.append(
                dict(
                    optimizer=name,
                    options=chosen,
                    scheduler=scheduler,
                    groups=groups,
                    complex=number % 4 == 3,
                )
            )
    return found


def leaf(value: Any) -> torch.Tensor:
    """A parameter of PyTorch."""
    made = torch.tensor(value)
    return made.to(torch.complex128 if made.is_complex() else torch.float64).requires_grad_()


def flat(params: dict[str, Any]) -> dict[str, Any]:
    """All numbers of the parameters."""
    pairs = {k: torch.view_as_real(p.detach()) if p.is_complex() else p.detach() for k, p in params.items()}
    return {name: p.reshape(-1).tolist() for name, p in pairs.items()}


if __name__ == "__main__":
    rows = []
    for config in configurations():
        params = start(config, leaf)
        rows.append({**config, **run(config, params, torch.optim, torch.optim.lr_scheduler, torch, flat)})
    lines = ",\n".join(json.dumps(row) for row in rows)
    DATA.parent.mkdir(exist_ok=True)
    DATA.write_text(f'{{"torch": "{torch.__version__.partition("+")[0]}", "rows": [\n{lines}\n]}}\n', encoding="utf-8")
    print(f"{len(rows)} configurations, {DATA.stat().st_size} bytes")
