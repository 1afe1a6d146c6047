"""Searching and set functions. Only `where` has a derivative, and it selects: it never multiplies by a mask."""

from __future__ import annotations

import numpy as np

from pullback_conformance.spec import Arg, Domain, case
from pullback_conformance.specs.base import row

MASK = np.asarray([[True, False, True], [False, True, True]])
CONDITION = Arg("condition", Domain(0, 1, shape_of="bits"), "bool")
INTEGERS = Arg("x", Domain(0, 3, shape_of="bits"), "integer")
DISTINCT = Arg("x", Domain(-2, 2, shape_of="distinct"))
_OVER = [case((2, 3), axis=axis, keepdims=keep) for axis in (None, 0, -1) for keep in (False, True)]

SPECS = [
    row(
        "where",
        CONDITION,
        Arg("x1"),
        Arg("x2"),
        kind="structural",
        complex="general",
        cases=[
            case(MASK, (2, 3), (2, 3)),
            case(MASK, (3,), (2, 1)),
            case(MASK[0], (2, 1), ()),
            case(np.asarray(True), (2,), (1,)),
            case(MASK[:, :2], (2, 2), (2, 1)),
            case(MASK[:0], (3,), (1, 1)),
        ],
        module="searching",
    ),
    *(row(name, DISTINCT, kind="constant", cases=_OVER, module="searching") for name in ("argmax", "argmin")),
    row("count_nonzero", INTEGERS, kind="constant", cases=_OVER, module="searching"),
    row("nonzero", INTEGERS, kind="constant", cases=[case((4,)), case((2, 3))], module="searching"),
    row(
        "searchsorted",
        Arg("x1"),
        Arg("x2"),
        kind="constant",
        samples=lambda rng: [
            (side, (np.asarray([1.0, 2.0, 2.0, 5.0]), np.asarray([2.0, 0.0, 7.0])), {"side": side})
            for side in ("left", "right")
        ],
        module="searching",
    ),
    row(
        "isin",
        INTEGERS,
        INTEGERS,
        kind="constant",
        cases=[case((2, 3), (2,)), case((4,), (2,), invert=True)],
        module="set",
    ),
    *(
        row(name, INTEGERS, over=over, kind="constant", cases=[case((5,)), case((2, 3))], module="set")
        for name, over in (
            ("unique_all", lambda xp, x: tuple(xp.unique_all(x))),
            ("unique_counts", lambda xp, x: tuple(xp.unique_counts(x))),
            ("unique_inverse", lambda xp, x: tuple(xp.unique_inverse(x))),
            ("unique_values", lambda xp, x: xp.unique_values(x)),
        )
    ),
]
