"""Dual numbers by hand: a Tensor and its tangent, carried through ordinary code. `pb.func.jvp` does the same for functions.

A level is one perturbation. Levels nest, and the tangents of one never mix with those of another.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any, NamedTuple

from pullback import primitive as primitives
from pullback.errors import ArgumentError, AutogradError
from pullback.forward import DualBackend
from pullback.transform import entered

_levels: ContextVar[tuple[tuple[DualBackend, AbstractContextManager[DualBackend]], ...]] = ContextVar(
    "pullback_dual_levels", default=()
)


class UnpackedDualTensor(NamedTuple):
    """What a dual Tensor is made of; `tangent` is None where there is none."""

    primal: Any
    tangent: Any


def enter_dual_level() -> int:
    """Open a level and return its number, 0 for the outermost. `dual_level()` closes it again by itself.

    >>> import pullback as pb
    >>> level = pb.autograd.forward_ad.enter_dual_level()
    >>> pb.autograd.forward_ad.exit_dual_level(level=level)
    """
    context = entered(DualBackend)
    _levels.set((*_levels.get(), (context.__enter__(), context)))
    return len(_levels.get()) - 1


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the innermost level; its dual Tensors have no values from then on.

    `level`: its number, to be sure. Raises `AutogradError` if no level is open, or another one is the innermost.

    >>> import pullback as pb
    >>> _ = pb.autograd.forward_ad.enter_dual_level()
    >>> pb.autograd.forward_ad.exit_dual_level()
    """
    *outer, (_, context) = _open("exit_dual_level")
    if level is not None and level != len(outer):
        raise AutogradError(
            f"exit_dual_level: level {level} is not the innermost, which is {len(outer)}; close that first"
        )
    _levels.set(tuple(outer))
    context.__exit__(None, None, None)


@contextmanager
def dual_level() -> Iterator[int]:
    """Inside, Tensors may have tangents.

    >>> import pullback as pb
    >>> from pullback.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(pb.tensor(3.0), pb.tensor(1.0))
    ...     forward_ad.unpack_dual(x * x)
    UnpackedDualTensor(primal=tensor(9.), tangent=tensor(6.))
    """
    level = enter_dual_level()
    try:
        yield level
    finally:
        exit_dual_level(level=level)


def make_dual(tensor: Any, tangent: Any, *, level: int | None = None) -> Any:
    """`tensor` with a tangent, at a level (the innermost one by default).

    The tangent is a Tensor of the shape, dtype and device of `tensor`, or `ArgumentError` is raised. Raises
    `AutogradError` if no level is open, or `tensor` has a tangent of this level already. Both may require grad: then
    so do what `unpack_dual` makes of results, primal and tangent.

    >>> import pullback as pb
    >>> from pullback.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     x = forward_ad.make_dual(pb.tensor([1.0, 2.0]), pb.tensor([1.0, 0.0]))
    ...     forward_ad.unpack_dual(pb.sum(x**3)).tangent
    tensor(3.)
    """
    backend = _at("make_dual", level)
    for name, value in (("tensor", tensor), ("tangent", tangent)):
        if not isinstance(value, primitives.tensor_type):
            raise ArgumentError(f"make_dual: {name} must be a Tensor, got {type(value).__name__}")
        if value._aval.backend.level > backend.level:
            raise AutogradError(
                f"make_dual: {name} belongs to a transform (func.jvp, vmap, or another level) inside of this level; "
                f"open a dual_level inside of that transform"
            )
    if not tensor.dtype.differentiable:
        raise ArgumentError(f"make_dual: a Tensor of dtype {tensor.dtype.name} has no tangent; convert it to a float")
    if (tensor.shape, tensor.dtype, tensor.device) != (tangent.shape, tangent.dtype, tangent.device):
        raise ArgumentError(f"make_dual: the tangent is {tangent._aval}, the tensor {tensor._aval}; they must agree")
    primal, known = backend.split(tensor)
    if known is not None or backend.split(tangent)[1] is not None:
        raise AutogradError(
            "make_dual: it has a tangent of this level already; open another dual_level for a second one"
        )
    return backend.make(primal, backend.split(tangent)[0])


def unpack_dual(tensor: Any, *, level: int | None = None) -> UnpackedDualTensor:
    """The primal of a Tensor, and its tangent at a level (the innermost one by default).

    The tangent is None for a Tensor that did not come from a dual one. Raises `AutogradError` if no level is open, or
    for a dual Tensor whose level was closed.

    >>> import pullback as pb
    >>> from pullback.autograd import forward_ad
    >>> with forward_ad.dual_level():
    ...     forward_ad.unpack_dual(pb.tensor(1.0))
    UnpackedDualTensor(primal=tensor(1.), tangent=None)
    """
    if not isinstance(tensor, primitives.tensor_type):
        raise ArgumentError(f"unpack_dual: a Tensor is needed, got {type(tensor).__name__}")
    return UnpackedDualTensor(*_at("unpack_dual", level).split(tensor))


def _open(name: str) -> tuple[tuple[DualBackend, AbstractContextManager[DualBackend]], ...]:
    found = _levels.get()
    if not found:
        raise AutogradError(f"{name}: no level is open; write it inside `with pb.autograd.forward_ad.dual_level():`")
    return found


def _at(name: str, level: int | None) -> DualBackend:
    found = _open(name)
    if level is not None and not 0 <= level < len(found):
        raise AutogradError(f"{name}: there is no level {level}; {len(found)} are open, numbered from 0")
    return found[-1 if level is None else level][0]
