"""The functions of the standard by class, from data/standard-2025.12.json, and the calls by which they are tested."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from helpers.checks import gaussian

STANDARD = json.loads((Path(__file__).parents[1] / "data" / "standard-2025.12.json").read_text())
CLASSES: dict[str, dict[str, list[str]]] = STANDARD["differentiable"]
TESTED_IN = {"linalg": ("test_linalg", "test_decompositions")}

Case = tuple[Callable[..., Any], list[np.ndarray]]


def names_of(*classes: str) -> list[Any]:
    """The functions of some classes, as parameters of a test."""
    return [
        pytest.param(chapter, name, id=f"{chapter}-{name}")
        for kind in classes
        for chapter, names in CLASSES[kind].items()
        for name in names
    ]


@cache
def module_of(stem: str) -> ModuleType:
    """The test module of a chapter."""
    spec = importlib.util.spec_from_file_location(f"rows_of_{stem}", Path(__file__).parents[1] / "ops" / f"{stem}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def rows(chapter: str, name: str) -> Iterator[Case]:
    """The calls by which a function is tested, and their real arguments (complex ones where it has no others)."""
    for stem in TESTED_IN.get(chapter, (f"test_{chapter}",)):
        module = module_of(stem)
        if chapter == "elementwise_functions":
            row = module.ROWS[name]
            kind = "real" if row.real else "complex"
            yield module.caller(name), module.draw(row, kind, ((3,),) * len(getattr(row, kind)))
        else:
            for call, *arguments in module.ROWS.get(name, ()):
                yield call, gaussian(arguments)


def first(chapter: str, name: str) -> Case:
    return next(rows(chapter, name))
