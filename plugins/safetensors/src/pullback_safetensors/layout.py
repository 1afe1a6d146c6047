"""The safetensors format: the length of a header in eight bytes, the header in JSON, and the elements of the arrays.

The header has an entry for each array, with its dtype, its shape, and where its bytes begin and end, counted from the
end of the header; and under "__metadata__" a dict of strings. Bytes are little-endian and rows come first. A reader must
refuse gaps and overlaps, so that a file means one thing only. Nothing in it is ever executed.
https://github.com/huggingface/safetensors#format
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from math import prod
from typing import Any, BinaryIO, NamedTuple

from pullback_safetensors.errors import FileFormatError

MOST = 100_000_000
"""The longest header that is read."""

SIZES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64", "C64"), 8),
}
"""Bytes of an element, by the name of its dtype in a header."""

FOREIGN = {
    b"PK\x03\x04": "a zip archive, as torch.save and numpy.savez write it",
    b"\x80": "a pickle, which could run any code and is not read",
    b"\x93NUMPY": "an array of numpy.save",
    b"\x89HDF": "an HDF5 file",
    b"GGUF": "a GGUF file",
    b"\x1f\x8b": "compressed by gzip",
}
"""What other files begin with."""


class Entry(NamedTuple):
    """An array in a file: its dtype as the header names it, its shape, and its bytes after the header."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


def header(arrays: Iterable[tuple[str, str, tuple[int, ...]]], metadata: dict[str, str]) -> bytes:
    """All that comes before the elements: of each array the name, dtype and shape, in the order of their bytes."""
    entries: dict[str, Any] = {"__metadata__": metadata} if metadata else {}
    end = 0
    for name, dtype, shape in arrays:
        begin, end = end, end + SIZES[dtype] * prod(shape)
        entries[name] = {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(entries, separators=(",", ":"), ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)  # so that elements are where their size wants them
    return len(text).to_bytes(8, "little") + text


def read_header(file: BinaryIO, size: int, path: str) -> tuple[dict[str, Entry], dict[str, str], int]:
    """The entries of a file of `size` bytes, its metadata, and where the elements begin. Raises `FileFormatError`."""
    start = file.read(8)
    length = int.from_bytes(start, "little")
    if len(start) < 8 or length > min(MOST, size - 8):
        raise _foreign(start, path) or FileFormatError(
            f"{path}: a file of {size} bytes cannot have a header of {length} bytes; it is torn, or no safetensors file"
        )
    text = file.read(length)
    try:
        if text[:1] != b"{":
            raise ValueError("it does not begin with a brace")
        found = json.loads(text, object_pairs_hook=_once)
        metadata = found.pop("__metadata__", {})
        if not all(isinstance(item, str) for pair in metadata.items() for item in pair):
            raise ValueError("its metadata are not strings")
        entries = {name: _entry(name, **fields) for name, fields in found.items()}
        _check_order(entries, size - 8 - length)
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        if isinstance(error, FileFormatError):
            raise FileFormatError(f"{path}: {error}") from None
        raise FileFormatError(f"{path}: no header of safetensors: {error}") from None
    return entries, metadata, 8 + length


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name is there twice")
    return found


def _entry(name: str, dtype: Any, shape: Any, data_offsets: Any) -> Entry:
    if dtype not in SIZES:
        raise FileFormatError(f"array {name!r} has the dtype {dtype!r}, which is not known")
    begin, end = data_offsets
    if not all(type(number) is int and number >= 0 for number in (*shape, begin, end)):
        raise ValueError(f"array {name!r} has the shape {shape!r} at {data_offsets!r}")
    if end - begin != SIZES[dtype] * prod(shape):
        raise ValueError(f"array {name!r} of {dtype} and shape {shape} does not fill the bytes from {begin} to {end}")
    return Entry(dtype, tuple(shape), begin, end)


def _check_order(entries: dict[str, Entry], size: int) -> None:
    """The arrays follow each other without gaps, from the first byte to the last."""
    end = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].begin, item[1].end)):
        if entry.begin != end:
            raise ValueError(f"array {name!r} begins at byte {entry.begin}, and {end} was its turn")
        end = entry.end
    if end != size:
        raise FileFormatError(f"the arrays have {end} bytes, and the file {size} for them; it is torn")


def _foreign(start: bytes, path: str) -> FileFormatError | None:
    for mark, what in FOREIGN.items():
        if start.startswith(mark):
            return FileFormatError(f"{path}: this is {what}, no safetensors file")
    return None
