"""Headers are written as the reference library reads them, and a file that it refuses is refused."""

from __future__ import annotations

import io
import json
import random
from typing import Any

import pytest
import safetensors
from pullback_safetensors import FileFormatError
from pullback_safetensors.layout import FOREIGN, SIZES, Entry, header, read_header


def read(data: bytes) -> tuple[dict[str, Entry], dict[str, str], int]:
    return read_header(io.BytesIO(data), len(data), "some.safetensors")


def file_of(entries: Any, content: bytes) -> bytes:
    text = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + content


def entry(dtype: str = "U8", shape: Any = (4,), begin: Any = 0, end: Any = 4) -> dict[str, Any]:
    return {"dtype": dtype, "shape": list(shape), "data_offsets": [begin, end]}


GOOD = file_of({"__metadata__": {"by": "me"}, "a": entry(), "b": entry("F32", (2, 1), 4, 12)}, bytes(12))


def test_what_is_written_is_read_again() -> None:
    arrays = [("w", "F64", (2, 3)), ("ünï", "I16", ()), ("empty", "BOOL", (0, 5))]
    data = header(arrays, {"key": "välue"}) + bytes(50)
    entries, metadata, start = read(data)
    assert entries == {"w": ("F64", (2, 3), 0, 48), "ünï": ("I16", (), 48, 50), "empty": ("BOOL", (0, 5), 50, 50)}
    assert metadata == {"key": "välue"}
    assert start == len(data) - 50
    assert start % 8 == 0
    assert {name for name, _ in safetensors.deserialize(data)} == set(entries)


def test_the_sizes_are_those_of_the_reference_library() -> None:
    for dtype, size in SIZES.items():
        data = header([("x", dtype, (3,))], {}) + bytes(3 * size)
        ((_, found),) = safetensors.deserialize(data)
        assert (found["dtype"], found["shape"], len(found["data"])) == (dtype, [3], 3 * size)


BAD = {
    "nothing": (b"", "a file of 0 bytes cannot have a header"),
    "cut in the length": (GOOD[:5], "cannot have a header"),
    "cut in the header": (GOOD[:40], "it is torn"),
    "cut in the arrays": (GOOD[:-3], "the arrays have 12 bytes, and the file 9 for them; it is torn"),
    "longer than its arrays": (GOOD + b"!", "the arrays have 12 bytes, and the file 13 for them"),
    "no JSON": (file_of(b"{not json", b""), "no header of safetensors"),
    "no object": (file_of([1], b""), "does not begin with a brace"),
    "no UTF-8": (file_of(b'{"\xff": 1}', b""), "no header of safetensors"),
    "a name twice": (
        file_of(b'{"a": %s, "a": %s}' % ((json.dumps(entry()).encode(),) * 2), bytes(4)),
        "a name is there twice",
    ),
    "an entry that is a number": (file_of({"a": 1}, b""), "no header of safetensors"),
    "an entry without offsets": (file_of({"a": {"dtype": "U8", "shape": [1]}}, b"0"), "data_offsets"),
    "metadata that are numbers": (file_of({"__metadata__": {"n": 1}}, b""), "its metadata are not strings"),
    "metadata that are a list": (file_of({"__metadata__": ["n"]}, b""), "no header of safetensors"),
    "an unknown dtype": (file_of({"a": entry("Q7")}, bytes(4)), "array 'a' has the dtype 'Q7', which is not known"),
    "a negative length": (file_of({"a": entry(shape=(-4,))}, bytes(4)), r"the shape \[-4\]"),
    "a length that is no integer": (file_of({"a": entry(shape=(4.0,))}, bytes(4)), r"the shape \[4.0\]"),
    "a shape of another size": (file_of({"a": entry(shape=(5,))}, bytes(4)), "does not fill the bytes from 0 to 4"),
    "a gap": (file_of({"a": entry(begin=1, end=5)}, bytes(5)), "begins at byte 1, and 0 was its turn"),
    "an overlap": (
        file_of({"a": entry(), "b": entry(begin=2, end=6)}, bytes(6)),
        "begins at byte 2, and 4 was its turn",
    ),
    "a header without end": ((2**40).to_bytes(8, "little") + bytes(100), "cannot have a header of 1099511627776 bytes"),
    "deep nesting": (file_of(b'{"a":' + b"[" * 100_000, b""), "no header of safetensors"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_file_that_is_wrong_is_refused_with_its_name(what: str) -> None:
    data, message = BAD[what]
    with pytest.raises(FileFormatError, match=message) as caught:
        read(data)
    assert str(caught.value).startswith("some.safetensors: ")
    if what != "a name twice":  # the library takes one of the two
        with pytest.raises(safetensors.SafetensorError):
            safetensors.deserialize(data)


@pytest.mark.parametrize("start", FOREIGN)
def test_files_of_other_kinds_are_named(start: bytes) -> None:
    with pytest.raises(FileFormatError, match=f"this is {FOREIGN[start][:8]}.*, no safetensors file"):
        read(start + b"\x02\x04\x08" * 50)


def test_a_file_that_is_damaged_anywhere_is_read_as_the_reference_library_reads_it() -> None:
    draw = random.Random(0)
    refused = 0
    for _ in range(3000):
        data = bytearray(GOOD)
        for _ in range(draw.choice([1, 1, 2, 5])):
            place = draw.randrange(len(data))
            match draw.randrange(3):
                case 0:
                    data[place] = draw.randrange(256)
                case 1:
                    del data[place]
                case _:
                    data.insert(place, draw.choice(b'0123456789{}[],:"x '))
        try:
            entries, _, start = read(bytes(data))
        except FileFormatError:
            refused += 1
            continue
        theirs = dict(safetensors.deserialize(bytes(data)))  # refuses nothing that was accepted here
        assert {name: (e.dtype, list(e.shape)) for name, e in entries.items()} == {
            name: (e["dtype"], e["shape"]) for name, e in theirs.items()
        }
        assert all(bytes(data[start + e.begin : start + e.end]) == theirs[name]["data"] for name, e in entries.items())
    assert 1500 < refused < 2990
