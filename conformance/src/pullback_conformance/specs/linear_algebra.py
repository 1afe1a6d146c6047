"""Products of the main namespace, and their aliases in linalg."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Fails, OpSpec, case
from pullback_conformance.specs.base import row


def product(name: str, *cases: Any, **options: Any) -> OpSpec:
    """An op that is linear in either of two arrays."""
    return row(name, Arg("x1"), Arg("x2"), kind="matrix", complex="general", cases=cases, **options)


MATMUL = (
    *(case(a, b) for a, b in [((2, 3), (3, 4)), ((2, 3), (3,)), ((3,), (3, 2)), ((3,), (3,)), ((2, 2), (2, 2))]),
    *(case(a, b) for a, b in [((2, 2, 3), (2, 3, 1)), ((2, 1, 3), (3, 2)), ((1, 2), (3, 2, 2)), ((2,), (3, 2, 2))]),
    *(case(a, b) for a, b in [((2, 1, 2, 2), (3, 2, 1)), ((3, 1, 2), (2,)), ((2, 0), (0, 3)), ((0, 2), (2, 2))]),
    case((1, 1), (1, 1)),
)
TENSORDOT = (
    case((2, 3, 2), (3, 2, 2)),
    case((2, 3), (3, 2), axes=1),
    case((2,), (3,), axes=0),
    case((2, 3, 4), (4, 2), axes=((0, 2), (1, 0))),
    case((2, 2), (2, 2), axes=((0,), (1,))),
    case((2, 0), (0, 2), axes=1),
)
VECDOT = (case((3,), (3,)), case((2, 3), (3,)), case((3, 2), (3, 1), axis=-2), case((2, 1, 2), (3, 2)))
TRANSPOSED = (case((2, 3)), case((2, 1, 3)), case((2, 0)), case((2, 2)))
_REFUSED = [Fails((np.zeros((2, 3)), np.zeros((2, 3))), ValueError)]
_UNEQUAL = [Fails((np.zeros((2, 3)), np.zeros((2, 3))), ValueError, kwargs={"axes": 1})]

SPECS = [
    spec
    for prefix, module in (("", "linear_algebra"), ("linalg.", "linalg"))
    for spec in (
        product(f"{prefix}matmul", *MATMUL, module=module, errors=_REFUSED),
        product(f"{prefix}tensordot", *TENSORDOT, module=module, errors=_UNEQUAL),
        product(f"{prefix}vecdot", *VECDOT, module=module),
        row(
            f"{prefix}matrix_transpose",
            Arg("x"),
            kind="structural",
            complex="general",
            cases=TRANSPOSED,
            module=module,
            errors=[Fails((np.zeros(3),), ValueError)],
        ),
    )
]
