"""Whole models: several ops together, and what has no op of its own (Function). For the Taylor test and the dot test."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Domain, Kink, case
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


def _cast(xp: Any, x: Any) -> Any:
    """To double precision and back."""
    return xp.astype(xp.astype(x, xp.complex128) * (1 + 2j), x.dtype)


def _cloned(_: Any, x: Any) -> Any:
    """Twice `x`; a clone of it is written, which must not be seen in it."""
    if not isinstance(x, np.ndarray):
        import pullback as pb  # noqa: PLC0415  oracles and rows know no pullback before they need it

        with pb.no_grad():  # where memory is written, whoever holds it
            written = x.clone()
            written += 1
    return x * 2


def _parts(xp: Any, x: Any) -> Any:
    """The parts of a complex number, written through views of it."""
    y = +x
    re, im = xp.real(y), xp.imag(y)
    re *= 3
    im *= 2
    return y


def _product(xp: Any, x: Any) -> Any:
    """`x` again, from its singular values and vectors."""
    u, s, vh = xp.linalg.svd(x, full_matrices=False)
    return xp.matmul(u * xp.expand_dims(s, axis=-2), vh)


_TURNED = np.linalg.qr(np.random.default_rng(3).standard_normal((3, 3)))[0]
_SINGULAR = _TURNED @ np.diag([2.0, 1.0, 0.0]) @ _TURNED
"""One singular value is 0: its vectors have only a sign, which goes with it."""
_BATCH = np.stack([_SINGULAR, 2 * _SINGULAR])
_SCALES = np.stack([np.diag([3.0, 2.0, 1.0]), 1e16 * np.diag([3.0, 2.0, 1.0])])
"""What is equal in the one matrix is not in the other."""

SPECS = [
    row("composite.cast", Arg("x", WIDE), over=_cast, kind="general", complex="only", cases=[case((3,)), case(())],
        module="composites"),
    row("composite.parts", Arg("x", WIDE), over=_parts, kind="general", complex="only", cases=[case((3,))],
        specials=[(complex(a, b),) for a in (1.0, float("inf"), float("nan")) for b in (2.0, float("-inf"), float("nan"))],
        module="composites"),
    row("composite.clone", Arg("x", WIDE), over=_cloned, kind="general", cases=[case((3,)), case(())], module="composites"),
    row("composite.svd", Arg("x", WIDE), over=_product, kind="general", module="composites",
        kinks=[Kink((x,), (np.ones(x.shape),), contained=False) for x in (_SINGULAR, _BATCH, _SCALES)]),
    row("composite.network", Arg("x", WIDE), Arg("w1", WIDE), Arg("w2", WIDE), over=_network, kind="general",
        cases=[case((4, 3), (3, 5), (5, 2))], module="composites"),
    row("composite.log_softmax", Arg("x", Domain(-2, 2, shape_of="distinct")), over=_softmax, kind="general",
        cases=[case((2, 3)), case((4,))], module="composites"),
    row("composite.function", Arg("x", WIDE), over=_custom, kind="general",
        derivatives={"vjp", "double"}, cases=[case((3,)), case(())], module="composites"),
]  # fmt: skip
