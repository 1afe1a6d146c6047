"""What is data, how it is cut, and what is wrong with it if it cannot be. Nothing is loaded for that."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import dask
import dask.array as da
import numpy as np
import pullback as pb
import pytest
from pullback.errors import ArgumentError, ShapeError
from pullback_dask.parallel.blocks import blocks_of, is_data, same


def refuse() -> Any:
    raise AssertionError("nothing may be loaded")


X = da.ones((10, 2), chunks=((4, 6), 2))
LAZY = [dask.delayed(refuse)() for _ in range(2)]


@pytest.mark.parametrize(
    ("argument", "loader", "wanted"),
    [
        (X, None, True),
        (LAZY, None, True),
        (tuple(LAZY), None, True),
        (["a.npy", Path("b.npy")], np.load, True),
        ("rows.zarr", None, True),
        (Path("rows.PARQUET"), None, True),
        (["a.npy", "b.npy"], None, False),
        ([], np.load, False),
        ([1.0, 2.0], np.load, False),
        ("a word", None, False),
        (pb.tensor([1.0]), None, False),
        (np.ones(3), None, False),
        (LAZY[0], None, False),
        (None, None, False),
    ],
)
def test_what_is_data(argument: Any, loader: Any, wanted: bool):
    assert is_data(argument, loader) is wanted


def test_blocks_and_their_tasks():
    blocks = blocks_of([X, LAZY], None)
    assert len(blocks) == 2
    assert blocks.names == ["", ""]
    assert set(blocks.keys[0]) <= blocks.tasks([0]).keys()
    assert LAZY[1].key not in blocks.tasks([0])
    assert {LAZY[0].key, LAZY[1].key} <= blocks.tasks([0, 1]).keys()
    assert blocks.containing(LAZY[1].key) == 1
    assert blocks.containing("a stranger") is None


def test_a_delayed_value_makes_its_graph_when_asked():
    """And it is gone at once, so that the next one may be at its address."""
    pieces = [dask.delayed(np.full(2, number)) for number in range(100)]
    blocks = blocks_of([pieces], None)
    assert set(blocks.tasks(range(100))) == {piece.key for piece in pieces}


def test_files_are_named_by_their_paths():
    assert blocks_of([["a.npy", Path("folder/b.npy")]], np.load).names == ["a.npy", str(Path("folder/b.npy"))]


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ([da.ones(())], ShapeError, "argument 0 is a 0-d Dask array"),
        ([X, da.ones((10, 4), chunks=((4, 6), 2))], ShapeError, r"argument 1 has the chunks .*x.rechunk\(\{1: -1\}\)"),
        (
            [X, da.ones(10, chunks=5)],
            ShapeError,
            r"block 0 has 4 rows in argument 0 and 5 in argument 1.*rechunk",
        ),
        ([X, da.ones(10, chunks=10)], ShapeError, "argument 0 has 2 blocks, argument 1 has 1"),
        ([3.0], ArgumentError, "argument 0 is a float; data are Dask arrays or tables"),
    ],
)
def test_data_that_do_not_fit(arguments: list[Any], error: type[Exception], message: str):
    with pytest.raises(error, match=message):
        blocks_of(arguments, None)


@pytest.mark.parametrize(("path", "module"), [("rows.zarr", "zarr"), ("rows.parquet", "dask.dataframe")])
def test_what_reads_a_data_set_may_be_missing(path: str, module: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, module, None)
    extra = path.partition(".")[2]
    with pytest.raises(ArgumentError, match=rf"'{path}', and what reads it is not installed.*pullback-dask\[{extra}\]"):
        blocks_of([path], None)


def test_data_are_the_same_if_their_blocks_are():
    assert same([X, LAZY], [X, list(LAZY)])
    assert same([["a", "b"]], [["a", "b"]])
    assert not same([X], [X + 1])
    assert not same([["a", "b"]], [["a", "c"]])
    assert not same([X], [X, LAZY])
