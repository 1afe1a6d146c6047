"""Creation functions: Tensors from data, shapes and ranges. Every array is made with an explicit dtype and device."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce
from numbers import Number
from typing import TYPE_CHECKING, Any, Final

from pullback import dtypes
from pullback import primitive as primitives
from pullback.declare import linear
from pullback.dtypes import DType
from pullback.errors import ArgumentError
from pullback.ops.data_type_functions import astype, result_type
from pullback.ops.manipulation_functions import broadcast_arrays, reshape, stack
from pullback.ops.transfer import to_device
from pullback.plugins import backends
from pullback.primitive import wrap

if TYPE_CHECKING:
    from pullback.tensor import Tensor

Shape = int | Sequence[int]
_NUMBERS: Final = (bool, int, float, complex)


def make(name: str, *args: Any, dtype: DType | None, device: Any) -> Tensor:
    """A Tensor from the creation function `name` of the library that owns `device`."""
    place = backends.default_device() if device is None else backends.device(device)
    backend = place.backend
    native = None if dtype is None else backend.native_dtype(dtype)
    array = getattr(backend.namespace, name)(*args, dtype=native, device=place.native)
    return wrap(backend.settle(array), backend.aval(array))


def asarray(obj: Any, /, *, dtype: DType | None = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of `obj`: a Tensor, a raw array of an installed backend, a Python number, or nested sequences of these.

    A Tensor keeps its place in the graph. A raw array is copied unless `copy=False`, which shares its memory: then
    nobody notices when it is written behind pullback's back. Python floats become the default dtype. Raises
    `ArgumentError` for anything else, `BackendNotFoundError` if `device` is unknown.

    >>> import pullback as pb
    >>> pb.asarray([1, 2, 3])
    tensor([1, 2, 3])
    """
    if not isinstance(obj, primitives.tensor_type):
        obj = _from_foreign(obj, dtype, device, copy)
    elif copy:
        obj = obj.clone()
    if device is not None:
        obj = to_device(obj, backends.device(device))
    return obj if dtype is None else astype(obj, dtype, copy=False)


def _from_foreign(obj: Any, dtype: DType | None, device: Any, copy: bool | None) -> Any:
    owner = None if type(obj) in _NUMBERS or isinstance(obj, (list, tuple)) else backends.of_array(obj)
    if owner is not None:
        array = owner.adopt(obj, copy=copy is not False)
        return wrap(array, owner.aval(array))
    leaves = list(_leaves(obj))
    if any(
        isinstance(leaf, primitives.tensor_type) or backends.of_array(leaf)
        for leaf in leaves
        if not isinstance(leaf, Number)
    ):
        return stack([asarray(item, dtype=dtype, device=device) for item in obj])
    if dtype is None:
        found = [_dtype_of_number(leaf) for leaf in leaves]
        dtype = reduce(dtypes.promote, found) if found else dtypes.get_default_dtype()
    return make("asarray", obj, dtype=dtype, device=device)


def _dtype_of_number(number: Any) -> DType:
    """The dtype of a Python number, or of a library's own scalar such as `np.float64(2)`."""
    owner = None if type(number) in _NUMBERS else backends.of_array(number)
    return dtypes.of_scalar(number) if owner is None else owner.dtype(number.dtype)


def _leaves(obj: Any) -> Iterator[Any]:
    """The numbers and arrays in nested sequences."""
    if isinstance(obj, (list, tuple)):
        for item in obj:
            yield from _leaves(item)
    elif isinstance(obj, (Number, primitives.tensor_type)) or backends.of_array(obj) is not None:
        yield obj
    else:
        raise ArgumentError(
            f"asarray: expected a Tensor, a raw array of an installed backend, a Python number or nested sequences of "
            f"these, got {type(obj).__module__}.{type(obj).__qualname__}"
        )


def pair(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors, where one of them may be a Python number."""
    if type(x1) in _NUMBERS and isinstance(x2, primitives.tensor_type):
        x1 = asarray(x1, dtype=result_type(x2, x1), device=x2.device)
    elif type(x2) in _NUMBERS and isinstance(x1, primitives.tensor_type):
        x2 = asarray(x2, dtype=result_type(x1, x2), device=x1.device)
    return x1, x2


def _shape(shape: Shape) -> tuple[int, ...]:
    return (shape,) if isinstance(shape, int) else tuple(int(n) for n in shape)


def zeros(shape: Shape, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Zeros."""
    return make("zeros", _shape(shape), dtype=dtype or dtypes.get_default_dtype(), device=device)


def ones(shape: Shape, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Ones."""
    return make("ones", _shape(shape), dtype=dtype or dtypes.get_default_dtype(), device=device)


def empty(shape: Shape, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """An array whose values are undefined."""
    return make("empty", _shape(shape), dtype=dtype or dtypes.get_default_dtype(), device=device)


def full(shape: Shape, fill_value: Any, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """`fill_value` everywhere; a 0-d Tensor is allowed and keeps its gradient."""
    if isinstance(fill_value, primitives.tensor_type):
        filled = reshape(asarray(fill_value, dtype=dtype, device=device), ())
        return ones(shape, dtype=filled.dtype, device=filled.device) * filled
    return make("full", _shape(shape), fill_value, dtype=dtype or dtypes.of_scalar(fill_value), device=device)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: DType | None = None, device: Any = None
) -> Tensor:
    """Numbers from `start` (0 if it is the only bound) up to but without `stop`, `step` apart."""
    if stop is None:
        start, stop = 0, start
    if dtype is None:
        dtype = max((dtypes.of_scalar(n) for n in (start, stop, step)), key=lambda d: d.rank)
    return make("arange", start, stop, step, dtype=dtype, device=device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: DType | None = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """`num` numbers from `start` to `stop`, evenly spaced; `stop` is the last one if `endpoint`."""
    place = backends.default_device() if device is None else backends.device(device)
    backend = place.backend
    if dtype is None:
        is_complex = isinstance(start, complex) or isinstance(stop, complex)
        dtype = dtypes.of_scalar(1j if is_complex else 1.0)
    native = backend.native_dtype(dtype)
    array = backend.namespace.linspace(start, stop, num, dtype=native, device=place.native, endpoint=endpoint)
    return wrap(backend.settle(array), backend.aval(array))


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DType | None = None, device: Any = None
) -> Tensor:
    """Ones on the diagonal number `k`, zeros elsewhere."""
    place = backends.default_device() if device is None else backends.device(device)
    backend = place.backend
    native = backend.native_dtype(dtype or dtypes.get_default_dtype())
    array = backend.namespace.eye(n_rows, n_cols, k=k, dtype=native, device=place.native)
    return wrap(backend.settle(array), backend.aval(array))


def zeros_like(x: Tensor, /, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Zeros of the shape, dtype and device of `x`."""
    return zeros(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def ones_like(x: Tensor, /, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Ones of the shape, dtype and device of `x`."""
    return ones(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def empty_like(x: Tensor, /, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """An array of the shape, dtype and device of `x` whose values are undefined."""
    return empty(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def full_like(x: Tensor, /, fill_value: Any, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """`fill_value` everywhere, in the shape, dtype and device of `x`."""
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device or x.device)


_tril = linear("tril", forward=lambda xp, x, k: xp.tril(x, k=k), x=lambda xp, ct, k: xp.tril(ct, k=k))
_triu = linear("triu", forward=lambda xp, x, k: xp.triu(x, k=k), x=lambda xp, ct, k: xp.triu(ct, k=k))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The lower triangle of matrices, up to the diagonal number `k`; zeros above."""
    return _tril(x, k=k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The upper triangle of matrices, from the diagonal number `k`; zeros below."""
    return _triu(x, k=k)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of a grid from vectors of coordinates; "xy" exchanges the first two axes, "ij" does not."""
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[0], order[1] = 1, 0
    ones = [1] * len(arrays)
    shaped = [reshape(x, (*ones[:axis], -1, *ones[axis + 1 :])) for x, axis in zip(arrays, order, strict=True)]
    return broadcast_arrays(*shaped)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor over any array that exports DLPack, on the default device or on `device`; a Tensor keeps its history.

    Its memory is shared where the library can, unless `copy=True`.
    """
    if isinstance(x, primitives.tensor_type) or backends.of_array(x) is not None:
        return asarray(x, device=device, copy=bool(copy))
    place = backends.default_device() if device is None else backends.device(device)
    backend = place.backend
    array = backend.namespace.from_dlpack(x)
    return to_device(wrap(backend.copy(array) if copy else array, backend.aval(array)), place)


def fftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The frequencies of `fft` for `n` points, `d` apart: 0, 1, ..., -2, -1 over n d."""
    counts = [*range((n + 1) // 2), *range(-(n // 2), 0)]
    return make("asarray", [k / (n * d) for k in counts], dtype=dtype or dtypes.get_default_dtype(), device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The frequencies of `rfft` for `n` points, `d` apart: 0, 1, ..., n // 2 over n d."""
    counts = range(n // 2 + 1)
    return make("asarray", [k / (n * d) for k in counts], dtype=dtype or dtypes.get_default_dtype(), device=device)
