"""Reverse mode as functions of functions: `vjp`, `value_and_grad`, `grad`, `linearize`."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback import namespace
from pullback import primitive as primitives
from pullback import tree as trees
from pullback.autograd.passes import grad as _grad
from pullback.errors import ArgumentError
from pullback.grad_mode import enable_grad, recording
from pullback.graph import Leaf, parents
from pullback.ops.data_type_functions import alias
from pullback.primitive import wrap
from pullback.transform import lifted, tracked

Function = Callable[..., Any]


def tensors_of(name: str, tree: Any) -> list[Any]:
    """The leaves of a tree, which must be Tensors."""
    found = trees.leaves(tree)
    for leaf in found:
        if not isinstance(leaf, primitives.tensor_type):
            raise ArgumentError(
                f"{name}: only Tensors can be differentiated, got {type(leaf).__name__}; write pb.asarray(...) around "
                f"numbers and arrays, or leave the argument out of argnums"
            )
    return found


def pair(name: str, out: Any) -> tuple[Any, Any]:
    """What a function with an auxiliary result returned."""
    if not isinstance(out, tuple) or len(out) != 2:
        raise ArgumentError(
            f"{name}: with has_aux=True the function must return a pair (result, aux), not {type(out).__name__}"
        )
    return out


def _is_tensor(value: Any) -> bool:
    return isinstance(value, primitives.tensor_type)


def _fresh(x: Any) -> Any:
    """A Tensor with the values of `x` and a node of its own to differentiate with respect to."""
    x = lifted(x)
    if not x.dtype.differentiable:
        raise ArgumentError(
            f"an argument of dtype {x.dtype.name} cannot be differentiated; convert it to a floating dtype"
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


def vjp(function: Function, *primals: Any, has_aux: bool = False) -> Any:
    """`function(*primals)`, and the function that takes cotangents of the result to those of the primals.

    Primals and result may be nested tuples, lists, dicts and dataclasses of Tensors; the pullback takes cotangents nested
    as the result is, returns a tuple nested as the primals are, and may be called any number of times. With `has_aux`,
    `function` returns a pair, and the second item is handed on as a third result. Raises `ArgumentError` for leaves that
    are not floating Tensors.

    >>> import pullback as pb
    >>> y, pullback = pb.func.vjp(pb.sin, pb.tensor(0.0))
    >>> pullback(pb.tensor(2.0))
    (tensor(2.),)
    """
    flat = tensors_of("vjp", primals)
    with enable_grad():
        inputs = [_fresh(primal) for primal in flat]
        out = function(*trees.unflatten(primals, inputs))
    aux = None
    if has_aux:
        out, aux = pair("vjp", out)
    outputs = tensors_of("vjp", out)
    outer = bool(recording()) and _listening([*outputs, *filter(_is_tensor, trees.leaves(aux))], inputs, flat)

    def pullback(cotangents: Any) -> tuple[Any, ...]:
        pairs = [
            (o, ct) for o, ct in zip(outputs, trees.aligned(out, cotangents, "vjp"), strict=True) if o._node is not None
        ]
        if pairs:
            outs, cts = zip(*pairs, strict=True)
            record = outer or any(map(tracked, cts))
            grads = _grad(outs, inputs, cts, retain_graph=True, create_graph=record, materialize_grads=True)
        else:
            grads = tuple(namespace.tensors.zeros_like(x) for x in inputs)
        return trees.unflatten(primals, grads)  # type: ignore[no-any-return]

    if not outer:  # the graph belongs to the pullback alone
        out = trees.unflatten(out, [wrap(o._array, o._aval) for o in outputs])
        aux = trees.mapped(lambda leaf: wrap(leaf._array, leaf._aval) if _is_tensor(leaf) else leaf, aux)
    return (out, pullback, aux) if has_aux else (out, pullback)


def _select(argnums: int | Sequence[int], args: Sequence[Any]) -> tuple[tuple[int, ...], list[Any]]:
    """Positions from the front, and the arguments there."""
    wanted = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in wanted:
        if not -len(args) <= i < len(args):
            raise ArgumentError(
                f"argnums: there is no positional argument {i}, the function was called with {len(args)}"
            )
    positions = tuple(i % len(args) for i in wanted)
    return positions, [args[i] for i in positions]


def closed(function: Function, argnums: int | Sequence[int], args: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """`function` as one of the arguments `argnums` alone, and these arguments."""
    positions, chosen = _select(argnums, args)

    def of_chosen(*values: Any) -> Any:
        full = list(args)
        for i, value in zip(positions, values, strict=True):
            full[i] = value
        return function(*full, **kwargs)

    return of_chosen, chosen


def value_and_grad(function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the value of `function` and its gradient.

    `function` returns a real Tensor of one element, or with `has_aux` a pair of one and anything else (then the value is
    that pair). The gradient is with respect to the positional arguments `argnums`, nested as they are; for a tuple of
    positions it is a tuple. Raises `ArgumentError` if the value is anything else.

    >>> import pullback as pb
    >>> pb.func.value_and_grad(lambda x: x**2)(pb.tensor(3.0))
    (tensor(9.), tensor(6.))
    """

    @functools.wraps(function)
    def value_and_gradient(*args: Any, **kwargs: Any) -> tuple[Any, Any]:
        of_chosen, chosen = closed(function, argnums, args, kwargs)
        value, pullback, *aux = vjp(of_chosen, *chosen, has_aux=has_aux)
        if not isinstance(value, primitives.tensor_type) or value.size != 1 or value.dtype.is_complex:
            what = str(value._aval) if isinstance(value, primitives.tensor_type) else type(value).__name__
            raise ArgumentError(
                f"grad: the function must return a real Tensor of one element, it returned {what}; see jacrev and vjp"
            )
        grads = pullback(namespace.tensors.ones_like(value))
        return ((value, *aux) if has_aux else value), (grads[0] if isinstance(argnums, int) else grads)

    return value_and_gradient


def grad(function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False) -> Function:
    """A function that returns the gradient of `function`; with `has_aux`, and its auxiliary result.

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


def linearize(function: Function, *primals: Any) -> tuple[Any, Callable[..., Any]]:
    """`function(*primals)`, and its derivative there as a linear function of tangents, without running `function` again.

    The derivative is the transpose of the pullback, which is a linear function of its cotangent: one reverse pass over
    the graph of a reverse pass.

    >>> import pullback as pb
    >>> y, push = pb.func.linearize(pb.sin, pb.tensor(0.0))
    >>> push(pb.tensor(2.0))
    tensor(2.)
    """
    out, pullback = vjp(function, *primals)
    zeros = trees.mapped(lambda o: namespace.tensors.zeros_like(o), out)
    _, transpose = vjp(pullback, zeros)

    listening = any(o._node is not None for o in trees.leaves(out))

    def push(*tangents: Any) -> Any:
        pushed = transpose(tangents)[0]
        if listening or any(map(tracked, trees.leaves(tangents))):
            return pushed
        return trees.mapped(lambda o: wrap(o._array, o._aval), pushed)  # nothing else of its graph is in sight

    return out, push
