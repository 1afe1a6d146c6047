"""`grad`, `value_and_grad`, `vjp`, `jvp`: reverse and forward mode as functions of functions."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback import namespace
from pullback import primitive as primitives
from pullback.autograd.passes import grad as _grad
from pullback.errors import ArgumentError
from pullback.forward import dual_backend
from pullback.grad_mode import enable_grad
from pullback.graph import Leaf, parents
from pullback.ops.data_type_functions import alias
from pullback.primitive import wrap
from pullback.transform import next_level

Function = Callable[..., Any]


def _fresh(x: Any) -> Any:
    """A Tensor with the values of `x`, and a node of its own to differentiate with respect to."""
    if not isinstance(x, primitives.tensor_type):
        raise ArgumentError(
            f"the argument to differentiate must be a Tensor, got {type(x).__name__}; write pb.asarray(...)"
        )
    return alias(x) if x.requires_grad else wrap(x._array, x._aval).requires_grad_()


def _listening(outputs: Sequence[Any], inputs: Sequence[Any], primals: Sequence[Any]) -> bool:
    """Whether anything outside wants the derivative of the result: then the reverse pass must be recorded."""
    if any(primal.requires_grad for primal in primals):
        return True
    seen = {id(x._node) for x in inputs}
    order = [out._node for out in outputs if out._node is not None and id(out._node) not in seen]
    for node in order:
        if type(node) is Leaf:
            return True
        for parent in parents(node):
            if id(parent) not in seen:
                seen.add(id(parent))
                order.append(parent)
    return False


def _tensors(value: Any) -> list[Any]:
    return [value] if isinstance(value, primitives.tensor_type) else list(value)


def vjp(function: Function, *primals: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
    """`function(*primals)`, and the function from a cotangent of the result to those of the primals.

    `function` takes Tensors and returns a Tensor or a tuple of them; the pullback takes the same and may be called any
    number of times.

    >>> import pullback as pb
    >>> y, pullback = pb.func.vjp(pb.sin, pb.tensor(0.0))
    >>> pullback(pb.tensor(2.0))
    (tensor(2.),)
    """
    with enable_grad():
        inputs = [_fresh(primal) for primal in primals]
        out = function(*inputs)
    outputs = _tensors(out)
    outer = _listening(outputs, inputs, primals)

    def pullback(cotangent: Any) -> tuple[Any, ...]:
        pairs = [(o, ct) for o, ct in zip(outputs, _tensors(cotangent), strict=True) if o._node is not None]
        if not pairs:
            return tuple(namespace.tensors.zeros_like(primal) for primal in primals)
        record = outer or any(ct.requires_grad for _, ct in pairs)
        outs, cts = zip(*pairs, strict=True)
        return _grad(outs, inputs, cts, retain_graph=True, create_graph=record, materialize_grads=True)

    if outer:
        return out, pullback
    cut = tuple(wrap(o._array, o._aval) for o in outputs)
    return (cut if isinstance(out, tuple) else cut[0]), pullback


def value_and_grad(function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the value of `function` and its gradient.

    `function` must return a real Tensor of one element, or with `has_aux` a pair of one and anything else. The gradient
    is with respect to the positional arguments `argnums`: a Tensor, or a tuple for a tuple.

    >>> import pullback as pb
    >>> pb.func.value_and_grad(lambda x: x**2)(pb.tensor(3.0))
    (tensor(9.), tensor(6.))
    """

    @functools.wraps(function)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
        aux: list[Any] = []

        def of_wanted(*primals: Any) -> Any:
            full = list(args)
            for i, primal in zip(wanted, primals, strict=True):
                full[i] = primal
            out = function(*full, **kwargs)
            if has_aux:
                out, extra = out
                aux.append(extra)
            return out

        value, pullback = vjp(of_wanted, *(args[i] for i in wanted))
        if not isinstance(value, primitives.tensor_type) or value.size != 1 or value.dtype.is_complex:
            what = f"shape {value.shape}, {value.dtype.name}" if hasattr(value, "_aval") else type(value).__name__
            raise ArgumentError(
                f"grad: {function!r} must return a real Tensor of one element, it returned {what}; see jacrev and vjp"
            )
        grads = pullback(namespace.tensors.ones_like(value))
        gradient = grads[0] if isinstance(argnums, int) else grads
        return ((value, aux[0]) if has_aux else value), gradient

    return value_and_gradient


def grad(function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `function` (and its auxiliary result, with `has_aux`).

    >>> import pullback as pb
    >>> pb.func.grad(pb.func.grad(lambda x: x**3))(pb.tensor(2.0))
    tensor(12.)
    """
    both = value_and_grad(function, argnums, has_aux)

    @functools.wraps(function)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, result = both(*args, **kwargs)
        return (result, value[1]) if has_aux else result

    return gradient


def jvp(function: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> tuple[Any, Any]:
    """`function(*primals)` and the derivative of the result along `tangents`, in one forward pass.

    >>> import pullback as pb
    >>> pb.func.jvp(pb.sin, (pb.tensor(0.0),), (pb.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    for i, (primal, tangent) in enumerate(zip(primals, tangents, strict=True)):
        if primal.shape != tangent.shape or primal.dtype is not tangent.dtype:
            raise ArgumentError(
                f"jvp: tangent {i} is {tangent._aval}, its primal {primal._aval}; shape and dtype must agree"
            )
    with next_level() as level:
        backend = dual_backend(level)
        out = function(*(backend.make(p, t) for p, t in zip(primals, tangents, strict=True)))
        if isinstance(out, primitives.tensor_type):
            return backend.parts(out)
        parts = [backend.parts(o) for o in out]
    return tuple(p for p, _ in parts), tuple(t for _, t in parts)
