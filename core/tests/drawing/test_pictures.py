"""The pictures of docs/looking.md are what the code draws."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

DOCS = Path(__file__).parents[3] / "docs"


def test_the_pictures_are_up_to_date():
    command = [sys.executable, str(DOCS / "looking.py"), "--check"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("name", ["net", "loop"])
def test_the_page_shows_them(name: str):
    assert f"pictures/{name}.svg" in (DOCS / "looking.md").read_text(encoding="utf-8")
    ElementTree.parse(DOCS / "pictures" / f"{name}.svg")
