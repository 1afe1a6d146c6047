"""The page in a real browser, opened from a file without a network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path

import pullback as pb
import pytest
from pullback.drawing import Drawing

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))), None)
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-sync"),
    *("--no-first-run", "--hide-scrollbars", "--disable-component-update", "--window-size=1000,1400"),
]

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed to open the page with")

LOOK = """
<script>
const boxes = [...document.querySelectorAll('.pullback-page > .scroll [data-key]')];
const seen = {
  boxes: boxes.length,
  titles: boxes.map(box => box.querySelector('.title').firstChild.textContent.trim()),
  spilled: [], clicked: false, alerts: window.alerts,
  scripts: document.scripts.length,
  network: performance.getEntriesByType('resource').map(entry => entry.name),
};
for (const box of boxes) {
  const rect = box.querySelector('rect').getBoundingClientRect();
  for (const text of box.querySelectorAll('text')) {
    const place = text.getBoundingClientRect();
    if (place.left < rect.left || place.right > rect.right || place.bottom > rect.bottom + 1 || place.top < rect.top - 1)
      seen.spilled.push(text.textContent);
  }
}
const badge = document.querySelector('.pullback-page > .scroll .badge-group');
const details = document.querySelector('details[data-repeat]');
seen.before = details.open;
badge.dispatchEvent(new MouseEvent('click', {bubbles: true}));
seen.after = details.open;
seen.unrolled = details.querySelectorAll('[data-key].op').length;
seen.height = details.getBoundingClientRect().height;
document.body.insertAdjacentHTML('beforeend', '<pre id="seen"></pre>');
document.getElementById('seen').textContent = JSON.stringify(seen);
</script>
"""


def opened(page: Path, folder: Path, *flags: str) -> str:
    """What the browser prints for a page."""
    assert BROWSER is not None
    command = [BROWSER, *FLAGS, f"--user-data-dir={folder / 'profile'}", *flags, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=120).stdout


@pytest.fixture
def loop() -> Drawing:
    """A drawing of a loop, with a name that would like to be a program."""
    pb.manual_seed(0)
    w, u = pb.randn(2, 4, requires_grad=True), pb.randn(4, 4, requires_grad=True)
    h = pb.zeros(3, 4)
    for _ in range(20):
        h = pb.tanh(pb.randn(3, 2) @ w + h @ u)
    loss = h.sum()
    hostile = "</title></svg><script>window.alerts += 1</script><img src=x onerror='window.alerts += 1'>"
    return pb.autograd.graph.draw(loss, params={"a_rather_long_name_of_a_parameter": w, hostile: u}, loss=loss)


def test_the_page_shows_every_box_unrolls_a_repeat_on_a_click_and_runs_no_name(loop: Drawing, tmp_path: Path):
    page = tmp_path / "page.html"
    before, after = loop.html.split("<body>")
    page.write_text(
        f"{before}<body><script>window.alerts = 0</script>{after.replace('</body>', LOOK + '</body>')}",
        encoding="utf-8",
    )
    dom = opened(page, tmp_path, "--dump-dom")
    seen = json.loads(html.unescape(re.findall(r'<pre id="seen">(.*?)</pre>', dom, re.DOTALL)[-1]))
    assert seen["boxes"] == 8
    assert sorted(seen["titles"])[2:] == ["add", "loss", "matmul", "matmul", "sum", "tanh"]
    assert seen["spilled"] == []
    assert (seen["before"], seen["after"]) == (False, True)
    assert seen["unrolled"] == 80
    assert seen["height"] > 500
    assert seen["alerts"] == 0
    assert seen["scripts"] == 3  # the page's own, and two of this test
    assert seen["network"] == []


def test_two_drawings_in_one_notebook_open_each_their_own(loop: Drawing, tmp_path: Path):
    page = tmp_path / "notebook.html"
    click = """<script>
    for (const badge of document.querySelectorAll('.pullback-page > .scroll .badge-group'))
      badge.dispatchEvent(new MouseEvent('click', {bubbles: true}));
    </script>"""
    page.write_text(f"<!DOCTYPE html><meta charset=utf-8>{loop._repr_html_() * 2}{click}", encoding="utf-8")
    dom = opened(page, tmp_path, "--dump-dom")
    assert len(re.findall(r"<details data-repeat=\"\w+\" open", dom)) == 2


def test_the_picture_alone_is_painted(loop: Drawing, tmp_path: Path):
    picture = tmp_path / "picture.svg"
    loop.save(picture)
    shot = tmp_path / "shot.png"
    opened(picture, tmp_path, f"--screenshot={shot}")
    assert shot.read_bytes().startswith(b"\x89PNG")
    assert shot.stat().st_size > 15_000  # an empty page of this size takes 6 kB, the picture 40
