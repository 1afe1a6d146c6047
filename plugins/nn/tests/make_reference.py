"""Writes reference.npz and reference.json: what PyTorch computes for the configurations of nn_table.py.

    python -m pip install torch numpy
    python make_reference.py

The gradient is that of the sum of the result times a fixed random cotangent, in float64. All numbers stand one after the
other in one array; the JSON says, for each configuration, their names and shapes, and the `state_dict` of a layer.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from nn_table import Config, every

HERE = Path(__file__).parent


def as_tensor(x: np.ndarray, *, requires_grad: bool) -> Any:
    made = torch.tensor(x)
    return made.requires_grad_() if requires_grad else made


def prepared(config: Config) -> tuple[Any, dict[str, Any]]:
    """The layer with its state, in float64."""
    layer = getattr(torch.nn, config.name)(*config.arguments, **config.options, **dtype_of(config.name))
    layer.train(config.training)
    state = {}
    with torch.no_grad():
        for name, x in layer.state_dict().items():
            state[name] = [list(x.shape), str(x.dtype).removeprefix("torch.")]
            if x.is_floating_point():
                x.copy_(torch.tensor(config.state(name, tuple(x.shape))))
    return layer, state


def dtype_of(name: str) -> dict[str, Any]:
    """`dtype=` for the layers with parameters."""
    known = ("Linear", "Bilinear", "Embedding", "PReLU", "MultiheadAttention", "RMSNorm", "LayerNorm", "GroupNorm")
    typed = name in known or name.startswith(("Conv", "BatchNorm", "InstanceNorm"))
    return {"dtype": torch.float64} if typed else {}


def run(config: Config) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The results and gradients of a configuration, and the state of a layer."""
    given = {name: as_tensor(x, requires_grad=name in config.wanted()) for name, x in config.values().items()}
    wanted = {name: x for name, x in given.items() if x.requires_grad}
    state: dict[str, Any] = {}
    if config.is_layer:
        layer, state = prepared(config)
        wanted |= dict(layer.named_parameters())
        positional = [x for name, x in given.items() if not name.endswith("mask")]
        out = layer(*positional, **{name: x for name, x in given.items() if name.endswith("mask")})
    else:
        out = getattr(torch.nn.functional, config.name)(**given, **config.options)
    outs = out if isinstance(out, tuple) else (out,)
    found = {f"out{i}": x.detach().numpy() for i, x in enumerate(outs)}
    outs[0].backward(torch.tensor(config.cotangent(tuple(outs[0].shape))))
    for name, x in wanted.items():
        found[f"grad/{name}"] = np.zeros(tuple(x.shape)) if x.grad is None else x.grad.numpy()
    if config.is_layer:
        found |= {f"buffer/{name}": x.double().numpy() for name, x in layer.named_buffers()}
    else:
        found |= {f"buffer/{name}": given[name].numpy() for name in ("running_mean", "running_var") if name in given}
    return found, state


def main() -> None:
    index: dict[str, Any] = {}
    parts: list[np.ndarray] = []
    for config in every():
        try:
            found, state = run(config)
        except Exception as error:
            error.add_note(str(config))
            raise
        index[config.id] = {"arrays": [[name, list(x.shape)] for name, x in found.items()], "state": state}
        parts += [np.ravel(x) for x in found.values()]
    np.savez_compressed(HERE / "reference.npz", values=np.concatenate(parts))
    text = json.dumps({"torch": torch.__version__, "configurations": index}, separators=(",", ":"))
    (HERE / "reference.json").write_text(text.replace('},"', '},\n"') + "\n", encoding="utf-8")
    print(len(index), "configurations,", sum(map(len, parts)), "numbers")


if __name__ == "__main__":
    main()
