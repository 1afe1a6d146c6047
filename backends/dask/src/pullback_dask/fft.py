"""Fourier transforms of Dask arrays: whole along the axes that are transformed, in parallel over the others."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import array_api_compat.dask.array.fft as compat
import numpy as np

from pullback_dask.chunked import along


def _one(name: str) -> Any:
    """A transform along one axis."""

    def function(x: Any, /, *, n: int | None = None, axis: int = -1, norm: str = "backward") -> Any:
        axis %= x.ndim
        have = x.shape[axis]
        points = n if n is not None else 2 * (have - 1) if name == "irfft" else have
        length = points // 2 + 1 if name == "rfft" else points
        dtype = np.empty(0, x.dtype).real.dtype if name == "irfft" else np.result_type(x.dtype, np.complex64)
        return along(f"fft.{name}", x, core=(axis,), dtype=dtype, lengths=(length,), n=n, axis=axis, norm=norm)

    return function


def _many(name: str) -> Any:
    """A transform along several axes."""

    def function(x: Any, /, *, s: Any = None, axes: Any = None, norm: str = "backward") -> Any:
        if axes is None:
            axes = range(x.ndim - len(s), x.ndim) if s is not None else range(x.ndim)
        core = tuple(axis % x.ndim for axis in axes)
        lengths = [x.shape[axis] for axis in core] if s is None else list(s)
        dtype = np.result_type(x.dtype, np.complex64)
        return along(f"fft.{name}", x, core=core, dtype=dtype, lengths=lengths, s=s, axes=core, norm=norm)

    return function


def namespace() -> ModuleType:
    """The extension `fft` of the namespace: what is above, and the rest of Dask's."""
    module = ModuleType("pullback_dask.fft")
    vars(module).update({name: getattr(compat, name) for name in dir(compat) if not name.startswith("_")})
    vars(module).update({name: _one(name) for name in ("fft", "ifft", "rfft", "irfft")})
    vars(module).update({name: _many(name) for name in ("fftn", "ifftn")})
    return module
