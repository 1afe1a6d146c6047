"""Write docs/kinks.md from the table that the tests hold: `python docs/kinks.py`; `--check` only compares."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PAGE = HERE / "kinks.md"
sys.path.insert(0, str(HERE.parent / "core" / "tests"))

from helpers.kinks import ARGUMENTS, KINKS, REFUSED, Kink  # noqa: E402  the table is the tests' own

HEAD = """\
# Gradients at kinks, ties and boundaries

Where a function has no derivative, one of many, or an infinite one, pullback makes the choices below: the same on every
array library, in reverse and in forward mode. Each row is a test. The columns are the function, the point, and the gradient
for the cotangent 1, one value for each argument. (This page is written by `docs/kinks.py`.)
"""


def number(x: Any) -> str:
    """A number, or nested lists of them, as one would write it."""
    if isinstance(x, list):
        return f"[{', '.join(map(number, x))}]"
    if isinstance(x, complex):
        parts = [number(x.real)] if x.real or not x.imag else []
        parts += (
            [f"{number(x.imag)}i".replace("1i", "i") if abs(x.imag) == 1 else f"{number(x.imag)}i"] if x.imag else []
        )
        return " + ".join(parts).replace("+ -", "- ")
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return "NaN" if math.isnan(x) else f"{x:g}"


def row(kink: Kink) -> str:
    """One line of a table."""
    point = ", ".join(f"{name} = {number(value)}" for name, value in zip(ARGUMENTS, kink.at, strict=False))
    slopes = ", ".join(map(number, kink.slopes))
    if kink.forward is not None:
        slopes += f" (forward: {', '.join(map(number, kink.forward))})"
    return f"| `{kink.code}` | {point} | {slopes} |"


def page() -> str:
    """The whole text."""
    parts = [HEAD]
    for title, (text, kinks) in KINKS.items():
        table = ["| function | at | gradient |", "|---|---|---|", *map(row, kinks)]
        if title == "Matrices":
            table += [f"| `{code}` | x = {number(at)} | `DegenerateError` |" for code, at in REFUSED]
        parts.append(f"## {title}\n\n{text}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print("docs/kinks.md is not what the table says: run python docs/kinks.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
