"""Arrays that never change, in compartments that do not mix. This module is their namespace of the Array API standard."""

import functools
from types import ModuleType

import array_api_compat.numpy as _np
import numpy as _numpy

from frost_array.array import HELD_OUT, OPEN, Array, compartment
from frost_array.array import digest as digest

__array_api_version__ = "2025.12"

_DTYPES = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float32", "float64", "complex64", "complex128"),
)
_CREATION = "arange empty eye full linspace ones zeros"
_LIKE = "empty_like full_like ones_like zeros_like"
_PLAIN = "broadcast_shapes can_cast finfo iinfo isdtype result_type"
_MAIN = """
abs acos acosh add all any argmax argmin argsort asin asinh atan atan2 atanh bitwise_and bitwise_invert bitwise_left_shift
bitwise_or bitwise_right_shift bitwise_xor broadcast_arrays broadcast_to ceil clip concat conj copysign cos cosh
count_nonzero cumulative_prod cumulative_sum diff divide equal exp expand_dims expm1 flip floor floor_divide greater
greater_equal hypot imag isfinite isin isinf isnan less less_equal log log10 log1p log2 logaddexp logical_and logical_not
logical_or logical_xor matmul matrix_transpose max maximum mean meshgrid min minimum moveaxis multiply negative nextafter
nonzero not_equal permute_dims positive pow prod real reciprocal remainder repeat reshape roll round searchsorted sign
signbit sin sinh sort sqrt square squeeze stack std subtract sum take take_along_axis tan tanh tensordot tile tril triu
trunc unique_all unique_counts unique_inverse unique_values unstack var vecdot where
"""
_LINALG = """
cholesky cross det diagonal eig eigh eigvals eigvalsh inv matmul matrix_norm matrix_power matrix_rank matrix_transpose
outer pinv qr slogdet solve svd svdvals tensordot trace vecdot vector_norm
"""
_FFT = "fft fftn fftshift hfft ifft ifftn ifftshift ihfft irfft irfftn rfft rfftn"
_FFT_CREATION = "fftfreq rfftfreq"


def _arrays(values):
    """All frost arrays in some arguments."""
    for value in values:
        if isinstance(value, Array):
            yield value
        elif isinstance(value, list | tuple):
            yield from _arrays(value)


def _raw(value):
    """An argument with NumPy's arrays in it."""
    if isinstance(value, Array):
        return value._data
    return type(value)(map(_raw, value)) if type(value) in (list, tuple) else value


def _frozen(value, device):
    """A result with frost arrays in it; a named tuple stays one."""
    if isinstance(value, _numpy.ndarray | _numpy.generic):
        return Array(value, device)
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*(_frozen(item, device) for item in value))
    return type(value)(_frozen(item, device) for item in value) if isinstance(value, list | tuple) else value


def _lifted(function):
    """A function of NumPy's arrays as one of frost arrays: the result lives where the arguments do."""

    @functools.wraps(function)
    def lifted(*args, **options):
        device = compartment(_arrays((*args, *options.values())))
        out = function(*map(_raw, args), **{name: _raw(value) for name, value in options.items()})
        return _frozen(out, device)

    return lifted


def _creating(function):
    """The same for a function that makes an array: it lives where `device` says, or where the arguments do."""

    @functools.wraps(function)
    def made(*args, device=None, **options):
        where = compartment(_arrays(args)) if device is None else device
        return Array(function(*map(_raw, args), **{name: _raw(value) for name, value in options.items()}), where)

    return made


def asarray(obj, /, *, dtype=None, device=None, copy=None):
    """An array of numbers, or of what an array holds; only a frost array can be taken without copying it."""
    if isinstance(obj, Array) and not copy:
        where = obj.device if device is None else device
        return (
            obj if where is obj.device and dtype in (None, obj.dtype) else astype(obj, dtype or obj.dtype, device=where)
        )
    if copy is False:
        raise ValueError("asarray: what is not frozen must be copied")
    where = compartment(_arrays((obj,))) if device is None else device
    return Array(_numpy.array(_raw(obj), dtype=dtype), where)


def astype(x, dtype, /, *, copy=True, device=None):
    """The values in another dtype."""
    return Array(x._data.astype(dtype, copy=copy), x.device if device is None else device)


def from_dlpack(x, /, *, device=None, copy=None):
    """A copy of another library's array."""
    if copy is False:
        raise ValueError("from_dlpack: what is not frozen must be copied")
    return Array(_numpy.array(_numpy.from_dlpack(x)), OPEN if device is None else device)


class _Info:
    """What `__array_namespace_info__()` returns."""

    def capabilities(self):
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self):
        return OPEN

    def devices(self):
        return [OPEN, HELD_OUT]

    def default_dtypes(self, *, device=None):
        names = {"real floating": "float64", "complex floating": "complex128", "integral": "int64", "indexing": "int64"}
        return {kind: _np.dtype(name) for kind, name in names.items()}

    def dtypes(self, *, device=None, kind=None):
        every = {name: _np.dtype(name) for name in _DTYPES}
        return {name: dtype for name, dtype in every.items() if kind is None or _np.isdtype(dtype, kind)}


def __array_namespace_info__():
    """Devices, dtypes and capabilities."""
    return _Info()


def _extension(name, names, creating=""):
    module = ModuleType(f"{__name__}.{name}")
    source = getattr(_np, name)
    vars(module).update({f: _lifted(getattr(source, f)) for f in names.split()})
    vars(module).update({f: _creating(getattr(source, f)) for f in creating.split()})
    return module


globals().update({name: _np.dtype(name) for name in _DTYPES})
globals().update({name: getattr(_np, name) for name in ("e", "inf", "nan", "newaxis", "pi")})
globals().update({name: _lifted(getattr(_np, name)) for name in (*_MAIN.split(), *_PLAIN.split())})
globals().update({name: _creating(getattr(_np, name)) for name in (*_CREATION.split(), *_LIKE.split())})
linalg, fft = _extension("linalg", _LINALG), _extension("fft", _FFT, _FFT_CREATION)
