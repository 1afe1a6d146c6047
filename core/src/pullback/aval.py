"""Aval: what an array is, apart from its values. One object per (shape, dtype, device) of a backend.

Two Tensors whose avals are the same object agree in shape, dtype, device and backend: one pointer comparison answers
what would be four. Whatever is worked out once for an aval, or for a pair, is kept on it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullback.backend import Backend
    from pullback.devices import Device
    from pullback.dtypes import DType

_MEMO_LIMIT = 1024


class Aval:
    """An abstract value: shape, dtype, device, backend. Compare with `is`; `Backend.aval` interns them."""

    __slots__ = (
        "__weakref__",
        "axes",
        "backend",
        "device",
        "differentiable",
        "direct",
        "dtype",
        "known",
        "ndim",
        "own",
        "plans",
        "scalars",
        "shape",
        "size",
    )

    def __init__(self, shape: tuple[int, ...], dtype: DType, device: Device, backend: Backend) -> None:
        self.shape = shape
        self.dtype = dtype
        self.device = device
        self.backend = backend
        self.ndim = len(shape)
        self.axes = tuple(range(self.ndim))
        self.size = math.prod(shape)
        self.known = (
            self.size == self.size
        )  # False for a lazy array of unknown (nan) shape: such an aval is like no other
        self.differentiable = dtype.differentiable
        # Python's operators on two raw arrays of this aval are the op itself, and give this aval again
        self.direct = dtype.differentiable and backend.plain_operators
        self.scalars: dict[
            Any, Any
        ] = {}  # Python number -> raw 0-d array, see scalar(); a backend may keep more constants
        self.plans: dict[Any, Any] = {}  # see apply.Plan
        self.own: list[Any] = [
            None
        ] * 8  # plans of the arithmetic operators on two arrays of this aval, see operators.py

    def scalar(self, value: Any) -> Any:
        """The Python number `value` as a raw 0-d array of this dtype and device."""
        raw = self.scalars.get(value)
        if raw is None:
            if value:
                raw = self.backend.scalar(value, self)
                if value == value:  # nan is no key
                    self._keep(value, raw)
            else:
                key = "0", str(value)  # 0.0 and -0.0 are one key
                raw = self.scalars.get(key)
                if raw is None:
                    raw = self._keep(key, self.backend.scalar(value, self))
        return raw

    def _keep(self, key: Any, raw: Any) -> Any:
        if len(self.scalars) >= _MEMO_LIMIT:
            self.scalars.clear()
        self.scalars[key] = raw
        return raw

    def remember(self, key: Any, plan: Any) -> Any:
        """Keep `plan` for `key`, within bounds."""
        if len(self.plans) >= _MEMO_LIMIT:
            self.plans.clear()
        self.plans[key] = plan
        return plan

    def with_dtype(self, dtype: DType) -> Aval:
        """The aval of the same shape and device with another dtype."""
        return self if dtype is self.dtype else self.backend.intern(self.shape, dtype, self.device)

    def __repr__(self) -> str:
        return f"{self.dtype.name}{list(self.shape)} on {self.device}"
