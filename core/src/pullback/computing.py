"""Computing what a lazy backend has only written down: everything that is asked for in one go."""

from __future__ import annotations

from typing import Any

from pullback import primitive as primitives
from pullback import tree
from pullback.errors import ArgumentError


def compute(*tensors: Any) -> tuple[Any, ...]:
    """Have the values of lazy Tensors computed, all in one go: what they share is computed once. Returns them.

    Each argument is a Tensor, a nested container of Tensors, or None. The Tensors themselves hold the computed values
    from then on, on the same device, and keep their place in the graph. Tensors of backends that compute at once are
    left as they are. Raises `ArgumentError` for anything else; if a computation fails, no Tensor has changed.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> loss = (x * x).sum()
    >>> loss.backward()
    >>> loss, grad = pb.compute(loss, x.grad)
    >>> grad
    tensor([2., 4.])
    """
    waiting: dict[Any, list[Any]] = {}
    for x in tree.leaves(tensors):
        if not isinstance(x, primitives.tensor_type):
            raise ArgumentError(f"compute: Tensors are needed, got {type(x).__name__}")
        backend = x._aval.backend
        if backend in waiting:
            waiting[backend].append(x)
        elif backend.capabilities.lazy:
            waiting[backend] = [x]
    computed = {backend: backend.materialize(*(x._array for x in found)) for backend, found in waiting.items()}
    for backend, found in waiting.items():
        for x, array in zip(found, computed[backend], strict=True):
            x._array = array
            if not x._aval.known:
                x._aval = backend.aval(array)  # only now can anybody know its shape
    return tensors
