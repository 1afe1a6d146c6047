"""Function: an operation whose forward and backward a user writes on Tensors, as in PyTorch."""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from copy import copy
from typing import Any

from pullback import namespace
from pullback import primitive as primitives
from pullback.autograd import lifted
from pullback.errors import AutogradError, CotangentError, NoDerivativeError
from pullback.grad_mode import no_grad, recording
from pullback.graph import Node, X, make_node, parents
from pullback.inplace import check_writable, rebase, root_of
from pullback.primitive import wrap
from pullback.rules import Call, Mode, Rule, select


class Context:
    """What `forward` hands to `backward`: the `ctx` of a Function. Any attribute may be stored on it.

    `needs_input_grad`: for each argument of `forward`, whether it is a Tensor that requires grad. `saved_tensors`: what
    `save_for_backward` was given, at its place in the graph.
    """

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self._saved: tuple[Any, ...] = ()
        self._dirty: tuple[Any, ...] = ()
        self._non_differentiable: tuple[Any, ...] = ()
        self._forward: tuple[Any, ...] | None = None
        self._materialize = True
        self._lost = False  # whether a saved value that is neither input nor output would lack a derivative
        self._restore: Callable[[], tuple[Any, ...]] | None = None

    def save_for_backward(self, *tensors: Any) -> None:
        """Keep inputs or outputs (or None) for `backward`; in-place writes to them are then noticed."""
        self._saved = _only_tensors("save_for_backward", tensors)

    def save_for_forward(self, *tensors: Any) -> None:
        """Keep inputs or outputs (or None) for `jvp`, which otherwise reads what is saved for `backward`."""
        self._forward = _only_tensors("save_for_forward", tensors)

    @property
    def saved_tensors(self) -> tuple[Any, ...]:
        """What was saved. Raises `AutogradError` after the graph was freed or if a saved value was overwritten."""
        return self._saved if self._restore is None else self._restore()

    def mark_dirty(self, *tensors: Any) -> None:
        """Say which inputs `forward` wrote in place; it must return them."""
        self._dirty = tensors

    def mark_non_differentiable(self, *tensors: Any) -> None:
        """Say which outputs never require grad."""
        self._non_differentiable = tensors

    def set_materialize_grads(self, value: bool) -> None:
        """Whether `backward` gets zeros (the default) or None for outputs that nothing depends on."""
        self._materialize = value


def _only_tensors(method: str, tensors: tuple[Any, ...]) -> tuple[Any, ...]:
    for i, tensor in enumerate(tensors):
        if tensor is not None and not isinstance(tensor, primitives.tensor_type):
            raise TypeError(
                f"{method}: argument {i} is of type {type(tensor).__name__}; only Tensors are saved this way, store "
                f"anything else as an attribute of ctx"
            )
    return tensors


class Function:
    """Base class of custom operations. Define `forward` and `backward` as static methods, call `apply`.

    `forward(ctx, *args)` computes on Tensors without being recorded; with `setup_context(ctx, inputs, output)` it is
    `forward(*args)` instead. `backward(ctx, *cotangents)` returns one cotangent per argument of `forward`, or None; it
    runs on Tensors, so that what it computes can be differentiated again. `jvp(ctx, *tangents)` is the forward-mode
    rule.

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

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs. *Override.*"""
        raise NotImplementedError("a Function must define forward")

    @staticmethod
    def backward(ctx: Any, *cotangents: Any) -> Any:
        """Compute the cotangents of the inputs. *Override.*"""
        raise NoDerivativeError("this Function defines no backward: it cannot be differentiated in reverse mode")

    @staticmethod
    def jvp(ctx: Any, *tangents: Any) -> Any:
        """Compute the tangents of the outputs. *Override* for forward mode."""
        raise NoDerivativeError("this Function defines no jvp: it cannot be differentiated in forward mode")

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run the Function on `args` and record it."""
        return _apply(cls, args)[0]

    @classmethod
    def run_forward(cls, ctx: Context, args: tuple[Any, ...]) -> Any:
        """`forward`, in whichever of its two styles; for transforms."""
        if hasattr(cls, "setup_context"):
            result = cls.forward(*args)
            cls.setup_context(ctx, args, result)
            return result
        return cls.forward(ctx, *args)

    @classmethod
    def call(cls, *args: Any, needs: tuple[bool, ...] = ()) -> tuple[Any, Context]:
        """`apply`, and a ctx for `jvp`, with what `forward` saved at its place in the graph; for transforms.

        `needs`: arguments that require grad at the level of the transform.
        """
        result, ctx, saved, outputs = _apply(cls, args, needs)
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


def tracked(x: Any) -> bool:
    """Whether a derivative of any level flows through a Tensor."""
    return x._node is not None or (x._aval.backend.level > 0 and x._aval.backend.tracks(x._array))


def _renamed(tensor: Any, old: Sequence[Any], new: Sequence[Any]) -> Any:
    return next((after for before, after in zip(old, new, strict=True) if before is tensor), tensor)


def _certain(cls: type[Function], ctx: Context, tensor: Any, known: Sequence[Any]) -> Any:
    """A saved Tensor, unless it lacks the derivative that it should have."""
    if ctx._lost and tensor is not None and tensor.dtype.differentiable and not any(tensor is k for k in known):
        raise NoDerivativeError(_UNKNOWN.format(cls.__name__, "jvp"))
    return tensor


_UNKNOWN = (
    "{0}.{1} reads a saved Tensor that is neither an input nor an output of forward, so its own derivative is unknown "
    "and a second derivative would be wrong. Return it from forward as an extra output, or compute it again in {1}"
)


def _apply(
    cls: type[Function], args: tuple[Any, ...], needs: tuple[bool, ...] = ()
) -> tuple[Any, Context, tuple[Any, Any], list[Any]]:
    """The result, the ctx that forward left, what it saved, and the outputs before they got their places."""
    ctx = Context(tuple([isinstance(arg, primitives.tensor_type) and arg._node is not None for arg in args]))
    mode = recording() if any(ctx.needs_input_grad) else False
    nodes = [arg._node if need else None for arg, need in zip(args, ctx.needs_input_grad, strict=True)]
    if needs:
        ctx.needs_input_grad = tuple(map(operator.or_, ctx.needs_input_grad, needs))
    if any(isinstance(arg, primitives.tensor_type) and arg._aval.backend.level for arg in args):
        result = lifted.run(Function, cls, ctx, args)  # what is below is recorded there
    else:
        with no_grad():
            result = cls.run_forward(ctx, args)
    outputs = list(result) if isinstance(result, tuple) else [result]
    _check_dirty(cls, ctx, outputs)
    saved = ctx._saved, ctx._forward
    if not mode:
        return result, ctx, saved, outputs
    pullback = FunctionPullback(cls, ctx, nodes, outputs)
    node = make_node(
        pullback, tuple(n for n in nodes if n is not None), pullback.save(args, outputs), None, sequence=True
    )
    if mode is not True:
        mode.recorded(node, [out._array for out in outputs if isinstance(out, primitives.tensor_type)])
    placed = [_place(out, select(node, i) if pullback.multiple else node, ctx, args) for i, out in enumerate(outputs)]
    return (tuple(placed) if isinstance(result, tuple) else placed[0]), ctx, saved, outputs


def _check_dirty(cls: type[Function], ctx: Context, outputs: Sequence[Any]) -> None:
    for tensor in ctx._dirty:
        if not any(tensor is out for out in outputs):
            raise AutogradError(
                f"{cls.__name__}: an input that was marked dirty was not returned; return it from forward"
            )
        check_writable(tensor, cls.__name__)


def _place(out: Any, node: Node, ctx: Context, args: tuple[Any, ...]) -> Any:
    """An output of forward, at its place in the graph and with memory of its own."""
    if not isinstance(out, primitives.tensor_type) or not out.dtype.differentiable:
        return out
    if any(out is tensor for tensor in ctx._non_differentiable):
        return out
    if any(out is tensor for tensor in ctx._dirty):
        rebase(out, wrap(out._array, out._aval, node))
        return out
    inputs = [root_of(arg) for arg in args if isinstance(arg, primitives.tensor_type)]
    shared = any(root_of(out) is root for root in inputs)
    return wrap(out._aval.backend.copy(out._array) if shared else out._array, out._aval, node)


class FunctionPullback(Rule):
    """The pullback of one call of a Function: it runs the user's `backward` on Tensors."""

    def __init__(self, cls: type[Function], ctx: Context, nodes: list[Any], outputs: list[Any]) -> None:
        self.cls = cls
        self.ctx = ctx
        self.name = f"{cls.__name__}Backward"
        self.needs = tuple(node is not None for node in nodes)
        self.avals = [None] * len(nodes)
        self.outs = [out._aval if isinstance(out, primitives.tensor_type) else None for out in outputs]
        self.multiple = len(outputs) > 1
        self.nested = any(aval is not None and aval.backend.level > 0 for aval in self.outs)

    def save(self, args: tuple[Any, ...], outputs: list[Any]) -> Any:
        """What the node keeps of `save_for_backward`: arrays, and where they came from."""
        self.avals = [arg._aval if need else None for arg, need in zip(args, self.needs, strict=True)]
        saved, self.ctx._saved, self.ctx._forward = self.ctx._saved, (), None
        return tuple(None if t is None else (t._array, t._aval, self._origin(t, args, outputs)) for t in saved) or None

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
            return self._run(self._tensors(ct, lambda tensor, aval: tensor), x, node=y)

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
        result = self.cls.backward(ctx, *cts)
        grads = list(result) if isinstance(result, tuple) else [result]
        while len(grads) > len(self.needs) and grads[-1] is None:
            grads.pop()
        if len(grads) != len(self.needs):
            raise CotangentError(
                f"{self.cls.__name__}.backward returned {len(grads)} cotangents for {len(self.needs)} arguments"
            )
        kept = []
        for i, (grad, need) in enumerate(zip(grads, self.needs, strict=True)):
            if need:
                self._check(i, grad)
                kept.append(grad)
        return kept

    def _check(self, i: int, grad: Any) -> None:
        aval: Any = self.avals[i]
        if grad is None or getattr(grad, "_aval", None) is aval:
            return
        if not isinstance(grad, primitives.tensor_type):
            raise CotangentError(
                f"{self.cls.__name__}.backward returned {type(grad).__name__} for argument {i}; return a Tensor or None"
            )
        if grad.shape != aval.shape or grad.dtype is not aval.dtype or grad.device != aval.device:
            raise CotangentError(
                f"{self.cls.__name__}.backward returned a cotangent that is {grad._aval} for argument {i}, which is "
                f"{aval}"
            )

    def _restored(self, saved: tuple[Any, Any, tuple[str, int]], node: Node | None) -> Any:
        array, aval, (kind, i) = saved
        if kind == "neither" and aval.differentiable and (node is not None or self.ctx._lost):
            raise NoDerivativeError(_UNKNOWN.format(self.cls.__name__, "backward"))
        if node is None:
            return wrap(aval.backend.alias(array), aval)
        if kind == "output":
            return wrap(array, aval, select(node, i) if self.multiple else node)
        if kind == "input":
            return wrap(array, aval, parents(node)[sum(self.needs[:i])] if self.needs[i] else None)
        return wrap(array, aval)

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        for i, saved in enumerate(node[X] or ()):
            if saved is not None:
                array, aval, _ = saved
                yield f"saved_tensors[{i}]", array, aval.backend.storage(array)
