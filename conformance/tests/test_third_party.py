"""A third party's op package: healthy it passes, and each of six breaks is named by the right check."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

PACKAGE = Path(__file__).parents[2] / "examples/third_party/acme-ops/src/acme_ops"

BREAKS = [
    ("a sign", "x=lambda xp, t, y: t * (y + 1)", "x=lambda xp, t, y: -t * (y + 1)", "V05.fd"),
    ("an overflow", "t / (1 + xp.exp(-x))", "t * xp.exp(x * 300) / (1 + xp.exp(x * 300))", "V05.fd"),
    ("a kink", "t / (1 + xp.abs(x)) ** 2", "t / (1 + xp.abs(x)) ** 2 * (x / x)", "V16.kink"),
    ("a cotangent squared", "y=lambda xp, t, x: t * x", "y=lambda xp, t, x: t * t * x", "V10.linear"),
    ("a kernel", "out += 1", "out += 1.001", "F14.kernel"),
    ("a double for a single", "t / (1 + xp.exp(-x))", "xp.astype(t, xp.float64) / (1 + xp.exp(-x))", "V03.dtype"),
]


def check(package: Path, tmp_path: Path) -> tuple[int, dict[str, Any]]:
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pullback_conformance", "--plugin", "acme_ops.conformance", "--level", "L3", "-q"]
    environment = os.environ | {"PYTHONPATH": str(package.parent)}
    done = subprocess.run(
        [*command, "--json", str(report)], env=environment, capture_output=True, text=True, check=False
    )
    assert report.exists(), done.stderr
    return done.returncode, json.loads(report.read_text())


def test_as_it_is(tmp_path: Path) -> None:
    status, report = check(PACKAGE, tmp_path)
    assert status == 0, report["cells"][:3]
    assert report["totals"]["PASS"] > 1000


@pytest.mark.parametrize(("old", "new", "named"), [b[1:] for b in BREAKS], ids=[b[0] for b in BREAKS])
def test_broken(old: str, new: str, named: str, tmp_path: Path) -> None:
    broken = tmp_path / "acme_ops"
    shutil.copytree(PACKAGE, broken)
    source = broken / "__init__.py"
    assert old in source.read_text()
    source.write_text(source.read_text().replace(old, new))
    status, report = check(broken, tmp_path)
    assert status == 1
    assert named in {cell["check"] for cell in report["cells"] if cell["state"] == "FAIL"}
