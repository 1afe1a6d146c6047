"""How a fault is put in: rules of primitives are replaced, functions rewritten. Only ever in a process of its own."""

from __future__ import annotations

import importlib
import inspect
import textwrap
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

Fault = Callable[..., Any]


def get(path: str) -> Any:
    """What `module:name.attribute` names, below the package pullback."""
    module, _, name = path.partition(":")
    found: Any = importlib.import_module(f"pullback.{module}")
    for part in name.split(".") if name else ():
        found = getattr(found, part)
    return found


def rule(path: str, operand: str, fault: Fault, modes: tuple[str, ...] = ("vjp",)) -> None:
    """Put `fault(xp, ct, right, *values)` in the place of a rule; `right(xp, ct)` is what the rule returns."""
    primitive = get(path).primitive
    primitive.fused = None
    for mode in ("vjp", "jvp") if primitive.elementwise else modes:
        old = getattr(primitive, mode)[operand]

        def function(xp: Any, ct: Any, *values: Any, old: Any = old) -> Any:
            return fault(xp, ct, lambda xp, ct: old.function(xp, ct, *values), *values)

        getattr(primitive, mode)[operand] = type(old)(function, old.reads)
    primitive.pullbacks.clear()
    get("kernels").forget(primitive, get("plugins.backends").loaded())


def rewrite(path: str, old: str, new: str) -> None:
    """Replace some text of a function of pullback. An old text that is not there is an error: the code has moved on."""
    function = get(path)
    source = textwrap.dedent(inspect.getsource(function))
    if old not in source:
        raise LookupError(f"{path} no longer says {old!r}: mend the catalogue")
    scope = dict(function.__globals__)
    exec(compile(source.replace(old, new), f"<mutant of {path}>", "exec"), scope)  # noqa: S102  our own source, rewritten
    function.__code__ = scope[function.__name__].__code__


class Through:
    """A namespace with some functions replaced."""

    def __init__(self, xp: Any, **replaced: Any) -> None:
        self._xp = xp
        self.__dict__.update(replaced)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._xp, name)


def linalg_of(xp: Any, **replaced: Any) -> Any:
    """A namespace with some functions of linalg replaced."""
    return Through(xp, linalg=SimpleNamespace(**vars(xp.linalg) | replaced))
