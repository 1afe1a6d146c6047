"""The state of a training in one file: parameters, optimiser, scheduler, random generator, step, and what else is named.

A part is saved by what it can do: one with `state_dict()` and `load_state_dict()` by its state, one with `get_state()` and
`set_state()` likewise, Tensors by their values, anything else as plain data.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pullback as pb
from pullback.errors import ArgumentError

from pullback_safetensors.errors import FileFormatError
from pullback_safetensors.files import Path, safe_open, save_file
from pullback_safetensors.trees import decode, encode

KEY = "pullback.training"
"""The metadata under which a file keeps all but the Tensors."""
VERSION = 1

METHODS = {"state_dict": "load_state_dict", "get_state": "set_state"}
"""How a state is asked for, and how it is given back."""


def save_training(path: Path, /, **parts: Any) -> None:
    """Save the parts of a training under their names, as one safetensors file. Atomic, as `save_file` is.

    Each part is an object with `state_dict()` and `load_state_dict()` (a model, an optimiser, a scheduler), one with
    `get_state()` and `set_state()` (a `pb.Generator`; `pb.default_generator` is the one behind `pb.rand`), a Tensor, or
    nested lists, tuples and dicts of Tensors, numbers, strings, bytes and None (the step, losses so far). Numbers are kept
    exactly. Tensors are found in the file as "part.name". Raises `ArgumentError` for anything else, before anything is
    written.

    >>> import pullback as pb, pullback_safetensors as st
    >>> w, generator = pb.tensor([1.0, 2.0], requires_grad=True), pb.Generator(0)
    >>> st.save_training("run.safetensors", weights={"w": w}, generator=generator, step=7)
    >>> with pb.no_grad():
    ...     w.zero_()
    tensor([0., 0.], requires_grad=True)
    >>> st.load_training("run.safetensors", weights={"w": w}, generator=generator)
    {'step': 7}
    >>> w
    tensor([1., 2.], requires_grad=True)
    """
    tensors: dict[str, Any] = {}
    trees: dict[str, Any] = {}
    for name, part in parts.items():
        getter = _getter(part)
        state = getattr(part, getter)() if getter else part
        kind = getter or (
            "tensors" if _leaves(part) and all(isinstance(x, pb.Tensor) for x in _leaves(part)) else "data"
        )
        trees[name] = {"kind": kind, "tree": encode(state, name, tensors)}
    text = json.dumps({"version": VERSION, "parts": trees}, allow_nan=False)
    save_file(tensors, path, {KEY: text})


def load_training(path: Path, /, **parts: Any) -> dict[str, Any]:
    """Give the parts of a training their saved states; returns the plain data in the file, by name.

    `parts` are objects as `save_training` was given, under the same names: their states are loaded, and Tensors, alone or in
    containers, are written in place. Parts of the file that are not given are left there; Tensors among the plain data are
    on the host. Raises `FileFormatError` if the
    file is torn or no training, `ArgumentError` if a part is not in it or does not fit; then no part has changed.

    >>> import pullback as pb, pullback_safetensors as st
    >>> st.save_training("run.safetensors", step=7, losses=[0.5, 0.25])
    >>> st.load_training("run.safetensors")
    {'step': 7, 'losses': [0.5, 0.25]}
    """
    with safe_open(path, device="cpu") as file:
        trees = _read(file, str(path))
        states: dict[str, Any] = {}
        for name, part in parts.items():
            if name not in trees:
                raise ArgumentError(f"load_training: {path} has no part {name!r}; it has {', '.join(trees) or 'none'}")
            kind = trees[name]["kind"]
            if kind == "data" or kind != (_getter(part) or "tensors"):
                raise ArgumentError(
                    f"load_training: part {name!r} was saved as {_described(kind)}, not as what was given"
                )
            states[name] = decode(trees[name]["tree"], file)
        data = {name: decode(tree["tree"], file) for name, tree in trees.items() if tree["kind"] == "data"}
    _restore_all([_restorer(name, part, states[name]) for name, part in parts.items()])
    return data


def _read(file: safe_open, path: str) -> dict[str, Any]:
    """The description of the parts in a file."""
    text = file.metadata().get(KEY)
    if text is None:
        raise FileFormatError(f"{path}: these are Tensors, no training; write load_file")
    try:
        found = json.loads(text)
        version, parts = found["version"], dict(found["parts"])
    except (ValueError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path}: its description of a training cannot be read: {error!r}") from None
    if version != VERSION:
        raise FileFormatError(f"{path}: a training of version {version}; this program reads version {VERSION}")
    return parts


def _described(kind: str) -> str:
    named = {"data": "plain data, which is returned; leave it out", "tensors": "Tensors"}
    return named.get(kind, f"the result of {kind}()")


def _getter(part: Any) -> str | None:
    """The name of the method that returns the state of a part, if it has one."""
    for getter, setter in METHODS.items():
        if hasattr(part, getter) and hasattr(part, setter):
            return getter
    return None


def _leaves(tree: Any) -> list[Any]:
    if isinstance(tree, (list, tuple)):
        return [leaf for item in tree for leaf in _leaves(item)]
    return [leaf for item in tree.values() for leaf in _leaves(item)] if isinstance(tree, dict) else [tree]


Restorer = tuple[Callable[[Any], None], Any, Any]
"""What gives a part its state, the new state, and the one that it has."""


def _restorer(name: str, part: Any, state: Any) -> Restorer:
    getter = _getter(part)
    if getter is not None:
        return getattr(part, METHODS[getter]), state, _copied(getattr(part, getter)())
    shapes = [_outline(tree) for tree in (part, state)]
    if shapes[0] != shapes[1]:
        raise ArgumentError(f"load_training: part {name!r} is {shapes[0]}, and was saved as {shapes[1]}")

    def write(tree: Any) -> None:
        with pb.no_grad():
            for x, value in zip(_leaves(part), _leaves(tree), strict=True):
                x.copy_(value)

    return write, state, _copied(part)


def _restore_all(restorers: list[Restorer]) -> None:
    """Give every part its new state, or, if one does not fit, its own again."""
    for count, (restore, state, _) in enumerate(restorers, start=1):
        try:
            restore(state)
        except BaseException:
            for undo, _, before in restorers[:count]:
                undo(before)
            raise


def _outline(tree: Any) -> Any:
    """The containers of a tree, with the shapes and dtypes of its Tensors."""
    if isinstance(tree, dict):
        return {name: _outline(item) for name, item in tree.items()}
    if isinstance(tree, (list, tuple)):
        return type(tree)(map(_outline, tree))
    return f"{tree.dtype.name}{list(tree.shape)}" if isinstance(tree, pb.Tensor) else type(tree).__name__


def _copied(state: Any) -> Any:
    """A state whose Tensors are copies."""
    if isinstance(state, dict):
        return {name: _copied(item) for name, item in state.items()}
    if isinstance(state, (list, tuple)):
        items = [_copied(item) for item in state]
        return type(state)(*items) if hasattr(state, "_fields") else type(state)(items)
    return state.detach().clone() if isinstance(state, pb.Tensor) else state
