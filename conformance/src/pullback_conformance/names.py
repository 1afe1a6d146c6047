"""Every name of the standard has a row: a name without one fails the run."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any

from pullback_conformance import specs

VERSION = "2025.12"


@cache
def standard() -> dict[str, Any]:
    """The functions of the standard by class, and what arrays have."""
    text = (files(specs) / f"standard-{VERSION}.json").read_text(encoding="utf-8")
    return json.loads(text)  # type: ignore[no-any-return]


def required() -> list[str]:
    """All names that need a row. (The constants share one.)"""
    table = standard()
    return [*table["functions"], *table["array_object"], "constants"]


def missing() -> list[str]:
    """What is wrong: names without a row.

    >>> missing()
    []
    """
    rows = specs.standard()
    return [f"{name} of the standard has no row" for name in required() if name not in rows]
