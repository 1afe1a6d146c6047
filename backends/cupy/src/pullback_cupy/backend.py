"""CuPy as a backend: NVIDIA GPUs, "cuda" and "cuda:N"."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property, wraps
from importlib.util import find_spec
from types import ModuleType
from typing import Any, Final

from pullback.extend import Availability, Aval, Backend, BackendNotFoundError, Capabilities, DType

_CREATORS: Final = (
    *("arange", "asarray", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones", "ones_like"),
    *("zeros", "zeros_like"),
)


class CuPyBackend(Backend):
    """Arrays of CuPy. A native device is its number; operations run on the current stream of the device."""

    name = "cupy"
    extra = "cuda13"
    device_types = ("cuda",)

    def import_namespace(self) -> ModuleType:
        import array_api_compat.cupy as compat  # noqa: PLC0415  CuPy takes a second to import

        namespace = ModuleType("pullback_cupy.namespace", compat.__doc__)
        vars(namespace).update({name: getattr(compat, name) for name in compat.__all__})
        for name in _CREATORS:
            setattr(namespace, name, self._on_device(getattr(compat, name)))
        return namespace

    def _on_device(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A creation function that heeds `device`: CuPy makes arrays on the current one, whatever it is told."""

        @wraps(function)
        def made(*args: Any, device: int | None = None, **options: Any) -> Any:
            with self.cupy.cuda.Device(device):
                return function(*args, **options)

        return made

    @cached_property
    def cupy(self) -> Any:
        """CuPy itself."""
        import cupy  # noqa: PLC0415

        return cupy

    @property
    def array_types(self) -> tuple[type, ...]:
        return (self.cupy.ndarray,)

    def available(self) -> Availability:
        if find_spec("cupy") is None:
            return Availability(False, "CuPy is not installed", "pip install 'pullback[cuda13]' (or cuda12)")
        try:
            count = self.cupy.cuda.runtime.getDeviceCount()
        except Exception as error:  # noqa: BLE001  the driver's own words, whatever it raises
            return Availability(False, f"{type(error).__name__}: {error}", "install or update the NVIDIA driver")
        if count == 0:
            return Availability(False, "the driver finds no GPU", "check `nvidia-smi` and CUDA_VISIBLE_DEVICES")
        return Availability()

    # --- dtypes and devices ------------------------------------------------------------------------------------------

    def native_dtype(self, dtype: DType) -> Any:
        return self.cupy.dtype(dtype.name)

    def _default_native(self, kind: str, device: Any) -> Any:
        return self.cupy.dtype(super()._default_native(kind, device))

    def native_device(self, array: Any) -> int:
        return int(array.device.id)

    def default_native_device(self) -> int:
        return int(self.cupy.cuda.runtime.getDevice())

    def native_devices(self) -> tuple[int, ...]:
        return tuple(range(self.cupy.cuda.runtime.getDeviceCount()))

    def device_name(self, native: Any) -> str:
        return f"cuda:{native}"

    def parse_device(self, text: str) -> int:
        head, _, tail = text.partition(":")
        if head in ("cuda", "cupy") and not tail:
            return self.default_native_device()
        if head in ("cuda", "cupy") and tail.isdigit() and int(tail) in self.native_devices():
            return int(tail)
        raise BackendNotFoundError(f"there is no device {text!r}; this machine has {len(self.native_devices())} GPU(s)")

    # --- arrays ------------------------------------------------------------------------------------------------------

    def scalar(self, value: Any, aval: Aval) -> Any:
        with self.cupy.cuda.Device(aval.device.native):
            return self.cupy.asarray(value, dtype=self.native_dtype(aval.dtype))

    def to_host(self, array: Any) -> Any:
        return self.cupy.asnumpy(array)

    def from_host(self, array: Any, device: Any) -> Any:
        with self.cupy.cuda.Device(device):
            return self.cupy.array(array)

    def move(self, array: Any, device: Any) -> Any:
        with self.cupy.cuda.Device(device):
            return self.cupy.array(array)

    def copy(self, array: Any) -> Any:
        return array.copy()

    # --- memory ------------------------------------------------------------------------------------------------------

    def storage(self, array: Any) -> Any:
        while array.base is not None:
            array = array.base
        return array

    def claim(self, array: Any) -> Any:
        return array if array.base is None and sys.getrefcount(array) <= self._unshared else array.copy()

    def unshared(self, array: Any, holders: int = 1) -> bool:
        return array.base is None and sys.getrefcount(array) < self._unshared + holders

    @cached_property
    def _unshared(self) -> int:
        """What `sys.getrefcount` says in `claim` of an array that only a container and a variable of the caller hold."""

        def claim(array: Any) -> int:
            return sys.getrefcount(array)

        held = {0: object()}
        for array in held.values():
            return claim(array)
        raise AssertionError

    def writable(self, array: Any) -> bool:
        return array.base is None

    def alias(self, array: Any) -> Any:
        return array.view()

    def write(self, array: Any, key: Any, value: Any) -> Any:
        array[key] = value
        return array

    def synchronize(self, device: Any) -> None:
        with self.cupy.cuda.Device(device):
            self.cupy.cuda.get_current_stream().synchronize()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(random=False)
