"""An argument that is no Tensor: say which one and of which op, before something inside names a missing attribute."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar, cast

from pullback import primitive as primitives
from pullback.errors import ArgumentError

F = TypeVar("F", bound=Callable[..., Any])


def not_a_tensor(op: str, x: Any, operand: str = "x") -> ArgumentError:
    """The error for an operand that is no Tensor."""
    kind = f"{type(x).__module__}.{type(x).__qualname__}"
    return ArgumentError(f"{op}: operand {operand!r} must be a Tensor, got {kind}; write pb.asarray(...) around it")


def on_tensors(function: F) -> F:
    """A function whose operands `x`, or `x1` and `x2`, are looked at first: `ArgumentError` for one that is no Tensor.

    The look takes 0.2 us. A function that takes little more itself catches the `AttributeError` of its first question
    instead, which costs nothing.
    """
    code = function.__code__
    operands = [name for name in code.co_varnames[: code.co_argcount] if name in ("x", "x1", "x2")]

    @wraps(function)
    def called(*values: Any, **params: Any) -> Any:
        for name, value in zip(operands, values, strict=False):  # too few of them is for the function to say
            if not isinstance(value, primitives.tensor_type):
                raise not_a_tensor(function.__name__, value, name)
        return function(*values, **params)

    return cast("F", called)
