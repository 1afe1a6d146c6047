"""Rows of functions of the standard: the namespace of the arguments has them, and NumPy's is right by definition."""

from __future__ import annotations

from collections.abc import Callable
from operator import attrgetter
from typing import Any

from pullback_conformance.spec import ALL, NOTHING, Arg, Case, OpSpec


def namespace(*args: Any) -> Any:
    """The Array API namespace of the first array among the arguments (in lists too)."""
    for arg in args:
        if hasattr(arg, "__array_namespace__"):
            return arg.__array_namespace__()
        if isinstance(arg, (list, tuple)):
            return namespace(*arg)
    raise TypeError("no array among the arguments")


def row(
    name: str, *args: Arg, over: Callable[..., Any] | None = None, cases: Any = (), module: str = "", **options: Any
) -> OpSpec:
    """The row of a function of the standard. `over(xp, *args, **kwargs)` says how to call it, where its name does not."""

    def function(xp: Any, *xs: Any, **kwargs: Any) -> Any:
        return attrgetter(name)(xp)(*xs, **kwargs) if over is None else over(xp, *xs, **kwargs)

    def call(*xs: Any, **kwargs: Any) -> Any:
        return function(namespace(*xs), *xs, **kwargs)

    options.setdefault("derivatives", NOTHING if options.get("kind") == "constant" else ALL)
    listed = tuple(one if isinstance(one, Case) else Case((one,), {}) for one in cases)
    return OpSpec(name, call, args or (Arg("x"),), reference=function, cases=listed, module=module, **options)
