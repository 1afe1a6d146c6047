"""The measurement of what plugins cost sees what it should see. Its times are not asserted."""

from __future__ import annotations

import discovery as measured
import pullback as pb
import pytest
from pullback.plugins import discovery


def test_questions_are_counted_and_an_op_asks_none() -> None:
    x = pb.tensor(0.5)
    pb.sin(x)
    assert measured.questions(lambda: pb.sin(x)) == 0
    assert measured.questions(discovery.plugins) > 0


def test_a_look_over_its_budget_fails(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(measured, "BUDGET", float("inf"))
    assert measured.main(["--rounds", "1", "--plugins", "2"]) == 0
    assert "questions about plugins in 1000 op calls: 0" in capsys.readouterr().out
    assert not any(plugin.name.startswith("made_up") for plugin in discovery.plugins())
    monkeypatch.setattr(measured, "BUDGET", 0.0)
    assert measured.main(["--rounds", "1", "--plugins", "1"]) == 1
