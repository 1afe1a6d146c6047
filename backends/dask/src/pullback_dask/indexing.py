"""Indexing of Dask arrays, writing as a function, and the transposes of both.

Integers and slices stay what they are in Dask: chunks are cut, nothing moves. Rows are gathered where they are wanted
(`take`), and added up chunk by chunk, then in a tree (`index_add`). Several arrays in one index, or an array beside
slices, take the whole array in one task. A mask reads nothing, for nobody knows how many elements it takes; it can be
written through, which needs no such number.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import dask.array as da
import numpy as np
from pullback.extend import ArgumentError

from pullback_dask.chunked import alone, along, meta_of, namespace_of, over, whole, whole_along

_BASIC = (int, slice, type(None), type(Ellipsis))

UNKNOWN = (
    "on Dask the shape of {what} depends on values that are not computed yet. Keep the shape: pb.where(mask, x, 0) and "
    "sums over it; or select in Dask before the array becomes a Tensor, and call .compute_chunk_sizes() on it there"
)


def raw_key(key: Any) -> Any:
    """An index with raw arrays for Tensors."""
    return tuple(map(raw_key, key)) if isinstance(key, tuple) else getattr(key, "_array", key)


def _split(key: Any) -> tuple[tuple[Any, ...], list[Any]]:
    """The items of an index, and the arrays among them."""
    items = key if isinstance(key, tuple) else (key,)
    return items, [item for item in items if not isinstance(item, _BASIC)]


def _mask_of(arrays: list[Any]) -> bool:
    return any(item.dtype == bool for item in arrays)


def getitem(x: Any, key: Any) -> Any:
    """`x[key]`."""
    items, arrays = _split(raw_key(key))
    if not arrays:
        return _cut(x, items)
    if _mask_of(arrays):
        raise ArgumentError(f"getitem: {UNKNOWN.format(what='x[mask]')}")
    shape = _shape_of(x.shape, items)
    return whole(_picked, x, *arrays, shape=shape, dtype=x.dtype, items=_template(items))


def _cut(x: Any, items: tuple[Any, ...]) -> Any:
    """Dask's own slicing, which knows None but not everywhere."""
    return x[items]


def _shape_of(shape: tuple[int, ...], items: tuple[Any, ...]) -> tuple[int, ...]:
    """The shape of `x[items]`. With arrays among them, integers are arrays too; their common shape stands where they
    stood, or in front if something stands between them.
    """
    axes = [item for item in items if item is not None]
    dots = [i for i, item in enumerate(items) if item is Ellipsis]
    middle = dots[0] if dots else len(items)
    full = [slice(None)] * (len(shape) - len(axes) + len(dots))
    lengths = iter(shape)
    arrays = [item for item in axes if not isinstance(item, _BASIC)]
    picked: list[int] = []
    places = []  # where the arrays are, among the items, and what was picked before them
    for i, item in enumerate((*items[:middle], *full, *items[middle + 1 :])):
        if item is None:
            picked.append(1)
        elif isinstance(item, slice):
            picked.append(len(range(next(lengths))[item]))
        else:
            next(lengths)
            places.append((i, len(picked)))
    if not arrays:
        return tuple(picked)
    common = np.broadcast_shapes(*(item.shape for item in arrays))
    together = places[-1][0] - places[0][0] == len(places) - 1
    at = places[0][1] if together else 0
    return (*picked[:at], *common, *picked[at:])


class _Here:
    """Stands in an index for an array that a task is given."""


def _template(items: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(item if isinstance(item, _BASIC) else _Here for item in items)


def _filled(items: tuple[Any, ...], arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    rest = iter(arrays)
    return tuple(next(rest) if item is _Here else item for item in items)


def _picked(x: Any, *arrays: Any, items: tuple[Any, ...]) -> Any:
    return namespace_of(x).getitem(x, _filled(items, arrays))


def _put(x: Any, value: Any, *arrays: Any, items: tuple[Any, ...]) -> Any:
    return namespace_of(x).put(x, _filled(items, arrays), value)


def _scattered(values: Any, *arrays: Any, items: tuple[Any, ...], to: tuple[int, ...]) -> Any:
    return namespace_of(values).scatter(values, _filled(items, arrays), to)


def put(x: Any, key: Any, value: Any) -> Any:
    """A copy of `x` with `value` at `key`."""
    key = raw_key(key)
    if not hasattr(value, "dtype"):
        value = da.asarray(np.asarray(value, x.dtype), like=x._meta)
    if key is Ellipsis:
        return value if value.shape == x.shape else da.broadcast_to(value, x.shape)
    items, arrays = _split(key)
    if len(items) == 1 and len(arrays) == 1 and arrays[0].dtype == bool and arrays[0].ndim == x.ndim and not value.ndim:
        return da.where(arrays[0], value, x)
    if not arrays:
        return _assigned(x, items, value)
    made = whole(_put, x, value, *arrays, shape=x.shape, dtype=x.dtype, items=_template(items))
    return made.rechunk(x.chunks)


def _assigned(x: Any, items: tuple[Any, ...], value: Any) -> Any:
    """Dask's own assignment, on a copy; it knows no None in an index, which only gives `value` axes of length 1."""
    shape = _shape_of(x.shape, items)
    if 0 in shape:
        return x
    value = da.broadcast_to(value, shape) if value.ndim <= len(shape) else value.reshape(shape)
    where = tuple(item for item in items if item is not None)
    value = value.reshape(_shape_of(x.shape, where))
    out = x.copy()
    out[where] = value
    return out


def scatter(values: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `values` added at `key`: the transpose of `x[key]`."""
    items, arrays = _split(raw_key(key))
    if not arrays:
        return _assigned(da.zeros_like(values, shape=shape, chunks="auto" if all(shape) else -1), items, values)
    if _mask_of(arrays):
        raise ArgumentError(f"getitem: {UNKNOWN.format(what='x[mask]')}")
    return whole(_scattered, values, *arrays, dtype=values.dtype, items=_template(items), shape=shape, to=shape)


def take(x: Any, indices: Any, /, *, axis: int | None = None) -> Any:
    """The slices of `x` at `indices` along `axis`."""
    axis = (axis or 0) % x.ndim
    names = tuple(range(x.ndim))
    out = (*names[:axis], x.ndim, *names[axis + 1 :])
    return da.blockwise(
        _taken,
        out,
        whole_along(x, (axis,)),
        names,
        indices,
        (x.ndim,),
        axis=axis,
        token=uuid4().hex,
        dtype=x.dtype,
        meta=x._meta,
    )


def _taken(x: Any, indices: Any, axis: int) -> Any:
    x = alone(x)
    return namespace_of(x).take(x, indices, axis=axis)


def index_add(values: Any, indices: Any, axis: int, length: int) -> Any:
    """The transpose of `take(x, indices, axis)` for an axis of `length`: each chunk adds up, then the sums are added."""
    names = tuple(range(values.ndim))
    parts = da.blockwise(
        _added_rows,
        (axis, *names[:axis], values.ndim, *names[axis + 1 :]),
        values,
        names,
        indices,
        (axis,),
        at=axis,
        length=length,
        new_axes={values.ndim: length},
        adjust_chunks={axis: 1},
        token=uuid4().hex,
        dtype=values.dtype,
        meta=meta_of(values, values.ndim + 1, values.dtype),
    )
    return parts[0] if parts.shape[0] == 1 else parts.sum(axis=0, dtype=values.dtype)


def _added_rows(values: Any, indices: Any, at: int, length: int) -> Any:
    return namespace_of(values).index_add(values, indices, at, length)[None]


def take_along_axis(x: Any, indices: Any, /, *, axis: int = -1) -> Any:
    """Elements of `x` at `indices` along `axis`."""
    axis %= x.ndim
    lengths = (indices.shape[axis],)
    return along("take_along_axis", x, indices, core=(axis,), dtype=x.dtype, lengths=lengths, axis=axis)


def along_axis_add(values: Any, indices: Any, axis: int, length: int) -> Any:
    """The transpose of `take_along_axis(x, indices, axis)` for an axis of `length`."""
    return along(
        _added_along, values, indices, core=(axis,), dtype=values.dtype, lengths=(length,), at=axis, length=length
    )


def _added_along(values: Any, indices: Any, at: int, length: int) -> Any:
    return namespace_of(values).along_axis_add(values, indices, at, length)


def searchsorted(x1: Any, x2: Any, /, *, side: str = "left", sorter: Any = None) -> Any:
    """Where the elements of `x2` would be inserted into the sorted `x1`, which one task holds whole."""
    if sorter is not None:
        x1 = take(x1, sorter)
    flat = over(_found, x2.reshape(-1), x1, core=(0, 1), out=[()], dtypes=[np.dtype(np.int64)], side=side)
    return flat.reshape(x2.shape)


def _found(x2: Any, x1: Any, side: str) -> Any:
    return namespace_of(x1).searchsorted(x1, x2, side=side)
