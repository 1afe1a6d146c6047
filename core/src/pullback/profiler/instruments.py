"""Instruments: how operations come to be timed, and how nothing is left of it afterwards.

While any profiler is on, every backend looks its kernels up in a table that hands out timed ones, and all that avals
remember of kernels is laid aside, so that it is asked for anew. (The backend of a transform needs none of it: its
kernels run those of the level below.) Nothing on the path of an operation knows of profilers:
when the last one goes, the very objects of before are put back. Contexts without a profiler use the timed kernels
meanwhile, and record nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from time import perf_counter_ns
from typing import Any

from pullback import kernels
from pullback import primitive as primitives
from pullback.aval import Aval
from pullback.backend import Backend
from pullback.backward import inspector
from pullback.grad_mode import observing
from pullback.graph import Node, backend_of, rule_of
from pullback.plugins import backends
from pullback.profiler.events import Saved, Span, active, note_kernel, operation_of, place
from pullback.rules import Cotangents

_lock = threading.Lock()
_users = 0
_instrumented: list[_Instrumented] = []


@contextmanager
def instrumented() -> Iterator[None]:
    """Inside, kernels of all backends are timed, also of those that are loaded inside."""
    global _users  # noqa: PLW0603  how many profilers are on, in all threads
    with _lock:
        if not _users:
            backends.watchers.append(_instrument)
            kernels.observers.append(note_kernel)
            for backend in backends.loaded():
                _instrument(backend)
        _users += 1
    try:
        yield
    finally:
        with _lock:
            _users -= 1
            if not _users:
                backends.watchers.remove(_instrument)
                kernels.observers.remove(note_kernel)
                while _instrumented:
                    _instrumented.pop().restore()


def _instrument(backend: Backend) -> None:
    if all(one.backend is not backend for one in _instrumented):
        _instrumented.append(_Instrumented(backend))


class _Instrumented:
    """A backend with timed kernels, and what it had before."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self.kernels = backend.kernels_of
        self.plain = backend.plain_operators
        self.set_on_itself = "plain_operators" in vars(backend)
        self.avals = [(aval, aval.plans, aval.own, aval.direct) for aval in _avals(backend)]
        backend.kernels_of = _TimedKernels(self)
        backend.plain_operators = False
        for aval, *_ in self.avals:
            _forget(aval, direct=False)

    def restore(self) -> None:
        """Put back what was there; what avals of the meantime remember is forgotten."""
        backend = self.backend
        backend.kernels_of = self.kernels
        if self.set_on_itself:
            backend.plain_operators = self.plain
        else:
            del backend.plain_operators  # that of its class shows again
        known = {id(aval) for aval, *_ in self.avals}
        for aval in _avals(backend):
            if id(aval) not in known:
                _forget(aval, direct=aval.differentiable and backend.plain_operators)
        for aval, plans, own, direct in self.avals:
            aval.plans, aval.own, aval.direct = plans, own, direct


def _avals(backend: Backend) -> list[Aval]:
    return list({id(aval): aval for aval in list(backend._avals.values())}.values())


def _forget(aval: Aval, *, direct: bool) -> None:
    aval.plans, aval.own, aval.direct = {}, [None] * len(aval.own), direct


class _TimedKernels(dict[Any, Callable[..., Any]]):
    """What a backend looks kernels up in: each is wrapped when it is first asked for."""

    def __init__(self, before: _Instrumented) -> None:
        super().__init__()
        self.before = before

    def get(self, primitive: Any, default: Any = None) -> Any:
        kernel = super().get(primitive)
        if kernel is None:
            before = self.before
            plain = primitive.operator if before.plain else None  # what runs when no profiler is on
            kernel_of = plain or before.kernels.get(primitive) or before.backend.find_kernel(primitive)
            kernel = self[primitive] = _timed(primitive.name, kernel_of, before.backend)
        return kernel


def _timed(name: str, kernel: Callable[..., Any], backend: Backend) -> Callable[..., Any]:
    found = False
    function = place(kernel)

    def timed(*operands: Any, **params: Any) -> Any:
        nonlocal found
        recorders = active.get()
        if not recorders:
            if not _users and not found:
                found = True
                _forget_timed(backend)
            return kernel(*operands, **params)
        synchronize = any(recorder.synchronize for recorder in recorders)
        arrays = _flat(operands)
        if synchronize:
            _synchronize(backend, arrays)
        span = Span(recorders, "forward", name, backend.name, function)
        try:
            results = kernel(*operands, **params)
            if synchronize:
                _synchronize(backend, _flat((results,)))
            duration = span.stop()
        except BaseException:
            span.drop()
            raise
        shapes = any(recorder.record_shapes for recorder in recorders)
        note = ", ".join(str(tuple(array.shape)) for array in arrays) if shapes else ""
        span.close(duration, _new_bytes(backend, _flat((results,)), arrays), note)
        return results

    timed.is_timed = True  # type: ignore[attr-defined]  # how _forget_timed knows it
    return timed


def _forget_timed(backend: Backend) -> None:
    """Forget timed kernels that an operation in another thread began to plan with, and remembered afterwards."""
    for aval in _avals(backend):
        for key, plan in list(aval.plans.items()):
            kernel = getattr(plan, "kernel", None)
            if hasattr(getattr(kernel, "func", kernel), "is_timed"):
                aval.plans.pop(key, None)


def _flat(values: Sequence[Any]) -> list[Any]:
    """The arrays among values, and in lists and tuples among them."""
    found = []
    for value in values:
        if isinstance(value, (list, tuple)):
            found += [part for part in value if hasattr(part, "shape")]
        elif hasattr(value, "shape"):
            found.append(value)
    return found


def _synchronize(backend: Backend, arrays: Sequence[Any]) -> None:
    for device in dict.fromkeys(backend.native_device(array) for array in arrays):
        backend.synchronize(device)


def nbytes_of(backend: Backend, array: Any) -> int:
    """Bytes of the elements of an array; 0 where its shape is not known yet."""
    aval = backend.aval(array)
    return int(aval.size * aval.dtype.itemsize) if aval.known else 0


def _new_bytes(backend: Backend, results: Sequence[Any], operands: Sequence[Any]) -> int:
    """Bytes of the results that do not lie in the memory of an operand."""
    old = {id(backend.storage(array)) for array in operands}
    return sum(nbytes_of(backend, array) for array in results if id(backend.storage(array)) not in old)


# --- the reverse pass, and what is saved for it ----------------------------------------------------------------------


class _Watcher:
    """Observes what is recorded in a context, and inspects its passes, on behalf of all profilers there."""

    def __init__(self, outer: Any) -> None:
        self.outer = outer

    def recorded(self, node: Node, result: Any) -> None:
        """Note the bytes that a node saved."""
        rule = rule_of(node)
        largest: dict[int, tuple[int, Any]] = {}
        for _, array, storage in rule.saved(node):
            nbytes = nbytes_of(rule.backend, array) if rule.backend is not None else int(getattr(array, "nbytes", 0))
            if nbytes > largest.get(id(storage), (0,))[0]:
                largest[id(storage)] = nbytes, storage
        if largest:
            saved = Saved(operation_of(rule), perf_counter_ns(), sum(nbytes for nbytes, _ in largest.values()))
            for recorder in active.get():
                recorder.saved.append(saved)

    def begin(self, roots: Sequence[Any]) -> None:
        """A pass begins."""
        if self.outer is not None:
            self.outer.begin(roots)

    def step(self, node: Node, ct: Any, run: Callable[[], Any]) -> Any:
        """Time a step of a pass."""
        outer = self.outer
        recorders = active.get()
        if not recorders:
            return run() if outer is None else outer.step(node, ct, run)
        rule = rule_of(node)
        span = Span(recorders, "backward", operation_of(rule))
        try:
            grads = run() if outer is None else outer.step(node, ct, run)
            if any(recorder.synchronize for recorder in recorders):
                for backend, array in _located(grads, node):
                    backend.synchronize(backend.native_device(array))
            duration = span.stop()
        except BaseException:
            span.drop()
            raise
        old = {id(backend.storage(array)) for backend, array in _located(ct, node)}
        new = [(b, array) for b, array in _located(grads, node) if id(b.storage(array)) not in old]
        span.close(duration, sum(nbytes_of(backend, array) for backend, array in new), rule.name)
        return grads


def _located(cotangents: Any, node: Node) -> list[tuple[Backend, Any]]:
    """The raw arrays among cotangents, with their backends."""
    if isinstance(cotangents, Cotangents):
        cotangents = list(cotangents.parts.values())
    found = []
    for ct in cotangents if isinstance(cotangents, (list, tuple)) else (cotangents,):
        if isinstance(ct, primitives.tensor_type):
            found.append((ct._aval.backend, ct._array))
        elif ct is not None and not isinstance(ct, Cotangents):
            found.append((_arriving(node), ct))
    return found


def _arriving(node: Node) -> Backend:
    backend: Backend = backend_of(node)
    return backend


@contextmanager
def watching() -> Iterator[None]:
    """Inside, in this context, steps back are timed and saved bytes noted."""
    before = inspector.get()
    watcher = _Watcher(before)
    inspector.set(watcher)
    try:
        with observing(watcher):
            yield
    finally:
        inspector.set(before)
