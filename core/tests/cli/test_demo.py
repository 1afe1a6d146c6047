"""`pullback demo` fits the sine, draws it, and goes on without what only draws."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path

import pytest
from helpers.distributions import Site
from pullback.cli import main

# The least squares fit of a + b x + c x^2 + d x^3 to sin x on [-pi, pi] has, by symmetry, a = c = 0, and
# b, d solve the normal equations of x and x^3 with the integrals of x sin x and x^3 sin x.
_PI = math.pi
_MOMENTS = 2 * _PI**3 / 3, 2 * _PI**5 / 5, 2 * _PI**7 / 7
_RIGHT = 2 * _PI, 2 * _PI**3 - 12 * _PI
_DETERMINANT = _MOMENTS[0] * _MOMENTS[2] - _MOMENTS[1] ** 2
BEST = (
    0.0,
    (_RIGHT[0] * _MOMENTS[2] - _RIGHT[1] * _MOMENTS[1]) / _DETERMINANT,
    0.0,
    (_RIGHT[1] * _MOMENTS[0] - _RIGHT[0] * _MOMENTS[1]) / _DETERMINANT,
)


def demo(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert main(["demo", "--json", *options]) == 0
    return json.loads(capsys.readouterr().out)


def test_it_approaches_the_least_squares_fit(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "fit.png"
    fit = demo(capsys, "--out", str(picture), "--steps", "6000")
    assert fit["coefficients"] == pytest.approx(BEST, abs=2e-3)
    assert fit["losses"][0] > 100 * fit["losses"][-1]
    assert fit["picture"] == str(picture)
    assert picture.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("place", [("--backend", "strict"), ("--device", "strict:device1")])
def test_every_backend_gives_the_same_numbers(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, place: tuple[str, str]
) -> None:
    options = ("--steps", "50", "--out", str(tmp_path / "fit.png"))
    there, here = demo(capsys, *options, *place), demo(capsys, *options)
    assert there["device"] == place[1]
    assert here["device"] == "cpu"
    assert there["coefficients"] == pytest.approx(here["coefficients"], rel=1e-4)


def test_the_text_shows_the_polynomial(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    picture = tmp_path / "fit.png"
    assert main(["demo", "--steps", "40", "--out", str(picture)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("y = ")
    assert f"picture: {picture}" in captured.out
    assert "40/40" in captured.err


def test_without_rich_and_matplotlib_it_still_trains(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for module in ("rich.console", "matplotlib.figure"):
        monkeypatch.setitem(sys.modules, module, None)
    picture = tmp_path / "fit.png"
    assert main(["demo", "--steps", "40", "--out", str(picture)]) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("y = ")
    assert captured.err.count("pip install 'pullback[demo]'") == 2
    assert not picture.exists()


def test_an_unknown_backend_is_status_1(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--backend", "jax"]) == 1
    assert capsys.readouterr().err.startswith("pullback demo: there is no backend 'jax'.")


def test_a_picture_that_cannot_be_written_is_status_1(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["demo", "--steps", "20", "--out", str(tmp_path / "gone" / "fit.png")]) == 1
    assert "No such file" in capsys.readouterr().err
