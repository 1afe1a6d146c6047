"""What a rule finds in `xp` beyond the standard: the transposes of indexing, and helpers of rules.

`bind` writes them in the standard alone; a backend replaces them by faster methods (`scatter`, `put`, ...). On Tensors
the same names are primitives of their own (`ops/indexing_functions.py`), so that rules which use them have derivatives
too.

`xp.call(op, *operands)` runs an op that is not in `xp`, a plugin's for instance, on whatever the rule computes with: raw
arrays, Tensors, or the arrays of a transform.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pullback.errors import DegenerateError

if TYPE_CHECKING:
    from pullback.aval import Aval


def raw_key(key: Any) -> Any:
    """An index with raw arrays for Tensors."""
    if isinstance(key, tuple):
        return tuple(raw_key(item) for item in key)
    return key._array if hasattr(key, "_aval") else key


def spans(items: tuple[Any, ...], shape: tuple[int, ...]) -> list[range]:
    """Which positions of each axis an index of integers, slices, None and Ellipsis takes.

    >>> spans((-1, ..., slice(None, None, -2)), (3, 4, 5))
    [range(2, 3), range(0, 4), range(4, -1, -2)]
    """
    axes = [item for item in items if item is not None]
    if Ellipsis not in axes:
        axes.append(Ellipsis)
    middle = axes.index(Ellipsis)
    axes[middle : middle + 1] = [slice(None)] * (len(shape) - len(axes) + 1)
    return [
        range(n)[item] if isinstance(item, slice) else range(n)[item % n :][:1]
        for item, n in zip(axes, shape, strict=True)
    ]


def bind(xp: Any, *, writable: bool) -> dict[str, Callable[..., Any]]:
    """The extra functions over the raw namespace `xp`; `writable` says whether they may fill arrays of their own."""

    def unbroadcast(x: Any, shape: tuple[int, ...]) -> Any:
        """Undo broadcasting from `shape`: sum over the axes that broadcasting added or stretched."""
        if x.shape == shape:
            return x
        added = len(x.shape) - len(shape)
        stretched = (added + i for i, n in enumerate(shape) if n == 1 and x.shape[added + i] != 1)
        axes = (*range(added), *stretched)
        if axes:
            x = xp.sum(x, axis=axes, keepdims=True)
        return xp.reshape(x, shape)

    def inner(x: Any, y: Any) -> Any:
        """The sum of the products of all elements of two arrays of one shape, 0-d."""
        return xp.sum(x * y)

    def total(x: Any) -> Any:
        """The sum of all elements, 0-d."""
        return xp.sum(x)

    def spread(x: Any, like: Aval) -> Any:
        """The transpose of `total`: a 0-d array at every place of an aval's shape."""
        return xp.broadcast_to(x, like.shape)

    def average(x: Any) -> Any:
        """The mean of all elements, 0-d."""
        return xp.mean(x)

    def guard(t: Any, product: Any) -> Any:
        """`product`, linear in `t`, with 0 for each NaN that comes from a zero of `t` and a non-finite factor."""
        return xp.where((t == 0) & xp.isnan(product), 0.0, product)

    def refuse_if(x: Any, mask: Any, message: str) -> Any:
        """`x`; raises `DegenerateError` if the mask is true anywhere, on a lazy backend when `x` is computed."""
        if bool(xp.any(mask)):
            raise DegenerateError(message)
        return x

    def flat(t: Any, _x: Any) -> Any:
        """Zeros like `t`; on Tensors, a function of the other array that has the derivative 0."""
        return xp.zeros_like(t)

    def determined(x: Any, _mask: Any) -> Any:
        """`x`; on Tensors, one that has no derivative if the mask is true anywhere."""
        return x

    def adjugate(x: Any) -> Any:
        """The matrix with `adjugate(x) @ x = det(x) * identity`, at singular matrices too: from x = U S V^H."""
        if x.shape[-1] == 0:
            return x
        u, s, vh = xp.linalg.svd(x)
        one = xp.ones_like(s[..., :1])
        before = xp.cumulative_prod(xp.concat([one, s[..., :-1]], axis=-1), axis=-1)
        after = xp.cumulative_prod(xp.concat([one, xp.flip(s[..., 1:], axis=-1)], axis=-1), axis=-1)
        others = before * xp.flip(after, axis=-1)
        phase = xp.linalg.det(u) * xp.linalg.det(vh)
        uh, v = xp.matrix_transpose(u), xp.matrix_transpose(vh)
        if xp.isdtype(x.dtype, "complex floating"):
            uh, v = xp.conj(uh), xp.conj(v)
        return xp.expand_dims(phase, axis=(-2, -1)) * xp.matmul(v * xp.expand_dims(others, axis=-2), uh)

    def getitem(x: Any, key: Any) -> Any:
        """`x[key]`."""
        return x[raw_key(key)]

    def put(x: Any, key: Any, value: Any) -> Any:
        """A copy of `x` with `value` at `key`."""
        key = raw_key(key)
        if writable:
            out = xp.asarray(x, copy=True)
            out[key] = value
            return out
        if key is Ellipsis:
            return xp.where(xp.ones(x.shape, dtype=xp.bool, device=x.device), value, x)
        picked = x[key]
        sources = _sources(key, x.shape, x.device)
        values = xp.broadcast_to(value, picked.shape) if hasattr(value, "shape") else xp.full_like(picked, value)
        return xp.where(sources < math.prod(picked.shape), _gathered(values, sources), x)

    def _sources(key: Any, shape: tuple[int, ...], device: Any) -> Any:
        """For each element of an array, the position in `x[key]` (flattened) that it went to; the length for none.

        Of several, the last. By sorting, so that memory stays linear in the number of elements.
        """
        items = key if isinstance(key, tuple) else (key,)
        if not any(hasattr(item, "dtype") for item in items):
            return _strided_sources(items, shape, device)
        places = xp.arange(math.prod(shape), device=device)
        taken = xp.reshape(xp.reshape(places, shape)[key], (-1,))
        if len(items) == 1 and items[0].dtype == xp.bool and items[0].shape == shape:  # in the order of the mask
            ones = xp.reshape(xp.astype(items[0], places.dtype), (-1,))
            ranks = xp.reshape(xp.cumulative_sum(ones, dtype=places.dtype), shape)
            return xp.where(items[0], ranks - 1, taken.shape[0])
        none = xp.full((1,), -1, dtype=places.dtype, device=device)
        order = xp.argsort(taken, stable=True)
        ranked = xp.concat([none, xp.take(taken, order)])
        found = xp.searchsorted(ranked, places, side="right") - 1
        last = xp.take(xp.concat([none, order]), found)
        return xp.reshape(xp.where(xp.take(ranked, found) == places, last, taken.shape[0]), shape)

    def _strided_sources(items: tuple[Any, ...], shape: tuple[int, ...], device: Any) -> Any:
        """The same for integers and slices, by arithmetic on each axis: the library is asked for no positions."""
        one = (1,) * len(shape)
        hit, source = xp.ones(one, dtype=xp.bool, device=device), xp.reshape(xp.arange(1, device=device), one)
        count = 1
        for axis, span in reversed(tuple(enumerate(spans(items, shape)))):
            steps = xp.arange(shape[axis], device=device) - span.start
            along = xp.reshape(steps // span.step, (-1,) + (1,) * (len(shape) - axis - 1))
            exact = xp.reshape(steps % span.step == 0, along.shape)
            hit = hit & exact & (along >= 0) & (along < len(span))
            source, count = source + along * count, count * len(span)
        return xp.broadcast_to(xp.where(hit, source, count), shape)

    def _gathered(values: Any, sources: Any) -> Any:
        """`values` at the positions `sources`, and zeros where these are past the end."""
        flat = xp.reshape(values, (-1,))
        padded = xp.concat([flat, xp.zeros((1,), dtype=flat.dtype, device=flat.device)])
        return xp.reshape(xp.take(padded, xp.reshape(sources, (-1,))), sources.shape)

    def scatter(values: Any, key: Any, shape: tuple[int, ...]) -> Any:
        """Zeros of `shape` with `values` added at `key`: the transpose of `x[key]`."""
        key = raw_key(key)
        items = key if isinstance(key, tuple) else (key,)
        if not any(hasattr(item, "dtype") and item.dtype != xp.bool for item in items):  # no element twice
            if not writable:
                return _gathered(values, _sources(key, shape, values.device))
            out = xp.zeros(shape, dtype=values.dtype, device=values.device)
            out[key] = values
            return out
        positions = xp.arange(math.prod(shape), device=values.device)
        owners = xp.reshape(xp.reshape(positions, shape)[key], (-1,))
        return xp.reshape(index_add(xp.reshape(values, (-1,)), owners, 0, math.prod(shape)), shape)

    def index_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        """The transpose of `take(x, indices, axis)` for an axis of `length`: equal indices add up."""
        rows = xp.moveaxis(values, axis, 0)
        hits = xp.reshape(_wrapped(indices, length), (1, -1)) == xp.reshape(
            xp.arange(length, device=values.device), (-1, 1)
        )
        flat = xp.reshape(rows, (rows.shape[0], math.prod(rows.shape[1:])))
        added = xp.matmul(xp.astype(hits, values.dtype), flat)
        return xp.moveaxis(xp.reshape(added, (length, *rows.shape[1:])), 0, axis)

    def along_axis_add(values: Any, indices: Any, axis: int, length: int) -> Any:
        """The transpose of `take_along_axis(x, indices, axis)` for an axis of `length`."""
        last = xp.expand_dims(xp.moveaxis(_wrapped(indices, length), axis, -1), axis=-2)
        hits = last == xp.reshape(xp.arange(length, device=values.device), (-1, 1))
        added = xp.sum(xp.where(hits, xp.expand_dims(xp.moveaxis(values, axis, -1), axis=-2), 0.0), axis=-1)
        return xp.moveaxis(added, -1, axis)

    def _wrapped(indices: Any, length: int) -> Any:
        return xp.where(indices < 0, indices + length, indices)

    return {
        "unbroadcast": unbroadcast,
        "inner": inner,
        "total": total,
        "spread": spread,
        "average": average,
        "guard": guard,
        "refuse_if": refuse_if,
        "flat": flat,
        "determined": determined,
        "adjugate": adjugate,
        "getitem": getitem,
        "put": put,
        "scatter": scatter,
        "index_add": index_add,
        "along_axis_add": along_axis_add,
    }
