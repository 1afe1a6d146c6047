"""A row: a program, what PyTorch 2.13 gives for it, what pullback gives, and why where that is not the same."""

from __future__ import annotations

import ast
import textwrap
import warnings
from typing import Any, NamedTuple

import numpy as np
import pullback as pb
from pullback.errors import PullbackError

BUILTINS = (NotImplementedError, RuntimeError, IndexError, TypeError, ValueError, BufferError, Exception)


class Row(NamedTuple):
    """One point of behaviour. `x` is `[1., 2., 3.]` and requires grad; the value is that of the last line."""

    id: str
    point: str
    program: str
    torch: str
    ours: str
    why: str = ""

    @property
    def caught_as(self) -> type[BaseException] | None:
        """The exception that PyTorch raises, if `torch` names one."""
        return next((kind for kind in BUILTINS if self.torch.startswith(kind.__name__)), None)


def _named(error: Exception) -> str:
    kind = type(error)
    if not isinstance(error, PullbackError):
        return kind.__name__
    parents = [base.__name__ for base in kind.__mro__ if base in BUILTINS[:-1]]
    return f"{kind.__name__} ({', '.join(parents)})"


def run(program: str) -> tuple[str, Exception | None]:
    """What a program gives: the value of its last line or its error, and its warnings; and the error itself."""
    tree = ast.parse(textwrap.dedent(program).strip())
    scope: dict[str, Any] = {"pb": pb, "np": np, "ag": pb.autograd, "graph": pb.autograd.graph}
    scope["x"] = pb.tensor([1.0, 2.0, 3.0], requires_grad=True)
    *body, last = tree.body
    caught: Exception | None = None
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            exec(compile(ast.Module(body, []), "<row>", "exec"), scope)  # noqa: S102  programs of the tables
            if isinstance(last, ast.Expr):
                text = repr(eval(compile(ast.Expression(last.value), "<row>", "eval"), scope))
            else:
                exec(compile(ast.Module([last], []), "<row>", "exec"), scope)  # noqa: S102
                text = "works"
        except Exception as error:  # noqa: BLE001  what it is, is the row
            caught, text = error, _named(error)
    kinds = sorted({w.category.__name__ for w in said if w.category is not RuntimeWarning})
    return " + ".join([text, *kinds]), caught


def outcome(row: Row) -> str:
    """What pullback gives for a row, as a text."""
    return run(row.program)[0]
