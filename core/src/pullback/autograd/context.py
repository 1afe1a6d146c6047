"""Context: what the forward of a Function hands to its backward; and how nested arguments become flat ones.

The engine records flat Tensors. A container that holds some is taken apart on the way in, and put together again from a
pattern: the container with the position of each leaf in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from pullback import primitive as primitives
from pullback import tree as trees
from pullback.errors import CotangentError
from pullback.grad_mode import set_grad_enabled
from pullback.inplace import check_writable


class Context:
    """What `forward` hands to `backward`: the `ctx` of a Function. Any attribute may be stored on it.

    `needs_input_grad`: for each argument of `forward`, whether it is a Tensor that requires grad, or holds one.
    `saved_tensors`: what `save_for_backward` was given, at its place in the graph.
    """

    def __init__(
        self, needs: tuple[bool, ...], inputs: tuple[Any, ...] | None = None, *, recorded: bool = False
    ) -> None:
        self._needs = needs
        self._inputs = inputs  # the pattern of the arguments; None if they are flat
        self._outputs: tuple[Any, ...] | None = None  # that of the outputs
        self._several = True  # whether forward returned a tuple
        self._recorded = recorded
        self._saved: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._non_differentiable: tuple[Any, ...] = ()
        self._forward: tuple[Any, ...] | None = None
        self._materialize = True
        self._lost = False  # whether a saved value that is neither input nor output would lack a derivative
        self._restore: Callable[[], tuple[Any, ...]] | None = None
        self._kept: dict[str, Callable[[], Any]] = {}  # attributes that are Tensors, and how they are restored
        self._below: tuple[Any, ...] = ()  # nodes that a recorded backward depends on

    @property
    def needs_input_grad(self) -> tuple[bool, ...]:
        """For each argument of `forward`, whether it is a Tensor that requires grad, or holds one."""
        if self._inputs is None:
            return self._needs
        return tuple([any(self._needs[i] for i in trees.leaves(pattern)) for pattern in self._inputs])

    def __copy__(self) -> Context:  # what copy() does, without asking how
        made = object.__new__(type(self))
        vars(made).update(vars(self))
        return made

    def __getattr__(self, name: str) -> Any:
        kept = self.__dict__.get("_kept", {})
        if name in kept:
            return kept[name]()
        raise AttributeError(f"ctx has no attribute {name!r}: forward did not store it")

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs (or None) for `backward`; in-place writes to them are then noticed."""
        self._saved = _only_tensors("save_for_backward", tensors)

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep inputs or outputs (or None) for `jvp`, which otherwise reads what is saved for `backward`."""
        self._forward = _only_tensors("save_for_forward", tensors)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved. Raises `AutogradError` after the graph was freed or if a saved value was overwritten."""
        return self._saved if self._restore is None else self._restore()

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs `forward` writes in place; it must return them. Best called before it writes.

        Raises `AutogradError` for a leaf that requires grad.
        """
        for tensor in _only_tensors("mark_dirty", tensors):
            with set_grad_enabled(self._recorded):
                check_writable(tensor, "mark_dirty")
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs never require grad."""
        self._non_differentiable = _only_tensors("mark_non_differentiable", tensors)

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for outputs that nothing depends on; `jvp` likewise."""
        self._materialize = value


def _only_tensors(method: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    for i, tensor in enumerate(tensors):
        if not isinstance(tensor, primitives.tensor_type) and (tensor is not None or "save" not in method):
            raise TypeError(
                f"{method}: argument {i} is of type {type(tensor).__name__}; only Tensors are given this way, store "
                f"anything else as an attribute of ctx"
            )
    return tensors


# --- nested values -----------------------------------------------------------------------------------------------------


def holds_tensors(value: Any) -> bool:
    """Whether it is a container with a Tensor in it."""
    below = trees.children(value)
    return below is not None and any(
        isinstance(child, primitives.tensor_type) or holds_tensors(child) for child in below
    )


def flatten(values: tuple[Any, ...]) -> tuple[tuple[Any, ...], tuple[Any, ...] | None]:
    """The values with containers of Tensors taken apart, and the pattern; None where there are none.

    >>> import pullback as pb
    >>> flatten((1, {"a": pb.tensor(2.0), "b": 3}))
    ((1, tensor(2.), 3), (0, {'a': 1, 'b': 2}))
    """
    if not any(map(holds_tensors, values)):
        return values, None
    flat: list[Any] = []
    pattern = []
    for value in values:
        parts = trees.leaves(value) if holds_tensors(value) else [value]
        numbers = range(len(flat), len(flat) + len(parts))
        pattern.append(trees.unflatten(value, numbers) if holds_tensors(value) else numbers[0])
        flat += parts
    return tuple(flat), tuple(pattern)


def nested(pattern: tuple[Any, ...] | None, flat: Sequence[Any]) -> tuple[Any, ...]:
    """The values of a pattern, put together again."""
    if pattern is None:
        return tuple(flat)
    return tuple([trees.mapped(flat.__getitem__, part) for part in pattern])


def spread(what: tuple[str, str, str], given: Any, pattern: tuple[Any, ...] | None, count: int) -> list[Any]:
    """What a user's rule returned for the parts of a pattern, one per leaf: `count` of them; None stands for nothing.

    `what` words the error: ("Square.backward", "cotangent", "argument").
    """
    places = range(count) if pattern is None else pattern
    parts = list(given) if isinstance(given, tuple) or (isinstance(given, list) and len(places) > 1) else [given]
    while len(parts) > len(places) and parts[-1] is None:
        parts.pop()
    if len(parts) != len(places):
        raise CotangentError(f"{what[0]} returned {len(parts)} {what[1]}s for {len(places)} {what[2]}s")
    found: list[Any] = [None] * count
    for i, (place, part) in enumerate(zip(places, parts, strict=True)):
        _spread(what, f"{what[2]} {i}", part, place, found)
    return found


def _spread(what: Sequence[str], where: str, given: Any, place: Any, found: list[Any]) -> None:
    if isinstance(place, int):
        found[place] = given
        return
    if given is None:
        return
    below = trees.children(given)
    wanted: list[Any] = trees.children(place) or []
    if isinstance(place, dict) and isinstance(given, dict) and given.keys() <= place.keys():
        below = [given.get(key) for key in place]
    if below is None or len(below) != len(wanted) or isinstance(place, dict) is not isinstance(given, dict):
        raise CotangentError(
            f"{what[0]} returned {type(given).__name__} for {where}, a {type(place).__name__} of {len(wanted)}; return "
            f"one of the same structure, or None"
        )
    for part, inner in zip(below, wanted, strict=True):
        _spread(what, where, part, inner, found)
