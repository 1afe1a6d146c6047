"""A naive engine to compare with: every element carries its row of the Jacobian with respect to all leaves.

No graph, no rules, no saved values: an operation multiplies rows. A view is a list of positions in the memory that it
shows, so that writing through views needs no thought either. Slow, and too short to be wrong in the same way as the
engine.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np


class Memory:
    """The elements of a Tensor and all its views: values, and one row of derivatives each."""

    def __init__(self, values: np.ndarray, rows: np.ndarray, *, tracked: bool, leaf: bool) -> None:
        self.values, self.rows, self.tracked, self.leaf = values, rows, tracked, leaf


class Ref:
    """`places` in a memory, in the shape of this Tensor.

    `detached`: a `detach()` lies between it and the memory; `silent`: a view that was made under `no_grad` does;
    `repeated`: a view that shows an element several times does.
    """

    def __init__(self, memory: Memory, places: np.ndarray, detached: bool, silent: bool, repeated: bool) -> None:
        self.memory, self.places = memory, places
        self.detached, self.silent, self.repeated = detached, silent, repeated

    @property
    def values(self) -> np.ndarray:
        """The numbers."""
        return np.asarray(self.memory.values[self.places])

    @property
    def tracked(self) -> bool:
        """Whether it requires grad."""
        return self.memory.tracked and not (self.detached or self.silent)

    @property
    def rows(self) -> np.ndarray:
        """The Jacobian: shape + (number of parameters,)."""
        return self.memory.rows[self.places] * self.tracked

    def view(self, step: Callable[[np.ndarray], np.ndarray], *, recorded: bool) -> Ref:
        """The part that `step` takes of an array of this shape."""
        places = np.asarray(step(self.places))
        repeated = self.repeated or np.unique(places).size < places.size
        return Ref(self.memory, places, self.detached, self.silent or not recorded, repeated)

    def detach(self) -> Ref:
        """The same memory without history."""
        return Ref(self.memory, self.places, True, self.silent, self.repeated)

    def refuses(self, value: Ref, *, recorded: bool) -> bool:
        """Whether it may not be written: repeated elements, a leaf, a view without history of what has or gets one."""
        silent = self.silent and (self.memory.tracked or value.tracked)
        return self.repeated or (recorded and not self.detached and (self.memory.leaf or silent))

    def write(self, value: Ref, *, recorded: bool) -> None:
        """New numbers in the memory; their history too where it is recorded and a `detach()` does not stop it."""
        self.memory.values[self.places] = value.values
        if recorded and not self.detached:
            self.memory.rows[self.places] = value.rows
            self.memory.tracked |= value.tracked


def new(values: Any, rows: Any, *, tracked: bool, leaf: bool = False) -> Ref:
    """A Tensor with memory of its own."""
    values, rows = np.array(values, dtype=float), np.array(rows, dtype=float)
    memory = Memory(values.reshape(-1), rows.reshape(values.size, rows.shape[-1]), tracked=tracked, leaf=leaf)
    return Ref(memory, np.arange(values.size).reshape(values.shape), detached=False, silent=False, repeated=False)


def leaf(values: np.ndarray, start: int, parameters: int) -> Ref:
    """A leaf whose elements are the parameters from number `start`."""
    return new(values, np.eye(values.size, parameters, start), tracked=True, leaf=True)


def apply(values: Any, terms: Sequence[tuple[Ref, Callable[[np.ndarray], np.ndarray]]], *, recorded: bool) -> Ref:
    """The result of an operation: its values, and for each operand how rows of it become rows of the result."""
    tracked = recorded and any(operand.tracked for operand, _ in terms)
    rows = sum(
        np.broadcast_to(push(operand.rows), (*np.shape(values), operand.rows.shape[-1])) for operand, push in terms
    )
    return new(values, rows * tracked, tracked=tracked)
