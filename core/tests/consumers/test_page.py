"""docs/consumers.md says what the tables say."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[3] / "docs" / "consumers.py"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_consumers", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_current(script: ModuleType) -> None:
    assert script.main(["--check"]) == 0


@pytest.mark.parametrize(
    ("before", "after"),
    [("| `stats.zscore(x)` | x |  |\n", ""), ("converts to NumPy", "works"), ("| all | | 1", "| all | | 2")],
)
def test_a_page_that_is_not_current_is_noticed(
    script: ModuleType, before: str, after: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    assert before in text
    monkeypatch.setattr(script, "PAGE", tmp_path / "page.md")
    script.PAGE.write_text(text.replace(before, after), encoding="utf-8")
    assert script.main(["--check"]) == 1


def test_versions_alone_do_not_make_it_stale(
    script: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = script.PAGE.read_text(encoding="utf-8")
    monkeypatch.setattr(script, "PAGE", tmp_path / "page.md")
    script.PAGE.write_text(text.replace("## scipy 1.", "## scipy 2."), encoding="utf-8")
    assert script.main(["--check"]) == 0


def test_the_program_on_the_page_runs(script: ModuleType) -> None:
    code = script.HEAD.split("```python\n")[1].split("```")[0]
    scope: dict = {}
    exec(code, scope)  # noqa: S102  the program that readers copy
    assert scope["x"].grad.shape == (8, 3)
