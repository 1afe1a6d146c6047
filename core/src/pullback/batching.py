"""vmap: batches as one more array library.

A Batched is a Tensor whose first axis is the batch; to the function being mapped it has the shape of one example.
`BatchedBackend` runs every primitive once on whole batches, by the rules below. An op without a rule runs example by
example. An operand without a batch stays as it is: it is not copied along.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

from pullback import namespace
from pullback.dtypes import DType
from pullback.errors import AutogradError
from pullback.primitive import Primitive
from pullback.transform import TransformBackend, Wrapped, call

Params = dict[str, Any]
Rule = Callable[["Batch"], Any]
"""From one call of a primitive to its result, or results, with the batch in front."""


class Batched(Wrapped):
    """Arrays of one shape, stacked along the first axis of a Tensor."""

    __slots__ = ("value",)

    def __init__(self, backend: BatchedBackend, value: Any) -> None:
        super().__init__(backend)
        self.value = value

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one example."""
        return self.value.shape[1:]  # type: ignore[no-any-return]

    @property
    def dtype(self) -> DType:
        """Data type."""
        return self.value.dtype  # type: ignore[no-any-return]

    @property
    def device(self) -> Any:
        """Device."""
        return self.value.device


class Batch:
    """One call of a primitive: its operands, of which some have a batch."""

    def __init__(self, primitive: Primitive, values: list[Any], batched: list[bool], params: Params, size: int) -> None:
        self.primitive = primitive
        self.values = values
        self.batched = batched
        self.params = params
        self.size = size

    def ndim(self, i: int) -> int:
        """Number of axes of one example of operand `i`."""
        return int(self.values[i].ndim) - self.batched[i]

    def aligned(self, i: int, ndim: int) -> Any:
        """Operand `i` with its batch in front and `ndim` axes per example, to broadcast with others."""
        value = self.values[i]
        if not self.batched[i]:
            return value
        return xp.reshape(value, (value.shape[0], *(1,) * (ndim - self.ndim(i)), *value.shape[1:]))

    def whole(self, i: int) -> Any:
        """Operand `i` with a batch, repeated if it has none."""
        value = self.values[i]
        return value if self.batched[i] else xp.broadcast_to(value, (self.size, *value.shape))

    def run(self, *values: Any, **params: Any) -> Any:
        """The primitive on other operands and with some parameters changed."""
        return call(self.primitive, values or self.values, self.params | params)


xp: Any = namespace.tensors


class BatchedBackend(TransformBackend):
    """vmap at one level."""

    name = "vmap"

    def run(self, primitive: Primitive, operands: list[Any], params: Params) -> Any:
        batched = [isinstance(operand, Batched) and operand.backend is self for operand in operands]
        values = [operand.value if has else operand for operand, has in zip(operands, batched, strict=True)]
        key_batches = [item for item in _key_items(params) if self.has_batch(item)]
        if not any(batched) and not key_batches:
            return call(primitive, values, params)
        sizes = [value.shape[0] for value, has in zip(values, batched, strict=True) if has]
        size = sizes[0] if sizes else key_batches[0]._array.value.shape[0]
        batch = Batch(primitive, values, batched, params, size)
        if key_batches:
            out = self._one_by_one(batch)
        elif primitive.elementwise:
            out = _elementwise(batch)
        else:
            out = RULES.get(primitive.name, self._one_by_one)(batch)
        return tuple(Batched(self, o) for o in out) if isinstance(out, tuple) else Batched(self, out)

    def has_batch(self, x: Any) -> bool:
        """Whether a Tensor holds a batch of this level."""
        return hasattr(x, "_aval") and isinstance(x._array, Batched) and x._array.backend is self

    def _one_by_one(self, batch: Batch) -> Any:
        """Each example alone: slow, and right for every op."""
        results = []
        for i in range(batch.size):
            values = [v[i, ...] if has else v for v, has in zip(batch.values, batch.batched, strict=True)]
            params = {name: self._example(value, i) for name, value in batch.params.items()}
            results.append(call(batch.primitive, values, params))
        if isinstance(results[0], tuple):
            return tuple(xp.stack(parts) for parts in zip(*results, strict=True))
        return xp.stack(results)

    def _example(self, param: Any, i: int) -> Any:
        if isinstance(param, tuple):
            return tuple(self._example(item, i) for item in param)
        return param._array.value[i, ...] if self.has_batch(param) else param

    def make(self, value: Any) -> Any:
        """A Tensor of examples from a Tensor with the batch in front."""
        return self.tensor(Batched(self, value))

    def value(self, x: Any, size: int) -> Any:
        """The Tensor with the batch in front; a constant is repeated."""
        array = x._array if x._aval.backend is self else x
        if isinstance(array, Batched) and array.backend is self:
            return array.value
        return xp.broadcast_to(array, (size, *array.shape))

    def tolist(self, array: Any) -> Any:
        if isinstance(array, Batched):
            raise AutogradError(
                "vmap: the function reads the values of a batch (bool, float, item, print, an if); write it with pb.where, "
                "or leave the argument out of in_axes"
            )
        return array.tolist()


@cache
def batched_backend(level: int) -> BatchedBackend:
    """The vmap backend of a level."""
    return BatchedBackend(level)


def _key_items(params: Params) -> Sequence[Any]:
    key = params.get("key", ())
    return key if isinstance(key, tuple) else (key,)


# --- rules -----------------------------------------------------------------------------------------------------------


def _elementwise(batch: Batch) -> Any:
    ndim = max(batch.ndim(i) for i in range(len(batch.values)))
    return batch.run(*(batch.aligned(i, ndim) for i in range(len(batch.values))))


def _as_it_is(batch: Batch) -> Any:
    """Ops on the last axes, or on each element."""
    return batch.run()


def _shifted(batch: Batch) -> Any:
    """Ops along `axis` or `axes`, counted from the front: one further. Over all axes: over all of an example's."""
    (x,) = batch.values
    name = "axes" if "axes" in batch.params else "axis"
    axis = batch.params[name]
    if axis is None:
        if batch.params.get("keepdims"):
            out = batch.run(xp.reshape(x, (x.shape[0], -1)), **{name: 1, "keepdims": False})
            return xp.reshape(out, (x.shape[0],) + (1,) * (x.ndim - 1))
        return batch.run(xp.reshape(x, (x.shape[0], -1)), **{name: 1})
    return batch.run(**{name: axis + 1 if isinstance(axis, int) else tuple(i + 1 for i in axis)})


def _reshape(batch: Batch) -> Any:
    return batch.run(to=(batch.size, *batch.params["to"]))


def _permute_dims(batch: Batch) -> Any:
    return batch.run(axes=(0, *(i + 1 for i in batch.params["axes"])))


def _broadcast_to(batch: Batch) -> Any:
    to = batch.params["to"]
    return batch.run(batch.aligned(0, len(to)), to=(batch.size, *to))


def _tile(batch: Batch) -> Any:
    repetitions = batch.params["repetitions"]
    missing = batch.ndim(0) - len(repetitions)
    counts = (1,) * max(missing, 0) + repetitions
    return batch.run(batch.aligned(0, len(counts)), repetitions=(1, *counts))


def _concat(batch: Batch) -> Any:
    return batch.run(*(batch.whole(i) for i in range(len(batch.values))), axis=batch.params["axis"] + 1)


def _matmul(batch: Batch) -> Any:
    """Vectors become matrices of one row or column, so that the batch is one more batch axis of the product."""
    row, column = batch.ndim(0) == 1, batch.ndim(1) == 1
    x1 = xp.expand_dims(batch.values[0], axis=-2) if row else batch.values[0]
    x2 = xp.expand_dims(batch.values[1], axis=-1) if column else batch.values[1]
    batch = Batch(batch.primitive, [x1, x2], batch.batched, batch.params, batch.size)
    ndim = max(batch.ndim(0), batch.ndim(1))
    out = batch.run(batch.aligned(0, ndim), batch.aligned(1, ndim))
    axes = tuple(axis for axis, drop in ((-2, row), (-1, column)) if drop)
    return xp.squeeze(out, axis=axes) if axes else out


def _solve(batch: Batch) -> Any:
    vector = batch.params["vector"]
    x2 = xp.expand_dims(batch.values[1], axis=-1) if vector else batch.values[1]
    batch = Batch(batch.primitive, [batch.values[0], x2], batch.batched, batch.params, batch.size)
    ndim = max(batch.ndim(0), batch.ndim(1))
    out = batch.run(batch.aligned(0, ndim), batch.aligned(1, ndim), vector=False)
    return xp.squeeze(out, axis=-1) if vector else out


def _front(key: Any) -> tuple[Any, ...]:
    return (slice(None), *(key if isinstance(key, tuple) else (key,)))


def _getitem(batch: Batch) -> Any:
    return xp.getitem(batch.values[0], _front(batch.params["key"]))


def _scatter(batch: Batch) -> Any:
    return batch.run(key=_front(batch.params["key"]), to=(batch.size, *batch.params["to"]))


def _setitem(batch: Batch) -> Any:
    key = _front(batch.params["key"])
    x = batch.whole(0)
    return batch.run(x, batch.aligned(1, x[key].ndim - 1), key=key)


def _along(batch: Batch) -> Any:
    """Operands of one shape per example, along `axis`."""
    return batch.run(batch.whole(0), batch.whole(1), axis=batch.params["axis"] + 1)


def _take(batch: Batch) -> Any:
    """`take` and its transpose; indices with a batch are those of `take_along_axis`."""
    axis = batch.params["axis"] + 1
    if not batch.batched[1]:
        return batch.run(axis=axis)
    x, indices = batch.whole(0), batch.values[1]
    shape = (batch.size, *(1,) * (axis - 1), indices.shape[1], *(1,) * (x.ndim - axis - 1))
    wide = xp.broadcast_to(xp.reshape(indices, shape), (*x.shape[:axis], indices.shape[1], *x.shape[axis + 1 :]))
    if batch.primitive.name == "take":
        return xp.take_along_axis(x, wide, axis=axis)
    return xp.along_axis_add(x, wide, axis, batch.params["length"])


RULES: dict[str, Rule] = {
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast_to": _broadcast_to,
    "tile": _tile,
    "concat": _concat,
    "matmul": _matmul,
    "linalg.solve": _solve,
    "getitem": _getitem,
    "scatter": _scatter,
    "setitem": _setitem,
    "take": _take,
    "index_add": _take,
    "take_along_axis": _along,
    "along_axis_add": _along,
    **dict.fromkeys(
        (
            *(
                "all",
                "any",
                "argmax",
                "argmin",
                "argsort",
                "count_nonzero",
                "cumulative_prod",
                "cumulative_sum",
                "flip",
            ),
            *("max", "mean", "min", "power_norm", "prod", "repeat", "roll", "sort", "std", "sum", "var"),
            *("fft.fft", "fft.fftn", "fft.ifft", "fft.ifftn", "fft.irfft", "fft.rfft"),
        ),
        _shifted,
    ),
    **dict.fromkeys(
        (
            *("abs", "alias", "astype", "clone", "imag", "sign", "tril", "triu"),
            *("linalg.cholesky", "linalg.det", "linalg.diagonal", "linalg.eig", "linalg.eigh", "linalg.eigvals"),
            *("linalg.eigvalsh", "linalg.inv", "linalg.matrix_rank", "linalg.pinv", "linalg.qr", "linalg.slogdet"),
            *("linalg.svd", "linalg.svdvals"),
        ),
        _as_it_is,
    ),
}
