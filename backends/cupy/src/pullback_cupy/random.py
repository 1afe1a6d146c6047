"""Random numbers of a GPU, drawn where they are needed.

Streams of CuPy cannot be saved. So each draw has a stream of its own, from the seed and the number of the draw on its
device: two integers, which pickle, are all the state there is, and reading it waits for nothing. A program gives the
same numbers on every GPU.

CuPy reduces whatever seed it is given to 32 bits, so seeds of draws that are hashed would soon meet: among 100,000 draws
two would have the same numbers. Those here count up from the hash of the user's seed: no two of 2**32 draws meet.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from typing import Any, Final

import numpy as np

_STATES: Final = 1 << 18  # threads that draw at once: CuPy makes a state for each, and draws more in several goes


class CuPyGenerator:
    """What `pb.Generator` draws from on GPUs."""

    def __init__(self, cupy: Any, seed: int | None) -> None:
        self._cupy = cupy
        self._seed = int.from_bytes(os.urandom(8)) if seed is None else seed
        self._drawn: dict[int, int] = {}  # device -> how often numbers were drawn there

    def _first(self) -> int:
        """The seed of the first draw."""
        return int(np.random.SeedSequence(self._seed).generate_state(1, np.uint32)[0])

    def get_state(self) -> Any:
        """Where the streams stand, as data that pickles."""
        return {"seed": self._seed, "drawn": dict(self._drawn)}

    def set_state(self, state: Any) -> None:
        """Go on from there."""
        self._seed, self._drawn = state["seed"], dict(state["drawn"])

    def normal(self, shape: tuple[int, ...], dtype: Any, device: int) -> Any:
        """From the standard normal distribution; complex numbers have variance 1."""

        def draw(source: Any) -> Any:
            if dtype.kind != "c":
                return source.standard_normal(shape, _drawn_as(dtype)).astype(dtype, copy=False)
            parts = source.standard_normal((2, *shape), _part(dtype)) * _part(dtype).type(math.sqrt(0.5))
            return (parts[0] + 1j * parts[1]).astype(dtype, copy=False)

        return self._draw(draw, shape, device)

    def uniform(self, shape: tuple[int, ...], dtype: Any, device: int) -> Any:
        """From the uniform distribution on [0, 1); both parts of complex numbers."""

        def draw(source: Any) -> Any:
            if dtype.kind != "c":
                return source.random(shape, _drawn_as(dtype)).astype(dtype, copy=False)
            parts = source.random((2, *shape), _part(dtype))
            return (parts[0] + 1j * parts[1]).astype(dtype, copy=False)

        return self._draw(draw, shape, device)

    def integers(self, low: int, high: int, shape: tuple[int, ...], dtype: Any, device: int) -> Any:
        """Uniform integers in [low, high)."""
        wide = self._cupy.dtype("uint64" if high > 2**63 else "int64")
        return self._draw(
            lambda source: source.integers(low, high, shape, wide).astype(dtype, copy=False), shape, device
        )

    def _draw(self, draw: Callable[[Any], Any], shape: tuple[int, ...], device: int) -> Any:
        number = self._drawn.get(device, 0)
        random = self._cupy.random
        with self._cupy.cuda.Device(device):
            states = min(2 * math.prod(shape) + 1, _STATES)
            made = draw(random.Generator(random.Philox4x3210(_Exactly(self._first() + number), size=states)))
        self._drawn[device] = number + 1  # now that it worked
        return made


def _part(dtype: Any) -> Any:
    """The dtype of the two parts of complex numbers."""
    return dtype.type(0).real.dtype


def _drawn_as(dtype: Any) -> Any:
    """The dtype in which CuPy draws: single and double precision are what it has."""
    return dtype if dtype.itemsize >= 4 else dtype.type(0).astype("float32").dtype


class _Exactly(np.random.SeedSequence):
    """What CuPy asks for 32 bits, with the answer known: the number itself."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self._number = number % 2**32

    def generate_state(self, n_words: int, dtype: Any = np.uint32) -> Any:
        """The number, as many times as there are words."""
        return np.full(n_words, self._number, dtype)
