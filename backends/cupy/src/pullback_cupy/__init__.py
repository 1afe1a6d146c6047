"""The CuPy backend of pullback: NVIDIA GPUs. CuPy is imported when the first array is made, not before."""

from pullback_cupy.backend import CuPyBackend

__all__ = ["CuPyBackend"]
