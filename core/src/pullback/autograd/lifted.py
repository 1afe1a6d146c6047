"""A Function inside forward mode and vmap: what it computes there is a Function of the level below.

Under forward mode, `forward` runs on the arrays and `jvp` on the tangents. Under vmap, the Function becomes one of whole
batches, whose `forward`, `backward` and `jvp` are those of one example, mapped. Either way the level below records it as
it records any other, so that transforms nest and no derivative is lost on the way.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pullback import namespace
from pullback import primitive as primitives
from pullback.batching import BatchedBackend
from pullback.errors import AutogradError, CotangentError
from pullback.forward import DualBackend
from pullback.transform import entered

if TYPE_CHECKING:
    from pullback.autograd.context import Context
    from pullback.autograd.function import Function

xp: Any = namespace.tensors


def run(base: type[Function], cls: type[Function], ctx: Context, args: Sequence[Any]) -> Any:
    """The results of `cls`, a subclass of `base`, on Tensors of a transform; `ctx` becomes what its forward left."""
    backends = [arg._aval.backend for arg in args if _is_tensor(arg)]
    top = max(backends, key=lambda backend: backend.level)
    return (
        _run_on_duals(top, cls, ctx, args)
        if isinstance(top, DualBackend)
        else _run_on_batches(top, base, cls, ctx, args)
    )


def _is_tensor(value: Any) -> bool:
    return isinstance(value, primitives.tensor_type)


def _listed(value: Any) -> list[Any]:
    return list(value) if isinstance(value, tuple) else [value]


def _like(result: Any, values: Sequence[Any]) -> Any:
    return tuple(values) if isinstance(result, tuple) else values[0]


def _adopt(ctx: Context, inner: Context, renamed: Callable[[Any], Any], *, lost: bool) -> None:
    """Make `ctx` what `forward` left in `inner`, with Tensors of one level replaced by those of another.

    `lost`: whether a saved value that is neither input nor output lacks a derivative in it.
    """
    for name, value in vars(inner).items():
        if name in ("_needs", "_recorded", "_restore"):
            continue
        setattr(ctx, name, tuple(map(renamed, value)) if type(value) is tuple else renamed(value))
    ctx._lost = ctx._lost or lost


def _renaming(old: Iterable[Any], new: Iterable[Any], other: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """From each Tensor of `old` to the one of `new` in its place; from any other Tensor to `other` of it."""
    pairs = [(before, after) for before, after in zip(old, new, strict=True) if _is_tensor(before)]

    def renamed(value: Any) -> Any:
        if not _is_tensor(value):
            return value
        found = [after for before, after in pairs if before is value]
        return found[0] if found else other(value)

    return renamed


def _refuse_dirty(cls: type[Function], ctx: Context, where: str) -> None:
    if ctx._dirty:
        raise AutogradError(
            f"{cls.__name__}: mark_dirty cannot be used inside {where}; return a new Tensor from forward instead"
        )


# --- forward mode ----------------------------------------------------------------------------------------------------


def _run_on_duals(backend: DualBackend, cls: type[Function], ctx: Context, args: Sequence[Any]) -> Any:
    primals, tangents = zip(*(backend.split(arg) for arg in args), strict=True)
    result, inner = cls.call(*primals, above=ctx)
    _refuse_dirty(cls, inner, "forward mode")
    outputs = _listed(result)
    moved = [None] * len(outputs)
    if any(tangent is not None for tangent in tangents):
        if inner._materialize:
            tangents = tuple(
                [xp.zeros_like(p) if t is None and _moves(p) else t for p, t in zip(primals, tangents, strict=True)]
            )
        moved = _checked(cls, outputs, cls.run_jvp(inner, tangents, len(outputs)), inner._non_differentiable)
    made = [backend.make(o, t) if _is_tensor(o) else o for o, t in zip(outputs, moved, strict=True)]
    _adopt(ctx, inner, _renaming((*primals, *outputs), (*args, *made), lambda x: x), lost=True)
    return _like(result, made)


def _moves(value: Any) -> bool:
    return _is_tensor(value) and value.dtype.differentiable


def _checked(
    cls: type[Function], outputs: Sequence[Any], tangents: Sequence[Any], constants: Sequence[Any]
) -> list[Any]:
    kept: list[Any] = []
    for i, (out, tangent) in enumerate(zip(outputs, tangents, strict=True)):
        if tangent is None or not _is_tensor(out) or not out.dtype.differentiable or any(out is c for c in constants):
            kept.append(None)
            continue
        if not _is_tensor(tangent):
            raise CotangentError(
                f"{cls.__name__}.jvp returned {type(tangent).__name__} for output {i}; return a Tensor or None"
            )
        if (tangent.shape, tangent.dtype, tangent.device) != (out.shape, out.dtype, out.device):
            raise CotangentError(
                f"{cls.__name__}.jvp returned a tangent that is {tangent._aval} for output {i}, which is {out._aval}"
            )
        kept.append(tangent)
    return kept


# --- vmap ------------------------------------------------------------------------------------------------------------


def _run_on_batches(
    backend: BatchedBackend, base: type[Function], cls: type[Function], ctx: Context, args: Sequence[Any]
) -> Any:
    values, batched = zip(*(backend.split(arg) for arg in args), strict=True)
    if not any(batched):
        whole, inner = cls.call(*values, above=ctx)
        made = [backend.lift(o) if _is_tensor(o) else o for o in _listed(whole)]
        _adopt(ctx, inner, _renaming((*values, *_listed(whole)), (*args, *made), lambda x: x), lost=inner._lost)
        return _like(whole, made)
    mapped = _Mapped(backend, base, cls, batched, ctx)
    whole, below = mapped.function().call(*values)
    made = [backend.make(o) if _is_tensor(o) else o for o in _listed(whole)]
    inner, examples, outputs = mapped.left.pop()
    _adopt(ctx, inner, _renaming((*examples, *outputs), (*args, *made), lambda x: x), lost=below._lost)
    return _like(whole, made)


class _Mapped:
    """One call of a Function on batches, as a Function of the level below."""

    def __init__(
        self,
        backend: BatchedBackend,
        base: type[Function],
        cls: type[Function],
        batched: Sequence[bool],
        ctx: Context,
    ) -> None:
        self.backend = backend
        self.base = base
        self.cls = cls
        self.new_ctx = type(ctx)
        self.batched = batched
        self.needs = ctx._needs
        self.inputs = ctx._inputs
        self.left: list[Any] = []  # the ctx of one example, its arguments and its results, until they are taken

    def function(self) -> type[Function]:
        """The Function of whole batches."""
        methods = {"forward": self.forward, "backward": self.backward, "jvp": self.jvp}
        return type(self.cls.__name__, (self.base,), {name: staticmethod(method) for name, method in methods.items()})

    def forward(self, ctx: Context, *values: Any) -> Any:
        backend = self.backend
        self.size = next(v.shape[0] for v, has in zip(values, self.batched, strict=True) if has)
        examples = [backend.make(v) if has else v for v, has in zip(values, self.batched, strict=True)]
        needs = zip(ctx._needs, self.needs, strict=True)
        inner = self.new_ctx(tuple(below or above for below, above in needs), self.inputs)
        result = self.cls.run_forward(inner, tuple(examples))
        _refuse_dirty(self.cls, inner, "vmap")
        outputs = _listed(result)
        whole = [backend.value(o, self.size) if _is_tensor(o) else o for o in outputs]
        below = _renaming((*examples, *outputs), (*values, *whole), lambda x: backend.split(x)[0])
        inner_saved = inner._saved if inner._forward is None else (*inner._saved, *inner._forward)
        self.counts = len(inner._saved), None if inner._forward is None else len(inner._forward)
        self.saved_batched = [
            _is_tensor(t) and (any(t is o for o in outputs) or backend.split(t)[1]) for t in inner_saved
        ]
        ctx.save_for_backward(*map(below, inner_saved))
        ctx.mark_non_differentiable(*map(below, inner._non_differentiable))
        ctx.set_materialize_grads(inner._materialize)
        self.left.append((inner, examples, outputs))
        self.needs = inner._needs
        self.outputs = inner._outputs
        self.count = len(outputs)
        self.attributes = {name: backend.split(value) for name, value in vars(inner).items() if name[0] != "_"}
        return _like(result, whole)

    def _example(self, ctx: Context, level: Any, *, forward: bool) -> Context:
        """The ctx of one example again, at another level."""
        example = self.new_ctx(self.needs, self.inputs)
        example._outputs = self.outputs
        for name, (value, has) in self.attributes.items():
            setattr(example, name, level.make(value) if has else value)
        example._materialize = ctx._materialize

        def saved() -> tuple[Any, ...]:
            both = zip(ctx.saved_tensors, self.saved_batched, strict=True)
            tensors = tuple([level.make(t) if has else t for t, has in both])
            backward, for_forward = self.counts
            return tensors[backward:] if forward and for_forward is not None else tensors[:backward]

        example._restore = saved
        return example

    def backward(self, ctx: Context, *cotangents: Any) -> Any:
        with entered(BatchedBackend) as level:
            example = self._example(ctx, level, forward=False)
            cts = [None if ct is None else level.make(ct) for ct in cotangents]
            grads = self.cls.run_backward(example, cts)
            wholes = [level.value(g, self.size) if _is_tensor(g) else g for g in grads]
        both = zip(wholes, self.batched, strict=True)
        return tuple([g if has or not _is_tensor(g) else xp.sum(g, axis=0) for g, has in both])

    def jvp(self, ctx: Context, *tangents: Any) -> Any:
        with entered(BatchedBackend) as level:
            example = self._example(ctx, level, forward=True)
            both = zip(tangents, self.batched, strict=True)
            moved = [level.make(t) if has and t is not None else t for t, has in both]
            found = self.cls.run_jvp(example, moved, self.count)
            return tuple([level.value(t, self.size) if _is_tensor(t) else t for t in found])
