"""Optimisers and schedulers take the parameters where PyTorch's take them: stored numbers, made by make_reference.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from optim_problem import KEPT, STEPS, run, start

REFERENCE = json.loads((Path(__file__).parent / "data" / "reference.json").read_text(encoding="utf-8"))
ROWS = REFERENCE["rows"]
TOLERANCE = 1e-12
SHORT = 5
"""The steps on array-api-strict, which is slow; each of its devices takes every other row."""


def leaf(value: Any) -> Any:
    made = np.asarray(value)
    made = made.astype(np.complex128 if np.iscomplexobj(made) else np.float64)
    return pb.asarray(made).to(pb.get_default_device()).requires_grad_()


def flat(params: dict[str, Any]) -> dict[str, Any]:
    return {name: np.array(host(p)).reshape(-1).view(np.float64) for name, p in params.items()}


def label(row: dict[str, Any]) -> str:
    marks = [name for name in ("groups", "complex") if row[name]]
    return "-".join([row["optimizer"], row["scheduler"][0] if row["scheduler"] else "constant", *marks])


CASES = [
    pytest.param(device, row, steps, id=f"{number}-{label(row)}-{device}")
    for device, rows, steps in (
        ("cpu", ROWS, STEPS),
        ("strict", ROWS[::2], SHORT),
        ("strict:device1", ROWS[1::2], SHORT),
    )
    for number, row in enumerate(rows)
]


@pytest.mark.parametrize(("device", "row", "steps"), CASES)
def test_training_goes_where_pytorch_goes(device: str, row: dict[str, Any], steps: int) -> None:
    with pb.device(device):
        params = start(row, leaf)
        found = run(row, params, optim, optim.lr_scheduler, pb, flat, steps)
    np.testing.assert_allclose(found["rates"], row["rates"][:steps], rtol=1e-13, atol=1e-17)
    assert list(found["params"]) == [str(step) for step in KEPT if step <= steps]
    for step, values in found["params"].items():
        for name, value in values.items():
            np.testing.assert_allclose(
                value, row["params"][step][name], rtol=TOLERANCE, atol=TOLERANCE, err_msg=f"{name} after {step} steps"
            )
    assert params["idle"].grad is None
    assert host(params["idle"]).tolist() == [1.0, 2.0]


def test_the_table_covers_every_optimiser_and_scheduler() -> None:
    assert len(ROWS) >= 60
    assert STEPS == max(KEPT) == 20
    assert {row["optimizer"] for row in ROWS} == {"SGD", "Adam", "AdamW", "RMSprop", "Adagrad", "LBFGS"}
    used = {row["scheduler"][0] for row in ROWS if row["scheduler"]}
    assert used == {name for name in optim.lr_scheduler.__all__ if name != "LRScheduler"}
    switches = {name for row in ROWS for name, value in row["options"].items() if value}
    assert switches >= {
        "nesterov",
        "dampening",
        "maximize",
        "amsgrad",
        "centered",
        "momentum",
        "weight_decay",
        "lr_decay",
    }
    moved = [row for row in ROWS if row["params"]["1"]["w"] != row["params"]["20"]["w"]]
    assert len(moved) == len(ROWS)
