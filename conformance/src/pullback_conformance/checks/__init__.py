"""The checks, by their stable ids. A check looks at one `Problem` and returns how near it came to its gate, or raises.

`catalogue()` is all of them. What a check can decide is said before anything runs: `applies(spec, sample, dtype)`.
"""

from __future__ import annotations

from functools import cache
from importlib import import_module

from pullback_conformance.checks.base import Check, Measure, Mismatch, Undecided

CHAPTERS = ("forward", "reverse", "values", "tangent", "double", "edges", "lazy", "kernels")

__all__ = ["Check", "Measure", "Mismatch", "Undecided", "catalogue"]


@cache
def catalogue() -> dict[str, Check]:
    """Every check of an op, by id."""
    found: dict[str, Check] = {}
    for name in CHAPTERS:
        for check in import_module(f"{__name__}.{name}").CHECKS:
            if check.id in found:
                raise ValueError(f"two checks are called {check.id}")
            found[check.id] = check
    return found
