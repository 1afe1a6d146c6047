"""The page in a real browser: its script runs, the matrix is there, without network."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from pullback_conformance.cells import State
from pullback_conformance.report import html, json
from pullback_conformance.session import Session, run

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


@pytest.mark.skipif(BROWSER is None, reason="no Chromium: apt-get install chromium")
def test_the_page_in_a_browser(tmp_path: Path) -> None:
    outcome = run(Session(ops=["sin", "max"], level="L1", sample=4))
    earlier = json.document(outcome)
    cell = next(cell for cell in outcome.cells if cell.check == "V05.fd")
    cell.state, cell.message, cell.cause = State.FAIL, "is <b>wrong</b>", "the sign is flipped"
    page = tmp_path / "page.html"
    page.write_text(html.page([json.document(outcome)], earlier), encoding="utf-8")
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    command = [str(BROWSER), *options, "--virtual-time-budget=3000", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    body = done.stdout.partition("<body>")[2].replace(
        done.stdout.partition("<script>")[2].partition("</script>")[0], ""
    )
    assert "NOT as claimed" in body
    assert "V✖" in body
    assert "F●" in body
    assert "is &lt;b&gt;wrong&lt;/b&gt;" in body
    assert "likely cause: the sign is flipped" in body
    assert "1 cells changed since the earlier report" in body
    assert "--replay" in body
