"""Chunks of a few elements, and a scheduler that counts how often it is called."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import dask
import pytest


class Counter:
    """A scheduler that runs in this thread; `calls` says how often it did."""

    def __init__(self) -> None:
        self.calls = 0

    def __call__(self, dsk: Any, keys: Any, **options: Any) -> Any:
        self.calls += 1
        return dask.get(dsk, keys, **options)


@pytest.fixture
def computes() -> Iterator[Counter]:
    """Inside, what is computed is counted, and arrays of a few elements have several chunks."""
    counter = Counter()
    with dask.config.set({"scheduler": counter, "array.chunk-size": "48B"}):
        yield counter
