"""Random Dask arrays: what fits one chunk has the numbers of the NumPy backend; each chunk of more has its own stream."""

from __future__ import annotations

from typing import Any

import dask.array as da
import numpy as np
from dask.array.core import normalize_chunks
from pullback_numpy.random import NumPyGenerator


class DaskGenerator:
    """What `pb.Generator` draws from on Dask.

    An array of one chunk is drawn at once, by NumPy's generator: a program that fits one chunk prints what it prints on
    the host. The chunks of a larger one are drawn where and when they are computed, each from a seed of its own that
    comes from the same stream: equal seeds and equal chunks give equal numbers, on any number of workers.
    """

    def __init__(self, seed: int | None, place: Any) -> None:
        self._source = NumPyGenerator(seed)
        self._place = place  # (array, device) -> the array there
        self.get_state = self._source.get_state
        self.set_state = self._source.set_state

    def normal(self, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """From the standard normal distribution."""
        return self._draw("normal", (), shape, dtype, device)

    def uniform(self, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """From the uniform distribution on [0, 1)."""
        return self._draw("uniform", (), shape, dtype, device)

    def integers(self, low: int, high: int, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """Uniform integers in [low, high)."""
        return self._draw("integers", (low, high), shape, dtype, device)

    def _draw(self, kind: str, bounds: tuple[int, ...], shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        chunks = normalize_chunks("auto", shape, dtype=dtype)
        blocks = tuple(map(len, chunks))
        if max(blocks, default=1) <= 1:
            drawn = getattr(self._source, kind)(*bounds, shape, dtype, None)
            return self._place(da.from_array(drawn, chunks=-1, name=False), device)
        seeds = self._source.integers(0, 2**63, blocks, np.dtype(np.int64), None)
        drawn = da.from_array(seeds, chunks=1, name=False).map_blocks(
            _drawn,
            kind=kind,
            bounds=bounds,
            of=dtype,
            chunks=chunks,
            dtype=dtype,
            meta=np.empty((0,) * len(shape), dtype),
        )
        return self._place(drawn, device)


def _drawn(seed: Any, kind: str, bounds: tuple[int, ...], of: Any, block_info: Any = None) -> Any:
    """The numbers of one chunk."""
    return getattr(NumPyGenerator(int(seed.item())), kind)(*bounds, block_info[None]["chunk-shape"], of, None)
