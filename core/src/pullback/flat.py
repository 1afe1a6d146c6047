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

    __slots__ = ("backend", "extra", "kernel", "primitive", "pullbacks")

    def __init__(self, primitive: Primitive, avals: list[Aval], params: dict[str, Any]) -> None:
        self.primitive = primitive
        self.backend = avals[0].backend
        kernel = self.backend.kernel(primitive)
        self.kernel = partial(kernel, **params) if params else kernel
        self.extra = (params, avals, None)
        self.pullbacks: dict[tuple[int, ...], tuple[Any, Any]] = {}

    def pullback(self, wrt: tuple[int, ...]) -> tuple[Any, Any]:
        """The pullback with respect to these operands; and how to pack what it reads, None if it reads no array."""
        found = self.pullbacks.get(wrt)
        if found is None:
            call = pullback_of(self.primitive, wrt, self.backend)
            found = self.pullbacks[wrt] = call, call.rule.pack if call.rule.positions else None
        return found


def _learn(primitive: Primitive, key: tuple[Any, ...], operands: tuple[Any, ...], params: dict[str, Any]) -> Any:
    """Run an op the general way; keep a plan for the next time if nothing but avals and plain parameters matters."""
    out = apply(primitive, operands, params)
    if all(isinstance(operand, primitives.tensor_type) for operand in operands) and all(
        map(_is_plain, params.values())
    ):
        avals = [operand._aval for operand in operands]
        if all(aval.backend is avals[0].backend for aval in avals):
            avals[0].remember(key, _Plan(primitive, avals, params))
    return out


def _of_one(primitive: Primitive) -> Callable[..., Any]:
    def function(x: Any, /, **params: Any) -> Any:
        key = (primitive, *params.items())
        try:
            plan = x._aval.plans[key]
        except (AttributeError, KeyError, TypeError):  # no Tensor, or an index, which has no hash
            return _learn(primitive, key, (x,), params)
        array = x._array
        out = new(primitives.tensor_type)
        out._array = result = plan.kernel(array)
        out._aval = aval = plan.backend.aval(result)
        a = x._node
        if a is None or not primitive.vjp or not aval.differentiable or not (mode := recording()):
            out._node = None
            return out
        call, pack = plan.pullbacks.get((0,)) or plan.pullback((0,))
        out._node = node = [next_seq(), call, a, None, None if pack is None else pack((array, result)), plan.extra]
        if primitive.hides:
            last.event = node[SEQ]
        if mode is not True:
            mode.recorded(node, result)
        return out

    return function


def _of_two(primitive: Primitive) -> Callable[..., Any]:
    def function(x1: Any, x2: Any, /, **params: Any) -> Any:
        try:
            key = (primitive, x2._aval, *params.items())
            plan = x1._aval.plans[key]
        except AttributeError:
            return apply(primitive, (x1, x2), params)
        except (KeyError, TypeError):
            return _learn(primitive, key, (x1, x2), params)
        array1 = x1._array
        array2 = x2._array
        out = new(primitives.tensor_type)
        out._array = result = plan.kernel(array1, array2)
        out._aval = aval = plan.backend.aval(result)
        a = x1._node
        b = x2._node
        recorded = (a is not None or b is not None) and primitive.vjp and aval.differentiable
        if not recorded or not (mode := recording()):
            out._node = None
            return out
        wrt = _SECOND if a is None else _FIRST if b is None else _BOTH
        call, pack = plan.pullbacks.get(wrt) or plan.pullback(wrt)
        kept = None if pack is None else pack((array1, array2, result))
        out._node = node = [next_seq(), call, b if a is None else a, None if a is None else b, kept, plan.extra]
        if primitive.hides:
            last.event = node[SEQ]
        if mode is not True:
            mode.recorded(node, result)
        return out

    return function


_FIRST, _SECOND, _BOTH = (0,), (1,), (0, 1)
