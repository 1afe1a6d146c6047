"""Computing what has been written down: many arrays in one go; and how the graph of a training loop stays bounded.

A gradient, and a parameter that was computed from gradients, gets a cell: one more layer on top of its graph, which
says for each chunk where it comes from. Whatever is built on the array refers to the cell. A computation that passes an
open cell keeps the chunks there, and closes it: from then on every graph that has the cell, built before or after,
begins at the data. So no step of a loop is computed twice, and what lies behind closed cells can be cut off.
"""

from __future__ import annotations

import threading
import warnings
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import product
from typing import Any
from uuid import uuid4

import dask.array as da
import numpy as np
from dask._task_spec import Alias, DataNode, GraphNode
from dask.base import persist as persist_all
from dask.highlevelgraph import HighLevelGraph, MaterializedLayer

DEPTH = 120
"""Layers of a parameter's graph from which a write to the parameter computes it."""


@contextmanager
def quiet() -> Iterator[None]:
    """Inside, the arithmetic of tasks does not warn, in this thread and in those of Dask's scheduler."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=RuntimeWarning)
        yield


class Cell(MaterializedLayer):
    """The chunks of an array by another name: aliases while it is open, the data once it is closed."""

    def __init__(self, array: Any, name: str) -> None:
        keys = list(product(*map(range, array.numblocks)))
        self.tasks: dict[Any, Any] = {(name, *key): Alias((name, *key), (array.name, *key)) for key in keys}
        super().__init__(self.tasks)
        self.chunks, self.meta = array.chunks, array._meta
        self.open = True

    def close(self, chunks: Any) -> None:
        """Keep the chunks, a mapping from their keys."""
        self.tasks.update({key: _node(key, chunks[key]) for key in self.tasks})
        self.open = False

    @property
    def has_legacy_tasks(self) -> bool:  # a cached property of the base class
        return any(not isinstance(task, GraphNode) for task in self.tasks.values())


def _node(key: Any, chunk: Any) -> Any:
    """A computed chunk in a graph: data, or a future on a cluster, which Dask finds there as it is."""
    return chunk if type(chunk).__module__.startswith("distributed") else DataNode(key, chunk)


def keep(array: Any) -> None:
    """Give an array a cell. It stays the object that it is, under the name of the cell."""
    name = f"kept-{uuid4().hex}"
    layers = {**array.dask.layers, name: Cell(array, name)}
    array.dask = HighLevelGraph(layers, {**array.dask.dependencies, name: {array.name}})
    array._name = name


def persist(arrays: Sequence[Any]) -> None:
    """Compute arrays, and the open cells on the way to them, in one graph and one call of the scheduler.

    The data stays where it was computed, and becomes the graph of each array.
    """
    own = {array.name for array in arrays}
    passed = {name: array.dask for array in arrays for name in open_cells(array) if name not in own}
    cells = [_top(graph, name) for name, graph in passed.items()]
    with quiet():
        done = persist_all(*arrays, *cells)
    for array, made in zip((*arrays, *cells), done, strict=True):
        layer = array.dask.layers[array.name]
        if isinstance(layer, Cell):
            layer.close(made.dask)
            prune(array)
        else:
            array.dask = made.dask


def values(array: Any) -> Any:
    """The values of an array, in one piece here. Open cells on the way to them are closed."""
    if open_cells(array):
        array = array.copy()  # the data that is kept is that of the cells
        persist([array])
    with quiet():
        return array.compute()


def open_cells(array: Any) -> list[str]:
    """The names of the open cells in the graph of an array."""
    return [name for name, layer in array.dask.layers.items() if isinstance(layer, Cell) and layer.open]


def _top(graph: Any, name: str) -> Any:
    cell = graph.layers[name]
    return da.Array(graph, name, cell.chunks, meta=cell.meta)


def prune(array: Any) -> None:
    """Cut off what lies behind closed cells."""
    graph = array.dask
    found = {}
    waiting = [array.name]
    while waiting:
        name = waiting.pop()
        if name not in found:
            layer = graph.layers[name]
            closed = isinstance(layer, Cell) and not layer.open
            found[name] = set() if closed else graph.dependencies[name]
            waiting += found[name]
    array.dask = HighLevelGraph({name: graph.layers[name] for name in found}, found)


class Kept:
    """The arrays with cells that Tensors hold: they are computed together, when the graph of one has grown deep."""

    def __init__(self) -> None:
        self._arrays: dict[int, weakref.ref[Any]] = {}
        self._lock = threading.RLock()

    def add(self, array: Any) -> None:
        """Give an array a cell, and note it until it dies."""
        keep(array)
        key = id(array)
        with self._lock:
            self._arrays[key] = weakref.ref(array, lambda _: self._arrays.pop(key, None))

    def step(self, array: Any, *, written: bool) -> None:
        """Note the new value of a parameter; if its graph has grown deep, compute all that is noted.

        What was not written, but made a leaf, is the new value of a parameter if it was computed from gradients.
        """
        prune(array)
        layers = array.dask.layers
        if not isinstance(layers[array.name], Cell) and (written or any(isinstance(x, Cell) for x in layers.values())):
            self.add(array)
        if len(layers) > DEPTH:
            with self._lock:
                alive = [found for ref in self._arrays.values() if (found := ref()) is not None]
            persist(alive)
