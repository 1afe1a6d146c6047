"""Whole matrices of derivatives: `jacrev`, `jacfwd`, `hessian`, and the product `hvp`. Rows and columns run as a batch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

from pullback import namespace
from pullback import tree as trees
from pullback.func.forward import jvp
from pullback.func.reverse import closed, grad, tensors_of, vjp
from pullback.func.vectorize import vmap

Function = Callable[..., Any]
xp: Any = namespace.tensors


def _basis(tensors: Sequence[Any]) -> list[Any]:
    """The standard basis of several Tensors taken together: each gets a batch of as many arrays as they have elements."""
    total = sum(x.size for x in tensors)
    start = 0
    result = []
    for x in tensors:
        rows = xp.eye(total, x.size, k=-start, dtype=x.dtype, device=x.device)
        result.append(rows if x.ndim == 1 else xp.reshape(rows, (total, *x.shape)))
        start += x.size
    return result


def _split(batch: Any, tensors: Sequence[Any]) -> list[Any]:
    """The parts of a batch over the standard basis that belong to each of the Tensors, in their shapes."""
    parts = []
    start = 0
    for x in tensors:
        part = batch if len(tensors) == 1 else batch[start : start + x.size, ...]
        parts.append(part if x.ndim == 1 else xp.reshape(part, (*x.shape, *batch.shape[1:])))
        start += x.size
    return parts


def jacrev(
    function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, chunk_size: int | None = None
) -> Function:
    """A function that returns the Jacobian of `function`, one reverse pass per row, the rows as a batch.

    For a result of shape S and an argument of shape A it has shape S + A; nested results and arguments give nested
    Jacobians, first as the result is, then as the arguments `argnums` are. Best where the result is smaller than the
    argument.

    >>> import pullback as pb
    >>> pb.func.jacrev(lambda x: x**2)(pb.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(function)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = closed(function, argnums, args, kwargs)
        out, pullback, *aux = vjp(of_chosen, *chosen, has_aux=has_aux)
        outputs = tensors_of("jacrev", out)
        rows = vmap(pullback, chunk_size=chunk_size)(trees.unflatten(out, _basis(outputs)))
        columns = [_split(row, outputs) for row in trees.leaves(rows)]  # by input, then by output
        by_output = [_as_arguments(argnums, chosen, [column[i] for column in columns]) for i in range(len(outputs))]
        result = trees.unflatten(out, by_output)
        return (result, aux[0]) if has_aux else result

    return jacobian


def jacfwd(
    function: Function, argnums: int | tuple[int, ...] = 0, has_aux: bool = False, chunk_size: int | None = None
) -> Function:
    """A function that returns the Jacobian of `function`, one forward pass per column, the columns as a batch.

    The result is that of `jacrev`. Best where the argument is smaller than the result.

    >>> import pullback as pb
    >>> pb.func.jacfwd(lambda x: x**2)(pb.tensor([1.0, 2.0]))
    tensor([[2., 0.],
            [0., 4.]])
    """

    @functools.wraps(function)
    def jacobian(*args: Any, **kwargs: Any) -> Any:
        of_chosen, chosen = closed(function, argnums, args, kwargs)
        primals = tuple(chosen)
        inputs = tensors_of("jacfwd", primals)
        seen: list[Any] = []

        def column(*tangents: Any) -> Any:
            value, tangent, *aux = jvp(of_chosen, primals, tangents, has_aux=has_aux)
            seen[:] = [value, *aux]
            return tangent

        batch = vmap(column, chunk_size=chunk_size)(*trees.unflatten(primals, _basis(inputs)))
        by_output = []
        for tangents in trees.leaves(batch):
            parts = [_inputs_last(part, x.ndim) for part, x in zip(_split(tangents, inputs), inputs, strict=True)]
            by_output.append(_as_arguments(argnums, chosen, parts))
        result = trees.unflatten(batch, by_output)
        return (result, seen[1]) if has_aux else result

    return jacobian


def _inputs_last(part: Any, ndim: int) -> Any:
    """From (input axes, output axes) to (output axes, input axes)."""
    return xp.permute_dims(part, (*range(ndim, part.ndim), *range(ndim)))


def _as_arguments(argnums: int | tuple[int, ...], chosen: Sequence[Any], parts: Sequence[Any]) -> Any:
    """Parts per input Tensor, nested as the arguments `argnums`."""
    nested = trees.unflatten(tuple(chosen), parts)
    return nested[0] if isinstance(argnums, int) else nested


def hessian(function: Function, argnums: int | tuple[int, ...] = 0) -> Function:
    """A function that returns the second derivatives of `function`: forward over reverse.

    For a 0-d result and an argument of shape A it has shape A + A.

    >>> import pullback as pb
    >>> pb.func.hessian(lambda x: (x**3).sum())(pb.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(function, argnums), argnums)


def hvp(function: Function, primals: tuple[Any, ...], tangents: tuple[Any, ...]) -> Any:
    """The product of the Hessian of `function` at `primals` with `tangents`: one forward pass over a reverse pass.

    The result is nested as the primals are: a Tensor for one, a tuple for several.

    >>> import pullback as pb
    >>> pb.func.hvp(lambda x: (x**3).sum(), (pb.tensor([1.0, 2.0]),), (pb.tensor([1.0, 1.0]),))
    tensor([ 6., 12.])
    """
    argnums = 0 if len(primals) == 1 else tuple(range(len(primals)))
    return jvp(grad(function, argnums), primals, tangents)[1]
