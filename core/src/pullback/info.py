"""What a namespace says of itself: the object of `__array_namespace_info__()`."""

from __future__ import annotations

from typing import Any

from pullback.backend import Backend
from pullback.devices import Device
from pullback.dtypes import DTYPES, DType
from pullback.errors import BackendMismatchError, BackendNotFoundError
from pullback.ops.data_type_functions import isdtype
from pullback.plugins import backends


def home(backend: Backend) -> Device:
    """Where the namespace of a backend makes arrays: on the default device if that is one of its own, else on its own."""
    try:
        chosen = backends.default_device()
    except BackendNotFoundError:
        chosen = None
    if chosen is not None and chosen.backend is backend:
        return chosen
    return backend.device(backend.default_native_device())


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
        return home(self._backend)

    def devices(self) -> tuple[Device, ...]:
        """All devices."""
        return tuple(map(self._backend.device, self._backend.native_devices()))

    def default_dtypes(self, *, device: Any = None) -> dict[str, DType]:
        """The dtypes of Python numbers, by kind."""
        native = self._native(device)
        kinds = ("real floating", "complex floating", "integral", "indexing")
        return {kind: self._backend.default_dtype(native, kind) for kind in kinds}

    def dtypes(self, *, device: Any = None, kind: str | tuple[str, ...] | None = None) -> dict[str, DType]:
        """The dtypes that arrays on the device can have, by name; only those of the kind, if given."""
        native = self._native(device)
        return {
            name: dtype
            for name, dtype in DTYPES.items()
            if name != "float16" and (kind is None or isdtype(dtype, kind)) and self._backend.supports(dtype, native)
        }

    def _native(self, device: Any) -> Any:
        place = home(self._backend) if device is None else backends.device(device)
        if place.backend is not self._backend:
            raise BackendMismatchError(
                f"__array_namespace_info__: device {str(place)!r} is none of backend {self._backend.name!r}; its devices "
                f"are {', '.join(map(str, self.devices()))}"
            )
        return place.native
