"""NumPy arrays as Tensors on a device, in a given memory layout, with NaN in every gap; and back.

In NumPy's own memory, what is transposed also lies at an odd address and cannot be written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pullback as pb


def host(x: Any) -> np.ndarray:
    """The values of a Tensor, as a NumPy array."""
    return np.asarray(x.detach().to("cpu").numpy())


def place(x: np.ndarray, device: str, layout: str = "C") -> Any:
    """A NumPy array as a Tensor on a device. The values are the same in every layout.

    >>> place(np.asarray([[1.0, 2.0], [3.0, 4.0]]), "cpu", "transposed").tolist()
    [[1.0, 2.0], [3.0, 4.0]]
    """
    x = np.asarray(x)
    if layout == "C" or x.ndim == 0:
        return _moved(x, device)
    if layout == "transposed":
        return pb.permute_dims(_moved(np.ascontiguousarray(x.T), device, odd=True), tuple(range(x.ndim))[::-1]).detach()
    if layout == "broadcast":
        return pb.broadcast_to(_moved(x[:1], device), x.shape).detach()
    if layout == "reversed":
        return pb.flip(_moved(np.ascontiguousarray(np.flip(x)), device)).detach()
    if layout == "gaps":
        odd = (slice(1, None, 2),) * x.ndim
        base = np.full(tuple(2 * n + 1 for n in x.shape), np.nan if x.dtype.kind in "fc" else 1, dtype=x.dtype)
        base[odd] = x
        return _moved(base, device)[(*odd, ...)].detach()
    raise ValueError(f"no layout {layout!r}")


def at_odd_address(x: np.ndarray) -> np.ndarray:
    """The same numbers in memory that is not aligned, and cannot be written."""
    return np.frombuffer(bytes(1) + x.tobytes(), dtype=x.dtype, offset=1).reshape(x.shape) if x.size else x


def spread(x: np.ndarray) -> np.ndarray:
    """Values that a broadcast layout can have: those of the first row, everywhere."""
    return np.broadcast_to(x[:1], x.shape) if x.ndim and x.shape[0] else x


def _moved(x: np.ndarray, device: str, *, odd: bool = False) -> Any:
    if odd and device == "cpu":
        return pb.asarray(at_odd_address(x), copy=False)
    if x.dtype == np.int64 and not pb.device(device).backend.supports(pb.int64, pb.device(device).native):
        x = x.astype(np.int32)
    return pb.asarray(x).to(device)
