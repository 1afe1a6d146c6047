"""Functions of the namespace that CuPy does better in another way, or has in part. Same results.

Adding at indices is where the general form, written in the standard alone, is worst on a GPU: it multiplies by a matrix
of ones and zeros, or sorts. CuPy adds atomically. Where an index comes up three times or more, the order of the additions
and with it the last digits may differ from run to run.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def build(cupy: Any) -> dict[str, Callable[..., Any]]:
    """The functions, by the names that they replace."""

    def added(shape: tuple[int, ...], key: Any, values: Any) -> Any:
        """Zeros of `shape` with `values` added at `key`."""
        import cupyx  # noqa: PLC0415  comes with CuPy

        out = cupy.zeros(shape, values.dtype)
        cupyx.scatter_add(out, key, values)
        return out

    def scatter(values: Any, key: Any, shape: tuple[int, ...]) -> Any:
        """Zeros of `shape` with `values` added at `key`: the transpose of `x[key]`."""
        key = _raw(key)
        items = key if isinstance(key, tuple) else (key,)
        if any(hasattr(item, "dtype") and item.dtype.kind in "iu" for item in items):
            return added(shape, key, values)
        out = cupy.zeros(shape, values.dtype)
        out[key] = values  # no element twice
        return out

    def index_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        """The transpose of `take`: equal indices add up."""
        shape = (*values.shape[:axis], length, *values.shape[axis + 1 :])
        return added(shape, ((slice(None),) * axis + (indices,)), values)

    def along_axis_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        """The transpose of `take_along_axis`."""
        axis %= values.ndim
        shape = (*values.shape[:axis], length, *values.shape[axis + 1 :])
        key = [cupy.reshape(cupy.arange(n), (-1,) + (1,) * (values.ndim - 1 - i)) for i, n in enumerate(indices.shape)]
        key[axis] = indices
        return added(shape, tuple(key), values)

    def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
        """`cupy.repeat` takes numbers of repeats as Python integers only: an array of them becomes indices."""
        if not isinstance(repeats, cupy.ndarray):
            return cupy.repeat(x, repeats, axis=axis)
        x = cupy.ravel(x) if axis is None else x
        along = 0 if axis is None else axis
        ends = cupy.cumsum(cupy.broadcast_to(repeats, (x.shape[along],)))
        total = int(ends[-1]) if ends.size else 0  # the shape of the result depends on data, so the host must wait
        return cupy.take(x, cupy.searchsorted(ends, cupy.arange(total), side="right"), axis=along)

    def inner(x: Any, y: Any) -> Any:
        """The sum of the products of all elements, by cuBLAS: one pass over both, and no array of products."""
        if x.dtype != y.dtype or x.dtype.kind not in "fc" or not x.size:
            return cupy.sum(x * y)
        return cupy.dot(cupy.ravel(x), cupy.ravel(y))

    made = (scatter, index_add, along_axis_add, repeat, inner)
    return {function.__name__: function for function in made}


def _raw(key: Any) -> Any:
    if isinstance(key, tuple):
        return tuple(getattr(item, "_array", item) for item in key)
    return getattr(key, "_array", key)
