"""`apply`: the one place where an operation runs and is recorded.

An elementwise operation asks all questions about devices, dtypes and broadcasting once per combination of avals, and
keeps the answers as a Plan. (`operators.py` and `flat.py` are the same, written out flat for the cases that matter most.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, Any, Final

from pullback import dtypes
from pullback import primitive as primitives
from pullback.aval import Aval
from pullback.backend import Backend
from pullback.errors import ArgumentError, BackendMismatchError, DTypeError, ShapeError
from pullback.grad_mode import recording
from pullback.graph import SEQ, make_node, next_seq
from pullback.primitive import Primitive, new, wrap
from pullback.pullbacks import ElementwisePullback, GeneralPullback
from pullback.rules import select
from pullback.writes import last

if TYPE_CHECKING:
    pass

_NUMBERS: Final = (float, int, bool, complex)


class Plan:
    """What is known about an elementwise op once the avals of its operands are known."""

    __slots__ = (
        *(
            "avals",
            "backend",
            "casts",
            "kernel",
            "lifts",
            "out",
            "params",
            "primitive",
            "pullbacks",
            "records",
            "simple",
        ),
    )

    def __init__(self, primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> None:
        self.primitive = primitive
        self.params = params
        tensors = [operand._aval for operand in operands if isinstance(operand, primitives.tensor_type)]
        self.backend, device = common_backend(primitive.name, tensors)
        names = primitive.operands
        typed = [i for i, name in enumerate(names) if name not in primitive.untyped]
        dtype = _result_dtype(primitive, [operands[i] for i in typed])
        self.avals: list[Aval] = []
        self.casts: list[Any] = []  # the native dtype to convert an operand to first, or None
        self.lifts: list[bool] = []  # whether a transform sees the operand as a constant
        for i, operand in enumerate(operands):
            is_tensor = isinstance(operand, primitives.tensor_type)
            aval = operand._aval if is_tensor else device.backend.intern((), dtype, device)
            # floats and complex numbers mix as the standard says, in every library; the rest is ours to convert
            cast = is_tensor and i in typed and aval.dtype is not dtype and not aval.dtype.differentiable
            self.casts.append(self.backend.native_dtype(dtype) if cast else None)
            self.avals.append(aval.with_dtype(dtype) if cast else aval)
            self.lifts.append(self.backend.level > 0 and aval.backend is not self.backend)
        self.simple = not any(self.lifts) and not any(self.casts)  # operands go to the kernel as they are
        plain = primitive.operator if self.backend.plain_operators else None
        self.kernel: Callable[..., Any] = plain or self.backend.kernel(primitive)
        self.out: Any = None  # the aval of the result, see finish()
        self.records = False
        self.pullbacks: dict[tuple[int, ...], Any] = {}

    def raw(self, i: int, operand: Any) -> Any:
        """Operand number `i` as the kernel takes it."""
        if not isinstance(operand, primitives.tensor_type):
            scalar = self.avals[i].scalar(operand)
            return wrap(scalar, self.avals[i]) if self.lifts[i] else scalar
        if self.casts[i] is not None:
            if self.lifts[i]:
                return operand.astype(self.avals[i].dtype)
            return self.backend.xp.astype(operand._array, self.casts[i])
        return operand if self.lifts[i] else operand._array

    def finish(self, array: Any) -> None:
        """Learn from the first result what it is, and whether it can require grad."""
        self.out = self.backend.aval(array)
        self.records = bool(self.primitive.vjp) and self.out.differentiable

    def record(self, array: Any, nodes: Sequence[Any], values: Sequence[Any]) -> Any:
        """The result as a Tensor with a node; `nodes` are those of the operands, None for constants."""
        wrt = tuple([i for i, node in enumerate(nodes) if node is not None])
        pullback = self.pullbacks.get(wrt)
        if pullback is None:
            rule = ElementwisePullback(self.primitive, wrt, self.avals, self.out, self.params)
            pullback = self.pullbacks[wrt] = rule.call
        x, y = pullback.rule.pack(values)
        node = make_node(pullback, tuple([node for node in nodes if node is not None]), x, y)
        if self.primitive.hides:
            last.event = node[SEQ]
        if (mode := recording()) is not True:
            mode.recorded(node, array)
        return wrap(array, self.out, node)


def _result_dtype(primitive: Primitive, operands: Sequence[Any]) -> dtypes.DType:
    arrays = [operand._aval.dtype for operand in operands if isinstance(operand, primitives.tensor_type)]
    dtype: dtypes.DType = arrays[0] if arrays else dtypes.of_scalar(operands[0])  # where(mask, 1, 0)
    for other in arrays[1:]:
        dtype = dtypes.promote(dtype, other)
    for operand in operands:
        if not isinstance(operand, primitives.tensor_type):
            dtype = dtypes.promote_scalar(dtype, operand)
    if primitive.floating and not dtype.differentiable:
        dtype = dtypes.get_default_dtype()
    return dtype


def common_backend(name: str, avals: Sequence[Aval]) -> tuple[Backend, Any]:
    """The backend that computes an op on operands of these avals, and their one device.

    Operands below the level of a transform are constants to it.
    """
    device, backend = avals[0].device, avals[0].backend
    for aval in avals:
        if aval.device is not device:
            where = ", ".join(f"operand {i} is {aval}" for i, aval in enumerate(avals))
            raise BackendMismatchError(
                f"{name}: operands on different devices: {where}. Nothing is moved silently: write .to({str(device)!r}) "
                f"on the ones that should move"
            )
        if aval.backend.level > backend.level:
            backend = aval.backend
    return backend, device


def apply_elementwise(primitive: Primitive, operands: tuple[Any, ...], params: dict[str, Any] | None = None) -> Any:
    """Run an elementwise primitive on Tensors and Python numbers, and record it."""
    anchor: Aval | None = None
    key: list[Any] = [primitive]
    for operand in operands:
        if isinstance(operand, primitives.tensor_type):
            anchor = anchor or operand._aval
            key.append(operand._aval)
        elif type(operand) in _NUMBERS:
            key.append(type(operand))
        else:
            return apply_elementwise(
                primitive, tuple(_operand(primitive, i, o) for i, o in enumerate(operands)), params
            )
    if anchor is None:
        raise ArgumentError(f"{primitive.name}: at least one operand must be a Tensor, got Python numbers only")
    if not anchor.differentiable:
        key.append(dtypes.get_default_dtype())
    if params:
        key.extend(params.items())
    plan: Plan | None = anchor.plans.get(tuple(key))
    if plan is None:
        _refuse_shapes(primitive, operands)
        if primitive.integral:
            _refuse_floating(primitive, operands)
        plan = Plan(primitive, operands, params or {})
    raws = [plan.raw(i, operand) for i, operand in enumerate(operands)]
    array = plan.kernel(*raws, **plan.params)
    if plan.out is None:
        plan.finish(array)
        anchor.remember(tuple(key), plan)  # now that it ran: an op that fails leaves nothing behind
    if plan.records and recording():
        nodes = [
            o._node if isinstance(o, primitives.tensor_type) and not plan.lifts[i] else None
            for i, o in enumerate(operands)
        ]
        if any(node is not None for node in nodes):
            return plan.record(array, nodes, (*raws, array))
    return wrap(array, plan.out)


def _refuse_floating(primitive: Primitive, operands: Sequence[Any]) -> None:
    """`DTypeError` if an op on bits is given operands that are not integers or bool."""
    for name, operand in zip(primitive.operands, operands, strict=True):
        dtype = operand._aval.dtype if isinstance(operand, primitives.tensor_type) else dtypes.of_scalar(operand)
        if dtype.differentiable:
            raise DTypeError(
                f"{primitive.name}: operand {name!r} is {dtype.name}, and bits are of integers and bool; compare ({name} != "
                f"0) for a condition, or convert with pb.astype({name}, pb.int64)"
            )


def _refuse_shapes(primitive: Primitive, operands: Sequence[Any]) -> None:
    """`ShapeError` if the shapes of the operands do not broadcast. A lazy array's unknown length (nan) fits all."""
    shapes = [operand._aval.shape for operand in operands if isinstance(operand, primitives.tensor_type)]
    for lengths in zip_longest(*map(reversed, shapes), fillvalue=1):
        if len({n for n in lengths if n != 1 and n == n}) > 1:
            text = " and ".join(map(str, shapes))
            raise ShapeError(f"{primitive.name}: the shapes {text} do not broadcast; see pb.reshape and pb.expand_dims")


def apply(primitive: Primitive, operands: Sequence[Any], params: dict[str, Any]) -> Any:
    """Run any other primitive on Tensors, and record it. Results that are tuples of arrays become tuples of Tensors."""
    if len(operands) == 1 and isinstance(
        operands[0], primitives.tensor_type
    ):  # the same as below, where there is little to ask
        (x,) = operands
        avals = [x._aval]
        backend = x._aval.backend
        tensors: Sequence[Any] = operands
        raws = [x._array]
    else:
        tensors = operands
        for operand in operands:
            if not isinstance(operand, primitives.tensor_type):
                tensors = [_tensor(primitive, i, o) for i, o in enumerate(operands)]
                break
        avals = [tensor._aval for tensor in tensors]
        backend = common_backend(primitive.name, avals)[0]
        raws = [tensor._array if tensor._aval.backend is backend else tensor for tensor in tensors]
    kernel = backend.kernels_of.get(primitive) or backend.kernel(primitive)
    native = {name: backend.native(value) for name, value in params.items()} if primitive.typed else params
    results = kernel(raws, **native) if primitive.variadic else kernel(*raws, **native)
    if primitive.multiple:
        return _wrap_several(primitive, backend, tensors, raws, results, params)
    out = new(primitives.tensor_type)
    out._array = results
    out._aval = aval = backend.aval(results)
    wrt = _differentiated(tensors, backend) if primitive.vjp and aval.differentiable else ()
    if not wrt or not (mode := recording()):
        out._node = None
        return out
    pullback = pullback_of(primitive, wrt, backend)
    kept = None
    if pullback.rule.positions:
        kept = pullback.rule.pack((tuple(raws), results) if primitive.variadic else (*raws, results))
    extra = (params, avals, None)
    out._node = node = (
        [next_seq(), pullback, tensors[wrt[0]]._node, None, kept, extra]
        if len(wrt) == 1
        else make_node(pullback, tuple([tensors[i]._node for i in wrt]), kept, extra)
    )
    if primitive.hides:
        last.event = node[SEQ]
    if mode is not True:
        mode.recorded(node, results)
    return out


def _differentiated(tensors: Sequence[Any], backend: Backend) -> tuple[int, ...]:
    if len(tensors) == 1:
        return (0,) if tensors[0]._node is not None else ()
    return tuple([i for i, t in enumerate(tensors) if t._node is not None and t._aval.backend is backend])


def pullback_of(primitive: Primitive, wrt: tuple[int, ...], backend: Backend) -> Any:
    """The pullback of a primitive that is not elementwise, built once per backend and set of operands."""
    pullback = primitive.pullbacks.get((backend, wrt))
    if pullback is None:
        pullback = primitive.pullbacks[backend, wrt] = GeneralPullback(primitive, wrt, backend).call
    return pullback


def _wrap_several(
    primitive: Primitive,
    backend: Backend,
    tensors: Sequence[Any],
    raws: Sequence[Any],
    results: Sequence[Any],
    params: dict[str, Any],
) -> tuple[Any, ...]:
    """The results of an op with several, and one node for all of them."""
    outs = [backend.aval(array) for array in results]
    wrt = _differentiated(tensors, backend) if primitive.vjp and recording() else ()
    if not wrt or not any(aval.differentiable for aval in outs):
        return tuple(wrap(array, aval) for array, aval in zip(results, outs, strict=True))
    pullback = pullback_of(primitive, wrt, backend)
    kept = pullback.rule.pack((*raws, tuple(results)))
    node = make_node(pullback, tuple(tensors[i]._node for i in wrt), kept, (params, [t._aval for t in tensors], outs))
    if (mode := recording()) is not True:
        mode.recorded(node, results)
    return tuple(
        wrap(array, aval, select(node, i) if aval.differentiable else None)
        for i, (array, aval) in enumerate(zip(results, outs, strict=True))
    )


def _operand(primitive: Primitive, i: int, operand: Any) -> Any:
    """A Tensor or a Python number, or an error that says what to write."""
    if isinstance(operand, primitives.tensor_type) or type(operand) in _NUMBERS:
        return operand
    found = primitives.convert(operand)
    if found is None:
        raise ArgumentError(
            f"{primitive.name}: operand {primitive.operands[0 if primitive.variadic else i]!r} must be a Tensor or a Python "
            f"number, got {type(operand).__module__}.{type(operand).__qualname__}; write pb.asarray(...) around it"
        )
    return found


def _tensor(primitive: Primitive, i: int, operand: Any) -> Any:
    if isinstance(operand, primitives.tensor_type):
        return operand
    found = _operand(primitive, i, operand)
    if isinstance(found, primitives.tensor_type):
        return found
    raise ArgumentError(
        f"{primitive.name}: operand {primitive.operands[0]!r} must be a Tensor, got the number {operand!r}"
    )
