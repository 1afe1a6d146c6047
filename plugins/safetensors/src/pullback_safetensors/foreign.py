"""What a file is that is no safetensors file, known by its first bytes, so that an error can name it."""

from __future__ import annotations

MARKS = {
    b"PK\x03\x04": "a zip archive, as torch.save and numpy.savez write it",
    b"\x80": "a pickle, which could run any code and is not read",
    b"\x93NUMPY": "an array of numpy.save",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "compressed by gzip",
}
"""What other files begin with."""


def foreign(path: str) -> str | None:
    """What another file is, or None if it is not known, or a safetensors file that is torn."""
    with open(path, "rb") as file:
        start = file.read(9)
    if start[8:] == b"{":  # after the length of the header, which may begin with any byte
        return None
    return next((what for mark, what in MARKS.items() if start.startswith(mark)), None)
