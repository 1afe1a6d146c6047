"""The memory of a GPU: how much there is, giving it back, and an error for when there is none left.

CuPy keeps freed memory in a pool for the next array, so what the driver calls used is more than what arrays hold.
"""

from __future__ import annotations

from contextlib import suppress
from typing import Any, NamedTuple

from pullback.extend import PullbackError


class GpuMemoryError(PullbackError, MemoryError):
    """There is not enough memory on a GPU. Tensors, graphs and every `.grad` are as they were."""


class MemoryInfo(NamedTuple):
    """Bytes on one GPU: those that arrays hold, those that CuPy's pool holds, those that are free, and all there are."""

    used: int
    held: int
    free: int
    total: int

    def __str__(self) -> str:
        used, held, free, total = (f"{n / 2**30:.2f} GiB" for n in self)
        return f"arrays hold {used}, CuPy's pool holds {held}, {free} of {total} are free"


def info_of(cupy: Any, number: int) -> MemoryInfo:
    """What there is on a GPU. Of another allocator than CuPy's own pool, the first two figures are not known, and 0."""
    with cupy.cuda.Device(number) as device:
        pool = cupy.get_default_memory_pool()
        free, total = device.mem_info
        return MemoryInfo(int(pool.used_bytes()), int(pool.total_bytes()), int(free), int(total))


def give_back(cupy: Any, numbers: Any) -> None:
    """Give the memory that the pools keep for later back to the driver: on GPUs, and page-locked memory of the host."""
    for number in numbers:
        with cupy.cuda.Device(number):
            cupy.get_default_memory_pool().free_all_blocks()
    cupy.get_default_pinned_memory_pool().free_all_blocks()


def explained(cupy: Any, op: str, error: Exception) -> GpuMemoryError:
    """CuPy's error with the op, the device and the figures. CuPy itself has tried to empty its pool before."""
    number = cupy.cuda.runtime.getDevice()
    figures = ""
    with suppress(Exception):  # the figures help; that they cannot be had must not hide the error
        figures = f" There, {info_of(cupy, number)}."
    return GpuMemoryError(
        f"{op}: no memory left on cuda:{number}. {error}{figures} Nothing was changed. Delete Tensors that are not needed, "
        f"compute under pb.no_grad() what needs no gradient, keep less for the reverse pass by "
        f"pb.utils.checkpoint.checkpoint, or use smaller batches"
    )


# --- the host's side -------------------------------------------------------------------------------------------------

SMALL = 1 << 16
"""Bytes up to which an array goes to the host through ordinary memory: page-locking costs more than it saves."""


def to_host(cupy: Any, array: Any) -> Any:
    """The values as a NumPy array, after waiting for them; large ones through page-locked memory, which is faster."""
    if array.nbytes > SMALL:
        import cupyx  # noqa: PLC0415  comes with CuPy

        try:
            memory = cupyx.empty_pinned(array.shape, array.dtype)
        except (MemoryError, cupy.cuda.runtime.CUDARuntimeError):  # the host cannot lock so much
            return array.get()
        return array.get(out=memory)
    return array.get()
