"""Large arrays come and go with every step of a training loop: let the process keep their memory in between.

glibc hands freed memory at the end of the heap back to the system, and the system clears each page again when it is
next touched: a quarter of the time of an expression over millions of elements. Its own remedy, a threshold that grows
with what a program frees, ends below what the graph of such an expression holds.
"""

from __future__ import annotations

import os
from typing import Final

KEPT: Final = 128 << 20
"""Free bytes at the end of the heap that stay with the process."""
_LARGEST: Final = 32 << 20  # arrays up to this size come from the heap: the most that glibc allows
_TRIM_THRESHOLD: Final = -1  # names in malloc.h
_MMAP_THRESHOLD: Final = -3


def keep_freed_memory() -> bool:
    """Set the thresholds of glibc's malloc; returns whether they were set.

    Not with another allocator, and not where the environment has settings of its own for it (`MALLOC_TRIM_THRESHOLD_`,
    `MALLOC_MMAP_THRESHOLD_`, `GLIBC_TUNABLES`): these count.
    """
    if any(name in os.environ for name in ("MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_THRESHOLD_", "GLIBC_TUNABLES")):
        return False
    try:
        if not (os.confstr("CS_GNU_LIBC_VERSION") or "").startswith("glibc"):
            return False
    except (AttributeError, ValueError):  # not POSIX, or another C library
        return False
    import ctypes  # noqa: PLC0415  which NumPy has imported by now

    mallopt = ctypes.CDLL(None).mallopt
    return bool(mallopt(_TRIM_THRESHOLD, KEPT)) and bool(mallopt(_MMAP_THRESHOLD, _LARGEST))
