"""Which arrays were written in place, and when: how a pass knows that a saved value is no longer what it was.

One number, `last.event`, is the time of the newest event that older nodes must know about. A pass compares it with each
node's own number, and that is all the check costs while nothing was written since the node was made.
"""

from __future__ import annotations

import weakref
from contextvars import ContextVar
from typing import Any, Final


class _Last:
    """`write`: the number (falling, as a node's) of the newest write. `event`: this, or of a newer op that hides values."""

    __slots__ = ("event", "write")

    def __init__(self) -> None:
        self.event = self.write = 0


last: Final = _Last()
mutation_allowed: Final[ContextVar[bool]] = ContextVar("pullback_mutation_on_saved_tensors_allowed", default=False)
"""Whether a write keeps the old array for the nodes that saved it, also where it is not recorded."""

_writes: dict[int, int] = {}  # id of an array -> number of its newest write
_watched: dict[int, weakref.ref[Any]] = {}  # drops the entry when the array dies
_values: dict[
    int, int
] = {}  # the same for what takes no weak references: NumPy scalars, which are replaced, not written,
_VALUES_KEPT: Final = 4096  # so that forgetting them can only turn a refusal into a right gradient
value_types: Final[set[type]] = set()
"""Their types, as they come. A value of one is replaced, and owns what memory it has."""


def record_write(array: Any, seq: int) -> None:
    """The Tensors that hold `array` changed value: its memory was written, or it was replaced by another array.

    `seq` was drawn before the write: what computes the new value is newer and may read the old one. `array` is the
    owner of its memory, not a view. An id that is reused does no harm: a node older than the write that saved the
    array keeps it alive, and a node newer than the write compares as newer.
    """
    last.event = last.write = seq
    key = id(array)
    if type(array) in value_types:
        if len(_values) >= _VALUES_KEPT:
            _values.clear()
        _values[key] = seq
        return
    if key not in _writes:
        try:
            _watched[key] = weakref.ref(array, lambda _: _forget(key))
        except TypeError:
            value_types.add(type(array))
            _values[key] = seq
            return
    _writes[key] = seq


def _forget(key: int) -> None:
    _watched.pop(key, None)
    _writes.pop(key, None)


def written_since(array: Any, seq: int) -> bool:
    """Whether `array` was written or replaced after the node numbered `seq` was made."""
    return (_values if type(array) in value_types else _writes).get(id(array), 0) < seq
