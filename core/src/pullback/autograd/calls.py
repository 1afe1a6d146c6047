"""The node of one call of a Function: what it keeps, and how it runs the user's `backward` on Tensors."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from contextlib import nullcontext
from copy import copy
from functools import partial, wraps
from typing import TYPE_CHECKING, Any

from pullback import namespace
from pullback import primitive as primitives
from pullback import tree as trees
from pullback.autograd.context import Context
from pullback.errors import CotangentError, NoDerivativeError
from pullback.grad_mode import no_grad, recording
from pullback.graph import Node, X, make_node, parents
from pullback.ops.data_type_functions import alias
from pullback.primitive import detached, wrap
from pullback.rules import Call, Mode, Rule, select

if TYPE_CHECKING:
    from pullback.autograd.function import Function

UNKNOWN = (
    "{0}.{1} reads a saved Tensor that is neither an input nor an output of forward, so its own derivative is unknown "
    "and a second derivative would be wrong. Return it from forward as an extra output, or compute it again in {1}"
)


def among(tensor: Any, tensors: Iterable[Any]) -> bool:
    """Whether it is one of them."""
    return any(tensor is other for other in tensors)


def tracked(x: Any) -> bool:
    """Whether a derivative of any level flows through a Tensor."""
    return x._node is not None or (x._aval.backend.level > 0 and x._aval.backend.tracks(x._array))


class FunctionPullback(Rule):
    """The pullback of one call of a Function: it runs the user's `backward` on Tensors."""

    def __init__(self, cls: type[Function], ctx: Context, nodes: list[Any], outputs: list[Any]) -> None:
        self.cls = cls
        self.ctx = ctx
        self.name = f"{cls.__name__}Backward"
        self.needs = tuple(node is not None for node in nodes)
        self.avals: list[Any] = []  # those of the arguments, None for what is no Tensor
        self.attributes: dict[str, Any] = {}  # those of ctx that hold Tensors made by forward
        self.outs = [out._aval if isinstance(out, primitives.tensor_type) else None for out in outputs]
        self.multiple = len(outputs) > 1
        self.nested = any(aval is not None and aval.backend.level > 0 for aval in self.outs)

    def save(self, args: tuple[Any, ...], outputs: list[Any]) -> Any:
        """What the node keeps of `save_for_backward`: arrays, and where they came from.

        An attribute of ctx that holds results of `forward` is kept likewise: as a Tensor it would keep its own node alive,
        and have no derivative.
        """
        self.avals = [arg._aval if isinstance(arg, primitives.tensor_type) else None for arg in args]
        ctx = self.ctx

        def packed(tensor: Any) -> Any:
            return _Saved(tensor._array, tensor._aval, *self._origin(tensor, args, outputs))

        for name, value in list(vars(ctx).items()):
            if name[0] == "_":
                continue
            tensors = [t for t in trees.leaves(value) if isinstance(t, primitives.tensor_type)]
            if any(not among(t, args) or among(t, outputs) for t in tensors):
                self.attributes[name] = trees.mapped(
                    lambda t: packed(t) if isinstance(t, primitives.tensor_type) else t, value
                )
                delattr(ctx, name)
        saved, ctx._saved, ctx._forward, ctx._dirty, ctx._non_differentiable = ctx._saved, (), None, (), ()
        return tuple(None if t is None else packed(t) for t in saved) or None

    def _origin(self, tensor: Any, args: tuple[Any, ...], outputs: list[Any]) -> tuple[str, int]:
        for kind, group in (("output", outputs), ("input", args)):  # a dirty input is an output
            for i, member in enumerate(group):
                if member is tensor:
                    return kind, i
        return "neither", 0

    def __call__(self, ct: Any, x: Any, y: Any) -> Any:
        with nullcontext() if self.nested else no_grad():  # what is below a transform may be recorded
            grads = self._run(self._tensors(ct, lambda raw, aval: wrap(aval.backend.alias(raw), aval)), x, node=None)
        return [None if grad is None else grad._array for grad in grads]

    def over(self, xp: Any, mode: Mode) -> Call:
        def call(ct: Any, x: Any, y: Any) -> Any:
            return self._run(self._tensors(ct, _unwritable), x, node=y)

        return call

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        return node[X], node  # `y` carries the node, so that saved values find their place

    def _tensors(self, ct: Any, wrapped: Callable[[Any, Any], Any]) -> list[Any]:
        parts = ct.parts if self.multiple else {0: ct}
        cts: list[Any] = []
        for i, aval in enumerate(self.outs):
            if i in parts:
                cts.append(wrapped(parts[i], aval))
            elif aval is None or not self.ctx._materialize:
                cts.append(None)
            else:
                cts.append(namespace.tensors.zeros(aval.shape, dtype=aval.dtype, device=aval.device))
        return cts

    def _run(self, cts: list[Any], x: Any, node: Node | None) -> list[Any]:
        ctx = copy(self.ctx)  # one per pass: two passes may run at once
        ctx._restore = lambda: tuple(None if saved is None else self._restored(saved, node) for saved in x or ())
        ctx._kept = {name: partial(self._attribute, value, node) for name, value in self.attributes.items()}
        ctx._below = () if node is None else parents(node)
        grads = self.cls.run_backward(ctx, cts)
        for i, (grad, aval) in enumerate(zip(grads, self.avals, strict=True)):
            if grad is not None and (aval is None or self.needs[i]):
                self._check(i, grad, aval)
        return [grad for grad, need in zip(grads, self.needs, strict=True) if need]

    def _check(self, i: int, grad: Any, aval: Any) -> None:
        if getattr(grad, "_aval", None) is aval and aval is not None:
            return
        name = f"{self.cls.__name__}.backward"
        if aval is None:
            raise CotangentError(
                f"{name} returned a cotangent for argument {i}, which is not a Tensor; return None for it"
            )
        if not isinstance(grad, primitives.tensor_type):
            raise CotangentError(f"{name} returned {type(grad).__name__} for argument {i}; return a Tensor or None")
        if grad.shape != aval.shape or grad.dtype is not aval.dtype or grad.device != aval.device:
            raise CotangentError(f"{name} returned a cotangent that is {grad._aval} for argument {i}, which is {aval}")

    def _attribute(self, value: Any, node: Node | None) -> Any:
        return trees.mapped(lambda v: self._restored(v, node) if isinstance(v, _Saved) else v, value)

    def _restored(self, saved: _Saved, node: Node | None) -> Any:
        array, aval, i = saved.array, saved.aval, saved.number
        if saved.kind == "neither" and aval.differentiable and (node is not None or self.ctx._lost):
            raise NoDerivativeError(UNKNOWN.format(self.cls.__name__, "backward"))
        if node is None:
            return wrap(aval.backend.alias(array), aval)
        if saved.kind == "output":
            return wrap(array, aval, select(node, i) if self.multiple else node)
        if saved.kind == "input":
            return wrap(array, aval, parents(node)[sum(self.needs[:i])] if self.needs[i] else None)
        return wrap(array, aval)

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        for i, saved in enumerate(node[X] or ()):
            if saved is not None:
                yield f"saved_tensors[{i}]", saved.array, saved.aval.backend.storage(saved.array)
        for name, value in self.attributes.items():
            for saved in trees.leaves(value):
                if isinstance(saved, _Saved):
                    yield f"ctx.{name}", saved.array, saved.aval.backend.storage(saved.array)


class _Saved:
    """A saved array, and where it came from: "input" or "output" number so and so, or "neither"."""

    __slots__ = ("array", "aval", "kind", "number")

    def __init__(self, array: Any, aval: Any, kind: str, number: int) -> None:
        self.array, self.aval, self.kind, self.number = array, aval, kind, number


def _unwritable(tensor: Any, _: Any) -> Any:
    """A cotangent that others hold too, as a Tensor whose memory no write reaches."""
    made = alias(tensor)
    made._array = made._aval.backend.alias(made._array)
    return made


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that cannot be differentiated itself: what it returns refuses a second derivative.

    It runs on Tensors without history. Raises `NoDerivativeError` when its results are differentiated.

    >>> import pullback as pb
    >>> class Twice(pb.autograd.Function):
    ...     @staticmethod
    ...     def forward(ctx, x):
    ...         return 2 * x
    ...
    ...     @staticmethod
    ...     @pb.autograd.function.once_differentiable
    ...     def backward(ctx, ct):
    ...         return pb.asarray(2 * ct.numpy())
    >>> x = pb.tensor(3.0, requires_grad=True)
    >>> Twice.apply(x).backward()
    >>> x.grad
    tensor(2.)
    """

    @wraps(backward)
    def once(ctx: Context, *cotangents: Any) -> Any:
        name = getattr(backward, "__qualname__", "backward")
        for ct in cotangents:
            if ct is not None and ct._aval.backend.level and tracked(ct):
                raise NoDerivativeError(_ONCE.format(name))
        below = [*ctx._below, *(ct._node for ct in cotangents if ct is not None and ct._node is not None)]
        plain = copy(ctx)
        plain._below = ()
        plain._restore = lambda: tuple([None if t is None else detached(t) for t in ctx.saved_tensors])
        with no_grad():
            found = backward(plain, *[None if ct is None else detached(ct) for ct in cotangents])
        if not below or not recording():
            return found
        node = make_node(_Once(name), tuple(below), None, None, sequence=True)

        def refusing(grad: Any) -> Any:
            if not isinstance(grad, primitives.tensor_type) or not grad.dtype.differentiable:
                return grad
            return wrap(grad._array, grad._aval, node)

        return trees.mapped(refusing, found)

    return once


_ONCE = "{0} is once_differentiable: what it computes has no derivative"


class _Once(Rule):
    """The pullback of the results of a `once_differentiable` backward."""

    name = "OnceDifferentiable"

    def __init__(self, function: str) -> None:
        self.function = function

    def __call__(self, ct: Any, x: Any, y: Any) -> Any:
        raise NoDerivativeError(_ONCE.format(self.function))

    def over(self, xp: Any, mode: Mode) -> Call:
        return self
