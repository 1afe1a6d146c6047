"""Data type functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pullback.declare import linear
from pullback.dtypes import DType, of_scalar, promote, promote_scalar, read_dtype, to_real
from pullback.errors import ArgumentError, DTypeError
from pullback.ops.operands import not_a_tensor
from pullback.ops.transfer import to_device
from pullback.plugins import backends

if TYPE_CHECKING:
    from pullback.tensor import Tensor

_astype = linear(
    "astype",
    label="ToCopy",
    typed=True,
    forward=lambda xp, x, to: xp.astype(x, to),
    x=lambda xp, ct, to, like, dtype: xp.astype(
        xp.real(ct) if to.is_complex and not like.dtype.is_complex else ct, dtype
    ),
)


def astype(x: Tensor, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Tensor:
    """`x` converted to `dtype`, on `device`; differentiable between floating and complex dtypes.

    Complex to real is refused with `DTypeError`.

    >>> import pullback as pb
    >>> pb.astype(pb.tensor([1.0, 2.0]), pb.float64)
    tensor([1., 2.], dtype=pullback.float64)
    """
    if not isinstance(dtype, DType):
        dtype = read_dtype(dtype, "astype")
    if device is not None:
        moved = to_device(x, backends.device(device))
        copy = copy and moved is x
        x = moved
    try:
        alike, drops = x._aval.dtype is dtype, x._aval.dtype.is_complex and not dtype.is_complex
    except AttributeError:
        raise not_a_tensor("astype", x) from None
    if alike:
        return x.clone() if copy else x
    if drops:
        raise DTypeError(
            f"astype: {x.dtype.name} to {dtype.name} would drop the imaginary part; write pb.real(x) or pb.abs(x)"
        )
    return _astype(x, to=dtype)


def promoted(*arrays: Any) -> tuple[Tensor, ...]:
    """The arrays, converted to the one dtype that they promote to; differentiable."""
    try:
        dtype = arrays[0].dtype
        for x in arrays:
            if x.dtype is not dtype:
                break
        else:
            return arrays
    except AttributeError:
        pass  # what has no dtype is named below
    for x in arrays:
        if not hasattr(x, "_aval"):
            raise ArgumentError(
                f"a Tensor is needed, got {type(x).__module__}.{type(x).__qualname__}; write pb.asarray(...) around it"
            )
    for x in arrays[1:]:
        dtype = promote(dtype, x.dtype)
    return tuple(astype(x, dtype, copy=False) for x in arrays)


clone = linear(
    "clone", "A copy that shares no memory.", forward=lambda xp, x: xp.asarray(x, copy=True), x=lambda xp, ct: ct
)

alias = linear("alias", "The same array at a new place in the graph.", forward=lambda xp, x: x, x=lambda xp, ct: ct)


class FInfo(NamedTuple):
    """Limits of a floating dtype (of a complex one: of its parts)."""

    bits: int
    eps: float
    max: float
    min: float
    smallest_normal: float
    dtype: DType


class IInfo(NamedTuple):
    """Limits of an integer dtype."""

    bits: int
    max: int
    min: int
    dtype: DType


_MANTISSA_AND_EXPONENT = {16: (10, 15), 32: (23, 127), 64: (52, 1023)}  # IEEE 754 binary formats

_KINDS = {
    "bool": ("bool",),
    "signed integer": ("signed integer",),
    "unsigned integer": ("unsigned integer",),
    "integral": ("signed integer", "unsigned integer"),
    "real floating": ("real floating",),
    "complex floating": ("complex floating",),
    "numeric": ("signed integer", "unsigned integer", "real floating", "complex floating"),
}


def _dtype(value: Any) -> DType:
    return value.dtype if hasattr(value, "_aval") else read_dtype(value, "a dtype or an array")


def finfo(type: DType | Tensor, /) -> FInfo:
    """Limits of a floating or complex dtype, or of that of an array.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.finfo(pb.float64).bits
    64
    """
    dtype = _dtype(type)
    if not dtype.differentiable:
        raise DTypeError(f"finfo: a floating dtype is needed, got {dtype.name}")
    real = to_real(dtype)
    mantissa, exponent = _MANTISSA_AND_EXPONENT[real.bits]
    largest = (2.0 - 2.0**-mantissa) * 2.0**exponent
    return FInfo(real.bits, 2.0**-mantissa, largest, -largest, 2.0 ** (1 - exponent), real)


def iinfo(type: DType | Tensor, /) -> IInfo:
    """Limits of an integer dtype, or of that of an array.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.iinfo(pb.int8).max
    127
    """
    dtype = _dtype(type)
    if dtype.kind == "unsigned integer":
        return IInfo(dtype.bits, 2**dtype.bits - 1, 0, dtype)
    if dtype.kind == "signed integer":
        return IInfo(dtype.bits, 2 ** (dtype.bits - 1) - 1, -(2 ** (dtype.bits - 1)), dtype)
    raise DTypeError(f"iinfo: an integer dtype is needed, got {dtype.name}")


def isdtype(dtype: DType, kind: DType | str | tuple[DType | str, ...]) -> bool:
    """Whether `dtype` is of the kind: a dtype, a name such as "real floating" or "numeric", or a tuple of these.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.isdtype(pb.float32, "real floating")
    True
    """
    if isinstance(kind, tuple):
        return any(isdtype(dtype, one) for one in kind)
    dtype = read_dtype(dtype, "isdtype")
    if isinstance(kind, DType):
        return dtype is kind
    if not isinstance(kind, str) or kind not in _KINDS:
        raise ValueError(f"isdtype: {kind!r} is no kind of dtype; the kinds are {', '.join(_KINDS)}")
    return dtype.kind in _KINDS[kind]


def result_type(*arrays_and_dtypes: Any) -> DType:
    """The dtype of an operation over these arrays, dtypes and Python numbers.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.result_type(pb.float32, pb.complex64)
    pullback.complex64
    """
    numbers = [x for x in arrays_and_dtypes if isinstance(x, (bool, int, float, complex))]
    found = [_dtype(x) for x in arrays_and_dtypes if not isinstance(x, (bool, int, float, complex))]
    if not found:
        if not numbers:
            raise ArgumentError("result_type: at least one array, dtype or Python number is needed")
        found = [of_scalar(number) for number in numbers]
    dtype = found[0]
    for other in found[1:]:
        dtype = promote(dtype, other)
    for number in numbers:
        dtype = promote_scalar(dtype, number)
    return dtype


def can_cast(from_: DType | Tensor, to: DType, /) -> bool:
    """Whether a value of the first dtype always keeps its meaning in the second: the standard's promotion table.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.can_cast(pb.float32, pb.float64)
    True
    """
    first = _dtype(from_)
    try:
        return (first.kind == "bool") == (to.kind == "bool") and promote(first, to) is to
    except DTypeError:
        return False
