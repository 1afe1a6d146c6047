"""Data-parallel training: the same function of rows, on every block of rows, where the block is."""

from pullback_dask.parallel.errors import BlockError as BlockError
from pullback_dask.parallel.errors import ClusterError as ClusterError
from pullback_dask.parallel.gradients import value_and_grad as value_and_grad

__all__ = ["BlockError", "ClusterError", "value_and_grad"]
