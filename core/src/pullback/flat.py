"""`apply` for ops that are not elementwise, written out flat for one and for two operands: sums, products, new shapes.

What such an op asks each time (its kernel, its pullback, what a node of it keeps) is remembered with the aval of its first
operand, under the primitive, the aval of the second and the parameters; as in `operators.py`, the first call goes to
`apply`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from pullback import primitive as primitives
from pullback.apply import apply, pullback_of
from pullback.aval import Aval
from pullback.grad_mode import recording
from pullback.graph import SEQ, next_seq
from pullback.primitive import Primitive, new
from pullback.writes import last

_PLAIN: Final = frozenset((int, float, bool, str, type(None)))


def _is_plain(param: Any) -> bool:
    """Whether a parameter is a value that equal calls share: no Tensor, no array."""
    return all(map(_is_plain, param)) if type(param) is tuple else type(param) in _PLAIN


def general_function(primitive: Primitive) -> Callable[..., Any]:
    """The function of a primitive that is not elementwise: Tensors, and keyword arguments for its parameters."""
    if primitive.variadic:

        def variadic(arrays: Any, /, **params: Any) -> Any:
            return apply(primitive, arrays, params)

        return variadic
    if not (primitive.multiple or primitive.typed):
        if len(primitive.operands) == 1:
            return _of_one(primitive)
        if len(primitive.operands) == 2:
            return _of_two(primitive)

    def function(*operands: Any, **params: Any) -> Any:
        return apply(primitive, operands, params)

    return function


class _Plan:
    """What is known about an op once the avals of its operands and its parameters are known."""

    __slots__ = ("backend", "extra", "kernel", "out", "primitive", "pullbacks", "records", "shape")

    def __init__(self, primitive: Primitive, avals: list[Aval], params: dict[str, Any], out: Aval) -> None:
        self.primitive = primitive
        self.backend = avals[0].backend
        kernel = self.backend.kernel(primitive)
        if params:
            kernel = partial(kernel, **params)
        elif isinstance(primitive.forward, str) and self.backend.plain_operators and not self.backend.level:
            kernel = self.backend.fitted(primitive.forward, *avals)  # (not while a profiler times kernels)
        self.kernel = kernel
        self.out = out
        self.shape = out.shape
        self.records = bool(primitive.vjp) and out.differentiable
        self.extra = (params, avals, None)
        self.pullbacks: list[tuple[Any, Any] | None] = [None, None, None]

    def fill(self, which: int) -> tuple[Any, Any]:
        """The pullback with respect to the first operand (0), the second (1) or both (2); and what packs its residuals.

        That takes `(*operands, out)`, and is None if the pullback reads no array.
        """
        call = pullback_of(self.primitive, ((0,), (1,), (0, 1))[which], self.backend)
        found = self.pullbacks[which] = call, call.rule.pack if call.rule.positions else None
        return found


def _learn(primitive: Primitive, key: Any, operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run an op the general way; keep a plan for the next time if nothing but avals and plain parameters matters."""
    out = apply(primitive, operands, params)
    if all(isinstance(operand, primitives.tensor_type) for operand in operands) and all(
        map(_is_plain, params.values())
    ):
        avals = [operand._aval for operand in operands]
        if all(aval.backend is avals[0].backend for aval in avals):
            avals[0].remember(key, _Plan(primitive, avals, params, out._aval))
    return out


def _of_one(primitive: Primitive) -> Callable[..., Any]:
    def function(x: Any, /, **params: Any) -> Any:
        key = (primitive, *params.items()) if params else primitive
        try:
            plan = x._aval.plans[key]
        except (AttributeError, KeyError, TypeError):  # no Tensor, or an index, which has no hash
            return _learn(primitive, key, (x,), params)
        array = x._array
        out = new(primitives.tensor_type)
        out._array = result = plan.kernel(array)
        out._aval = plan.out if result.shape == plan.shape else plan.backend.aval(result)  # it may depend on the values
        a = x._node
        if a is None or not plan.records or not (mode := recording()):
            out._node = None
            return out
        call, pack = plan.pullbacks[0] or plan.fill(0)
        kept = None if pack is None else pack((array, result))
        out._node = [next_seq(), call, a, None, kept, plan.extra]
        if primitive.hides:
            last.event = out._node[SEQ]
        if mode is not True:
            mode.recorded(out._node, result)
        return out

    return function


def _of_two(primitive: Primitive) -> Callable[..., Any]:
    def function(x1: Any, x2: Any, /, **params: Any) -> Any:
        try:
            key = (primitive, x2._aval, *params.items()) if params else (primitive, x2._aval)
            plan = x1._aval.plans[key]
        except AttributeError:
            return apply(primitive, (x1, x2), params)
        except (KeyError, TypeError):
            return _learn(primitive, key, (x1, x2), params)
        array1 = x1._array
        array2 = x2._array
        out = new(primitives.tensor_type)
        out._array = result = plan.kernel(array1, array2)
        out._aval = plan.out if result.shape == plan.shape else plan.backend.aval(result)
        a = x1._node
        b = x2._node
        if (a is None and b is None) or not plan.records or not (mode := recording()):
            out._node = None
            return out
        which = 0 if b is None else 1 if a is None else 2
        call, pack = plan.pullbacks[which] or plan.fill(which)
        kept = None if pack is None else pack((array1, array2, result))
        out._node = [next_seq(), call, b if a is None else a, None if a is None else b, kept, plan.extra]
        if primitive.hides:
            last.event = out._node[SEQ]
        if mode is not True:
            mode.recorded(out._node, result)
        return out

    return function
