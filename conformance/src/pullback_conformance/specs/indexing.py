"""Indexing functions, and indexing itself: duplicates among the indices add up."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Domain, Fails, case
from pullback_conformance.specs.base import row

TWICE = np.asarray([2, 0, 2])
BACK = np.asarray([-1, 0, -1])
COLUMNS = np.asarray([[1, 0], [1, 1]])
X, INDEX = Arg("x"), Arg("indices", Domain(0, 1, shape_of="bits"), "integer")


def _getitem(_: Any, x: Any, *indices: Any, key: Any = None) -> Any:
    """`x[key]` with the index arrays in the places of the Nones of the key."""
    arrays = iter(indices)
    items = tuple(next(arrays) if item == "array" else item for item in key)
    return x[items if len(items) != 1 else items[0]]


def _put(xp: Any, x: Any, value: Any, *, key: Any) -> Any:
    """`x[key] = value` on a copy: over NumPy as NumPy does it, over Tensors in place on an intermediate."""
    out = xp.asarray(x, copy=True) if isinstance(x, np.ndarray) else x * 1
    out[key] = value
    return out


MASK = np.asarray([[True, False, True], [False, True, True]])

SPECS = [
    row(
        "take",
        X,
        INDEX,
        kind="structural",
        complex="general",
        cases=[
            *(case((3, 2), index, axis=0) for index in (TWICE, BACK, TWICE[:0])),
            case((2, 3), TWICE, axis=-1),
            case((2, 3, 2), TWICE, axis=1),
            case((3, 3), TWICE, axis=1),
            case((3,), TWICE, axis=0),
        ],
        errors=[Fails((np.zeros(2), np.asarray([5])), IndexError, kwargs={"axis": 0})],
        module="indexing",
    ),
    row(
        "take_along_axis",
        X,
        INDEX,
        kind="structural",
        complex="general",
        cases=[
            *(case((2, 2), COLUMNS, axis=axis) for axis in (0, 1, -1)),
            case((2, 3), -1 - COLUMNS, axis=-1),
            case((4,), BACK, axis=0),
        ],
        module="indexing",
    ),
    row(
        "__getitem__",
        X,
        over=_getitem,
        kind="structural",
        complex="general",
        cases=[
            *(case((4,), key=(key,)) for key in (1, -1, slice(1, None), slice(None, None, -2), None, Ellipsis)),
            case((2, 3), key=(0, slice(None, None, 2))),
            case((2, 3), key=(Ellipsis, -1)),
            case((2, 3), MASK, key=("array",)),
            case((3, 2), TWICE, key=("array",)),
            case((3, 2), TWICE, key=("array", Ellipsis)),
            case((2, 3), np.asarray([0, 1, 0]), TWICE, key=("array", "array")),
            case((0, 2), key=(slice(None),)),
        ],
        errors=[Fails((np.zeros(2),), IndexError, kwargs={"key": (7,)})],
        module="array object",
    ),
    row(
        "__setitem__",
        X,
        Arg("value"),
        over=_put,
        kind="structural",
        complex="general",
        cases=[
            case((4,), (), key=1),
            case((4,), (2,), key=slice(0, 2)),
            case((2, 3), (3,), key=0),
            case((2, 3), (2, 1), key=Ellipsis),
        ],
        module="array object",
    ),
]
