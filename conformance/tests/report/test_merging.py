"""Parts of a run put together, and what cannot be put together; the command `merge` and the options of a run."""

from __future__ import annotations

import json as library
from pathlib import Path
from typing import Any

import pytest
from pullback_conformance import cli
from pullback_conformance.report import json, markdown, merging
from pullback_conformance.session import Session, run

from .conftest import DAY


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory, healthy: dict[str, Any], gapped: dict[str, Any]) -> dict[str, Path]:
    """A run, the same in two parts, another backend, and what --mutate writes."""
    folder = tmp_path_factory.mktemp("reports")
    parts = [json.document(run(Session(ops=[op], level="L1", sample=4)), today=DAY) for op in ("sin", "max")]
    made = {"whole": healthy, "sin": parts[0], "max": parts[1], "strict": gapped}
    for name, report in made.items():
        json.write(report, folder / f"{name}.json")
    (folder / "teeth.json").write_text('{"mutation": {"killed": 1, "total": 1}}')
    return {path.stem: path for path in folder.glob("*.json")}


def test_the_parts_of_a_run_are_the_run(files: dict[str, Path], healthy: dict[str, Any]) -> None:
    (merged,), teeth = merging.read([files["sin"], files["max"]])
    assert teeth == {}
    assert set(json.entries(merged)) == set(json.entries(healthy))
    for key in ("denominator", "totals", "ok", "backend", "level", "ops", "worst", "pass_rate"):
        assert merged[key] == healthy[key], key
    assert merged["subset"] == "ops sin; every 4. sample; ops max; every 4. sample"


def test_backends_stand_beside_each_other(files: dict[str, Path]) -> None:
    reports, teeth = merging.read([files["sin"], files["strict"], files["max"], files["teeth"]])
    assert [report["backend"]["name"] for report in reports] == ["numpy", "strict"]
    assert teeth == {"mutation": {"killed": 1, "total": 1}}


def test_what_does_not_fit_together_is_refused(files: dict[str, Path], tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"cells are in two reports of numpy, the first is cpu\|sin\|"):
        merging.read([files["whole"], files["sin"]])
    other = library.loads(files["max"].read_text()) | {"seed": 7}
    (tmp_path / "seven.json").write_text(library.dumps(other))
    with pytest.raises(ValueError, match="reports of numpy differ in seed"):
        merging.read([files["sin"], tmp_path / "seven.json"])
    with pytest.raises(ValueError, match="none of the files is a report of cells"):
        merging.read([files["teeth"]])
    (tmp_path / "else.json").write_text("{}")
    with pytest.raises(ValueError, match="is no report of this schema"):
        merging.read([tmp_path / "else.json"])


def test_the_command_writes_what_it_is_asked_for(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "support.md"
    page.write_text(f"{markdown.BEGIN}{markdown.END}")
    asked = {"-o": "a.html", "--junit": "a.xml", "--markdown": "a.md", "--table": "support.md"}
    words = [word for option, name in asked.items() for word in (option, str(tmp_path / name))]
    status = cli.main(["merge", *(str(files[name]) for name in ("sin", "max", "strict", "teeth")), *words])
    assert status == 0
    assert "4 files, 2 reports" in capsys.readouterr().out
    assert "strict:no_float64" in (tmp_path / "a.html").read_text()
    assert "<testsuites" in (tmp_path / "a.xml").read_text()
    assert "1 of 1 faults" in (tmp_path / "a.md").read_text()
    assert "| `take` |" in page.read_text()


def test_parts_can_be_written_as_one_json_and_backends_cannot(
    files: dict[str, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "whole.json"
    assert cli.main(["merge", str(files["sin"]), str(files["max"]), "--json", str(target)]) == 0
    assert json.read(target)["denominator"]["ops"] == 2
    assert cli.main(["merge", str(files["sin"]), str(files["strict"]), "--json", str(tmp_path / "b.json")]) == 2
    assert "these are of numpy, strict" in capsys.readouterr().err
    assert not (tmp_path / "b.json").exists()


def test_a_red_report_makes_the_command_fail(broken: dict[str, Any], tmp_path: Path) -> None:
    json.write(broken, tmp_path / "broken.json")
    assert cli.main(["merge", str(tmp_path / "broken.json"), "-o", str(tmp_path / "a.html")]) == 1


def test_a_run_writes_them_too(tmp_path: Path, files: dict[str, Path]) -> None:
    names = {"--json": "r.json", "--report": "r.html", "--junit": "r.xml", "--markdown": "r.md"}
    words = [word for option, name in names.items() for word in (option, str(tmp_path / name))]
    status = cli.main(["--op", "sin", "--level", "L0", "--sample", "9", "-q", "--diff", str(files["sin"]), *words])
    assert status == 0
    assert json.read(tmp_path / "r.json")["ops"].keys() == {"sin"}
    assert '"diff":{"since":"2026-11-01"' in (tmp_path / "r.html").read_text()
    assert "| cpu | standard" in (tmp_path / "r.md").read_text()
    assert 'name="cpu sin"' in (tmp_path / "r.xml").read_text()
