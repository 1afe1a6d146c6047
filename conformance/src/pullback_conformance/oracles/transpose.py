"""Oracle 5: the matrix of a linear map, column by column, from integer data: its transpose is exact."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np


def matrix(function: Callable[[Any], Any], shape: tuple[int, ...], dtype: Any) -> np.ndarray:
    """The matrix of a linear `function` of an array of `shape`, over the flattened input and output."""
    columns = []
    for index in np.ndindex(*shape):
        unit = np.zeros(shape, dtype=dtype)
        unit[index] = 1
        columns.append(np.ravel(np.asarray(function(unit))))
    return np.stack(columns, axis=-1) if columns else np.zeros((0, 0), dtype=dtype)
