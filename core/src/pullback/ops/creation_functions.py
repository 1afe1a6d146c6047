"""Creation functions: Tensors from data, shapes and ranges. Every array is made with an explicit dtype and device."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import reduce
from numbers import Number, Real
from operator import index
from typing import TYPE_CHECKING, Any, Final

from pullback import dtypes
from pullback import primitive as primitives
from pullback.declare import linear
from pullback.dtypes import DType, read_dtype, to_complex
from pullback.errors import ArgumentError, DTypeError, ShapeError
from pullback.ops.data_type_functions import astype, iinfo, result_type
from pullback.ops.manipulation_functions import broadcast_arrays, reshape, stack
from pullback.ops.operands import not_a_tensor
from pullback.ops.transfer import to_device
from pullback.plugins import backends
from pullback.primitive import wrap

if TYPE_CHECKING:
    from pullback.tensor import Tensor

Shape = int | Sequence[int]
_NUMBERS: Final = (bool, int, float, complex)
_BUFFERS: Final = dict(zip("?bhilqBHILQefd", ("b1", *["i"] * 5, *["u"] * 5, *["f"] * 3), strict=True))


def make(name: str, *args: Any, dtype: DType | None, device: Any, **options: Any) -> Tensor:
    """A Tensor from the creation function `name` of the library that owns `device`."""
    place = backends.default_device() if device is None else backends.device(device)
    backend = place.backend
    native = None if dtype is None else backend.native_dtype(dtype)
    try:
        array = getattr(backend.namespace, name)(*args, dtype=native, device=place.native, **options)
    except (TypeError, ValueError) as error:
        if dtype is None or backend.supports(dtype, place.native) or dtype is dtypes.float16:
            raise
        raise DTypeError(
            f"{name}: {place.name!r} has no {dtype.name}; write dtype=pb.{dtypes.narrower(dtype).name}"
        ) from error
    out: Tensor = wrap(backend.settle(array), backend.aval(array))
    return out


def asarray(obj: Any, /, *, dtype: DType | None = None, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor of `obj`: a Tensor, a raw array of an installed backend, a Python number, nested sequences of these, or
    an object with a buffer (`array.array`, `bytes`, `memoryview`).

    A Tensor keeps its place in the graph. A raw array is copied unless `copy=False`, which shares its memory: then
    nobody notices when it is written behind pullback's back. Python floats become the default dtype. Raises
    `ArgumentError` for anything else, `ShapeError` for sequences of unequal lengths, `DTypeError` for numbers that the
    dtype cannot hold, `BackendNotFoundError` if `device` is unknown, `ValueError` if `copy=False` and an array would have
    to be copied.

    >>> import pullback as pb
    >>> pb.asarray([1, 2, 3])
    tensor([1, 2, 3])
    """
    made: Tensor = convert("asarray", obj, dtype, device, copy)
    return made


def convert(op: str, obj: Any, dtype: DType | None, device: Any, copy: bool | None) -> Any:
    """`asarray` under the name `op`."""
    dtype = _dtype(op, dtype)
    if not isinstance(obj, primitives.tensor_type):
        made = _from_foreign(op, obj, dtype, device, copy)
    else:
        made = obj.clone() if copy else obj
    out = made if dtype is None or dtype.bits > made.dtype.bits else astype(made, dtype, copy=False)
    out = out if device is None else to_device(out, backends.device(device))  # what is smaller crosses over
    out = out if dtype is None else astype(out, dtype, copy=False)
    if copy is False and out is not made:
        raise ValueError(
            f"{op}: {made.dtype.name} on {made.device} to {out.dtype.name} on {out.device} takes a copy, and copy=False "
            f"was asked for"
        )
    return out


def _from_foreign(op: str, obj: Any, dtype: DType | None, device: Any, copy: bool | None) -> Any:
    if isinstance(obj, range):
        obj = list(obj)
    is_python = type(obj) in _NUMBERS or isinstance(obj, (list, tuple))
    owner = None if is_python else backends.of_array(obj)
    if owner is not None:
        array = owner.adopt(obj, copy=copy is not False)
        return wrap(array, owner.aval(array))
    if not is_python:
        obj, found = _from_buffer(obj)
        dtype = dtype or found
    leaves: list[Any] = []
    _collect(op, obj, leaves)
    if any(not isinstance(leaf, Number) for leaf in leaves):
        return stack([convert(op, item, dtype, device, None) for item in obj])
    if dtype is None:
        found_types = [_dtype_of_number(leaf) for leaf in leaves]
        dtype = reduce(dtypes.promote, found_types) if found_types else dtypes.get_default_dtype()
    refuse_misfits(op, leaves, dtype)
    return make("asarray", obj, dtype=dtype, device=device)


def _from_buffer(obj: Any) -> tuple[Any, DType | None]:
    """The numbers in an object with a buffer, and their dtype; the object itself if it has none."""
    try:
        view = memoryview(obj)
    except TypeError:
        return obj, None
    kind = _BUFFERS.get(view.format.lstrip("@"))
    if kind is None:
        return obj, None
    bits = 8 * view.itemsize
    name = {"b1": "bool", "i": f"int{bits}", "u": f"uint{bits}", "f": f"float{bits}"}[kind]
    return view.tolist(), dtypes.DTYPES[name]


def _dtype_of_number(number: Any) -> DType:
    """The dtype of a Python number, or of a library's own scalar such as `np.float64(2)`."""
    owner = None if type(number) in _NUMBERS else backends.of_array(number)
    return dtypes.of_scalar(number) if owner is None else owner.dtype(number.dtype)


def _collect(op: str, obj: Any, leaves: list[Any]) -> tuple[int, ...]:
    """Append the numbers and arrays in nested sequences to `leaves`; returns the shape."""
    if isinstance(obj, (list, tuple)):
        shapes = list(dict.fromkeys(_collect(op, item, leaves) for item in obj))
        if len(shapes) > 1:
            raise ShapeError(
                f"{op}: nested sequences must have equal lengths, but one item has shape {shapes[0]} and another "
                f"{shapes[1]}"
            )
        return (len(obj), *(shapes[0] if shapes else ()))
    if isinstance(obj, (*_NUMBERS, primitives.tensor_type, Number)) or backends.of_array(obj) is not None:
        leaves.append(obj)
        return tuple(getattr(obj, "shape", ()))
    raise ArgumentError(
        f"{op}: expected a Tensor, a raw array of an installed backend, a Python number or nested sequences of these, "
        f"got {type(obj).__module__}.{type(obj).__qualname__}"
    )


def refuse_misfits(op: str, numbers: Iterable[Any], dtype: DType) -> None:
    """Numbers that a dtype cannot hold are refused, where libraries wrap around, drop a part, or give up."""
    if "integer" in dtype.kind:
        limits = iinfo(dtype)
        for n in numbers:
            if not limits.min <= n.real <= limits.max or n.imag:  # nan too
                wider = "complex128" if n.imag else "int64" if abs(n) < 2**63 and dtype.bits < 64 else "float64"
                raise DTypeError(f"{op}: {n} does not fit into {dtype.name}; write dtype=pb.{wider}")
    elif not dtype.is_complex and dtype is not dtypes.bool:
        for n in numbers:
            if n.imag:
                raise DTypeError(f"{op}: {n} does not fit into {dtype.name}; write dtype=pb.{to_complex(dtype).name}")


def pair(x1: Any, x2: Any) -> tuple[Tensor, Tensor]:
    """Two operands as Tensors, where one of them may be a Python number."""
    if type(x1) in _NUMBERS and isinstance(x2, primitives.tensor_type):
        x1 = asarray(x1, dtype=result_type(x2, x1), device=x2.device)
    elif type(x2) in _NUMBERS and isinstance(x1, primitives.tensor_type):
        x2 = asarray(x2, dtype=result_type(x1, x2), device=x1.device)
    return x1, x2


def _dtype(op: str, dtype: Any) -> DType | None:
    return None if dtype is None else read_dtype(dtype, op)


def shape_of(op: str, shape: Shape) -> tuple[int, ...]:
    """A shape given as one length or several."""
    items = shape if isinstance(shape, Sequence) else (shape,)
    try:
        lengths = tuple(map(index, items))
    except TypeError:
        raise ArgumentError(
            f"{op}: a shape is an integer or a tuple of integers, got {shape!r}; write {op}((2, 3), ...)"
        ) from None
    if any(n < 0 for n in lengths):
        raise ShapeError(f"{op}: no length can be negative, got the shape {lengths}")
    return lengths


def _count(op: str, name: str, value: Any) -> int:
    """A length that is not a whole shape."""
    try:
        (length,) = shape_of(op, value)
    except (ArgumentError, ShapeError, ValueError):
        raise ArgumentError(f"{op}: {name} must be an integer that is not negative, got {value!r}") from None
    return length


def _number(op: str, name: str, value: Any) -> Any:
    """A Python number, also from a library's own scalar."""
    if type(value) in _NUMBERS:
        return value
    if isinstance(value, Number):
        if hasattr(value, "item"):
            return value.item()
        return float(value) if isinstance(value, Real) else complex(value)  # type: ignore[call-overload]
    remedy = "write .item() on the Tensor" if isinstance(value, primitives.tensor_type) else "write a number"
    raise ArgumentError(f"{op}: {name} must be a Python number, got {type(value).__name__}; {remedy}")


def zeros(shape: Shape, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Zeros.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.zeros((2,))
    tensor([0., 0.], dtype=pullback.float64)
    """
    return _filled("zeros", shape, dtype, device)


def ones(shape: Shape, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Ones.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.ones((2,))
    tensor([1., 1.], dtype=pullback.float64)
    """
    return _filled("ones", shape, dtype, device)


def empty(shape: Shape, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """An array whose values are undefined.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.empty((2, 3)).shape
    (2, 3)
    """
    return _filled("empty", shape, dtype, device)


def _filled(op: str, shape: Shape, dtype: DType | None, device: Any) -> Tensor:
    dtype = _dtype(op, dtype) or dtypes.get_default_dtype()
    return make(op, shape_of(op, shape), dtype=dtype, device=device)


def full(shape: Shape, fill_value: Any, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """`fill_value` everywhere; a 0-d Tensor is allowed and keeps its gradient.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.full((2,), 7.0)
    tensor([7., 7.], dtype=pullback.float64)
    """
    lengths = shape_of("full", shape)
    if isinstance(fill_value, primitives.tensor_type):
        filled = reshape(asarray(fill_value, dtype=dtype, device=device), ())
        return ones(lengths, dtype=filled.dtype, device=filled.device) * filled
    value = _number("full", "fill_value", fill_value)
    dtype = _dtype("full", dtype) or _dtype_of_number(fill_value if hasattr(fill_value, "dtype") else value)
    refuse_misfits("full", [value], dtype)
    return make("full", lengths, value, dtype=dtype, device=device)


def arange(
    start: float, /, stop: float | None = None, step: float = 1, *, dtype: DType | None = None, device: Any = None
) -> Tensor:
    """Numbers from `start` (0 if it is the only bound) up to but without `stop`, `step` apart.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.arange(1, 10, 3)
    tensor([1, 4, 7])
    """
    if stop is None:
        start, stop = 0, start
    named = (("start", start), ("stop", stop), ("step", step))
    start, stop, step = (_number("arange", name, value) for name, value in named)
    if step == 0:
        raise ArgumentError("arange: step must not be 0")
    dtype = _dtype("arange", dtype)
    if dtype is None:
        dtype = max((dtypes.of_scalar(n) for n in (start, stop, step)), key=lambda d: d.rank)
    return make("arange", start, stop, step, dtype=dtype, device=device)


def linspace(
    start: Any, stop: Any, /, num: int, *, dtype: DType | None = None, device: Any = None, endpoint: bool = True
) -> Tensor:
    """`num` numbers from `start` to `stop`, evenly spaced; `stop` is the last one if `endpoint`.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.linspace(0.0, 1.0, 5)
    tensor([0.0000, 0.2500, 0.5000, 0.7500, 1.0000], dtype=pullback.float64)
    """
    start, stop = _number("linspace", "start", start), _number("linspace", "stop", stop)
    count = _count("linspace", "num", num)
    dtype = _dtype("linspace", dtype)
    if dtype is None:
        is_complex = isinstance(start, complex) or isinstance(stop, complex)
        dtype = dtypes.of_scalar(1j if is_complex else 1.0)
    refuse_misfits("linspace", (start, stop), dtype)
    return make("linspace", start, stop, count, dtype=dtype, device=device, endpoint=endpoint)


def eye(
    n_rows: int, n_cols: int | None = None, /, *, k: int = 0, dtype: DType | None = None, device: Any = None
) -> Tensor:
    """Ones on the diagonal number `k`, zeros elsewhere.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.eye(2, 3, k=1)
    tensor([[0., 1., 0.],
            [0., 0., 1.]], dtype=pullback.float64)
    """
    rows = _count("eye", "n_rows", n_rows)
    columns = rows if n_cols is None else _count("eye", "n_cols", n_cols)
    dtype = _dtype("eye", dtype) or dtypes.get_default_dtype()
    return make("eye", rows, columns, k=k, dtype=dtype, device=device)


def _of(op: str, x: Any) -> Any:
    if isinstance(x, primitives.tensor_type):
        return x
    raise ArgumentError(f"{op}: a Tensor is needed, got {type(x).__name__}; write pb.asarray(...) around it")


def zeros_like(x: Tensor, /, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Zeros of the shape, dtype and device of `x`.

    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> x.__array_namespace__().zeros_like(x)
    tensor([0., 0.])
    """
    x = _of("zeros_like", x)
    return zeros(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def ones_like(x: Tensor, /, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """Ones of the shape, dtype and device of `x`.

    >>> import pullback as pb
    >>> x = pb.zeros(2)
    >>> x.__array_namespace__().ones_like(x)
    tensor([1., 1.])
    """
    x = _of("ones_like", x)
    return ones(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def empty_like(x: Tensor, /, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """An array of the shape, dtype and device of `x` whose values are undefined.

    >>> import pullback as pb
    >>> x = pb.ones(2, 3)
    >>> x.__array_namespace__().empty_like(x).shape
    (2, 3)
    """
    x = _of("empty_like", x)
    return empty(x.shape, dtype=dtype or x.dtype, device=device or x.device)


def full_like(x: Tensor, /, fill_value: Any, *, dtype: DType | None = None, device: Any = None) -> Tensor:
    """`fill_value` everywhere, in the shape, dtype and device of `x`.

    >>> import pullback as pb
    >>> x = pb.ones(2)
    >>> x.__array_namespace__().full_like(x, 7.0)
    tensor([7., 7.])
    """
    x = _of("full_like", x)
    return full(x.shape, fill_value, dtype=dtype or x.dtype, device=device or x.device)


_tril = linear("tril", forward=lambda xp, x, k: xp.tril(x, k=k), x=lambda xp, ct, k: xp.tril(ct, k=k))
_triu = linear("triu", forward=lambda xp, x, k: xp.triu(x, k=k), x=lambda xp, ct, k: xp.triu(ct, k=k))


def tril(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The lower triangle of matrices, up to the diagonal number `k`; zeros above.

    >>> import pullback as pb
    >>> x = pb.ones(2, 2)
    >>> x.__array_namespace__().tril(x)
    tensor([[1., 0.],
            [1., 1.]])
    """
    return _tril(x, k=k)


def triu(x: Tensor, /, *, k: int = 0) -> Tensor:
    """The upper triangle of matrices, from the diagonal number `k`; zeros below.

    >>> import pullback as pb
    >>> x = pb.ones(2, 2)
    >>> x.__array_namespace__().triu(x, k=1)
    tensor([[0., 1.],
            [0., 0.]])
    """
    return _triu(x, k=k)


def meshgrid(*arrays: Tensor, indexing: str = "xy") -> tuple[Tensor, ...]:
    """Coordinates of a grid from vectors of coordinates; "xy" exchanges the first two axes, "ij" does not.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> x.__array_namespace__().meshgrid(x, x)
    (tensor([[1., 2.],
            [1., 2.]]), tensor([[1., 1.],
            [2., 2.]]))
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing is 'xy' or 'ij', got {indexing!r}")
    for i, x in enumerate(arrays):
        if not isinstance(x, primitives.tensor_type):
            raise not_a_tensor("meshgrid", x, f"arrays[{i}]")
    order = list(range(len(arrays)))
    if indexing == "xy" and len(arrays) > 1:
        order[0], order[1] = 1, 0
    ones = [1] * len(arrays)
    shaped = [reshape(x, (*ones[:axis], -1, *ones[axis + 1 :])) for x, axis in zip(arrays, order, strict=True)]
    return broadcast_arrays(*shaped)


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """A Tensor over any array that exports DLPack, on the default device or on `device`; a Tensor keeps its history.

    Its memory is shared where the library can, unless `copy=True`; with `copy=False`, `ValueError` where it cannot.

    >>> import pullback as pb
    >>> x = pb.tensor([1.0, 2.0])
    >>> x.__array_namespace__().from_dlpack(x.numpy())
    tensor([1., 2.])
    """
    if isinstance(x, primitives.tensor_type) or backends.of_array(x) is not None:
        made = asarray(x, copy=bool(copy))
    else:
        backend = (backends.default_device() if device is None else backends.device(device)).backend
        array = backend.namespace.from_dlpack(x)
        made = wrap(backend.copy(array) if copy else array, backend.aval(array))
    out = made if device is None else to_device(made, backends.device(device))
    if copy is False and out is not made:
        raise ValueError(f"from_dlpack: {made.device} to {out.device} takes a copy, and copy=False was asked for")
    return out


def fftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The frequencies of `fft` for `n` points, `d` apart: 0, 1, ..., -2, -1 over n d.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.fft.fftfreq(4)
    tensor([ 0.0000,  0.2500, -0.5000, -0.2500], dtype=pullback.float64)
    """
    counts = [*range((n + 1) // 2), *range(-(n // 2), 0)]
    return make("asarray", [k / (n * d) for k in counts], dtype=dtype or dtypes.get_default_dtype(), device=device)


def rfftfreq(n: int, /, *, d: float = 1.0, dtype: DType | None = None, device: Any = None) -> Tensor:
    """The frequencies of `rfft` for `n` points, `d` apart: 0, 1, ..., n // 2 over n d.

    >>> import pullback as pb
    >>> xp = pb.ones(1).__array_namespace__()
    >>> xp.fft.rfftfreq(4)
    tensor([0.0000, 0.2500, 0.5000], dtype=pullback.float64)
    """
    counts = range(n // 2 + 1)
    return make("asarray", [k / (n * d) for k in counts], dtype=dtype or dtypes.get_default_dtype(), device=device)
