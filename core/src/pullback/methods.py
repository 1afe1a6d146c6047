"""PyTorch's method names on Tensor, in terms of the functions of the standard. A mixin without state."""

from __future__ import annotations

import builtins
from typing import TYPE_CHECKING, Any

from pullback import dtypes, inplace
from pullback.devices import Device
from pullback.dtypes import DType, read_dtype
from pullback.errors import ArgumentError
from pullback.ops import (
    creation_functions as creation,
)
from pullback.ops import (
    data_type_functions,
    indexing_functions,
    linalg,
    linear_algebra_functions,
    manipulation_functions,
    searching_functions,
    statistical_functions,
    utility_functions,
)
from pullback.ops import elementwise_functions as ew
from pullback.ops.transfer import to_device
from pullback.plugins import backends

if TYPE_CHECKING:
    from pullback.tensor import Tensor

Axis = int | tuple[int, ...] | None


def _shape(shape: tuple[Any, ...]) -> tuple[int, ...]:
    """`f(2, 3)` and `f((2, 3))` mean the same."""
    return tuple(shape[0]) if len(shape) == 1 and not isinstance(shape[0], int) else shape


def _in_place(function: Any) -> Any:
    def method(self: Any, *args: Any, **options: Any) -> Any:
        return inplace.overwrite(self, f"{function.__name__}_", lambda: function(self, *args, **options))

    method.__name__, method.__doc__ = f"{function.__name__}_", f"In place: {function.__doc__}"
    return method


def _no_out(name: str) -> ArgumentError:
    return ArgumentError(
        f"{name}: results cannot be written into `out`; write x[...] = {name}(...) if it must be in place"
    )


class Methods:
    """Names that PyTorch users type. `dim` and `keepdim` are accepted beside the standard's `axis` and `keepdims`."""

    __slots__ = ()

    # --- elementwise -------------------------------------------------------------------------------------------------

    abs = ew.abs
    acos = ew.acos
    asin = ew.asin
    atan = ew.atan
    ceil = ew.ceil
    conj = ew.conj
    cos = ew.cos
    cosh = ew.cosh
    exp = ew.exp
    expm1 = ew.expm1
    floor = ew.floor
    isfinite = ew.isfinite
    isinf = ew.isinf
    isnan = ew.isnan
    log = ew.log
    log10 = ew.log10
    log1p = ew.log1p
    log2 = ew.log2
    neg = ew.negative
    reciprocal = ew.reciprocal
    round = ew.round
    sign = ew.sign
    sin = ew.sin
    sinh = ew.sinh
    sqrt = ew.sqrt
    square = ew.square
    tan = ew.tan
    tanh = ew.tanh
    trunc = ew.trunc
    logical_not = ew.logical_not

    add = ew.add
    atan2 = ew.atan2
    div = ew.divide
    eq = ew.equal
    ge = ew.greater_equal
    gt = ew.greater
    hypot = ew.hypot
    le = ew.less_equal
    logaddexp = ew.logaddexp
    logical_and = ew.logical_and
    logical_or = ew.logical_or
    lt = ew.less
    maximum = ew.maximum
    minimum = ew.minimum
    mul = ew.multiply
    ne = ew.not_equal
    pow = ew.power
    remainder = ew.remainder
    sub = ew.subtract

    def clamp(self: Any, min: Any = None, max: Any = None) -> Tensor:
        """The values limited to [min, max]."""
        return ew.clip(self, min, max)

    clip = clamp

    def relu(self: Any) -> Tensor:
        """max(x, 0); the gradient at 0 is 0."""
        return searching_functions.where(ew.greater(self, 0), self, 0)

    def sigmoid(self: Any) -> Tensor:
        """1 / (1 + exp(-x)), without overflow."""
        return ew.multiply(0.5, ew.add(1, ew.tanh(ew.multiply(0.5, self))))

    def where(self: Any, condition: Tensor, other: Any) -> Tensor:
        """Its elements where the condition holds, else those of `other`."""
        return searching_functions.where(condition, self, other)

    def masked_fill(self: Any, mask: Tensor, value: Any) -> Tensor:
        """`value` where the mask is true, else its elements."""
        return searching_functions.where(mask, value, self)

    # --- reductions --------------------------------------------------------------------------------------------------

    def sum(
        self: Any,
        dim: Axis = None,
        keepdim: bool = False,
        *,
        axis: Axis = None,
        keepdims: bool = False,
        dtype: DType | None = None,
        out: None = None,
    ) -> Tensor:
        """Sum over axes, all with None. (`out`, which `numpy.sum(x)` passes on, must be None.)"""
        if out is not None:
            raise _no_out("sum")
        axis = axis if dim is None else dim
        return statistical_functions.sum(self, axis=axis, keepdims=keepdim or keepdims, dtype=dtype)

    def mean(
        self: Any,
        dim: Axis = None,
        keepdim: bool = False,
        *,
        axis: Axis = None,
        keepdims: bool = False,
        dtype: DType | None = None,
        out: None = None,
    ) -> Tensor:
        """Mean over axes, all with None. (`out`, which `numpy.mean(x)` passes on, must be None.)"""
        if out is not None:
            raise _no_out("mean")
        x = self if dtype is None else data_type_functions.astype(self, dtype, copy=False)
        return statistical_functions.mean(x, axis=_first(dim, axis), keepdims=keepdim or keepdims)

    def prod(
        self: Any, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool = False
    ) -> Tensor:
        """Product over axes, all with None."""
        return statistical_functions.prod(self, axis=_first(dim, axis), keepdims=keepdim or keepdims)

    def max(self: Any, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Largest element over axes, all with None."""
        return statistical_functions.max(self, axis=_first(dim, axis), keepdims=keepdim or keepdims)

    def min(self: Any, dim: Axis = None, keepdim: bool = False, *, axis: Axis = None, keepdims: bool = False) -> Tensor:
        """Smallest element over axes, all with None."""
        return statistical_functions.min(self, axis=_first(dim, axis), keepdims=keepdim or keepdims)

    amax, amin = max, min

    def var(
        self: Any,
        dim: Axis = None,
        *,
        axis: Axis = None,
        correction: float = 1,
        keepdims: bool = False,
        dtype: DType | None = None,
        ddof: float | None = None,
        out: None = None,
    ) -> Tensor:
        """Variance; PyTorch's default `correction=1`, where the standard's function has 0. `numpy.var(x)` passes `ddof`."""
        if out is not None:
            raise _no_out("var")
        x = self if dtype is None else data_type_functions.astype(self, dtype, copy=False)
        correction = correction if ddof is None else ddof
        return statistical_functions.var(x, axis=_first(dim, axis), correction=correction, keepdims=keepdims)

    def std(
        self: Any,
        dim: Axis = None,
        *,
        axis: Axis = None,
        correction: float = 1,
        keepdims: bool = False,
        dtype: DType | None = None,
        ddof: float | None = None,
        out: None = None,
    ) -> Tensor:
        """Standard deviation; PyTorch's default `correction=1`, where the standard's function has 0. See `var`."""
        if out is not None:
            raise _no_out("std")
        x = self if dtype is None else data_type_functions.astype(self, dtype, copy=False)
        correction = correction if ddof is None else ddof
        return statistical_functions.std(x, axis=_first(dim, axis), correction=correction, keepdims=keepdims)

    def norm(self: Any) -> Tensor:
        """Square root of the sum of squares; its gradient at 0 is 0."""
        return linalg.vector_norm(self)

    def all(self: Any, axis: Axis = None) -> Tensor:
        """Whether all elements are true."""
        return utility_functions.all(self, axis=axis)

    def any(self: Any, axis: Axis = None) -> Tensor:
        """Whether any element is true."""
        return utility_functions.any(self, axis=axis)

    def argmax(self: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Position of the largest element."""
        return searching_functions.argmax(self, axis=dim, keepdims=keepdim)

    def argmin(self: Any, dim: int | None = None, keepdim: bool = False) -> Tensor:
        """Position of the smallest element."""
        return searching_functions.argmin(self, axis=dim, keepdims=keepdim)

    def cumsum(self: Any, dim: int) -> Tensor:
        """Running sum along an axis."""
        return statistical_functions.cumulative_sum(self, axis=dim)

    # --- products ----------------------------------------------------------------------------------------------------

    matmul = linear_algebra_functions.matmul
    mm = linear_algebra_functions.matmul
    mv = linear_algebra_functions.matmul
    dot = linear_algebra_functions.matmul

    # --- shapes ------------------------------------------------------------------------------------------------------

    def t(self: Any) -> Tensor:
        """The transpose of a matrix."""
        if self.ndim > 2:
            raise ValueError(f"t(): at most two dimensions are allowed, got shape {self.shape}; see mT and permute")
        if self.ndim < 2:
            return manipulation_functions.reshape(self, self.shape)
        return manipulation_functions.permute_dims(self, (1, 0))

    def transpose(self: Any, *axes: Any) -> Tensor:
        """Two axes exchanged: `transpose(0, 1)`. Or, as NumPy has it, all axes in the order of a sequence; reversed if none.

        >>> import pullback as pb
        >>> x = pb.zeros(2, 3, 4)
        >>> x.transpose(0, 2).shape, x.transpose((1, 2, 0)).shape, x.transpose().shape
        ((4, 3, 2), (3, 4, 2), (4, 3, 2))
        """
        order = list(range(self.ndim))
        if len(axes) == 2:
            first, second = axes
            order[first], order[second] = order[second], order[first]
        else:
            order = list(_shape(axes)) if axes else order[::-1]
        return manipulation_functions.permute_dims(self, order)

    def permute(self: Any, *axes: Any) -> Tensor:
        """The axes in another order."""
        return manipulation_functions.permute_dims(self, _shape(axes))

    def reshape(self: Any, *shape: Any) -> Tensor:
        """Another shape, the same elements."""
        return manipulation_functions.reshape(self, _shape(shape))

    view = reshape

    def flatten(self: Any) -> Tensor:
        """All elements in one line."""
        return manipulation_functions.reshape(self, (-1,))

    def squeeze(self: Any, dim: Axis = None) -> Tensor:
        """Without axes of length 1: the given ones, or all."""
        axes = tuple(i for i, n in enumerate(self.shape) if n == 1) if dim is None else dim
        return manipulation_functions.squeeze(self, axes)

    def unsqueeze(self: Any, dim: int) -> Tensor:
        """A new axis of length 1."""
        return manipulation_functions.expand_dims(self, axis=dim)

    def expand(self: Any, *shape: Any) -> Tensor:
        """Repeated along axes of length 1, without copying; -1 keeps a length."""
        to = _shape(shape)
        old = (1,) * (len(to) - self.ndim) + self.shape
        return manipulation_functions.broadcast_to(
            self, tuple(o if n == -1 else n for n, o in zip(to, old, strict=True))
        )

    def unbind(self: Any, dim: int = 0) -> tuple[Tensor, ...]:
        """The slices along an axis."""
        return manipulation_functions.unstack(self, axis=dim)

    def flip(self: Any, *dims: Any) -> Tensor:
        """Reversed along axes."""
        return manipulation_functions.flip(self, axis=_shape(dims))

    def index_select(self: Any, dim: int, index: Tensor) -> Tensor:
        """The slices at `index` along an axis."""
        return indexing_functions.take(self, index, axis=dim)

    def gather(self: Any, dim: int, index: Tensor) -> Tensor:
        """The elements at `index` along an axis."""
        return indexing_functions.take_along_axis(self, index, axis=dim)

    def dim(self: Any) -> int:
        """Number of axes."""
        return int(self.ndim)

    def numel(self: Any) -> int:
        """Number of elements."""
        return int(self.size)

    # --- copies, dtypes, devices -------------------------------------------------------------------------------------

    def clone(self: Any) -> Tensor:
        """A copy that shares no memory and keeps its place in the graph."""
        return data_type_functions.clone(self)

    def astype(self: Any, dtype: DType, /, *, copy: bool = True) -> Tensor:
        """Converted to `dtype`."""
        return data_type_functions.astype(self, dtype, copy=copy)

    def type(self: Any, dtype: DType | None = None) -> Any:
        """Converted to `dtype`; without it, the name of the present one."""
        return self.dtype.name if dtype is None else data_type_functions.astype(self, dtype, copy=False)

    def to(
        self: Any,
        *args: Any,
        device: Any = None,
        dtype: DType | None = None,
        backend: str | None = None,
        copy: builtins.bool = False,
        non_blocking: builtins.bool = False,
    ) -> Tensor:
        """On another device, of another backend, or of another dtype; differentiable. Itself if nothing changes.

        `x.to("cuda:0")`, `x.to(pb.float64)`, `x.to(device, dtype)`, `x.to(other)` for the device and dtype of a Tensor.
        `copy` makes a new one even if nothing changes; `non_blocking` is taken for PyTorch's sake, and changes nothing.
        Raises `ArgumentError` if something is said twice, `BackendNotFoundError` for an unknown device.
        """
        devices, kinds = [device] if device is not None else [], [] if dtype is None else [read_dtype(dtype, "to")]
        for arg in args:
            if hasattr(arg, "_aval"):
                kinds.append(arg.dtype)
                devices.append(arg.device)
            elif isinstance(arg, (str, Device)):
                devices.append(arg)
            elif isinstance(arg, (DType, builtins.type)):
                kinds.append(read_dtype(arg, "to"))
            elif arg is not None:
                raise ArgumentError(f"to: a device such as 'cpu', a dtype or a Tensor is needed, got {arg!r}")
        if len(devices) > 1 or len(kinds) > 1:
            raise ArgumentError(
                f"to: one device and one dtype can be given, got {', '.join(map(str, devices + kinds))}"
            )
        if backend is not None:
            owner = backends.backend(backend)
            devices = devices or [backend]
        place = backends.device(devices[0]) if devices else self.device
        if backend is not None and place.backend is not owner:
            raise ArgumentError(f"to: device {place.name!r} is one of backend {place.backend.name!r}, not {backend!r}")
        out: Tensor = self
        if kinds and kinds[0].bits <= self.dtype.bits:  # what is smaller crosses over
            out = data_type_functions.astype(out, kinds[0], copy=False)
        out = to_device(out, place)
        if kinds:
            out = data_type_functions.astype(out, kinds[0], copy=False)
        return out.clone() if copy and out is self else out

    def to_device(self: Any, device: Any, /, *, stream: Any = None) -> Tensor:
        """On another device (the standard's spelling of `to`)."""
        return to_device(self, backends.device(device))

    def cpu(self: Any) -> Tensor:
        """On the host."""
        return to_device(self, backends.device("cpu"))

    def cuda(self: Any, index: int | None = None) -> Tensor:
        """On a GPU."""
        return to_device(self, backends.device("cuda" if index is None else f"cuda:{index}"))

    def float(self: Any) -> Tensor:
        """As float32."""
        return data_type_functions.astype(self, dtypes.float32, copy=False)

    def double(self: Any) -> Tensor:
        """As float64."""
        return data_type_functions.astype(self, dtypes.float64, copy=False)

    def int(self: Any) -> Tensor:
        """As int32."""
        return data_type_functions.astype(self, dtypes.int32, copy=False)

    def long(self: Any) -> Tensor:
        """As int64."""
        return data_type_functions.astype(self, dtypes.int64, copy=False)

    def bool(self: Any) -> Tensor:
        """As bool."""
        return data_type_functions.astype(self, dtypes.bool, copy=False)

    def new_zeros(self: Any, *shape: Any) -> Tensor:
        """Zeros of its dtype and device."""
        return creation.zeros(_shape(shape), dtype=self.dtype, device=self.device)

    # --- in place ----------------------------------------------------------------------------------------------------

    add_ = _in_place(ew.add)
    sub_ = _in_place(ew.subtract)
    mul_ = _in_place(ew.multiply)
    div_ = _in_place(ew.divide)
    pow_ = _in_place(ew.power)
    clamp_ = _in_place(ew.clip)
    exp_ = _in_place(ew.exp)
    sin_ = _in_place(ew.sin)
    sqrt_ = _in_place(ew.sqrt)
    neg_ = _in_place(ew.negative)

    def zero_(self: Any) -> Tensor:
        """Every element becomes 0."""
        return inplace.fill(self, "zero_", 0)

    def fill_(self: Any, value: Any) -> Tensor:
        """Every element becomes `value`."""
        return inplace.fill(self, "fill_", value)

    def copy_(self: Any, source: Any) -> Tensor:
        """The values of `source`, broadcast and converted."""
        return inplace.copy(self, source)


def _first(dim: Axis, axis: Axis) -> Axis:
    return axis if dim is None else dim
