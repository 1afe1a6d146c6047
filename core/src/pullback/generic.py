"""The generic backend: any library that follows the standard, without a plugin of its own.

It uses nothing but the standard, so it is never the fastest, treats arrays as if they could not be written, and reaches
the host through DLPack.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

from pullback.backend import Backend, Capabilities
from pullback.errors import BackendUnavailableError


class GenericBackend(Backend):
    """A backend made from one array type and its namespace."""

    default_candidate = False

    def __init__(self, array_type: type, namespace: ModuleType, from_dlpack: Callable[[Any], Any]) -> None:
        super().__init__()
        self._type = array_type
        self._from_dlpack = from_dlpack
        self._namespace = namespace
        self.name = getattr(namespace, "__name__", array_type.__module__).partition(".")[0]

    def owns(self, module: str) -> bool:
        return False  # its arrays are known by their namespace

    def import_namespace(self) -> ModuleType:
        return self._namespace

    @property
    def array_types(self) -> tuple[type, ...]:
        return (self._type,)

    @property
    def capabilities(self) -> Capabilities:
        info = self._namespace.__array_namespace_info__().capabilities()
        return Capabilities(
            mutable=False,
            views=False,
            boolean_indexing=bool(info.get("boolean indexing", True)),
            data_dependent_shapes=bool(info.get("data-dependent shapes", True)),
            float64=hasattr(self._namespace, "float64"),
            complex=hasattr(self._namespace, "complex128"),
            linalg=hasattr(self._namespace, "linalg"),
            fft=hasattr(self._namespace, "fft"),
            random=False,
            max_dimensions=info.get("max dimensions"),
        )

    def default_native_device(self) -> Any:
        device = super().default_native_device()  # the standard allows None: where the library puts things
        return self._namespace.empty(0).device if device is None else device

    def to_host(self, array: Any) -> Any:
        problems = []
        for candidate in self._everywhere(array):
            try:
                return self._from_dlpack(candidate)
            except Exception as error:  # noqa: BLE001  each library refuses in its own way
                problems.append(error)
        raise BackendUnavailableError(
            f"backend {self.name!r} has no plugin, and its arrays do not reach the host through DLPack: {problems[0]}"
        ) from problems[0]

    def _everywhere(self, array: Any) -> Iterator[Any]:
        """The array where it is, and on each other device of its library: one of them may be the host."""
        yield array
        here = self.native_device(array)
        for device in self.native_devices():
            if device != here:
                yield self.move(array, device)
