"""A small array library that follows the standard and has no plugin: what the generic backend is for.

Arrays cannot be written, dtypes and devices are objects of its own, there are two devices, and nothing but DLPack leads
out. It computes with NumPy, and lets none of it through.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from types import ModuleType
from typing import Any

import array_api_compat.numpy as compat
import numpy as np
from pullback.namespace import CHAPTERS, CREATION

DTYPE_NAMES = (
    *("bool", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64"),
    *("float32", "float64", "complex64", "complex128"),
)


class DType:
    """A dtype of the toy."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return f"toy.{self.name}"


class Device:
    """A device of the toy."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


DTYPES = {name: DType(name) for name in DTYPE_NAMES}
MAIN, SIDE = Device("main"), Device("side")


class Array:
    """An array of the toy."""

    __array_ufunc__ = None

    def __init__(self, values: Any, device: Device) -> None:
        self._values = np.asarray(values)
        self.device = device
        self.dtype = DTYPES[self._values.dtype.name]

    shape = property(lambda self: self._values.shape)
    ndim = property(lambda self: self._values.ndim)
    size = property(lambda self: self._values.size)
    T = property(lambda self: Array(self._values.T, self.device))
    mT = property(lambda self: Array(self._values.mT, self.device))  # noqa: N815  the standard's name

    def __array_namespace__(self, *, api_version: str | None = None) -> ModuleType:
        return namespace

    def __array__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("arrays of the toy are not given to NumPy silently")

    def __getitem__(self, key: Any) -> Array:
        return Array(self._values[_plain(key, self.device)], self.device)

    def __setitem__(self, key: Any, value: Any) -> None:
        raise TypeError("arrays of the toy cannot be written")

    def to_device(self, device: Device, /, *, stream: Any = None) -> Array:
        assert isinstance(device, Device)
        return Array(self._values.copy(), device)

    def __bool__(self) -> bool:
        return bool(self._values)

    def __int__(self) -> int:
        return int(self._values)

    def __float__(self) -> float:
        return float(self._values)

    def __complex__(self) -> complex:
        return complex(self._values)

    def __index__(self) -> int:
        return operator.index(self._values)

    def __dlpack__(self, **options: Any) -> Any:
        assert self.device is MAIN, "only the main device is the host"
        return self._values.__dlpack__(**options)

    def __dlpack_device__(self) -> Any:
        return self._values.__dlpack_device__()


def _plain(value: Any, device: Device | None) -> Any:
    """Arrays and dtypes of the toy as NumPy's; arrays of one device, and none of another library."""
    if isinstance(value, Array):
        if device is not None and value.device is not device:
            raise ValueError("arrays on different devices of the toy")
        return value._values
    if isinstance(value, (tuple, list)):
        return type(value)(_plain(item, device) for item in value)
    if isinstance(value, (np.ndarray, np.generic)):
        raise TypeError("an array of NumPy was given to the toy")
    return np.dtype(value.name) if isinstance(value, DType) else value


def _device_of(value: Any) -> Device | None:
    if isinstance(value, Array):
        return value.device
    found = map(_device_of, value) if isinstance(value, (tuple, list)) else ()
    return next((device for device in found if device is not None), None)


def _wrapped(value: Any, device: Device) -> Any:
    if isinstance(value, (np.ndarray, np.generic)):
        return Array(value, device)
    if isinstance(value, (tuple, list)):
        items = [_wrapped(item, device) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return value


def _function(original: Callable[..., Any]) -> Callable[..., Any]:
    def function(*args: Any, device: Device | None = None, **options: Any) -> Any:
        assert device is None or isinstance(device, Device)
        source = _device_of((*args, *options.values()))
        plain = {name: _plain(value, source) for name, value in options.items()}
        result = original(*(_plain(arg, source) for arg in args), **plain)
        return _wrapped(result, device or source or MAIN)

    return function


def _operator(name: str) -> Callable[..., Any]:
    call = getattr(operator, name)

    def method(x: Array, y: Any = None) -> Array:
        return _function(call)(x) if y is None else _function(call)(x, y)

    return method


def _reflected(name: str) -> Callable[..., Any]:
    call = getattr(operator, name)
    return lambda x, y: _function(call)(y, x)


for _name in (
    "add",
    "sub",
    "mul",
    "truediv",
    "floordiv",
    "mod",
    "pow",
    "matmul",
    "and_",
    "or_",
    "xor",
    "lshift",
    "rshift",
):
    _stem = _name.rstrip("_")
    setattr(Array, f"__{_stem}__", _operator(_name))
    setattr(Array, f"__r{_stem}__", _reflected(_name))
for _name in ("eq", "ne", "lt", "le", "gt", "ge", "neg", "pos", "abs", "invert"):
    setattr(Array, f"__{_name}__", _operator(_name))


def asarray(
    obj: Any, /, *, dtype: DType | None = None, device: Device | None = None, copy: bool | None = None
) -> Array:
    """Of an array of the toy, Python numbers, or an object with a buffer."""
    values = obj._values if isinstance(obj, Array) else obj
    if not isinstance(obj, (Array, bool, int, float, complex, list, tuple)):
        values = memoryview(obj)
    made = np.array(values, dtype=None if dtype is None else dtype.name)
    return Array(made, device or (obj.device if isinstance(obj, Array) else MAIN))


class _Info:
    def capabilities(self) -> dict[str, Any]:
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": 64}

    def default_device(self) -> Device:
        return MAIN

    def devices(self) -> list[Device]:
        return [MAIN, SIDE]

    def default_dtypes(self, *, device: Device | None = None) -> dict[str, DType]:
        names = {"real floating": "float64", "complex floating": "complex128", "integral": "int64", "indexing": "int64"}
        return {kind: DTYPES[name] for kind, name in names.items()}

    def dtypes(self, *, device: Device | None = None, kind: Any = None) -> dict[str, DType]:
        return dict(DTYPES)


def _namespace() -> ModuleType:
    module = ModuleType("toy")
    names = {name for chapter in CHAPTERS.values() for name in chapter} | set(CREATION)
    vars(module).update({name: _function(getattr(compat, name)) for name in names})
    vars(module).update(DTYPES)
    vars(module).update(e=np.e, pi=np.pi, inf=np.inf, nan=np.nan, newaxis=None, asarray=asarray)
    module.__array_namespace_info__ = _Info
    module.__array_api_version__ = "2025.12"
    module.linalg = ModuleType("toy.linalg")
    for name in ("cholesky", "det", "inv", "qr", "solve", "svd", "matrix_norm", "vector_norm"):
        setattr(module.linalg, name, _function(getattr(compat.linalg, name)))
    return module


namespace = _namespace()
Array.__module__ = "toy"
