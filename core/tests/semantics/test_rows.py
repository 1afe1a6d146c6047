"""Every row: what pullback gives, exactly; that it is what PyTorch gives, or why not; and the page that shows it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

from semantics import CHAPTERS, Row
from semantics.row import run

ROWS = [pytest.param(row, id=row.id) for chapter in CHAPTERS for row in chapter.ROWS]
GENERATOR = Path(__file__).parents[3] / "docs" / "compared_with_pytorch.py"
SIZES = {2: 42, 3: 33, 4: 6, 5: 25, 6: 11, 7: 13, 8: 12, 9: 16, 10: 60, 11: 7}
"""Section of the measurements -> how many points were measured there. The points of section 1 are docs/kinks.md."""


@pytest.mark.parametrize("row", ROWS)
def test_a_row(row: Row) -> None:
    found, error = run(row.program)
    assert found == row.ours
    kind = row.caught_as
    if kind is not None and not row.why:
        assert isinstance(error, kind), f"PyTorch raises {kind.__name__}"
    if kind is None and not row.why:
        assert error is None, "PyTorch does not raise"


@pytest.mark.parametrize("row", ROWS)
def test_what_differs_has_a_reason_and_what_does_not_has_none(row: Row) -> None:
    if row.torch.startswith(("tensor(", "(", "[", "'", "True", "False", *"0123456789")):  # a value, not a description
        assert (found := run(row.program)[0]) != row.torch or not row.why, found
        assert found == row.torch or row.why
    assert not row.why or row.why.endswith((".", ".)"))


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.__name__)
def test_no_row_is_missing(chapter: ModuleType) -> None:
    """The rows of a chapter are numbered as the points that were measured; a letter marks a second program for one."""
    sections, numbers = zip(*(row.id.split()[0].split(".") for row in chapter.ROWS), strict=True)
    (section,) = set(sections)
    points = list(dict.fromkeys(map(int, numbers)))
    assert points == list(range(1, chapter.COUNT + 1))
    assert SIZES[int(section)] == chapter.COUNT


def test_a_row_that_is_wrong_is_noticed() -> None:
    assert run("1 + 1")[0] == "2"
    assert run("pb.ones(1).retain_grad()")[0] == "AutogradError (RuntimeError)"
    assert run("float(x[0])")[0] == "1.0 + UserWarning"
    assert run("1 / 0")[0] == "ZeroDivisionError"


def test_the_page_shows_the_rows() -> None:
    done = subprocess.run([sys.executable, str(GENERATOR), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
