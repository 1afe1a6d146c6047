"""A training run in one file: parameters, state of the optimiser, losses, and how far it came.

The file is written by `pullback_safetensors`, which replaces the old one in one go: a kill leaves the one or the other.
What is not a Tensor is JSON, kept as the bytes of one; Python's JSON gives back every float bit for bit.
"""

from __future__ import annotations

import json
import os
from typing import Any, NamedTuple

import numpy as np
import pullback as pb
from pullback.errors import ArgumentError

_NOTES = "notes.json"


class Progress(NamedTuple):
    """What a run has reached: how many steps, the loss of each, and the plan that chose the blocks of each."""

    step: int
    losses: list[float]
    plan: dict[str, Any]


def save(path: str | os.PathLike[str], params: Any, optimizer: Any, progress: Progress) -> None:
    """Write the file, or leave the old one as it is. `optimizer` has a `state_dict`, or is None."""
    entries = {f"params.{name}": leaf.detach() for name, leaf in named(params)}
    state = optimizer.state_dict() if optimizer is not None else None
    notes = {**progress._asdict(), "optimizer": _apart(state, "optimizer", entries)}
    entries[_NOTES] = pb.asarray(np.frombuffer(json.dumps(notes).encode(), dtype=np.uint8))
    _safetensors().save_file(entries, path)


def load(path: str | os.PathLike[str], params: Any) -> tuple[list[Any], Any, Progress]:
    """The leaves of the parameters as they were saved, on their devices; the optimiser's state, None if there was none; and
    the progress. Raises `ArgumentError` if the file is of other parameters.
    """
    entries = _safetensors().load_file(path)
    notes = json.loads(entries[_NOTES].to("cpu").numpy().tobytes())
    here = dict(named(params))
    there = {name.removeprefix("params."): x for name, x in entries.items() if name.startswith("params.")}
    for name in sorted(here.keys() | there.keys()):
        mine, saved = (_described(tree.get(name)) for tree in (here, there))
        if mine != saved:
            raise ArgumentError(
                f"fit: the checkpoint {os.fspath(path)} is of other parameters: {name!r} is {saved} there and {mine} here. "
                f"Name another file, or remove this one"
            )
    leaves = [there[name].to(leaf.device) for name, leaf in here.items()]
    reached = Progress(notes["step"], notes["losses"], notes["plan"])
    return leaves, _together(notes["optimizer"], entries), reached


def named(tree: Any, above: str = "") -> list[tuple[str, Any]]:
    """The leaves of a tree and where they are in it, as in "layers.0.weight"."""
    below = pb.tree.children(tree)
    if below is None:
        return [(above or "0", tree)]
    if isinstance(tree, dict):
        names = list(map(str, tree))
    else:
        names = list(getattr(tree, "_fields", ())) or list(map(str, range(len(below))))
    return [
        pair
        for name, child in zip(names, below, strict=True)
        for pair in named(child, f"{above}.{name}" if above else name)
    ]


def _described(tensor: Any) -> str:
    return "missing" if tensor is None else f"{tensor.dtype.name}{list(tensor.shape)}"


# --- nested states ---------------------------------------------------------------------------------------------------


def _apart(state: Any, name: str, entries: dict[str, Any]) -> Any:
    """JSON of a nested state, whose Tensors go into `entries`. Dicts are lists of pairs: JSON's keys are strings only."""
    if isinstance(state, pb.Tensor):
        entries[name] = state.detach()
        return {"tensor": name}
    if isinstance(state, dict):
        return {"dict": [[key, _apart(value, f"{name}.{key}", entries)] for key, value in state.items()]}
    if isinstance(state, (list, tuple)):
        kind = "tuple" if isinstance(state, tuple) else "list"
        return {kind: [_apart(value, f"{name}.{index}", entries) for index, value in enumerate(state)]}
    if state is not None and not isinstance(state, (bool, int, float, str)):
        raise ArgumentError(f"fit: the optimizer's state has a {type(state).__name__} at {name}, which cannot be saved")
    return state


def _together(noted: Any, entries: dict[str, Any]) -> Any:
    """What `_apart` took apart."""
    if not isinstance(noted, dict):
        return noted
    ((kind, items),) = noted.items()
    if kind == "tensor":
        return entries[items]
    if kind == "dict":
        return {key: _together(value, entries) for key, value in items}
    return (tuple if kind == "tuple" else list)(_together(value, entries) for value in items)


def _safetensors() -> Any:
    try:
        import pullback_safetensors  # noqa: PLC0415  from the extra
    except ImportError as error:
        raise ArgumentError(
            f"fit: a checkpoint needs pullback-safetensors ({error}): pip install 'pullback-dask[checkpoint]'"
        ) from error
    return pullback_safetensors
