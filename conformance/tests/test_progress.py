"""The bar: what it shows on a terminal, and that it shows nothing elsewhere."""

from __future__ import annotations

import io

from pullback_conformance import progress
from pullback_conformance.cells import Cell, Group, State


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def group(*states: State) -> Group:
    cells = [Cell("cpu", "sin", f"s{i}", "float64", "V05.fd", state) for i, state in enumerate(states)]
    return Group("cpu", "sin", "float64", cells)


def test_on_a_terminal(monkeypatch) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    monkeypatch.setenv("COLUMNS", "100")
    terminal = Terminal()
    with progress.Progress(4, stream=terminal) as done:
        done(group(State.PASS, State.PASS))
        assert terminal.getvalue().endswith(
            "[###############...............] 2/4  all as claimed  0 s  cpu sin float64"
        )
        done(group(State.FAIL, State.GAP))
        assert "[##############################] 4/4  1 red" in terminal.getvalue()
    assert terminal.getvalue().endswith("\r\x1b[K")


def test_a_narrow_terminal_is_not_overrun(monkeypatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    assert len(progress.Progress(10).line("a device and the long name of an op")) == 39


def test_elsewhere_nothing_is_written() -> None:
    for stream, quiet in ((io.StringIO(), False), (Terminal(), True)):
        with progress.Progress(2, quiet=quiet, stream=stream) as done:
            done(group(State.PASS, State.FAIL))
        assert stream.getvalue() == ""
        assert done.red == 1


def test_it_is_not_drawn_more_often_than_eyes_see(monkeypatch) -> None:
    monkeypatch.setattr(progress, "_EVERY", 3600.0)
    terminal = Terminal()
    with progress.Progress(4, stream=terminal) as done:
        done(group(State.PASS, State.PASS))
        assert terminal.getvalue() == ""
        done(group(State.PASS, State.PASS))
        assert terminal.getvalue().count("4/4") == 1
