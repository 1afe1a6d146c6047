"""Indexing functions, `x[key]`, `x[key] = value` as a function, and the transposes of all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback import dtypes
from pullback import primitive as primitives
from pullback.declare import linear
from pullback.errors import BackendMismatchError, IndexingError
from pullback.ops.creation_functions import asarray
from pullback.ops.manipulation_functions import normalize
from pullback.ops.operands import on_tensors
from pullback.primitive import Step, view

if TYPE_CHECKING:
    from pullback.tensor import Tensor

# fmt: off  (a table: one line per derivative)
_rules: dict[str, Any] = {
    "hides": True,
    "forward": lambda xp, x, key: xp.getitem(x, key),
    "x": lambda xp, ct, shape, key: xp.scatter(ct, key, shape),
}
_select = linear("getitem", label="Select", **_rules)
_slice = linear("getitem", label="Slice", **_rules)
_unsqueeze = linear("getitem", label="Unsqueeze", **_rules)
_index = linear("getitem", label="Index", **_rules)
_scatter = linear(
    "scatter",
    forward=lambda xp, values, key, to: xp.scatter(values, key, to),
    values=lambda xp, ct, key: xp.getitem(ct, key),
)
_put = linear(
    "setitem",
    label="CopySlices",
    joint=True,
    hides=True,
    forward=lambda xp, x, value, key: xp.put(x, key, value),
    x=lambda xp, ct, key: xp.put(ct, key, 0.0),
    value=lambda xp, ct, shape, key: xp.unbroadcast(xp.getitem(ct, key), shape),
)
_take = linear(
    "take",
    label="IndexSelect",
    operands=("x", "indices"),
    hides=True,
    forward=lambda xp, x, indices, axis: xp.take(x, indices, axis=axis),
    x=lambda xp, ct, indices, shape, axis: xp.index_add(ct, indices, axis, shape[axis]),
)
_index_add = linear(
    "index_add",
    operands=("values", "indices"),
    forward=lambda xp, values, indices, axis, length: xp.index_add(values, indices, axis, length),
    values=lambda xp, ct, indices, axis: xp.take(ct, indices, axis=axis),
)
_take_along_axis = linear(
    "take_along_axis",
    label="Gather",
    operands=("x", "indices"),
    hides=True,
    forward=lambda xp, x, indices, axis: xp.take_along_axis(x, indices, axis=axis),
    x=lambda xp, ct, indices, shape, axis: xp.along_axis_add(ct, indices, axis, shape[axis]),
)
_along_axis_add = linear(
    "along_axis_add",
    operands=("values", "indices"),
    forward=lambda xp, values, indices, axis, length: xp.along_axis_add(values, indices, axis, length),
    values=lambda xp, ct, indices, axis: xp.take_along_axis(ct, indices, axis=axis),
)
# fmt: on

_BASIC = (int, slice, type(None), type(Ellipsis))


@on_tensors
def take(x: Tensor, indices: Any, /, *, axis: int | None = None) -> Tensor:
    """The slices of `x` at `indices` (one dimension) along `axis`; equal indices share the gradient's sum.

    >>> import pullback as pb
    >>> pb.take(pb.tensor([10.0, 20.0, 30.0]), pb.tensor([2, 0]))
    tensor([30., 10.])
    """
    if axis is None and x.ndim != 1:
        raise ValueError(f"take: axis is needed for an array of {x.ndim} dimensions")
    return _take(x, indices, axis=normalize(axis or 0, x.ndim))


@on_tensors
def take_along_axis(x: Tensor, indices: Any, /, *, axis: int = -1) -> Tensor:
    """Elements of `x` at `indices`, which has the shape of the result, along `axis`.

    >>> import pullback as pb
    >>> pb.take_along_axis(pb.tensor([[3.0, 1.0], [5.0, 7.0]]), pb.tensor([[1], [0]]))
    tensor([[1.],
            [5.]])
    """
    axis = normalize(axis, x.ndim)
    return _take_along_axis(x, indices, axis=axis)


def getitem(x: Tensor, key: Any) -> Tensor:
    """`x[key]`: a view for integers, slices, None and Ellipsis; a copy for masks and integer arrays."""
    key = read_key(x, key)
    items = key if isinstance(key, tuple) else (key,)
    if all(isinstance(item, _BASIC) for item in items):
        op = _select if int in map(type, items) else _slice if slice in map(type, items) else _unsqueeze
        out = op(x, key=key)
        return view(x, out, Step(lambda base: op(base, key=key), lambda base, value: put(base, key, value)))
    arrays = [item for item in items if item is not Ellipsis]
    if len(arrays) == 1 and items[0] is arrays[0] and arrays[0].ndim == 1 and not _is_mask(arrays[0]):
        return _take(x, arrays[0], axis=0)
    return _index(raised(x, key), key=key)


def put(x: Tensor, key: Any, value: Any) -> Tensor:
    """A copy of `x` with `value` at `key`."""
    if not isinstance(value, primitives.tensor_type):
        value = primitives.wrap(x._aval.scalar(value), x._aval.backend.intern((), x.dtype, x.device))
    key = read_key(x, key)
    return _put(raised(x, key), value.astype(x.dtype, copy=False), key=key)


def scatter(values: Any, key: Any, shape: tuple[int, ...]) -> Tensor:
    """Zeros of `shape` with `values` added at `key`."""
    return _scatter(raised(values, key), key=key, to=shape)


def raised(x: Any, key: Any) -> Any:
    """`x` as a constant of the innermost transform that the index depends on."""
    for item in key if isinstance(key, tuple) else (key,):
        if isinstance(item, primitives.tensor_type) and item._aval.backend.level > x._aval.backend.level:
            x = primitives.wrap(x, item._aval.backend.intern(x.shape, x.dtype, x.device))
    return x


def index_add(values: Any, indices: Any, axis: int, length: int) -> Tensor:
    """The transpose of `take`."""
    return _index_add(values, indices, axis=axis, length=length)


def along_axis_add(values: Any, indices: Any, axis: int, length: int) -> Tensor:
    """The transpose of `take_along_axis`."""
    return _along_axis_add(values, indices, axis=axis, length=length)


def read_key(x: Tensor, key: Any) -> Any:
    """An index of `x` as the ops take it: arrays and lists as Tensors of their own, so that later writes miss them."""
    items = tuple([_read_item(x, item) for item in (key if isinstance(key, tuple) else (key,))])
    axes = sum(
        [0 if item is None or item is Ellipsis else getattr(item, "ndim", 1) if _is_mask(item) else 1 for item in items]
    )
    if axes > x.ndim:
        hint = "; for its one value write x.item(), not x[0]" if x.ndim == 0 else ""
        raise IndexingError(f"getitem: {axes} axes are indexed, the array has shape {x.shape}{hint}")
    alone = len(items) == 1 and _is_mask(items[0])
    if axes < x.ndim and not alone and not any(item is Ellipsis for item in items):
        items = (*items, Ellipsis)  # what NumPy implies and the standard wants said, except of a mask
    return items[0] if len(items) == 1 else items


def _is_mask(item: Any) -> bool:
    return isinstance(item, primitives.tensor_type) and item.dtype.name == "bool"


def _read_item(x: Any, item: Any) -> Any:
    if isinstance(item, primitives.tensor_type):
        number = not item.ndim and item.dtype.name != "bool" and item._aval.backend.concrete(item._array)
        return int(item) if number else primitives.wrap(_at_home(x, item)._array, item._aval)
    if type(item) in _BASIC:
        return item
    if hasattr(item, "__index__") and not getattr(item, "ndim", 0) and not isinstance(item, bool):
        return item.__index__()
    if isinstance(item, (bool, list, tuple, range)):
        with dtypes.defaults(dtypes.get_default_dtype(), x.device.backend.default_dtype(x.device.native, "indexing")):
            return asarray(item, device=x.device)
    return _at_home(x, asarray(item))


def _at_home(x: Any, item: Any) -> Any:
    """`item`, if it is where the array that it indexes is: nothing is moved silently."""
    if item.device != x.device:
        raise BackendMismatchError(
            f"getitem: an array on {x.device} is indexed by one on {item.device}; write .to({x.device.name!r}) on the index"
        )
    return item
