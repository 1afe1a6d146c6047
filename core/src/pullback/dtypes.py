"""One dtype object for every backend; a backend maps it to its own.

Decides: names, kinds, promotion, and the default dtype of Python floats. Not: what a backend can store.
"""

from __future__ import annotations

import builtins
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from pullback.errors import DTypeError

_KINDS = ("bool", "unsigned integer", "signed integer", "real floating", "complex floating")


class DType:
    """A data type, one object for every backend.

    Attributes: `name` as in the standard, `kind` one of the standard's `isdtype` kinds, `bits` of one element.

    >>> import pullback as pb
    >>> pb.float32
    pullback.float32
    >>> pb.tensor([1.0]).dtype is pb.float32
    True
    """

    __slots__ = ("bits", "differentiable", "is_complex", "is_floating_point", "kind", "name", "rank")

    def __init__(self, name: str, kind: str, bits: int) -> None:
        self.name = name
        self.kind = kind
        self.bits = bits
        self.rank = _KINDS.index(kind)
        self.is_complex = kind == "complex floating"
        self.is_floating_point = kind == "real floating"
        self.differentiable = self.is_complex or self.is_floating_point

    @property
    def itemsize(self) -> int:
        """Bytes of one element."""
        return self.bits // 8

    @property
    def __numpy_dtype__(self) -> Any:
        """What `numpy.dtype(...)` makes of it, and so `numpy.issubdtype`. Who asks has imported NumPy (2.4 or newer)."""
        return sys.modules["numpy"].dtype(self.name)

    def __repr__(self) -> str:
        return f"pullback.{self.name}"

    def __reduce__(self) -> str:
        return self.name  # pickled by reference: identity survives


bool = DType("bool", "bool", 8)
uint8 = DType("uint8", "unsigned integer", 8)
uint16 = DType("uint16", "unsigned integer", 16)
uint32 = DType("uint32", "unsigned integer", 32)
uint64 = DType("uint64", "unsigned integer", 64)
int8 = DType("int8", "signed integer", 8)
int16 = DType("int16", "signed integer", 16)
int32 = DType("int32", "signed integer", 32)
int64 = DType("int64", "signed integer", 64)
float16 = DType("float16", "real floating", 16)  # not in the standard; NumPy and CuPy have it
float32 = DType("float32", "real floating", 32)
float64 = DType("float64", "real floating", 64)
complex64 = DType("complex64", "complex floating", 64)
complex128 = DType("complex128", "complex floating", 128)

DTYPES: dict[str, DType] = {
    dtype.name: dtype
    for dtype in (
        *(bool, uint8, uint16, uint32, uint64, int8, int16, int32, int64),
        *(float16, float32, float64, complex64, complex128),
    )
}

_BY_KIND: dict[tuple[str, int], DType] = {(dtype.kind, dtype.bits): dtype for dtype in DTYPES.values()}
_default: ContextVar[DType] = ContextVar("pullback_default_dtype", default=float32)
_default_integer: ContextVar[DType] = ContextVar("pullback_default_integer", default=int64)


@contextmanager
def defaults(floating: DType, integer: DType) -> Iterator[None]:
    """Inside, Python floats and integers become these dtypes."""
    before = _default.get(), _default_integer.get()
    _default.set(floating)
    _default_integer.set(integer)
    try:
        yield
    finally:
        _default.set(before[0])
        _default_integer.set(before[1])


def get_default_dtype() -> DType:
    """The dtype that Python floats become in `pb.tensor` and the other top-level creation functions.

    >>> import pullback as pb
    >>> pb.get_default_dtype()
    pullback.float32
    """
    return _default.get()


def set_default_dtype(dtype: DType) -> None:
    """Set the dtype that Python floats become; it must be a real floating dtype, or `DTypeError` is raised.

    The setting belongs to the current context (thread, asyncio task).

    >>> import pullback as pb
    >>> pb.set_default_dtype(pb.float64)
    >>> pb.tensor(1.5).dtype
    pullback.float64
    >>> pb.set_default_dtype(pb.float32)
    """
    if not isinstance(dtype, DType) or not dtype.is_floating_point:
        raise DTypeError(f"set_default_dtype: a real floating dtype such as pb.float64 is needed, got {dtype!r}")
    _default.set(dtype)


def read_dtype(value: object, op: str) -> DType:
    """`value` as a dtype: ours, Python's `bool`, `int`, `float`, `complex`, a library's own of a known name, or a name.

    The standard knows the first only; NumPy takes the others, and code written for it passes them. Raises `DTypeError`,
    which names the `op`, for anything else.
    """
    if isinstance(value, DType):
        return value
    if isinstance(value, type) and value in (builtins.bool, int, float, complex):
        return of_scalar(value(0))
    name = value if isinstance(value, str) else getattr(value, "name", "") or getattr(value, "__name__", "")
    found = DTYPES.get(name)
    if found is None:
        raise DTypeError(f"{op}: a dtype such as pb.float64 is needed, got {value!r}")
    return found


def narrower(dtype: DType) -> DType:
    """The dtype of the same kind and half the bits, or `dtype` itself if there is none: for devices without the wide one."""
    return _BY_KIND.get((dtype.kind, dtype.bits // 2), dtype)


def to_complex(dtype: DType) -> DType:
    """The complex dtype whose parts are as precise as `dtype`."""
    return complex128 if dtype is float64 or dtype is complex128 else complex64


def to_real(dtype: DType) -> DType:
    """The real dtype of the parts of `dtype`."""
    return {complex64: float32, complex128: float64}.get(dtype, dtype)


def of_scalar(value: object) -> DType:
    """The dtype that a Python scalar has when no array decides: PyTorch's rule."""
    match value:
        case builtins.bool():
            return bool
        case int():
            return _default_integer.get()
        case float():
            return get_default_dtype()
        case complex():
            return to_complex(get_default_dtype())
    raise DTypeError(f"expected a Python scalar, got {type(value).__name__}")


def promote(first: DType, second: DType) -> DType:
    """The dtype of an operation over two arrays: the standard's table, and for mixed kinds PyTorch's rule.

    Integers mixed with floats take the float's dtype (the standard leaves it open). `uint64` with a signed integer has
    no common dtype and raises `DTypeError`.
    """
    if first is second:
        return first
    low, high = (first, second) if first.rank <= second.rank else (second, first)
    if low.kind == high.kind:
        return low if low.bits > high.bits else high
    if high.is_complex:
        return complex128 if low is float64 else high
    if low.kind == "unsigned integer" and high.kind == "signed integer":
        if low.bits < high.bits:
            return high
        wider = _BY_KIND.get((high.kind, 2 * low.bits))
        if wider is None:
            raise DTypeError(f"{low.name} and {high.name} have no common dtype: convert one with .astype() first")
        return wider
    return high


def promote_scalar(dtype: DType, value: object) -> DType:
    """The dtype of an operation over an array of `dtype` and the Python scalar `value`.

    The array decides, unless the scalar is of a higher kind: then the default dtype (PyTorch's rule; the standard
    leaves it open).
    """
    scalar = of_scalar(value)
    if scalar.rank <= dtype.rank or (scalar.kind == "signed integer" and dtype is not bool):
        return dtype
    if scalar.is_complex and dtype.is_floating_point:
        return to_complex(dtype)
    return scalar
