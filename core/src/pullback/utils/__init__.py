"""Where users of PyTorch look for its utilities."""

from pullback.utils import checkpoint as checkpoint

__all__ = ["checkpoint"]
