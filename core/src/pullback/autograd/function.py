"""Function: an operation whose forward and backward a user writes on Tensors, as in PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from copy import copy
from functools import partial
from typing import Any

from pullback import primitive as primitives
from pullback.autograd import lifted
from pullback.autograd.calls import UNKNOWN, FunctionPullback, among, tracked
from pullback.autograd.calls import once_differentiable as once_differentiable
from pullback.autograd.context import Context, flatten, nested, spread
from pullback.errors import ArgumentError, AutogradError, NoDerivativeError
from pullback.grad_mode import no_grad, recording
from pullback.graph import Node, make_node
from pullback.inplace import rebase, root_of
from pullback.primitive import wrap
from pullback.rules import select


class Function:
    """Base class of custom operations. Define `forward` and `backward` as static methods, call `apply`.

    `forward(ctx, *args)` computes on Tensors without being recorded; with `setup_context(ctx, inputs, output)` it is
    `forward(*args)` instead. `backward(ctx, *cotangents)` takes one cotangent per output and returns one per argument of
    `forward`, or None; it runs on Tensors, so that what it computes can be differentiated again. `jvp(ctx, *tangents)` is
    the forward-mode rule.

    Arguments and outputs may be containers of Tensors: tuples, lists, dicts, dataclasses; their cotangents and tangents
    are nested as they are. A keyword argument takes its place in the signature of `forward`. One that `forward` takes by
    keyword only must be a constant, and has no cotangent. `vjp` is another name for `backward`; define one of them.

    >>> import pullback as pb
    >>> class Cube(pb.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         ctx.save_for_backward(x)
    ...         return x**3
    ...
    ...     @staticmethod
    ...     def backward(ctx, ct):
    ...         (x,) = ctx.saved_tensors
    ...         return ct * 3 * x**2
    >>> x = pb.tensor(2.0, requires_grad=True)
    >>> Cube.apply(x).backward()
    >>> x.grad
    tensor(12.)
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        raise AutogradError(
            f"{type(self).__name__}: a Function is not instantiated. Make forward and backward static methods that take "
            f"ctx first, and call {type(self).__name__}.apply(...)"
        )

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        names = ("backward", "vjp")
        given = [name for name in names if name in cls.__dict__]
        if len(given) == 2:
            raise AutogradError(f"{cls.__name__}: backward and vjp are two names of one method; define one of them")
        for name in names if given else ():
            setattr(cls, name, cls.__dict__[given[0]])

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs. *Override.*"""
        raise NotImplementedError("a Function must define forward")

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        """Compute the cotangents of the inputs. *Override.*"""
        raise NoDerivativeError("this Function defines no backward: it cannot be differentiated in reverse mode")

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """Compute the tangents of the outputs. *Override* for forward mode."""
        raise NoDerivativeError("this Function defines no jvp: it cannot be differentiated in forward mode")

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run the Function on its arguments and record it."""
        function = cls
        if kwargs:
            function, args = _in_place_of_names(cls, args, kwargs)
        flat, inputs = flatten(args)
        result, ctx, _, _ = _apply(function, flat, inputs=inputs)
        if ctx._outputs is None:
            return result
        outputs = nested(ctx._outputs, result)
        return outputs if ctx._several else outputs[0]

    # from flat values to flat values; for the engine and for transforms

    @classmethod
    def run_forward(cls, ctx: Context, flat: tuple[Any, ...]) -> Any:
        """`forward`, in whichever of its two styles."""
        args = nested(ctx._inputs, flat)
        if hasattr(cls, "setup_context"):
            result = cls.forward(*args)
            cls.setup_context(ctx, args, result)
        else:
            result = cls.forward(ctx, *args)
        ctx._several = isinstance(result, tuple)
        outputs, ctx._outputs = flatten(result if ctx._several else (result,))
        return result if ctx._outputs is None else outputs

    @classmethod
    def run_backward(cls, ctx: Context, cotangents: Sequence[Any]) -> list[Any]:
        """`backward`."""
        if cls.backward is Function.backward:
            raise NoDerivativeError(f"{cls.__name__} defines no backward: it cannot be differentiated in reverse mode")
        found = cls.backward(ctx, *nested(ctx._outputs, cotangents))
        return spread((f"{cls.__name__}.backward", "cotangent", "argument"), found, ctx._inputs, len(ctx._needs))

    @classmethod
    def run_jvp(cls, ctx: Context, tangents: Sequence[Any], outputs: int) -> list[Any]:
        """`jvp`; `outputs` is their number."""
        if cls.jvp is Function.jvp:
            raise NoDerivativeError(f"{cls.__name__} defines no jvp: it cannot be differentiated in forward mode")
        found = cls.jvp(ctx, *nested(ctx._inputs, tangents))
        return spread((f"{cls.__name__}.jvp", "tangent", "output"), found, ctx._outputs, outputs)

    @classmethod
    def call(cls, *args: Any, above: Context | None = None) -> tuple[Any, Context]:
        """`apply` to flat arguments, and a ctx for `jvp`, with what `forward` saved at its place in the graph.

        `above`: the ctx at the level of the transform that calls.
        """
        needs, inputs = ((), None) if above is None else (above._needs, above._inputs)
        result, ctx, saved, outputs = _apply(cls, args, needs, inputs)
        placed = list(result) if isinstance(result, tuple) else [result]
        ctx = copy(ctx)
        ctx._lost = ctx._lost or any(isinstance(arg, primitives.tensor_type) and tracked(arg) for arg in args)
        ctx._saved, ctx._forward = saved
        for name in ("_saved", "_forward", "_non_differentiable"):
            given = getattr(ctx, name)
            if given is not None:
                setattr(ctx, name, tuple(_renamed(t, outputs, placed) for t in given))
        mine = ctx._saved if ctx._forward is None else ctx._forward
        known = [*args, *placed]
        ctx._restore = lambda: tuple(_certain(cls, ctx, t, known) for t in mine)
        return result, ctx


def _renamed(tensor: Any, old: Sequence[Any], new: Sequence[Any]) -> Any:
    return next((after for before, after in zip(old, new, strict=True) if before is tensor), tensor)


def _certain(cls: type[Function], ctx: Context, tensor: Any, known: Sequence[Any]) -> Any:
    """A saved Tensor, unless it lacks the derivative that it should have."""
    if ctx._lost and tensor is not None and tensor.dtype.differentiable and not any(tensor is k for k in known):
        raise NoDerivativeError(UNKNOWN.format(cls.__name__, "jvp"))
    return tensor


def _in_place_of_names(
    cls: type[Function], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[type[Function], tuple[Any, ...]]:
    """The arguments by position, as far as the last that was given; and the Function that knows those by keyword only."""
    import inspect  # noqa: PLC0415  8 ms that `import pullback` does not pay

    parameters = list(inspect.signature(cls.forward).parameters.values())
    bound = inspect.Signature(parameters[0 if hasattr(cls, "setup_context") else 1 :]).bind(*args, **kwargs)
    last = [i for i, name in enumerate(bound.signature.parameters) if name in bound.arguments][-1]
    bound.apply_defaults()
    for name, value in bound.kwargs.items():
        if any(isinstance(x, primitives.tensor_type) and tracked(x) for x in flatten((value,))[0]):
            raise ArgumentError(
                f"{cls.__name__}: {name} requires grad and can be given to forward by keyword only, so backward has no "
                f"place for its cotangent; let forward take it by position too"
            )
    if bound.kwargs:
        cls = type(cls.__name__, (cls,), {"forward": staticmethod(partial(cls.forward, **bound.kwargs))})
    return cls, bound.args[: max(last + 1, len(args))]


def _apply(
    cls: type[Function], args: tuple[Any, ...], needs: tuple[bool, ...] = (), inputs: tuple[Any, ...] | None = None
) -> tuple[Any, Context, tuple[Any, Any], list[Any]]:
    """The result, the ctx that forward left, what it saved, and the outputs before they got their places."""
    mine = tuple([isinstance(arg, primitives.tensor_type) and arg._node is not None for arg in args])
    mode = recording() if any(mine) else False
    nodes = [arg._node if need else None for arg, need in zip(args, mine, strict=True)]
    ctx = Context(tuple(map(operator.or_, mine, needs)) if needs else mine, inputs, recorded=bool(mode))
    versions = [arg._version if need else 0 for arg, need in zip(args, mine, strict=True)]
    if any(isinstance(arg, primitives.tensor_type) and arg._aval.backend.level for arg in args):
        result = lifted.run(Function, cls, ctx, args)  # what is below is recorded there
    else:
        with no_grad():
            result = cls.run_forward(ctx, args)
    outputs = list(result) if isinstance(result, tuple) else [result]
    _check_marks(cls, ctx, outputs)
    saved = ctx._saved, ctx._forward
    if not mode:
        placed = _with_own_memory(outputs, ctx, args)
    else:
        _check_versions(cls, ctx, args, mine, versions)
        pullback = FunctionPullback(cls, copy(ctx), nodes, outputs)
        node = make_node(
            pullback, tuple(n for n in nodes if n is not None), pullback.save(args, outputs), None, sequence=True
        )
        if mode is not True:
            mode.recorded(node, [out._array for out in outputs if isinstance(out, primitives.tensor_type)])
        own = _with_own_memory(outputs, ctx, args)
        placed = [_place(out, select(node, i) if pullback.multiple else node, ctx) for i, out in enumerate(own)]
    return (tuple(placed) if isinstance(result, tuple) else placed[0]), ctx, saved, outputs


def _check_marks(cls: type[Function], ctx: Context, outputs: Sequence[Any]) -> None:
    for marked, what in ((ctx._dirty, "dirty"), (ctx._non_differentiable, "non-differentiable")):
        if any(not among(tensor, outputs) for tensor in marked):
            raise AutogradError(f"{cls.__name__}: a Tensor that was marked {what} was not returned from forward")


def _check_versions(
    cls: type[Function], ctx: Context, args: Sequence[Any], needs: Sequence[bool], versions: Sequence[int]
) -> None:
    for i, (arg, need, version) in enumerate(zip(args, needs, versions, strict=True)):
        if need and arg._version != version and not any(root_of(arg) is root_of(t) for t in ctx._dirty):
            raise AutogradError(
                f"{cls.__name__}: forward wrote argument {i} in place; call ctx.mark_dirty on it and return it, or write "
                f"to a clone"
            )


def _with_own_memory(outputs: Sequence[Any], ctx: Context, args: Sequence[Any]) -> list[Any]:
    """The outputs, copied where they share memory with an input (unless it is dirty) or with one another."""
    taken = [root_of(arg) for arg in args if isinstance(arg, primitives.tensor_type)]
    own = []
    for out in outputs:
        if isinstance(out, primitives.tensor_type) and not among(out, ctx._dirty):
            if among(root_of(out), taken):
                made = wrap(out._aval.backend.copy(out._array), out._aval, out._node)
                ctx._non_differentiable = tuple([made if t is out else t for t in ctx._non_differentiable])
                out = made  # noqa: PLW2901  the output from here on
            taken.append(root_of(out))
        own.append(out)
    return own


def _place(out: Any, node: Node, ctx: Context) -> Any:
    """An output of forward, at its place in the graph."""
    if not isinstance(out, primitives.tensor_type) or not out.dtype.differentiable:
        return out
    if among(out, ctx._non_differentiable):
        return out
    if among(out, ctx._dirty):
        rebase(out, wrap(out._array, out._aval, node))
        return out
    return wrap(out._array, out._aval, node)
