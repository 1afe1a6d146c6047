"""Reports to write and to read: small runs, made once."""

from __future__ import annotations

import copy
import datetime
from typing import Any

import pytest
from pullback_conformance.cells import State
from pullback_conformance.report import json
from pullback_conformance.session import Outcome, Session, prepare, run

DAY = datetime.date(2026, 11, 1)


@pytest.fixture(scope="session")
def outcome() -> Outcome:
    """A run on NumPy in which everything passed."""
    return run(Session(ops=["sin", "max"], level="L1", sample=4))


@pytest.fixture(scope="session")
def healthy(outcome: Outcome) -> dict[str, Any]:
    """Its report."""
    return json.document(outcome, today=DAY)


@pytest.fixture(scope="session")
def broken(outcome: Outcome) -> dict[str, Any]:
    """The same with a wrong gradient, an undecided cell, and one that was not run."""
    outcome = copy.deepcopy(outcome)
    gradient, undecided, lost = (
        next(cell for cell in outcome.cells if cell.check == check) for check in ("V05.fd", "V06.mpmath", "V07.complex")
    )
    gradient.state, gradient.message, gradient.cause = State.FAIL, "is <b>wrong</b> | \x00here", "the sign is flipped"
    undecided.state, undecided.message = State.INCONCLUSIVE, "the oracle cannot say"
    lost.state, lost.message = State.NOT_RUN, "the worker died"
    return json.document(outcome, today=DAY)


@pytest.fixture(scope="session")
def gapped() -> dict[str, Any]:
    """The report of a backend with gaps, on two devices of which one has no double precision."""
    devices = ["strict", "strict:no_float64"]
    return json.document(run(Session(backend="strict", devices=devices, ops=["take"], level="L3", sample=6)), today=DAY)


@pytest.fixture(scope="session")
def unavailable() -> dict[str, Any]:
    """The report of a backend that cannot run here."""
    outcome = prepare(Session(ops=["sin"], level="L1"))
    outcome.unavailable = "the driver is too old"
    for cell in outcome.cells:
        cell.state, cell.message = State.NOT_RUN, outcome.unavailable
    return json.document(outcome, today=DAY)
