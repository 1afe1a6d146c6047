"""Manipulation functions: where elements go. Each is linear, and its transpose sends them back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback import primitive as primitives
from pullback.declare import linear
from pullback.errors import ArgumentError, AutogradError
from pullback.ops.operands import not_a_tensor, on_tensors
from pullback.primitive import Step, view

if TYPE_CHECKING:
    from pullback.tensor import Tensor

Shape = tuple[int, ...]


def normalize(axis: int, ndim: int) -> int:
    """`axis` counted from the front."""
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds for an array of {ndim} dimensions")
    return axis % ndim


def normalize_all(axes: int | Sequence[int], ndim: int) -> tuple[int, ...]:
    """One axis or several, each named once, counted from the front."""
    if isinstance(axes, int):
        return (normalize(axes, ndim),)
    found = tuple(normalize(axis, ndim) for axis in axes)
    if len(set(found)) != len(found):
        raise ValueError(f"axes {tuple(axes)} name an axis of an array of {ndim} dimensions twice")
    return found


def _inverse(order: Sequence[int]) -> Shape:
    return tuple(sorted(range(len(order)), key=order.__getitem__))


def _split(ct: Any, shapes: Sequence[Shape], axis: int) -> list[Any]:
    """The transpose of concat: cut `ct` into pieces of the given shapes."""
    pieces = []
    start = 0
    for shape in shapes:
        stop = start + shape[axis]
        pieces.append(ct[(slice(None),) * axis + (slice(start, stop), ...)])
        start = stop
    return pieces


# fmt: off  (a table: one line per derivative)
_reshape = linear(
    "reshape", label="View", forward=lambda xp, x, to: xp.reshape(x, to), x=lambda xp, ct, shape: xp.reshape(ct, shape)
)
_permute = linear(
    "permute_dims",
    label="Permute",
    forward=lambda xp, x, axes: xp.permute_dims(x, axes),
    x=lambda xp, ct, axes: xp.permute_dims(ct, _inverse(axes)),
)
_broadcast_to = linear(
    "broadcast_to",
    label="Expand",
    forward=lambda xp, x, to: xp.broadcast_to(x, to),
    x=lambda xp, ct, shape: xp.unbroadcast(ct, shape),
)
_concat = linear(
    "concat",
    label="Cat",
    operands=("arrays",),
    variadic=True,
    joint=True,
    arrays=lambda xp, ct, shapes, axis: _split(ct, shapes, axis),
)
_flip = linear("flip", x=lambda xp, ct, axis: xp.flip(ct, axis=axis))
_roll = linear(
    "roll",
    forward=lambda xp, x, shift, axis: xp.roll(x, shift, axis=axis),
    x=lambda xp, ct, shift, axis: xp.roll(ct, tuple(-s for s in shift), axis=axis),
)
_repeat = linear(
    "repeat",
    forward=lambda xp, x, repeats, axis: xp.repeat(x, repeats, axis=axis),
    x=lambda xp, ct, shape, repeats, axis: xp.sum(
        xp.reshape(ct, (*shape[: axis + 1], repeats, *shape[axis + 1 :])), axis=axis + 1
    ),
)
_repeat_each = linear(
    "repeat",
    operands=("x", "repeats"),
    forward=lambda xp, x, repeats, axis: xp.repeat(x, repeats, axis=axis),
    x=lambda xp, ct, repeats, shape, axis: xp.index_add(
        ct, xp.repeat(xp.arange(shape[axis], device=xp.device(ct)), repeats), axis, shape[axis]
    ),
)
_tile = linear(
    "tile",
    forward=lambda xp, x, repetitions: xp.tile(x, repetitions),
    x=lambda xp, ct, shape, repetitions: _sum_tiles(xp, ct, shape, repetitions),
)
# fmt: on


def _sum_tiles(xp: Any, ct: Any, shape: Shape, repetitions: Shape) -> Any:
    """Sum the copies of each element."""
    ndim = max(len(shape), len(repetitions))
    sizes = (1,) * (ndim - len(shape)) + shape
    counts = (1,) * (ndim - len(repetitions)) + tuple(repetitions)
    pairs = tuple(n for pair in zip(counts, sizes, strict=True) for n in pair)
    return xp.reshape(xp.sum(xp.reshape(ct, pairs), axis=tuple(range(0, 2 * ndim, 2))), shape)


def reshape(x: Tensor, /, shape: Sequence[int] | int, *, copy: bool | None = None) -> Tensor:
    """`x` with another shape and the same elements in the same order; one length may be -1.

    >>> import pullback as pb
    >>> pb.reshape(pb.tensor([1.0, 2.0, 3.0, 4.0]), (2, -1))
    tensor([[1., 2.],
            [3., 4.]])
    """
    try:
        old = x.shape
    except AttributeError:
        raise not_a_tensor("reshape", x) from None
    to = _resolve(old, (shape,) if isinstance(shape, int) else tuple(shape))
    out = _reshape(x, to=to)
    if copy:
        return out.clone()
    return view(x, out, Step(lambda base: _reshape(base, to=to), lambda base, value: _reshape(value, to=base.shape)))


def _resolve(old: Shape, new: Shape) -> Shape:
    if -1 not in new:
        return new
    rest = math.prod(n for n in new if n != -1)
    return tuple((math.prod(old) // rest if rest else 0) if n == -1 else n for n in new)


def permute_dims(x: Tensor, /, axes: Sequence[int]) -> Tensor:
    """`x` with its axes in the order `axes`.

    >>> import pullback as pb
    >>> pb.permute_dims(pb.zeros(2, 3, 4), (2, 0, 1)).shape
    (4, 2, 3)
    """
    try:
        order = tuple(normalize(axis, x.ndim) for axis in axes)
    except AttributeError:
        raise not_a_tensor("permute_dims", x) from None
    if len(order) != x.ndim or len(set(order)) != x.ndim:
        raise ValueError(f"permute_dims: axes {tuple(axes)} must name each axis of shape {x.shape} once")
    back = _inverse(order)
    out = _permute(x, axes=order)
    return view(x, out, Step(lambda base: _permute(base, axes=order), lambda base, value: _permute(value, axes=back)))


@on_tensors
def moveaxis(x: Tensor, source: int | Sequence[int], destination: int | Sequence[int], /) -> Tensor:
    """`x` with the axes `source` moved to `destination`; the others stay in order.

    >>> import pullback as pb
    >>> pb.moveaxis(pb.zeros(2, 3, 4), 0, -1).shape
    (3, 4, 2)
    """
    sources, destinations = normalize_all(source, x.ndim), normalize_all(destination, x.ndim)
    if len(sources) != len(destinations):
        raise ValueError(f"moveaxis: source {source} and destination {destination} differ in length")
    order = [axis for axis in range(x.ndim) if axis not in sources]
    for to, axis in sorted(zip(destinations, sources, strict=True)):
        order.insert(to, axis)
    return permute_dims(x, order)


def matrix_transpose(x: Tensor, /) -> Tensor:
    """`x` with its last two axes exchanged.

    >>> import pullback as pb
    >>> pb.matrix_transpose(pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
    tensor([[1., 3.],
            [2., 4.]])
    """
    try:
        flat = x.ndim < 2
    except AttributeError:
        raise not_a_tensor("matrix_transpose", x) from None
    if flat:
        raise ValueError(f"matrix_transpose: at least two dimensions are needed, got shape {x.shape}")
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def expand_dims(x: Tensor, /, axis: int | Sequence[int]) -> Tensor:
    """`x` with axes of length 1 inserted; `axis` says where they are in the result.

    >>> import pullback as pb
    >>> pb.expand_dims(pb.tensor([1.0, 2.0]), axis=1)
    tensor([[1.],
            [2.]])
    """
    count = 1 if isinstance(axis, int) else len(axis)
    try:
        axes = normalize_all(axis, x.ndim + count)
    except AttributeError:
        raise not_a_tensor("expand_dims", x) from None
    rest = iter(x.shape)
    return reshape(x, tuple(1 if i in axes else next(rest) for i in range(x.ndim + count)))


def squeeze(x: Tensor, /, axis: int | Sequence[int]) -> Tensor:
    """`x` without the axes `axis`, which must have length 1.

    >>> import pullback as pb
    >>> pb.squeeze(pb.zeros(2, 1, 3), axis=1).shape
    (2, 3)
    """
    try:
        axes = normalize_all(axis, x.ndim)
    except AttributeError:
        raise not_a_tensor("squeeze", x) from None
    for i in axes:
        if x.shape[i] != 1:
            raise ValueError(f"squeeze: axis {i} has length {x.shape[i]}, not 1")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in axes))


def broadcast_to(x: Tensor, /, shape: Sequence[int]) -> Tensor:
    """`x` repeated along new axes and axes of length 1, without copying.

    >>> import pullback as pb
    >>> pb.broadcast_to(pb.tensor([1.0, 2.0]), (2, 2))
    tensor([[1., 2.],
            [1., 2.]])
    """
    to = tuple(shape)
    try:
        if to == x.shape:
            return x
    except AttributeError:
        raise not_a_tensor("broadcast_to", x) from None
    return view(x, _broadcast_to(x, to=to), Step(lambda base: _broadcast_to(base, to=to), _refuse_repeated))


def _refuse_repeated(base: Any, value: Any) -> Any:
    raise AutogradError(
        f"a view that broadcasts shape {base.shape} to {value.shape} cannot be written, as several of its elements are one; "
        f"write to a .clone() of it"
    )


def broadcast_arrays(*arrays: Any) -> tuple[Tensor, ...]:
    """The arrays, broadcast against one another.

    >>> import pullback as pb
    >>> pb.broadcast_arrays(pb.tensor([1.0, 2.0]), pb.tensor([[3.0], [4.0]]))
    (tensor([[1., 2.],
            [1., 2.]]), tensor([[3., 3.],
            [4., 4.]]))
    """
    tensors = _listed("broadcast_arrays", arrays) if arrays else []
    shape = broadcast_shapes(*(x.shape for x in tensors))
    return tuple(broadcast_to(x, shape) for x in tensors)


def broadcast_shapes(*shapes: Sequence[int]) -> Shape:
    """The shape that arrays of these shapes broadcast to.

    >>> import pullback as pb
    >>> pb.broadcast_shapes((3, 1), (1, 4))
    (3, 4)
    """
    ndim = max(map(len, shapes), default=0)
    result = []
    for lengths in zip(*((1,) * (ndim - len(shape)) + tuple(shape) for shape in shapes), strict=True):
        wide = {n for n in lengths if n != 1}
        if len(wide) > 1:
            raise ValueError(f"shapes {', '.join(map(str, shapes))} do not broadcast")
        result.append(wide.pop() if wide else 1)
    return tuple(result)


def _listed(name: str, arrays: Sequence[Any]) -> list[Any]:
    """The Tensors that an op takes any number of, but one at least; what is none of them is named."""
    found = list(arrays)
    if not found:
        raise ArgumentError(f"{name}: `arrays` is empty; give one Tensor at least")
    for i, x in enumerate(found):
        if not hasattr(x, "_aval"):
            found[i] = primitives.convert(x)
        if found[i] is None or not hasattr(found[i], "_aval"):
            raise ArgumentError(
                f"{name}: arrays[{i}] must be a Tensor, got {type(x).__module__}.{type(x).__qualname__}; write "
                f"pb.asarray(...) around it"
            )
    return found


def concat(arrays: Sequence[Any], /, *, axis: int | None = 0) -> Tensor:
    """The arrays joined along `axis`; with None, their elements in one line.

    >>> import pullback as pb
    >>> pb.concat([pb.tensor([1.0]), pb.tensor([2.0, 3.0])])
    tensor([1., 2., 3.])
    """
    if axis is None:
        arrays = [reshape(x, (-1,)) for x in _listed("concat", arrays)]
        axis = 0
    arrays = _listed("concat", arrays)
    return _concat(arrays, axis=normalize(axis, arrays[0].ndim))


def stack(arrays: Sequence[Any], /, *, axis: int = 0) -> Tensor:
    """The arrays, of one shape, joined along a new axis.

    >>> import pullback as pb
    >>> pb.stack([pb.tensor([1.0, 2.0]), pb.tensor([3.0, 4.0])])
    tensor([[1., 2.],
            [3., 4.]])
    """
    arrays = _listed("stack", arrays)
    axis = normalize(axis, arrays[0].ndim + 1)
    if any(x.shape != arrays[0].shape for x in arrays):
        raise ValueError(f"stack: the shapes differ: {', '.join(str(x.shape) for x in arrays)}")
    return _concat([expand_dims(x, axis=axis) for x in arrays], axis=axis)


@on_tensors
def unstack(x: Tensor, /, *, axis: int = 0) -> tuple[Tensor, ...]:
    """The slices of `x` along `axis`.

    >>> import pullback as pb
    >>> pb.unstack(pb.tensor([[1.0, 2.0], [3.0, 4.0]]))
    (tensor([1., 2.]), tensor([3., 4.]))
    """
    axis = normalize(axis, x.ndim)
    return tuple(x[(slice(None),) * axis + (i, ...)] for i in range(x.shape[axis]))


@on_tensors
def flip(x: Tensor, /, *, axis: int | Sequence[int] | None = None) -> Tensor:
    """`x` with the order of its elements reversed along `axis`; along all axes with None.

    >>> import pullback as pb
    >>> pb.flip(pb.tensor([1.0, 2.0, 3.0]))
    tensor([3., 2., 1.])
    """
    axes = tuple(range(x.ndim)) if axis is None else normalize_all(axis, x.ndim)
    out = _flip(x, axis=axes)
    return view(x, out, Step(lambda base: _flip(base, axis=axes), lambda base, value: _flip(value, axis=axes)))


@on_tensors
def roll(x: Tensor, /, shift: int | Sequence[int], *, axis: int | Sequence[int] | None = None) -> Tensor:
    """`x` with its elements shifted along `axis`; what falls off one end comes back at the other.

    >>> import pullback as pb
    >>> pb.roll(pb.tensor([1.0, 2.0, 3.0]), 1)
    tensor([3., 1., 2.])
    """
    if axis is None:
        return reshape(roll(reshape(x, (-1,)), shift, axis=0), x.shape)
    axes = normalize_all(axis, x.ndim)
    shifts = (shift,) * len(axes) if isinstance(shift, int) else tuple(shift)
    return _roll(x, shift=shifts, axis=axes)


@on_tensors
def repeat(x: Tensor, repeats: Any, /, *, axis: int | None = None) -> Tensor:
    """`x` with each element repeated along `axis`, `repeats` times or as often as the integer array says.

    >>> import pullback as pb
    >>> pb.repeat(pb.tensor([1.0, 2.0]), 2)
    tensor([1., 1., 2., 2.])
    """
    if axis is None:
        return repeat(reshape(x, (-1,)), repeats, axis=0)
    axis = normalize(axis, x.ndim)
    return _repeat(x, repeats=repeats, axis=axis) if isinstance(repeats, int) else _repeat_each(x, repeats, axis=axis)


@on_tensors
def tile(x: Tensor, repetitions: Sequence[int], /) -> Tensor:
    """Copies of `x` side by side, `repetitions[i]` of them along axis i.

    >>> import pullback as pb
    >>> pb.tile(pb.tensor([1.0, 2.0]), (2,))
    tensor([1., 2., 1., 2.])
    """
    return _tile(x, repetitions=tuple(repetitions))
