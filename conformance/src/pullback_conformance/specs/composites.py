"""Whole models: several ops together, and what has no op of its own (Function). For the Taylor test and the dot test."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Domain, case
from pullback_conformance.specs.base import row

WIDE = Domain(-1.0, 1.0)


def _network(xp: Any, x: Any, first: Any, second: Any) -> Any:
    return xp.mean((xp.matmul(xp.tanh(xp.matmul(x, first)), second) - 1.0) ** 2)


def _softmax(xp: Any, x: Any) -> Any:
    shifted = xp.exp(x - xp.max(x, axis=-1, keepdims=True))
    return xp.log(shifted / xp.sum(shifted, axis=-1, keepdims=True))


def _custom(_: Any, x: Any) -> Any:
    """x^3 by a `Function` of its own; over NumPy, x^3."""
    if isinstance(x, np.ndarray):
        return x**3
    from pullback_conformance.functions import Cube  # noqa: PLC0415  oracles and rows know no pullback before they need it

    return Cube.apply(x)


SPECS = [
    row("composite.network", Arg("x", WIDE), Arg("w1", WIDE), Arg("w2", WIDE), over=_network, kind="general",
        cases=[case((4, 3), (3, 5), (5, 2))], module="composites"),
    row("composite.log_softmax", Arg("x", Domain(-2, 2, shape_of="distinct")), over=_softmax, kind="general",
        cases=[case((2, 3)), case((4,))], module="composites"),
    row("composite.function", Arg("x", WIDE), over=_custom, kind="general",
        derivatives={"vjp", "double"}, cases=[case((3,)), case(())], module="composites"),
]  # fmt: skip
