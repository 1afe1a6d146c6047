"""array-api-strict as a backend. Its arrays are treated as if they could not be written, and its five virtual devices
stand in for accelerators: what works here uses nothing outside the standard and forgets no device.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from pullback.extend import Backend, Capabilities


class StrictBackend(Backend):
    """Arrays of array-api-strict."""

    name = "strict"
    extra = "strict"
    default_candidate = False

    def import_namespace(self) -> ModuleType:
        import array_api_strict  # noqa: PLC0415  not before the first array

        return array_api_strict

    def owns(self, module: str) -> bool:
        return module == "array_api_strict"

    @property
    def array_types(self) -> tuple[type, ...]:
        return (type(self.namespace.empty(0)),)

    @property
    def capabilities(self) -> Capabilities:
        flags = self.namespace.get_array_api_strict_flags()
        extensions = flags["enabled_extensions"]
        return Capabilities(
            mutable=False,
            views=False,
            boolean_indexing=flags["boolean_indexing"],
            data_dependent_shapes=flags["data_dependent_shapes"],
            linalg="linalg" in extensions,
            fft="fft" in extensions,
        )

    def kernels(self) -> dict[str, Any]:
        isin = self.namespace.isin  # 2.6 takes `invert` and forgets it
        return {"isin": lambda x1, x2, /, *, invert=False: isin(x1, x2) != invert}

    def device_name(self, native: Any) -> str:
        return self.name if native == self.default_native_device() else f"{self.name}:{_label(native)}"

    def parse_device(self, text: str) -> Any:
        default = self.default_native_device()
        return default if text == f"{self.name}:{_label(default)}" else super().parse_device(text)

    def to_host(self, array: Any) -> Any:
        import numpy as np  # noqa: PLC0415  the host

        return np.asarray(array.to_device(self.default_native_device()))

    def from_host(self, array: Any, device: Any) -> Any:
        return self.namespace.asarray(array, copy=True).to_device(device)

    def quiet(self) -> Any:
        import numpy as np  # noqa: PLC0415  what array-api-strict computes with

        return np.errstate(all="ignore")

    def generator(self, seed: int | None) -> Any:
        return StrictGenerator(self, seed)


class StrictGenerator:
    """The numbers of the NumPy backend's generator, so that programs give the same results here."""

    def __init__(self, backend: StrictBackend, seed: int | None) -> None:
        from pullback_numpy.random import NumPyGenerator  # noqa: PLC0415  needs NumPy

        self._backend = backend
        self._source = NumPyGenerator(seed)
        self.get_state = self._source.get_state
        self.set_state = self._source.set_state

    def normal(self, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """From the standard normal distribution."""
        return self._backend.from_host(self._source.normal(shape, _numpy(dtype), None), device)

    def uniform(self, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """From the uniform distribution on [0, 1)."""
        return self._backend.from_host(self._source.uniform(shape, _numpy(dtype), None), device)

    def integers(self, low: int, high: int, shape: tuple[int, ...], dtype: Any, device: Any) -> Any:
        """Uniform integers in [low, high)."""
        return self._backend.from_host(self._source.integers(low, high, shape, _numpy(dtype), None), device)


def _label(native: Any) -> str:
    """What array-api-strict calls one of its devices: "CPU_DEVICE", "device1", ..."""
    return str(native).partition("'")[2].rstrip("')")


def _numpy(dtype: Any) -> Any:
    import numpy as np  # noqa: PLC0415  the host

    return np.dtype(str(dtype).rpartition(".")[2])
