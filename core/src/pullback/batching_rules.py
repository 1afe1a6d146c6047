"""How each primitive runs once on a whole batch: the table that vmap reads.

A rule takes a `Batch`, one call of a primitive of whose operands some have a batch as their first axis, and returns the
result with the batch in front. It runs the same primitive with axes one further, or another one that does the same for
all examples. `None` from `RULES.get` means: one example after the other.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from pullback import namespace
from pullback import primitive as primitives
from pullback.primitive import Primitive
from pullback.transform import call

Params = dict[str, Any]
xp: Any = namespace.tensors


class Index(NamedTuple):
    """The index that a primitive takes as its parameter `key`, item by item, and which items have a batch in front."""

    items: tuple[Any, ...]
    batched: tuple[bool, ...]

    def ndim(self, i: int) -> int:
        """Number of axes of one example of item `i`, an array."""
        return int(self.items[i].ndim) - self.batched[i]


class Batch:
    """One call of a primitive: its operands, of which some have a batch, and how many examples there are."""

    __slots__ = ("batched", "index", "params", "primitive", "size", "values")

    def __init__(
        self,
        primitive: Primitive,
        values: list[Any],
        batched: list[bool],
        params: Params,
        size: int,
        index: Index | None = None,
    ) -> None:
        self.primitive = primitive
        self.values = values
        self.batched = batched
        self.params = params
        self.size = size
        self.index = index

    def ndim(self, i: int) -> int:
        """Number of axes of one example of operand `i`."""
        return int(self.values[i].ndim) - self.batched[i]

    def aligned(self, i: int, ndim: int) -> Any:
        """Operand `i` with its batch in front and `ndim` axes per example, to broadcast with others."""
        value = self.values[i]
        missing = ndim - value.ndim + 1
        if not self.batched[i] or not missing:
            return value
        return xp.reshape(value, (value.shape[0], *(1,) * missing, *value.shape[1:]))

    def whole(self, i: int) -> Any:
        """Operand `i` with a batch, repeated if it has none."""
        value = self.values[i]
        return value if self.batched[i] else xp.broadcast_to(value, (self.size, *value.shape))

    def run(self, *values: Any, **params: Any) -> Any:
        """The primitive on other operands and with some parameters changed."""
        return call(self.primitive, values or self.values, self.params | params if params else self.params)


Rule = Callable[[Batch], Any]
"""From one call of a primitive to its result, or results, with the batch in front; None if it cannot."""


def elementwise(batch: Batch) -> Any:
    """Any elementwise primitive: the examples broadcast among themselves."""
    ndim = max(batch.ndim(i) for i in range(len(batch.values)))
    return batch.run(*(batch.aligned(i, ndim) for i in range(len(batch.values))))


def _all_whole(batch: Batch) -> Any:
    """Elementwise, but operands of one shape."""
    return batch.run(*(batch.whole(i) for i in range(len(batch.values))))


def _as_it_is(batch: Batch) -> Any:
    """Ops on the last axes, or on each element."""
    return batch.run()


def _shifted(batch: Batch) -> Any:
    """Ops along `axis` or `axes`, counted from the front: one further. Over all axes: over all of an example's."""
    (x,) = batch.values
    if not batch.params:  # a sum or mean of everything: of each example
        over = xp.sum if batch.primitive.name == "sum" else xp.mean
        return over(xp.reshape(x, (batch.size, math.prod(x.shape[1:]))), axis=1)
    name = "axes" if "axes" in batch.params else "axis"
    axis = batch.params[name]
    if axis is None:
        if batch.params.get("keepdims"):
            out = batch.run(xp.reshape(x, (batch.size, math.prod(x.shape[1:]))), **{name: 1, "keepdims": False})
            return xp.reshape(out, (batch.size,) + (1,) * (x.ndim - 1))
        return batch.run(xp.reshape(x, (batch.size, math.prod(x.shape[1:]))), **{name: 1})
    return batch.run(**{name: axis + 1 if isinstance(axis, int) else tuple([i + 1 for i in axis])})


def _reshape(batch: Batch) -> Any:
    return batch.run(to=(batch.size, *batch.params["to"]))


def _permute_dims(batch: Batch) -> Any:
    return batch.run(axes=(0, *[i + 1 for i in batch.params["axes"]]))


def _broadcast_to(batch: Batch) -> Any:
    to = batch.params["to"]
    return batch.run(batch.aligned(0, len(to)), to=(batch.size, *to))


def _tile(batch: Batch) -> Any:
    repetitions = batch.params["repetitions"]
    missing = batch.ndim(0) - len(repetitions)
    counts = (1,) * max(missing, 0) + repetitions
    return batch.run(batch.aligned(0, len(counts)), repetitions=(1, *counts))


def _repeat(batch: Batch) -> Any:
    """As often as a number says, or an array without a batch; with one, the examples would differ in shape."""
    if len(batch.values) == 2 and batch.batched[1]:
        return None
    return batch.run(axis=batch.params["axis"] + 1)


def _concat(batch: Batch) -> Any:
    return batch.run(*(batch.whole(i) for i in range(len(batch.values))), axis=batch.params["axis"] + 1)


# --- products --------------------------------------------------------------------------------------------------------


def _matmul(batch: Batch) -> Any:
    """One product for all examples: a batch of rows is a matrix, else the batch is one more batch axis of the product.

    Vectors become matrices of one row or column.
    """
    x1, x2 = batch.values
    ndim1, ndim2 = batch.ndim(0), batch.ndim(1)
    if not batch.batched[1] and ndim1 <= 2 and ndim2 <= 2:  # x1 has a batch
        if ndim1 == 1 or ndim2 == 1:
            return xp.matmul(x1, x2)
        rows = xp.reshape(x1, (x1.shape[0] * x1.shape[1], x1.shape[2]))
        return xp.reshape(xp.matmul(rows, x2), (*x1.shape[:2], x2.shape[1]))
    if not batch.batched[0] and ndim1 == 2 and ndim2 == 1:
        return xp.matmul(x2, xp.matrix_transpose(x1))
    row, column = ndim1 == 1, ndim2 == 1
    x1 = xp.expand_dims(x1, axis=-2) if row else x1
    x2 = xp.expand_dims(x2, axis=-1) if column else x2
    batch = Batch(batch.primitive, [x1, x2], batch.batched, batch.params, batch.size)
    ndim = max(batch.ndim(0), batch.ndim(1))
    out = xp.matmul(batch.aligned(0, ndim), batch.aligned(1, ndim))
    axes = tuple(axis for axis, drop in ((-2, row), (-1, column)) if drop)
    return xp.squeeze(out, axis=axes) if axes else out


def _solve(batch: Batch) -> Any:
    vector = batch.params["vector"]
    x2 = xp.expand_dims(batch.values[1], axis=-1) if vector else batch.values[1]
    batch = Batch(batch.primitive, [batch.values[0], x2], batch.batched, batch.params, batch.size)
    ndim = max(batch.ndim(0), batch.ndim(1))
    out = batch.run(batch.aligned(0, ndim), batch.aligned(1, ndim), vector=False)
    return xp.squeeze(out, axis=-1) if vector else out


# --- indexing --------------------------------------------------------------------------------------------------------


class _Place(NamedTuple):
    """An index for all examples at once: where the batch is in what is indexed, and where in the result."""

    key: Any
    source: int
    target: int
    ndim: int  # of one example's result


def _is_array(item: Any) -> bool:
    return isinstance(item, primitives.tensor_type)


def _is_mask(item: Any) -> bool:
    return _is_array(item) and item.dtype.name == "bool"


def _placed(batch: Batch, ndim: int, *, shared: bool = False) -> _Place | None:
    """The index of one example, of `ndim` axes, as one of all; None if the examples' results may differ in shape.

    `shared`: there is only one array, which each example indexes in its own way.
    """
    index: Any = batch.index
    if any(has and _is_mask(item) for item, has in zip(*index, strict=True)):
        return None
    if len(index.items) == 1 and _is_mask(index.items[0]):  # the batch is one more of the axes that are taken whole
        return _Place(index.items[0], -1, -1, ndim - index.items[0].ndim + 1)
    index = _without_masks(index)
    items = index.items
    gap = ndim - sum(item is not None and item is not Ellipsis for item in items)  # axes that an Ellipsis stands for
    kept = sum(gap if item is Ellipsis else item is None or isinstance(item, slice) for item in items)
    arrays = [i for i, item in enumerate(items) if _is_array(item)]
    if not arrays:
        return _Place((slice(None), *items), 0, 0, kept)
    picking = [i for i, item in enumerate(items) if _is_array(item) or isinstance(item, int)]
    first = picking[0]
    source = sum(gap if item is Ellipsis else item is not None for item in items[:first])
    target = 0
    if picking[-1] - first == len(picking) - 1:  # else the axes of the arrays come first in the result
        target = sum(gap if item is Ellipsis else 1 for item in items[:first])
    width = max(index.ndim(i) for i in arrays)
    key = [_widened(item, width) if has else item for item, has in zip(*index, strict=True)]
    if not shared:
        examples = xp.arange(batch.size, device=items[arrays[0]].device)
        key.insert(first, xp.reshape(examples, (batch.size, *(1,) * width)))
    return _Place(tuple(key), source, target, kept + width)


def _without_masks(index: Index) -> Index:
    """Masks as the positions where they are true, an array for each of their axes."""
    parts = [
        (part, has)
        for item, has in zip(*index, strict=True)
        for part in (xp.nonzero(item) if _is_mask(item) else (item,))
    ]
    return Index(tuple(part for part, _ in parts), tuple(has for _, has in parts))


def _widened(value: Any, ndim: int) -> Any:
    """An array with its batch in front, and `ndim` axes per example."""
    return xp.reshape(value, (value.shape[0], *(1,) * (ndim - value.ndim + 1), *value.shape[1:]))


def _moved(x: Any, source: int, destination: int) -> Any:
    return x if source == destination else xp.moveaxis(x, source, destination)


def _getitem(batch: Batch) -> Any:
    shared = not batch.batched[0]
    place = _placed(batch, batch.ndim(0), shared=shared)
    if place is None:
        return None
    x = batch.values[0] if shared else _moved(batch.values[0], 0, place.source)
    return _moved(xp.getitem(x, place.key), place.target, 0)


def _scatter(batch: Batch) -> Any:
    to = batch.params["to"]
    place = _placed(batch, len(to))
    if place is None:
        return None
    at = place.source % (len(to) + 1)
    values = _moved(batch.whole(0), 0, place.target)
    return _moved(batch.run(values, key=place.key, to=(*to[:at], batch.size, *to[at:])), place.source, 0)


def _setitem(batch: Batch) -> Any:
    place = _placed(batch, batch.ndim(0))
    if place is None:
        return None
    x = _moved(batch.whole(0), 0, place.source)
    value = batch.values[1]
    if batch.batched[1]:
        value = _moved(_widened(value, place.ndim), 0, place.target)
    elif place.target % (place.ndim + 1) > place.ndim - value.ndim:  # the batch's axis is among its own
        missing = place.ndim - value.ndim
        value = xp.reshape(value, ((1,) * missing + value.shape))
        value = xp.expand_dims(value, axis=place.target)
    return _moved(batch.run(x, value, key=place.key), place.source, 0)


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


# --- searching -------------------------------------------------------------------------------------------------------


def _searchsorted(batch: Batch) -> Any:
    """With one sorted array for all, the op itself; else bisection, one step for all numbers sought."""
    if not batch.batched[0]:
        return batch.run()
    line = batch.values[0]
    found = batch.whole(1)
    sought = xp.reshape(found, (batch.size, math.prod(found.shape[1:])))
    length = line.shape[1]
    place = line.device
    low = xp.zeros(sought.shape, dtype=place.backend.default_dtype(place.native, "indexing"), device=place)
    high = low + length
    for _ in range(length.bit_length()):
        middle = (low + high) // 2
        there = xp.take_along_axis(line, xp.clip(middle, 0, length - 1), axis=1)
        after = (low < high) & (_before(there, sought) if batch.params["side"] == "left" else ~_before(sought, there))
        low, high = xp.where(after, middle + 1, low), xp.where(after, high, middle)
    return xp.reshape(low, found.shape)


def _before(x: Any, y: Any) -> Any:
    """Whether x sorts before y; NaN comes last."""
    less = x < y
    return less | (~xp.isnan(x) & xp.isnan(y)) if x.dtype.differentiable or y.dtype.differentiable else less


def _isin(batch: Batch) -> Any:
    if not batch.batched[1]:
        return batch.run()
    x1 = batch.values[0]
    members = xp.reshape(batch.values[1], (batch.size, *(1,) * batch.ndim(0), math.prod(batch.values[1].shape[1:])))
    found = xp.any(xp.expand_dims(x1, axis=-1) == members, axis=-1)
    return ~found if batch.params["invert"] else found


RULES: dict[str, Rule] = {
    "determined": _all_whole,
    "reshape": _reshape,
    "permute_dims": _permute_dims,
    "broadcast_to": _broadcast_to,
    "tile": _tile,
    "repeat": _repeat,
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
    "searchsorted": _searchsorted,
    "isin": _isin,
    **dict.fromkeys(
        (
            *("all", "any", "argmax", "argmin", "argsort", "count_nonzero", "cumulative_prod", "cumulative_sum"),
            *("flip", "max", "mean", "min", "power_norm", "prod", "roll", "sort", "std", "sum", "var"),
            *("fft.fft", "fft.fftn", "fft.ifft", "fft.ifftn", "fft.irfft", "fft.rfft"),
        ),
        _shifted,
    ),
    **dict.fromkeys(
        (
            *("abs", "alias", "astype", "clone", "imag", "imaginary", "sign", "tril", "triu"),
            *("linalg.cholesky", "linalg.det", "linalg.diagonal", "linalg.eig", "linalg.eigh", "linalg.eigvals"),
            *("linalg.eigvalsh", "linalg.inv", "linalg.matrix_rank", "linalg.pinv", "linalg.qr", "linalg.slogdet"),
            *("linalg.singular_vectors", "linalg.svd", "linalg.svdvals"),
        ),
        _as_it_is,
    ),
}
"""The rules, by the names of primitives, of all that are not elementwise.

Without one: `nonzero` and `unique_*`, whose shapes depend on the values.
"""
