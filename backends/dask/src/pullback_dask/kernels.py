"""Functions of the standard that Dask lacks, or gets wrong, or does in memory of no bound; and those that it refuses."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import dask.array as da
import numpy as np
from pullback.errors import DegenerateError
from pullback.extend import ArgumentError

from pullback_dask import fft, indexing, linalg
from pullback_dask.chunked import along, elementwise


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """Sorted along `axis`, which one task holds whole."""
    axis %= x.ndim
    return along("sort", x, core=(axis,), dtype=x.dtype, axis=axis, descending=descending, stable=stable)


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The positions that sort along `axis`, which one task holds whole."""
    axis, dtype = axis % x.ndim, np.dtype(np.int64)
    return along("argsort", x, core=(axis,), dtype=dtype, axis=axis, descending=descending, stable=stable)


def repeat(x: Any, repeats: Any, /, *, axis: int | None = None) -> Any:
    """Each element repeated along `axis`, equally often: another length is not known before it is computed."""
    if hasattr(repeats, "dtype"):
        raise ArgumentError(f"repeat: {indexing.UNKNOWN.format(what='repeat(x, array)')}")
    return da.repeat(x, repeats, axis=axis)


def reshape(x: Any, /, shape: tuple[int, ...], *, copy: bool | None = None) -> Any:  # noqa: ARG001  nothing is written
    """Another shape; where Dask has no direct way (lengths that share no factors), through one dimension."""
    try:
        return da.reshape(x, shape)
    except NotImplementedError:
        return da.reshape(da.reshape(x, (-1,)), shape)


def tile(x: Any, repetitions: tuple[int, ...], /) -> Any:
    """Copies side by side; of none, an empty array."""
    lengths = (1,) * (len(repetitions) - x.ndim) + x.shape
    times = (1,) * (x.ndim - len(repetitions)) + tuple(repetitions)
    shape = tuple(n * k for n, k in zip(lengths, times, strict=True))
    return da.tile(x, repetitions) if all(shape) else da.empty_like(x, shape=shape, chunks=-1)


def guard(t: Any, product: Any) -> Any:
    """`product` with 0 where `t` is 0 and a non-finite factor made it NaN, in one task for each chunk."""
    return elementwise("guard", t, product, dtype=product.dtype)


def refuse_if(x: Any, mask: Any, message: str) -> Any:
    """`x`, whose tasks raise `DegenerateError` if the mask is true anywhere."""
    return elementwise(partial(_checked, message), x, mask.any(), dtype=x.dtype)


def _checked(message: str, x: Any, bad: Any) -> Any:
    if bad:
        raise DegenerateError(message)
    return x


def _refused(name: str) -> Callable[..., Any]:
    def function(*_operands: Any) -> Any:
        raise ArgumentError(f"{name}: {indexing.UNKNOWN.format(what=f'{name}(x)')}")

    return function


REFUSED = ("nonzero", "unique_all", "unique_counts", "unique_inverse", "unique_values")

KERNELS: dict[str, Any] = {
    f.__name__: f
    for f in (
        *(sort, argsort, repeat, reshape, tile, guard, refuse_if),
        *(indexing.getitem, indexing.put, indexing.scatter, indexing.take, indexing.index_add),
        *(indexing.take_along_axis, indexing.along_axis_add, indexing.searchsorted),
        *(linalg.adjugate, linalg.matmul),
    )
}
KERNELS |= {name: _refused(name) for name in REFUSED}
KERNELS |= {"linalg": linalg.namespace(), "fft": fft.namespace()}
