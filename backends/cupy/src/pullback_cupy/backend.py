"""CuPy as a backend: NVIDIA GPUs, "cuda" and "cuda:N"."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cached_property, wraps
from importlib.metadata import PackageNotFoundError, distribution
from importlib.util import find_spec
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

from pullback.extend import Availability, Aval, Backend, BackendNotFoundError, Capabilities, DType

if TYPE_CHECKING:
    from pullback_cupy.memory import MemoryInfo
    from pullback_cupy.placing import Placing

_CREATORS: Final = (
    *("arange", "asarray", "empty", "empty_like", "eye", "full", "full_like", "linspace", "ones", "ones_like"),
    *("zeros", "zeros_like"),
)


_DISTRIBUTIONS: Final = (
    *("cupy", "cupy-cuda11x", "cupy-cuda12x", "cupy-cuda13x"),
    *("cupy-rocm-5-0", "cupy-rocm-6-0", "cupy-rocm-7-0"),
)
"""Whose files are those of the package `cupy`."""


class CuPyBackend(Backend):
    """Arrays of CuPy. A native device is its number; operations run there, on its current stream.

    Operators on raw arrays are not plain: they too run where their arrays are, and say so when memory runs out.
    """

    name = "cupy"
    extra = "cuda13"
    device_types = ("cuda",)
    plain_operators = False

    def import_namespace(self) -> ModuleType:
        import array_api_compat.cupy as compat  # noqa: PLC0415  CuPy takes a second to import

        namespace = ModuleType("pullback_cupy.namespace", compat.__doc__)
        vars(namespace).update({name: getattr(compat, name) for name in compat.__all__})
        for name in _CREATORS:
            setattr(namespace, name, self._on_device(getattr(compat, name)))
        if self.placing.several:
            for name, function in list(vars(namespace).items()):
                if callable(function) and not isinstance(function, type) and name not in _CREATORS:
                    setattr(namespace, name, self.placing.running(function, name))
        return namespace

    def _on_device(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A creation function that heeds `device`, else stays with its arguments: CuPy makes arrays on the current one."""

        @wraps(function)
        def made(*args: Any, device: int | None = None, **options: Any) -> Any:
            with self.cupy.cuda.Device(self.placing.number(args) if device is None else device):
                return function(*args, **options)

        return made

    @cached_property
    def cupy(self) -> Any:
        """CuPy itself."""
        import cupy  # noqa: PLC0415

        return cupy

    @cached_property
    def placing(self) -> Placing:
        """What runs functions where their arrays are."""
        from pullback_cupy.placing import Placing  # noqa: PLC0415  with CuPy

        placing = Placing(self.cupy)
        if placing.several:
            self.surround_passes(placing.kept)
        return placing

    @property
    def array_types(self) -> tuple[type, ...]:
        return (self.cupy.ndarray,)

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(max_dimensions=64)

    def kernels(self) -> dict[str, Any]:
        from pullback_cupy import kernels  # noqa: PLC0415  with CuPy

        return kernels.build(self.cupy)

    def find_kernel(self, primitive: Any) -> Callable[..., Any]:
        return self.placing.running(super().find_kernel(primitive), primitive.name)

    def fitted(self, name: str, *avals: Aval) -> Callable[..., Any]:
        return self.placing.running(super().fitted(name, *avals), name)

    def placed(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        return self.placing.moving(function, name)

    def available(self) -> Availability:
        if find_spec("cupy") is None:
            return Availability(False, "CuPy is not installed", "pip install 'pullback[cuda13]' (or cuda12)")
        owners = list(filter(_installed, _DISTRIBUTIONS))
        if len(owners) > 1:
            text = f"{' and '.join(owners)} are installed, and overwrite each other's files"
            return Availability(False, text, f"pip uninstall {' '.join(owners)}, then install one of them")
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

    def synchronize(self, device: Any) -> None:
        with self.cupy.cuda.Device(device):
            self.cupy.cuda.get_current_stream().synchronize()

    # --- arrays ------------------------------------------------------------------------------------------------------

    def scalar(self, value: Any, aval: Aval) -> Any:
        with self.cupy.cuda.Device(aval.device.native):  # filled there: no number is sent to the device
            return self.cupy.full((), value, dtype=self.native_dtype(aval.dtype))

    def to_host(self, array: Any) -> Any:
        from pullback_cupy.memory import to_host  # noqa: PLC0415  with CuPy

        with self.cupy.cuda.Device(array.device.id):
            return to_host(self.cupy, array)

    def from_host(self, array: Any, device: Any) -> Any:
        with self.cupy.cuda.Device(
            device
        ):  # CuPy copies through page-locked memory, in the order of the current stream
            return self.cupy.array(array)

    def move(self, array: Any, device: Any) -> Any:
        """From one GPU to another: after what is queued there for the array, and before what is queued later."""
        source = array.device.id
        if source == device:
            return array
        waiting = self._event_on(source)
        with self.cupy.cuda.Device(device):
            self.cupy.cuda.get_current_stream().wait_event(waiting)
            made = self.cupy.array(array)
        arrived = self._event_on(device)
        with self.cupy.cuda.Device(source):  # or its memory could be used again before it was read
            self.cupy.cuda.get_current_stream().wait_event(arrived)
        return made

    def _event_on(self, device: int) -> Any:
        """What is queued on the current stream of a device, as something to wait for there."""
        with self.cupy.cuda.Device(device):
            event = self.cupy.cuda.Event(disable_timing=True)
            event.record(self.cupy.cuda.get_current_stream())
            return event

    def copy(self, array: Any) -> Any:
        with self.cupy.cuda.Device(array.device.id):
            return array.copy()

    def generator(self, seed: int | None) -> Any:
        from pullback_cupy.random import CuPyGenerator  # noqa: PLC0415  with CuPy

        return CuPyGenerator(self.cupy, seed)

    # --- memory ------------------------------------------------------------------------------------------------------

    def memory_info(self, device: int) -> MemoryInfo:
        """The figures of a GPU's memory."""
        from pullback_cupy.memory import info_of  # noqa: PLC0415  with CuPy

        return info_of(self.cupy, device)

    def free_memory(self) -> None:
        """Give back what CuPy's pools keep for later."""
        from pullback_cupy.memory import give_back  # noqa: PLC0415  with CuPy

        give_back(self.cupy, self.native_devices())

    def storage(self, array: Any) -> Any:
        while array.base is not None:
            array = array.base
        return array

    def claim(self, array: Any) -> Any:
        return array if array.base is None and sys.getrefcount(array) <= self._unshared else self.copy(array)

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
        with self.cupy.cuda.Device(array.device.id):
            array[key] = value
        return array


def _installed(name: str) -> bool:
    """Whether a distribution is installed."""
    try:
        distribution(name)
    except PackageNotFoundError:
        return False
    return True
