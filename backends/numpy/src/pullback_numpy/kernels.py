"""Functions of the namespace that NumPy can do faster than through its own general ones. Same results."""

from __future__ import annotations

from functools import partial
from operator import attrgetter
from typing import Any

import numpy as np
from pullback.extend import Aval

_add: Any = np.add.reduce
_FEW = 4096


def sum(x: Any, /, *, axis: Any = None, dtype: Any = None, keepdims: bool = False) -> Any:
    """`np.sum` without its Python layers; integers add up in int64, as the standard says."""
    if dtype is None and x.dtype.kind in "biu":
        dtype = np.uint64 if x.dtype.kind == "u" else np.int64
    if not keepdims and type(axis) is tuple and len(axis) == x.ndim:
        axis = None  # which all axes are, and faster
    return _add(x, axis=axis, dtype=dtype, keepdims=keepdims)


def total(x: Any) -> Any:
    """The sum of all elements."""
    return _add(x, axis=None) if x.dtype.kind in "fc" else sum(x, axis=None)


def average(x: Any) -> Any:
    """The mean of all elements. NumPy's own adds numbers of half precision up in single."""
    return _add(x, axis=None) / x.size if x.dtype.kind in "fc" and x.dtype.itemsize > 2 else np.mean(x)


def broadcast_to(x: Any, shape: tuple[int, ...], /) -> Any:
    """A read-only view with strides 0, made directly for 0-d input."""
    if x.shape != ():
        return np.broadcast_to(x, shape)
    base = np.asarray(x)
    out = np.ndarray(shape, base.dtype, base, 0, (0,) * len(shape))
    out.flags.writeable = False
    return out


def spread(x: Any, like: Aval) -> Any:
    """A number at every place, as `broadcast_to`. The aval keeps that of the 1 where passes begin."""
    kept = like.scalars
    if kept.get("one") is x:
        return kept["spread one"]
    out = broadcast_to(x, like.shape)
    if type(x) is not np.ndarray and x == 1:  # not an array, which can be written
        kept["spread one"], kept["one"] = out, x
    return out


def unbroadcast(x: Any, shape: tuple[int, ...]) -> Any:
    """Sum over the axes that broadcasting from `shape` added or stretched."""
    if x.shape == shape:
        return x
    if not shape:
        return _add(x, axis=None)
    added = len(x.shape) - len(shape)
    stretched = (added + i for i, n in enumerate(shape) if n == 1 and x.shape[added + i] != 1)
    return _add(x, axis=(*range(added), *stretched), keepdims=True).reshape(shape)


def inner(x: Any, y: Any) -> Any:
    """The sum of the products of all elements. Of few, by BLAS: of many, its plain running sums would lose digits."""
    if x.size > _FEW or x.dtype != y.dtype:
        return _add(x * y, axis=None)
    return x.dot(y) if x.ndim == 1 == y.ndim else x.ravel().dot(y.ravel())


def reshape(x: Any, /, shape: Any, *, copy: bool | None = None) -> Any:
    """`np.reshape` without its Python layers."""
    return x.copy().reshape(shape) if copy else x.reshape(shape)


def guard(t: Any, product: Any) -> Any:
    """`product` with 0 where `t` is 0 and a non-finite factor made it NaN. The sum of squares is NaN if anything is."""
    if type(product) is np.ndarray:
        flat = product.ravel("K")
        total = flat.dot(flat)
    else:
        total = product
    if total == total:
        return product
    return np.where((t == 0) & np.isnan(product), product.dtype.type(0), product)


def put(x: Any, key: Any, value: Any) -> Any:
    """A copy of `x` with `value` at `key`."""
    out = x.copy() if type(x) is np.ndarray else np.array(x)
    out[_raw(key)] = value
    return out


def scatter(values: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Zeros of `shape` with `values` added at `key`."""
    out = np.zeros(shape, values.dtype)
    key = _raw(key)
    items = key if isinstance(key, tuple) else (key,)
    if any(isinstance(item, np.ndarray) and item.dtype.kind in "iu" for item in items):
        np.add.at(out, key, values)
    else:
        out[key] = values
    return out


def index_add(values: Any, indices: Any, axis: int, length: int) -> Any:
    """The transpose of `take`."""
    out = np.zeros((*values.shape[:axis], length, *values.shape[axis + 1 :]), values.dtype)
    np.add.at(out, (slice(None),) * axis + (indices,), values)
    return out


def along_axis_add(values: Any, indices: Any, axis: int, length: int) -> Any:
    """The transpose of `take_along_axis`."""
    out = np.zeros((*values.shape[:axis], length, *values.shape[axis + 1 :]), values.dtype)
    grid = np.ogrid[tuple(slice(n) for n in indices.shape)]
    np.add.at(out, (*grid[:axis], indices, *grid[axis + 1 :]), values)
    return out


def _raw(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(getattr(item, "_array", item) for item in key)
    return getattr(key, "_array", key)


def fitted(name: str, avals: tuple[Aval, ...]) -> Any:
    """The same for arrays of these avals alone, where that is a single function of NumPy; else None."""
    x = avals[0]
    if name == "total" and x.dtype.differentiable and x.ndim:
        return _add if x.ndim == 1 else partial(_add, axis=None)
    if name == "inner" and x.ndim == 1 and x.size <= _FEW and avals[1] is x:
        return np.ndarray.dot
    return None


KERNELS: dict[str, Any] = {"matrix_transpose": attrgetter("mT")} | {
    f.__name__: f
    for f in (
        sum,
        total,
        average,
        broadcast_to,
        spread,
        np.matmul,
        reshape,
        guard,
        unbroadcast,
        inner,
        put,
        scatter,
        index_add,
        along_axis_add,
    )
}
