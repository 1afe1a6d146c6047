"""What goes wrong with files. A leaf module."""

from __future__ import annotations

from pullback.errors import PullbackError


class FileFormatError(PullbackError, ValueError):
    """A file that is torn, or is no safetensors file."""
