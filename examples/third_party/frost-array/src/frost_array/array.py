"""The array: a NumPy array that nobody else can reach, and the compartment that it lives in."""

import hashlib
import operator

import numpy as np


class Compartment:
    """Where an array lives. Arrays of different compartments do not mix."""

    def __init__(self, name):
        self.name = name

    def __str__(self):
        return self.name

    def __repr__(self):
        return f"<compartment {self.name}>"


OPEN, HELD_OUT = Compartment("open"), Compartment("held_out")


class Array:
    """An array that never changes. Made by the functions of the namespace."""

    __slots__ = ("__weakref__", "_data", "device")
    __array_ufunc__ = None  # NumPy's arrays leave operators to this class, which refuses

    def __init__(self, data, device):
        self._data = np.asarray(data)  # NumPy's scalars become arrays
        self._data.flags.writeable = False
        self.device = device

    def __array__(self, *args, **options):
        raise TypeError("a frost array is not converted silently: write numpy.from_dlpack(x)")

    def __array_namespace__(self, *, api_version=None):
        import frost_array

        return frost_array

    shape = property(lambda self: self._data.shape)
    dtype = property(lambda self: self._data.dtype)
    ndim = property(lambda self: self._data.ndim)
    size = property(lambda self: self._data.size)
    T = property(lambda self: Array(self._data.T, self.device))
    mT = property(lambda self: Array(self._data.mT, self.device))  # noqa: N815  the standard's name

    def to_device(self, device, /, *, stream=None):
        """The same values in another compartment."""
        return self if device is self.device else Array(self._data, device)

    def __dlpack__(self, **options):
        return self._data.__dlpack__(**options)

    def __dlpack_device__(self):
        return self._data.__dlpack_device__()

    def __getitem__(self, key):
        return Array(self._data[_index(key)], self.device)

    def __repr__(self):
        return f"frost({np.array2string(self._data, separator=', ')}, {self.dtype}, {self.device})"


def compartment(arrays):
    """The one compartment of some arrays."""
    found = {array.device for array in arrays}
    if len(found) > 1:
        raise ValueError(f"{' and '.join(sorted(map(str, found)))} do not mix: move one of the arrays by to_device")
    return found.pop() if found else OPEN


def digest(x):
    """A key for what an array holds: equal for arrays of equal shape, dtype and bytes."""
    return hashlib.sha256(repr((x.shape, x.dtype.str)).encode() + x._data.tobytes()).hexdigest()


def _index(key):
    if isinstance(key, tuple):
        return tuple(map(_index, key))
    return key._data if isinstance(key, Array) else key


def _conversion(function):
    return lambda self: function(self._data)


def _unary(function):
    return lambda self: Array(function(self._data), self.device)


def _binary(function, *, swapped=False):
    def method(self, other, /):
        if isinstance(other, Array):
            compartment((self, other))
            other = other._data
        elif not isinstance(other, bool | int | float | complex):
            return NotImplemented
        return Array(function(other, self._data) if swapped else function(self._data, other), self.device)

    return method


for _name in ("abs", "invert", "neg", "pos"):
    setattr(Array, f"__{_name}__", _unary(getattr(operator, _name)))
for _name in ("eq", "ge", "gt", "le", "lt", "ne"):
    setattr(Array, f"__{_name}__", _binary(getattr(operator, _name)))
for _name in ("add", "floordiv", "lshift", "matmul", "mod", "mul", "pow", "rshift", "sub", "truediv"):
    setattr(Array, f"__{_name}__", _binary(getattr(operator, _name)))
    setattr(Array, f"__r{_name}__", _binary(getattr(operator, _name), swapped=True))
for _name in ("and", "or", "xor"):
    setattr(Array, f"__{_name}__", _binary(getattr(operator, f"__{_name}__")))
    setattr(Array, f"__r{_name}__", _binary(getattr(operator, f"__{_name}__"), swapped=True))
for _name, _type in (("bool", bool), ("complex", complex), ("float", float), ("int", int), ("index", operator.index)):
    setattr(Array, f"__{_name}__", _conversion(_type))
Array.__hash__ = None  # as == is elementwise; `digest` is what a cache wants
