"""Tensors in safetensors files: saved as a whole, loaded by name."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from threading import Lock
from typing import Any

import numpy as np
import pullback as pb
from pullback.errors import ArgumentError, DTypeError

from pullback_safetensors.errors import FileFormatError
from pullback_safetensors.layout import SIZES, Entry, header, read_header
from pullback_safetensors.replacing import replacing

Path = str | os.PathLike[str]

TAGS = {
    **dict(bool="BOOL", float16="F16", float32="F32", float64="F64", complex64="C64"),
    **{f"{kind}int{bits}": f"{kind.upper() or 'I'}{bits}" for kind in ("", "u") for bits in (8, 16, 32, 64)},
}
"""The names of dtypes in a file."""
NAMES = {tag: name for name, tag in TAGS.items()}

PAIRS = "pullback.complex128"
"""The metadata with a list of arrays of complex128, which the format lacks: they are float64, with a last axis of 2."""


def save_file(tensors: Any, path: Path, metadata: Mapping[str, str] | None = None) -> None:
    """Save Tensors under their names. Atomic: whenever this is interrupted, the old file is there, or the new one.

    `tensors`: a dict of Tensors, or an object with `state_dict()` that returns one. They are copied to the host one by one;
    lazy ones are computed, all in one go. `metadata`: a dict of strings, kept beside them. Complex128, which the format
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
    kinds = {name: ("F64" if name in pairs else TAGS[value.dtype.name]) for name, value in given.items()}
    order = sorted(given, key=lambda name: (-SIZES[kinds[name]], name))  # so that each begins where its size wants it
    shapes = {name: (*value.shape, 2) if name in pairs else tuple(value.shape) for name, value in given.items()}
    with replacing(path) as file:
        file.write(header(((name, kinds[name], shapes[name]) for name in order), notes))
        for name in order:
            array = np.ascontiguousarray(given[name].detach().to("cpu").numpy())
            file.write(array.astype(array.dtype.newbyteorder("<"), copy=False).reshape(-1).view(np.uint8).data)


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
        self._lock = Lock()
        self._file = open(path, "rb")  # noqa: SIM115  closed by close()
        try:
            size = os.fstat(self._file.fileno()).st_size
            self._entries, self._metadata, self._start = read_header(self._file, size, self._path)
        except BaseException:
            self._file.close()
            raise
        self._pairs = _pairs(self._metadata.pop(PAIRS, "[]"), self._entries)

    def __enter__(self) -> safe_open:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._file.close()

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
        entry = self.check(name)
        array = np.empty(entry.shape, _stored(entry))  # owns its memory, so that the Tensor may be written there
        with self._lock:
            self._file.seek(self._start + entry.begin)
            if self._file.readinto(array.reshape(-1).view(np.uint8).data) != array.nbytes:
                raise FileFormatError(f"{self._path}: it became shorter while it was read, at {name!r}")
        return self._tensor(name, array)

    def get_slice(self, name: str) -> Slice:
        """One Tensor that is read in part: `get_slice(name)[key]`, with any basic index."""
        entry = self.check(name)
        return Slice(self, name, entry)

    def check(self, name: str) -> Entry:
        """Where a Tensor is; `ArgumentError` if there is none, `DTypeError` if this device cannot have it."""
        entry = self._entries.get(name)
        if entry is None:
            raise ArgumentError(f"{self._path}: no Tensor {name!r}; there are {', '.join(self._entries) or 'none'}")
        known = NAMES.get(entry.dtype)
        if known is None and not (entry.dtype == "BF16" and self._dtype is not None):
            remedy = "write dtype=pb.float32, which holds it exactly" if entry.dtype == "BF16" else "no backend has it"
            raise DTypeError(f"{self._path}: {name!r} is of dtype {entry.dtype}; {remedy}")
        dtype = self._result(name, entry)
        if not _has(self._device, dtype):
            remedy = "write dtype=pb.float32" if dtype.is_floating_point else "load it on another device"
            raise DTypeError(f"{self._path}: {name!r} is of dtype {dtype.name}, which {self._device} lacks; {remedy}")
        return entry

    def _result(self, name: str, entry: Entry) -> Any:
        """The dtype that a Tensor has once loaded."""
        if name in self._pairs:
            return pb.complex128
        stored = getattr(pb, NAMES.get(entry.dtype, "float32"))
        return self._dtype if self._dtype is not None and stored.is_floating_point else stored

    def _tensor(self, name: str, array: Any) -> Any:
        """What was read, as a Tensor."""
        entry = self._entries[name]
        if entry.dtype == "BF16":  # the upper half of float32
            array = (array.astype(np.uint32) << 16).view(np.float32)
        elif entry.dtype == "BOOL":  # a byte that is neither 0 nor 1 must not become a bool as it is
            array = array.view(np.uint8) != 0
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        if name in self._pairs:
            array = np.array(np.ascontiguousarray(array).view(np.complex128)[..., 0])
        dtype = self._result(name, entry)
        return pb.asarray(array.astype(dtype.name, copy=False), copy=False).to(self._device)


class Slice:
    """A Tensor in a file, of which an index reads a part. Made by `safe_open.get_slice`."""

    def __init__(self, file: safe_open, name: str, entry: Entry) -> None:
        self._file, self._name, self._entry = file, name, entry

    def get_shape(self) -> list[int]:
        """The shape of the whole."""
        return list(self._entry.shape[:-1] if self._name in self._file._pairs else self._entry.shape)

    def get_dtype(self) -> str:
        """The dtype as the file names it."""
        return self._entry.dtype

    def __getitem__(self, key: Any) -> Any:
        entry, file = self._entry, self._file
        window: Any = np.empty(entry.shape, _stored(entry))
        if window.size:  # no map has length 0
            window = np.memmap(file._path, _stored(entry), "r", file._start + entry.begin, entry.shape)
        keys = key if isinstance(key, tuple) else (key,)
        if self._name in file._pairs:
            keys = (*keys, slice(None)) if Ellipsis in keys else (*keys, Ellipsis, slice(None))
        return file._tensor(self._name, np.array(window[keys]))


def _pairs(listed: str, entries: dict[str, Entry]) -> set[str]:
    """The arrays that are listed as pairs, and are."""
    try:
        names = set(json.loads(listed))
    except (ValueError, TypeError):
        return set()
    return {
        name for name in names & entries.keys() if entries[name].dtype == "F64" and entries[name].shape[-1:] == (2,)
    }


def _has(device: Any, dtype: Any) -> bool:
    """Whether arrays on a device can be of a dtype."""
    if dtype is not pb.float16:
        return bool(device.backend.supports(dtype, device.native))
    try:  # no standard lists it, and those who have it do not say so
        device.backend.native_dtype(dtype)
    except DTypeError:
        return False
    return True


def _stored(entry: Entry) -> np.dtype[Any]:
    """The dtype of the elements as they are in the file."""
    return np.dtype(NAMES.get(entry.dtype, "uint16")).newbyteorder("<")
