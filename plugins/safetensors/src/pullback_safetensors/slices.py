"""A basic index as two steps: the box that the library reads, and what NumPy does to it then.

Slices of the library must lie within the array and go forward, and axes cannot be added. Here an index is any that NumPy
calls basic.
"""

from __future__ import annotations

from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np
from pullback.errors import ArgumentError


def split(key: Any, shape: Sequence[int]) -> tuple[tuple[slice, ...], tuple[Any, ...]]:
    """For an `x` of this shape, the smallest box that holds all of `x[key]`, and the rest: `x[key]` is `x[box][rest]`.

    Raises `IndexError` where NumPy does, and `ArgumentError` for an index that is not basic.
    """
    keys = [_basic(item) for item in (key if isinstance(key, tuple) else (key,))]
    dots = [place for place, item in enumerate(keys) if item is Ellipsis] or [len(keys)]
    missing = len(shape) - sum(item is not None and item is not Ellipsis for item in keys)
    if missing < 0 or len(dots) > 1:
        raise IndexError(f"get_slice: {key!r} has too many indices for the shape {tuple(shape)}, or several ...")
    keys[dots[0] : dots[0] + 1] = [slice(None)] * missing

    box: list[slice] = []
    rest: list[Any] = []
    sizes = iter(shape)
    for item in keys:
        if item is None:
            rest.append(None)
        elif isinstance(item, slice):
            places = range(next(sizes))[item]
            box.append(slice(min(places), max(places) + 1) if places else slice(0, 0))
            rest.append(slice(None, None, places.step))
        else:
            size = next(sizes)
            if not -size <= item < size:
                raise IndexError(f"get_slice: {item} is not on axis {len(box)} of the shape {tuple(shape)}")
            box.append(slice(item % size, item % size + 1))
            rest.append(0)
    return tuple(box), tuple(rest)


def _basic(item: Any) -> Any:
    """An item of a basic index, an integer as an int."""
    if item is None or item is Ellipsis or isinstance(item, slice):
        return item
    try:
        if not isinstance(item, (bool, np.bool_)):
            return index(item)
    except TypeError:
        pass
    raise ArgumentError(f"get_slice: an index is made of integers, slices, ... and None, got {item!r}")
