"""The NumPy backend of pullback. NumPy is imported when the first array is made, not before."""

from pullback_numpy.backend import NumPyBackend

__all__ = ["NumPyBackend"]
