"""The rows: one file per chapter of the standard, one row per op. `find` and `rows` are how the suite reads them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from importlib import import_module
from typing import Any

from pullback_conformance.spec import OpSpec

CHAPTERS = (
    *("elementwise", "statistical", "manipulation", "indexing", "searching", "linear_algebra", "linalg", "fft"),
    *("creation", "data_types", "methods", "refusals", "composites"),
)


@cache
def standard() -> dict[str, OpSpec]:
    """Every row of the standard, by name; a name with two rows is an error."""
    found: dict[str, OpSpec] = {}
    for chapter in CHAPTERS:
        for spec in import_module(f"{__name__}.{chapter}").SPECS:
            if spec.op in found:
                raise ValueError(f"{spec.op} has two rows")
            found[spec.op] = spec
    return found


def plugin_rows(name: str) -> dict[str, OpSpec]:
    """The rows that a plugin offers: the entry point of this name in the group `pullback.conformance`, or a module
    with `SPECS`.

    Raises `LookupError` with what is installed.
    """
    from importlib.metadata import entry_points  # noqa: PLC0415  slow, and only for plugins

    found = {entry.name: entry for entry in entry_points(group="pullback.conformance")}
    if name in found:
        rows: Any = found[name].load()
    else:
        try:
            rows = import_module(name).SPECS
        except (ImportError, AttributeError) as error:
            raise LookupError(
                f"no plugin {name!r} offers rows: {error}. Entry points of the group pullback.conformance: "
                f"{', '.join(sorted(found)) or 'none'}; the name of a module with SPECS will do as well"
            ) from error
    return {spec.op: spec for spec in rows}


def rows(plugins: Iterable[str] = ()) -> dict[str, OpSpec]:
    """The rows to check: those of the plugins if any are named, else those of the standard."""
    names = tuple(plugins)
    if not names:
        return standard()
    return {op: spec for name in names for op, spec in plugin_rows(name).items()}


def find(op: str) -> OpSpec:
    """The row of an op of the standard.

    >>> find("sin").kind
    'elementwise'
    """
    return standard()[op]
