"""How a row is written: the arguments of a function by position, its options by keyword, and where it is smooth."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback_conformance import ALL, Arg, Domain, OpSpec

from pullback_nn import functional

Reference = Callable[..., Any]

WIDE = Domain.real(-2.0, 2.0)
AWAY = Domain.real(0.2, 2.0, shape_of="signed")
"""On both sides of 0, and not near it."""
POSITIVE = Domain.real(0.3, 2.0)
UNIT = Domain.real(0.1, 0.9)
DISTINCT = Domain(-2.0, 2.0, shape_of="distinct")
TOLERANCE = {"float32": 512.0, "float64": 512.0}
"""For sums of many products, in units of the last place."""


def claimed(
    name: str, reference: Reference, *args: Arg, kind: str = "general", cases: Any = (), **options: Any
) -> OpSpec:
    """The row of a function: its arguments by position, its options by keyword."""
    options.setdefault("tol", TOLERANCE if kind == "general" else {})
    return OpSpec(
        op=f"nn::{name}",
        call=getattr(functional, name),
        args=args or (Arg("input", WIDE),),
        derivatives=ALL,
        kind=kind,  # type: ignore[arg-type]  # one of the words that OpSpec lists
        reference=reference,
        cases=cases,
        module="pullback_nn",
        **options,
    )


def each(name: str, reference: Reference, domain: Domain = WIDE, **options: Any) -> OpSpec:
    """The row of an activation."""
    return claimed(name, reference, Arg("input", domain), kind="elementwise", **options)
