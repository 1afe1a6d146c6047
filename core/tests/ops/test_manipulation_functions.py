"""Every manipulation function against NumPy and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb
import pytest
from helpers.checks import Rows, check_derivatives, gaussian, numbered, strided, tensor
from pullback import namespace
from pullback.errors import ArgumentError
from pullback.ops import manipulation_functions

ROWS: Rows = {
    "broadcast_arrays": [
        (lambda xp, x, y: xp.broadcast_arrays(x, y), (2, 1), (3,)),
        (lambda xp, x, y: xp.broadcast_arrays(x, y, x), (), (2,)),
    ],
    "broadcast_to": [
        (lambda xp, x: xp.broadcast_to(x, (2, 3)), (3,)),
        (lambda xp, x: xp.broadcast_to(x, (2, 2)), (2, 1)),
        (lambda xp, x: xp.broadcast_to(x, (2, 2, 2)), (1, 2)),
        (lambda xp, x: xp.broadcast_to(x, (2, 2)), ()),
        (lambda xp, x: xp.broadcast_to(x, (2, 0)), (2, 1)),
        (lambda xp, x: xp.broadcast_to(x, (1, 2)), (1, 2)),
    ],
    "concat": [
        (lambda xp, x, y: xp.concat([x, y]), (2,), (1,)),
        (lambda xp, x, y, z: xp.concat((x, y, z), axis=-1), (2, 1), (2, 3), (2, 2)),
        (lambda xp, x, y: xp.concat([x, y, x], axis=0), (1, 2), (2, 2)),
        (lambda xp, x, y: xp.concat([x, y], axis=None), (2, 2), (3,)),
        (lambda xp, x, y: xp.concat([x, y], axis=1), (2, 0), (2, 2)),
        (lambda xp, x: xp.concat([x]), (2,)),
    ],
    "expand_dims": [
        (lambda xp, x: xp.expand_dims(x, axis=0), (3,)),
        (lambda xp, x: xp.expand_dims(x, axis=-1), (2, 3)),
        (lambda xp, x: xp.expand_dims(x, axis=(0, 2)), (2, 2)),
        (lambda xp, x: xp.expand_dims(x, axis=0), ()),
    ],
    "flip": [
        (lambda xp, x: xp.flip(x), (2, 3)),
        (lambda xp, x: xp.flip(x, axis=0), (2, 3)),
        (lambda xp, x: xp.flip(x, axis=-1), (2, 3)),
        (lambda xp, x: xp.flip(x, axis=(0, 2)), (2, 1, 3)),
        (lambda xp, x: xp.flip(x), ()),
    ],
    "moveaxis": [
        (lambda xp, x: xp.moveaxis(x, 0, -1), (2, 3, 1)),
        (lambda xp, x: xp.moveaxis(x, (0, 1), (2, 0)), (2, 3, 2)),
        (lambda xp, x: xp.moveaxis(x, -1, 0), (0, 2)),
    ],
    "permute_dims": [
        (lambda xp, x: xp.permute_dims(x, (1, 2, 0)), (2, 3, 2)),
        (lambda xp, x: xp.permute_dims(x, (2, 0, 1)), (1, 2, 3)),
        (lambda xp, x: xp.permute_dims(x, (-1, 0)), (2, 3)),
        (lambda xp, x: xp.permute_dims(x, ()), ()),
    ],
    "repeat": [
        (lambda xp, x: xp.repeat(x, 2), (2, 2)),
        (lambda xp, x: xp.repeat(x, 2, axis=0), (2, 2)),
        (lambda xp, x: xp.repeat(x, 3, axis=-1), (2, 2)),
        (lambda xp, x: xp.repeat(x, 0, axis=0), (2, 2)),
        (lambda xp, x, n: xp.repeat(x, n, axis=1), (2, 3), np.asarray([2, 0, 1])),
        (lambda xp, x, n: xp.repeat(x, n), (3,), np.asarray([1, 2, 3])),
    ],
    "reshape": [
        (lambda xp, x: xp.reshape(x, (6,)), (2, 3)),
        (lambda xp, x: xp.reshape(x, (-1, 2)), (2, 3)),
        (lambda xp, x: xp.reshape(x, (3, 2), copy=True), (2, 3)),
        (lambda xp, x: xp.reshape(x, ()), (1, 1)),
        (lambda xp, x: xp.reshape(x, (1,)), ()),
        (lambda xp, x: xp.reshape(x, (3, 0)), (0, 2)),
    ],
    "roll": [
        (lambda xp, x: xp.roll(x, 1), (2, 3)),
        (lambda xp, x: xp.roll(x, -1, axis=0), (3, 2)),
        (lambda xp, x: xp.roll(x, (1, 2), axis=(0, -1)), (3, 4)),
        (lambda xp, x: xp.roll(x, 1, axis=(0, 1)), (2, 3)),
        (lambda xp, x: xp.roll(x, 7, axis=1), (2, 3)),
    ],
    "squeeze": [
        (lambda xp, x: xp.squeeze(x, axis=0), (1, 3)),
        (lambda xp, x: xp.squeeze(x, axis=-1), (2, 1)),
        (lambda xp, x: xp.squeeze(x, axis=(0, 2)), (1, 2, 1)),
    ],
    "stack": [
        (lambda xp, x, y: xp.stack([x, y]), (2,), (2,)),
        (lambda xp, x, y: xp.stack([x, y], axis=-1), (2, 3), (2, 3)),
        (lambda xp, x, y: xp.stack([x, y, x], axis=1), (2, 2), (2, 2)),
        (lambda xp, x, y: xp.stack([x, y]), (), ()),
    ],
    "tile": [
        (lambda xp, x: xp.tile(x, (2,)), (3,)),
        (lambda xp, x: xp.tile(x, (2, 3)), (2, 1)),
        (lambda xp, x: xp.tile(x, (2, 1, 2)), (1, 2)),
        (lambda xp, x: xp.tile(x, (3,)), (2, 2)),
        (lambda xp, x: xp.tile(x, (0, 1)), (2, 2)),
    ],
    "unstack": [
        (lambda xp, x: xp.unstack(x), (2, 3)),
        (lambda xp, x: xp.unstack(x, axis=-1), (2, 3)),
        (lambda xp, x: xp.unstack(x)[1], (3,)),
    ],
}
NOTHING_TO_DIFFERENTIATE = {"broadcast_shapes"}


def test_every_differentiable_function_has_a_row() -> None:
    assert set(namespace.CHAPTERS[manipulation_functions]) == set(ROWS) | NOTHING_TO_DIFFERENTIATE


@pytest.mark.parametrize("kind", ["real", "complex"])
@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_derivatives(call: Any, arguments: list[Any], kind: str, device: str) -> None:
    check_derivatives(call, gaussian(arguments, kind), device=device)


@pytest.mark.parametrize(("call", "arguments"), numbered(ROWS))
def test_non_contiguous_memory(call: Any, arguments: list[Any], device: str) -> None:
    check_derivatives(call, gaussian(arguments), device=device, make=strided, order=1)


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [
        (((2, 1), (3,)), (2, 3)),
        (((), (4, 1, 2)), (4, 1, 2)),
        (((1,), (0,)), (0,)),
        (((2, 0, 1), (1, 3)), (2, 0, 3)),
        ((), ()),
    ],
)
def test_broadcast_shapes(shapes: tuple[Any, ...], expected: tuple[int, ...]) -> None:
    assert pb.broadcast_shapes(*shapes) == expected


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pb.broadcast_shapes((2,), (3,)), "do not broadcast"),
        (lambda x: pb.permute_dims(x, (0,)), "each axis"),
        (lambda x: pb.permute_dims(x, (0, 0)), "each axis"),
        (lambda x: pb.squeeze(x, axis=0), "length 2"),
        (lambda x: pb.stack([x, x[0]]), "shapes differ"),
        (lambda x: pb.reshape(x, (4,)), "reshape"),
        (lambda x: pb.broadcast_to(x, (3, 3)), "broadcast"),
        (lambda x: pb.matrix_transpose(x[0]), "two dimensions"),
        (lambda x: pb.moveaxis(x, 0, (0, 1)), "differ in length"),
    ],
)
def test_misfits_raise(call: Any, message: str, device: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(pb.ones(2, 3))


@pytest.mark.parametrize("axis", [2, -3])
def test_axis_out_of_bounds_raises(axis: int, device: str) -> None:
    x = pb.ones(2, 3)
    for call in (pb.flip, pb.unstack, lambda x, axis: pb.squeeze(x, axis=axis)):
        with pytest.raises(IndexError, match=f"axis {axis} is out of bounds for an array of 2 dimensions"):
            call(x, axis=axis)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: pb.expand_dims(x, axis=(0, -4)),
        lambda x: pb.squeeze(x, axis=(0, -2)),
        lambda x: pb.flip(x, axis=(1, 1)),
        lambda x: pb.sum(x, axis=(0, 0)),
    ],
)
def test_an_axis_that_is_named_twice_raises(call: Any, device: str) -> None:
    with pytest.raises(ValueError, match="twice"):
        call(pb.ones(1, 1))


@pytest.mark.parametrize("name", ["concat", "stack", "broadcast_arrays"])
def test_what_is_no_tensor_is_named(name: str, device: str) -> None:
    x = tensor([1.0], device)

    def call(*arrays: Any) -> Any:
        return getattr(pb, name)(*arrays) if name == "broadcast_arrays" else getattr(pb, name)(arrays)

    for wrong, kind in ((2.0, "builtins.float"), (np.ones(1), "numpy.ndarray"), ("text", "builtins.str")):
        with pytest.raises(ArgumentError, match=rf"{name}: arrays\[1\] must be a Tensor, got {kind}; write pb.asarray"):
            call(x, wrong)
    if name != "broadcast_arrays":
        with pytest.raises(ArgumentError, match=f"{name}: `arrays` is empty"):
            call()
    if name == "concat":
        with pytest.raises(ArgumentError, match=r"concat: arrays\[0\] must be a Tensor"):
            pb.concat([2.0], axis=None)
