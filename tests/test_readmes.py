"""The programs of the documents run as they stand, and print what the documents say."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from import_graph import ROOT

DOCUMENTS = [
    path
    for pattern in ("*.md", "core/*.md", "conformance/*.md", "backends/*/*.md", "plugins/*/*.md", "docs/**/*.md")
    for path in sorted(ROOT.glob(pattern))
]
PROGRAM = re.compile(
    r"^```python\n(?P<source>.*?)^```$(?:\s*^```text\n(?P<output>.*?)^```$)?", re.MULTILINE | re.DOTALL
)
PROGRAMS = {
    f"{path.relative_to(ROOT).as_posix()}:{number}": match.groupdict()
    for path in DOCUMENTS
    for number, match in enumerate(PROGRAM.finditer(path.read_text(encoding="utf-8")))
}


@pytest.mark.parametrize("place", PROGRAMS)
def test_a_program_prints_what_is_shown(place: str, tmp_path: Path):
    program = PROGRAMS[place]
    command = [sys.executable, "-W", "error", "-c", program["source"]]
    result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert result.stdout == (program["output"] or "")


def test_the_programs_are_found():
    assert sum(place.startswith("README.md") for place in PROGRAMS) >= 3
    fences = sum(
        path.read_text(encoding="utf-8").count("```python\n") for path in DOCUMENTS
    )  # one with a name is a file
    assert len(PROGRAMS) == fences


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_files_lead_somewhere(path: Path):
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
        assert (path.parent / target).exists(), f"{path.name} links to {target}"


def test_the_gate_runs_the_test_command_of_the_readme():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    gate = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in ("python3 bootstrap.py test", "python3 bootstrap.py demo"):
        assert re.search(rf"^ +{command} ", readme, re.MULTILINE)
        assert re.search(rf"^step {command}\b", gate, re.MULTILINE)
