"""Tensors and Dask arrays."""

from __future__ import annotations

from typing import Any


def to_dask(x: Any) -> Any:
    """The Dask array of a Tensor on "dask", not computed. The way back is `pb.asarray(array)`.

    Raises `TypeError` for anything else, and `ValueError` for a Tensor that requires grad: write `x.detach()`.

    >>> import pullback as pb
    >>> from pullback_dask import to_dask
    >>> x = pb.ones(4, 3, device="dask")
    >>> to_dask(x * 2).sum().compute()
    np.float32(24.0)
    """
    if getattr(getattr(x, "device", None), "backend", None) is None or x.device.backend.name != "dask":
        raise TypeError(
            f"to_dask: a Tensor on 'dask' is needed, got {type(x).__name__} on {getattr(x, 'device', None)}"
        )
    if x.requires_grad:
        raise ValueError("to_dask: this Tensor requires grad; write .detach() for its values")
    return x._array.copy()
