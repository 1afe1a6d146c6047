"""A training goes on from its file with the same bits, also if it was killed again and again."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
import pullback_optim as optim
import pytest
from helpers.checks import host
from pullback.errors import ArgumentError
from pullback_safetensors import FileFormatError, load_file, load_training, save_file, save_training

KILLED = Path(__file__).parent / "killed.py"


class Model:
    """What a module is to this package."""

    def __init__(self, value: float = 0.0) -> None:
        self.weight = pb.full((2,), value, requires_grad=True)

    def state_dict(self) -> dict[str, Any]:
        return {"layer.weight": self.weight}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        if state.keys() != {"layer.weight"}:
            raise KeyError("layer.weight")
        with pb.no_grad():
            self.weight.copy_(state["layer.weight"])


def run(model: Any, optimizer: Any, scheduler: Any, generator: Any, steps: int) -> None:
    for _ in range(steps):
        optimizer.zero_grad()
        noise = pb.randn(2, generator=generator)
        ((model.weight - 1 + noise) ** 2).sum().backward()
        optimizer.step()
        scheduler.step()


def parts(seed: int = 0) -> dict[str, Any]:
    model = Model()
    optimizer = optim.Adam([model.weight], lr=0.1, amsgrad=True)
    scheduler = optim.lr_scheduler.CosineAnnealingLR(optimizer, 7)
    return {"model": model, "optimizer": optimizer, "scheduler": scheduler, "generator": pb.Generator(seed)}


# --- parts -----------------------------------------------------------------------------------------------------------


def test_a_training_goes_on_bit_for_bit(device: str, tmp_path: Path) -> None:
    whole, begun, resumed = parts(), parts(), parts(seed=5)
    run(**whole, steps=9)
    run(**begun, steps=4)
    save_training(tmp_path / "run", **begun, step=4, losses=[0.1, float("nan")])
    data = load_training(tmp_path / "run", **resumed)
    assert list(data) == ["step", "losses"]
    assert data["step"] == 4
    assert data["losses"][0] == 0.1
    run(**resumed, steps=5)
    assert host(resumed["model"].weight).tobytes() == host(whole["model"].weight).tobytes()
    assert resumed["scheduler"].get_last_lr() == whole["scheduler"].get_last_lr()
    assert str(resumed["model"].weight.device) == device


def test_the_default_generator_is_a_part_like_others(tmp_path: Path) -> None:
    pb.manual_seed(3)
    save_training(tmp_path / "run", generator=pb.default_generator)
    first = pb.rand(4).tolist()
    load_training(tmp_path / "run", generator=pb.default_generator)
    assert pb.rand(4).tolist() == first


def test_tensors_in_containers_are_written_in_place(device: str, tmp_path: Path) -> None:
    weights = {"w": pb.ones(2, requires_grad=True), "more": [pb.zeros((), dtype=pb.float64), (pb.arange(3),)]}
    save_training(tmp_path / "run", weights=weights, single=weights["w"])
    w = weights["w"]
    with pb.no_grad():
        w.zero_()
        weights["more"][0].fill_(5)
    other = pb.zeros(2)
    assert load_training(tmp_path / "run", weights=weights, single=other) == {}
    assert weights["w"] is w
    assert w.requires_grad
    assert (host(w).tolist(), weights["more"][0].item()) == ([1.0, 1.0], 0.0)
    assert host(other).tolist() == [1.0, 1.0]


def test_a_part_may_be_left_in_the_file(tmp_path: Path) -> None:
    begun = parts()
    run(**begun, steps=3)
    save_training(tmp_path / "run", **begun, best={"step": 2, "weight": pb.ones(2)})
    model = Model()
    data = load_training(tmp_path / "run", model=model)
    assert model.weight.tolist() == begun["model"].weight.tolist()
    assert data["best"]["weight"].tolist() == [1.0, 1.0]
    assert list(data) == ["best"]


def test_the_tensors_are_found_by_other_programs_too(tmp_path: Path) -> None:
    begun = parts()
    run(**begun, steps=1)
    save_training(tmp_path / "run", **begun, step=1)
    found = load_file(tmp_path / "run")
    assert sorted(found) == [
        "model.layer.weight",
        "optimizer.state.0.exp_avg",
        "optimizer.state.0.exp_avg_sq",
        "optimizer.state.0.max_exp_avg_sq",
    ]


def test_a_net_with_dropout_and_running_means_goes_on_bit_for_bit(tmp_path: Path) -> None:
    nn = pytest.importorskip("pullback_nn", reason="layers are a distribution of their own")

    def make() -> dict[str, Any]:
        pb.manual_seed(0)
        model = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5), nn.Linear(8, 1))
        return {"model": model, "optimizer": optim.AdamW(model.parameters(), lr=0.01), "rng": pb.default_generator}

    def train(model: Any, optimizer: Any, rng: Any, steps: int) -> None:
        for _ in range(steps):
            x = pb.randn(16, 4, generator=rng)
            optimizer.zero_grad()
            ((model(x).squeeze(-1) - x.sum(axis=1)) ** 2).mean().backward()
            optimizer.step()

    whole = make()
    train(**whole, steps=8)
    expected = {name: host(value).tobytes() for name, value in whole["model"].state_dict().items()}
    begun = make()
    train(**begun, steps=3)
    save_training(tmp_path / "run", **begun)
    resumed = make()
    load_training(tmp_path / "run", **resumed)
    train(**resumed, steps=5)
    assert {name: host(value).tobytes() for name, value in resumed["model"].state_dict().items()} == expected


# --- refusals --------------------------------------------------------------------------------------------------------


def test_what_cannot_be_saved_leaves_the_old_file(tmp_path: Path) -> None:
    save_training(tmp_path / "run", step=1)
    with pytest.raises(ArgumentError, match=r"data\.0 is a function"):
        save_training(tmp_path / "run", step=2, data=[lambda: 1])
    assert load_training(tmp_path / "run") == {"step": 1}


def test_a_part_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    save_training(path, model=Model(), weights={"w": pb.ones(2)}, step=3)
    for given, message in (
        ({"net": Model()}, "has no part 'net'; it has model, weights, step"),
        ({"step": 0}, "part 'step' was saved as plain data, which is returned; leave it out"),
        (
            {"model": {"w": pb.ones(2)}},
            r"part 'model' was saved as the result of state_dict\(\), not as what was given",
        ),
        ({"weights": pb.Generator()}, "part 'weights' was saved as Tensors"),
        (
            {"weights": {"w": pb.ones(3)}},
            r"part 'weights' is {'w': 'float32\[3\]'}, and was saved as {'w': 'float32\[2\]'}",
        ),
        ({"weights": [pb.ones(2)]}, "part 'weights' is "),
        ({"weights": {"w": 1.0}}, "part 'weights' is {'w': 'float'}"),
    ):
        with pytest.raises(ArgumentError, match=message):
            load_training(path, **given)


def test_if_one_part_does_not_fit_no_part_changes(tmp_path: Path) -> None:
    path = tmp_path / "run"
    begun = parts()
    run(**begun, steps=3)
    save_training(path, **begun, weights=[pb.ones(1)])
    other = parts(seed=9)
    run(**other, steps=2)
    before = {name: part.state_dict() for name, part in other.items() if name != "generator"}
    weight, moment = other["model"].weight.tolist(), before["optimizer"]["state"][0]["exp_avg"].tolist()
    drawn = other["generator"].get_state()
    mine = [pb.zeros(1)]

    class Stubborn:
        def state_dict(self) -> dict[str, Any]:
            return {}

        def load_state_dict(self, state: dict[str, Any]) -> None:
            if state:
                raise KeyError("a name")

    save_training(
        path, **begun, weights=[pb.ones(1)], last=type("Other", (Stubborn,), {"state_dict": lambda self: {"a": 1}})()
    )
    with pytest.raises(KeyError, match="a name"):
        load_training(path, weights=mine, **other, last=Stubborn())
    assert mine[0].item() == 0.0
    assert other["model"].weight.tolist() == weight
    assert other["optimizer"].state_dict()["state"][0]["exp_avg"].tolist() == moment
    assert other["scheduler"].state_dict() == before["scheduler"]
    assert other["generator"].get_state() == drawn


def test_files_of_other_kinds_are_named(tmp_path: Path) -> None:
    save_file({"w": pb.ones(1)}, tmp_path / "weights")
    with pytest.raises(FileFormatError, match="these are Tensors, no training; write load_file"):
        load_training(tmp_path / "weights")
    for text, message in (
        ('{"version": 99, "parts": {}}', "a training of version 99; this program reads version 1"),
        ('{"version": 1}', "its description of a training cannot be read"),
        ("{", "its description of a training cannot be read"),
    ):
        save_file({}, tmp_path / "odd", metadata={"pullback.training": text})
        with pytest.raises(FileFormatError, match=message):
            load_training(tmp_path / "odd")


# --- killed ----------------------------------------------------------------------------------------------------------


def killed(*arguments: Any) -> str:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-W", "error", str(KILLED), *map(str, arguments)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the trainings are forked, so that fifty of them take seconds")
def test_a_training_that_is_killed_fifty_times_ends_with_the_same_bits(tmp_path: Path) -> None:
    """Dropout and batches from a generator, momentum, a scheduler of two, a moving average; saved after each step."""
    (tmp_path / "killed").mkdir()
    path, whole = tmp_path / "killed" / "run.safetensors", tmp_path / "whole.safetensors"
    found = json.loads(killed("trains", path, 0, 50))
    assert len(found["steps"]) == 50
    assert found["steps"] == sorted(found["steps"])  # nothing that was saved is lost
    assert found["steps"][-1] > 0
    killed("whole", whole, found["until"])
    assert path.read_bytes() == whole.read_bytes()
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert not np.array_equal(host(load_file(path)["weights.w2"]), 0)
