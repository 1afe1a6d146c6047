"""NumPy as a backend: the host, "cpu"."""

from __future__ import annotations

import sys
from functools import cached_property
from types import ModuleType
from typing import Any

from pullback.extend import ArgumentError, Aval, Backend, Capabilities, DType

from pullback_numpy.memory import keep_freed_memory


class NumPyBackend(Backend):
    """Arrays of NumPy. 0-d results stay NumPy scalars inside, where arithmetic on them is ten times faster."""

    name = "numpy"
    extra = "cpu"
    device_types = ("cpu",)

    def import_namespace(self) -> ModuleType:
        import array_api_compat.numpy as namespace  # noqa: PLC0415  not before the first array

        keep_freed_memory()
        return namespace

    @cached_property
    def numpy(self) -> ModuleType:
        """NumPy itself."""
        import numpy  # noqa: PLC0415

        return numpy

    @property
    def array_types(self) -> tuple[type, ...]:
        return (self.numpy.ndarray, self.numpy.generic)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(max_dimensions=64)

    def kernels(self) -> dict[str, Any]:
        from pullback_numpy import kernels  # noqa: PLC0415  needs NumPy

        return kernels.KERNELS

    def fitted(self, name: str, *avals: Aval) -> Any:
        from pullback_numpy import kernels  # noqa: PLC0415  needs NumPy

        return kernels.fitted(name, avals) or super().fitted(name, *avals)

    # --- dtypes and devices ------------------------------------------------------------------------------------------

    def native_dtype(self, dtype: DType) -> Any:
        return self.numpy.dtype(dtype.name)

    def _default_native(self, kind: str, device: Any) -> Any:
        return self.numpy.dtype(super()._default_native(kind, device))

    def native_device(self, array: Any) -> str:
        return "cpu"

    def default_native_device(self) -> str:
        return "cpu"

    def native_devices(self) -> tuple[str, ...]:
        return ("cpu",)

    def device_name(self, native: Any) -> str:
        return "cpu"

    def parse_device(self, text: str) -> Any:
        return super().parse_device("cpu" if text == "cpu:0" else text)

    def aval(self, array: Any) -> Aval:
        try:
            return self._avals[array.shape, array.dtype]
        except KeyError:
            dtype = self.dtype(array.dtype)  # byte order is part of a NumPy dtype: foreign ones are refused here
            aval = self._avals[array.shape, array.dtype] = self.intern(array.shape, dtype, self.device("cpu"))
            return aval

    # --- arrays ------------------------------------------------------------------------------------------------------

    def scalar(self, value: Any, aval: Aval) -> Any:
        made = self.numpy.asarray(value, dtype=self.native_dtype(aval.dtype))
        return made[()] if aval.ndim == 0 else made  # an array times a 0-d array is faster than times a scalar

    def to_host(self, array: Any) -> Any:
        return self.numpy.asarray(array)

    def from_host(self, array: Any, device: Any) -> Any:
        return self.numpy.array(array)

    def move(self, array: Any, device: Any) -> Any:
        return array

    def to_array(self, array: Any) -> Any:
        return self.numpy.asarray(array)

    def tolist(self, array: Any) -> Any:
        return array.tolist()

    def settle(self, array: Any) -> Any:
        return array if array.shape else array[()]

    def adopt(self, array: Any, *, copy: bool) -> Any:
        if type(array) is not self.numpy.ndarray and isinstance(array, self.numpy.ndarray):
            if isinstance(array, self.numpy.ma.MaskedArray):
                raise ArgumentError("asarray: a masked array would lose its mask; write .filled(value), or pb.where")
            array = self.numpy.asarray(array)  # a subclass may mean something else by `*`
        if not array.dtype.isnative:
            array = array.astype(array.dtype.newbyteorder("="))
        return (array.copy() if copy else array) if array.shape else array[()]

    def copy(self, array: Any) -> Any:
        return array.copy()

    @cached_property
    def quiet(self) -> Any:
        from pullback_numpy.quiet import quiet  # noqa: PLC0415  needs NumPy

        return quiet

    # --- memory ------------------------------------------------------------------------------------------------------

    def storage(self, array: Any) -> Any:
        base = array.base
        if base is None:
            return array
        ndarray = self.numpy.ndarray
        while isinstance(base, ndarray):
            array, base = base, base.base
        return array

    def claim(self, array: Any) -> Any:
        if type(array) is not self.numpy.ndarray:
            return array  # a NumPy scalar cannot be written
        return array if array.base is None and sys.getrefcount(array) <= self._unshared else array.copy()

    def unshared(self, array: Any, holders: int = 1) -> bool:
        return array.base is None and sys.getrefcount(array) < self._unshared + holders

    @cached_property
    def _unshared(self) -> int:
        """What `sys.getrefcount` says in `claim` of an array that only a container and a variable of the caller hold."""

        def claim(array: Any) -> int:
            return sys.getrefcount(array)

        held = {0: self.numpy.zeros(2)}
        for array in held.values():
            return claim(array)
        raise AssertionError

    def writable(self, array: Any) -> bool:
        return type(array) is self.numpy.ndarray and array.flags.writeable and array.base is None

    def alias(self, array: Any) -> Any:
        return array.view()

    def window(self, array: Any) -> Any:
        window = self.numpy.asarray(array).view()
        window.flags.writeable = False
        return window

    def write(self, array: Any, key: Any, value: Any) -> Any:
        array[key] = value
        return array

    def generator(self, seed: int | None) -> Any:
        from pullback_numpy.random import NumPyGenerator  # noqa: PLC0415  needs NumPy

        return NumPyGenerator(seed)
