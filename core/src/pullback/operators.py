"""`apply`, written out flat for one and for two operands: where small arrays spend their time.

Python's binary operators are made from one template, filled in from the declaration of the primitive: which operator to
run on the raw arrays, and which of them a node keeps. Everything that is not two float Tensors of one aval, or such a
Tensor and a Python number, goes to `apply_elementwise`, which does the same with more questions.
"""

from __future__ import annotations

import linecache
from collections.abc import Callable
from functools import partial
from typing import Any, Final, NamedTuple

from pullback import primitive as primitives
from pullback.apply import Plan, apply_elementwise
from pullback.aval import Aval
from pullback.errors import BackendMismatchError
from pullback.grad_mode import recording
from pullback.graph import SEQ, next_seq
from pullback.primitive import Primitive, new
from pullback.pullbacks import ElementwisePullback
from pullback.writes import last

_SKELETON: Final = """\
def {method}(x, y):
    aval = x._aval
    kind = type(y)
    if kind is Tensor:
        {swap}other = y._aval
        plan = aval.own[{number}] if other is aval else aval.plans.get((primitive, other))
        if plan is None:
            return general(primitive, {general_order})
        x1 = x._array
        x2 = y._array
        out = new(Tensor)
        out._array = {symbol}
        out._aval = plan.out
        a = x._node
        b = y._node
        if b is None:
            if a is None or not (mode := recording()):
                out._node = None
                return out
            out._node = [next_seq(), plan.first or plan.fill(0), a, None, {keep_first}]
        elif not (mode := recording()):
            out._node = None
            return out
        elif a is None:
            out._node = [next_seq(), plan.second or plan.fill(1), b, None, {keep_second}]
        else:
            out._node = [next_seq(), plan.both or plan.fill(2), a, b, {keep_both}]
        if mode is not True:
            mode.recorded(out._node, out._array)
        return out
    if aval.direct and (kind is float or kind is int):
        {self_name} = x._array
        {other_name} = aval.scalars.get(y)
        if {other_name} is None:
            {other_name} = aval.scalar(y)
        out = new(Tensor)
        out._array = {symbol}
        out._aval = aval
        a = x._node
        if a is None or not (mode := recording()):
            out._node = None
            return out
        plan = aval.own[{number}] or remember(primitive, aval, {number})
        out._node = [next_seq(), plan.{self_call} or plan.fill({self_index}), a, None, {keep_self}]
        if mode is not True:
            mode.recorded(out._node, out._array)
        return out
    return general(primitive, {general_order})
"""


class PairPlan:
    """What an operator knows about two avals: the aval of the result, and the pullbacks as far as they were needed."""

    __slots__ = ("avals", "both", "first", "out", "primitive", "second")

    def __init__(self, primitive: Primitive, avals: tuple[Aval, Aval], out: Aval) -> None:
        self.primitive = primitive
        self.avals = avals
        self.out = out
        self.first = self.second = self.both = None

    def fill(self, which: int) -> Any:
        """Build the pullback with respect to the first operand (0), the second (1) or both (2)."""
        call = ElementwisePullback(self.primitive, ((0,), (1,), (0, 1))[which], self.avals, self.out, {}).call
        setattr(self, ("first", "second", "both")[which], call)
        return call


def _remember(primitive: Primitive, aval: Aval, number: int) -> PairPlan:
    """The plan of operator `number` for two operands of one direct aval."""
    plan = aval.own[number] = PairPlan(primitive, (aval, aval), aval)
    return plan


def binary_operator(primitive: Primitive, symbol: str, number: int) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """The methods `__op__` and `__rop__` for an elementwise primitive of two operands.

    They return `NotImplemented` for an operand that is neither Tensor nor number, as Python's protocol wants.
    """
    return _method(primitive, symbol, number, reflected=False), _method(primitive, symbol, number, reflected=True)


def _method(primitive: Primitive, symbol: str, number: int, *, reflected: bool) -> Any:
    keeps = {wrt: _keeps(primitive, wrt) for wrt in ((0,), (1,), (0, 1))}
    self_index = 1 if reflected else 0
    source = _SKELETON.format(
        method=f"{'reflected_' if reflected else ''}{primitive.name}",
        symbol=f"x1 {symbol} x2",
        number=number,
        keep_first=_keep(keeps[0,]),
        keep_second=_keep(keeps[1,]),
        keep_both=_keep(keeps[0, 1]),
        keep_self=_keep(keeps[self_index,]),
        self_index=self_index,
        self_call="second" if reflected else "first",
        self_name=f"x{self_index + 1}",
        other_name=f"x{2 - self_index}",
        general_order="y, x" if reflected else "x, y",
        swap="return general(primitive, y, x)\n        " if reflected else "",  # only where it is called by its name
    )
    filename = f"<operator {symbol}{' reflected' if reflected else ''}>"
    linecache.cache[filename] = (len(source), None, source.splitlines(keepends=True), filename)  # for tracebacks
    scope = {
        "Tensor": primitives.tensor_type,
        "new": new,
        "next_seq": next_seq,
        "recording": recording,
        "primitive": primitive,
        "remember": _remember,
        "general": partial(_general, number),
    }
    exec(compile(source, filename, "exec"), scope)  # noqa: S102  text made from the template above alone
    return scope[f"{'reflected_' if reflected else ''}{primitive.name}"]


def _keeps(primitive: Primitive, wrt: tuple[int, ...]) -> tuple[str, ...]:
    reads = dict.fromkeys(name for i in wrt for name in primitive.vjp_of(i).reads)
    return tuple(reads)


def _keep(keeps: tuple[str, ...]) -> str:
    values = [{"out": "out._array"}.get(name, name) for name in keeps]
    if len(values) > 2:
        values = [f"({', '.join(values)})"]
    return ", ".join([*values, "None", "None"][:2])


def _general(number: int, primitive: Primitive, x: Any, y: Any) -> Any:
    """Whatever the flat part of an operator does not know yet, or never will."""
    tensor_type = primitives.tensor_type
    if not (isinstance(x, tensor_type) and isinstance(y, tensor_type)):
        return _with_foreign(primitive, x, y)
    out = apply_elementwise(primitive, (x, y))
    first = x._aval
    second = y._aval
    plan = first.plans.get((primitive, first, second))
    if plan is not None and plan.simple and first.backend.plain_operators and out._aval.differentiable:
        if first is not second:
            if (primitive, second) not in first.plans:
                first.remember((primitive, second), PairPlan(primitive, (first, second), out._aval))
        elif first.direct and first.own[number] is None:
            _remember(primitive, first, number)
    return out


def _with_foreign(primitive: Primitive, x: Any, y: Any) -> Any:
    for operand in (x, y):
        if not isinstance(operand, primitives.tensor_type) and primitives.convert(operand) is None:
            return refuse_array(primitive.name, operand)
    return apply_elementwise(primitive, (x, y))


def refuse_array(name: str, operand: Any) -> Any:
    """`BackendMismatchError` if the operand of an operator is a raw array; else what Python wants to hear."""
    if hasattr(operand, "__array_namespace__") or hasattr(operand, "__array__"):
        raise BackendMismatchError(
            f"{name}: one operand is a Tensor, the other a raw "
            f"{type(operand).__module__}.{type(operand).__qualname__}; write pb.asarray(...) around the raw array"
        )
    return NotImplemented


class _FunctionPlan:
    """What is known about a function of two operands once their avals are known, or an aval and a type of number."""

    __slots__ = ("kernel", "out", "plan", "pullbacks", "records", "second")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.kernel = plan.kernel
        self.out = plan.out
        self.records = plan.records
        self.second = plan.avals[1]
        self.pullbacks: list[Any] = [None, None, None]

    def fill(self, which: int) -> Any:
        """The pullback with respect to the first operand (0), the second (1) or both (2).

        And which of `(x1, x2, out, None)` a node keeps as its `x` and `y`; None if more than two.
        """
        plan = self.plan
        call = ElementwisePullback(plan.primitive, ((0,), (1,), (0, 1))[which], plan.avals, plan.out, {}).call
        kept = (*call.rule.positions, 3, 3)[:2] if len(call.rule.positions) <= 2 else None
        found = self.pullbacks[which] = call, kept
        return found


def binary_function(primitive: Primitive) -> Callable[[Any, Any], Any]:
    """The public function of an elementwise primitive of two operands: Tensors and Python numbers."""

    def function(x1: Any, x2: Any, /) -> Any:
        tensor_type = primitives.tensor_type
        if not isinstance(x1, tensor_type):
            return apply_elementwise(primitive, (x1, x2))
        kind = type(x2)
        if kind is float or kind is int:
            plan = x1._aval.plans.get((primitive, kind))
            if plan is None:
                return first(x1, x2)
            array2 = plan.second.scalar(x2)
            b = None
        elif isinstance(x2, tensor_type):
            plan = x1._aval.plans.get((primitive, x2._aval, "function"))
            if plan is None:
                return first(x1, x2)
            array2 = x2._array
            b = x2._node
        else:
            return apply_elementwise(primitive, (x1, x2))
        array1 = x1._array
        a = x1._node
        out = new(tensor_type)
        out._array = result = plan.kernel(array1, array2)
        out._aval = plan.out
        if (a is None and b is None) or not plan.records or not (mode := recording()):
            out._node = None
            return out
        which = 0 if b is None else 1 if a is None else 2
        call, kept = plan.pullbacks[which] or plan.fill(which)
        values = (array1, array2, result, None)
        x, y = call.rule.pack(values) if kept is None else (values[kept[0]], values[kept[1]])
        out._node = [next_seq(), call, b if a is None else a, None if a is None else b, x, y]
        if primitive.hides:
            last.event = out._node[SEQ]
        if mode is not True:
            mode.recorded(out._node, result)
        return out

    def first(x1: Any, x2: Any) -> Any:
        """Run it the general way; keep a plan for the next time unless an operand needs a conversion."""
        out = apply_elementwise(primitive, (x1, x2))
        aval = x1._aval
        second = x2._aval if isinstance(x2, primitives.tensor_type) else type(x2)
        plan = aval.plans.get((primitive, aval, second))
        if plan is not None and plan.simple:
            key = (primitive, second, "function") if isinstance(second, Aval) else (primitive, second)
            aval.remember(key, _FunctionPlan(plan))
        return out

    return function


class _UnaryPlan(NamedTuple):
    """What is known about an op of one operand once its aval is known."""

    kernel: Callable[[Any], Any]
    out: Aval
    call: Any
    keeps_x: bool
    keeps_out: bool


def unary_function(primitive: Primitive, **params: Any) -> Callable[[Any], Any]:
    """The function of an elementwise primitive of one operand, with its parameters filled in."""
    key = (primitive, *params.values()) if params else primitive

    def function(x: Any, /) -> Any:
        try:
            plan = x._aval.plans[key]
        except (AttributeError, KeyError):
            return first(x)
        array = x._array
        out = new(primitives.tensor_type)
        out._array = result = plan.kernel(array)
        out._aval = plan.out
        a = x._node
        if a is None or plan.call is None or not (mode := recording()):
            out._node = None
            return out
        if plan.keeps_x:
            out._node = [next_seq(), plan.call, a, None, array, result if plan.keeps_out else None]
        else:
            out._node = [next_seq(), plan.call, a, None, result if plan.keeps_out else None, None]
        if primitive.hides:
            last.event = out._node[SEQ]
        if mode is not True:
            mode.recorded(out._node, result)
        return out

    def first(x: Any) -> Any:
        """Run it the general way; keep a plan for the next time unless the operand needs a conversion."""
        out = apply_elementwise(primitive, (x,), params)
        if isinstance(x, primitives.tensor_type) and (x._aval.differentiable or not primitive.floating):
            aval = x._aval
            kernel = aval.backend.kernel(primitive)
            call = None
            keeps: tuple[str, ...] = ()
            if primitive.vjp and out._aval.differentiable:
                rule = ElementwisePullback(primitive, (0,), (aval,), out._aval, params)
                call, keeps = rule.call, rule.keeps
                if keeps[:1] == ("out",) and len(keeps) == 2:
                    raise AssertionError(f"{primitive.name}: a rule of one operand must name it before 'out'")
            plan = _UnaryPlan(
                kernel=partial(kernel, **params) if params else kernel,
                out=out._aval,
                call=call,
                keeps_x=primitive.operands[0] in keeps,
                keeps_out="out" in keeps,
            )
            aval.remember(key, plan)
        return out

    return function
