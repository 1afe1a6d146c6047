"""How small an error is still seen."""

from __future__ import annotations

from typing import Any

import numpy as np

from pullback_conformance.mutants.patching import rule

_ERRORS = tuple(10.0 ** (-k / 2) for k in range(4, 20))


def limit(kind: str) -> float:
    """The smallest relative error, in steps of half a decade, that V05 sees: of all entries, or of one."""
    from pullback_conformance.checks.base import Mismatch  # noqa: PLC0415  in a child only
    from pullback_conformance.checks.values import entrywise  # noqa: PLC0415
    from pullback_conformance.problem import Problem  # noqa: PLC0415
    from pullback_conformance.spec import Sample  # noqa: PLC0415
    from pullback_conformance.specs import find  # noqa: PLC0415

    error = [0.0]

    def fault(xp: Any, ct: Any, right: Any, *values: Any) -> Any:
        out = np.array(right(xp, ct))
        if kind == "uniform":
            return out * (1 + error[0])
        out.flat[int(np.argmax(np.abs(out)))] *= 1 + error[0]
        return out

    rule("ops.elementwise_functions:sin", "x", fault)
    x = np.random.default_rng(0).uniform(-1.0, 1.0, (8, 8))
    seen = 1.0
    for size in _ERRORS:
        error[0] = size
        try:
            entrywise(Problem(find("sin"), Sample("limit", (x,)), "float64", "cpu"))
        except Mismatch:
            seen = size
        else:
            break
    return seen
