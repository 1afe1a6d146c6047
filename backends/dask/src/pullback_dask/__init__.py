"""The Dask backend of pullback, and data-parallel training on a Dask cluster.

Dask is imported when the first array is made, not before; `distributed` not before `value_and_grad` or `fit` is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pullback_dask.arrays import to_dask
from pullback_dask.backend import DaskBackend

if TYPE_CHECKING:
    from pullback_dask.parallel import fit as fit
    from pullback_dask.parallel import value_and_grad as value_and_grad

__all__ = ["DaskBackend", "fit", "to_dask", "value_and_grad"]


def __getattr__(name: str) -> Any:
    if name in ("value_and_grad", "fit"):
        from pullback_dask import parallel  # noqa: PLC0415  imports distributed

        return getattr(parallel, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}", name=name)
