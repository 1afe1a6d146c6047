"""Values, gradients and states agree with PyTorch's, for every configuration of nn_table.py."""

from __future__ import annotations

import inspect
import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pullback as pb
import pullback_nn as nn
import pytest
from helpers.checks import host, tensor
from nn_table import Config, every
from pullback_nn import functional as F  # noqa: N812  the name that everybody knows

HERE = Path(__file__).parent
CONFIGS = {config.id: config for config in every()}
INDEX: dict[str, Any] = json.loads((HERE / "reference.json").read_text(encoding="utf-8"))["configurations"]
TOLERANCE = 1e-10
SINGLE = {"hardsigmoid/0": 1e-7, "celu/1": 1e-7}
"""Where PyTorch's derivative in float64 has a constant (1/6, 1/alpha) in single precision, and what it is then good to."""

ELSEWHERE = {
    "dropout": "random numbers; test_dropout.py",
    "dropout1d": "random numbers; test_dropout.py",
    "dropout2d": "random numbers; test_dropout.py",
    "dropout3d": "random numbers; test_dropout.py",
    "alpha_dropout": "random numbers; test_dropout.py",
    "gumbel_softmax": "random numbers; test_dropout.py",
    "one_hot": "no derivative; test_embedding.py",
}
"""Functions without a configuration, and where they are tested."""


@cache
def stored() -> dict[str, dict[str, np.ndarray]]:
    """PyTorch's numbers, by configuration and name."""
    with np.load(HERE / "reference.npz") as file:
        values = file["values"]
    found: dict[str, dict[str, np.ndarray]] = {}
    start = 0
    for name, entry in INDEX.items():
        found[name] = {}
        for part, shape in entry["arrays"]:
            size = int(np.prod(shape, dtype=int))
            found[name][part] = values[start : start + size].reshape(shape)
            start += size
    assert start == len(values)
    return found


def layer_of(config: Config) -> Any:
    """The layer with its state, in float64."""
    assert config.arguments is not None
    layer = getattr(nn, config.name)(*config.arguments, **config.options).to(pb.float64)
    state = layer.state_dict()
    for name, x in state.items():
        if x.dtype is pb.float64:
            state[name] = tensor(config.state(name, x.shape), str(x.device))
    layer.load_state_dict(state)
    return layer.train(config.training)


def run(config: Config, device: str) -> dict[str, np.ndarray]:
    """What `run` of make_reference.py does, here."""
    wanted = config.wanted()
    given = {name: tensor(x, device, requires_grad=name in wanted) for name, x in config.values().items()}
    leaves = {name: given[name] for name in wanted}
    if config.is_layer:
        layer = layer_of(config)
        leaves |= dict(layer.named_parameters())
        positional = [x for name, x in given.items() if not name.endswith("mask")]
        out = layer(*positional, **{name: x for name, x in given.items() if name.endswith("mask")})
        buffers = dict(layer.named_buffers())
    else:
        out = getattr(F, config.name)(**given, **config.options)
        buffers = {name: given[name] for name in ("running_mean", "running_var") if name in given}
    outs = out if isinstance(out, tuple) else (out,)
    found = {f"out{i}": host(x) for i, x in enumerate(outs)}
    if outs[0].requires_grad:
        outs[0].backward(tensor(config.cotangent(outs[0].shape), device))
    for name, x in leaves.items():
        found[f"grad/{name}"] = np.zeros(x.shape) if x.grad is None else host(x.grad)
    return found | {f"buffer/{name}": host(x).astype(float) for name, x in buffers.items()}


@pytest.mark.parametrize("name", CONFIGS)
def test_values_and_gradients(name: str, device: str) -> None:
    expected, found = stored()[name], run(CONFIGS[name], device)
    assert found.keys() == expected.keys()
    tolerance = SINGLE.get(name, TOLERANCE)
    for part, values in expected.items():
        np.testing.assert_allclose(found[part], values, rtol=tolerance, atol=tolerance, err_msg=part, strict=True)


@pytest.mark.parametrize("name", list(CONFIGS)[::16])
def test_a_part_of_it_on_lazy_arrays(name: str) -> None:
    with pb.device("dask"):
        found = run(CONFIGS[name], "dask")
    for part, values in stored()[name].items():
        np.testing.assert_allclose(found[part], values, rtol=TOLERANCE, atol=TOLERANCE, err_msg=part, strict=True)


@pytest.mark.parametrize("name", [name for name, config in CONFIGS.items() if config.is_layer])
def test_the_state_has_the_same_keys(name: str) -> None:
    config = CONFIGS[name]
    layer = getattr(nn, config.name)(*config.arguments, **config.options).to(pb.float64)
    state = {key: [list(x.shape), x.dtype.name] for key, x in layer.state_dict().items()}
    assert list(state) == list(INDEX[name]["state"])
    assert state == INDEX[name]["state"]


def test_the_table_and_the_numbers_belong_together() -> None:
    assert list(CONFIGS) == list(INDEX)
    assert len(CONFIGS) > 300


def test_every_function_is_compared() -> None:
    compared = {config.name for config in CONFIGS.values() if not config.is_layer}
    assert {*compared, *ELSEWHERE} == set(F.__all__)
    assert not compared & ELSEWHERE.keys()


def test_every_layer_is_compared_or_is_a_function_that_is() -> None:
    compared = {config.name for config in CONFIGS.values() if config.is_layer}
    layers = {
        name for name in nn.__all__ if inspect.isclass(getattr(nn, name)) and issubclass(getattr(nn, name), nn.Module)
    }
    containers = {"Module", "Sequential", "ModuleList", "ModuleDict", "ParameterList", "ParameterDict"}
    same = {
        name for name in layers - compared - containers if hasattr(getattr(nn, name), "function") or name == "RReLU"
    }
    assert layers == compared | containers | same
