"""Writing in place: `x += y`, `x[i] = v`, `zero_()`.

A write computes the new value out of place and gives it to the root of the Tensor: so it is differentiable, and the
same on a backend whose arrays cannot be written. Nodes that saved the old value keep it, and their gradients stay
right. Where nothing of it is recorded, and nobody else holds the old value, memory is written directly.

Under `no_grad`, and through `detach()`, memory is written whoever holds it. Such a write is noted, so that a pass that
needs the old value says so. Inside `allow_mutation_on_saved_tensors` these writes too are made out of place, and there
is nothing to note.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from pullback import hooks
from pullback import primitive as primitives
from pullback.errors import AutogradError, DTypeError, PullbackError, ShapeError
from pullback.extras import raw_key
from pullback.grad_mode import no_grad, recording
from pullback.graph import Leaf, is_node, next_seq
from pullback.ops.creation_functions import asarray
from pullback.ops.data_type_functions import astype
from pullback.ops.indexing_functions import getitem, put, raised, read_key
from pullback.writes import mutation_allowed, record_write, value_types

if TYPE_CHECKING:
    from pullback.tensor import Tensor


def is_view(x: Any) -> bool:
    """Whether `x` shows a part of another Tensor."""
    return isinstance(x, primitives.view_type)


def root_of(x: Any) -> Any:
    """The Tensor that `x` is a view of, or `x` itself."""
    return x._root if isinstance(x, primitives.view_type) else x


def check_writable(x: Any, op: str) -> None:
    """A leaf that requires grad, or a view of one, may be written under `no_grad` only."""
    if not recording():
        return
    owner = x
    while True:
        if type(owner._node) is Leaf:
            raise AutogradError(
                f"{op}: {'a leaf' if owner is x else 'a view of a leaf'} that requires grad cannot be written in place; "
                f"write inside `with pb.no_grad():`, or out of place"
            )
        if not isinstance(owner, primitives.view_type) or owner._cut:
            return
        owner = owner._base


def _check_history(x: Any, op: str, value: Any) -> None:
    """A view made under `no_grad` has no place in the graph: it may not be written where that would be recorded."""
    if not recording() or (value._node is None and root_of(x)._node is None):
        return
    silent = False
    while isinstance(x, primitives.view_type):
        if x._cut:
            return
        silent = silent or not x._recorded
        x = x._base
    if silent:
        raise AutogradError(
            f"{op}: this view was made under no_grad, so a write to it that is recorded has no gradient. Make the view "
            f"where gradients are recorded, or write inside `with pb.no_grad():`"
        )


def overwrite(x: Tensor, op: str, compute: Callable[[], Any]) -> Tensor:
    """Give `x` the value `compute()`; returns `x`."""
    check_writable(x, op)
    seq = next_seq()  # before the new value is computed: what computes it may read the old one
    value = compute()
    if value.shape != x.shape:
        raise ShapeError(f"{op}: the result has shape {value.shape} and does not fit into a Tensor of shape {x.shape}")
    if value.dtype is not x.dtype:
        if value.dtype.rank > x.dtype.rank:
            raise DTypeError(
                f"{op}: the result is {value.dtype.name} and cannot be stored in a Tensor of {x.dtype.name}"
            )
        value = astype(value, x.dtype)
    _check_history(x, op, value)
    _write_through(x, value, seq)
    root = root_of(x)
    if type(root._node) is Leaf:  # nothing was recorded
        root._array = root._aval.backend.hold(root._array, written=True)
    return x


def _write_through(x: Any, value: Any, seq: int, *, by_hand: bool = False) -> None:
    """Carry a new value of a view up to its root, and store it there; `by_hand`: the memory holds it already."""
    tracked = recording()
    with nullcontext() if tracked else no_grad():
        while isinstance(x, primitives.view_type):
            if x._cut:
                if x._aval.backend.level:
                    raise AutogradError("inside a transform, the result of detach() cannot be written; use a .clone()")
                tracked = False
                value = primitives.detached(value)
            with nullcontext() if tracked else no_grad():
                value = x._step.put(x._base, value)
            x = x._base
    if by_hand or not (tracked or mutation_allowed.get()):
        record_write(x._aval.backend.storage(x._array), seq)
    x._array = value._array
    x._aval = value._aval  # the same, or in a transform that `value` comes from
    if tracked:
        x._node = value._node
        if hooks.in_use:
            hooks.follow(x, x._node)
    _bump(x)


def rebase(x: Any, value: Any) -> None:
    """Give `x`, whose memory already holds `value`, the history of `value`."""
    _write_through(x, value, next_seq(), by_hand=True)


def _bump(root: Any) -> None:
    try:
        root._writes += 1
    except AttributeError:
        root._writes = 1


def _untracked(x: Any, other: Any) -> bool:
    """Whether a write to `x` is allowed and records nothing."""
    return not recording() or (x._node is None and getattr(other, "_node", None) is None)


def _memory_to_write(x: Any) -> Any:
    """The array of `x` if its memory may be written directly: it belongs to `x`, its root and its views."""
    array = x._array
    backend = x._aval.backend
    root = root_of(x)
    if not backend.writable(array) or (root is not x and backend.storage(array) is not backend.storage(root._array)):
        return None
    return array


def _memory_to_reuse(x: Any) -> Any:
    """The array of `x` if its memory may be written directly, and no node that is being recorded may need it.

    The caller holds the array in no variable.
    """
    array = _memory_to_write(x)
    if array is None or not (recording() or mutation_allowed.get()):
        return array
    root = root_of(x)
    holders = 2 if root is not x and array is root._array else 1  # x.data has the array of x
    return array if x._aval.backend.unshared(array, holders) else None


def operator_in_place(
    function: Callable[..., Any], operator: Callable[..., Any], plain: Any
) -> Callable[[Any, Any], Any]:
    """The method `__iop__`. `operator` is Python's in-place operator on raw arrays, `plain` the one that makes an array.

    Written out flat is what an optimiser does: under `no_grad`, with a number or a Tensor like the one that is written.
    """

    def method(self: Any, other: Any) -> Any:
        aval = self._aval
        if type(self) is primitives.tensor_type and aval.direct and not recording() and not mutation_allowed.get():
            raw = None
            if isinstance(other, primitives.tensor_type):
                if other._aval is aval:
                    raw = other._array
            elif type(other) is float or type(other) is int:
                raw = aval.scalar(other)
            if raw is not None:
                array = self._array
                if type(array) in value_types:
                    record_write(array, next_seq())
                    self._array = plain(array, raw)
                elif aval.backend.writable(array):
                    record_write(array, next_seq())
                    operator(array, raw)
                else:
                    record_write(aval.backend.storage(array), next_seq())
                    self._array = plain(array, raw)
                try:
                    self._writes += 1
                except AttributeError:
                    self._writes = 1
                return self
        return _binary(self, function, operator, plain, other)

    return method


def _binary(
    x: Any, function: Callable[..., Any], operator: Callable[..., Any], plain: Callable[..., Any], other: Any
) -> Any:
    """`x op= other` where it may be recorded, or `x` is a view."""
    aval = x._aval
    is_tensor = isinstance(other, primitives.tensor_type)
    if (
        aval.direct
        and (other._aval is aval if is_tensor else type(other) in (int, float))
        and (not (recording() or mutation_allowed.get()) or (x._node is None and getattr(other, "_node", None) is None))
    ):
        raw = other._array if is_tensor else aval.scalar(other)
        if type(x) is primitives.tensor_type:
            array = x._array
            if aval.backend.writable(array) and aval.backend.unshared(array):
                operator(array, raw)
            else:
                x._array = plain(array, raw)
            _bump(x)
            return x
        array = _memory_to_reuse(x)
        if array is not None:
            seq = next_seq()
            operator(array, raw)
            _written(x, array, seq)
            return x
    return overwrite(x, f"{function.__name__} in place", lambda: function(x, other))


def begin_additions(pairs: Iterable[tuple[Any, Any]], replaced: list[tuple[Any, Any]]) -> list[tuple[Any, Any]]:
    """Add a raw array to each Tensor, recording nothing: do all of it but the writing of memory.

    A Tensor whose memory cannot be written gets a new array; its root and the old array go into `replaced`, for
    `restore`. For the others it is noted that they change; returned are their memory and what to add to it, in place.
    """
    waiting: list[tuple[Any, Any]] = []
    for x, array in pairs:
        mine = None if is_view(x) else _memory_to_write(x)
        if mine is not None:
            _written(x, mine, next_seq())
            waiting.append((mine, array))
            continue
        root = root_of(x)
        total = primitives.wrap(x._aval.backend.claim(x._array + array), x._aval)
        replaced.append((root, root._array))
        with no_grad():
            _write_through(x, total, next_seq())
    return waiting


def restore(replaced: Iterable[tuple[Any, Any]]) -> None:
    """Undo the replacements of `begin_additions`."""
    for root, array in reversed(list(replaced)):
        root._array = array
        _bump(root)


def _written(x: Any, array: Any, seq: int) -> None:
    record_write(x._aval.backend.storage(array), seq)
    _bump(root_of(x))


def setitem(x: Any, key: Any, value: Any, op: str = "setitem") -> None:
    """`x[key] = value`."""
    check_writable(x, op)
    key = read_key(x, key)
    if not isinstance(value, (primitives.tensor_type, int, float, complex)):
        value = asarray(value, device=x.device)
    if (value.dtype.is_complex if hasattr(value, "_aval") else isinstance(value, complex)) and not x.dtype.is_complex:
        raise DTypeError(f"{op}: a complex value cannot be stored in a Tensor of {x.dtype.name}; write pb.real(value)")
    try:
        if not _set_in_memory(x, key, value):
            overwrite(x, op, lambda: put(x, key, value))
    except ValueError as error:
        if isinstance(error, PullbackError) or not hasattr(value, "_aval"):
            raise
        part = getitem(primitives.detached(x), key).shape
        if _fits(value.shape, part):
            raise  # the library has another reason, and says it
        raise ShapeError(f"{op}: a value of shape {value.shape} does not fit into a part of shape {part}") from error


def _fits(shape: tuple[int, ...], part: tuple[int, ...]) -> bool:
    """Whether a value of `shape` broadcasts to `part`."""
    pairs = zip(reversed(shape), reversed(part), strict=False)
    return len(shape) <= len(part) and all(n in (1, wide) for n, wide in pairs)


def _set_in_memory(x: Any, key: Any, value: Any) -> bool:
    """Write the memory directly, where that is possible and records nothing; whether it was."""
    backend = x._aval.backend
    is_tensor = isinstance(value, primitives.tensor_type)
    array = _memory_to_reuse(x) if _untracked(x, value) else None
    if array is None or (is_tensor and value._aval.device is not x._aval.device):
        return False
    if (is_tensor and value._aval.backend is not backend) or raised(x, key) is not x:
        return False
    raw = astype(value, x.dtype, copy=False)._array if is_tensor else x._aval.scalar(value)
    if is_tensor and backend.storage(raw) is backend.storage(array):
        raw = backend.copy(raw)  # a library may read what it has already written
    seq = next_seq()
    backend.write(array, raw_key(key), raw)
    _written(x, array, seq)
    return True


def fill(x: Tensor, op: str, value: Any) -> Tensor:
    """Every element becomes `value`."""
    setitem(x, Ellipsis, value, op)
    return x


def copy(x: Tensor, source: Any) -> Tensor:
    """The values of `source`, broadcast, converted, and brought to the device of `x`."""
    setitem(x, Ellipsis, asarray(source, device=x.device) if hasattr(source, "_aval") else source, "copy_")
    return x


def set_data(x: Any, value: Any) -> None:
    """`x.data = value`: a copy of new values, and perhaps a new shape; the Tensor stays the leaf that it is."""
    if not isinstance(value, primitives.tensor_type):
        raise TypeError(f"data: a Tensor is needed, got {type(value).__module__}.{type(value).__qualname__}")
    if isinstance(value, primitives.view_type) and value._cut and value._base is x:
        return  # `x.data += y` has written through the view already
    if root_of(x) is not x:
        raise AutogradError(
            "data: a view shows another Tensor; write into it with .copy_() inside `with pb.no_grad():`"
        )
    if value._aval is not x._aval:
        if is_node(x._node):
            raise AutogradError(f"data: {value._aval} was assigned to a result that is {x._aval}; write a new Tensor")
        if x._node is not None and not value._aval.differentiable:
            raise DTypeError(f"data: {value.dtype.name} values were assigned to a leaf that requires grad")
    array = value._aval.backend.copy(value._array)
    record_write(x._aval.backend.storage(x._array), next_seq())
    x._array, x._aval = array, value._aval
    if type(x._node) is Leaf:
        x._array = value._aval.backend.hold(array, written=True)
        x._node.aval = value._aval
    _bump(x)


def increment_version(tensor: Any) -> None:
    """Say that the memory of a Tensor (or of each of several) was written by other means than pullback's.

    A pass that needs the old values then raises `OverwrittenError`.

    >>> import numpy as np, pullback as pb
    >>> memory = np.ones(2, dtype=np.float32)
    >>> w, x = pb.from_numpy(memory), pb.tensor([1.0, 2.0], requires_grad=True)
    >>> y = (w * x).sum()
    >>> memory *= 5
    >>> pb.autograd.graph.increment_version(w)
    >>> y.backward()  # doctest: +ELLIPSIS
    Traceback (most recent call last):
    pullback.errors.OverwrittenError: MulBackward0: x1, of shape (2,), is needed for the gradient but was written ...
    """
    for x in [tensor] if isinstance(tensor, primitives.tensor_type) else list(tensor):
        _written(x, x._array, next_seq())


@contextmanager
def allow_mutation_on_saved_tensors() -> Iterator[None]:
    """Inside, a write under `no_grad` or through `detach()` is made out of place, and nodes keep the old values.

    So a pass, inside or later, gives the gradients of what was computed. (Recorded writes are made so everywhere.) A
    NumPy array or another window on the old memory does not see such a write.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0], requires_grad=True)
    >>> with pb.autograd.graph.allow_mutation_on_saved_tensors():
    ...     y = (x * x).sum()
    ...     with pb.no_grad():
    ...         x += 10
    ...     y.backward()
    >>> x.grad
    tensor([2., 4.])
    """
    before = mutation_allowed.get()
    mutation_allowed.set(True)
    try:
        yield
    finally:
        mutation_allowed.set(before)
