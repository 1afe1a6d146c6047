"""Computing what has been written down: many arrays in one go; and how the graph of a training loop stays bounded.

An array that has been computed keeps its name and its chunks, and its graph becomes the data. So whatever was built on it
before computes it once more, and whatever is built on it from then on begins at the data.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from dask.base import persist as persist_all

DEPTH: Final = 400
"""Layers of a parameter's graph above which a write to the parameter computes it."""


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, the arithmetic of tasks does not warn, in this thread and in those of Dask's scheduler."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        yield


def persist(arrays: Sequence[Any]) -> None:
    """Compute arrays, in one graph and one call of the scheduler; their data stays where it was computed."""
    with quiet():
        done = persist_all(*arrays)
    for array, made in zip(arrays, done, strict=True):
        array.dask = made.dask


def depth(array: Any) -> int:
    """How many layers the graph of an array has: 1 once it is computed."""
    return len(array.dask.layers)


class Kept:
    """The arrays that Tensors keep from one step of a loop to the next: gradients, and parameters that were written.

    They are computed together, when the graph of one of them has grown deep.
    """

    def __init__(self) -> None:
        self._arrays: dict[int, weakref.ref[Any]] = {}
        self._lock = threading.RLock()

    def add(self, array: Any) -> None:
        """Note an array; it is forgotten when it dies."""
        key = id(array)
        with self._lock:
            self._arrays[key] = weakref.ref(array, lambda _: self._arrays.pop(key, None))

    def bound(self, array: Any) -> None:
        """Compute the noted arrays, and `array` with them, if its graph is deep."""
        self.add(array)
        if depth(array) > DEPTH:
            with self._lock:
                alive = [found for ref in self._arrays.values() if (found := ref()) is not None]
            persist(alive)
