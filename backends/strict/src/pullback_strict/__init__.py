"""The array-api-strict backend of pullback: a test rig that allows the standard and nothing else."""

from pullback_strict.backend import StrictBackend

__all__ = ["StrictBackend"]
