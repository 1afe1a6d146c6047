"""Tensors in safetensors files: saved as a whole, loaded by name.

The format is left to the library `safetensors`; two things are done to what it makes. It is written here, from bytes: the
library's own `serialize_file` makes a file of another name and renames it, without bringing it to the disk, and leaves it
behind when the process is killed. And the header is sorted here, for the library writes metadata in random order, and equal
Tensors shall make equal files (https://github.com/safetensors/safetensors/issues/584).
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO, NamedTuple

import ml_dtypes  # noqa: F401  gives NumPy bfloat16, which the library asks it for
import numpy as np
import pullback as pb
import safetensors.numpy
from pullback.errors import ArgumentError, DTypeError
from safetensors import SafetensorError

from pullback_safetensors.errors import FileFormatError
from pullback_safetensors.foreign import foreign
from pullback_safetensors.replacing import replacing
from pullback_safetensors.slices import split

Path = str | os.PathLike[str]

NAMES = {
    **dict(BOOL="bool", F16="float16", F32="float32", F64="float64", C64="complex64"),
    **{f"{kind.upper() or 'I'}{bits}": f"{kind}int{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)},
}
"""What dtypes are called in a file, and here."""

PAIRS = "pullback.complex128"
"""The metadata with a list of arrays of complex128, which the format lacks: they are float64, with a last axis of 2."""


def save_file(tensors: Any, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Save Tensors under their names. Atomic: whenever this is interrupted, the old file is there, or the new one.

    `tensors`: a dict of Tensors, or an object with `state_dict()` that returns one. They are copied to the host, and
    lazy ones computed, all in one go. `metadata`: a dict of strings, kept beside them. Complex128, which the format
    lacks, is stored as pairs of float64, and loaded as complex128 again. Raises `ArgumentError` for what is no Tensor,
    before anything is written.

    >>> import pullback as pb, pullback_safetensors as st
    >>> st.save_file({"w": pb.tensor([1.0, 2.0])}, "weights.safetensors")
    >>> st.load_file("weights.safetensors")
    {'w': tensor([1., 2.])}
    """
    given = tensors.state_dict() if hasattr(tensors, "state_dict") else tensors
    if not isinstance(given, Mapping):
        raise ArgumentError(f"save_file: a dict of Tensors is needed, or an object with state_dict(), got {given!r}")
    for name, value in given.items():
        if not isinstance(name, str) or name == "__metadata__" or not isinstance(value, pb.Tensor):
            raise ArgumentError(
                f"save_file: names are strings and values Tensors, got {name!r}: {type(value).__name__}"
            )
    notes = dict(metadata or {})
    if PAIRS in notes or not all(isinstance(item, str) for pair in notes.items() for item in pair):
        raise ArgumentError(f"save_file: metadata are strings under strings, none of them {PAIRS!r}, got {notes!r}")

    pb.compute(*given.values())
    pairs = sorted(name for name, value in given.items() if value.dtype is pb.complex128)
    if pairs:
        notes[PAIRS] = json.dumps(pairs)
    arrays = {name: _host(value) for name, value in given.items()}
    data = safetensors.numpy.save(arrays, notes or None)
    with replacing(path) as file:
        _write_sorted(file, data)


def _host(tensor: Any) -> np.ndarray:
    """The values of a Tensor, contiguous on the host; complex128 as pairs."""
    array = np.asarray(tensor.detach().to("cpu").numpy(), order="C")
    return array[..., None].view(np.float64) if tensor.dtype is pb.complex128 else array


def _write_sorted(file: BinaryIO, data: bytes) -> None:
    """Write a safetensors file; its header is the length in eight bytes, and JSON, in which everything has its order now."""
    start = 8 + int.from_bytes(data[:8], "little")
    header = json.dumps(json.loads(data[8:start]), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    header += b" " * (-len(header) % 8)  # arrays begin where their elements want them
    file.write(len(header).to_bytes(8, "little") + header)
    file.write(memoryview(data)[start:])


def load_file(path: Path, device: Any = None, dtype: Any = None) -> dict[str, Any]:
    """All Tensors of a file, by name; that PyTorch or another program has written it makes no difference.

    `device`: where they go, the default device if None. `dtype`: what floating ones become; needed for bfloat16, which no
    backend has (float32 holds it exactly). Raises `FileFormatError` if the file is torn or of another kind, `DTypeError` if
    the device lacks a dtype. Nothing in a file is executed.

    >>> import pullback as pb, pullback_safetensors as st
    >>> st.save_file({"w": pb.tensor([1.0, 2.0])}, "weights.safetensors")
    >>> st.load_file("weights.safetensors", dtype=pb.float64)
    {'w': tensor([1., 2.], dtype=pullback.float64)}
    """
    with safe_open(path, device, dtype) as file:
        for name in file.keys():  # noqa: SIM118  not a dict
            file.check(name)  # before anything is read
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  not a dict


class Entry(NamedTuple):
    """An array in a file: its dtype as the file names it, and its shape."""

    dtype: str
    shape: list[int]


class safe_open:  # noqa: N801  the name that users of the format know
    """A file whose Tensors are read one by one, or in part: `with safe_open(path) as file:`.

    `device`, `dtype` and errors as for `load_file`; only the header is read at first.

    >>> import pullback as pb, pullback_safetensors as st
    >>> st.save_file({"w": pb.arange(6).reshape(3, 2)}, "weights.safetensors", metadata={"by": "me"})
    >>> with st.safe_open("weights.safetensors") as file:
    ...     print(file.keys(), file.metadata())
    ...     print(file.get_tensor("w").shape, file.get_slice("w")[1:])
    ['w'] {'by': 'me'}
    (3, 2) tensor([[2, 3],
            [4, 5]])
    """

    def __init__(self, path: Path, device: Any = None, dtype: Any = None) -> None:
        self._path = os.fspath(path)
        self._device = pb.get_default_device() if device is None else pb.device(device)
        if dtype is not None and not (isinstance(dtype, pb.DType) and dtype.is_floating_point):
            raise DTypeError(f"safe_open: dtype must be a real floating one such as pb.float32, got {dtype!r}")
        self._dtype = dtype
        self._file = _opened(self._path)
        self._closed = False
        parts = {name: self._file.get_slice(name) for name in self._file.keys()}  # noqa: SIM118  not a dict
        self._entries = {name: Entry(part.get_dtype(), part.get_shape()) for name, part in parts.items()}
        self._metadata: dict[str, str] = self._file.metadata() or {}
        self._pairs = _pairs(self._metadata.pop(PAIRS, "[]"), self._entries)

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._closed = True
        self._file.__exit__(None, None, None)  # its only way to be closed

    def keys(self) -> list[str]:
        """The names of its Tensors, sorted."""
        return sorted(self._entries)

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def metadata(self) -> dict[str, str]:
        """The strings that were saved beside the Tensors."""
        return dict(self._metadata)

    def get_tensor(self, name: str) -> Any:
        """One Tensor."""
        self.check(name)
        return self._tensor(name, self._file.get_tensor(name))

    def get_slice(self, name: str) -> Slice:
        """One Tensor that is read in part: `get_slice(name)[key]`, with any basic index."""
        self.check(name)
        return Slice(self, name)

    def check(self, name: str) -> None:
        """Raise `ArgumentError` if there is no such Tensor, `DTypeError` if this device cannot have it."""
        if self._closed:
            raise ValueError(f"{self._path}: the file is closed")
        entry = self._entries.get(name)
        if entry is None:
            raise ArgumentError(f"{self._path}: no Tensor {name!r}; there are {', '.join(self.keys()) or 'none'}")
        known = NAMES.get(entry.dtype)
        if known is None and not (entry.dtype == "BF16" and self._dtype is not None):
            remedy = "write dtype=pb.float32, which holds it exactly" if entry.dtype == "BF16" else "no backend has it"
            raise DTypeError(f"{self._path}: {name!r} is of dtype {entry.dtype}; {remedy}")
        dtype = self._result(name, entry)
        if not _has(self._device, dtype):
            remedy = "write dtype=pb.float32" if dtype.is_floating_point else "load it on another device"
            raise DTypeError(f"{self._path}: {name!r} is of dtype {dtype.name}, which {self._device} lacks; {remedy}")

    def _result(self, name: str, entry: Entry) -> Any:
        """The dtype that a Tensor has once loaded."""
        if name in self._pairs:
            return pb.complex128
        stored = getattr(pb, NAMES.get(entry.dtype, "float32"))
        return self._dtype if self._dtype is not None and stored.is_floating_point else stored

    def _tensor(self, name: str, array: Any) -> Any:
        """What was read, as a Tensor."""
        entry = self._entries[name]
        if entry.dtype == "BOOL":  # a byte that is neither 0 nor 1 must not become a bool as it is
            array = array.view(np.uint8) != 0
        if name in self._pairs:
            array = array.view(np.complex128)[..., 0]
        dtype = self._result(name, entry)
        array = np.array(array, dtype.name, order="C")  # owns its memory, so that the Tensor may be written there
        return pb.asarray(array, copy=False).to(self._device)


class Slice:
    """A Tensor in a file, of which an index reads a part. Made by `safe_open.get_slice`."""

    def __init__(self, file: safe_open, name: str) -> None:
        self._file, self._name, self._entry = file, name, file._entries[name]
        self._part = file._file.get_slice(name)

    def get_shape(self) -> list[int]:
        """The shape of the whole."""
        return self._entry.shape[:-1] if self._name in self._file._pairs else list(self._entry.shape)

    def get_dtype(self) -> str:
        """The dtype as the file names it."""
        return self._entry.dtype

    def __getitem__(self, key: Any) -> Any:
        box, rest = split(key, self.get_shape())
        # the library refuses every slice of an empty array, which costs nothing to read
        stored = self._part if all(self._entry.shape) else self._file._file.get_tensor(self._name)
        return self._file._tensor(self._name, stored[box][rest])


def _opened(path: str) -> Any:
    """The file as the library opens it; it has read the header, and refused what is wrong in it."""
    try:
        return safetensors.safe_open(path, framework="np")
    except SafetensorError as error:
        found = foreign(path)
        what = f"this is {found}, no safetensors file" if found else f"torn, or no safetensors file: {error}"
        raise FileFormatError(f"{path}: {what}") from None


def _pairs(listed: str, entries: dict[str, Entry]) -> set[str]:
    """The arrays that are listed as pairs, and are."""
    try:
        names = set(json.loads(listed))
    except (ValueError, TypeError):
        return set()
    return {name for name in names & entries.keys() if entries[name].dtype == "F64" and entries[name].shape[-1:] == [2]}


def _has(device: Any, dtype: Any) -> bool:
    """Whether arrays on a device can be of a dtype."""
    if dtype is not pb.float16:
        return bool(device.backend.supports(dtype, device.native))
    try:  # no standard lists it, and those who have it do not say so
        device.backend.native_dtype(dtype)
    except DTypeError:
        return False
    return True
