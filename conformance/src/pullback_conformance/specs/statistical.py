"""Statistical, sorting and utility functions: reductions over axes of every form."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.spec import Arg, Case, Complex, Domain, Fails, Kink, OpSpec, case
from pullback_conformance.specs.base import row

WIDE = Domain(0.3, 2.0, shape_of="signed", real_part=(-1.5, 1.5))
DISTINCT = Domain(-2.0, 2.0, shape_of="distinct")
_AXES: tuple[Any, ...] = (None, 0, -1, 1, (0, 2), (2, 0), (-1,), ())


def reductions(*, empty: bool = True) -> list[Case]:
    """Axes in every form, with and without keepdims; shapes that are square, 0-d, of size 1 and of size 0."""
    cases = [case((2, 3, 2), axis=axis, keepdims=keep) for axis in _AXES for keep in (False, True)]
    cases += [case((3, 3), axis=axis) for axis in (0, 1)]
    cases += [case(()), case((1,)), case((2, 1), axis=1)]
    return [*cases, case((0, 2), axis=1), case((2, 0), axis=0)] if empty else cases


def reduction(
    name: str, domain: Domain = WIDE, *, complex: Complex = "general", cases: Any = (), **options: Any
) -> OpSpec:
    """A reduction over axes."""
    listed = [*reductions(empty=options.pop("empty", True)), *cases]
    kind = options.pop("kind", "reduction")
    return row(name, Arg("x", domain), kind=kind, complex=complex, cases=listed, module="statistical", **options)


_RUNNING = [
    *(case((3, 2), axis=axis) for axis in (0, 1, -1)),
    *(case((n,)) for n in (1, 4)),
    case((2, 3), axis=1, include_initial=True),
    case((3, 3), axis=0),
    case((1, 3), axis=1),
    case((0, 2), axis=1),
]
_TIE = np.asarray([1.0, 3.0, 3.0, 2.0])
_OTHER_TIE = np.asarray([1.0, 1.0, 3.0])
_REFUSED = [Fails((np.zeros((2, 3)),), (ValueError, IndexError), kwargs={"axis": 5})]

SPECS = [
    reduction("sum", kind="linear", errors=_REFUSED),
    reduction("mean", kind="linear", empty=False),
    reduction(
        "max",
        DISTINCT,
        complex="none",
        empty=False,
        kinks=[Kink((_TIE,), (np.asarray([0, 0.5, 0.5, 0]),)), Kink((np.full(3, 2.0),), (np.full(3, 1 / 3),))],
        errors=_REFUSED,
    ),
    reduction("min", DISTINCT, complex="none", empty=False, kinks=[Kink((_OTHER_TIE,), (np.asarray([0.5, 0.5, 0]),))]),
    reduction(
        "prod",
        samples=lambda rng: [
            ("one-zero", (np.asarray([0.0, 2.0, 3.0]),)),
            ("two-zeros", (np.asarray([0.0, 2.0, 0.0]),)),
            ("zero-in-a-row", (np.asarray([[0.0, 2.0], [3.0, 4.0]]),), {"axis": 1}),
        ],
        tol={"float32": 256, "complex64": 256},
    ),
    reduction(
        "var",
        complex="none",
        empty=False,
        cases=[case((4,), correction=1), case((2, 3), axis=-1, correction=1), case((2, 3), axis=0, correction=0.5)],
        samples=lambda rng: [  # their mean is exact in single precision: only a formula that cancels loses digits
            ("huge-offset", (1e3 + rng.permutation([3, 17, 40, 62]) / 64,))
        ],
    ),
    reduction(
        "std",
        complex="none",
        empty=False,
        cases=[case((4,), correction=1), case((2, 3), axis=-1, correction=0.5)],
        kinks=[Kink((np.full(3, 2.0),), (np.zeros(3),))],
        tol={"float32": 512},
    ),
    row("cumulative_sum", Arg("x", WIDE), kind="linear", complex="general", cases=_RUNNING, module="statistical"),
    row(
        "cumulative_prod",
        Arg("x", WIDE),
        kind="general",
        complex="holomorphic",
        cases=_RUNNING,
        samples=lambda rng: [("zero", (np.asarray([2.0, 0.0, 3.0]),)), ("zeros", (np.asarray([0.0, 2.0, 0.0, 1.0]),))],
        module="statistical",
        tol={"float32": 256, "complex64": 256},
    ),
    row(
        "sort",
        Arg("x", DISTINCT),
        kind="general",
        cases=[
            *(case((3, 2), axis=axis, descending=down) for axis in (0, -1) for down in (False, True)),
            *(case(shape) for shape in ((4,), (1,), (2, 0), (2, 1))),
            case((2, 3), stable=False),
        ],
        kinks=[Kink((np.asarray([1.0, 1.0, 0.0]),), (np.ones(3),), contained=False)],
        module="sorting",
    ),
    row(
        "argsort",
        Arg("x", DISTINCT),
        kind="constant",
        cases=[case((4,)), case((3, 2), axis=0), case((2, 3), descending=True)],
        module="sorting",
    ),
    row(
        "diff",
        Arg("x", WIDE),
        Arg("end", WIDE),
        over=lambda xp, x, *end, **kw: (
            xp.diff(x, append=end[0], **kw) if end and hasattr(x, "_node") else _numpy_diff(xp, x, *end, **kw)
        ),
        kind="linear",
        complex="general",
        cases=[
            *(case((4,), n=n) for n in (1, 2, 3)),
            case((3, 2), axis=0),
            case((3, 2), axis=-1),
            case((4,), (2,)),
            case((1,)),
            case((0, 3), axis=1),
        ],
        module="utility",
    ),
    *(
        row(
            name,
            Arg("x", Domain(0, 1, shape_of="bits"), "bool"),
            kind="constant",
            cases=[case((2, 3), axis=axis, keepdims=True) for axis in (None, 0, (0, 1))],
            module="utility",
        )
        for name in ("all", "any")
    ),
]


def _numpy_diff(xp: Any, x: Any, *end: Any, **kwargs: Any) -> Any:
    return xp.diff(x, **({"append": end[0]} if end else {}), **kwargs)
