"""How an op of this package is declared: its name, its summary, and a line per derivative. The library has the values."""

from __future__ import annotations

from typing import Any

from pullback.extend import Operation, elementwise

from pullback_special.examples import EXAMPLES
from pullback_special.kernels import library


def special(name: str, summary: str, *, kernel: str = "", whole: int | None = None, **options: Any) -> Operation:
    """Declare an elementwise op `special::NAME` whose values are those of `scipy.special.KERNEL`.

    `whole` is the position of an operand that SciPy wants as integers. The options are those of
    `pullback.extend.elementwise`: tangent maps and traits.
    """
    forward = library(kernel or name, whole=whole)
    return elementwise(f"special::{name}", described(name, summary), forward=forward, floating=True, **options)


def described(name: str, summary: str) -> str:
    """The docstring of an op: its summary, and its example."""
    if name not in EXAMPLES:
        return summary
    call, shown = EXAMPLES[name]
    return f"{summary}\n\n>>> import pullback as pb\n>>> pb.ops.special.{call}\n{shown}"
