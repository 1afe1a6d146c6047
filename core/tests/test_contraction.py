"""`einsum` agrees with NumPy's, and its derivatives with finite differences."""

from __future__ import annotations

import numpy as np
import pullback as pb
import pytest
from helpers.checks import check_derivatives

Shapes = list[tuple[int, ...]]

CASES: list[tuple[str, Shapes]] = [
    ("ij,jk->ik", [(2, 3), (3, 4)]),
    ("ij,jk,kl", [(2, 3), (3, 2), (2, 2)]),
    ("ij,kj->ik", [(2, 3), (4, 3)]),
    ("ii", [(3, 3)]),
    ("iii->i", [(2, 2, 2)]),
    ("iij->ij", [(2, 2, 3)]),
    ("iij,i->j", [(2, 2, 3), (2,)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (2, 3, 2)]),
    ("i...->...", [(2, 3, 2)]),
    ("...", [(2, 3)]),
    ("ji", [(2, 3)]),
    ("ij->", [(2, 3)]),
    ("i,j", [(2,), (3,)]),
    ("ij,ij->i", [(2, 3), (2, 3)]),
    ("ij,ij->ij", [(1, 3), (2, 3)]),
    ("a,a,a->a", [(3,), (3,), (3,)]),
    ("ab,cd->dbca", [(2, 3), (2, 2)]),
    (",", [(), ()]),
    ("ij,jk->ik", [(2, 0), (0, 3)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), CASES)
@pytest.mark.parametrize("dtype", [float, complex])
def test_values_and_derivatives(subscripts: str, shapes: Shapes, dtype: type, device: str) -> None:
    rng = np.random.default_rng(7)
    arrays = [np.asarray(rng.standard_normal(shape) + (1j if dtype is complex else 0.0)) for shape in shapes]

    def call(xp, *operands):
        return (pb if isinstance(operands[0], pb.Tensor) else np).einsum(subscripts, *operands)

    check_derivatives(call, arrays, device=device)


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message"),
    [
        ("ij,jk", [(2, 3)], "describes 2 operands, 1"),
        ("ij", [(2,)], "names 2 axes, the operand has 1"),
        ("i", [(2, 3)], "names 1 axes, the operand has 2"),
        ("ij->ik", [(2, 3)], "output"),
        ("ij->ii", [(2, 3)], "output"),
        ("i1->i", [(2, 3)], "letters"),
        ("ij,jk", [(2, 3), (4, 5)], "both lengths 3 and 4"),
        ("ii", [(1, 3)], "diagonal"),
    ],
)
def test_subscripts_that_do_not_fit_are_refused(subscripts: str, shapes: Shapes, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pb.einsum(subscripts, *[pb.zeros(*shape) for shape in shapes])
