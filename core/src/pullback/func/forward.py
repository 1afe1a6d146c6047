"""Forward mode as a function of functions: `jvp`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pullback import tree as trees
from pullback.errors import ArgumentError
from pullback.forward import DualBackend
from pullback.func.reverse import pair, tensors_of
from pullback.transform import entered


def jvp(
    function: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], *, has_aux: bool = False
) -> Any:
    """`function(*primals)` and the derivative of the result along `tangents`, in one forward pass.

    Tangents are nested as the primals are and have their shapes and dtypes, or `ArgumentError` is raised. With `has_aux`,
    `function` returns a pair, and the second item is handed on as a third result.

    >>> import pullback as pb
    >>> pb.func.jvp(pb.sin, (pb.tensor(0.0),), (pb.tensor(2.0),))
    (tensor(0.), tensor(2.))
    """
    for what, value in (("primals", primals), ("tangents", tangents)):
        if not isinstance(value, (tuple, list)):
            raise ArgumentError(f"jvp: {what} must be a tuple with an item per argument, got {type(value).__name__}")
    flat = tensors_of("jvp", primals)
    moves = tensors_of("jvp", trees.aligned(tuple(primals), tuple(tangents), "jvp"))
    for i, (primal, tangent) in enumerate(zip(flat, moves, strict=True)):
        if primal.shape != tangent.shape or primal.dtype is not tangent.dtype or primal.device != tangent.device:
            raise ArgumentError(f"jvp: tangent {i} is {tangent._aval}, its primal {primal._aval}; they must agree")
    with entered(DualBackend) as backend:
        out = function(*trees.unflatten(primals, [backend.make(p, t) for p, t in zip(flat, moves, strict=True)]))
        aux = None
        if has_aux:
            out, aux = pair("jvp", out)
            aux = trees.mapped(lambda leaf: backend.parts(leaf)[0] if hasattr(leaf, "_aval") else leaf, aux)
        parts = [backend.parts(o) for o in tensors_of("jvp", out)]
    value = trees.unflatten(out, [primal for primal, _ in parts])
    tangent = trees.unflatten(out, [tangent for _, tangent in parts])
    return (value, tangent, aux) if has_aux else (value, tangent)
