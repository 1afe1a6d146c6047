"""Copies of Tensors that are no part of a computation: `copy.copy`, `copy.deepcopy` and `pickle`.

A leaf is copied with its `.grad` and its wish for one, and without hooks. A Tensor with history is refused: its copy
would be a leaf that nothing upstream learns from. (`copy.copy` of one is a `clone()`, which gradients flow through.)
"""

from __future__ import annotations

from typing import Any

from pullback import primitive as primitives
from pullback.errors import AutogradError
from pullback.graph import is_node
from pullback.plugins import backends
from pullback.primitive import new


def _refuse_history(x: Any, what: str) -> None:
    if is_node(x._node):
        raise AutogradError(
            f"{what}: this Tensor has a history ({x.grad_fn.name()}), and a copy would have none; write .clone() for a copy "
            f"that gradients flow through, .detach().clone() for the values alone"
        )
    if x._aval.backend.level:
        raise AutogradError(f"{what}: a Tensor inside a transform exists there only")


def _like(kind: type, array: Any, aval: Any, requires_grad: bool, grad: Any) -> Any:
    """A Tensor of this class; a view becomes a Tensor of its own."""
    made: Any = new(primitives.tensor_type if issubclass(kind, primitives.view_type) else kind)
    made._array, made._aval, made._node = array, aval, None
    if requires_grad:
        made.requires_grad_()
        made._node.revived = False
    if grad is not None:
        made.grad = grad.clone()
    return made


def deepcopy(x: Any, memo: dict[int, Any]) -> Any:
    """What `copy.deepcopy(x)` returns."""
    if id(x) in memo:
        return memo[id(x)]
    _refuse_history(x, "deepcopy")
    grad = None if x.grad is None else x.grad.detach()
    made = memo[id(x)] = _like(type(x), x._aval.backend.copy(x._array), x._aval, x.requires_grad, grad)
    return made


def shallow(x: Any) -> Any:
    """What `copy.copy(x)` returns."""
    return x.clone() if is_node(x._node) else restored(*reduce(x)[1])


def reduce(x: Any) -> tuple[Any, ...]:
    """How `pickle` writes a Tensor down: its values on the host, and where they were."""
    _refuse_history(x, "pickle")
    grad = None if x.grad is None else x.grad.detach()
    return restored, (type(x), x._aval.backend.to_host(x._array), str(x.device), x.requires_grad, grad)


def restored(kind: type, array: Any, where: str, requires_grad: bool, grad: Any) -> Any:
    """A Tensor again, from what `reduce` wrote down."""
    device = backends.device(where)
    backend = device.backend
    raw = backend.settle(backend.from_host(array, device.native))
    return _like(kind, raw, backend.aval(raw), requires_grad, grad)
