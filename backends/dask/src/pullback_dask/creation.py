"""Creation functions that Dask gets wrong; where the arrays are put is the backend's business."""

from __future__ import annotations

from typing import Any

import array_api_compat.dask.array as compat
import dask.array as da
import numpy as np


def _filled(name: str) -> Any:
    """A creation function of a shape; of none elements, without "auto" for chunks, which divides by zero then."""

    def function(shape: Any, *args: Any, dtype: Any = None) -> Any:
        lengths = (shape,) if isinstance(shape, int) else tuple(shape)
        return getattr(compat, name)(lengths, *args, dtype=dtype, chunks="auto" if all(lengths) else -1)

    return function


empty, full, ones, zeros = map(_filled, ("empty", "full", "ones", "zeros"))


def eye(n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: Any = None) -> Any:
    """Ones on the diagonal number `k`. (`da.eye` loses chunks of matrices that are not square.)"""
    rows, columns = da.arange(n_rows), da.arange(n_rows if n_cols is None else n_cols)
    return (rows[:, None] + k == columns[None, :]).astype(np.float64 if dtype is None else dtype)


class Info:
    """What the namespace says of itself, on the devices that this backend has."""

    def __init__(self) -> None:
        self._library: Any = vars(compat)["__array_namespace_info__"]()
        self.capabilities = self._library.capabilities

    def default_device(self) -> str:
        """Chunks of NumPy."""
        return "dask"

    def default_dtypes(self, /, *, device: Any = None) -> Any:
        """The dtypes of Python numbers, on any device."""
        return self._library.default_dtypes()

    def dtypes(self, /, *, device: Any = None, kind: Any = None) -> Any:
        """All dtypes of a kind, on any device."""
        return self._library.dtypes(kind=kind)
