"""Moving a Tensor between devices and backends, differentiably: one graph may span all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import primitive as primitives
from pullback.devices import Device
from pullback.dtypes import narrower
from pullback.errors import DTypeError
from pullback.grad_mode import recording
from pullback.graph import make_node
from pullback.primitive import wrap
from pullback.rules import Call, Mode, Rule

if TYPE_CHECKING:
    from pullback.tensor import Tensor


def move(array: Any, source: Device, target: Device) -> Any:
    """A raw array on another device, perhaps of another library; of an array of a transform, what is inside."""
    if hasattr(array, "below"):
        return array.moved(target)
    if isinstance(array, primitives.tensor_type):  # a constant to the transform
        return to_device(array, target)
    if source.backend is target.backend:
        return source.backend.move(array, target.native)
    return target.backend.from_host(source.backend.to_host(array), target.native)


class _Back(Rule):
    """The pullback of a transfer: the cotangent goes back to where the operand was."""

    name = "ToCopyBackward0"

    def __init__(self, source: Device, target: Device) -> None:
        self.source = source
        self.target = target
        self._arrived = source.backend.placed(lambda ct, x, y: ct, self.name)  # the pass goes on there

    def __call__(self, ct: Any, x: Any, y: Any) -> Any:
        return self._arrived(move(ct, self.target, self.source), x, y)

    def over(self, xp: Any, mode: Mode) -> Call:
        return lambda ct, x, y: to_device(ct, self.source)


def to_device(x: Tensor, device: Device) -> Tensor:
    """`x` on `device`, with its dtype; `x` itself if it is there already."""
    source = x._aval.device
    if source is device:
        return x
    try:
        array = move(x._array, source, device)
    except (TypeError, ValueError) as error:
        if device.backend.supports(x.dtype, device.native):
            raise
        raise DTypeError(
            f"to: {device.name!r} has no {x.dtype.name}; write .to({device.name!r}, pb.{narrower(x.dtype).name})"
        ) from error
    aval = (x._aval.backend if x._aval.backend.level else device.backend).aval(array)
    node = None
    if x._node is not None and aval.differentiable and (mode := recording()):
        node = make_node(_Back(source, device), (x._node,), None, None)
        if mode is not True:
            mode.recorded(node, array)
    return wrap(array, aval, node)
