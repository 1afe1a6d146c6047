"""The picture of docs/dask.md is of the graphs that the code makes."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[4] / "docs"


@pytest.fixture(scope="module")
def script() -> Any:
    spec = importlib.util.spec_from_file_location("dask_graphs", DOCS / "dask_graphs.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_a_step_is_blocks_and_a_tree(script: Any):
    """Four blocks of two pieces each and the parameters; then four tasks, two, and one."""
    layers = script.layers(script.data_parallel())
    assert [len(layer) for layer in layers] == [9, 4, 2, 1]
    assert [script.kind(layer[0]) for layer in layers[1:]] == ["block", "add", "add"]


def test_the_page_shows_a_picture_of_it(script: Any):
    """Of the array form, Dask's optimiser decides how many tasks there are; so only the data-parallel half must agree."""
    text = script.PICTURE.read_text(encoding="utf-8")
    lines, _ = script.drawn(script.data_parallel(), 0, "data-parallel form: 16 tasks")
    assert set(lines) <= set(text.splitlines())
    ElementTree.fromstring(text)
    assert f"pictures/{script.PICTURE.name}" in (DOCS / "dask.md").read_text(encoding="utf-8")
