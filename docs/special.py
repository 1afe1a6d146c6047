"""Write docs/special.md from the tables that the tests hold: `python docs/special.py`; `--check` only compares."""

from __future__ import annotations

import argparse
import math
import sys
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE / "special.md"
sys.path.insert(0, str(HERE.parent / "plugins" / "special" / "tests"))

from pullback_special.conformance.table import CHAPTERS, ROWS, Row  # noqa: E402
from special_edges import EDGES, Edge  # noqa: E402  the tables are the tests' own

HEAD = """\
# Special functions

`pip install 'pullback[special]'` brings the functions of `scipy.special`: `from pullback_special import erf`, or
`pb.ops.special.erf`. They are also the attribute `special` of the namespace of every Tensor, where SciPy looks first:
see [consumers.md](consumers.md). The derivatives are exact rules, in both modes and of every order.

Each row below is a test: values, slopes and curvatures at several points against mpmath with 40 digits, on NumPy and
on array-api-strict; forward mode and `vmap` against reverse mode; single precision against double precision. The
numbers are the largest error that the tests allow, in units of the last place of float64, relative to the exact
value. Away from the points of the tests, what is a difference loses digits where the terms cancel: the slope of `i0e`
and `k0e` for large x, of `beta` for arguments of very different size. *Refused* are the arguments without a
derivative in closed form: a gradient by them raises `NoDerivativeError`, which names function and argument; the
values are right. By a count, which SciPy rounds down, the derivative is 0. (This page is written by
`docs/special.py`.)

`logsumexp`, `softmax` and `log_softmax` are here, too, as compositions of functions of the standard.

On CuPy the values come from `cupyx.scipy.special`. It lacks a few functions (`jv`, `iv`, `kv`, `hyp1f1`, `stdtr`,
`ellipe`, ...): those raise there, and say that `.to("cpu")` helps. Any other library is served by SciPy if its arrays
are in the memory of the host.
"""


def number(x: float) -> str:
    """A number as one would write it."""
    if math.isinf(x):
        return "inf" if x > 0 else "-inf"
    return "NaN" if math.isnan(x) else f"{x:.6g}"


def function(row: Row) -> str:
    """One line of the table of functions."""
    by = ", ".join(name for i, name in enumerate(row.names) if i in row.wrt)
    refused = ", ".join(row.refused.split())
    zero = ", ".join(row.counted.split())
    errors = f"{row.values:g} | {row.slopes:g} | {row.curvatures:g}" if row.wrt else f"{row.values:g} | |"
    numbers = "real, complex" if row.complex else "real"
    name = f"`{row.name}`" + (f" ({row.note})" if row.note else "")
    return f"| {name} | {', '.join(row.names)} | {by} | {refused} | {zero} | {numbers} | {errors} |"


def edge(row: Edge) -> str:
    """One line of a table of edges."""
    names = ROWS[row.name].names
    point = ", ".join(f"{name} = {number(value)}" for name, value in zip(names, row.at, strict=True))
    return f"| `{row.name}({', '.join(names)})` | {point} | {', '.join(map(number, row.slopes))} |"


def page() -> str:
    """The whole text."""
    parts = [HEAD]
    for title, rows in CHAPTERS.items():
        head = [
            "| function | arguments | by | refused | 0 by | numbers | values | slopes | curvatures |",
            f"|{'---|' * 9}",
        ]
        parts.append(f"## {title}\n\n" + "\n".join([*head, *map(function, rows)]) + "\n")
    parts.append("## Edges\n\nThe gradient for the cotangent 1, by the arguments that have a derivative.\n")
    for title, (text, edges) in EDGES.items():
        table = ["| function | at | gradient |", "|---|---|---|", *map(edge, edges)]
        parts.append(f"### {title}\n\n{text}\n\n" + "\n".join(table) + "\n")
    return "\n".join(parts)


def main(argv: list[str] | None = None) -> int:
    """Write the page, or say whether it is current."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit with 1 if the page is not current")
    if not parser.parse_args(argv).check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(f"{PAGE.name} is not current: run python docs/special.py", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
