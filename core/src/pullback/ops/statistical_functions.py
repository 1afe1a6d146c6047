"""Statistical functions: reductions and running reductions."""

from __future__ import annotations

import math
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from pullback.declare import explicit, linear
from pullback.dtypes import DType
from pullback.ops.creation_functions import ones, zeros
from pullback.ops.data_type_functions import astype
from pullback.ops.manipulation_functions import concat, normalize, normalize_all
from pullback.ops.matrices import is_complex
from pullback.ops.operands import not_a_tensor, on_tensors

if TYPE_CHECKING:
    from pullback.tensor import Tensor

Axis = int | Sequence[int] | None
Axes = tuple[int, ...]


def _axes(x: Any, axis: Axis) -> Axes:
    try:
        return x._aval.axes if axis is None else normalize_all(axis, x.ndim)
    except AttributeError:
        raise not_a_tensor(sys._getframe(1).f_code.co_name, x) from None  # of whoever asks


def _spread(xp: Any, reduced: Any, shape: tuple[int, ...], axis: Axes) -> Any:
    """A reduced array (with or without its axes kept) over the elements that it came from."""
    if reduced.shape and len(reduced.shape) != len(shape):
        reduced = xp.reshape(reduced, tuple(1 if i in axis else n for i, n in enumerate(shape)))
    return xp.broadcast_to(reduced, shape)


def _count(shape: tuple[int, ...], axis: Axes) -> int:
    return math.prod(shape[i] for i in axis)


def _deviation(xp: Any, x: Any, axis: Axes) -> Any:
    return x - xp.mean(x, axis=axis, keepdims=True)


def _divisor(shape: tuple[int, ...], axis: Axes, correction: float) -> float:
    freedom = _count(shape, axis) - correction
    return freedom if freedom > 0 else math.nan


def _ties(xp: Any, x: Any, out: Any, axis: Axes) -> tuple[Any, Any]:
    """Where `x` equals its extreme value, and how often."""
    extreme = _spread(xp, out, x.shape, axis)
    hits = (x == extreme) | (xp.isnan(x) & xp.isnan(extreme))
    return hits, xp.sum(xp.astype(hits, x.dtype), axis=axis, keepdims=True)


def _extreme_vjp(xp: Any, ct: Any, x: Any, out: Any, axis: Axes) -> Any:
    hits, count = _ties(xp, x, out, axis)
    return xp.where(hits, _spread(xp, ct, x.shape, axis) / count, 0.0)


def _extreme_jvp(xp: Any, t: Any, x: Any, out: Any, axis: Axes, keepdims: bool) -> Any:
    hits, count = _ties(xp, x, out, axis)
    return xp.sum(xp.where(hits, t / count, 0.0), axis=axis, keepdims=keepdims)


def _others(xp: Any, x: Any, axis: Axes) -> Any:
    """For each element the product of all the others along `axis`, exact at zeros: no division."""
    if 0 in x.shape:
        return x
    rest = tuple(i for i in range(len(x.shape)) if i not in axis)
    flat = xp.reshape(xp.permute_dims(x, rest + axis), (*(x.shape[i] for i in rest), -1))
    one = xp.ones_like(flat[..., :1])
    before = xp.cumulative_prod(xp.concat([one, flat[..., :-1]], axis=-1), axis=-1)
    after = xp.flip(xp.cumulative_prod(xp.concat([one, xp.flip(flat[..., 1:], axis=-1)], axis=-1), axis=-1), axis=-1)
    product = xp.reshape(before * after, tuple(x.shape[i] for i in rest + axis))
    order = rest + axis
    return xp.permute_dims(product, tuple(sorted(range(len(order)), key=order.__getitem__)))


def _after(axis: int, start: int | None, stop: int | None) -> Any:
    return (slice(None),) * axis + (slice(start, stop), ...)


def _recurrence(xp: Any, factors: Any, terms: Any, axis: int) -> Any:
    """r with r_j = terms_j + factors_j r_{j-1} along `axis`, in log2(n) steps over whole arrays.

    A step composes each affine map with the one `reach` places before it (Hillis and Steele, 1986).
    """
    reach, length = 1, terms.shape[axis]
    while reach < length:
        head, tail, body = _after(axis, None, reach), _after(axis, reach, None), _after(axis, None, -reach)
        terms = xp.concat([terms[head], terms[tail] + factors[tail] * terms[body]], axis=axis)
        factors = xp.concat([factors[head], factors[tail] * factors[body]], axis=axis)
        reach *= 2
    return terms


def _before(xp: Any, products: Any, axis: int) -> Any:
    """Running products shifted by one place: those of all elements before."""
    first = xp.ones_like(products[_after(axis, None, 1)])
    return xp.concat([first, products[_after(axis, None, -1)]], axis=axis)


def _cumulative_prod_vjp(xp: Any, ct: Any, x: Any, out: Any, axis: int) -> Any:
    """before_j * r_j with r_j = ct_j + x_{j+1} r_{j+1}: no division, so exact at zeros."""
    if 0 in x.shape:
        return ct
    following = xp.concat([x[_after(axis, 1, None)], xp.zeros_like(x[_after(axis, None, 1)])], axis=axis)
    factors = xp.conj(xp.flip(following, axis=axis)) if is_complex(xp, x) else xp.flip(following, axis=axis)
    rest = xp.flip(_recurrence(xp, factors, xp.flip(ct, axis=axis), axis), axis=axis)
    before = _before(xp, out, axis)
    return rest * (xp.conj(before) if is_complex(xp, x) else before)


def _cumulative_prod_jvp(xp: Any, t: Any, x: Any, out: Any, axis: int) -> Any:
    """dy_j = x_j dy_{j-1} + t_j before_j."""
    return t if 0 in x.shape else _recurrence(xp, x, t * _before(xp, out, axis), axis)


# fmt: off  (a table: one line per derivative)
_sum = linear("sum", trusted=True, x=lambda xp, ct, shape, axis: _spread(xp, ct, shape, axis))
_total = linear("sum", forward="total", trusted=True, x=lambda xp, ct, like: xp.spread(ct, like))
_average = linear("mean", forward="average", trusted=True, x=lambda xp, ct, like: xp.spread(ct / like.size, like))
_mean = linear("mean", x=lambda xp, ct, shape, axis: _spread(xp, ct / _count(shape, axis), shape, axis))
_max = explicit("max", x=_extreme_vjp, jvp={"x": _extreme_jvp}, hides=True)
_min = explicit("min", x=_extreme_vjp, jvp={"x": _extreme_jvp}, hides=True)
_prod = explicit(
    "prod",
    x=lambda xp, ct, x, axis: _spread(xp, ct, x.shape, axis) * xp.conj(_others(xp, x, axis)),
    jvp={"x": lambda xp, t, x, axis, keepdims: xp.sum(t * _others(xp, x, axis), axis=axis, keepdims=keepdims)},
)
_var = explicit(
    "var",
    x=lambda xp, ct, x, axis, correction: (
        _spread(xp, ct, x.shape, axis) * (_deviation(xp, x, axis) * (2 / _divisor(x.shape, axis, correction)))
    ),
    jvp={
        "x": lambda xp, t, x, axis, correction, keepdims: (
            xp.sum(t * _deviation(xp, x, axis), axis=axis, keepdims=keepdims)
            * (2 / _divisor(x.shape, axis, correction))
        )
    },
)
_std = explicit(
    "std",
    x=lambda xp, ct, x, out, axis, correction: (
        _spread(xp, ct / _nonzero(xp, out), x.shape, axis)
        * (_deviation(xp, x, axis) / _divisor(x.shape, axis, correction))
    ),
    jvp={
        "x": lambda xp, t, x, out, axis, correction, keepdims: (
            xp.sum(t * _deviation(xp, x, axis), axis=axis, keepdims=keepdims)
            / (_nonzero(xp, out) * _divisor(x.shape, axis, correction))
        )
    },
)
_cumulative_sum = linear(
    "cumulative_sum",
    label="Cumsum",
    x=lambda xp, ct, axis: xp.flip(xp.cumulative_sum(xp.flip(ct, axis=axis), axis=axis), axis=axis),
)
_cumulative_prod = explicit("cumulative_prod", label="Cumprod", x=_cumulative_prod_vjp, jvp={"x": _cumulative_prod_jvp})
# fmt: on


def _nonzero(xp: Any, x: Any) -> Any:
    """`x` with infinity for its zeros, to divide by where the numerator is zero as well: 0, at every order."""
    return xp.where(x == 0, math.inf, x)


def sum(x: Tensor, /, *, axis: Axis = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """Sum over `axis` (all axes with None).

    >>> import pullback as pb
    >>> pb.sum(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0, keepdims=True)
    tensor([[4., 6.]])
    """
    if dtype is None:
        return _total(x) if axis is None and not keepdims else _sum(x, axis=_axes(x, axis), keepdims=keepdims)
    x = astype(x, dtype, copy=False)
    out = _sum(x, axis=_axes(x, axis), keepdims=keepdims)
    return astype(out, dtype, copy=False)  # libraries add small integers up in large ones


def mean(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean over `axis` (all axes with None).

    >>> import pullback as pb
    >>> pb.mean(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([2., 3.])
    """
    return _average(x) if axis is None and not keepdims else _mean(x, axis=_axes(x, axis), keepdims=keepdims)


def prod(x: Tensor, /, *, axis: Axis = None, dtype: DType | None = None, keepdims: bool = False) -> Tensor:
    """Product over `axis` (all axes with None); its gradient is exact at zeros.

    >>> import pullback as pb
    >>> pb.prod(pb.tensor([2.0, 3.0, 4.0]))
    tensor(24.)
    """
    if dtype is None:
        return _prod(x, axis=_axes(x, axis), keepdims=keepdims)
    x = astype(x, dtype, copy=False)
    return astype(_prod(x, axis=_axes(x, axis), keepdims=keepdims), dtype, copy=False)


def max(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Largest element over `axis` (all axes with None); ties share the gradient evenly.

    >>> import pullback as pb
    >>> pb.max(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([3., 4.])
    """
    return _max(x, axis=_axes(x, axis), keepdims=keepdims)


def min(x: Tensor, /, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
    """Smallest element over `axis` (all axes with None); ties share the gradient evenly.

    >>> import pullback as pb
    >>> pb.min(pb.tensor([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    tensor([1., 2.])
    """
    return _min(x, axis=_axes(x, axis), keepdims=keepdims)


def var(x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Variance over `axis` (all axes with None), divided by the number of elements minus `correction`.

    >>> import pullback as pb
    >>> pb.var(pb.tensor([1.0, 3.0]), correction=1)
    tensor(2.)
    """
    return _var(x, axis=_axes(x, axis), correction=correction, keepdims=keepdims)


def std(x: Tensor, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Tensor:
    """Standard deviation over `axis`; the gradient for a constant array is 0.

    >>> import pullback as pb
    >>> pb.std(pb.tensor([1.0, 3.0]))
    tensor(1.)
    """
    return _std(x, axis=_axes(x, axis), correction=correction, keepdims=keepdims)


@on_tensors
def cumulative_prod(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:
    """Running product along `axis` (needed unless `x` has one dimension); with `include_initial` it begins with 1.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0, 3.0])
    >>> x.__array_namespace__().cumulative_prod(x)
    tensor([1., 2., 6.])
    """
    x, axis = _running("cumulative_prod", x, axis, dtype)
    out = _cumulative_prod(x, axis=axis)
    out = out if dtype is None else astype(out, dtype, copy=False)
    return _with_initial(ones, out, axis) if include_initial else out


def _running(name: str, x: Tensor, axis: int | None, dtype: DType | None) -> tuple[Tensor, int]:
    if axis is None:
        if x.ndim != 1:
            raise ValueError(f"{name}: axis is needed for an array of {x.ndim} dimensions")
        axis = 0
    return x if dtype is None else astype(x, dtype, copy=False), normalize(axis, x.ndim)


def _with_initial(filled: Any, out: Tensor, axis: int) -> Tensor:
    first = filled((*out.shape[:axis], 1, *out.shape[axis + 1 :]), dtype=out.dtype, device=out.device)
    return concat([first, out], axis=axis)


@on_tensors
def cumulative_sum(
    x: Tensor, /, *, axis: int | None = None, dtype: DType | None = None, include_initial: bool = False
) -> Tensor:
    """Running sum along `axis` (needed unless `x` has one dimension); with `include_initial` it begins with 0.

    >>> import pullback as pb
    >>> pb.cumulative_sum(pb.tensor([1.0, 2.0, 3.0]))
    tensor([1., 3., 6.])
    """
    x, axis = _running("cumulative_sum", x, axis, dtype)
    out = _cumulative_sum(x, axis=axis)
    out = out if dtype is None else astype(out, dtype, copy=False)
    return _with_initial(zeros, out, axis) if include_initial else out
