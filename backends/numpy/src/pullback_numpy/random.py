"""Random numbers from NumPy's default generator."""

from __future__ import annotations

from typing import Any

import numpy as np


class NumPyGenerator:
    """What `pb.Generator` draws from. Numbers are drawn in float64 and rounded, so that dtypes see the same stream."""

    def __init__(self, seed: int | None) -> None:
        self._source = np.random.default_rng(seed)

    def get_state(self) -> Any:
        """Where the stream of numbers stands, as data that pickles."""
        return self._source.bit_generator.state

    def set_state(self, state: Any) -> None:
        """Go on from there."""
        self._source.bit_generator.state = state

    def normal(self, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """From the standard normal distribution; complex numbers have variance 1."""
        if np.issubdtype(dtype, np.complexfloating):
            parts = self._source.standard_normal((2, *shape)) / np.sqrt(2)
            return np.asarray(parts[0] + 1j * parts[1]).astype(dtype)
        return np.asarray(self._source.standard_normal(shape)).astype(dtype)

    def uniform(self, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """From the uniform distribution on [0, 1); both parts of complex numbers."""
        if np.issubdtype(dtype, np.complexfloating):
            parts = self.uniform((2, *shape), np.finfo(dtype).dtype, device)
            return np.asarray(parts[0] + 1j * parts[1]).astype(dtype)
        drawn = np.asarray(self._source.random(shape)).astype(dtype)
        return np.where(drawn == 1, dtype.type(0), drawn) if dtype.itemsize < 8 else drawn  # rounding can reach 1

    def integers(self, low: int, high: int, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """Uniform integers in [low, high)."""
        drawn_as = np.uint64 if high > 2**63 else np.int64
        return np.asarray(self._source.integers(low, high, shape, dtype=drawn_as)).astype(dtype)
