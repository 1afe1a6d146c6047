"""Data type functions: `astype` is linear; the others say something about dtypes, which becomes an array to compare."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback_conformance.spec import Arg, OpSpec, case
from pullback_conformance.specs.base import row


def says(name: str, function: Callable[..., Any]) -> OpSpec:
    """A function whose answer, numbers or names, is compared as an array of numbers."""

    def over(xp: Any, x: Any) -> Any:
        return xp.asarray([float(value) for value in function(xp, x)], dtype=xp.float32, device=x.device)

    return row(name, Arg("x"), over=over, kind="creation", derivatives=(), cases=[case((2,))], module="data_types")


def _name(dtype: Any) -> int:
    """A number for a dtype, the same for every library: its bits and kind as its name says them."""
    text = str(dtype).rpartition(".")[2].strip("'>)")
    return sum(ord(letter) for letter in text)


def _info(xp: Any, x: Any) -> Any:
    info = xp.finfo(x.dtype)
    return info.bits, info.eps, info.smallest_normal


_PAIRS = (("int8", "int16"), ("uint8", "int8"), ("float32", "float64"), ("int32", "uint16"), ("bool", "bool"))

SPECS = [
    row(
        "astype",
        Arg("x"),
        over=lambda xp, x, to: xp.astype(x, getattr(xp, to)),
        kind="linear",
        cases=[case(shape, to=to) for shape in ((3,), (), (2, 0)) for to in ("float64", "complex128")],
        module="data_types",
    ),
    says("can_cast", lambda xp, x: [xp.can_cast(getattr(xp, a), getattr(xp, b)) for a, b in _PAIRS]),
    says("finfo", _info),
    says(
        "iinfo",
        lambda xp, x: [
            v
            for name in ("int8", "uint16", "int32")
            for v in (xp.iinfo(getattr(xp, name)).max, xp.iinfo(getattr(xp, name)).bits)
        ],
    ),
    says(
        "isdtype",
        lambda xp, x: [xp.isdtype(x.dtype, kind) for kind in ("real floating", "numeric", "integral", "bool")],
    ),
    says("result_type", lambda xp, x: [_name(xp.result_type(getattr(xp, a), getattr(xp, b))) for a, b in _PAIRS[:4]]),
]
