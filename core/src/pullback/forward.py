"""Forward mode: dual numbers as one more array library.

A Dual is an array and its tangent, both Tensors. `DualBackend` runs every primitive on the arrays, and its forward rule
on the tangents. The Tensors inside may be recorded (reverse over forward), a Tensor of Duals may be recorded (forward
over reverse), and Duals of different levels keep nested perturbations apart.
"""

from __future__ import annotations

from typing import Any

from pullback import namespace
from pullback import primitive as primitives
from pullback.backward import literal_products
from pullback.devices import Device
from pullback.ops.transfer import to_device
from pullback.primitive import Primitive, wrap
from pullback.transform import TransformBackend, Wrapped, call


class Dual(Wrapped):
    """An array with a tangent; None stands for a tangent of zeros.

    `singular` if an op whose derivative can be infinite came before: then a factor of zero must keep the tangent zero.
    """

    __slots__ = ("primal", "singular", "tangent")

    backend: DualBackend

    def __init__(self, backend: DualBackend, primal: Any, tangent: Any, *, singular: bool = False) -> None:
        super().__init__(backend)
        self.primal = primal
        self.tangent = tangent
        self.singular = singular

    @property
    def below(self) -> Any:
        return self.primal

    def moved(self, device: Device) -> Dual:
        tangent = None if self.tangent is None else to_device(self.tangent, device)
        return Dual(self.backend, to_device(self.primal, device), tangent, singular=self.singular)


class DualBackend(TransformBackend):
    """Forward mode at one level."""

    name = "forward"

    def run(self, primitive: Primitive, operands: list[Any], params: dict[str, Any]) -> Any:
        primals = [self._primal(operand) for operand in operands]
        tangents = {
            i: operand.tangent
            for i, operand in enumerate(operands)
            if self.owns(operand) and operand.tangent is not None
        }
        params = {name: self._plain(value) for name, value in params.items()}
        out = call(primitive, primals, params)
        if not tangents or not (primitive.vjp or primitive.jvp or primitive.linear):
            return self._pair(out, None)
        singular = {i for i in tangents if operands[i].singular}
        with operands[next(iter(tangents))].device.backend.quiet():
            if primitive.linear:
                tangent = _linear_tangent(primitive, primals, tangents, params)
            else:
                tangent = _tangent(primitive, primals, tangents, singular, out, params)
        return self._pair(out, tangent, singular=primitive.singular or bool(singular))

    def _plain(self, param: Any) -> Any:
        """A parameter without dual numbers: an index that was computed from them has no tangent."""
        if isinstance(param, tuple):
            return tuple(self._plain(item) for item in param)
        return self.parts(param)[0] if isinstance(param, primitives.tensor_type) else param

    def _primal(self, operand: Any) -> Any:
        return operand.primal if self.owns(operand) else operand

    def _pair(self, out: Any, tangent: Any, *, singular: bool = False) -> Any:
        if isinstance(out, tuple):
            return tuple(
                self._pair(o, None if tangent is None else t, singular=singular)
                for o, t in zip(out, tangent or out, strict=True)
            )
        return Dual(self, out, tangent if out.dtype.differentiable else None, singular=singular)

    def make(self, primal: Any, tangent: Any) -> Any:
        """A Tensor whose array is a dual number."""
        return wrap(Dual(self, primal, tangent), self.intern(primal.shape, primal.dtype, primal.device))

    def parts(self, x: Any) -> tuple[Any, Any]:
        """The array and the tangent of a Tensor; the tangent of a constant is zeros."""
        primal, tangent = self.split(x)
        return primal, namespace.tensors.zeros_like(primal) if tangent is None else tangent

    def tolist(self, array: Any) -> Any:
        return self._primal(array).tolist()

    def detached(self, array: Any) -> Any:
        return Dual(self, primitives.detached(array.primal), None) if self.owns(array) else super().detached(array)

    def split(self, x: Any) -> tuple[Any, Any]:
        """What is below this level of a Tensor, and its tangent or None; anything else as it is."""
        if not isinstance(x, primitives.tensor_type) or x._aval.backend is not self:
            return x, None
        return (x._array.primal, x._array.tangent) if self.owns(x._array) else (x._array, None)

    def tracks(self, array: Any) -> bool:
        return (self.owns(array) and array.tangent is not None) or super().tracks(array)


def _add(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return tuple(_add(x, y) for x, y in zip(a, b, strict=True)) if isinstance(a, tuple) else a + b


def _linear_tangent(primitive: Primitive, primals: list[Any], tangents: dict[int, Any], params: dict[str, Any]) -> Any:
    """A linear op's tangent is the op itself on the tangent."""
    if primitive.joint:
        linear_in = (
            range(len(primals))
            if primitive.variadic
            else [i for i, name in enumerate(primitive.operands) if name in primitive.vjp]
        )
        moved = [
            tangents.get(i, namespace.tensors.zeros_like(primal)) if i in linear_in else primal
            for i, primal in enumerate(primals)
        ]
        return call(primitive, moved, params)
    total = None
    for i, tangent in tangents.items():
        total = _add(
            total, call(primitive, [tangent if j == i else primal for j, primal in enumerate(primals)], params)
        )
    return total


def _tangent(
    primitive: Primitive,
    primals: list[Any],
    tangents: dict[int, Any],
    singular: set[int],
    out: Any,
    params: dict[str, Any],
) -> Any:
    """The sum over the operands of what their rules make of their tangents, which may be infinite if `singular`."""
    xp = namespace.tensors
    found = dict(zip(primitive.operands, primals, strict=True)) | {"out": out} | params
    total = None
    for i, tangent in tangents.items():
        rule = primitive.jvp_of(i)
        found |= {"like": primals[i]._aval, "shape": primals[i].shape, "dtype": primals[i].dtype}
        part = rule.function(xp, tangent, *(found[name] for name in rule.reads))
        if primitive.elementwise:
            if primitive.singular and not literal_products.get():
                part = xp.guard(tangent, part)
            if primitive.bilinear and i in singular and not literal_products.get():
                part = xp.guard(primals[1 - i], part)
            if part.dtype is not out.dtype:
                part = part.astype(out.dtype)
            if part.shape != out.shape:
                part = xp.broadcast_to(part, out.shape)
        total = _add(total, part)
    return total
