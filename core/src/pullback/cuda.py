"""`pb.cuda`: whether a GPU can be used, under PyTorch's names."""

from __future__ import annotations

from pullback.dtypes import DType, float32, float64
from pullback.errors import PullbackError
from pullback.plugins import backends

__all__ = ["DoubleTensor", "FloatTensor", "device_count", "is_available"]


def is_available() -> bool:
    """Whether the CuPy backend is installed and finds a usable GPU.

    >>> import pullback as pb
    >>> isinstance(pb.cuda.is_available(), bool)
    True
    """
    return device_count() > 0


def device_count() -> int:
    """How many GPUs can be used.

    >>> import pullback as pb
    >>> pb.cuda.device_count() >= 0
    True
    """
    try:
        owner = backends.backend("cupy")
    except PullbackError:
        return 0
    return len(owner.native_devices()) if backends.availability(owner).ok else 0


FloatTensor: DType = float32
"""The old spelling of `dtype=float32`; move the Tensor with `.to("cuda")`."""
DoubleTensor: DType = float64
"""The old spelling of `dtype=float64`."""
