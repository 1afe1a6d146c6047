"""Data-parallel training: the same function of rows, on every block of rows, where the block is."""

from pullback_dask.parallel.errors import BlockError as BlockError
from pullback_dask.parallel.errors import ClusterError as ClusterError
from pullback_dask.parallel.gradients import value_and_grad as value_and_grad
from pullback_dask.parallel.training import Fit as Fit
from pullback_dask.parallel.training import fit as fit
from pullback_dask.parallel.watching import Report as Report

__all__ = ["BlockError", "ClusterError", "Fit", "Report", "fit", "value_and_grad"]
