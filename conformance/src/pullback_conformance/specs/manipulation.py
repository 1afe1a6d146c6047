"""Manipulation functions, triangles and grids: they only copy elements, so that their transposes are exact."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Case, Fails, OpSpec, case
from pullback_conformance.specs.base import row


def moves(name: str, *cases: Case, over: Any = None, arguments: int = 1, **options: Any) -> OpSpec:
    """An op whose results are elements of its arguments."""
    args = [Arg(f"x{i}") for i in range(arguments)]
    options.setdefault("module", "manipulation")
    return row(name, *args, over=over, kind="structural", complex="general", cases=cases, **options)


def _axes(name: str) -> Any:
    """Calls of an op that is linear in one array, and takes positional parameters after it."""
    return lambda xp, x, **kw: getattr(xp, name)(x, *kw.values())


_LONG = np.asarray([2, 0, 1])

SPECS = [
    moves(
        "broadcast_arrays",
        case((2, 1), (3,)),
        case((), (2,)),
        case((2, 2), (2, 1)),
        case((0, 1), (2,)),
        arguments=2,
        errors=[Fails((np.zeros(2), np.zeros(3)), ValueError)],
    ),
    moves(
        "broadcast_to",
        *(
            case(a, shape=b)
            for a, b in [
                ((3,), (2, 3)),
                ((2, 1), (2, 2)),
                ((1, 2), (2, 2, 2)),
                ((), (2, 2)),
                ((2, 1), (2, 0)),
                ((2,), (2,)),
            ]
        ),
        errors=[Fails((np.zeros(2),), ValueError, kwargs={"shape": (3,)})],
    ),
    moves(
        "concat",
        case((2,), (1,), axis=0),
        case((2, 1), (2, 3), (2, 2), axis=-1),
        case((1, 2), (2, 2), axis=0),
        case((2, 2), (3,), axis=None),
        case((2, 0), (2, 2), axis=1),
        case((2,), axis=0),
        over=lambda xp, *xs, **kw: xp.concat(list(xs), **kw),
        arguments=3,
        errors=[Fails((np.zeros((2, 2)), np.zeros((2, 3))), ValueError, kwargs={"axis": 0})],
    ),
    moves(
        "expand_dims",
        *(case(shape, axis=axis) for shape, axis in [((3,), 0), ((2, 3), -1), ((2, 2), (0, 2)), ((), 0), ((0,), 1)]),
        over=lambda xp, x, axis: xp.expand_dims(x, axis=axis),
    ),
    moves(
        "flip", *(case((2, 1, 3), axis=a) for a in (None, 0, -1, (0, 2))), case(()), case((0, 2)), case((3, 3), axis=1)
    ),
    moves(
        "moveaxis",
        case((2, 3, 1), a=0, b=-1),
        case((2, 3, 2), a=(0, 1), b=(2, 0)),
        case((0, 2), a=-1, b=0),
        case((2, 2, 3), a=2, b=0),
        over=_axes("moveaxis"),
    ),
    moves(
        "permute_dims",
        *(case(shape, axes=axes) for shape, axes in [((2, 3, 2), (1, 2, 0)), ((1, 2, 3), (2, 0, 1)), ((2, 2), (1, 0))]),
        case((2, 2, 2), axes=(2, 0, 1)),
        case((), axes=()),
        over=lambda xp, x, axes: xp.permute_dims(x, axes),
    ),
    moves(
        "repeat",
        *(case((2, 2), repeats=n, axis=axis) for n, axis in [(2, None), (2, 0), (3, -1), (0, 0)]),
        case((2, 3), repeats=_LONG, axis=1),
        case((3,), repeats=_LONG, axis=None),
        over=lambda xp, x, repeats, axis: xp.repeat(
            x,
            xp.asarray(repeats, dtype=xp.int32, device=x.device) if isinstance(repeats, np.ndarray) else repeats,
            axis=axis,
        ),
    ),
    moves(
        "reshape",
        *(
            case(a, shape=b)
            for a, b in [
                ((2, 3), (6,)),
                ((2, 3), (-1, 2)),
                ((2, 3), (3, 2)),
                ((1, 1), ()),
                ((), (1,)),
                ((0, 2), (3, 0)),
            ]
        ),
        errors=[Fails((np.zeros(6),), ValueError, kwargs={"shape": (4,)})],
    ),
    moves(
        "roll",
        *(
            case(shape, shift=shift, axis=axis)
            for shape, shift, axis in [
                ((2, 3), 1, None),
                ((3, 2), -1, 0),
                ((3, 4), (1, 2), (0, -1)),
                ((2, 3), 7, 1),
                ((3, 3), 1, 1),
            ]
        ),
    ),
    moves(
        "squeeze",
        *(case(shape, axis=axis) for shape, axis in [((1, 3), 0), ((2, 1), -1), ((1, 2, 1), (0, 2)), ((1, 0), 0)]),
        over=lambda xp, x, axis: xp.squeeze(x, axis=axis),
        errors=[Fails((np.zeros((2, 1)),), ValueError, kwargs={"axis": 0})],
    ),
    moves(
        "stack",
        case((2,), (2,)),
        case((2, 3), (2, 3), axis=-1),
        case((2, 2), (2, 2), (2, 2), axis=1),
        case((), ()),
        case((0,), (0,)),
        over=lambda xp, *xs, **kw: xp.stack(list(xs), **kw),
        arguments=3,
        errors=[Fails((np.zeros(2), np.zeros(3)), ValueError)],
    ),
    moves(
        "tile",
        *(
            case(shape, n=n)
            for shape, n in [((3,), (2,)), ((2, 1), (2, 3)), ((1, 2), (2, 1, 2)), ((2, 2), (3,)), ((2, 2), (0, 1))]
        ),
        over=lambda xp, x, n: xp.tile(x, n),
    ),
    moves("unstack", case((2, 3)), case((2, 3), axis=-1), case((3,)), case((1, 2)), case((2, 0))),
    moves(
        "meshgrid",
        case((2,), (3,)),
        case((2,), (3,), indexing="ij"),
        case((2,), (1,), (2,)),
        case((3,)),
        case((0,), (2,)),
        arguments=3,
        over=lambda xp, *xs, **kw: tuple(xp.meshgrid(*xs, **kw)),
        module="creation",
    ),
    *(
        moves(
            name,
            *(case(shape, k=k) for shape, k in [((3, 3), 0), ((2, 3), 1), ((2, 3, 2), -1), ((0, 2), 0), ((3, 3), -1)]),
            module="creation",
        )
        for name in ("tril", "triu")
    ),
    row(
        "broadcast_shapes",
        over=lambda xp, x: (
            xp.asarray(xp.broadcast_shapes((2, 1), (1, 3)), dtype=xp.int32, device=x.device)
            + 0 * xp.astype(x, xp.int32)
        ),
        kind="constant",
        cases=[case(())],
        module="manipulation",
    ),
]
