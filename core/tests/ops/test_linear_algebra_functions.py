"""The products of the main namespace against NumPy and finite differences."""

from __future__ import annotations

from typing import Any

import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, numbered, strided
from pullback import namespace
from pullback.ops import linear_algebra_functions


def matmul(*shapes: tuple[int, ...]) -> tuple[Any, ...]:
    return (lambda xp, x, y: xp.matmul(x, y), *shapes)


ROWS: Rows = {
    "matmul": [
        matmul((2, 3), (3, 4)),
        matmul((2, 3), (3,)),
        matmul((3,), (3, 2)),
        matmul((3,), (3,)),
        matmul((2, 2, 3), (2, 3, 1)),
        matmul((2, 1, 3), (3, 2)),
        matmul((1, 2), (3, 2, 2)),
        matmul((2, 1, 2, 2), (3, 2, 1)),
        matmul((2,), (3, 2, 2)),
        matmul((3, 1, 2), (2,)),
        matmul((2, 0), (0, 3)),
        matmul((0, 2), (2, 2)),
        matmul((1, 1), (1, 1)),
        (lambda xp, x: xp.matmul(x, x), (2, 2)),
        (lambda xp, x, y: x @ y, (2, 3), (3, 2)),
    ],
    "matrix_transpose": [
        (lambda xp, x: xp.matrix_transpose(x), (2, 3)),
        (lambda xp, x: xp.matrix_transpose(x), (2, 1, 3)),
        (lambda xp, x: x.mT, (2, 0)),
        (lambda xp, x: x.T, (2, 3)),
    ],
    "tensordot": [
        (lambda xp, x, y: xp.tensordot(x, y), (2, 3, 2), (3, 2, 2)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=1), (2, 3), (3, 2)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=0), (2,), (3,)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=((0, 2), (1, 0))), (2, 3, 4), (4, 2)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=((-1,), (-2,))), (2, 3), (3, 2)),
        (lambda xp, x, y: xp.tensordot(x, y, axes=1), (2, 0), (0, 2)),
    ],
    "vecdot": [
        (lambda xp, x, y: xp.vecdot(x, y), (3,), (3,)),
        (lambda xp, x, y: xp.vecdot(x, y), (2, 3), (3,)),
        (lambda xp, x, y: xp.vecdot(x, y, axis=-2), (3, 2), (3, 1)),
        (lambda xp, x, y: xp.vecdot(x, y), (2, 1, 2), (3, 2)),
    ],
}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[linear_algebra_functions]) == set(ROWS)


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize(("call", "arguments"), numbered({"matmul": ROWS["matmul"][:4], "vecdot": ROWS["vecdot"][:2]}))
def test_real_by_complex(call: Any, arguments: list[Any], device: str) -> None:
    (x, y), (z, w) = gaussian(arguments), gaussian(arguments, "complex")
    check_derivatives(call, [x, w], device=device)
    check_derivatives(call, [z, y], device=device)


@pytest.mark.parametrize(
    "call",
    [
        lambda: pb.matmul(pb.ones(2, 3), pb.ones(2, 3)),
        lambda: pb.tensordot(pb.ones(2, 3), pb.ones(2, 3), axes=1),
        lambda: pb.vecdot(pb.ones(2), pb.ones(3)),
    ],
)
def test_misfits_raise(call: Any, device: str) -> None:
    with pytest.raises(ValueError, match=r"2|3"):
        call()


def test_a_scalar_has_no_matrix_product(device: str) -> None:
    with pytest.raises((ValueError, RuntimeError)):
        pb.matmul(pb.tensor(1.0), pb.ones(2))
    with pytest.raises(TypeError):
        pb.ones(2) @ 2.0


@pytest.mark.parametrize("lengths", [(1, 3), (3, 1), (0, 1)])
def test_vecdot_does_not_broadcast_the_vectors(lengths: tuple[int, int], device: str) -> None:
    with pytest.raises(ValueError, match="differ in length"):
        pb.vecdot(pb.ones((2, lengths[0])), pb.ones((2, lengths[1])))


def test_vecdot_keeps_a_small_integer_dtype(device: str) -> None:
    x = pb.asarray([100, 100, 100], dtype=pb.uint8)
    out = pb.vecdot(x, pb.ones(3, dtype=pb.uint8))
    assert (out.dtype, int(out)) == (pb.uint8, 300 % 256)
