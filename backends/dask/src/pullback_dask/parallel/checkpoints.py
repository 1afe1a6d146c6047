"""A training run in one file: parameters, state of the optimiser, random generator, losses, and how far it came.

The file is written by `pullback_safetensors`, which replaces the old one in one go: a kill leaves the one or the other.
"""

from __future__ import annotations

import os
from typing import Any, NamedTuple

import pullback as pb
from pullback.errors import ArgumentError


class Progress(NamedTuple):
    """What a run has reached: how many steps, the loss of each, and the plan that says what each of them takes."""

    step: int
    losses: list[float]
    plan: dict[str, Any]


def save(path: str | os.PathLike[str], params: Any, optimizer: Any, progress: Progress) -> None:
    """Write the file, or leave the old one as it is. `optimizer` may be None."""
    values = {name: leaf.detach() for name, leaf in named(params)}
    safetensors().save_training(path, **_parts(values, optimizer), **progress._asdict())


def load(path: str | os.PathLike[str], params: Any, optimizer: Any, plan: dict[str, Any]) -> tuple[list[Any], Progress]:
    """The leaves of the parameters as they were saved, and the progress; gives optimiser and generator their states.

    Raises `ArgumentError` if the file is of other parameters or of another plan, and changes nothing then.
    """
    found = safetensors().load_training(path)
    reached = Progress(*(found.get(name) for name in Progress._fields))
    if reached.plan != plan:
        raise ArgumentError(
            f"fit: the checkpoint {os.fspath(path)} cannot be resumed: it was written with {reached.plan}, this run has "
            f"{plan}. Name another file, or remove this one"
        )
    values = {name: leaf.detach().clone() for name, leaf in named(params)}
    safetensors().load_training(path, **_parts(values, optimizer))
    return list(values.values()), reached


def _parts(values: dict[str, Any], optimizer: Any) -> dict[str, Any]:
    parts = {"params": values, "generator": pb.default_generator}
    return parts if optimizer is None else {**parts, "optimizer": optimizer}


def named(tree: Any, above: str = "") -> list[tuple[str, Any]]:
    """The leaves of a tree and where they are in it, as in "layers.0.weight".

    >>> named({"layers": [{"weight": 1.0}]})
    [('layers.0.weight', 1.0)]
    """
    below = pb.tree.children(tree)
    if below is None:
        return [(above or "0", tree)]
    if isinstance(tree, dict):
        names = list(map(str, tree))
    else:
        names = list(getattr(tree, "_fields", ())) or list(map(str, range(len(below))))
    paths = [f"{above}.{name}" if above else name for name in names]
    return [pair for path, child in zip(paths, below, strict=True) for pair in named(child, path)]


def safetensors() -> Any:
    """The module that reads and writes. Raises `ArgumentError` that says how to install it."""
    try:
        import pullback_safetensors  # noqa: PLC0415  from the extra
    except ImportError as error:
        raise ArgumentError(
            f"fit: a checkpoint needs pullback-safetensors ({error}): pip install 'pullback-dask[checkpoint]'"
        ) from error
    return pullback_safetensors
