"""Files of other kinds are named, and torn files of our own are not taken for them."""

from __future__ import annotations

import re
from pathlib import Path

import pullback as pb
import pytest
from pullback_safetensors import FileFormatError, load_file, save_file
from pullback_safetensors.foreign import MARKS, foreign


@pytest.mark.parametrize("start", MARKS)
def test_files_of_other_kinds_are_named(start: bytes, tmp_path: Path) -> None:
    for content in (start + b"\x02\x04\x08" * 50, start):
        (tmp_path / "x").write_bytes(content)
        with pytest.raises(
            FileFormatError, match=f"^{re.escape(str(tmp_path / 'x'))}: this is {MARKS[start]}, no safe"
        ):
            load_file(tmp_path / "x")


def test_a_header_whose_length_begins_as_a_pickle_does_is_none(tmp_path: Path) -> None:
    for length in range(200):  # until the header has 128 bytes
        save_file({"x": pb.ones(2)}, tmp_path / "x", {"": "-" * length})
        data = (tmp_path / "x").read_bytes()
        if data[0] == 0x80:
            break
    assert data[0] == 0x80
    assert load_file(tmp_path / "x")["x"].tolist() == [1.0, 1.0]
    (tmp_path / "torn").write_bytes(data[:100])
    assert foreign(str(tmp_path / "torn")) is None
    with pytest.raises(FileFormatError, match="torn, or no safetensors file"):
        load_file(tmp_path / "torn")
