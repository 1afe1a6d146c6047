"""The CuPy backend of pullback: NVIDIA GPUs. CuPy is imported when the first array is made, not before."""

from __future__ import annotations

from typing import Any

from pullback_cupy.backend import CuPyBackend
from pullback_cupy.memory import GpuMemoryError, MemoryInfo

__all__ = ["CuPyBackend", "GpuMemoryError", "MemoryInfo", "free_memory", "memory_info"]


def memory_info(device: Any = "cuda") -> MemoryInfo:
    """The bytes on a GPU: held by arrays, held by CuPy's pool, free, and all there are.

    Raises `BackendNotFoundError` if there is no such device, `BackendUnavailableError` if no GPU can be used.

    >>> import pullback as pb
    >>> if pb.cuda.is_available():
    ...     print(memory_info("cuda:0"))
    """
    place = _device(device)
    return place.backend.memory_info(place.native)  # type: ignore[no-any-return]


def free_memory() -> None:
    """Give the memory that CuPy keeps for later arrays back to the driver, on all GPUs, and its page-locked memory.

    >>> import pullback as pb
    >>> if pb.cuda.is_available():
    ...     free_memory()
    """
    _device("cuda").backend.free_memory()


def _device(device: Any) -> Any:
    import pullback  # noqa: PLC0415  whoever asks has it

    found = pullback.device(device)
    if not isinstance(found.backend, CuPyBackend):
        raise ValueError(f"memory_info: {str(found)!r} is no GPU")
    return found
