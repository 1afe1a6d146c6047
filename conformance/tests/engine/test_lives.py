"""The programs of the battery that look at threads, memory and processes can fail. (The faults that they must name are in
the catalogue; here is what a fault in this process cannot show.)"""

from __future__ import annotations

import pytest
from pullback_conformance.engine import BATTERY, lives
from pullback_conformance.engine.trial import together


def test_another_process_that_differs_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    BATTERY["E33.process"].run("cpu", "float64")
    monkeypatch.setattr(lives, "bits", lambda device: "00")
    with pytest.raises(AssertionError, match="here 00, there"):
        BATTERY["E33.process"].run("cpu", "float64")


def test_what_one_of_many_threads_raises_comes_through() -> None:
    seen: list[int] = []
    together(seen.append)
    assert sorted(seen) == [*range(8)]
    with pytest.raises(ZeroDivisionError):
        together(lambda k: 1 / (k - 5))
