"""`custom_derivative`: a plain function with rules of its own, in both modes, without a class."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from pullback import tree as trees
from pullback.autograd.function import Function
from pullback.errors import ArgumentError

Rule = Callable[..., Any]


def custom_derivative(*, vjp: Rule | None = None, jvp: Rule | None = None) -> Callable[[Rule], Rule]:
    """Decorate a function with its derivatives; what it does inside is then differentiated by nobody.

    `vjp(ct, out, *args)` returns the cotangent of each argument, None where there is none; `jvp(tangents, out, *args)`,
    with one tangent per argument, returns the tangent of the result. `ct`, `tangents`, `out` and `args` are Tensors, or
    nested as the results and arguments of the function are; zeros stand for what has no (co)tangent. What was given by
    keyword, and defaults, reach the rules by position. The rules are differentiable themselves, and run under every
    transform. A mode without a rule raises `NoDerivativeError`. Raises `ArgumentError` if neither is given, or if the
    function has arguments that are given by keyword only.

    >>> import pullback as pb
    >>> @pb.autograd.custom_derivative(
    ...     vjp=lambda ct, out, x: ct * (1 - pb.exp(-out)),
    ...     jvp=lambda tangents, out, x: tangents[0] * (1 - pb.exp(-out)),
    ... )
    ... def softplus(x):
    ...     return pb.log1p(pb.exp(x))
    >>> x = pb.tensor(0.0, requires_grad=True)
    >>> pb.autograd.grad(softplus(x), x)
    (tensor(0.5000),)
    >>> pb.func.jvp(softplus, (pb.tensor(0.0),), (pb.tensor(2.0),))
    (tensor(0.6931), tensor(1.))
    """
    if vjp is None and jvp is None:
        raise ArgumentError("custom_derivative: give vjp, jvp, or both")

    def decorate(function: Rule) -> Rule:
        import inspect  # noqa: PLC0415  8 ms that `import pullback` does not pay

        signature = inspect.signature(function)
        by_name = [p.name for p in signature.parameters.values() if p.kind in (p.KEYWORD_ONLY, p.VAR_KEYWORD)]
        if by_name:
            raise ArgumentError(
                f"custom_derivative: {', '.join(by_name)} can be given by keyword only, so the rules have no place for it; "
                f"let the function take it by position too"
            )

        def forward(ctx: Any, *args: Any) -> Any:
            out = function(*args)
            leaves = trees.leaves((args, out))
            ctx.save_for_backward(*(leaf if hasattr(leaf, "_aval") else None for leaf in leaves))
            ctx.others = [None if hasattr(leaf, "_aval") else leaf for leaf in leaves]
            ctx.pattern = trees.unflatten((args, out), range(len(leaves)))
            return out

        def values(ctx: Any) -> Any:
            """The arguments and the result, at their places in the graph."""
            pairs = zip(ctx.saved_tensors, ctx.others, strict=True)
            leaves = [other if tensor is None else tensor for tensor, other in pairs]
            return trees.mapped(leaves.__getitem__, ctx.pattern)

        body: dict[str, Any] = {"forward": staticmethod(forward), "__doc__": function.__doc__}
        if vjp is not None:

            def backward(ctx: Any, *cts: Any) -> Any:
                args, out = values(ctx)
                return vjp(cts if isinstance(out, tuple) else cts[0], out, *args)

            body["backward"] = staticmethod(backward)
        if jvp is not None:

            def forward_mode(ctx: Any, *tangents: Any) -> Any:
                args, out = values(ctx)
                return jvp(tangents, out, *args)

            body["jvp"] = staticmethod(forward_mode)
        made: Any = type(getattr(function, "__name__", "Custom"), (Function,), body)

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            return made.apply(*bound.args)

        return call

    return decorate
