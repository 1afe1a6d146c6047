"""Write docs/compared_with_pytorch.md: `python docs/compared_with_pytorch.py` runs every program; `--check` compares."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from types import ModuleType

HERE = Path(__file__).parent
PAGE = HERE / "compared_with_pytorch.md"
sys.path.insert(0, str(HERE.parent / "core" / "tests"))

from semantics import CHAPTERS, Row, outcome  # noqa: E402  the tables are the tests' own

HEAD = """\
# Compared with PyTorch

What a user of PyTorch's autograd finds here: {same} of {all} points do what PyTorch 2.13 does, {differ} do something else,
for a reason that stands beside them. Each row is a test. PyTorch's column was measured, and is told in short; the words of
our errors are our own, and their classes are caught as PyTorch's would be. Our column comes from running the program, in
which `x` is `[1., 2., 3.]` and requires grad, `pb` is pullback, `ag` is `pb.autograd` and `graph` is `pb.autograd.graph`.
"+ UserWarning" says that it warns. Derivatives at kinks, ties and boundaries have a page of their own:
[kinks.md](kinks.md). (This page is written by `docs/compared_with_pytorch.py`.)
"""


def cell(text: str) -> str:
    """A text inside a table."""
    return text.replace("|", "\\|").replace("\n", " ")


def code(text: str) -> str:
    """A text inside a table, as code, in as many lines as it has."""
    lines = textwrap.dedent(text).strip().split("\n")
    shown = (line.replace("|", "\\|") for line in lines)
    return "<br>".join(f"`{'·' * (len(line) - len(line.lstrip(' ')))}{line.lstrip(' ')}`" for line in shown if line)


def line(row: Row) -> str:
    """One line of a table."""
    cells = [row.id, cell(row.point), code(row.program), cell(row.torch), code(outcome(row)), cell(row.why)]
    return f"| {' | '.join(cells)} |".replace("|  |", "| |")


def chapter(module: ModuleType) -> str:
    """One table."""
    head = ["| | point | program | PyTorch | pullback | why |", "|---|---|---|---|---|---|"]
    return f"## {module.TITLE}\n\n" + "\n".join([*head, *map(line, module.ROWS)]) + "\n"


def page() -> str:
    """The whole text."""
    rows = [row for module in CHAPTERS for row in module.ROWS]
    differ = sum(bool(row.why) for row in rows)
    head = HEAD.format(all=len(rows), same=len(rows) - differ, differ=differ)
    return "\n".join([head, *map(chapter, CHAPTERS)])


def main() -> int:
    """Write the page, or say whether it is up to date."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
        return 0
    if PAGE.read_text(encoding="utf-8") == page():
        return 0
    print(
        "docs/compared_with_pytorch.md is not what the programs give: run docs/compared_with_pytorch.py",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
