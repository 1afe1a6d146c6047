"""What a namespace says of itself: the object of `__array_namespace_info__()`."""

from __future__ import annotations

from typing import Any

from pullback.backend import Backend
from pullback.devices import Device
from pullback.dtypes import DTYPES, DType, to_complex
from pullback.ops.data_type_functions import isdtype
from pullback.plugins import backends


class NamespaceInfo:
    """Capabilities, devices and dtypes of the Tensors of one backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    def capabilities(self) -> dict[str, Any]:
        """What the backend can do, under the standard's keys."""
        can = self._backend.capabilities
        return {
            "boolean indexing": can.boolean_indexing,
            "data-dependent shapes": can.data_dependent_shapes,
            "max dimensions": can.max_dimensions,
        }

    def default_device(self) -> Device:
        """Where arrays are made unless a device is given."""
        return self._backend.device(self._backend.default_native_device())

    def devices(self) -> tuple[Device, ...]:
        """All devices."""
        return tuple(map(self._backend.device, self._backend.native_devices()))

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes of Python numbers, by kind."""
        native = None if device is None else backends.device(device).native
        real = self._backend.default_dtype(native)
        integer = self._backend.default_integer(native)
        return {"real floating": real, "complex floating": to_complex(real), "integral": integer, "indexing": integer}

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, DType]:
        """The dtypes that arrays on the device can have, by name; only those of the kind, if given."""
        native = self._backend.default_native_device() if device is None else backends.device(device).native
        return {
            name: dtype
            for name, dtype in DTYPES.items()
            if name != "float16" and (kind is None or isdtype(dtype, kind)) and self._backend.supports(dtype, native)
        }
