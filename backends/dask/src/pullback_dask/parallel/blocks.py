"""The data as blocks of rows: which arguments are data, and which tasks make each block of them.

Nothing is loaded here. What Dask knows how to make it makes on the workers, in each step anew unless it is persisted.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import dask.array as da
import dask.base
from dask.delayed import Delayed
from dask.optimization import cull
from distributed import Client, Future
from pullback.errors import ArgumentError, ShapeError

from pullback_dask.parallel.errors import ClusterError
from pullback_dask.parallel.work import load

Loader = Callable[[Any], Any]
_LOST = ("cancelled", "lost", "error")


class Column(NamedTuple):
    """One argument of data: the key of each block, the tasks that make them, how long they are and what they are called."""

    keys: list[Any]
    graph: dict[Any, Any]
    rows: tuple[float, ...] | None = None
    names: list[str] | None = None


class Blocks:
    """The blocks of all arguments of data: `keys[block]` are the keys of its pieces, one for each argument."""

    def __init__(self, columns: Sequence[Column]) -> None:
        _check_alike(columns)
        self.keys = [list(keys) for keys in zip(*(column.keys for column in columns), strict=True)]
        self.names = next((column.names for column in columns if column.names), [""] * len(self.keys))
        self._graph = {key: task for column in columns for key, task in column.graph.items()}
        self._held: dict[Any, Any] = {}
        missing = [key for keys in self.keys for key in keys if key not in self._graph]
        if missing:
            raise ArgumentError(f"data: nothing makes the blocks {missing[:3]}; their collection has no such tasks")

    def __len__(self) -> int:
        return len(self.keys)

    def hold(self, client: Client) -> None:
        """Keep the blocks in the memory of the workers, and make those again that the cluster lost."""
        if self._held and not any(future.status in _LOST for future in self._held.values()):
            return
        self._held = {}  # all futures of one key share its fate: the lost ones go before new ones are made
        flat = [Delayed(key, self._graph) for keys in self.keys for key in keys]
        self._held = {key: task for piece in client.persist(flat) for key, task in dict(piece.dask).items()}

    def tasks(self, chosen: Sequence[int]) -> dict[Any, Any]:
        """The tasks that make the blocks `chosen`."""
        graph = self._held or self._graph
        if len(chosen) == len(self):
            return dict(graph)
        return dict(cull(graph, [key for block in chosen for key in self.keys[block]])[0])

    def check_alive(self) -> None:
        """Raise `ClusterError` if a block was in the memory of the cluster only, and is gone."""
        for key, task in self._graph.items():
            if isinstance(task, Future) and task.status in _LOST:
                raise ClusterError(
                    f"the data {key!r} were persisted, and the cluster lost them together with what would make them again "
                    f"(status: {task.status}). Persist them again; or hand over the data as they were before persist(), "
                    f"with persist=True, which makes them again when a worker or the scheduler dies"
                )

    def containing(self, key: Any) -> int | None:
        """The first block that the task `key` helps to make."""
        for block, keys in enumerate(self.keys):
            if key in cull(self._graph, keys)[0]:
                return block
        return None


def _check_alike(columns: Sequence[Column]) -> None:
    """Arguments of data are cut into the same blocks of rows, as far as that is known before they are loaded."""
    first = columns[0]
    for position, column in enumerate(columns):
        if len(column.keys) != len(first.keys):
            raise ShapeError(
                f"data: argument 0 has {len(first.keys)} blocks, argument {position} has {len(column.keys)}; chunk them "
                f"alike along the first axis, as with y.rechunk({{0: x.chunks[0]}})"
            )
        known = [(a, b) for a, b in zip(first.rows or (), column.rows or (), strict=False) if a == a and b == b]
        for block, (a, b) in enumerate(known):
            if a != b:
                raise ShapeError(
                    f"data: block {block} has {a:.0f} rows in argument 0 and {b:.0f} in argument {position}; chunk them "
                    f"alike along the first axis, as with y.rechunk({{0: x.chunks[0]}})"
                )
    if not first.keys:
        raise ArgumentError("data: there are no blocks")


# --- the forms that data have ----------------------------------------------------------------------------------------


def is_data(argument: Any, loader: Loader | None) -> bool:
    """Whether an argument is cut into blocks; any other is the same for all blocks."""
    if isinstance(argument, (list, tuple)) and argument:
        return all(isinstance(item, (Delayed, Future)) for item in argument) or (
            loader is not None and _paths(argument)
        )
    return _data_set(argument) is not None or (
        dask.base.is_dask_collection(argument) and not isinstance(argument, Delayed)
    )


def same(before: Sequence[Any], now: Sequence[Any]) -> bool:
    """Whether two sequences of arguments are the same data, so that their blocks are."""
    return len(before) == len(now) and all(_identity(a) == _identity(b) for a, b in zip(before, now, strict=True))


def _identity(argument: Any) -> Any:
    if isinstance(argument, (list, tuple)):
        return [getattr(item, "key", item) for item in argument]
    return id(argument) if dask.base.is_dask_collection(argument) else argument  # the caller keeps it alive


def blocks_of(arguments: Sequence[Any], loader: Loader | None) -> Blocks:
    """The blocks of arguments of data.

    Raises `ArgumentError` for what is none, and `ShapeError` for arrays that are not cut along their first axis alone, or
    not all alike.
    """
    return Blocks([_column(position, argument, loader) for position, argument in enumerate(arguments)])


def _column(position: int, argument: Any, loader: Loader | None) -> Column:
    if isinstance(argument, da.Array):
        return _of_array(position, argument)
    if isinstance(argument, (list, tuple)):
        return _of_files(argument, loader) if loader and _paths(argument) else _of_delayed(argument)
    suffix = _data_set(argument)
    if suffix:
        return _of_data_set(position, os.fspath(argument), suffix)
    if hasattr(argument, "to_delayed") and hasattr(argument, "npartitions"):  # a Dask DataFrame or Series
        return _of_delayed(argument.to_delayed())
    raise ArgumentError(
        f"data: argument {position} is a {type(argument).__name__}; data are Dask arrays or tables, a list of delayed "
        f"blocks, a list of paths with loader=, or the path of a .parquet or .zarr data set"
    )


def _of_array(position: int, array: Any) -> Column:
    if not array.ndim:
        raise ShapeError(f"data: argument {position} is a 0-d Dask array, which has no rows; compute() it")
    cut = [axis for axis in range(1, array.ndim) if array.numblocks[axis] > 1]
    if cut:
        whole = ", ".join(f"{axis}: -1" for axis in cut)
        raise ShapeError(
            f"data: argument {position} has the chunks {array.chunks}; only the first axis may be cut, so that a block has "
            f"whole rows: write x.rechunk({{{whole}}})"
        )
    made = _of_delayed(list(array.to_delayed().ravel()))
    persisted = {key: task for key, task in dict(array.dask).items() if isinstance(task, Future)}
    return made._replace(
        graph={**made.graph, **persisted}, rows=array.chunks[0]
    )  # the optimiser of graphs drops futures


def _of_delayed(pieces: Sequence[Any]) -> Column:
    graph: dict[Any, Any] = {}
    shared: Any = None
    for piece in pieces:
        if isinstance(piece, Future):
            graph[piece.key] = piece
        elif piece.dask is not shared:  # the blocks of an array share one graph
            shared = piece.dask
            graph.update(dict(shared))
    return Column([piece.key for piece in pieces], graph)


def _of_files(paths: Sequence[Any], loader: Loader) -> Column:
    stem = f"pullback-load-{dask.base.tokenize(loader, list(map(os.fspath, paths)))}"
    keys = [(stem, block) for block in range(len(paths))]
    graph = {
        key: (partial(load, block, loader, path),) for block, (key, path) in enumerate(zip(keys, paths, strict=True))
    }
    return Column(keys, graph, names=[os.fspath(path) for path in paths])


def _paths(items: Sequence[Any]) -> bool:
    return all(isinstance(item, (str, os.PathLike)) for item in items)


def _data_set(argument: Any) -> str | None:
    """The suffix of the path of a data set."""
    if not isinstance(argument, (str, os.PathLike)):
        return None
    suffix = Path(argument).suffix.lower()
    return suffix if suffix in (".parquet", ".parq", ".zarr") else None


def _of_data_set(position: int, path: str, suffix: str) -> Column:
    """A Zarr array, by its chunks, or a table in Parquet, by its partitions: a dict of columns."""
    extra = "zarr" if suffix == ".zarr" else "parquet"
    try:
        if extra == "zarr":
            return _of_array(position, da.from_zarr(path))
        import dask.dataframe as dd  # noqa: PLC0415  needs pandas and pyarrow, from the extra

        return _of_delayed(dd.read_parquet(path).to_delayed())
    except ImportError as error:
        raise ArgumentError(
            f"data: argument {position} is the path {path!r}, and what reads it is not installed ({error}): pip install "
            f"'pullback-dask[{extra}]'"
        ) from error
