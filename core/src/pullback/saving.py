"""What becomes of the arrays that nodes save: hooks that pack them when they are saved and unpack them in a pass.

A node that was recorded inside `saved_tensors_hooks` carries `Packed` in the place of its pullback, and what the pack
hook returned in the place of its arrays.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pullback import primitive as primitives
from pullback.errors import AutogradError
from pullback.grad_mode import no_grad, observing, unobserved
from pullback.graph import PULLBACK, A, Node, X, Y, is_node
from pullback.primitive import wrap
from pullback.rules import Call, Mode
from pullback.standin import StandIn

Pack = Callable[[Any], Any]
Unpack = Callable[[Any], Any]

_disabled: ContextVar[str | None] = ContextVar("pullback_saved_tensors_hooks_disabled", default=None)


class Sealed:
    """What a pack hook made of one array. (No tuple: rules keep tuples of arrays.)"""

    __slots__ = ("aval", "packed")

    def __init__(self, packed: Any, aval: Any) -> None:
        self.packed = packed
        self.aval = aval


class Packed(StandIn):
    """The pullback of a node that saved `Sealed` objects instead of arrays."""

    def __init__(self, pullback: Any, unpack: Unpack) -> None:
        super().__init__(pullback)
        self.unpack = unpack

    def unpacked(self, x: Any, y: Any) -> tuple[Any, Any]:
        """What the rule reads, as raw arrays."""
        with no_grad(), unobserved():
            return self.inner.rule.mapped(x, y, self._open)  # type: ignore[no-any-return]

    def _open(self, sealed: Sealed, _: Any) -> Any:
        tensor = self.unpack(sealed.packed)
        if not isinstance(tensor, primitives.tensor_type):
            raise AutogradError(
                f"saved_tensors_hooks: for {self.name}, unpack returned a {type(tensor).__name__}; it must return the "
                f"Tensor that was packed"
            )
        if tensor._aval is not sealed.aval and (tensor.shape, tensor.dtype, tensor.device) != (
            sealed.aval.shape,
            sealed.aval.dtype,
            sealed.aval.device,
        ):
            raise AutogradError(
                f"saved_tensors_hooks: for {self.name}, a Tensor that is {sealed.aval} was packed, and unpack returned one "
                f"that is {tensor._aval}"
            )
        return tensor._array

    def run(self, call: Call, ct: Any, x: Any, y: Any) -> Any:
        return call(ct, *self.unpacked(x, y))

    def over(self, xp: Any, mode: Mode) -> Call:
        backend = self.backend
        if backend is not None and xp is backend.xp:
            return super().over(xp, mode)
        return self.inner.rule.over(xp, mode)  # type: ignore[no-any-return]  # as_tensors has unpacked

    def as_tensors(self, node: Node, wrap: Callable[..., Any]) -> tuple[Any, Any]:
        open_node = [*node[:X], *self.unpacked(node[X], node[Y])]

        def placed(array: Any, aval: Any, origin: Any = None) -> Any:
            if origin is open_node:
                origin = node
            elif is_node(origin) and origin[A] is open_node:
                origin[A] = node
            return wrap(array, aval, origin)

        x, y = self.inner.rule.as_tensors(open_node, placed)
        return x, node if y is open_node else y

    def saved(self, node: Node) -> Iterable[tuple[str, Any, Any]]:
        """The Tensors among what was packed: if they share memory with others, a write to it must be noticed."""
        found: list[tuple[str, Any, Any]] = []

        def look(sealed: Sealed, _: Any) -> None:
            if isinstance(sealed.packed, primitives.tensor_type):
                array = sealed.packed._array
                found.append(("a packed value", array, sealed.packed._aval.backend.storage(array)))

        self.inner.rule.mapped(node[X], node[Y], look)
        return found


def _is_packed(pullback: Any) -> bool:
    while isinstance(pullback, StandIn):
        if isinstance(pullback, Packed):
            return True
        pullback = pullback.inner
    return False


class Packing:
    """The observer inside `saved_tensors_hooks`."""

    def __init__(self, pack: Pack, unpack: Unpack) -> None:
        self.pack = pack
        self.unpack = unpack

    def recorded(self, node: Node, result: Any) -> None:
        """Pack what a new node saved, unless hooks further inside did, or hooks are disabled here."""
        pullback = node[PULLBACK]
        if node[X] is None or _is_packed(pullback):
            return
        backend = pullback.rule.backend

        def seal(array: Any, aval: Any) -> Sealed:
            if aval is None:
                aval = backend.aval(array)
            return Sealed(self.pack(wrap(aval.backend.alias(array), aval)), aval)

        with no_grad(), unobserved():
            x, y = pullback.rule.mapped(node[X], node[Y], seal)
        node[PULLBACK], node[X], node[Y] = Packed(pullback, self.unpack), x, y


@contextmanager
def saved_tensors_hooks(pack_hook: Pack, unpack_hook: Unpack) -> Iterator[None]:
    """Inside, what operations save for the reverse pass is handed to `pack_hook`, and what that returns is kept.

    `pack_hook` takes a Tensor and returns anything; `unpack_hook` takes that and returns a Tensor of the same values,
    shape, dtype and device, each time that a pass reads it. They run without being recorded. The innermost pair counts.
    An operation that saves a value twice packs it twice. Raises `AutogradError` inside
    `disable_saved_tensors_hooks`, and in the pass if what `unpack_hook` returns does not fit.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> with pb.autograd.graph.saved_tensors_hooks(lambda t: t.tolist(), pb.tensor):
    ...     y = pb.exp(x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2.7183, 7.3891])
    """
    message = _disabled.get()
    if message is not None:
        raise AutogradError(message)
    with observing(Packing(pack_hook, unpack_hook)):
        yield


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Iterator[None]:
    """Inside, `saved_tensors_hooks` raises `AutogradError` with this message.

    >>> import pullback as pb
    >>> with pb.autograd.graph.disable_saved_tensors_hooks("no hooks here"):
    ...     with pb.autograd.graph.save_on_cpu():
    ...         pass
    Traceback (most recent call last):
    pullback.errors.AutogradError: no hooks here
    """
    before = _disabled.get()
    _disabled.set(error_message)
    try:
        yield
    finally:
        _disabled.set(before)


def save_on_cpu(pin_memory: bool = False, device_type: str = "cuda") -> Any:  # noqa: ARG001  PyTorch's signature
    """Inside, saved values are kept on the CPU, and brought back when a pass reads them.

    `pin_memory` and `device_type` are accepted for PyTorch's sake: the backend that moves the values decides.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], device="strict:device1", requires_grad=True)
    >>> with pb.autograd.graph.save_on_cpu():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> str(x.grad.device)
    'strict:device1'
    """
    return saved_tensors_hooks(lambda t: (t.device, t.to("cpu")), lambda kept: kept[1].to(kept[0]))


class _File:
    """A value in a file, which goes when nothing needs it any more."""

    def __init__(self, tensor: Any, folder: str | os.PathLike[str] | None) -> None:
        import pickle  # noqa: PLC0415  both are slow to import, and few programs need them
        import tempfile  # noqa: PLC0415

        self.device = tensor.device
        handle, name = tempfile.mkstemp(suffix=".saved", dir=folder)
        with os.fdopen(handle, "wb") as file:
            pickle.dump(self.device.backend.to_host(tensor._array), file, protocol=5)
        self.read_file = pickle.load
        self.path = name
        weakref.finalize(self, os.unlink, name)

    def read(self) -> Any:
        """The Tensor again."""
        backend = self.device.backend
        with open(self.path, "rb") as file:
            array = backend.from_host(self.read_file(file), self.device.native)
        return wrap(array, backend.aval(array))


def save_on_disk(folder: str | os.PathLike[str] | None = None) -> Any:
    """Inside, saved values are kept in files in `folder` (the system's folder for temporary files if None).

    Each file goes when its graph does.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> with pb.autograd.graph.save_on_disk():
    ...     y = (x * x).sum()
    >>> y.backward()
    >>> x.grad
    tensor([2., 4.])
    """
    import tempfile  # noqa: PLC0415

    where = os.fspath(folder) if folder is not None else tempfile.gettempdir()
    return saved_tensors_hooks(lambda t: _File(t, where), _File.read)
